"""`backlog`, `retry` and `drop` beside a store that is open elsewhere, as a running server's is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import Reason
from bot.ports import Store
from bot.store import open_store
from tests.api.commands.conftest import Command
from tests.contracts.steps import a_subscription, an_incident, fired, look_taken, the_notification
from tests.fakes import NOW

HOSTILE = "evil\x1b[2J\r\nrule\u202etxt"


async def a_dead_letter(store: Store, rule: str = HOSTILE) -> int:
    """Give up the card of an incident of this rule; return its id."""
    await an_incident(store, fired(f"of {rule!r}", rule=rule))
    await look_taken(store)
    notification = await the_notification(store)
    card = {"type": "AdaptiveCard", "body": [HOSTILE]}
    assert await store.fail(notification, Reason.BAD_REQUEST, NOW, detail=HOSTILE, card=card)
    return notification.id


async def test_the_backlog_of_a_quiet_bot(url: str, command: Command) -> None:
    async with open_store(url):
        told = await command(url, "backlog")
        assert (told.code, told.err) == (0, "")
        assert told.out.splitlines()[0].split("  ")[0] == "WORK"
        assert told.out.splitlines()[-1] == "Nothing was given up."


async def test_what_is_due_and_given_up_is_told_and_nothing_of_it_reaches_the_terminal_as_it_came(
    url: str, command: Command
) -> None:
    async with open_store(url) as store:
        await a_subscription(store)
        dead = await a_dead_letter(store)
        await an_incident(store, fired("waits", rule="another rule"))
        told = await command(url, "backlog")
    assert told.code == 0
    (row,) = [line for line in told.out.splitlines() if line.startswith(f"{dead} ")]
    for words in (
        "#1",
        "evil\ufffd[2J\ufffd\ufffdrule\ufffdtxt",
        "General",
        "bad request",
        "2026-03-04 09:38:59Z",
    ):
        assert words in row
    (looks,) = [line for line in told.out.splitlines() if line.startswith("look")]
    assert looks.split()[1:3] == ["1", "0"]
    assert set(told.out) <= {"\n", *(c for c in told.out if c.isprintable())}
    assert told.out.splitlines()[-1].startswith("To send one again: python -m api retry ID.")


async def test_as_json_it_has_the_card_that_was_refused(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await a_subscription(store)
        dead = await a_dead_letter(store)
        told = await command(url, "backlog", "--json")
    assert told.out.isascii()
    assert told.json["work"]["notification"]["failed"] == 1
    (letter,) = told.json["dead_letters"]
    assert (letter["id"], letter["number"], letter["rule"]) == (dead, 1, HOSTILE)
    assert (letter["detail"], letter["card"]["body"]) == (HOSTILE, [HOSTILE])
    assert letter["failed_at"] == "2026-03-04T09:38:59Z"


async def test_only_the_newest_are_shown_and_that_there_are_more(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await a_subscription(store)
        for n in range(3):
            await a_dead_letter(store, rule=f"rule {n}")
        told = await command(url, "backlog", "--limit", "2")
    assert [line.split()[1] for line in told.out.splitlines() if "#" in line] == ["#3", "#2"]
    assert "These are the newest 2 of 3; --limit shows more." in told.out


async def test_a_dead_letter_is_sent_again(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await a_subscription(store)
        dead = await a_dead_letter(store)
        told = await command(url, "retry", str(dead))
        assert (told.code, told.err) == (0, "")
        assert told.out == f"Dead letter {dead} is due again; a running bot sends it within seconds.\n"
        assert await store.dead_letters() == []
        again = await command(url, "retry", str(dead))
        assert (again.code, again.out) == (1, "")
        assert again.err == f"There is no dead letter {dead}; python -m api backlog lists them.\n"


async def test_a_dead_letter_is_taken_off_the_list_and_why_is_kept(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await a_subscription(store)
        dead = await a_dead_letter(store)
        told = await command(url, "drop", str(dead), "--reason", "the team was deleted", "--json")
        assert (told.code, told.json) == (0, {"id": dead, "dropped": True})
        assert await store.dead_letters() == []
        assert (await command(url, "drop", str(dead), "--reason", "x")).code == 1
        assert (await command(url, "retry", str(dead))).code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["retry"],
        ["retry", "x"],
        ["retry", "0"],
        ["retry", "-1"],
        ["retry", "²"],
        ["retry", str(2**63)],
        ["drop", "1"],
        ["drop", "1", "--reason", " "],
        ["drop", "1", "--reason", "x" * 201],
        ["backlog", "--limit", "0"],
        ["forget"],
    ],
)
async def test_what_cannot_be_understood_is_refused_before_anything_is_opened(
    tmp_path: Path, command: Command, words: list[str]
) -> None:
    told = await command(f"sqlite:///{tmp_path}/auditor.db", *words)
    assert (told.code, told.out) == (2, "")
    assert "python -m api" in told.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["backlog"], ["retry", "1"], ["drop", "1", "--reason", "x"]])
async def test_where_there_is_no_database_none_is_made(
    tmp_path: Path, command: Command, words: list[str]
) -> None:
    told = await command(f"sqlite:///{tmp_path}/auditor.db", *words)
    assert (told.code, told.out) == (1, "")
    assert (
        told.err == f"There is no database at {tmp_path}/auditor.db yet; the bot makes it when it starts.\n"
    )
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_no_database_is_told_in_one_sentence(tmp_path: Path, command: Command) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to look at" * 100)
    told = await command(f"sqlite:///{tmp_path}/x.db", "backlog")
    assert (told.code, told.out) == (1, "")
    assert told.err == (
        "The database cannot be used: file is not a database. `python -m api doctor` says more.\n"
    )


async def test_a_database_that_does_not_answer_is_told_without_its_password(command: Command) -> None:
    told = await command("postgresql://u:hunter2@127.0.0.1:1/d", "backlog")
    assert told.code == 1
    assert told.err.startswith("The database cannot be used: ")
    assert "hunter2" not in told.err
    assert told.err.count("\n") == 1

"""`ledger` beside a store that is open elsewhere, as a running server's is."""

from __future__ import annotations

from audit.incident import Person
from bot.store import open_store
from tests.api.commands.conftest import Command
from tests.contracts.asking import asked, put
from tests.contracts.steps import ALICE, GENERAL
from tests.contracts.test_ledger import meddle, write
from tests.fakes import NOW

HOSTILE = "evil\x1b[2J\r\nline\u202etxt"


async def test_the_ledger_of_a_bot_that_nobody_asked(url: str, command: Command) -> None:
    async with open_store(url):
        for words in ((), ("--check",)):
            told = await command(url, "ledger", *words)
            assert (told.code, told.err) == (0, "")
            assert told.out == "Nobody has asked or done anything yet.\n"
        assert (await command(url, "ledger", "--json")).json == {"entries": []}
        assert (await command(url, "ledger", "--check", "--json")).json == {"broken": None, "newest": None}


async def test_lines_are_told_newest_first_and_nothing_of_them_reaches_the_terminal_as_it_came(
    url: str, command: Command
) -> None:
    async with open_store(url) as store:
        await asked(store, put(line=HOSTILE, by=Person(id="o", name=HOSTILE)))
        await store.write("acknowledged", ALICE, GENERAL.id, NOW, about="#12")
        told = await command(url, "ledger")
    assert (told.code, told.err) == (0, "")
    head, *lines = told.out.splitlines()
    assert head.split() == ["LINE", "AT", "WHAT", "BY", "WHERE", "ABOUT", "ROWS", "OUTCOME"]
    assert [line.split()[0] for line in lines] == ["3", "2", "1"]
    assert all(words in lines[0] for words in ("2026-03-04 09:38:59Z", "acknowledged", "Alice", "#12"))
    assert "evil\ufffd[2J\ufffd\ufffdline\ufffdtxt" in lines[2]
    assert set(told.out) <= {"\n", *(c for c in told.out if c.isprintable())}


async def test_as_json_it_has_every_word_and_hash(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await asked(store, put(line=HOSTILE))
        told = await command(url, "ledger", "--json")
        kept = await store.entries()
    assert told.out.isascii()
    answered, line = told.json["entries"]
    assert (line["number"], line["what"], line["about"]) == (1, "asked", HOSTILE)
    assert line["by"] == {"id": ALICE.id, "name": ALICE.name}
    assert (line["at"], line["hash"]) == ("2026-03-04T09:38:59Z", kept[1].hash)
    assert (answered["rows"], answered["outcome"]) == (7, "ok")


async def test_only_the_newest_are_shown_and_that_there_are_more(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await write(store, 3)
        told = await command(url, "ledger", "--limit", "2")
    assert [line.split()[0] for line in told.out.splitlines()[1:3]] == ["3", "2"]
    assert told.out.splitlines()[-1] == "These are the newest 2; --limit shows more."


async def test_a_ledger_as_it_was_written_is_told_with_what_to_note(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await write(store, 3)
        (newest,) = await store.entries(1)
        told = await command(url, "ledger", "--check")
        as_json = await command(url, "ledger", "--check", "--json")
    assert (told.code, told.err) == (0, "")
    assert told.out == f"The ledger is as it was written, up to line 3 with the hash {newest.hash}.\n"
    assert as_json.json == {"broken": None, "newest": {"number": 3, "hash": newest.hash}}


async def test_a_ledger_that_somebody_changed_is_told_and_ends_with_1(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await write(store, 3)
        await meddle(url, "UPDATE ledger SET about = 'nothing' WHERE number = 2")
        told = await command(url, "ledger", "--check")
        as_json = await command(url, "ledger", "--check", "--json")
    assert (told.code, told.out) == (1, "")
    assert told.err == "Line 2 of the ledger is not what was written, or is missing.\n"
    assert (as_json.code, as_json.json["broken"]) == (1, 2)

"""When what is outside does not work: what the card says then, and that it is put right once it works again."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.app import Deadlines
from sandbox.check import text_of
from sandbox.teams_faults import Fault
from tests.flows.laptop import Json, Laptop, laptop
from tests.flows.reading import cards, click, incident, incidents, say, saying
from tests.flows.wire import is_one_sentence, kept, settled
from tests.samples import sample


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A fault of the workspace, and how the card tells of it."""

    kind: str
    says: str
    options: dict[str, Any] = field(default_factory=dict)
    deadlines: Deadlines | None = None


BROKEN = {
    "down": Broken(kind="down", says="The audit log could not be reached."),
    "slow": Broken(
        kind="slow",
        says="The audit log did not answer in time.",
        options={"seconds": 1.5},
        deadlines=Deadlines(query=timedelta(seconds=1)),
    ),
    "the service's own time limit": Broken(kind="timeout", says="The audit log did not answer in time."),
    "garbage": Broken(kind="garbage", says="answered something that could not be understood."),
    "garbage in the middle": Broken(
        kind="garbage", says="answered something that could not be understood.", options={"cut": True}
    ),
    "throttled": Broken(kind="throttled", says="being asked too much", options={"seconds": 0}),
    "a token that is refused": Broken(kind="unauthorized", says="The audit log could not be reached."),
    "forbidden": Broken(
        kind="forbidden", says="Give the bot's identity the role Log Analytics Reader on it."
    ),
}


async def wake(it: Laptop, minutes: float) -> None:
    """Let time pass; the same delivery again changes nothing, but the worker looks at the clock at once."""
    it.clock.pass_time(minutes=minutes)
    answer = await it.post_alert(it.body)
    assert (answer.status, (await answer.json())["repeated"]) == (202, True)


def no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("name", BROKEN)
async def test_without_the_workspace_the_card_says_so_and_gets_its_evidence_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    broken = BROKEN[name]
    async with laptop(tmp_path, deadlines=broken.deadlines) as it:
        it.site.workspace_faults.set(broken.kind, **broken.options)
        await it.post_alert(it.body)
        before = await it.see(incident)
        said = text_of(before["card"])
        assert broken.says in said
        assert "Trying again until" in said
        for fact in (
            "Alert counted 6",
            "window 09:32:52–09:37:52",
            "AKS-CoreDNS-Changed",
            "Sev2",
            "aks-prod-weu",
        ):
            assert fact in said
        assert "workspace returned" not in said
        await settled(it)
        it.site.workspace_faults.set(None)
        await wake(it, minutes=2)
        after = await it.see(saying("workspace returned 6"), "the evidence")
        assert after["id"] == before["id"]
        assert broken.says not in text_of(after["card"])
        assert len(incidents(await it.page.state())) == 1
    no_traceback(caplog)


async def test_the_worker_looks_at_the_clock_by_itself(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        it.site.workspace_faults.set("down")
        await it.page.call("fire")
        await it.see(saying("could not be reached"))
        await settled(it)
        it.site.workspace_faults.set(None)
        it.clock.pass_time(minutes=2)
        await it.see(saying("workspace returned 6"), patience=5)


async def test_a_workspace_that_stays_away_is_given_up_after_an_hour_and_the_card_says_what_to_do(
    tmp_path: Path,
) -> None:
    async with laptop(tmp_path) as it:
        it.site.workspace_faults.set("down")
        await it.post_alert(it.body)
        await it.see(saying("Trying again until"))
        await settled(it)
        await wake(it, minutes=61)
        said = text_of((await it.see(saying("Ask by chat in a few minutes, or look in the portal.")))["card"])
        assert "Trying again" not in said
        await settled(it)
        asked = len([e for e in (await it.page.state())["run"] if e["kind"] == "query"])
        await wake(it, minutes=120)
        await settled(it)
        assert len([e for e in (await it.page.state())["run"] if e["kind"] == "query"]) == asked


async def test_half_an_answer_is_shown_as_half_and_asked_for_again(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        it.site.workspace_faults.set("partial")
        await it.post_alert(it.body)
        before = await it.see(saying("The workspace says that its answer is incomplete (partial)."))
        assert "Acknowledge" in json.dumps(before["card"])
        await settled(it)
        it.site.workspace_faults.set(None)
        await wake(it, minutes=12)
        after = await it.see(saying("2 by people, 0 by workloads, 4 by the platform"))
        assert after["id"] == before["id"]
        assert "incomplete" not in text_of(after["card"])


async def test_rows_that_come_late_are_found_by_the_second_look(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        it.site.workspace_faults.set("empty")
        await it.post_alert(it.body)
        before = await it.see(saying("workspace returned 0"))
        await settled(it)
        it.site.workspace_faults.set(None)
        await wake(it, minutes=12)
        after = await it.see(saying("workspace returned 6"))
        assert after["id"] == before["id"]


async def test_evidence_that_is_known_is_not_lost_when_the_second_look_fails(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        await it.post_alert(it.body)
        await it.see(saying("workspace returned 6"))
        await settled(it)
        it.site.workspace_faults.set("down")
        await click(it, "Alice", "Acknowledge", await it.see(incident))
        await it.see(saying("Acknowledged by Alice Weber"))
        await wake(it, minutes=12)
        await settled(it)
        assert "workspace returned 6" in text_of((await it.see(incident))["card"])


async def test_an_answer_too_large_to_be_read_is_asked_for_again_by_who_acknowledges(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        it.site.workspace_faults.set("huge")
        await it.post_alert(it.body)
        before = await it.see(saying("answer was too large to be read"))
        await settled(it)
        it.site.workspace_faults.set(None)
        await click(it, "Bob", "Acknowledge", before)
        after = await it.see(saying("workspace returned 6"))
        assert after["id"] == before["id"]


def newer_than(known: set[str]) -> Callable[[Json], Json | None]:
    return lambda state: next((m for m in cards(state) if m["id"] not in known), None)


async def test_a_question_in_chat_meets_the_same_faults_in_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with laptop(tmp_path) as it:
        for kind in ("down", "garbage", "timeout", "forbidden", "unauthorized"):
            it.site.workspace_faults.set(kind)
            known = {message["id"] for message in cards(await it.page.state())}
            await say(it, "Bob", "audits coredns last 1h")
            answer = await it.see(newer_than(known), kind)
            assert "The audit log did not answer" in text_of(answer["card"]), kind
        it.site.workspace_faults.set(None)
        # Of one person five questions a minute are taken.
        await say(it, "Alice", "audits coredns last 1h")
        await it.see(saying("9 events by 2 people"))
    no_traceback(caplog)


# --- rows that cannot be read ------------------------------------------------------------------------


def spoilt(row: Json, n: int) -> Json:
    """Return a row that the alert's query finds, with a log_s that is no audit event."""
    log = row["log_s"]
    return row | {"log_s": (f"[{log}]", f"{log}{log}", f"x{log}", f"{log}]")[n]}


async def test_an_unreadable_row_is_counted_and_spoils_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [json.loads(line) for line in sample("events/table-rows.jsonl").read_text().splitlines()]
    found = next(row for row in rows if "coredns" in row["log_s"] and '"verb":"patch"' in row["log_s"])
    said = []
    for bad in (0, 1, 4):
        folder = tmp_path / str(bad)
        folder.mkdir()
        file = folder / "rows.jsonl"
        file.write_text("\n".join(map(json.dumps, [*(spoilt(found, n) for n in range(bad)), *rows])))
        async with laptop(folder, events=file) as it:
            await it.post_alert(it.body)
            said.append(text_of((await it.see(saying("workspace returned")))["card"]))
    assert "could not be read" not in said[0]
    assert "1 row could not be read as audit events" in said[1]
    assert "4 rows could not be read as audit events" in said[2]
    for text in said:
        assert "alice@contoso.com" in text
    no_traceback(caplog)


# --- Teams ---------------------------------------------------------------------------------------------

TEAMS: tuple[Fault, ...] = (
    "throttled",
    "unavailable",
    "server_error",
    "bad_gateway",
    "precondition_failed",
    "reset",
)


@pytest.mark.parametrize("fault", TEAMS)
async def test_while_teams_is_away_the_card_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    async with laptop(tmp_path) as it:
        it.site.teams_faults.set(fault)
        assert (await it.post_alert(it.body)).status == 202
        await it.see(lambda s: [e for e in s["run"] if e["kind"] == "fault"] or None, "a refused post")
        await put_off(it)
        assert incident(await it.page.state()) is None
        it.site.teams_faults.set(None)
        await wake(it, minutes=2)
        await it.see(saying("workspace returned 6"))
        await settled(it)
        assert len(incidents(await it.page.state())) == 1
    no_traceback(caplog)


async def put_off(it: Laptop) -> None:
    """Wait until a post was tried and let go."""
    query = "select count(*) from notifications where attempt > 0 and owner is null"
    async with asyncio.timeout(5):
        while True:
            with closing(sqlite3.connect(f"file:{it.process.folder / 'auditor.db'}?mode=ro", uri=True)) as db:
                if db.execute(query).fetchone() != (0,):
                    return
            await asyncio.sleep(0.02)


async def test_a_slow_teams_gets_one_card(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        it.site.teams_faults.slow = 1.0
        it.site.teams_faults.set("slow")
        started = it.clock.now()
        assert (await it.post_alert(it.body)).status == 202
        assert it.clock.now() - started < timedelta(seconds=1)
        await it.see(incident)
        await settled(it)
        assert len(incidents(await it.page.state())) == 1


async def test_an_update_that_fails_is_made_up_for_on_the_same_card(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        await it.post_alert(it.body)
        before = await it.see(incident)
        await settled(it)
        it.site.teams_faults.set("unavailable")
        resolved = json.loads(sample("alerts/coredns-changed.resolved.json").read_text())
        assert (await it.post_alert(json.dumps(resolved).encode())).status == 202
        await put_off(it)
        it.site.teams_faults.set(None)
        await wake(it, minutes=2)
        after = await it.see(saying("Azure says it is over"))
        assert after["id"] == before["id"]


# --- the store -----------------------------------------------------------------------------------------


async def run(database: Path, statement: str) -> None:
    """Change the bot's database behind its back; off the loop, which the bot needs to end what it has begun."""

    def change() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as opened:
            opened.execute(statement)

    await asyncio.to_thread(change)


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[None]:
    """Hold the database's write lock, as a backup or a curious person would."""
    with closing(sqlite3.connect(database, isolation_level=None, check_same_thread=False)) as opened:
        await asyncio.to_thread(opened.execute, "begin immediate")
        yield
        opened.execute("rollback")


async def test_an_alert_that_cannot_be_stored_is_answered_503_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with laptop(tmp_path) as it:
        database = tmp_path / "auditor.db"
        await run(database, "alter table alerts rename to alerts_away")
        answer = await it.post_alert(it.body)
        is_one_sentence(await answer.text(), "The alert could not be stored; send it again.")
        assert answer.status == 503
        await run(database, "alter table alerts_away rename to alerts")
        assert kept(database)["alerts"] == kept(database)["looks"] == []
        answer = await it.post_alert(it.body)
        assert (answer.status, await answer.json()) == (202, {"incident": 1, "repeated": False})
        message = await it.see(saying("workspace returned 6"))
        await settled(it)
        await run(database, "alter table incidents rename to incidents_away")
        answered = await click(it, "Alice", "Acknowledge", message)
        assert "This could not be done now" in answered["text"]
        await run(database, "alter table incidents_away rename to incidents")
        answered = await click(it, "Alice", "Acknowledge", message)
        assert "Acknowledged by Alice Weber" in text_of(answered["card"])
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.message for record in errors] == ["alert not stored"]
    no_traceback(caplog)


async def test_a_database_that_somebody_else_has_locked_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with laptop(tmp_path) as it:
        await it.post_alert(it.body)
        message = await it.see(incident)
        await settled(it)
        async with locked(tmp_path / "auditor.db"):
            assert (await it.post_alert(it.body.replace(b"b1b1b1b1", b"c1c1c1c1"))).status == 503
        assert await it.is_ready()
        answer = await click(it, "Alice", "Acknowledge", message)
        assert "Acknowledged by Alice Weber" in text_of(answer["card"])
    no_traceback(caplog)

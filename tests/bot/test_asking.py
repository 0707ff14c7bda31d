"""Questions to two workspaces that run the very queries; and to such as fail."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.evidence import Missing
from audit.filter import EventFilter, Wanted, Window
from audit.kql import TOTAL, InvalidTerm
from audit.kql_columns import DIGEST
from bot.asking import PAGE, Asking, step_of
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.everywhere import Everywhere, NoneAnswered, Subject
from bot.inquiry import DEADLINE
from bot.ports import Answer, AuditLog, Cursor, Query, Workspace
from bot.sources import Sources
from tests.audit.bodies import CLUSTER
from tests.bot.real_log import RealLog, of
from tests.bot.stage import ALICE, BOB, PLATFORM, PROD, TEST, a_row
from tests.bot.workspace import Row
from tests.fakes import NOW, FakeAuditLog, FakeClock

OTHER = CLUSTER.rsplit("/", 1)[0] + "/other"
HOUR = Window(start=NOW - timedelta(hours=1), end=NOW)


def asking(log: AuditLog, *workspaces: Workspace, deadline: timedelta = DEADLINE) -> Asking:
    clock = FakeClock()
    everywhere = Everywhere(
        log=log,
        workspaces=workspaces or (PROD, TEST),
        clock=clock,
        sources=Sources(log, clock),
        logs_url=lambda workspace, _kql, _window: f"https://portal.azure.com/#{workspace.name}",
        deadline=deadline,
    )
    return Asking(everywhere=everywhere, clock=clock)


def about(window: Window = HOUR, *clusters: str, workspaces: tuple[str, ...] = (), **what: Any) -> Subject:
    wanted = EventFilter(window=window, what=Wanted(**what), clusters=clusters)
    return Subject(line="audits", wanted=wanted, key="k" * 32, workspaces=workspaces)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def elsewhere(row: Row) -> Mapping[str, Any]:
    return {**row, "_ResourceId": OTHER}


@pytest.fixture
def log() -> RealLog:
    """Alice and the platform in one workspace, Bob in the other."""
    log = RealLog()
    log.add(PROD.name, a_row("a-1", ago(30)), a_row("a-2", ago(20)), a_row("p-1", ago(10), PLATFORM))
    log.add(TEST.name, elsewhere(a_row("b-1", ago(5), BOB, verb="delete")))
    return log


def down(name: str, failure: OutsideError) -> Callable[[Query], OutsideError | None]:
    return lambda query: failure if query.workspace.name == name else None


# --- events ----------------------------------------------------------------------------------------


async def test_every_workspace_is_asked_and_one_answer_comes_of_it(log: RealLog) -> None:
    asked, evidence = await asking(log).events(about())
    assert [each.workspace for each in asked.of] == ["prod", "test"]
    assert (asked.window, asked.key, asked.unanswered, asked.partial) == (HOUR, "k" * 32, (), "")
    assert asked.of[0].logs_url == "https://portal.azure.com/#prod"
    assert asked.of[0].kql in of(log.asked, "prod")
    assert (evidence.events, evidence.by_people, evidence.by_platform) == (4, 3, 1)
    assert {(g.user, g.cluster) for g in evidence.groups} == {
        (ALICE, CLUSTER.rsplit("/", 1)[1]),
        (PLATFORM, CLUSTER.rsplit("/", 1)[1]),
        (BOB, "other"),
    }


async def test_what_is_wanted_narrows_and_so_do_clusters_and_workspaces(log: RealLog) -> None:
    whose = asking(log)
    assert (await whose.events(about(user="alice")))[1].events == 2
    assert (await whose.events(about(HOUR, OTHER.lower())))[1].events == 1
    log.asked.clear()
    asked, evidence = await whose.events(about(workspaces=("test",)))
    assert (evidence.events, [each.workspace for each in asked.of]) == (1, ["test"])
    assert of(log.asked, "prod") == []


async def test_a_change_is_told_by_the_state_before_it() -> None:
    log = RealLog()
    for audit_id, minutes, text in (("a-0", 90, "old"), ("a-1", 5, "new")):
        body = {"kind": "ConfigMap", "data": {"Corefile": text}}
        more: dict[str, Any] = {"level": "RequestResponse", "requestObject": body, "responseObject": body}
        log.add(PROD.name, a_row(audit_id, ago(minutes), verb="update", **more))
    _, evidence = await asking(log, PROD).events(about())
    (group,) = evidence.groups
    assert group.change is not None
    assert group.change.compared
    assert group.first_seen == ()


async def test_a_workspace_that_fails_is_named_beside_the_others_answer(log: RealLog) -> None:
    log.failing = down("test", Unavailable(Reason.THROTTLED, "slow down"))
    asked, evidence = await asking(log).events(about())
    assert [each.workspace for each in asked.of] == ["prod"]
    (silent,) = asked.unanswered
    assert (silent.workspace, silent.why, silent.detail) == ("test", Missing.THROTTLED, "slow down")
    assert (evidence.events, evidence.partial) == (3, False)


async def test_when_none_answers_it_is_said_who_was_asked_and_why_not(log: RealLog) -> None:
    log.failing = lambda query: Unavailable(Reason.TIMED_OUT if query.workspace is PROD else Reason.THROTTLED)
    with pytest.raises(NoneAnswered) as raised:
        await asking(log).events(about())
    assert raised.value.reason is Reason.TIMED_OUT
    tried = [(each.workspace, each.why) for each in raised.value.asked.unanswered]
    assert tried == [("prod", Missing.TIMED_OUT), ("test", Missing.THROTTLED)]


async def test_the_deadline_is_for_all_that_is_asked_of_a_workspace() -> None:
    async def slow(query: Query) -> Answer:
        await asyncio.sleep(0 if query.workspace is PROD else 60)
        return Answer(rows=[])

    asked, _ = await asking(FakeAuditLog(answering=slow), deadline=timedelta(seconds=0.1)).events(about())
    (silent,) = asked.unanswered
    assert (silent.workspace, silent.why) == ("test", Missing.TIMED_OUT)


async def test_what_is_nice_to_know_does_not_cost_the_answer() -> None:
    log = RealLog()
    log.add(PROD.name, a_row("a-1", ago(5), responseObject={"data": {}, "kind": "ConfigMap"}))

    class Slow(RealLog):
        async def ask(self, query: Query) -> Answer:
            if query.is_aside:
                await asyncio.sleep(60)
            return await super().ask(query)

    slow = Slow(rows=log.rows)
    # A second of it is kept for what is done with the answer.
    asked, evidence = await asking(slow, PROD, deadline=timedelta(seconds=3)).events(about())
    assert (evidence.events, asked.unanswered) == (1, ())


async def test_a_name_that_cannot_stand_in_a_query_is_not_asked(log: RealLog) -> None:
    for ask in (asking(log).events, asking(log).actors, asking(log).activity):
        with pytest.raises(InvalidTerm):
            await ask(about(term="core\x00dns"))
    assert log.asked == []


async def test_a_mistake_of_ours_is_raised() -> None:
    async def mistaken(_query: Query) -> Answer:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await asking(FakeAuditLog(answering=mistaken)).events(about())


async def test_what_is_no_count_is_garbage_of_that_workspace(log: RealLog) -> None:
    async def garbage(_query: Query) -> Answer:
        return Answer(rows=[{"Events": "many", "Rows": True}])

    with pytest.raises(NoneAnswered) as raised:
        await asking(FakeAuditLog(answering=garbage)).events(about())
    assert raised.value.reason is Reason.GARBAGE


async def test_a_table_on_a_basic_plan_is_left_out(log: RealLog) -> None:
    log.failing = lambda query: (
        Rejected(Reason.BASIC_PLAN)
        if "AKSAudit\n" in f"{query.kql}\n".replace("AKSAudit)", "AKSAudit\n")
        else None
    )
    asked, evidence = await asking(log).events(about())
    assert (evidence.events, asked.unanswered) == (4, ())


async def test_a_workspace_whose_every_table_is_on_a_basic_plan_is_not_asked(log: RealLog) -> None:
    log.failing = down("prod", Rejected(Reason.BASIC_PLAN))
    asked, _ = await asking(log).events(about())
    (silent,) = asked.unanswered
    assert (silent.workspace, silent.why) == ("prod", Missing.BASIC_PLAN)


# --- numbers ---------------------------------------------------------------------------------------


async def test_who_it_was_is_told_of_all_workspaces(log: RealLog) -> None:
    _, actors = await asking(log).actors(about())
    assert [(seen.user, seen.count) for seen in actors.rows] == [(BOB, 1), (ALICE, 2), (PLATFORM, 1)]
    assert (actors.users, actors.events) == (3, 4)


async def test_events_over_time_are_told_of_all_workspaces(log: RealLog) -> None:
    _, activity = await asking(log).activity(about())
    assert activity.step == timedelta(minutes=5)
    assert sum(each.people for each in activity.buckets) == 3
    assert sum(each.platform for each in activity.buckets) == 1
    assert activity.actors[0].what == ALICE


@pytest.mark.parametrize(
    ("hours", "step"),
    [(0.1, 1), (0.5, 1), (0.9, 1), (1, 5), (2, 5), (6, 30), (24, 60), (48, 180), (168, 720), (720, 1440)],
)
def test_a_step_makes_a_dozen_of_the_window_or_some_more(hours: float, step: float) -> None:
    window = Window(start=NOW - timedelta(hours=hours), end=NOW)
    assert step_of(window) == timedelta(minutes=step)


async def test_cost_and_clusters_are_told_of_all_workspaces(log: RealLog) -> None:
    _, clusters = await asking(log).clusters(about())
    assert {(each.id, each.workspace, each.rows) for each in clusters.rows} == {
        (CLUSTER.lower(), "prod", 3),
        (OTHER.lower(), "test", 1),
    }
    _, cost = await asking(log).cost(about())
    assert cost.tables == ()


async def test_a_cluster_that_the_settings_name_and_that_logs_nothing_is_told_too(log: RealLog) -> None:
    silent = Workspace(name="silent", id="0", holds=(f"{OTHER}-silent",))
    _, clusters = await asking(log, silent).clusters(about())
    assert [(each.name, each.rows) for each in clusters.rows] == [("other-silent", 0)]
    _, spots = await asking(log, silent).blind_spots(about())
    assert [name for name, _ in spots] == ["other-silent"]


async def test_blind_spots_are_told_by_cluster(log: RealLog) -> None:
    _, spots = await asking(log).blind_spots(about())
    assert {name.lower() for name, _ in spots} == {CLUSTER.lower().rsplit("/", 1)[1], "other"}
    assert all(said for _, said in spots)


async def test_how_far_the_log_reaches_back_is_the_oldest_row_of_all(log: RealLog) -> None:
    assert await asking(log).reaches_back_to() == ago(30)
    log.failing = down("prod", Unavailable(Reason.THROTTLED))
    assert await asking(log).reaches_back_to() == ago(5)
    assert all(query.is_aside for query in log.asked)


# --- all events, page by page ----------------------------------------------------------------------


def pages(**of_workspace: int) -> FakeAuditLog:
    """Workspaces with so many events, a second apart, that answer with a page from where they are asked; two came since."""

    async def answer(query: Query) -> Answer:
        if query.is_aside:
            return Answer(rows=[{TOTAL: 2}])
        if DIGEST not in query.kql:
            return Answer(rows=[])
        name, known = query.workspace.name, of_workspace[query.workspace.name]
        rows = [
            {**a_row(f"{name}-{n}", ago(1) - timedelta(seconds=n)), DIGEST: digest(name, n)}
            for n in range(known)
        ]
        at, seen = _cursor(query.kql)
        told = [row for row in rows if _is_after(row, at, seen)]
        return Answer(rows=told[: PAGE + 1])

    return FakeAuditLog(answering=answer)


def digest(name: str, n: int) -> str:
    return hashlib.sha256(f"{name} {n}".encode()).hexdigest()


def _cursor(kql: str) -> tuple[str, str]:
    """Return the instant and the digest after which a page is asked for; past all of them for the first."""
    found = re.search(r"Instant_ < datetime\(([^).]+)[^)]*\).*strcmp\(\w+, \W*([0-9a-f]{64})", kql)
    return (found[1], found[2]) if found else ("3000", "")


def _is_after(row: Row, at: str, seen: str) -> bool:
    time = str(row["TimeGenerated"]).rstrip("Z")
    return time < at or (time == at and row[DIGEST] > seen)


async def test_pages_go_on_where_the_one_before_ended() -> None:
    whose = asking(pages(prod=PAGE, test=PAGE))
    seen: list[str] = []
    cursor: Cursor | None = None
    for page in range(2):
        asked, listed, cursor = await whose.listed(
            about(), page=page, cursor=cursor, known_at=NOW, total=2 * PAGE
        )
        seen += [event.audit_id for event in listed.events]
        assert (listed.page, listed.before, listed.total) == (page, page * PAGE, 2 * PAGE)
        assert (cursor is None) == listed.is_last == (page == 1)
        assert not asked.unanswered
    assert len(seen) == len(set(seen)) == 2 * PAGE


async def test_what_arrived_since_is_counted_over_all_workspaces() -> None:
    _, listed, _ = await asking(pages(prod=1, test=1)).listed(
        about(), page=0, cursor=None, known_at=NOW, total=2
    )
    assert (len(listed.events), listed.arrived_since) == (2, 4)


# --- whole events ----------------------------------------------------------------------------------


async def test_an_event_is_found_wherever_it_lies(log: RealLog) -> None:
    found = await asking(log).raw(["b-1", "a-2"], HOUR)
    assert [event.audit_id for event in found.events] == ["b-1", "a-2"]
    assert not found.is_partial


async def test_events_are_not_all_where_a_workspace_did_not_answer(log: RealLog) -> None:
    log.failing = down("test", Unavailable(Reason.THROTTLED))
    found = await asking(log).raw(["b-1", "a-2"], HOUR)
    assert ([event.audit_id for event in found.events], found.is_partial) == (["a-2"], True)


async def test_what_else_somebody_did_is_told_of_all_workspaces(log: RealLog) -> None:
    log.add(TEST.name, elsewhere(a_row("a-3", ago(2))))
    _, evidence = await asking(log).what_else(ALICE, HOUR)
    assert (evidence.events, {g.user for g in evidence.groups}) == (3, {ALICE})

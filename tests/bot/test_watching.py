"""What is watched is asked again and again: nothing is lost while a workspace is away, and nobody is kept waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit.filter import Window
from audit.incident import Incident, Person, State
from bot.counting import Counting
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Answer, Answered, Limits, Put, Query, Store, Watched, Workspace
from bot.raising import Raising
from bot.store.store import open_store
from bot.watching import EVERY, SOON, Watching
from tests.audit.bodies import CLUSTER
from tests.bot.stage import GENERAL, OPS, PROD, TEST, a_row, asked_for, dossier_of
from tests.bot.workspace import Question, holding, question
from tests.fakes import NOW, FakeAuditLog, FakeClock

BOB = Person(id="9b1c2d3e-4f5a-4b6c-8d7e-1f2a3b4c5d6e", name="Bob Lee")
LATE = timedelta(minutes=10)


@dataclass(kw_only=True)
class Desk:
    """The chore on a real store; `events` are when something happened that is watched, by workspace."""

    store: Store
    clock: FakeClock = field(default_factory=FakeClock)
    workspaces: Sequence[Workspace] = (PROD,)
    events: dict[str, list[datetime]] = field(default_factory=dict)
    failing: dict[str, OutsideError] = field(default_factory=dict)
    partial: str = ""
    most_a_run: int = 20
    log: FakeAuditLog = field(init=False)
    watching: Watching = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As after a new start of the process: what it remembered is gone, the store is not."""
        self.log = FakeAuditLog(answering=self._answer)
        counting = Counting(log=self.log, workspaces=self.workspaces, clock=self.clock)
        raising = Raising(store=self.store, counting=counting, clock=self.clock)
        self.watching = Watching(
            store=self.store,
            counting=counting,
            raising=raising,
            clock=self.clock,
            most_a_run=self.most_a_run,
        )

    async def _answer(self, query: Query) -> Answer:
        if question(query) is not Question.TOTALS:
            return Answer(rows=())
        if failure := self.failing.get(query.workspace.name):
            raise failure
        window = asked_for(query)
        told = self.events.get(query.workspace.name, [])
        rows = [a_row(f"a-{n}", at) for n, at in enumerate(told) if window.start <= at <= window.end]
        answer = await holding(rows)(query)
        return Answer(rows=answer.rows, partial=self.partial)

    async def watch(
        self, line: str = "audits coredns last 1h", *, key: str = "0f" * 16, clusters: tuple[str, ...] = ()
    ) -> Watched:
        now = self.clock.now()
        put = Put(key=key, line=line, asked_at=now, by=BOB, conversation_id=GENERAL.id)
        await self.store.admit(put, Limits(per_person=1000, per_conversation=1000))
        window = Window(start=now - timedelta(hours=1), end=now)
        await self.store.answered(key, Answered(window=window, clusters=clusters), now)
        watched, _ = await self.store.watch(key, BOB, "UTC", now, most=1000)
        assert watched is not None
        return watched

    async def run(self, **after: float) -> timedelta:
        """Let time pass and run; return how long the chore rests then."""
        self.clock.pass_time(**after)
        return await self.watching.run() - self.clock.at

    def windows(self, workspace: Workspace = PROD) -> list[Window]:
        return [
            asked_for(query)
            for query in self.log.asked
            if query.workspace is workspace and question(query) is Question.TOTALS
        ]

    async def incident(self, number: int = 1) -> Incident | None:
        key = await self.store.key_of(number)
        if key is None:
            return None
        dossier = await self.store.dossier(key)
        return dossier.incident if dossier else None

    async def alerts(self, number: int = 1) -> int:
        found = await self.incident(number)
        return found.alert_count if found else 0

    async def watched(self) -> Watched:
        (only,) = await self.store.watches(GENERAL.id)
        return only


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_store(f"sqlite:///{tmp_path}/bot.db") as store:
        for where in (GENERAL, OPS):
            await store.remember(where, NOW)
        await store.subscribe(OPS.id, NOW)
        yield Desk(store=store)


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


# --- finding ---------------------------------------------------------------------------------------


async def test_what_happens_after_the_watch_began_becomes_an_incident_of_its_conversation(
    desk: Desk,
) -> None:
    await desk.watch()
    desk.events["prod"] = [after(-1), after(3)]
    assert await desk.run(minutes=15) == EVERY
    found = await desk.incident()
    assert found is not None
    assert found.rule == "Watch 1: audits coredns"
    dossier = await dossier_of(desk.store, found)
    assert dossier.conversations == {GENERAL.id}, "not for the channel that is subscribed"
    assert dossier.alert.window == Window(start=NOW, end=after(5))
    assert dossier.alert.description == "Found by watch 1, which Bob Lee began."
    watched = await desk.watched()
    assert (watched.until, watched.found, watched.found_at) == (after(5), 1, after(15))


async def test_nothing_found_makes_no_incident_and_moves_on(desk: Desk) -> None:
    await desk.watch()
    await desk.run(minutes=15)
    assert await desk.incident() is None
    watched = await desk.watched()
    assert (watched.until, watched.found) == (after(5), 0)


async def test_each_moment_is_asked_for_once(desk: Desk) -> None:
    await desk.watch()
    for _ in range(5):
        await desk.run(minutes=15)
    windows = desk.windows()
    assert windows[0].start == NOW
    assert [one.end for one in windows[:-1]] == [one.start for one in windows[1:]]
    assert windows[-1].end == after(75) - LATE


async def test_what_has_not_settled_is_not_asked_for(desk: Desk) -> None:
    await desk.watch()
    await desk.run(minutes=10)
    assert desk.windows() == []


async def test_a_further_find_joins_the_open_incident(desk: Desk) -> None:
    await desk.watch()
    desk.events["prod"] = [after(3), after(8)]
    await desk.run(minutes=15)
    await desk.run(minutes=5)
    assert await desk.alerts() == 2
    assert await desk.incident(2) is None


async def test_two_watches_are_two_incidents(desk: Desk) -> None:
    await desk.watch()
    await desk.watch("audits etcd last 1h", key="1e" * 16)
    desk.events["prod"] = [after(3)]
    await desk.run(minutes=15)
    rules = [found.rule for n in (1, 2) if (found := await desk.incident(n))]
    assert sorted(rules) == ["Watch 1: audits coredns", "Watch 2: audits etcd"]


async def test_a_watch_of_one_cluster_asks_for_that(desk: Desk) -> None:
    await desk.watch(clusters=(CLUSTER.lower(),))
    desk.events["prod"] = [after(3)]
    await desk.run(minutes=15)
    found = await desk.incident()
    assert found is not None
    assert found.subject_id == CLUSTER.lower()
    assert all(CLUSTER.lower() in q.kql for q in desk.log.asked if question(q) is Question.TOTALS)


async def test_what_is_no_longer_watched_is_not_asked(desk: Desk) -> None:
    watched = await desk.watch()
    await desk.store.unwatch(watched.number, GENERAL.id, NOW)
    await desk.run(minutes=15)
    assert desk.windows() == []


async def test_where_the_bot_has_left_nothing_is_asked(desk: Desk) -> None:
    await desk.watch()
    await desk.store.end(NOW, conversation_id=GENERAL.id)
    await desk.run(minutes=15)
    assert desk.windows() == []


# --- failing ---------------------------------------------------------------------------------------


async def test_what_a_workspace_did_not_answer_is_asked_again(desk: Desk) -> None:
    await desk.watch()
    desk.events["prod"] = [after(3)]
    desk.failing["prod"] = Unavailable(Reason.TIMED_OUT)
    await desk.run(minutes=15)
    assert (await desk.watched()).until == NOW
    desk.failing.clear()
    await desk.run(minutes=5)
    assert await desk.alerts() == 1
    assert desk.windows()[-1] == Window(start=NOW, end=after(10))


async def test_after_a_long_absence_a_day_is_asked_at_once_and_the_rest_soon(desk: Desk) -> None:
    await desk.watch()
    desk.events["prod"] = [NOW + timedelta(days=2, hours=1)]
    assert await desk.run(days=2, hours=5) == SOON
    assert await desk.run(minutes=1) == SOON
    assert await desk.incident() is None
    assert await desk.run(minutes=1) == EVERY
    assert await desk.alerts() == 1
    assert [one.length for one in desk.windows()[:2]] == [timedelta(days=1)] * 2


async def test_one_workspace_that_is_away_keeps_nothing_from_the_other(desk: Desk) -> None:
    desk.workspaces = (PROD, TEST)
    desk.restart()
    await desk.watch()
    desk.events = {"prod": [after(3)], "test": [after(4)]}
    desk.failing["test"] = Unavailable(Reason.UNREACHABLE)
    await desk.run(minutes=15)
    assert await desk.alerts() == 1
    for _ in range(3):
        await desk.run(minutes=5)
    assert await desk.alerts() == 1, "what prod has told is not told again"
    assert (await desk.watched()).until == NOW
    desk.failing.clear()
    await desk.run(minutes=5)
    found = await desk.incident(2)
    assert found is not None
    assert found.subject_name == TEST.name
    assert (await desk.watched()).until == after(25)


async def test_a_new_process_tells_again_rather_than_not_at_all(desk: Desk) -> None:
    desk.workspaces = (PROD, TEST)
    desk.restart()
    await desk.watch()
    desk.events = {"prod": [after(3)]}
    desk.failing["test"] = Unavailable(Reason.UNREACHABLE)
    await desk.run(minutes=15)
    desk.restart()
    await desk.run(minutes=5)
    assert await desk.alerts() == 2, "a further alert of the same incident"
    assert await desk.incident(2) is None


async def test_a_silent_workspace_is_left_alone_for_the_rest_of_the_run(desk: Desk) -> None:
    for n in range(20):
        await desk.watch(f"audits app{n} last 1h", key=f"{n:032x}")
    desk.failing["prod"] = Unavailable(Reason.TIMED_OUT)
    await desk.run(minutes=15)
    # As many as were under way side by side.
    assert len(desk.windows()) <= 2


async def test_a_question_that_is_refused_keeps_no_other_from_being_asked(desk: Desk) -> None:
    for n in range(3):
        await desk.watch(f"audits app{n} last 1h", key=f"{n:032x}")
    desk.failing["prod"] = Rejected(Reason.BAD_REQUEST)
    await desk.run(minutes=15)
    assert len(desk.log.asked) >= 3


async def test_an_incomplete_answer_without_a_find_is_asked_again(desk: Desk) -> None:
    await desk.watch()
    desk.partial = "too much memory"
    await desk.run(minutes=15)
    assert (await desk.watched()).until == NOW


async def test_an_incomplete_answer_with_a_find_is_told_once(desk: Desk) -> None:
    await desk.watch()
    desk.partial = "too much memory"
    desk.events["prod"] = [after(3)]
    await desk.run(minutes=15)
    await desk.run(minutes=5)
    assert await desk.alerts() == 1


async def test_a_line_that_no_grammar_reads_any_more_disturbs_nobody(desk: Desk) -> None:
    await desk.watch("sing a song")
    await desk.watch(key="1e" * 16)
    desk.events["prod"] = [after(3)]
    await desk.run(minutes=15)
    assert await desk.alerts() == 1


# --- how much, and when ----------------------------------------------------------------------------


async def test_a_watch_gives_way_to_people_until_it_lags_far_behind(desk: Desk) -> None:
    await desk.watch()
    desk.failing["prod"] = Unavailable(Reason.THROTTLED)
    await desk.run(minutes=15)
    await desk.run(minutes=30)
    asked = [query.is_aside for query in desk.log.asked if question(query) is Question.TOTALS]
    assert asked == [True, False]


async def test_of_very_many_those_that_waited_longest_come_first(desk: Desk) -> None:
    desk.most_a_run = 3
    desk.restart()
    for n in range(5):
        await desk.watch(f"audits app{n} last 1h", key=f"{n:032x}")
    assert await desk.run(minutes=15) == SOON
    assert len(desk.windows()) == 3
    desk.log.asked.clear()
    assert await desk.run(minutes=1) == EVERY
    assert len(desk.windows()) == 2


async def test_a_run_that_comes_early_asks_nothing_twice(desk: Desk) -> None:
    await desk.watch()
    await desk.run(minutes=15)
    await desk.run(minutes=2)
    assert len(desk.windows()) == 1


# --- ending ----------------------------------------------------------------------------------------


async def test_its_incident_ends_a_day_after_the_last_find(desk: Desk) -> None:
    await desk.watch()
    desk.events["prod"] = [after(3), after(8)]
    await desk.run(minutes=15)
    await desk.run(minutes=5)
    await desk.run(days=1, seconds=-1)
    found = await desk.incident()
    assert found is not None
    assert found.state is State.FIRED
    await desk.run(seconds=1)
    found = await desk.incident()
    assert found is not None
    assert (found.state, found.resolved_at) == (State.RESOLVED, after(20) + timedelta(days=1))


async def test_a_find_after_the_end_is_a_new_incident(desk: Desk) -> None:
    await desk.watch()
    desk.events["prod"] = [after(3), after(3) + timedelta(days=1, minutes=10)]
    await desk.run(minutes=15)
    await desk.run(days=1)
    await desk.run(minutes=15)
    found = await desk.incident(2)
    assert found is not None
    assert found.state is State.FIRED


async def test_the_chore_comes_back_when_the_next_one_ends(desk: Desk) -> None:
    counting = Counting(log=desk.log, workspaces=desk.workspaces, clock=desk.clock)
    await Raising(store=desk.store, counting=counting, clock=desk.clock).test(BOB, GENERAL)
    assert await desk.run(minutes=7) == timedelta(minutes=3)
    assert await desk.run(minutes=3) == EVERY
    found = await desk.incident()
    assert found is not None
    assert found.state is State.RESOLVED

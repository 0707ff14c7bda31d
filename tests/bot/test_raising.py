"""What people raise and try becomes an incident like any other, and ends by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from audit.evidence import Missing
from audit.filter import Window
from audit.incident import Incident, Person, State, Why
from audit.origin import Origin
from bot.counting import Counting
from bot.errors import Reason, Rejected, Unavailable
from bot.inquiry import Inquiry
from bot.ports import (
    Answer,
    Answered,
    Conversation,
    ConversationKind,
    Kept,
    Put,
    Query,
    Recorded,
    Store,
    Workspace,
)
from bot.raising import NOTHING, Raising
from bot.store.store import open_store
from tests.audit.bodies import CLUSTER
from tests.bot.stage import GENERAL, OPS, PROD, TEST, a_row, asked_for, dossier_of
from tests.bot.workspace import Answering, holding, is_count, is_of_evidence
from tests.fakes import NOW, FakeAuditLog, FakeClock, a_conversation

BOB = Person(id="9b1c2d3e-4f5a-4b6c-8d7e-1f2a3b4c5d6e", name="Bob Lee")
KEY = "0f" * 16
WINDOW = Window(start=NOW - timedelta(hours=2), end=NOW - timedelta(hours=1))
PUT = Put(
    key=KEY,
    line="audits coredns last 1h",
    asked_at=NOW - timedelta(hours=1),
    by=BOB,
    conversation_id=GENERAL.id,
)
KEPT = Kept(put=PUT, answer=Answered(window=WINDOW, events=1))


@dataclass(kw_only=True)
class Desk:
    """A store with two conversations, of which Ops is subscribed, and workspaces that know one event."""

    store: Store
    log: FakeAuditLog
    clock: FakeClock
    raising: Raising
    inquiry: Inquiry

    def of(self, *workspaces: Workspace) -> None:
        counting = Counting(log=self.log, workspaces=workspaces, clock=self.clock)
        self.raising = Raising(store=self.store, counting=counting, clock=self.clock)
        self.inquiry = Inquiry(log=self.log, workspaces=workspaces, clock=self.clock)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_store(f"sqlite:///{tmp_path}/bot.db") as store:
        for where in (GENERAL, OPS):
            await store.remember(where, NOW)
        await store.subscribe(OPS.id, NOW)
        log, clock = FakeAuditLog(answering=holding([a_row()])), FakeClock(NOW)
        counting = Counting(log=log, workspaces=[PROD], clock=clock)
        yield Desk(
            store=store,
            log=log,
            clock=clock,
            raising=Raising(store=store, counting=counting, clock=clock),
            inquiry=Inquiry(log=log, workspaces=[PROD], clock=clock),
        )


def incident(recorded: Recorded) -> Incident:
    assert recorded.incident is not None
    return recorded.incident


def only(workspace: Workspace) -> Answering:
    """Answer for workspaces of which only this one has an event."""

    async def answer(query: Query) -> Answer:
        return await holding([a_row()] if query.workspace is workspace else [])(query)

    return answer


async def conversations(store: Store, recorded: Recorded) -> frozenset[str]:
    return (await dossier_of(store, incident(recorded))).conversations


# --- raised ----------------------------------------------------------------------------------------


async def test_a_raised_question_is_an_incident_of_its_own_window(desk: Desk) -> None:
    recorded = await desk.raising.raised(KEPT, BOB, GENERAL)
    dossier = await dossier_of(desk.store, incident(recorded))
    assert recorded.why is Why.OPENED
    assert dossier.incident.rule == "Asked: audits coredns last 1h"
    assert dossier.incident.severity == "Sev3"
    assert dossier.alert.description == "Raised by Bob Lee in General."
    assert dossier.alert.origin is Origin.RAISED
    evidence = await desk.inquiry.behind(dossier.alert)
    assert (evidence.missing, evidence.window, evidence.returned) == (None, WINDOW, 1)


async def test_it_goes_to_all_subscribed_and_to_where_it_was_raised(desk: Desk) -> None:
    recorded = await desk.raising.raised(KEPT, BOB, GENERAL)
    assert await conversations(desk.store, recorded) == {OPS.id, GENERAL.id}


async def test_pressed_twice_it_is_one_incident(desk: Desk) -> None:
    first = await desk.raising.raised(KEPT, BOB, GENERAL)
    desk.clock.pass_time(hours=5)
    again = await desk.raising.raised(KEPT, Person(id="other", name="Alice"), GENERAL)
    assert again.repeated
    assert incident(again) == incident(first)


async def test_pressed_again_after_its_end_it_is_still_that_one(desk: Desk) -> None:
    first = await desk.raising.raised(KEPT, BOB, GENERAL)
    desk.clock.pass_time(days=1)
    await desk.raising.end_what_is_over()
    again = await desk.raising.raised(KEPT, BOB, GENERAL)
    assert (again.repeated, incident(again).number) == (True, incident(first).number)


async def test_the_same_words_asked_again_are_another_incident(desk: Desk) -> None:
    first = await desk.raising.raised(KEPT, BOB, GENERAL)
    other = await desk.raising.raised(replace(KEPT, put=replace(PUT, key="1e" * 16)), BOB, GENERAL)
    assert incident(other).number == incident(first).number + 1


async def test_a_week_is_asked_for_whole(desk: Desk) -> None:
    week = Window(start=NOW - timedelta(days=7), end=NOW)
    kept = replace(KEPT, answer=Answered(window=week))
    dossier = await dossier_of(desk.store, incident(await desk.raising.raised(kept, BOB, GENERAL)))
    evidence = await desk.inquiry.behind(dossier.alert)
    assert (evidence.window, evidence.detail) == (week, "")
    assert {asked_for(q) for q in desk.log.asked if is_of_evidence(q)} == {week}


async def test_a_question_of_last_week_can_be_raised_today(desk: Desk) -> None:
    old = replace(KEPT, put=replace(PUT, asked_at=NOW - timedelta(days=9)))
    dossier = await dossier_of(desk.store, incident(await desk.raising.raised(old, BOB, GENERAL)))
    assert (await desk.inquiry.behind(dossier.alert)).missing is None


async def test_one_cluster_is_what_the_incident_is_about(desk: Desk) -> None:
    kept = replace(KEPT, answer=Answered(window=WINDOW, clusters=(CLUSTER.lower(),)))
    made = incident(await desk.raising.raised(kept, BOB, GENERAL))
    assert made.subject_id == CLUSTER.lower()


async def test_without_a_cluster_it_is_about_the_workspace_until_its_rows_tell(desk: Desk) -> None:
    made = incident(await desk.raising.raised(KEPT, BOB, GENERAL))
    assert made.subject_name == PROD.name


async def test_of_several_workspaces_those_that_found_something(desk: Desk) -> None:
    desk.of(TEST, PROD)
    desk.log.answering = only(PROD)
    recorded = await desk.raising.raised(KEPT, BOB, GENERAL)
    assert incident(recorded).subject_name == PROD.name
    assert await desk.store.key_of(2) is None


async def test_a_silent_workspace_is_asked_later_where_no_other_has_any(desk: Desk) -> None:
    desk.of(TEST, PROD)

    async def answer(query: Query) -> Answer:
        if query.workspace is PROD and is_count(query):
            raise Unavailable(Reason.TIMED_OUT)
        return await holding([])(query)

    desk.log.answering = answer
    assert incident(await desk.raising.raised(KEPT, BOB, GENERAL)).subject_name == PROD.name


@pytest.mark.parametrize("line", ["cost last 7d", "good morning", ""])
async def test_what_is_about_no_events_cannot_be_raised(desk: Desk, line: str) -> None:
    assert await desk.raising.raised(replace(KEPT, put=replace(PUT, line=line)), BOB, GENERAL) is NOTHING


async def test_what_was_not_answered_cannot_be_raised(desk: Desk) -> None:
    assert await desk.raising.raised(Kept(put=PUT), BOB, GENERAL) is NOTHING


async def test_nothing_is_raised_where_the_bot_has_left(desk: Desk) -> None:
    await desk.store.end(NOW, conversation_id=GENERAL.id)
    with pytest.raises(Rejected) as failure:
        await desk.raising.raised(KEPT, BOB, GENERAL)
    assert failure.value.reason is Reason.NOT_FOUND
    assert await desk.store.key_of(1) is None


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (a_conversation(id="a:1", kind=ConversationKind.PERSONAL, name=""), "a personal chat"),
        (a_conversation(id="19:g", kind=ConversationKind.GROUP, name="x"), "a group chat"),
        (a_conversation(id="19:c", name=" "), "a channel"),
        (a_conversation(id="19:c", name="N" * 500), "N" * 79 + "…"),
    ],
)
async def test_it_says_where_it_was_raised(desk: Desk, where: Conversation, said: str) -> None:
    await desk.store.remember(where, NOW)
    dossier = await dossier_of(desk.store, incident(await desk.raising.raised(KEPT, BOB, where)))
    assert dossier.alert.description == f"Raised by Bob Lee in {said}."


# --- test ------------------------------------------------------------------------------------------


async def test_a_test_is_for_its_conversation_alone(desk: Desk) -> None:
    recorded = await desk.raising.test(BOB, GENERAL)
    dossier = await dossier_of(desk.store, incident(recorded))
    assert dossier.conversations == {GENERAL.id}
    assert dossier.incident.rule == "Test by Bob Lee"
    assert dossier.alert.description == "This is a test by Bob Lee: there is nothing to do."
    evidence = await desk.inquiry.behind(dossier.alert)
    assert (evidence.missing, evidence.window) == (None, Window(start=NOW - timedelta(minutes=15), end=NOW))


async def test_a_second_test_joins_the_first(desk: Desk) -> None:
    await desk.raising.test(BOB, GENERAL)
    desk.clock.pass_time(seconds=5)
    assert (await desk.raising.test(BOB, GENERAL)).why is Why.JOINED


async def test_a_test_ends_after_ten_minutes(desk: Desk) -> None:
    made = incident(await desk.raising.test(BOB, GENERAL))
    assert await desk.raising.end_what_is_over() == NOW + timedelta(minutes=10)
    desk.clock.pass_time(minutes=10)
    assert await desk.raising.end_what_is_over() is None
    assert (await dossier_of(desk.store, made)).incident.state is State.RESOLVED


async def test_an_acknowledged_test_ends_as_well(desk: Desk) -> None:
    made = incident(await desk.raising.test(BOB, GENERAL))
    await desk.store.acknowledge(made.key, BOB, NOW)
    desk.clock.pass_time(minutes=11)
    await desk.raising.end_what_is_over()
    ended = (await dossier_of(desk.store, made)).incident
    assert (ended.state, ended.resolved_at) == (State.RESOLVED, NOW + timedelta(minutes=11))


async def test_without_a_workspace_there_is_no_test(desk: Desk) -> None:
    desk.of()
    assert await desk.raising.test(BOB, GENERAL) is NOTHING


async def test_a_workspace_that_is_no_longer_configured_is_said_to_be_missing(desk: Desk) -> None:
    dossier = await dossier_of(desk.store, incident(await desk.raising.test(BOB, GENERAL)))
    desk.of(TEST)
    assert (await desk.inquiry.behind(dossier.alert)).missing is Missing.NO_WORKSPACE

"""What is asked from a row: over the real store, with a workspace that answers what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from audit.actor import ActorKind
from audit.alert import Alert
from audit.event import AuditEvent, parse_event
from audit.evidence import EventLine, Evidence, Group, Missing
from audit.filter import Window
from audit.incident import Incident, Person
from audit.involved import mark
from audit.kql import InvalidTerm
from bot.asked import Command, SevenAnswers, ShowSeenBefore, WhatElse
from bot.errors import OutsideError, Reason, Unavailable
from bot.inquiry import Inquiry, RawEvents
from bot.row_answers import AROUND
from tests.bot.office import ALICE, GINA, HER_CHAT, Office, asking, everything, read
from tests.bot.stage import END, GENERAL, PROD, START, a_row, an_incident, delivery
from tests.contracts.test_facts import group
from tests.fakes import NOW

SECRET = "hunter2-in-the-clear"
ROW = a_row("a-1", requestObject={"kind": "ConfigMap", "data": {"password": SECRET}})


def an_event(audit_id: str = "a-1") -> AuditEvent:
    event = parse_event({**ROW, "log_s": str(ROW["log_s"]).replace("a-1", audit_id)})
    assert isinstance(event, AuditEvent)
    return event


def a_line(audit_id: str = "a-1") -> EventLine:
    event = an_event(audit_id)
    return EventLine(
        audit_id=audit_id, time=event.time, user="alice", verb="patch", uri="/x", code=200, reason=""
    )


HER = Person(id=ALICE.object_id, name=ALICE.name)
HERS = group(events=(a_line("a-1"), a_line("a-2")), count=2, first=START, last=END)
OURS = group(user="aksService", actor=ActorKind.PLATFORM, events=(a_line("a-3"),))


@dataclass
class Asked:
    """What the workspaces were asked, and what they say."""

    questions: list[tuple[object, ...]] = field(default_factory=list)
    found: Evidence = field(default_factory=lambda: told(HERS))
    events: Sequence[AuditEvent] = field(default_factory=lambda: (an_event("a-0"), an_event()))
    failure: OutsideError | InvalidTerm | None = None
    gate: asyncio.Event | None = None

    async def say(self, *question: object) -> None:
        self.questions.append(question)
        if self.gate:
            await self.gate.wait()
        if self.failure:
            raise self.failure


class AskedInquiry(Inquiry):
    """Answers what the test says."""

    def __init__(self, office: Office, asked: Asked) -> None:
        super().__init__(log=office.desk.log, workspaces=(PROD,), clock=office.desk.clock)
        self._asked = asked

    async def what_else(self, alert: Alert, user: str, window: Window) -> Evidence:
        await self._asked.say(alert.rule, user, window)
        return self._asked.found

    async def raw(self, alert: Alert, evidence: Evidence) -> RawEvents:
        ids = [line.audit_id for each in evidence.groups for line in each.events]
        await self._asked.say(alert.rule, *ids)
        return RawEvents(events=self._asked.events)


def told(*groups: Group, missing: Missing | None = None) -> Evidence:
    count = sum(each.count for each in groups)
    return Evidence(
        asked_at=NOW,
        window=Window(start=START, end=END),
        missing=missing,
        workspace=PROD.name,
        returned=count,
        read=count,
        by_people=count,
        groups=groups,
    )


@pytest.fixture
def asked(office: Office) -> Asked:
    asked = Asked()
    office.inquiry = AskedInquiry(office, asked)
    return asked


async def an_incident_with(office: Office, evidence: Evidence, **essentials: Any) -> Incident:
    """An incident that General waits for, with this evidence."""
    store = office.desk.store
    await store.remember(GENERAL, NOW)
    await store.subscribe(GENERAL.id, NOW)
    incident = await an_incident(store, delivery(**essentials))
    (look,) = await store.claim_looks("w1", NOW, 10)
    assert await store.save_evidence(look, evidence, NOW, None)
    return incident


def every(key: str, row: Group = HERS, *, no_dialog: bool = False) -> list[Command]:
    return [
        WhatElse(key=key, row=mark(row), no_dialog=no_dialog),
        SevenAnswers(key=key, row=mark(row), no_dialog=no_dialog),
        ShowSeenBefore(key=key, row=mark(row), no_dialog=no_dialog),
    ]


# --- what else -------------------------------------------------------------------------------------


async def test_what_else_is_asked_half_an_hour_round_the_row(office: Office, asked: Asked) -> None:
    incident = await an_incident_with(office, told(OURS, HERS))
    answer = await office.ask(WhatElse(key=incident.key, row=mark(HERS)))
    assert answer.summary == "What else they did"
    assert "What else alice@contoso.com did" in read(answer)
    assert asked.questions == [
        (incident.rule, "alice@contoso.com", Window(start=START - AROUND, end=END + AROUND))
    ]
    assert office.desk.teams.said == []


async def test_what_is_not_known_is_said_on_the_card(office: Office, asked: Asked) -> None:
    incident = await an_incident_with(office, told(HERS))
    asked.found = told(missing=Missing.TIMED_OUT)
    assert "in time" in read(await office.ask(WhatElse(key=incident.key, row=mark(HERS))))


@pytest.mark.parametrize("no_dialog", [False, True])
async def test_a_user_that_cannot_be_asked_for_is_a_sentence(
    office: Office, asked: Asked, *, no_dialog: bool
) -> None:
    incident = await an_incident_with(office, told(HERS))
    asked.failure = InvalidTerm("the user has a character that cannot be asked for")
    answer = await office.ask(WhatElse(key=incident.key, row=mark(HERS), no_dialog=no_dialog))
    said = office.said_to(HER_CHAT)[0] if no_dialog else read(answer)
    assert "the user has a character that cannot be asked for" in said


async def test_of_a_row_without_a_user_nobody_is_looked_for(office: Office, asked: Asked) -> None:
    row = replace(HERS, user="")
    incident = await an_incident_with(office, told(row))
    answer = await office.ask(WhatElse(key=incident.key, row=mark(row)))
    assert "It is not known who did this" in answer.sentence
    assert asked.questions == []


# --- seven answers ---------------------------------------------------------------------------------


async def test_the_seven_answers_are_of_the_rows_first_event_without_its_secrets(
    office: Office, asked: Asked
) -> None:
    incident = await an_incident_with(office, told(OURS, HERS))
    answer = await office.ask(SevenAnswers(key=incident.key, row=mark(HERS)))
    assert answer.summary == "Seven answers"
    assert "coredns-custom" in read(answer)
    assert "The first of 2 alike." in read(answer)
    assert SECRET not in everything(answer)
    assert asked.questions == [(incident.rule, "a-1")]


@pytest.mark.parametrize("events", [(), (an_event("another"),)], ids=["nothing", "another"])
async def test_an_event_that_is_gone_is_said_so(
    office: Office, asked: Asked, events: Sequence[AuditEvent]
) -> None:
    incident = await an_incident_with(office, told(HERS))
    asked.events = events
    assert (
        "This event was not found"
        in (await office.ask(SevenAnswers(key=incident.key, row=mark(HERS)))).sentence
    )


async def test_of_a_row_of_which_no_event_was_read_none_is_asked_for(office: Office, asked: Asked) -> None:
    incident = await an_incident_with(office, told(replace(HERS, events=())))
    assert (
        "This event was not found"
        in (await office.ask(SevenAnswers(key=incident.key, row=mark(HERS)))).sentence
    )
    assert asked.questions == []


# --- seen before -----------------------------------------------------------------------------------


async def test_earlier_incidents_with_the_actor_and_object_are_told_with_their_end(
    office: Office, asked: Asked
) -> None:
    first = await an_incident_with(office, told(HERS), alertRule="first", alertId="/alerts/1")
    await office.desk.store.acknowledge(first.key, HER, NOW)
    over = delivery(
        alertRule="first",
        alertId="/alerts/1",
        monitorCondition="Resolved",
        resolvedDateTime="2026-03-04T09:58:00Z",
    )
    await office.desk.store.record(over.alert, over.body, NOW)
    [look] = await office.desk.store.claim_looks("w1", NOW, 10)
    await office.desk.store.save_evidence(look, told(HERS), NOW, None)
    now = await an_incident_with(office, told(OURS, HERS), alertRule="second", alertId="/alerts/2")
    for command in (ShowSeenBefore(key=now.key, row=mark(HERS)), ShowSeenBefore(key=now.key)):
        answer = await office.ask(command)
        assert answer.summary == "Seen before"
        said = read(answer)
        assert "#1 · " in said
        assert "first · " in said
        assert "acknowledged by Alice Weber" in said
        assert "closed by Azure" in said
    assert "No earlier incident" in read(await office.ask(ShowSeenBefore(key=now.key, row=mark(OURS))))
    assert asked.questions == []


# --- all of them -----------------------------------------------------------------------------------


async def test_a_row_that_the_card_no_longer_has_is_said_so(office: Office, asked: Asked) -> None:
    incident = await an_incident_with(office, told(HERS))
    for command in every(incident.key, OURS):
        assert "This row is not on the card any more" in (await office.ask(command)).sentence
    assert asked.questions == []


async def test_a_button_means_its_row_whatever_came_before_it_since(office: Office, asked: Asked) -> None:
    mallory = replace(HERS, user="mallory", events=(a_line("a-9"),))
    incident = await an_incident_with(office, told(mallory, replace(HERS, count=7)))
    for command in every(incident.key):
        await office.ask(command)
    assert asked.questions[0][1] == "alice@contoso.com"
    assert asked.questions[1] == (incident.rule, "a-1")


async def test_without_evidence_no_row_is_on_the_card(office: Office, asked: Asked) -> None:
    incident = await an_incident_with(office, replace(told(HERS), missing=Missing.TIMED_OUT))
    for command in every(incident.key):
        assert "This row is not on the card any more" in (await office.ask(command)).sentence
    assert asked.questions == []


async def test_guests_are_refused(office: Office, asked: Asked) -> None:
    incident = await an_incident_with(office, told(HERS))
    for command in every(incident.key):
        assert "Guests cannot do this" in (await office.ask(command, asking(GINA))).sentence
    assert asked.questions == []


async def test_who_asked_for_what_is_in_the_ledger(office: Office, asked: Asked) -> None:
    asked.events = ()
    incident = await an_incident_with(office, told(HERS))
    for command in every(incident.key):
        await office.ask(command)
    entries = await office.desk.store.entries()
    assert [entry.what for entry in reversed(entries)] == ["what else", "seven answers", "seen before"]
    assert {(entry.by.id, entry.key) for entry in entries} == {(ALICE.object_id, incident.key)}


async def test_a_workspace_that_fails_in_time_is_a_sentence(office: Office, asked: Asked) -> None:
    incident = await an_incident_with(office, told(HERS))
    asked.failure = Unavailable(Reason.THROTTLED)
    for command in every(incident.key)[:2]:
        assert "being asked too much" in (await office.ask(command)).sentence
    assert office.desk.teams.said == []


async def test_a_client_without_dialogs_gets_each_in_the_personal_chat(office: Office, asked: Asked) -> None:
    asked.events = ()
    incident = await an_incident_with(office, told(HERS))
    for command in every(incident.key, no_dialog=True):
        assert "The answer is on its way" in read(await office.ask(command))
    said = office.said_to(HER_CHAT)
    assert len(said) == 3
    assert "What else alice@contoso.com did" in said[0]
    assert "This event was not found" in said[1]
    assert "Seen before" in said[2]
    assert office.said_to(GENERAL.id) == []


async def test_what_comes_too_late_for_a_dialog_goes_to_the_personal_chat(
    office: Office, asked: Asked
) -> None:
    incident = await an_incident_with(office, told(HERS))
    office.dialog_deadline = timedelta(milliseconds=20)
    asked.gate = asyncio.Event()
    responder = office.responder()
    answer = await responder.respond(WhatElse(key=incident.key, row=mark(HERS)), asking())
    assert answer is not None
    assert "The answer is on its way" in answer.sentence
    asked.gate.set()
    await responder.close()
    assert len(asked.questions) == len(office.said_to(HER_CHAT)) == 1


async def test_hostile_names_stay_text(office: Office, asked: Asked) -> None:
    hostile = "x](http://evil) {{DATE(1)}} <at>all</at>"
    row = replace(HERS, user=hostile, name=hostile)
    incident = await an_incident_with(office, told(row))
    asked.events = ()
    for command in every(incident.key, row):
        assert "{{" not in everything(await office.ask(command))

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from audit.filter import Wanted
from audit.kql import literal
from bot.asked import (
    Acknowledge,
    Asker,
    AskEvents,
    Command,
    Help,
    Misunderstood,
    SevenAnswers,
    ShowIncident,
    ShowRawLog,
    ShowSeenBefore,
    ShowStatus,
    ShowTrail,
    Subscribe,
    Unsubscribe,
    Welcome,
    WhatElse,
)
from bot.commands import COMMANDS
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Store
from bot.when import When
from tests.bot.desk import refusing
from tests.bot.office import ALICE, BOB, GINA, Office, asking, everything, read
from tests.bot.stage import GENERAL, OPS, dossier_of
from tests.bot.workspace import failing
from tests.fakes import NOW

AUDITS = AskEvents(what=Wanted(term="coredns"), when=When(text="last 1h"))
NOBODYS = "f" * 32
NOBODYS_ROW = "f" * 12


def acting(key: str) -> list[Command]:
    """Every command that only members may give."""
    asking_for_one: list[Command] = [ShowIncident(number=1), ShowTrail(number=1), ShowStatus()]
    rows: list[Command] = [
        WhatElse(key=key, row=NOBODYS_ROW),
        SevenAnswers(key=key, row=NOBODYS_ROW),
        ShowSeenBefore(key=key),
    ]
    return [
        Acknowledge(key=key),
        ShowRawLog(key=key),
        *rows,
        *asking_for_one,
        AUDITS,
        Subscribe(),
        Unsubscribe(),
    ]


# --- what anybody may ask --------------------------------------------------------------------------


async def test_help_lists_what_can_be_asked(office: Office) -> None:
    answer = await office.ask(Help(), asking(GINA))
    assert all(each.name in read(answer) for each in COMMANDS)
    assert read(await office.ask(Help(about="audits"), asking(GINA))).startswith("help audits")
    assert answer.sentence == ""


async def test_the_welcome_says_who_is_here(office: Office) -> None:
    assert "Kubernetes Auditor is here" in read(await office.ask(Welcome()))


async def test_what_was_not_understood_is_told_with_the_nearest_command(office: Office) -> None:
    answer = await office.ask(Misunderstood(text="adits", hint="Did you mean audits?"))
    assert "Read: adits" in read(answer)
    assert "Did you mean audits?" in read(answer)


async def test_a_sentence_ends_once(office: Office) -> None:
    answer = await office.ask(Acknowledge(key=NOBODYS), asking(GINA))
    assert answer.sentence.startswith("Guests cannot do this. Acknowledging, raw logs")
    assert answer.sentence.endswith("organisation. Nothing was changed or shown.")


# --- who may act -----------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Asker, str]] = {
    "a guest": (asking(GINA), "Guests cannot do this"),
    "a stranger": (asking(ALICE, user_id="29:nobody"), "Only members of this conversation can do this"),
    "somebody without an id": (asking(ALICE, object_id=""), "Only members of this conversation can do this"),
    "somebody else's id": (asking(ALICE, object_id="b0b"), "Only members of this conversation can do this"),
    "another tenant": (asking(ALICE, tenant_id="other"), "Only members of this conversation can do this"),
}


@pytest.mark.parametrize("who", REFUSED)
async def test_who_may_not_act_is_told_so_and_nothing_happens(office: Office, who: str) -> None:
    incident = await office.incident()
    asker, sentence = REFUSED[who]
    await refused_everything(office, incident.key, asker, sentence)


async def test_while_the_roster_is_away_nobody_acts(office: Office) -> None:
    incident = await office.incident()
    office.desk.teams.fail = refusing({"member": Unavailable(Reason.TIMED_OUT)})
    await refused_everything(office, incident.key, asking(), "It could not be checked who you are")


async def refused_everything(office: Office, key: str, asker: Asker, sentence: str) -> None:
    before = await office.desk.store.dossier(key)
    for command in acting(key):
        answer = await office.ask(command, asker)
        assert sentence in read(answer)
        assert answer.sentence.startswith(sentence)
    assert await office.desk.store.dossier(key) == before
    assert [c.id for c in await office.desk.store.subscribed()] == [GENERAL.id]
    assert (office.woken, office.desk.log.asked, office.desk.teams.said) == (0, [], [])


@pytest.mark.parametrize("elsewhere", [True, False], ids=["another conversation's", "nobody's"])
async def test_a_key_opens_nothing_outside_its_conversation(office: Office, elsewhere: bool) -> None:
    incident = await office.incident()
    before = await dossier_of(office.desk.store, incident)
    key, asker = (incident.key, asking(where=OPS)) if elsewhere else (NOBODYS, asking())
    rows = (
        WhatElse(key=key, row=NOBODYS_ROW),
        SevenAnswers(key=key, row=NOBODYS_ROW),
        ShowSeenBefore(key=key),
    )
    for command in (Acknowledge(key=key), ShowRawLog(key=key), ShowRawLog(key=key, no_dialog=True), *rows):
        answer = await office.ask(command, asker)
        assert "This incident is not known here" in answer.sentence
    assert await dossier_of(office.desk.store, incident) == before
    assert (office.desk.log.asked, office.desk.teams.said) == ([], [])


# --- acknowledging ---------------------------------------------------------------------------------


async def test_an_acknowledgement_is_answered_with_the_card_as_it_is_now(office: Office) -> None:
    incident = await office.incident()
    answer = await office.ask(Acknowledge(key=incident.key))
    assert answer.sentence == ""
    assert "Acknowledged by Alice Weber" in read(answer)
    given = (await dossier_of(office.desk.store, incident)).incident.acknowledgement
    assert given is not None
    assert (given.by.id, given.by.name, given.at) == (ALICE.object_id, ALICE.name, NOW)
    assert office.woken == 1


async def test_the_name_is_the_rosters_not_the_one_that_the_activity_brings(office: Office) -> None:
    incident = await office.incident()
    answer = await office.ask(Acknowledge(key=incident.key), asking(name="Mallory"))
    assert "Acknowledged by Alice Weber" in read(answer)
    assert "Mallory" not in everything(answer)


async def test_of_twenty_clicks_at_once_one_wins_and_every_answer_names_the_winner(office: Office) -> None:
    incident = await office.incident()
    responder = office.responder()
    people = [ALICE, BOB] * 10
    answers = await asyncio.gather(
        *(responder.respond(Acknowledge(key=incident.key), asking(person)) for person in people)
    )
    given = (await dossier_of(office.desk.store, incident)).incident.acknowledgement
    assert given is not None
    assert None not in answers
    assert all(f"Acknowledged by {given.by.name}" in read(answer) for answer in answers if answer)
    loser = {ALICE.name: BOB.name, BOB.name: ALICE.name}[given.by.name]
    assert not any(loser in everything(answer) for answer in answers if answer)


async def test_a_card_can_be_clicked_before_its_post_is_recorded(office: Office) -> None:
    incident = await office.desk.opened()
    await office.desk.look()
    assert (await dossier_of(office.desk.store, incident)).posted == {}
    assert "Acknowledged by" in read(await office.ask(Acknowledge(key=incident.key)))


# --- subscriptions ---------------------------------------------------------------------------------


async def test_a_conversation_gets_incidents_from_the_first_subscribe_to_the_first_unsubscribe(
    office: Office,
) -> None:
    store = office.desk.store
    await store.remember(OPS, NOW)
    here = asking(where=OPS)
    assert "Incidents come here from now on" in read(await office.ask(Subscribe(), here))
    assert office.woken == 1
    assert "Incidents come here already" in read(await office.ask(Subscribe(), here))
    assert [c.id for c in await store.subscribed()] == [OPS.id]
    assert "No more incidents come here" in read(await office.ask(Unsubscribe(), here))
    assert "Incidents did not come here" in read(await office.ask(Unsubscribe(), here))
    assert await store.subscribed() == []


# --- questions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Europe/Berlin", "09:38:59–10:38:59 (Europe/Berlin"),
        ("Asia/Kolkata", "14:08:59–15:08:59 (Asia/Kolkata"),
        ("", "08:38:59–09:38:59 (UTC"),
        ("W. Europe Standard Time", "08:38:59–09:38:59 (UTC"),
        ("../../etc/passwd", "08:38:59–09:38:59 (UTC"),
        ("Europe", "08:38:59–09:38:59 (UTC"),
        ("a\x00b", "08:38:59–09:38:59 (UTC"),
        ("\ud800", "08:38:59–09:38:59 (UTC"),
        ("x" * 10_000, "08:38:59–09:38:59 (UTC"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_a_question_is_answered_in_the_askers_zone_if_we_know_it(
    office: Office, name: str, shown: str
) -> None:
    answer = await office.ask(AUDITS, asking(time_zone=name))
    assert shown in read(answer)


@pytest.mark.parametrize("term", ["core\x00dns", "a\x1bb", "a\u2028b", "\ud800", "x" * 2000])
async def test_a_term_that_cannot_be_asked_for_is_a_sentence(office: Office, term: str) -> None:
    answer = await office.ask(AskEvents(what=Wanted(term=term), when=When(text="last 1h")))
    assert "That was not understood" in answer.sentence
    assert "the search term" in answer.sentence
    assert office.desk.log.asked == []


@pytest.mark.parametrize(
    "term",
    ['" | union AzureActivity //', "'; drop table x", "]] {{DATE(1)}} <at>x</at>", "a\nb", "*", "\\"],
)
async def test_a_hostile_term_is_text_in_the_query_and_on_the_card(office: Office, term: str) -> None:
    answer = await office.ask(AskEvents(what=Wanted(term=term), when=When(text="last 1h")))
    assert any(f"has {literal(term)}" in query.kql for query in office.desk.log.asked)
    assert "{{" not in everything(answer)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (Unavailable(Reason.TIMED_OUT), "The audit log did not answer in time."),
        (Unavailable(Reason.SERVER_ERROR), "did not answer"),
        (Rejected(Reason.FORBIDDEN), "Log Analytics Reader"),
        (Rejected(Reason.BAD_REQUEST), "The workspace did not accept the question."),
    ],
)
async def test_a_workspace_that_fails_is_a_sentence(office: Office, failure: OutsideError, said: str) -> None:
    office.desk.log.answering = failing(failure)
    answer = await office.ask(AUDITS)
    assert said in answer.sentence


async def test_a_query_that_is_refused_is_logged_as_our_fault(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.desk.log.answering = failing(Rejected(Reason.BAD_REQUEST, "near line 3"))
    await office.ask(AUDITS)
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert vars(record)["detail"] == "near line 3"
    assert record.exc_info is None


# --- when the store is away ------------------------------------------------------------------------


class Away:
    """A store whose every method says that it does not answer."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def unavailable(*_args: object, **_more: object) -> None:
            raise Unavailable(Reason.STORE)

        return unavailable


@pytest.mark.parametrize(
    "command", [command for command in acting(NOBODYS) if command != AUDITS], ids=lambda c: type(c).__name__
)
async def test_without_the_store_a_command_is_answered_with_a_sentence(
    office: Office, command: Command
) -> None:
    office.desk.store = cast("Store", Away())
    answer = await office.ask(command)
    assert answer.sentence.startswith("This could not be done now. The audit log, or what the bot itself")
    assert ".." not in answer.sentence


async def test_what_cannot_be_recorded_is_not_asked(office: Office) -> None:
    office.desk.store = cast("Store", Away())
    assert "This could not be recorded, so it was not asked" in read(await office.ask(AUDITS))
    assert office.desk.log.asked == []

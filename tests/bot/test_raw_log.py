from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.asked import ShowRawLog
from bot.clicks import from_click
from bot.dialogs import DIALOG_DEADLINE, LONGEST_WAIT, TRIES
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Answer, Query
from bot.raw_log import MOST_PERSONAL
from tests.bot.desk import refusing
from tests.bot.office import ALICE, HER_CHAT, Office, asking, buttons, data_of, everything, read
from tests.bot.stage import BOB, GENERAL, a_row, at
from tests.bot.workspace import Row, failing, holding
from tests.fakes import a_conversation

PASSWORD = "hunter2-in-the-clear"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl"
WITH_SECRETS: dict[str, Any] = {
    "objectRef": {"resource": "secrets", "namespace": "payments", "name": "database"},
    "requestURI": f"/api/v1/namespaces/payments/secrets?token={TOKEN}",
    "requestObject": {"kind": "Secret", "data": {"password": PASSWORD}, "stringData": {"p": PASSWORD}},
    "responseObject": {"kind": "Secret", "data": {"password": PASSWORD}},
    "annotations": {"note": f"Bearer {TOKEN}"},
}


def some_rows(count: int) -> list[Row]:
    return [a_row(f"a-{n}", at(-5 + n / 60)) for n in range(count)]


# --- in a dialog -----------------------------------------------------------------------------------


async def test_the_raw_log_answers_one_event_a_page_oldest_first(office: Office) -> None:
    incident = await office.incident(a_row("late", at(-1), BOB), a_row("early", at(-3)))
    first = await office.ask(ShowRawLog(key=incident.key))
    assert (first.summary, first.sentence) == ("Raw log", "")
    assert "Event 1 of 2" in read(first)
    assert 'auditID: "early"' in read(first)
    assert "Asked for by Alice Weber 2026-03-04 09:38:59 UTC" in read(first)
    assert buttons(first) == ["Next"]
    following = from_click(data_of(first, "Next"))
    assert following == ShowRawLog(key=incident.key, page=1)
    second = await office.ask(following)
    assert 'auditID: "late"' in read(second)
    assert buttons(second) == ["Previous"]
    assert office.desk.teams.said == []


@pytest.mark.parametrize("page", [2, 7, 999])
async def test_a_page_beyond_the_last_is_the_last(office: Office, page: int) -> None:
    incident = await office.incident(*some_rows(2))
    assert "Event 2 of 2" in read(await office.ask(ShowRawLog(key=incident.key, page=page)))


async def test_events_that_the_workspace_no_longer_has_are_said_to_be_gone(office: Office) -> None:
    incident = await office.incident(*some_rows(2))
    office.desk.holds()
    assert "No raw log found" in (await office.ask(ShowRawLog(key=incident.key))).sentence


async def test_a_workspace_that_fails_in_time_is_a_sentence(office: Office) -> None:
    incident = await office.incident(*some_rows(2))
    office.desk.log.answering = failing(Unavailable(Reason.THROTTLED))
    answer = await office.ask(ShowRawLog(key=incident.key))
    assert "being asked too much" in answer.sentence
    assert office.desk.teams.said == []


async def test_who_asked_for_what_is_in_the_ledger(office: Office) -> None:
    incident = await office.incident(*some_rows(1))
    await office.ask(ShowRawLog(key=incident.key))
    (entry,) = await office.desk.store.entries()
    assert (entry.what, entry.by.id, entry.about) == ("raw log", ALICE.object_id, f"#{incident.number}")


@pytest.mark.parametrize("no_dialog", [False, True], ids=["in a dialog", "in the personal chat"])
async def test_no_secret_leaves_with_the_raw_log(office: Office, no_dialog: bool) -> None:
    incident = await office.incident(a_row("a-1", **WITH_SECRETS))
    answer = await office.ask(ShowRawLog(key=incident.key, no_dialog=no_dialog))
    left = [everything(answer), *(everything(said.message) for said in office.desk.teams.said)]
    assert any("[redacted" in message for message in left)
    assert any("database" in message for message in left)
    for secret in (PASSWORD, TOKEN):
        assert not any(secret in message for message in left)


async def test_no_secret_leaves_with_the_incidents_card_or_an_answer(office: Office) -> None:
    await office.desk.posted()
    office.desk.teams.said.clear()
    office.desk.holds(a_row("a-1", **WITH_SECRETS), a_row("a-2"))
    office.desk.clock.at = at(10)
    await office.desk.look()
    await office.desk.notify()
    (said,) = office.desk.teams.said
    assert "/api/v1/namespaces/payments/secrets" in everything(said.message)
    for secret in (PASSWORD, TOKEN):
        assert secret not in everything(said.message)


# --- in the personal chat --------------------------------------------------------------------------


async def test_what_comes_too_late_for_a_dialog_goes_to_the_personal_chat(office: Office) -> None:
    incident = await office.incident(*some_rows(2))
    office.dialog_deadline = timedelta(milliseconds=20)
    gate = office.answers_late(*some_rows(2))
    responder = office.responder()
    answer = await responder.respond(ShowRawLog(key=incident.key), asking())
    assert answer is not None
    assert "The raw log is on its way" in answer.sentence
    assert office.desk.teams.said == []
    gate.set()
    await responder.close()
    assert [said.split("\n", 1)[0] for said in office.said_to(HER_CHAT)] == ["Event 1 of 2", "Event 2 of 2"]
    assert office.said_to(GENERAL.id) == []
    assert len(office.desk.log.asked) == 1


async def test_closing_waits_for_what_is_on_its_way(office: Office) -> None:
    incident = await office.incident(*some_rows(1))
    gate = office.answers_late(*some_rows(1))
    responder = office.responder()
    await responder.respond(ShowRawLog(key=incident.key, no_dialog=True), asking())
    closing = asyncio.create_task(responder.close())
    await asyncio.sleep(0.02)
    assert not closing.done()
    gate.set()
    await closing
    assert len(office.said_to(HER_CHAT)) == 1


async def test_a_client_without_dialogs_gets_it_in_the_personal_chat_at_once(office: Office) -> None:
    incident = await office.incident(*some_rows(2))
    answer = await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    assert "The raw log is on its way" in read(answer)
    assert len(office.said_to(HER_CHAT)) == 2
    assert office.said_to(GENERAL.id) == []


async def test_in_the_personal_chat_there_are_no_buttons_for_there_the_key_opens_nothing(
    office: Office,
) -> None:
    incident = await office.incident(*some_rows(3))
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    assert len(office.desk.teams.said) == 3
    assert not any(said.message.card.get("actions") for said in office.desk.teams.said)
    assert not any(incident.key in everything(said.message) for said in office.desk.teams.said)


@pytest.mark.parametrize(
    ("count", "pages", "more"),
    [
        (MOST_PERSONAL, MOST_PERSONAL, False),
        (MOST_PERSONAL + 1, MOST_PERSONAL, True),
        (60, MOST_PERSONAL, True),
    ],
)
async def test_of_many_events_the_first_come_and_it_is_said_how_many_there_are(
    office: Office, count: int, pages: int, more: bool
) -> None:
    incident = await office.incident(*some_rows(count))
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    said = office.said_to(HER_CHAT)
    assert [text.split("\n", 1)[0] for text in said[:pages]] == [
        f"Event {n + 1} of {count}" for n in range(pages)
    ]
    assert [text.split("\n", 1)[0] for text in said[pages:]] == ([f"{pages} of {count} events sent"] * more)


async def test_a_failure_after_the_promise_is_told_in_the_personal_chat(office: Office) -> None:
    incident = await office.incident(*some_rows(2))
    office.desk.log.answering = failing(Unavailable(Reason.TIMED_OUT))
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    (said,) = office.said_to(HER_CHAT)
    assert "did not answer in time" in said


async def test_events_that_are_gone_are_said_so_in_the_personal_chat(office: Office) -> None:
    incident = await office.incident(*some_rows(2))
    office.desk.holds()
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    (said,) = office.said_to(HER_CHAT)
    assert "No raw log found" in said


def failing_at(place: int, *failures: OutsideError) -> Callable[[str, str], None]:
    """Fail the post of that place so often, each time with the next failure."""
    left = list(failures)
    posts = 0

    def fail(call: str, _where: str) -> None:
        nonlocal posts
        if call != "post":
            return
        posts += 1
        if posts >= place and left:
            raise left.pop(0)

    return fail


async def test_a_post_that_teams_puts_off_is_tried_again_after_as_long_as_it_asks(office: Office) -> None:
    incident = await office.incident(*some_rows(3))
    wait = timedelta(seconds=7)
    office.desk.teams.fail = failing_at(2, *[Unavailable(Reason.THROTTLED, retry_after=wait)] * (TRIES - 1))
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    assert len(office.said_to(HER_CHAT)) == 3
    assert office.slept == [7, 7]


@pytest.mark.parametrize(
    "failures",
    [
        [Unavailable(Reason.THROTTLED)] * TRIES,
        [Unavailable(Reason.THROTTLED, retry_after=LONGEST_WAIT + timedelta(seconds=1))],
        [Rejected(Reason.FORBIDDEN)],
    ],
    ids=["too often", "too long", "for good"],
)
async def test_a_post_that_teams_does_not_take_ends_the_delivery_with_a_word_in_the_log(
    office: Office, caplog: pytest.LogCaptureFixture, failures: list[OutsideError]
) -> None:
    incident = await office.incident(*some_rows(3))
    office.desk.teams.fail = failing_at(2, *failures)
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    assert len(office.said_to(HER_CHAT)) == 1
    (record,) = [r for r in caplog.records if r.getMessage() == "raw log not delivered"]
    assert vars(record)["person"] == ALICE.object_id
    assert record.exc_info is None


async def test_a_post_that_may_have_arrived_is_not_said_twice(office: Office) -> None:
    incident = await office.incident(*some_rows(3))
    office.desk.teams.fail = failing_at(2, Unavailable(Reason.UNKNOWN))
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    assert [said.split("\n", 1)[0] for said in office.said_to(HER_CHAT)] == ["Event 1 of 3", "Event 3 of 3"]


async def test_without_a_personal_chat_nothing_is_said_anywhere(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    incident = await office.incident(*some_rows(1))
    office.desk.teams.fail = refusing({"personal": Rejected(Reason.FORBIDDEN)})
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    assert office.desk.teams.said == []
    assert "raw log not delivered" in caplog.text


async def test_a_mistake_of_ours_in_the_background_is_logged_and_closes(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    incident = await office.incident(*some_rows(1))

    async def mistaken(_query: Query) -> Answer:
        raise RuntimeError("a bug")

    office.desk.log.answering = mistaken
    await office.ask(ShowRawLog(key=incident.key, no_dialog=True))
    (record,) = [r for r in caplog.records if r.getMessage() == "raw log not delivered"]
    assert record.exc_info is not None


async def test_who_goes_away_while_it_is_asked_leaves_no_question_behind(office: Office) -> None:
    incident = await office.incident(*some_rows(1))
    started, ended = asyncio.Event(), asyncio.Event()

    async def answer(_query: Query) -> Answer:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    office.desk.log.answering = answer
    responder = office.responder()
    asked = asyncio.create_task(responder.respond(ShowRawLog(key=incident.key), asking()))
    await started.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    async with asyncio.timeout(5):
        await ended.wait()
    assert office.desk.teams.said == []


async def test_asked_in_the_personal_chat_itself_it_stays_there(office: Office) -> None:
    """No incident's card is for a personal chat, so its key opens nothing there."""
    incident = await office.incident(*some_rows(1))
    chat = a_conversation(id=HER_CHAT)
    answer = await office.ask(ShowRawLog(key=incident.key), asking(where=chat))
    assert "This incident is not known here" in answer.sentence


def test_a_dialog_is_given_up_before_teams_gives_up() -> None:
    assert timedelta(seconds=9) > DIALOG_DEADLINE


async def test_what_is_held_for_one_page_is_not_drawn_for_the_others(office: Office) -> None:
    """A click costs one card, however many events there are."""
    rows = [a_row(f"a-{n}", at(-5 + n / 60), requestObject={"a": ["x" * 50] * 500}) for n in range(100)]
    incident = await office.incident(*rows)
    office.desk.log.answering = holding(rows)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await office.ask(ShowRawLog(key=incident.key, page=99))
    assert loop.time() - started < 2


async def test_names_out_of_the_activity_do_not_reach_the_raw_log(office: Office) -> None:
    incident = await office.incident(*some_rows(1))
    office.desk.teams.members[ALICE.id] = replace(ALICE, name="Alice {{DATE(2020)}} <b>")
    said = everything(await office.ask(ShowRawLog(key=incident.key), asking(name="Mallory")))
    assert "Mallory" not in said
    assert "{{" not in said

from __future__ import annotations

import asyncio

import pytest

from audit.incident import Incident
from bot.asked import Acknowledge, ShowIncident, ShowRawLog, ShowTrail
from bot.clicks import from_click
from bot.errors import Reason, Rejected, Unavailable
from bot.ports import Conversation, ConversationKind, Step
from cards.trail import WORDS
from tests.bot.office import ALICE, BOB, GINA, HER_CHAT, Office, asking, buttons, data_of, everything, read
from tests.bot.stage import GENERAL, OPS, an_incident, delivery, dossier_of
from tests.fakes import NOW, FakeConversations, a_conversation

PERSONAL = a_conversation(id=HER_CHAT, kind=ConversationKind.PERSONAL, team_id="", name="Alice Weber")
GROUP = a_conversation(id="19:group@unq.gbl.spaces", kind=ConversationKind.GROUP, team_id="", name="lunch")
NOT_KNOWN = "This incident is not known here"


@pytest.fixture
def teams(office: Office) -> FakeConversations:
    return office.desk.teams


async def standing_in(office: Office, incident: Incident) -> str:
    """Return the id of the message that is kept up to date."""
    (activity_id,) = (await dossier_of(office.desk.store, incident)).posted
    return activity_id


# --- an incident by its number ---------------------------------------------------------------------


async def test_an_incident_is_shown_as_it_is_now_with_buttons_that_work(office: Office) -> None:
    incident = await office.incident()
    answer = await office.ask(ShowIncident(number=incident.number))
    assert "alice@contoso.com patched configmap kube-system/coredns-custom" in read(answer)
    assert "As it was 2026-03-04 09:38:59 (UTC), when it was asked for." in read(answer)
    assert answer.sentence == ""
    assert buttons(answer) == ["Acknowledge", "Show raw log", "Seen before"]
    before = from_click(data_of(answer, "Seen before"))
    assert "No earlier incident" in read(await office.ask(before))
    raw = from_click(data_of(answer, "Show raw log"))
    assert raw == ShowRawLog(key=incident.key)
    assert "Event 1 of 1" in read(await office.ask(raw))


async def test_an_acknowledgement_on_an_answer_is_answered_with_an_answer(office: Office) -> None:
    incident = await office.incident()
    shown = await office.ask(ShowIncident(number=incident.number))
    command = from_click({**data_of(shown, "Acknowledge"), "a": "acknowledge"})
    assert command == Acknowledge(key=incident.key, is_answer=True)
    answer = await office.ask(command, asking(clicked="the answer"))
    assert "Acknowledged by Alice Weber" in read(answer)
    assert "when it was asked for" in read(answer)


@pytest.mark.parametrize("where", [OPS, GROUP], ids=["another channel", "a group chat"])
async def test_an_incident_is_not_shown_where_its_card_is_not_for(
    office: Office, where: Conversation
) -> None:
    incident = await office.incident()
    for command in (ShowIncident(number=incident.number), ShowTrail(number=incident.number)):
        answer = await office.ask(command, asking(where=where))
        assert NOT_KNOWN in read(answer)
        assert incident.key not in everything(answer)


async def test_a_member_sees_an_incident_in_the_personal_chat_without_buttons_that_open_nothing_there(
    office: Office,
) -> None:
    incident = await office.incident()
    answer = await office.ask(ShowIncident(number=incident.number), asking(where=PERSONAL))
    assert "alice@contoso.com patched configmap" in read(answer)
    assert "Acknowledge it there" in read(answer)
    assert buttons(answer) == []
    assert incident.key not in everything(answer)
    assert "Run trail of #1" in read(await office.ask(ShowTrail(number=1), asking(where=PERSONAL)))


async def test_who_is_in_no_channel_that_gets_incidents_sees_none_in_a_chat(office: Office) -> None:
    incident = await office.incident()
    await office.desk.store.unsubscribe(GENERAL.id, NOW)
    for command in (ShowIncident(number=incident.number), ShowTrail(number=incident.number)):
        answer = await office.ask(command, asking(where=PERSONAL))
        assert "This is for people who get the incidents" in read(answer)


async def test_a_guest_sees_neither_an_incident_nor_its_trail(office: Office) -> None:
    incident = await office.incident()
    for command in (ShowIncident(number=incident.number), ShowTrail(number=incident.number)):
        assert "Guests cannot do this" in read(await office.ask(command, asking(GINA)))


@pytest.mark.parametrize("number", [0, 2, 999_999_999, 10**12])
async def test_a_number_that_no_incident_has_is_a_sentence(office: Office, number: int) -> None:
    await office.incident()
    for command in (ShowIncident(number=number), ShowTrail(number=number)):
        assert NOT_KNOWN in (await office.ask(command)).sentence


# --- its run trail ---------------------------------------------------------------------------------


async def test_the_trail_tells_each_step_from_the_webhook_to_the_card(office: Office) -> None:
    incident = await office.incident()
    answer = await office.ask(ShowTrail(number=incident.number))
    said = read(answer)
    places = [
        said.index(words)
        for words in ("webhook received: Fired", "asked the workspace: alert", "card posted: General")
    ]
    assert places == sorted(places)
    assert answer.summary == "Run trail of #1"
    assert answer.sentence == ""


async def test_the_trails_times_are_in_the_askers_zone(office: Office) -> None:
    incident = await office.incident()
    answer = await office.ask(ShowTrail(number=incident.number), asking(time_zone="Europe/Berlin"))
    assert "2026-03-04 10:38:59 (UTC+01:00)" in read(answer)


def test_every_step_has_its_words() -> None:
    assert WORDS.keys() == {step.value for step in Step}


# --- a copy whose id was never told ----------------------------------------------------------------


async def test_a_copy_that_is_clicked_is_kept_up_to_date_and_the_other_one_goes(
    office: Office, teams: FakeConversations
) -> None:
    incident = await office.incident()
    first = await standing_in(office, incident)
    answer = await office.ask(Acknowledge(key=incident.key), asking(clicked="a copy"))
    assert "Acknowledged by Alice Weber" in read(answer)
    assert "when it was asked for" not in read(answer)
    assert await standing_in(office, incident) == "a copy"
    assert teams.deleted == [first]


async def test_a_click_on_the_card_that_is_known_takes_nothing_away(
    office: Office, teams: FakeConversations
) -> None:
    incident = await office.incident()
    first = await standing_in(office, incident)
    await office.ask(Acknowledge(key=incident.key), asking(clicked=first))
    assert await standing_in(office, incident) == first
    assert teams.deleted == []


async def test_who_comes_second_on_a_copy_adopts_it_too(office: Office, teams: FakeConversations) -> None:
    incident = await office.incident()
    first = await standing_in(office, incident)
    await office.ask(Acknowledge(key=incident.key), asking(clicked=first))
    answer = await office.ask(Acknowledge(key=incident.key), asking(BOB, clicked="a copy"))
    assert "Acknowledged by Alice Weber" in read(answer)
    assert (await standing_in(office, incident), teams.deleted) == ("a copy", [first])


async def test_a_copy_of_a_card_whose_post_is_not_known_to_stand_takes_nothing_away(
    office: Office, teams: FakeConversations
) -> None:
    incident = await office.desk.opened()
    await office.desk.look()
    await office.ask(Acknowledge(key=incident.key), asking(clicked="a copy"))
    assert (await standing_in(office, incident), teams.deleted) == ("a copy", [])


@pytest.mark.parametrize(
    "command",
    [
        lambda key: Acknowledge(key=key, is_answer=True),
        lambda key: Acknowledge(key="f" * 32),
        lambda key: ShowRawLog(key=key),
    ],
    ids=["an answer", "nobody's key", "the raw log"],
)
async def test_no_other_click_moves_the_card(
    office: Office, teams: FakeConversations, command: object
) -> None:
    incident = await office.incident()
    first = await standing_in(office, incident)
    await office.ask(command(incident.key), asking(clicked="something else"))  # type: ignore[operator]  # one of the three
    assert (await standing_in(office, incident), teams.deleted) == (first, [])


async def test_a_click_from_another_conversation_moves_nothing(
    office: Office, teams: FakeConversations
) -> None:
    incident = await office.incident()
    first = await standing_in(office, incident)
    for where in (OPS, PERSONAL):
        await office.ask(Acknowledge(key=incident.key), asking(where=where, clicked="a copy"))
    await office.ask(Acknowledge(key=incident.key), asking(GINA, clicked="a copy"))
    assert (await standing_in(office, incident), teams.deleted) == (first, [])


@pytest.mark.parametrize(
    "failure", [Unavailable(Reason.THROTTLED), Rejected(Reason.FORBIDDEN), RuntimeError("a surprise")]
)
async def test_a_copy_that_cannot_be_deleted_does_not_spoil_the_acknowledgement(
    office: Office, teams: FakeConversations, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    incident = await office.incident()

    def fail(call: str, _where: str) -> None:
        if call == "delete":
            raise failure

    teams.fail = fail
    answer = await office.ask(Acknowledge(key=incident.key), asking(clicked="a copy"))
    assert "Acknowledged by Alice Weber" in read(answer)
    assert await standing_in(office, incident) == "a copy"
    assert "copy not deleted" in caplog.text


async def test_a_store_that_fails_between_does_not_spoil_the_acknowledgement(
    office: Office, teams: FakeConversations, caplog: pytest.LogCaptureFixture
) -> None:
    incident = await office.incident()
    first = await standing_in(office, incident)

    class Failing:
        def __getattr__(self, name: str) -> object:
            if name == "adopt":
                raise Unavailable(Reason.STORE)
            return getattr(store, name)

    store = office.desk.store
    office.desk.store = Failing()  # type: ignore[assignment]  # all of the store but one method
    answer = await office.ask(Acknowledge(key=incident.key), asking(clicked="a copy"))
    office.desk.store = store
    assert "Acknowledged by Alice Weber" in read(answer)
    assert (await standing_in(office, incident), teams.deleted) == (first, [])
    assert "copy not adopted" in caplog.text


async def test_the_answer_does_not_wait_until_the_other_copy_is_gone(
    office: Office, teams: FakeConversations
) -> None:
    incident = await office.incident()
    go = asyncio.Event()

    class Slow(FakeConversations):
        async def delete(self, where: Conversation, activity_id: str) -> None:
            await go.wait()
            await super().delete(where, activity_id)

    office.desk.teams = slow = Slow(members=teams.members)
    responder = office.responder()
    await responder.respond(Acknowledge(key=incident.key), asking(clicked="a copy"))
    assert slow.deleted == []
    go.set()
    await responder.close()
    assert len(slow.deleted) == 1


async def test_an_incident_of_a_second_rule_has_its_own_number(office: Office) -> None:
    await office.incident()
    other = await an_incident(office.desk.store, delivery(alert_id="/alerts/2", alertRule="Other"))
    answer = await office.ask(ShowIncident(number=other.number))
    assert "#2 · Other" in read(answer)
    assert ALICE.name not in read(answer)

"""Questions over the real store, to workspaces that run the very queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.asked import Asker, Command
from bot.chat_lines import Asked
from bot.chat_rows import ChatStore
from bot.clicks import from_click
from bot.errors import OutsideError, Reason, Unavailable
from bot.grammar import from_text
from bot.ports import ConversationKind, Entry, Kept, Limits, Query, Workspace
from tests.audit.bodies import CLUSTER, SUBSCRIPTION
from tests.bot.desk import Desk
from tests.bot.office import ALICE as HER
from tests.bot.office import BOB as HIM
from tests.bot.office import Office, asking, everything, read
from tests.bot.real_log import RealLog
from tests.bot.stage import ALICE, BOB, GENERAL, PLATFORM, PROD, TEST, a_row
from tests.bot.workspace import Row
from tests.fakes import NOW, a_conversation

OTHER = CLUSTER.rsplit("/", 1)[0] + "/aks-prod-neu"
HER_CHAT = a_conversation(id="a:hers", kind=ConversationKind.PERSONAL, team_id="")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def on(cluster: str, row: Row) -> Row:
    return {**row, "_ResourceId": cluster}


@pytest.fixture
def log() -> RealLog:
    log = RealLog()
    log.add(PROD.name, a_row("a-1", ago(30)), a_row("a-2", ago(20)), a_row("p-1", ago(10), PLATFORM))
    log.add(TEST.name, on(OTHER, a_row("b-1", ago(5), BOB, verb="delete")))
    return log


@pytest.fixture
async def chat(desk: Desk, log: RealLog) -> Office:
    await desk.store.remember(GENERAL, NOW)
    await desk.store.subscribe(GENERAL.id, NOW)
    return Office(desk, log=log, workspaces=(PROD, TEST))


def understood(line: str) -> Asked:
    command: Command = from_text(line)
    assert isinstance(command, Asked), command
    return command


async def ask(chat: Office, line: str, asker: Asker | None = None) -> str:
    return read(await chat.ask(understood(line), asker))


async def ledger(chat: Office) -> list[Entry]:
    return list(reversed(await chat.desk.store.entries()))


async def kept(chat: Office) -> Kept:
    """The last question that was asked."""
    keys = [entry.key for entry in await ledger(chat) if entry.what == "asked"]
    found = await chat.desk.store.question(keys[-1])
    assert found is not None
    return found


def lines_of(message_card: object) -> list[str]:
    """The lines that the card's buttons say."""
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            teams = value.get("msteams")
            if isinstance(teams, dict) and teams.get("type") == "messageBack":
                found.append(teams["text"])
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(message_card)
    return found


# --- the answers -----------------------------------------------------------------------------------


async def test_events_are_answered_by_one_card_with_the_question_as_it_was_understood(chat: Office) -> None:
    message = await chat.ask(understood("audits coredns-custom last 1h"))
    said = read(message)
    assert "audits coredns-custom last 1h" in said
    assert "08:38:59" in said
    assert "4 events" in said
    assert ALICE in said
    assert BOB in said
    assert message.summary.startswith("audits coredns-custom last 1h")
    assert message.sentence == ""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("who deleted configmaps/coredns-custom last 1h", BOB),
        ("what did alice do last 1h", ALICE),
        ("activity last 1h", "08:"),
        ("clusters", "aks-prod-neu"),
        ("blindspots", "aks-prod-neu"),
        ("cost last 24h", "cost last 24h"),
        ("audits by alice last 1h", "2 events"),
    ],
)
async def test_each_question_has_its_card(chat: Office, line: str, says: str) -> None:
    assert says in await ask(chat, line)
    written = await ledger(chat)
    assert [entry.what for entry in written] == ["asked", "answered"]
    assert (written[0].about, written[1].outcome) == (line, "ok")


async def test_who_it_was_offers_what_each_did(chat: Office) -> None:
    message = await chat.ask(understood("who touched cm/coredns-custom last 1h"))
    assert f"what did {BOB} do last 1h" in lines_of(message.card)


async def test_times_are_told_in_the_askers_zone(chat: Office) -> None:
    said = await ask(chat, "audits coredns-custom last 1h", asking(time_zone="Europe/Berlin"))
    assert "09:38:59" in said
    assert "Europe/Berlin" in said


async def test_nothing_found_offers_a_wider_question_and_says_how_far_the_log_reaches(chat: Office) -> None:
    message = await chat.ask(understood("audits unheard-of last 1h"))
    assert lines_of(message.card) == ["audits unheard-of last 24h"]
    assert "2026-03-04 09:08:59" in read(message)


# --- the ledger ------------------------------------------------------------------------------------


async def test_what_was_asked_and_what_came_of_it_is_kept(chat: Office) -> None:
    await ask(chat, "audits coredns-custom last 1h")
    question = await kept(chat)
    assert (question.put.line, question.put.by.id) == ("audits coredns-custom last 1h", HER.object_id)
    assert question.put.conversation_id == GENERAL.id
    answer = question.answer
    assert answer is not None
    assert (answer.events, answer.outcome, answer.window.end) == (4, "ok", NOW)
    hers = next(row for row in answer.rows if row.user == ALICE)
    assert hers.audit_ids == ("a-1", "a-2")
    assert (hers.first, hers.last) == (ago(30), ago(20))
    assert "coredns-custom" in hers.said


class Broken:
    """A store whose methods of these names fail."""

    def __init__(self, store: ChatStore, *failing: str) -> None:
        self._store = store
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        async def fail(*_args: object, **_more: object) -> None:
            raise Unavailable(Reason.STORE)

        return fail if name in self._failing else getattr(self._store, name)


async def test_what_cannot_be_recorded_is_not_asked(chat: Office, log: RealLog) -> None:
    chat.chat_store = Broken(chat.desk.store, "admit")
    assert "could not be recorded, so it was not asked" in await ask(chat, "audits coredns-custom last 1h")
    assert log.asked == []


async def test_an_answer_that_cannot_be_kept_has_no_buttons_that_would_open_nothing(chat: Office) -> None:
    chat.chat_store = Broken(chat.desk.store, "answered")
    message = await chat.ask(understood("audits coredns-custom last 1h"))
    assert ALICE in read(message)
    assert '"q"' not in everything(message)


async def test_a_question_that_is_delivered_twice_is_answered_once(chat: Office, log: RealLog) -> None:
    command = understood("audits coredns-custom last 1h")
    assert await chat.heard(command, asking(activity_id="1")) is not None
    log.asked.clear()
    assert await chat.heard(command, asking(activity_id="1")) is None
    assert log.asked == []


async def test_past_the_limit_it_is_said_when_there_is_room_again(chat: Office, log: RealLog) -> None:
    chat.limits = Limits(per_person=1, per_conversation=2)
    await ask(chat, "clusters")
    log.asked.clear()
    said = await ask(chat, "clusters")
    assert "Ask again in 60 s" in said
    assert "You asked 1 question within a minute" in said
    chat.desk.clock.pass_time(seconds=1)
    await ask(chat, "clusters", asking(HIM))
    third = replace(HIM, id="29:zoe", object_id="20e")
    chat.desk.teams.members[third.id] = third
    assert "People here asked 2 questions" in await ask(chat, "clusters", asking(third))


# --- times that cannot be asked for ----------------------------------------------------------------


async def test_what_is_out_of_reach_is_a_sentence_with_the_nearest_question(
    chat: Office, log: RealLog
) -> None:
    message = await chat.ask(understood("audits coredns last 20d"))
    assert "That time cannot be asked for" in read(message)
    assert lines_of(message.card) == ["audits coredns last 7d"]
    assert log.asked == []


async def test_what_is_out_of_reach_counts_against_no_limit(chat: Office) -> None:
    for _ in range(2 * Limits().per_person):
        await chat.ask(understood("audits coredns last 20d"))
    assert await ledger(chat) == []
    assert "events" in read(await chat.ask(understood("audits coredns last 1h")))


# --- workspaces that fail --------------------------------------------------------------------------


def failing(name: str, reason: Reason) -> Callable[[Query], OutsideError | None]:
    return lambda query: (
        Unavailable(reason) if query.workspace.name in (name or query.workspace.name) else None
    )


async def test_a_workspace_that_fails_is_named_beside_the_others_answer(chat: Office, log: RealLog) -> None:
    log.failing = failing("test", Reason.THROTTLED)
    said = await ask(chat, "audits coredns-custom last 1h")
    assert ALICE in said
    assert "test is not in this answer" in said
    assert (await ledger(chat))[-1].outcome == "partial"


async def test_when_none_answers_it_says_what_it_tried_and_offers_less(chat: Office, log: RealLog) -> None:
    log.failing = failing("", Reason.TIMED_OUT)
    message = await chat.ask(understood("audits coredns-custom last 1h"))
    said = read(message)
    assert "did not answer within 30 s" in said
    assert "prod: " in said
    assert "test: " in said
    assert lines_of(message.card) == ["audits coredns-custom last 30m"]
    assert (await ledger(chat))[-1].outcome == "timed out"


# --- clusters --------------------------------------------------------------------------------------


async def test_a_cluster_is_found_by_the_beginning_of_its_name_and_its_workspace_alone_is_asked(
    chat: Office, log: RealLog
) -> None:
    said = await ask(chat, "audits coredns-custom on AKS-PROD-N last 1h")
    assert BOB in said
    assert ALICE not in said
    assert "aks-prod-neu" in said
    counted = [query for query in log.asked if "Unreadable" in query.kql]
    assert {query.workspace.name for query in counted} == {"test"}
    answer = (await kept(chat)).answer
    assert answer is not None
    assert answer.clusters == (OTHER.lower(),)


async def test_which_of_several_is_meant_is_asked_with_a_button_for_each(chat: Office, log: RealLog) -> None:
    message = await chat.ask(understood("audits coredns-custom on aks-prod last 1h"))
    assert "Which cluster?" in read(message)
    group = CLUSTER.split("/")[4].lower()
    assert lines_of(message.card) == [
        f'audits coredns-custom on "{group}/aks-prod-neu" last 1h',
        f'audits coredns-custom on "{group}/aks-prod-weu" last 1h',
    ]
    said = await ask(chat, lines_of(message.card)[1])
    assert ALICE in said
    assert BOB not in said


async def test_a_cluster_that_nobody_knows_is_said_with_those_that_are_near(chat: Office) -> None:
    message = await chat.ask(understood("audits coredns-custom on aks-prd-neu last 1h"))
    assert "aks-prd-neu" in read(message)
    assert "Known: aks-prod-neu, aks-prod-weu" in read(message)
    assert len(lines_of(message.card)) == 2


async def test_clusters_are_not_known_where_no_workspace_says(chat: Office, log: RealLog) -> None:
    log.failing = failing("", Reason.UNREACHABLE)
    assert "The audit log did not answer" in await ask(chat, "audits coredns on nowhere last 1h")


# --- one event -------------------------------------------------------------------------------------


async def test_a_raw_event_comes_to_the_personal_chat_and_the_channel_gets_a_sentence(chat: Office) -> None:
    message = await chat.ask(understood("raw b-1"))
    assert "on its way" in read(message)
    assert "auditID" not in everything(message)
    (said,) = chat.said_to(f"a:{HER.object_id}")
    assert 'auditID: "b-1"' in said
    written = await ledger(chat)
    assert [(entry.what, entry.rows) for entry in written] == [("asked", None), ("answered", 1)]


async def test_in_the_personal_chat_it_is_answered_there_and_pages_open_a_dialog(
    chat: Office, log: RealLog
) -> None:
    log.add(PROD.name, a_row("b-1", ago(2)))
    asker = asking(conversation=HER_CHAT)
    message = await chat.ask(understood("raw b-1"), asker)
    assert "Event 1 of 2" in read(message)
    (button,) = message.card["actions"]
    assert button["data"]["msteams"] == {"type": "task/fetch"}
    following = await chat.ask(from_click(button["data"]), asker)
    assert "Event 2 of 2" in read(following)


async def test_an_id_that_is_nowhere_is_said_with_what_was_searched(chat: Office) -> None:
    said = await ask(chat, "raw no-such-id", asking(conversation=HER_CHAT))
    assert "No event with this id was found" in said
    assert "the last 7 days" in said


async def test_a_raw_event_that_cannot_be_had_is_a_sentence_in_the_ledger_too(
    chat: Office, log: RealLog
) -> None:
    log.failing = failing("", Reason.THROTTLED)
    assert "did not answer" in await ask(chat, "raw b-1", asking(conversation=HER_CHAT))
    assert (await ledger(chat))[-1].outcome == "throttled"


async def test_secrets_and_raw_events_are_for_readers(chat: Office, log: RealLog) -> None:
    chat.readers = frozenset({HIM.object_id})
    for line in ("raw b-1", "secrets last 1h", "who touched secrets today"):
        assert "smaller group" in await ask(chat, line)
    assert log.asked == []


async def test_a_configured_cluster_that_logs_nothing_can_be_asked_about(chat: Office, log: RealLog) -> None:
    quiet = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/quiet"
    chat.workspaces = (PROD, Workspace(name="test", id=TEST.id, holds=(quiet,)))
    said = await ask(chat, "audits coredns on quiet last 1h")
    assert "quiet" in said
    assert "Nothing found" in said or "0 events" in said

"""Buttons on an answer: over the real store, with questions and answers as they are kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from audit.event import AuditEvent, parse_event
from audit.filter import Window
from audit.grouping import group
from audit.incident import Person
from audit.involved import mark
from audit.kql import TOTAL
from audit.kql_columns import DIGEST
from bot.asked import Asker, Command, ListEvents, SevenAnswers, ShowQuery, ShowRawLog, WhatElse
from bot.asking import PAGE
from bot.chat_rows import MOST_IDS, MOST_ROWS, rows_of
from bot.clicks import from_click
from bot.errors import Reason, Unavailable
from bot.grammar import from_text
from bot.ports import Answer, Answered, ConversationKind, Limits, Put, Query, Row
from tests.bot.desk import Desk
from tests.bot.office import ALICE as HER
from tests.bot.office import BOB as HIM
from tests.bot.office import Office, asking, data_of, everything, read
from tests.bot.stage import ALICE, END, GENERAL, OPS, START, a_row
from tests.bot.test_chat import Broken
from tests.bot.workspace import Question, holding, question
from tests.cards.checks import lines
from tests.fakes import NOW, a_conversation

KEY = "0123456789abcdef" * 2
MARK = "abcdef012345"
PASSWORD = "hunter2-in-the-clear"
BODY = {"kind": "Secret", "data": {"password": PASSWORD}}
ROWS = [a_row("a-1", START, requestObject=BODY), a_row("a-2", END, requestObject=BODY)]
HERS = Row(
    mark=MARK,
    audit_ids=("a-1", "a-2"),
    user=ALICE,
    first=START,
    last=END,
    said="alice patched configmap kube-system/coredns-custom",
)
HER_CHAT = a_conversation(id="a:hers", kind=ConversationKind.PERSONAL, team_id="")


@pytest.fixture
async def chat(desk: Desk) -> Office:
    """An office in which Alice has asked, and been answered."""
    for where in (GENERAL, OPS):
        await desk.store.remember(where, NOW)
        await desk.store.subscribe(where.id, NOW)
    desk.log.answering = holding(ROWS)
    await a_question(desk)
    return Office(desk)


async def a_question(
    desk: Desk, *, line: str = "audits coredns-custom last 1h", key: str = KEY, rows: Sequence[Row] = (HERS,)
) -> None:
    put = Put(
        key=key,
        line=line,
        asked_at=NOW,
        by=Person(id=HER.object_id, name=HER.name),
        conversation_id=GENERAL.id,
    )
    await desk.store.admit(put, Limits())
    window = Window(start=START, end=END)
    await desk.store.answered(key, Answered(window=window, events=2, rows=tuple(rows)), NOW)


def every(key: str = KEY, row: str = MARK) -> list[Command]:
    return [
        ShowRawLog(key=key, row=row, of_question=True),
        WhatElse(key=key, row=row, of_question=True),
        SevenAnswers(key=key, row=row, of_question=True),
    ]


async def ledger(chat: Office) -> list[tuple[str, str, str]]:
    entries = reversed(await chat.desk.store.entries())
    return [(entry.what, entry.by.name, entry.about) for entry in entries]


# --- the query -------------------------------------------------------------------------------------


async def test_the_query_is_the_one_that_ran_and_nothing_is_asked_for_it(chat: Office) -> None:
    asked = await chat.ask(from_text("audits coredns-custom last 1h"))
    ran = next(each.kql for each in chat.desk.log.asked if question(each) is Question.ROWS)
    before = len(chat.desk.log.asked)
    texts = lines(dict((await chat.ask(from_click(data_of(asked, "KQL")))).card))
    assert texts[-len(ran.splitlines()) :] == ran.splitlines()
    assert len(chat.desk.log.asked) == before


# --- a row -----------------------------------------------------------------------------------------


async def test_the_raw_log_of_a_row_is_its_events_one_a_page(chat: Office) -> None:
    first = await chat.ask(ShowRawLog(key=KEY, row=MARK, of_question=True))
    assert "Event 1 of 2" in read(first)
    assert PASSWORD not in everything(first)
    (button,) = first.card["actions"]
    assert from_click(button["data"]) == ShowRawLog(key=KEY, row=MARK, page=1, of_question=True)
    assert "Event 2 of 2" in read(await chat.ask(from_click(button["data"])))
    assert all('("a-1", "a-2")' in q.kql for q in chat.desk.log.asked if question(q) is Question.ROWS)


async def test_the_seven_answers_are_of_its_first_event(chat: Office) -> None:
    said = await chat.ask(SevenAnswers(key=KEY, row=MARK, of_question=True))
    assert "The first of 2 alike." in read(said)
    assert HERS.said in read(said)
    assert PASSWORD not in everything(said)


async def test_what_else_its_user_did_is_looked_for_everywhere(chat: Office) -> None:
    said = read(await chat.ask(WhatElse(key=KEY, row=MARK, of_question=True)))
    assert f"What else {ALICE} did" in said
    assert "All clusters of all workspaces." in said


async def test_who_looked_at_what_is_written_before_it_is_shown(chat: Office) -> None:
    for command in every():
        await chat.ask(command)
    assert (await ledger(chat))[2:] == [
        (what, HER.name, HERS.said) for what in ("raw log", "what else", "seven answers")
    ]


async def test_what_cannot_be_recorded_is_not_shown(chat: Office) -> None:
    chat.chat_store = Broken(chat.desk.store, "write")
    for command in every():
        assert "could not be recorded" in read(await chat.ask(command))
    assert chat.desk.log.asked == []


def strangers() -> list[tuple[Command, Asker]]:
    """Clicks that open nothing: an unknown key or row, another conversation, somebody else's personal chat."""
    known = every()[0]
    return [
        (every("f" * 32)[0], asking()),
        (every(row="f" * 12)[0], asking()),
        (known, asking(conversation=OPS)),
        (known, asking(HIM, conversation=replace(HER_CHAT, id="a:his"))),
        (ListEvents(key=KEY), asking(conversation=OPS)),
        (ShowQuery(key=KEY), asking(conversation=OPS)),
        (ShowQuery(key="f" * 32), asking()),
        (ListEvents(key="f" * 32), asking()),
    ]


@pytest.mark.parametrize("n", range(len(strangers())))
async def test_a_key_from_elsewhere_opens_nothing(chat: Office, n: int) -> None:
    command, asker = strangers()[n]
    assert "This question is not known here" in read(await chat.ask(command, asker))
    assert chat.desk.log.asked == []


async def test_who_asked_may_go_on_in_the_personal_chat(chat: Office) -> None:
    assert "Event 1 of 2" in read(await chat.ask(every()[0], asking(conversation=HER_CHAT)))


async def test_a_question_that_was_not_answered_has_no_rows(chat: Office) -> None:
    put = Put(
        key="1" * 32, line="clusters", asked_at=NOW, by=Person(id="x", name="X"), conversation_id=GENERAL.id
    )
    await chat.desk.store.admit(put, Limits())
    assert "not known here" in read(await chat.ask(every("1" * 32)[0]))


async def test_rows_of_secrets_are_for_readers(chat: Office) -> None:
    await a_question(chat.desk, line="secrets last 1h", key="2" * 32)
    chat.readers = frozenset({HIM.object_id})
    for command in (*every("2" * 32), ListEvents(key="2" * 32)):
        assert "smaller group" in read(await chat.ask(command))
    assert "What else" in read(await chat.ask(every()[1]))


async def test_a_row_whose_ids_cannot_stand_in_a_query_has_no_event(chat: Office) -> None:
    await a_question(chat.desk, key="3" * 32, rows=[replace(HERS, audit_ids=("x\x01", ""))])
    raw, _, seven = every("3" * 32)
    for command in (raw, seven):
        assert "This event was not found" in read(await chat.ask(command))
    assert chat.desk.log.asked == []


async def test_a_user_who_cannot_stand_in_a_query_is_not_asked_about(chat: Office) -> None:
    await a_question(
        chat.desk, key="4" * 32, rows=[replace(HERS, user="evil\x01"), replace(HERS, mark="b" * 12, user="")]
    )
    said = read(await chat.ask(every("4" * 32)[1]))
    assert "What else" in said
    assert "Nothing" not in said
    assert "not known who did this" in read(await chat.ask(every("4" * 32, "b" * 12)[1]))
    assert chat.desk.log.asked == []


# --- all events ------------------------------------------------------------------------------------


def a_log(count: int) -> list[Mapping[str, Any]]:
    return [
        {**a_row(f"n-{n:03}", END), DIGEST: hashlib.sha256(str(n).encode()).hexdigest()} for n in range(count)
    ]


def paging(chat: Office, count: int) -> None:
    """The workspace has so many events, all of one instant."""
    told = sorted(a_log(count), key=lambda row: str(row[DIGEST]))

    async def answer(query: Query) -> Answer:
        if query.is_aside:
            return Answer(rows=[{TOTAL: 0}])
        seen = re.findall(r"strcmp\(\w+, \W*([0-9a-f]{64})", query.kql)
        rows = [row for row in told if not seen or row[DIGEST] > seen[0]]
        return Answer(rows=rows[: PAGE + 1] if DIGEST in query.kql else [])

    chat.desk.log.answering = answer


def ids(text: str) -> list[str]:
    return re.findall(r"n-\d{3}", text)


def turning(message: Any) -> dict[str, Command]:
    return {each["title"]: from_click(each["data"]) for each in message.card.get("actions", ())}


async def test_pages_are_turned_forth_and_back_and_each_is_in_the_ledger(chat: Office) -> None:
    paging(chat, 2 * PAGE + 1)
    first = await chat.ask(ListEvents(key=KEY))
    second = await chat.ask(turning(first)["Next"])
    third = await chat.ask(turning(second)["Next"])
    assert turning(first) == {"Next": ListEvents(key=KEY, page=1)}
    assert turning(third) == {"Previous": ListEvents(key=KEY, page=1)}
    assert f"{PAGE + 1}–{2 * PAGE} of" in read(second)
    assert read(await chat.ask(turning(third)["Previous"])) == read(second)
    lines = [about for what, _, about in await ledger(chat) if what == "asked"]
    assert lines[1:] == [f"audits coredns-custom last 1h page {n}" for n in (1, 2, 3, 2)]


async def test_a_page_is_turned_to_only_from_the_one_before(chat: Office) -> None:
    paging(chat, 3 * PAGE)
    await chat.ask(ListEvents(key=KEY))
    assert f"{PAGE + 1}–" in read(await chat.ask(ListEvents(key=KEY, page=900)))


async def test_a_page_counts_against_the_limits(chat: Office) -> None:
    paging(chat, 3)
    chat.limits = Limits(per_person=1)
    assert "Ask again in" in read(await chat.ask(ListEvents(key=KEY)))
    assert chat.desk.log.asked == []


async def test_a_page_that_cannot_be_had_is_a_sentence_and_is_asked_again(chat: Office) -> None:
    async def down(_query: Query) -> Answer:
        raise Unavailable(Reason.THROTTLED)

    chat.desk.log.answering = down
    assert "could not be done now" in read(await chat.ask(ListEvents(key=KEY)))
    paging(chat, 3)
    assert "3 events" in read(await chat.ask(ListEvents(key=KEY)))


async def test_a_client_without_dialogs_gets_the_page_in_the_personal_chat_without_buttons(
    chat: Office,
) -> None:
    paging(chat, 3 * PAGE)
    await chat.ask(ListEvents(key=KEY, no_dialog=True))
    (said,) = chat.desk.teams.said
    assert said.where == f"a:{HER.object_id}"
    assert turning(said.message) == {}
    assert ids(read(said.message)) or "events" in read(said.message)


# --- what is kept of an answer's rows --------------------------------------------------------------


def test_rows_are_kept_of_the_buttons_that_the_card_has() -> None:
    rows = [a_row(f"{name}-{n}", START, f"user-{name}") for name in "abc" for n in range(MOST_IDS + 5)]
    parsed = [parse_event(row) for row in rows]
    groups = group([event for event in parsed if isinstance(event, AuditEvent)])
    wanted = [mark(groups[2]), mark(groups[0])]
    card = {
        "body": [{"actions": [{"data": {"g": name}} for name in wanted]}],
        "actions": [{"data": {"g": 7}}],
    }
    kept = rows_of(groups, card)
    assert [row.mark for row in kept] == [mark(groups[0]), mark(groups[2])]
    assert [len(row.audit_ids) for row in kept] == [MOST_IDS, MOST_IDS]
    assert kept[0].user == groups[0].user
    assert rows_of(groups, {}) == ()


def test_no_more_rows_are_kept_than_there_is_room_for() -> None:
    rows = [a_row(f"a-{n}", START, f"user-{n:03}") for n in range(MOST_ROWS + 9)]
    parsed = [parse_event(row) for row in rows]
    groups = group([event for event in parsed if isinstance(event, AuditEvent)])
    card = {"body": [{"data": {"g": mark(each)}} for each in groups]}
    assert len(rows_of(groups, card)) == MOST_ROWS

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from audit.alert import Alert
from audit.evidence import Evidence, Missing, Since
from audit.filter import Window
from bot.errors import Reason, Unavailable
from bot.ports import Answer, Query
from bot.scope import LONGEST_WINDOW
from tests.bot.stage import (
    ALICE,
    BOB,
    END,
    GARBAGE_ROW,
    KNOWN,
    PLATFORM,
    a_row,
    about,
    an_alert,
    an_inquiry,
    asked_for,
    at,
    behind_rows,
)
from tests.bot.workspace import Question, failing, holding, question
from tests.fakes import NOW, FakeAuditLog

A_MICROSECOND = timedelta(microseconds=1)


async def since(
    log: FakeAuditLog, *, now: datetime = NOW, evidence: Evidence = KNOWN, alert: Alert | None = None
) -> Since | None:
    return await an_inquiry(log, now=now).since(alert or an_alert(), evidence)


async def test_since_begins_after_the_windows_end_and_ends_now() -> None:
    log = FakeAuditLog(answering=holding([a_row(at=at(1))]))
    found = await since(log)
    assert {asked_for(q) for q in log.asked} == {Window(start=END + A_MICROSECOND, end=NOW)}
    assert found == Since(until=NOW, returned=1, by_people=1, last=at(1))


async def test_since_is_asked_for_24_hours_at_most() -> None:
    log = FakeAuditLog(answering=holding([]))
    found = await since(log, now=at(60 * 60))
    assert found is not None
    assert found.until == END + A_MICROSECOND + LONGEST_WINDOW
    assert {asked_for(q).end for q in log.asked} == {found.until}


async def test_users_who_were_not_in_the_window_are_named_once_and_five_at_most() -> None:
    users = [ALICE, BOB, BOB, *(f"user-{n}" for n in range(9)), PLATFORM]
    rows = [a_row(f"b-{n}", at(1), user) for n, user in enumerate(users)]
    found = await since(FakeAuditLog(answering=holding(rows)))
    assert found is not None
    assert found.new_users == (BOB, "user-0", "user-1", "user-2", "user-3")
    assert (found.returned, found.by_people) == (13, 12)


async def test_a_name_as_long_as_a_book_is_known_again_and_not_kept() -> None:
    long = "x" * 50_000
    rows = [a_row("b-1", at(1), long), a_row("b-2", at(1), f"y{long}")]
    found = await since(FakeAuditLog(answering=holding(rows)), evidence=await behind_rows(a_row(user=long)))
    assert found is not None
    assert [len(name) for name in found.new_users] == [512]
    assert found.new_users[0].startswith("y")


async def test_nobody_is_called_new_where_not_all_of_the_window_is_known() -> None:
    log = FakeAuditLog(answering=holding([a_row("b-1", at(1), BOB)]))
    for evidence in (
        await behind_rows(a_row(), total=201),
        await behind_rows(a_row(), GARBAGE_ROW),
        replace(KNOWN, partial=True),
    ):
        found = await since(log, evidence=evidence)
        assert found is not None
        assert (found.by_people, found.new_users) == (1, ())
    repeated = await since(log, evidence=await behind_rows(a_row(), a_row()))
    assert repeated is not None
    assert repeated.new_users == (BOB,)


async def test_an_event_that_azure_wrote_twice_is_one_event_since() -> None:
    rows = [a_row("b-1", at(1)), a_row("b-1", at(1)), a_row("b-2", at(2)), a_row("b-2", at(2))]
    found = await since(FakeAuditLog(answering=holding(rows)))
    assert found is not None
    assert (found.returned, found.by_people, found.read) == (2, 2, None)


async def test_of_more_than_is_read_the_numbers_are_the_workspaces_own() -> None:
    log = FakeAuditLog(answering=holding([a_row("b-1", at(1)), a_row("b-2", at(2), PLATFORM), GARBAGE_ROW]))
    whole = holding([a_row("b-1", at(1))])

    async def answer(query: Query) -> Answer:
        if question(query) is not Question.ROWS:
            return await log.ask(query)
        return await whole(query)

    found = await since(FakeAuditLog(answering=answer))
    assert found is not None
    assert (found.returned, found.by_people, found.read) == (3, 1, None)


@pytest.mark.parametrize(
    "evidence",
    [replace(KNOWN, missing=Missing.TIMED_OUT), replace(KNOWN, window=None)],
    ids=["no evidence", "no window"],
)
async def test_since_cannot_be_said_of_what_is_not_known(evidence: Evidence) -> None:
    log = FakeAuditLog()
    assert await since(log, evidence=evidence) is None
    assert log.asked == []


async def test_since_cannot_be_said_before_the_window_is_over() -> None:
    log = FakeAuditLog(answering=holding([]))
    assert await since(log, now=END - timedelta(seconds=1)) is None
    assert await since(log, now=END) is None
    assert log.asked == []
    assert await since(log, now=END + A_MICROSECOND) is not None


async def test_since_cannot_be_said_without_a_workspace_or_with_a_query_that_is_refused() -> None:
    log = FakeAuditLog(answering=holding([]))
    assert await since(log, alert=about("/subscriptions/elsewhere")) is None
    refused = replace(an_alert().criteria[0], query="externaldata(x:string)['https://x']")
    assert await since(log, alert=replace(an_alert(), criteria=(refused,))) is None
    assert log.asked == []


async def test_since_cannot_be_said_when_the_workspace_fails_or_answers_in_part() -> None:
    assert await since(FakeAuditLog(answering=failing(Unavailable(Reason.TIMED_OUT)))) is None
    assert await since(FakeAuditLog(answering=holding([a_row()], partial="busy"))) is None

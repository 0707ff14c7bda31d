from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from audit.kql import TOTAL
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Answer, Query
from tests.bot.stage import ALICE, BOB, END, PLATFORM, START, a_row, behind
from tests.bot.workspace import Question, holding, question
from tests.fakes import FakeAuditLog

BEFORE = START - timedelta(days=20)
REACH = {"User": "", "Facet": "log", "Value": "", "First": (START - timedelta(days=30)).isoformat()}


def corefile(text: str) -> dict[str, Any]:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "coredns-custom", "namespace": "kube-system"},
        "data": {"Corefile": text},
    }


def a_change(audit_id: str, at: Any, text: str) -> Mapping[str, Any]:
    """A ConfigMap that is replaced; its body is logged."""
    return a_row(
        audit_id,
        at,
        verb="update",
        level="RequestResponse",
        requestObject=corefile(text),
        responseObject=corefile(text),
    )


async def test_what_changed_is_told_against_the_state_before_the_window() -> None:
    answering = holding(
        [a_change("a-1", START, "forward . 10.0.0.1\n")],
        asides={Question.STATES: [a_change("old", BEFORE, "forward . 168.63.129.16\n")]},
    )
    evidence = await behind(FakeAuditLog(answering=answering))
    change = evidence.groups[0].change
    assert change is not None
    assert change.compared
    assert any("168.63.129.16" in line for line in change.lines)
    assert any("10.0.0.1" in line for line in change.lines)


async def test_what_is_new_for_a_person_is_told_with_how_far_back_the_log_reaches() -> None:
    log = FakeAuditLog(
        answering=holding(
            [a_row(), a_row("a-2", user=PLATFORM), a_row("a-3", user=BOB)],
            asides={
                Question.FIRST_SEEN: [
                    REACH,
                    REACH | {"User": BOB, "Facet": "deed", "Value": "patch configmaps"},
                ]
            },
        )
    )
    evidence = await behind(log)
    told = {group.user: group.first_seen for group in evidence.groups}
    assert told[ALICE] == ("not seen before in 30 days",)
    assert told[BOB] == ("first time in 30 days: in namespace kube-system",)
    assert told[PLATFORM] == ()
    assert evidence.reaches_back_to == START - timedelta(days=30)
    (asked,) = [query for query in log.asked if question(query) is Question.FIRST_SEEN]
    assert (asked.window.start, asked.window.end) == (START - timedelta(days=30), START)
    assert PLATFORM not in asked.kql.partition("materialize")[0]


async def test_what_lies_around_the_window_is_counted_apart() -> None:
    answering = holding([a_row()], asides={Question.COUNT: [{"Total": 3}]})
    evidence = await behind(FakeAuditLog(answering=answering))
    assert (evidence.before, evidence.after, evidence.returned) == (3, 3, 1)


@pytest.mark.parametrize(
    "failure", [Unavailable(Reason.THROTTLED), Unavailable(Reason.TIMED_OUT), Rejected(Reason.BASIC_PLAN)]
)
async def test_an_aside_that_cannot_be_had_is_left_out_without_noise(failure: OutsideError) -> None:
    whole = holding([a_change("a-1", START, "x\n")])

    async def answer(query: Query) -> Answer:
        if query.is_aside:
            raise failure
        return await whole(query)

    evidence = await behind(FakeAuditLog(answering=answer))
    assert (evidence.missing, evidence.detail, evidence.partial) == (None, "", False)
    assert (evidence.before, evidence.after, evidence.reaches_back_to) == (None, None, None)
    assert evidence.groups[0].first_seen == ()


async def test_a_part_of_an_aside_is_as_good_as_none() -> None:
    whole = holding([a_row()], asides={Question.FIRST_SEEN: [REACH], Question.COUNT: [{"Total": 3}]})

    async def answer(query: Query) -> Answer:
        answered = await whole(query)
        return Answer(rows=answered.rows, partial="busy") if query.is_aside else answered

    evidence = await behind(FakeAuditLog(answering=answer))
    assert not evidence.partial
    assert (evidence.before, evidence.groups[0].first_seen) == (None, ())


async def test_nobody_is_asked_about_who_is_no_person_nor_about_what_changed_nothing() -> None:
    log = FakeAuditLog(answering=holding([a_row(user=PLATFORM, verb="get")]))
    await behind(log)
    assert not {Question.FIRST_SEEN, Question.STATES} & {question(query) for query in log.asked}


async def test_asides_have_little_time_and_give_way() -> None:
    log = FakeAuditLog(answering=holding([a_change("a-1", START, "x\n")]))
    await behind(log)
    asides = [query for query in log.asked if query.is_aside]
    assert {question(query) for query in asides} == {Question.FIRST_SEEN, Question.STATES, Question.COUNT}
    assert {query.deadline for query in asides} == {timedelta(seconds=8)}
    assert all(query.window.start < END for query in asides)


async def test_a_number_of_rows_that_is_none_is_not_known() -> None:
    for nothing in (-3, True, "4", None):
        answering = holding([a_row()], asides={Question.COUNT: [{TOTAL: nothing}]})
        evidence = await behind(FakeAuditLog(answering=answering))
        assert (evidence.before, evidence.after) == (None, None)

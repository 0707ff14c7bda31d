from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.alert import Criterion
from audit.evidence import Missing
from audit.filter import Window
from audit.kql import datetime_literal
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.inquiry import DEADLINE, missing_for
from bot.ports import Answer, Query
from bot.reading import MARGIN, READ_LIMIT
from bot.scope import LONGEST_WINDOW
from tests.audit.bodies import CLUSTER
from tests.bot.stage import (
    END,
    FOREIGN_ROW,
    GARBAGE_ROW,
    PLATFORM,
    PROD,
    START,
    a_row,
    an_alert,
    asked_for,
    behind,
    window,
)
from tests.bot.workspace import Question, failing, holding, is_count, is_of_evidence, question
from tests.fakes import FakeAuditLog


async def test_exactly_the_alerts_window_is_asked_for_and_only_the_timespan_is_wider() -> None:
    log = FakeAuditLog(answering=holding([a_row()]))
    evidence = await behind(log)
    assert evidence.window == Window(start=START, end=END)
    asked = [query for query in log.asked if is_of_evidence(query)]
    assert len(asked) == 2
    edges = f"between ({datetime_literal(START)} .. {datetime_literal(END)})"
    for query in asked:
        assert edges in query.kql
        assert query.window == Window(start=START - MARGIN, end=END + MARGIN)
        assert query.workspace == PROD
        assert query.deadline == DEADLINE
    assert timedelta(minutes=1) == MARGIN


async def test_the_alerts_query_comes_first_and_its_dimension_is_applied() -> None:
    log = FakeAuditLog(answering=holding([a_row()]))
    evidence = await behind(log)
    for query in filter(is_of_evidence, log.asked):
        lines = query.kql.splitlines()
        assert lines[0] == "AzureDiagnostics"
        assert lines[1].startswith("| where TimeGenerated between")
        assert '| where Category == "kube-audit-admin"' in lines
        assert f'| where tostring(ResourceId) =~ "{CLUSTER.upper()}"' in lines
    assert f"| take {READ_LIMIT}" in next(q.kql for q in log.asked if question(q) is Question.ROWS)
    # What the portal is to open is the same question without our ranking, which would not fit into a link.
    assert '| where Category == "kube-audit-admin"' in evidence.kql
    assert len(evidence.kql) < 1000


async def test_each_criterion_is_asked_for_and_what_both_find_counts_once() -> None:
    log = FakeAuditLog(answering=holding([a_row("a-1"), a_row("a-2", START + timedelta(seconds=1))]))
    evidence = await behind(log, an_alert(criteria=2))
    assert len(list(filter(is_of_evidence, log.asked))) == 4
    assert (evidence.returned, evidence.read, evidence.repeated, evidence.by_people) == (4, 2, 2, 2)


async def test_of_a_window_of_48_hours_the_end_is_asked_for_and_the_evidence_says_so() -> None:
    log = FakeAuditLog(answering=holding([]))
    evidence = await behind(log, an_alert(context=window(END - timedelta(hours=48), END)))
    assert evidence.window == Window(start=END - LONGEST_WINDOW, end=END)
    assert {asked_for(q) for q in log.asked if is_count(q)} == {evidence.window}
    assert "48 hours" in evidence.detail
    assert "last 24 hours" in evidence.detail


async def test_a_window_of_exactly_24_hours_is_asked_for_whole() -> None:
    log = FakeAuditLog(answering=holding([]))
    evidence = await behind(log, an_alert(context=window(END - LONGEST_WINDOW, END)))
    assert evidence.window == Window(start=END - LONGEST_WINDOW, end=END)
    assert evidence.detail == ""


async def test_rows_become_groups_with_people_first_and_everybody_counted() -> None:
    rows = [
        a_row("a-1", user=PLATFORM),
        a_row("a-2", user="system:serviceaccount:payments:deployer"),
        a_row("a-3", at=START + timedelta(seconds=9)),
        a_row("a-4", at=START + timedelta(seconds=3)),
    ]
    evidence = await behind(FakeAuditLog(answering=holding(rows)))
    assert (evidence.by_people, evidence.by_workloads, evidence.by_platform) == (2, 1, 1)
    assert (evidence.returned, evidence.read, evidence.repeated, evidence.unreadable) == (4, 4, 0, 0)
    assert [line.audit_id for g in evidence.groups for line in g.events] == ["a-4", "a-3", "a-2", "a-1"]
    assert (evidence.workspace, evidence.missing, evidence.partial, evidence.again_until) == (
        "prod",
        None,
        False,
        None,
    )


@pytest.mark.parametrize(("total", "returned"), [(500, 500), (2, 2), (1, 2), (0, 2)])
async def test_the_true_count_stands_and_never_below_what_was_read(total: int, returned: int) -> None:
    rows = [a_row("a-1"), a_row("a-2")]
    evidence = await behind(FakeAuditLog(answering=holding(rows, total)))
    assert (evidence.returned, evidence.read) == (returned, 2)


@pytest.mark.parametrize("total", ["12", 12.5, True, -1, [1]])
async def test_a_count_that_is_no_number_is_not_guessed(total: object) -> None:
    evidence = await behind(FakeAuditLog(answering=holding([a_row()], total)))
    assert (evidence.missing, evidence.groups) == (Missing.GARBAGE, ())


async def test_a_workspace_without_any_data_returned_nothing() -> None:
    evidence = await behind(FakeAuditLog(answers=[Answer(rows=())]))
    assert (evidence.missing, evidence.returned, evidence.groups) == (None, 0, ())


async def test_an_incomplete_answer_is_said_in_the_services_words() -> None:
    log = FakeAuditLog(answering=holding([a_row()], partial="the cluster was busy"))
    evidence = await behind(log, an_alert(context=window(END - timedelta(hours=48), END)))
    assert evidence.partial
    assert evidence.detail.endswith("asked for. the cluster was busy")
    assert evidence.returned == 1


async def test_an_incomplete_count_is_an_incomplete_answer() -> None:
    whole = holding([a_row()])

    async def answer(query: Query) -> Answer:
        return replace(await whole(query), partial="busy" if is_count(query) else "")

    evidence = await behind(FakeAuditLog(answering=answer))
    assert (evidence.partial, evidence.detail) == (True, "busy")


async def test_a_row_that_cannot_be_read_is_counted_and_spoils_nothing() -> None:
    evidence = await behind(FakeAuditLog(answering=holding([GARBAGE_ROW, a_row(), FOREIGN_ROW])))
    assert (evidence.returned, evidence.read, evidence.unreadable, evidence.by_people) == (3, 3, 2, 1)
    assert evidence.missing is None


async def test_a_repeated_row_is_counted_once_and_told() -> None:
    evidence = await behind(FakeAuditLog(answering=holding([a_row(), a_row(), GARBAGE_ROW, GARBAGE_ROW])))
    assert (evidence.returned, evidence.read, evidence.repeated, evidence.unreadable) == (4, 3, 1, 2)
    assert evidence.by_people == 1


async def test_rows_that_are_no_audit_events_at_all_are_said_to_be_none() -> None:
    evidence = await behind(FakeAuditLog(answering=holding([FOREIGN_ROW] * 3)))
    assert (evidence.missing, evidence.window) == (Missing.NOT_EVENTS, Window(start=START, end=END))
    damaged = await behind(FakeAuditLog(answering=holding([GARBAGE_ROW, FOREIGN_ROW])))
    assert (damaged.missing, damaged.unreadable) == (None, 2)


REASONS = {
    Reason.UNREACHABLE: Missing.UNAVAILABLE,
    Reason.TIMED_OUT: Missing.TIMED_OUT,
    Reason.THROTTLED: Missing.THROTTLED,
    Reason.SERVER_ERROR: Missing.UNAVAILABLE,
    Reason.UNKNOWN: Missing.UNAVAILABLE,
    Reason.UNAUTHORIZED: Missing.UNAVAILABLE,
    Reason.FORBIDDEN: Missing.FORBIDDEN,
    Reason.NOT_FOUND: Missing.WRONG_WORKSPACE,
    Reason.BASIC_PLAN: Missing.BASIC_PLAN,
    Reason.NO_TABLE: Missing.NO_TABLE,
    Reason.TOO_LARGE: Missing.TOO_LARGE,
    Reason.BAD_REQUEST: Missing.BAD_QUERY,
    Reason.GARBAGE: Missing.GARBAGE,
    Reason.STORE: Missing.UNAVAILABLE,
    Reason.PACED: Missing.UNAVAILABLE,
    Reason.HOST: Missing.UNAVAILABLE,
    Reason.MISTAKE: Missing.UNAVAILABLE,
}


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("kind", [Unavailable, Rejected])
async def test_every_failure_is_told_and_none_is_raised(reason: Reason, kind: type[OutsideError]) -> None:
    evidence = await behind(FakeAuditLog(answering=failing(kind(reason, "its own words"))))
    assert evidence.missing is REASONS[reason] is missing_for(reason)
    assert evidence.detail == "its own words"
    assert (evidence.window, evidence.returned) == (Window(start=START, end=END), 0)


async def test_a_mistake_of_ours_is_not_taken_for_a_failure_of_the_outside() -> None:
    async def mistaken(_query: Query) -> Answer:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await behind(FakeAuditLog(answering=mistaken))


async def test_when_one_question_fails_the_others_are_ended_and_hold_no_place() -> None:
    ended: list[str] = []

    async def answer(query: Query) -> Answer:
        if question(query) is Question.SOURCES:
            return Answer(rows=())
        if is_count(query):
            raise Rejected(Reason.FORBIDDEN)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("rows")
        raise AssertionError

    evidence = await behind(FakeAuditLog(answering=answer), an_alert(criteria=3))
    assert evidence.missing is Missing.FORBIDDEN
    assert ended == ["rows"] * 3


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("AzureDiagnostics | summarize Hits = count() by bin(TimeGenerated, 1m)", 2),
        ("AKSAudit | project TimeGenerated, Verb", 2),
        ("KubeEvents | summarize Hits = count() by Reason", 2),
    ],
)
async def test_one_cluster_narrows_a_query_that_reshapes_where_its_rows_are_read(
    query: str, tables: int
) -> None:
    log = FakeAuditLog(answering=holding([]))
    alert = an_alert()
    await behind(log, replace(alert, criteria=(Criterion(query=query),), targets=(CLUSTER,)))
    asked = [each.kql for each in log.asked if query.split(" | ", 1)[1] in each.kql]
    assert len(asked) >= tables
    for kql in asked:
        source, _, after = kql.partition(query.split(" | ", 1)[1])
        assert f'| where _ResourceId =~ "{CLUSTER.lower()}"' in source
        assert "_ResourceId" not in after


async def test_a_query_that_has_no_place_for_the_cluster_is_said_to_be_of_every_cluster() -> None:
    log = FakeAuditLog(answering=holding([]))
    criteria = (Criterion(query="search in (AKSAudit) 'x'"),)
    evidence = await behind(log, replace(an_alert(), criteria=criteria, targets=(CLUSTER,)))
    assert "This is of every cluster" in evidence.detail

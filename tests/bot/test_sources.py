from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from audit.evidence import Source
from audit.filter import Window
from audit.kql import TABLES
from bot.errors import Reason, Rejected, Unavailable
from bot.ports import Answer, Query
from bot.sources import FRESH, RETRY, SPAN, Sources
from tests.bot.stage import PROD, TEST, a_row, an_alert, an_inquiry
from tests.bot.workspace import Question, failing, holding, question
from tests.fakes import NOW, FakeAuditLog, FakeClock

FOUND = [
    {"Table": "AzureDiagnostics", "Category": "kube-audit-admin", "Rows": 9},
    {"Table": "AzureDiagnostics", "Category": "guard", "Rows": 1},
    {"Table": "AKSControlPlane", "Category": "kube-scheduler", "Rows": 2},
]


def asking(log: FakeAuditLog) -> tuple[Sources, FakeClock]:
    clock = FakeClock(NOW)
    return Sources(log, clock), clock


def with_basic(*basic: str) -> FakeAuditLog:
    """A workspace some of whose tables are on a Basic plan, with which nothing else may be asked together."""

    async def answer(query: Query) -> Answer:
        if any(f"({table}\n" in query.kql for table in basic):
            raise Rejected(Reason.BASIC_PLAN, "Query of Basic Logs table is not supported")
        if question(query) is Question.SOURCES or "by Table" in query.kql:
            return Answer(rows=[row for row in FOUND if f"({row['Table']}\n" in query.kql])
        return await holding([a_row()])(query)

    return FakeAuditLog(answering=answer)


async def test_the_tables_that_have_audit_events_are_found_out() -> None:
    log = FakeAuditLog(answering=holding([], sources=FOUND))
    sources, _ = asking(log)
    known = await sources.of(PROD)
    assert known.tables == ("AzureDiagnostics",)
    assert known.sources[:2] == (
        Source(table="AzureDiagnostics", category="kube-audit-admin"),
        Source(table="AzureDiagnostics", category="guard"),
    )
    assert log.asked[0].window == Window(start=NOW - SPAN, end=NOW)


async def test_each_workspace_is_asked_once_in_a_while() -> None:
    log = FakeAuditLog(answering=holding([], sources=FOUND))
    sources, clock = asking(log)
    for _ in range(3):
        await sources.of(PROD)
    await sources.of(TEST)
    assert [query.workspace for query in log.asked] == [PROD, TEST]
    clock.pass_time(seconds=FRESH.total_seconds() + 1)
    await sources.of(PROD)
    assert len(log.asked) == 3


async def test_a_workspace_that_does_not_answer_is_asked_for_everything_and_again_soon() -> None:
    log = FakeAuditLog(answering=failing(Unavailable(Reason.TIMED_OUT)))
    sources, clock = asking(log)
    known = await sources.of(PROD)
    assert (known.sources, known.tables) == ((), TABLES)
    clock.pass_time(seconds=RETRY.total_seconds() + 1)
    log.answering = holding([], sources=FOUND)
    assert (await sources.of(PROD)).tables == ("AzureDiagnostics",)


async def test_a_clock_set_back_does_not_keep_an_answer_for_ever() -> None:
    log = FakeAuditLog(answering=holding([], sources=FOUND))
    sources, clock = asking(log)
    await sources.of(PROD)
    clock.at -= timedelta(days=3)
    await sources.of(PROD)
    assert len(log.asked) == 2


@pytest.mark.parametrize("rows", [[], [{}], [{"Table": 7, "Category": None}]])
async def test_an_answer_that_names_no_table_leaves_all_of_them(rows: list[Any]) -> None:
    sources, _ = asking(FakeAuditLog(answering=holding([], sources=rows)))
    assert (await sources.of(PROD)).tables == TABLES


async def test_a_table_of_the_basic_plan_is_found_and_left_out() -> None:
    sources, _ = asking(with_basic("AKSAudit", "AKSAuditAdmin"))
    known = await sources.of(PROD)
    assert known.basic == ("AKSAudit", "AKSAuditAdmin")
    assert known.askable == ("AzureDiagnostics",)
    assert known.tables == ("AzureDiagnostics",)


async def test_the_card_names_the_table_that_could_not_be_asked() -> None:
    evidence = await an_inquiry(with_basic("AKSAudit")).behind(an_alert())
    assert evidence.missing is None
    assert evidence.returned == 1
    assert any("AKSAudit, on a Basic plan" in spot for spot in evidence.blind_spots)

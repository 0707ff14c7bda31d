from __future__ import annotations

from dataclasses import replace

import pytest

from audit.evidence import Evidence
from audit.filter import Window
from audit.kql import MAX_IDS
from bot.errors import Reason, Unavailable
from bot.inquiry import RawEvents
from bot.ports import Answer
from bot.reading import MARGIN
from tests.bot.stage import (
    END,
    GARBAGE_ROW,
    KNOWN,
    PLATFORM,
    START,
    a_row,
    about,
    an_alert,
    an_inquiry,
    asked_for,
    at,
    behind_rows,
)
from tests.bot.workspace import failing
from tests.fakes import FakeAuditLog


async def raw_ids(log: FakeAuditLog, evidence: Evidence) -> list[str]:
    return [event.audit_id for event in (await an_inquiry(log).raw(an_alert(), evidence)).events]


async def test_the_raw_log_asks_for_the_shown_ids_alone_and_is_in_the_order_of_the_card() -> None:
    evidence = await behind_rows(a_row("a-1", at(-1)), a_row("a-2", at(-2), PLATFORM))
    rows = [a_row("a-1", at(-1)), a_row("a-2", at(-2), PLATFORM), a_row("a-2", at(-2), PLATFORM), GARBAGE_ROW]
    log = FakeAuditLog(answers=[Answer(rows=rows)])
    assert await raw_ids(log, evidence) == ["a-1", "a-2"]
    (query,) = log.asked
    assert '("a-1", "a-2")' in query.kql
    assert asked_for(query) == evidence.window
    assert query.window == Window(start=START - MARGIN, end=END + MARGIN)


async def test_of_many_ids_those_of_people_are_asked_for_first() -> None:
    # Of one group fifty are kept at most, so that it takes several.
    crowd = [a_row(f"p-{n}", START, PLATFORM, verb=f"verb-{n % 10}") for n in range(MAX_IDS + 50)]
    evidence = await behind_rows(*crowd, a_row("alice-1", END))
    log = FakeAuditLog(answers=[Answer(rows=[])])
    await raw_ids(log, evidence)
    assert '("alice-1", "p-0"' in log.asked[0].kql
    # AzureDiagnostics is asked twice for each id (the index, then the id itself), the two other tables once.
    assert log.asked[0].kql.count('"p-') == 4 * (MAX_IDS - 1)


async def test_an_id_that_a_client_chose_does_not_keep_the_others_from_being_asked() -> None:
    evidence = await behind_rows(a_row("evil\x01"), a_row("", at(-1)), a_row("a-2", at(-2)))
    log = FakeAuditLog(answers=[Answer(rows=[a_row("a-2")])])
    assert await raw_ids(log, evidence) == ["a-2"]
    assert '("a-2")' in log.asked[0].kql
    assert "evil" not in log.asked[0].kql


async def test_without_ids_window_or_workspace_nothing_is_asked_for() -> None:
    log = FakeAuditLog()
    assert await raw_ids(log, await behind_rows()) == []
    assert await raw_ids(log, await behind_rows(a_row("evil\x01"))) == []
    assert await raw_ids(log, replace(KNOWN, window=None)) == []
    assert await an_inquiry(log).raw(about("/subscriptions/elsewhere"), KNOWN) == RawEvents()
    assert log.asked == []


async def test_a_failure_of_the_raw_log_is_raised() -> None:
    with pytest.raises(Unavailable):
        await raw_ids(FakeAuditLog(answering=failing(Unavailable(Reason.TIMED_OUT))), KNOWN)

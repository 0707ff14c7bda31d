from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.alert import Criterion
from audit.event import AuditEvent, TableShape, Unreadable, parse_event
from audit.filter import Window
from audit.kql import EvidenceQueries, Groups, Totals, evidence_queries
from tests.audit.audit_rows import random_rows
from tests.audit.log_workspace import LogWorkspace

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
END = datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
WINDOW = Window(start=START, end=END)
LATE = END + timedelta(minutes=5)
EVERYTHING = "union AzureDiagnostics, AKSAudit, AKSAuditAdmin"


def asked(query: str, *, limit: int = 200) -> EvidenceQueries:
    return evidence_queries(Criterion(query=query), WINDOW, limit=limit, late_after=LATE)


def _fullness(event: AuditEvent) -> tuple[bool, bool]:
    return not event.is_cut, event.shape is TableShape.LOG


def counted_by_hand(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], list[AuditEvent]]:
    """Count rows as Python reads them, in another way than the queries do."""
    inside = [r for r in rows if START <= datetime.fromisoformat(r["TimeGenerated"]) <= END]
    read = [parse_event(row) for row in inside]
    events = [e for e in read if isinstance(e, AuditEvent)]
    copies: dict[object, list[AuditEvent]] = defaultdict(list)
    for n, event in enumerate(events):
        copies[event.audit_id or n, event.stage, event.verb, event.uri, event.username].append(event)
    one_each: list[AuditEvent] = []
    for alike in copies.values():
        timed = defaultdict(list)
        for event in alike:
            timed[event.raw.get("requestReceivedTimestamp")].append(event)
        unknown = timed.pop(None, [])
        one_each += [max(same, key=_fullness) for same in timed.values() or [unknown]]
    cut = sum(e.is_cut if isinstance(e, AuditEvent) else e.reason == "cut" for e in read)
    actors = Counter(event.actor.name for event in one_each)
    figures: dict[str, Any] = {
        Totals.ROWS: len(inside),
        Totals.EVENTS: len(one_each),
        Totals.PEOPLE: actors["PERSON"],
        Totals.WORKLOADS: actors["WORKLOAD"],
        Totals.PLATFORM: actors["PLATFORM"],
        Totals.UNREADABLE: sum(isinstance(e, Unreadable) for e in read),
        Totals.CUT: cut,
        Totals.LATE: sum(datetime.fromisoformat(r["Ingested"]) > LATE for r in inside),
    }
    return figures, one_each


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("query", [EVERYTHING, "AzureDiagnostics", "AKSAudit"])
def test_the_workspace_counts_as_python_reads(seed: int, query: str) -> None:
    rows = list(random_rows(random.Random(seed), START, END, 40))
    workspace = LogWorkspace()
    for table, row in rows:
        workspace.add(table, [row])
    expected, events = counted_by_hand(
        [row for table, row in rows if table in query.replace(",", "").split()]
    )
    queries = asked(query)
    (totals,) = workspace.run(queries.totals)
    assert {name: totals[name] for name in expected} == expected
    groups = workspace.run(queries.groups)
    assert sum(g[Groups.COUNT] for g in groups) == len(events)
    assert {g[Groups.GROUPS] for g in groups} <= {len(groups)}
    assert {g[Groups.EVENTS] for g in groups} <= {len(events)}
    by_hand = Counter(
        (e.username, e.impersonated, e.verb, e.resource, e.subresource, e.namespace, e.code or 0, e.reason)
        for e in events
    )
    by_workspace: Counter[tuple[object, ...]] = Counter()
    for g in groups:
        what = (Groups.USER, Groups.IMPERSONATED, Groups.VERB, Groups.RESOURCE, Groups.SUBRESOURCE)
        outcome = (Groups.NAMESPACE, Groups.CODE, Groups.REASON)
        by_workspace[tuple(g[c] for c in (*what, *outcome))] += g[Groups.COUNT]
    assert by_workspace == by_hand

"""All events, page by page: none is lost, none comes twice, whatever comes in between."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.asked_rows import listed_of
from audit.event import AuditEvent
from audit.filter import EventFilter, Wanted
from audit.kql import TABLES, TOTAL, InvalidTerm, arrived_since, events_listed
from tests.audit.asked_model import END, START, WINDOW, Event, Row, events_of, generated, logs
from tests.audit.audit_rows import an_event, log_row, typed_row
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace

KNOWN_AT = END + timedelta(minutes=3)
ALL = EventFilter(window=WINDOW)
Cursor = tuple[datetime, tuple[str, ...]]


def workspace_of(rows: Sequence[tuple[str, Row]]) -> LogWorkspace:
    workspace = LogWorkspace()
    for table, row in rows:
        workspace.add(table, [row])
    return workspace


def page(
    workspace: LogWorkspace, cursor: Cursor | None, limit: int, tables: Sequence[str] = TABLES
) -> tuple[tuple[AuditEvent, str], ...]:
    kql = events_listed(ALL, known_at=KNOWN_AT, cursor=cursor, limit=limit, tables=tables)
    rows: list[dict[str, Any]] = [
        {
            name: value.isoformat() + "Z" if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in workspace.run(kql)
    ]
    return listed_of(rows)


def arrived(workspace: LogWorkspace) -> int:
    (row,) = workspace.run(arrived_since(ALL, known_at=KNOWN_AT))
    return int(row[TOTAL])


def after(shown: Sequence[tuple[AuditEvent, str]]) -> Cursor:
    """Return where the next page begins, as the caller keeps it."""
    last = shown[-1][0].generated
    return last, tuple(digest for event, digest in shown if event.generated == last)


def is_known(row: Row) -> bool:
    return row["Ingested"] is None or datetime.fromisoformat(row["Ingested"]) <= KNOWN_AT


def identity(event: AuditEvent, at: datetime) -> tuple[object, ...]:
    return event.audit_id, event.stage, event.verb, event.uri, event.username, event.code, at


def by_hand(events: Sequence[Event]) -> Counter[tuple[object, ...]]:
    return Counter(identity(event[0][0], generated(event)) for event in events)


@pytest.mark.parametrize(
    ("seed", "size"),
    [(1, 7), (2, 5), *(pytest.param(seed, seed - 9, marks=pytest.mark.slow) for seed in range(10, 17))],
)
def test_pages_have_each_event_once_whatever_arrives_meanwhile(seed: int, size: int) -> None:
    chance = random.Random(seed)
    rows = logs(chance, 30)
    at_one_instant = [
        (table, row | {"TimeGenerated": (START + timedelta(seconds=2)).isoformat()})
        for table, row in rows[:14]
    ]
    rows = at_one_instant + rows[14:]
    known = [each for each in rows if is_known(each[1])]
    coming = [each for each in rows if not is_known(each[1])]
    workspace = workspace_of(known)
    expected = events_of(ALL, known)
    shown: list[tuple[AuditEvent, str]] = []
    while found := page(workspace, after(shown) if shown else None, size):
        shown += found
        assert len(found) == min(size, len(expected) - len(shown) + len(found))
        for table, row in coming[len(shown) // size :: 3]:
            workspace.add(table, [row])
    assert Counter(identity(event, event.generated) for event, _ in shown) == by_hand(expected)
    assert len({digest for _, digest in shown}) == len(shown)
    assert shown == sorted(shown, key=lambda each: (-each[0].generated.timestamp(), each[1]))


@pytest.mark.parametrize("seed", range(3))
def test_what_arrived_since_is_what_no_page_has(seed: int) -> None:
    rows = logs(random.Random(seed), 60)
    expected = len(events_of(ALL, rows)) - len(events_of(ALL, [each for each in rows if is_known(each[1])]))
    assert expected > 0
    assert arrived(workspace_of(rows)) == expected


def test_nothing_is_nothing() -> None:
    workspace = LogWorkspace()
    assert page(workspace, None, 5) == ()
    assert arrived(workspace) == 0


def test_an_event_is_where_its_first_row_is_and_reads_as_its_fullest() -> None:
    event = an_event(random.Random(1), "a", START) | {"impersonatedUser": {"username": "bob"}}
    later = START + timedelta(minutes=1)
    workspace = workspace_of(
        [("AKSAudit", typed_row(event, START)), ("AzureDiagnostics", log_row(event, later))]
    )
    ((found, digest),) = page(workspace, None, 5)
    assert (found.generated, found.impersonated) == (START, "bob")
    assert page(workspace, (START + timedelta(seconds=1), ()), 5) == ((found, digest),)
    assert page(workspace, (START, (digest,)), 5) == ()


def test_rows_without_an_id_are_listed_as_often_as_they_are_there() -> None:
    row = log_row(an_event(random.Random(1), "", START), START)
    workspace = workspace_of([("AzureDiagnostics", row)] * 3)
    first = page(workspace, None, 2)
    second = page(workspace, after(first), 2)
    assert (len(first), len(second)) == (2, 1)
    assert len({digest for _, digest in first + second}) == 3


def test_the_greatest_digest_of_an_instant_stands_for_all_of_them() -> None:
    event = an_event(random.Random(1), "a", START)
    rows = [("AKSAudit", typed_row(event | {"auditID": str(n)}, START)) for n in range(9)]
    workspace = workspace_of(rows)
    shown = page(workspace, None, 6, ["AKSAudit"])
    at, seen = after(shown)
    rest = page(workspace, (at, seen), 6, ["AKSAudit"])
    assert rest == page(workspace, (at, (max(seen),)), 6, ["AKSAudit"])
    assert len({digest for _, digest in shown + rest}) == 9


def test_no_bodies_are_asked_for_in_columns_of_their_own() -> None:
    event = an_event(random.Random(1), "a", START) | {"requestObject": {"a": "b"}}
    workspace = workspace_of([("AKSAudit", typed_row(event, START))])
    ((found, _),) = page(workspace, None, 5)
    assert "requestObject" not in found.raw
    assert found.ingested is None


@pytest.mark.parametrize("limit", [0, 10_001])
def test_a_limit_out_of_bounds_is_a_mistake_of_the_caller(limit: int) -> None:
    with pytest.raises(ValueError, match="rows"):
        events_listed(ALL, known_at=KNOWN_AT, cursor=None, limit=limit)


def test_a_digest_that_is_none_is_refused_or_only_a_value(parser: KustoParser) -> None:
    for tables in (TABLES[:1], TABLES[1:2], TABLES):
        for cursor in (None, (START, ()), (START, ("a" * 64, '") | take 1 //'))):
            wanted = replace(ALL, what=Wanted(term="x", user="alice"))
            kql = events_listed(wanted, known_at=KNOWN_AT, cursor=cursor, limit=5, tables=tables)
            assert parser.judge(kql).errors == (), kql
        assert parser.judge(arrived_since(ALL, known_at=KNOWN_AT, tables=tables)).errors == ()
    with pytest.raises(InvalidTerm):
        events_listed(ALL, known_at=KNOWN_AT, cursor=(START, ("\0",)), limit=5)

"""A workspace as the inquiry's tests know it: it tells the questions apart, and counts its rows itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from audit.actor import ActorKind
from audit.distinct import distinct
from audit.event import AuditEvent, Unreadable, parse_event
from audit.grouping import count_by_actor
from audit.kql import TOTAL
from bot.errors import OutsideError
from bot.ports import Answer, Query

Row = Mapping[str, Any]
Answering = Callable[[Query], Awaitable[Answer]]


class Question(StrEnum):
    ROWS = "rows"
    TOTALS = "totals"
    GROUPS = "groups"
    #: A plain `count`: of a chat answer, of a small table, of what lies around a window.
    COUNT = "count"
    SOURCES = "sources"
    FIRST_SEEN = "first seen"
    STATES = "previous states"
    CLUSTERS = "clusters"


#: What only this question's text has, asked for in this order.
_MARKS = (
    ("Cluster = tolower(", Question.CLUSTERS),
    ("AKSControlPlane", Question.SOURCES),
    ('Facet = "log"', Question.FIRST_SEEN),
    ("Unreadable = ", Question.TOTALS),
    ("_Groups", Question.GROUPS),
)


def question(query: Query) -> Question:
    """Tell what is asked."""
    found = next((kind for mark, kind in _MARKS if mark in query.kql), None)
    if found:
        return found
    if query.is_aside:
        return Question.COUNT if TOTAL in query.kql else Question.STATES
    return Question.COUNT if "summarize" in query.kql.splitlines()[-1] else Question.ROWS


def is_of_evidence(query: Query) -> bool:
    """Tell whether the alert's own rows or their numbers are asked for."""
    return question(query) in {Question.ROWS, Question.TOTALS, Question.GROUPS} and not query.is_aside


def is_count(query: Query) -> bool:
    """Tell whether the true number of rows is asked for."""
    return question(query) in {Question.TOTALS, Question.COUNT} and not query.is_aside


def holding(
    rows: Sequence[Row],
    total: object = None,
    *,
    partial: str = "",
    sources: Sequence[Row] = (),
    clusters: Sequence[str] = (),
    asides: Mapping[Question, Sequence[Row]] | None = None,
) -> Answering:
    """A workspace with these rows, which counts them itself unless `total` says otherwise."""

    async def answer(query: Query) -> Answer:
        kind = question(query)
        if kind is Question.SOURCES:
            return Answer(rows=sources)
        if kind is Question.CLUSTERS:
            return Answer(rows=[{"Cluster": cluster, "Rows": 1} for cluster in clusters])
        if kind is Question.TOTALS:
            return Answer(rows=[totals_row(rows) | ({} if total is None else {"Rows": total})])
        if query.is_aside or kind is Question.GROUPS:
            return Answer(rows=(asides or {}).get(kind, ()))
        if kind is Question.COUNT:
            return Answer(rows=[{TOTAL: len(rows) if total is None else total}])
        return Answer(rows=rows, partial=partial)

    return answer


def totals_row(rows: Sequence[Row]) -> dict[str, Any]:
    """Count rows as the query for totals does."""
    parsed = [parse_event(row) for row in rows]
    events = distinct(event for event in parsed if isinstance(event, AuditEvent))
    return {
        "Rows": len(rows),
        "Events": len(events),
        "People": count_by_actor(events, ActorKind.PERSON),
        "Workloads": count_by_actor(events, ActorKind.WORKLOAD),
        "Platform": count_by_actor(events, ActorKind.PLATFORM),
        "Unreadable": sum(isinstance(each, Unreadable) for each in parsed),
        "Cut": sum(isinstance(each, AuditEvent) and each.is_cut for each in parsed),
        "Late": None,
        "First": None,
        "Last": None,
    }


def failing(failure: OutsideError) -> Answering:
    """A workspace whose every answer is this failure."""

    async def answer(_query: Query) -> Answer:
        raise failure

    return answer

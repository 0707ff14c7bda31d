"""The queries that we ask a workspace: text from outside enters them as literals, never as syntax.

What the card, the chat and the documents ask for, by name; `audit.kql_catalogue` describes each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from audit.filter import EventFilter, Window
from audit.kql_alert import CONTEXT, clusters, context, events_behind, evidence_queries
from audit.kql_answers import (
    MAX_ACTORS,
    MAX_BUSIEST,
    MAX_FACETS,
    MAX_GROUPS,
    MAX_OBJECTS,
    MAX_PEOPLE,
    MAX_TABLE_ROWS,
    ActivityQueries,
    AlertQueries,
    BilledQueries,
    ContextQueries,
    EventQueries,
    EvidenceQueries,
    ObjectKey,
)
from audit.kql_around import LOG_TABLES, first_seen, previous_states, sources, table_legs, what_else
from audit.kql_chat import activity_asked, actors_asked, alert_query, events_asked
from audit.kql_chat_listed import arrived_since, events_listed
from audit.kql_chat_workspace import billed, clusters_seen, reach
from audit.kql_columns import TOTAL, Facet, FirstSeen, Groups, Sources, Totals
from audit.kql_events import event_queries
from audit.kql_shapes import DIAGNOSTICS, IS_AUDIT, LOG_ID, LOG_STAGE, TABLES, TYPED, Shape, light_columns
from audit.kql_text import (
    COUNTED,
    MAX_ROWS,
    InvalidTerm,
    datetime_literal,
    in_window,
    lines,
    literal,
    literals,
    newest,
    union,
)

__all__ = [
    "CONTEXT",
    "DIAGNOSTICS",
    "LOG_TABLES",
    "MAX_ACTORS",
    "MAX_BUSIEST",
    "MAX_FACETS",
    "MAX_GROUPS",
    "MAX_IDS",
    "MAX_OBJECTS",
    "MAX_PEOPLE",
    "MAX_ROWS",
    "MAX_TABLE_ROWS",
    "TABLES",
    "TOTAL",
    "TYPED",
    "ActivityQueries",
    "AlertQueries",
    "BilledQueries",
    "ContextQueries",
    "EventQueries",
    "EvidenceQueries",
    "Facet",
    "FirstSeen",
    "Groups",
    "InvalidTerm",
    "ObjectKey",
    "Sources",
    "Totals",
    "activity_asked",
    "actors_asked",
    "admin_events",
    "alert_query",
    "arrived_since",
    "billed",
    "clusters",
    "clusters_seen",
    "context",
    "datetime_literal",
    "events_asked",
    "events_behind",
    "events_by_id",
    "events_listed",
    "events_matching",
    "evidence_queries",
    "first_seen",
    "literal",
    "previous_states",
    "reach",
    "sources",
    "what_else",
    "workload_events",
]  # fmt: skip

#: Events asked for by id at once: as many as are read of one window (bot.inquiry.READ_LIMIT), or more.
MAX_IDS = 400
#: A namespace and a name as Kubernetes allows them.
_OBJECT = re.compile(r"[a-z0-9][-a-z0-9]{0,62}/[a-z0-9][-a-z0-9.]{0,252}")


def events_matching(wanted: EventFilter, *, limit: int, tables: Sequence[str] = TABLES) -> AlertQueries:
    """Build the queries for the events of a window in which a term occurs, as a whole word, case aside.

    Of `namespace/name` both parts must occur.

    A row may come twice, from two categories or tables; the count counts each stage of a request once.
    `tables` leaves out what a workspace does not have. Raises InvalidTerm.
    """
    terms = [literal(part) for part in _parts(wanted.what.term)]
    found = {table: _matching(table, wanted.window, terms) for table in tables}
    rows = [lines(leg, f"| project {light_columns(table)}") for table, leg in found.items()]
    ids = [lines(leg, f"| project {_identity(table)}") for table, leg in found.items()]
    return AlertQueries(
        rows=lines(union(rows), newest(limit)),
        count=lines(union(ids), "| distinct AuditId, Stage", COUNTED),
    )


def events_by_id(audit_ids: Sequence[str], window: Window, *, tables: Sequence[str] = TABLES) -> str:
    """Build the query for whole events, bodies included, oldest first. 1 to 100 ids; raises InvalidTerm."""
    if not 0 < len(audit_ids) <= MAX_IDS:
        raise ValueError(f"1 to {MAX_IDS} ids can be asked for at once")
    ids = literals(audit_ids)
    legs = []
    for table in tables:
        if table == DIAGNOSTICS:
            # has_any is what the index answers; an id may also be mentioned by another event.
            those = [IS_AUDIT, f"| where log_s has_any {ids}", f"| where {LOG_ID} in {ids}"]
            columns = light_columns(table)
        else:
            those = [f"| where AuditId in {ids}"]
            columns = ", ".join(Shape.of([table]).columns)
        legs.append(lines(table, in_window(window), *those, f"| project {columns}"))
    return lines(union(legs), f"| top {MAX_ROWS} by TimeGenerated asc")


def admin_events(window: Window, *, tables: Sequence[str] = TABLES, limit: int) -> EventQueries:
    """Ask for all requests but get and list, which is what the category kube-audit-admin holds."""
    reading = '("get", "list")'
    more = {
        True: f'| where Category == "kube-audit-admin" or tostring(parse_json(log_s).verb) !in {reading}',
        False: f"| where Verb !in {reading}",
    }
    legs = table_legs(window, tables)
    return event_queries(
        [replace(leg, text=lines(leg.text, more[leg.shape.has_log])) for leg in legs], limit=limit
    )


def workload_events(
    workload: str,
    verbs: Sequence[str],
    window: Window,
    *,
    tables: Sequence[str] = TABLES,
    limit: int,
) -> EventQueries:
    """Ask for events in which a workload's name occurs as a whole word, with one of the verbs. Raises InvalidTerm."""
    named = [literal(part) for part in _parts(workload)]
    wanted = literals(verbs)
    legs = []
    for leg in table_legs(window, tables):
        (table,) = leg.tables
        if leg.shape.has_log:
            spoken = literals([f'"verb":"{verb}"' for verb in verbs])
            where = [*_has(table, named), f"| where log_s has_any {spoken}"]
        else:
            where = [*_has(table, named), f"| where Verb in {wanted}"]
        legs.append(replace(leg, text=lines(leg.text, *where)))
    return event_queries(legs, limit=limit)


def _parts(term: str) -> tuple[str, ...]:
    """Split namespace/name, as cards write an object: an event has the two apart, and both must occur."""
    return tuple(term.split("/")) if _OBJECT.fullmatch(term) else (term,)


def _matching(table: str, window: Window, terms: Sequence[str]) -> str:
    is_audit = IS_AUDIT if table == DIAGNOSTICS else ""
    return lines(table, in_window(window), is_audit, *_has(table, terms))


def _has(table: str, terms: Sequence[str]) -> list[str]:
    """Return the lines that keep rows with each of the terms, which are literals."""
    if table == DIAGNOSTICS:
        return [f"| where log_s has {term}" for term in terms]
    places = ("RequestUri", "tostring(ObjectRef)", "tostring(User)", "UserAgent")
    return ["| where " + " or ".join(f"{place} has {term}" for place in places) for term in terms]


def _identity(table: str) -> str:
    """Return the projection that tells one event from another; a row without an id is its own."""
    if table == DIAGNOSTICS:
        return f"AuditId = iff(isempty({LOG_ID}), log_s, {LOG_ID}), Stage = {LOG_STAGE}"
    return "AuditId, Stage"

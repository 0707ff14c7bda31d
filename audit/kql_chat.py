"""What somebody asks for in the chat: events, who did it, when, each page of all, and the same as an alert's query.

Text from a person enters through audit.kql_chat_wanted alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from audit.actor import ActorKind
from audit.filter import EventFilter
from audit.kql_answers import MAX_ACTORS, MAX_BUSIEST, MAX_STEPS, ActivityQueries, EventQueries
from audit.kql_chat_wanted import wanted_legs, wanted_rows
from audit.kql_columns import ActorsSeen, Busiest, Steps
from audit.kql_events import NO_ID, event_queries, once, together
from audit.kql_guard import RefusedQuery, guard
from audit.kql_shapes import TABLES, kind
from audit.kql_text import InvalidTerm, lines

#: No log is as old: what it is taken off from comes after all else.
_LONG_AGO = "36500d"
_DAY = timedelta(days=1)
_NAME = "Copies_"
_EVENTS = f"Events = iff({NO_ID}, Rows, 1)"
_KIND = f"Kind = {kind('User', 'Impersonated')}"
_FAILED = '(Code >= 400 or Decision == "forbid")'


def events_asked(
    wanted: EventFilter,
    *,
    limit: int,
    tables: Sequence[str] = TABLES,
    late_after: datetime | None = None,
) -> EventQueries:
    """Ask for the events that are wanted, as for those behind an alert (evidence_queries). Raises InvalidTerm.

    An event is there when one of its rows is as wanted; what Azure cut off a row is not known of it.
    """
    return event_queries(wanted_legs(wanted, tables), limit=limit, late_after=late_after)


def actors_asked(wanted: EventFilter, *, tables: Sequence[str] = TABLES) -> str:
    """Ask who did what is wanted: at most MAX_ACTORS rows, columns are ActorsSeen. Raises InvalidTerm.

    People first, then workloads, then the platform; in these who was seen last.
    """
    defined, events = once(wanted_legs(wanted, tables), _NAME)
    column = ActorsSeen
    last = f"{column.VERB}, {column.RESOURCE}, {column.SUBRESOURCE}, {column.NAMESPACE}, {column.NAME}"
    seen = f"{_NAME}Seen"
    return defined + lines(
        f"let {seen} = materialize({events}",
        f"| extend {_EVENTS}, Failures = iff({_FAILED}, iff({NO_ID}, Rows, 1), 0)",
        # What somebody did is told before what was only tried, however much later that was.
        f"| extend Told_ = iff(Failures > 0, {column.LAST} - {_LONG_AGO}, {column.LAST})",
        # First for each object, so that objects are counted exactly.
        f"| summarize {column.COUNT} = sum(Events), {column.FAILED} = sum(Failures), {column.FIRST} = min(First),"
        f" {column.LAST} = max({column.LAST}), arg_max(Told_, {column.VERB}, {column.SUBRESOURCE})"
        f" by {column.USER}, {column.IMPERSONATED}, ApiGroup, {column.RESOURCE}, {column.NAMESPACE}, {column.NAME}",
        f"| summarize {column.COUNT} = sum({column.COUNT}), {column.FAILED} = sum({column.FAILED}),"
        f" {column.FIRST} = min({column.FIRST}), {column.OBJECTS} = countif({column.RESOURCE} != ''),"
        f" {column.LAST} = max({column.LAST}), arg_max(Told_, {last}) by {column.USER}, {column.IMPERSONATED});",
        seen,
        f"| extend {column.DONE} = iff(Told_ > datetime(1990-01-01), Told_, datetime(null)), {_KIND}, {column.USERS} = toscalar({seen} | count),"
        f" {column.EVENTS} = toscalar({seen} | summarize sum({column.COUNT}))",
        f"| sort by {column.KIND} asc, {column.LAST} desc, {column.USER} asc, {column.IMPERSONATED} asc",
        f"| take {MAX_ACTORS}",
        "| project-away Told_",
    )


def activity_asked(
    wanted: EventFilter, step: timedelta, *, tables: Sequence[str] = TABLES
) -> ActivityQueries:
    """Ask for the wanted events over time, and for the busiest users and objects. Raises InvalidTerm.

    An event is of the step in which its first row was generated. A step divides a day into whole parts, and the
    window into at most MAX_STEPS: else ValueError.
    """
    if step <= timedelta(0) or _DAY % step or step.microseconds:
        raise ValueError("a step is so many seconds that a day is a whole number of steps")
    if wanted.window.length / step > MAX_STEPS:
        raise ValueError(f"a window has at most {MAX_STEPS} steps")
    defined, events = once(wanted_legs(wanted, tables), _NAME)
    counted = lines(events, f"| extend {_EVENTS}, {_KIND}")
    start = f"{Steps.START} = bin(Generated, {step // timedelta(seconds=1)}s)"
    return ActivityQueries(
        buckets=defined
        + lines(
            counted,
            f"| summarize {Steps.COUNT} = sum(Events) by {start}, {Steps.KIND}",
            f"| sort by {Steps.START} asc, {Steps.KIND} asc",
        ),
        actors=defined + lines(counted, _busiest(Busiest.USER)),
        objects=defined
        + lines(
            counted,
            f"| where {Busiest.RESOURCE} != ''",
            _busiest("ApiGroup", Busiest.RESOURCE, Busiest.NAMESPACE, Busiest.NAME),
        ),
    )


def _busiest(*names: str) -> str:
    """Return lines that count events by these columns; only the platform's come last."""
    column = Busiest
    return lines(
        f"| summarize {column.COUNT} = sum(Events), {column.KIND} = min(Kind) by {', '.join(names)}",
        f"| extend IsPlatform = {column.KIND} == {ActorKind.PLATFORM:d}",
        f"| sort by IsPlatform asc, {column.COUNT} desc, {', '.join(f'{name} asc' for name in names)}",
        f"| take {MAX_BUSIEST}",
        "| project-away IsPlatform",
    )


def alert_query(wanted: EventFilter, *, tables: Sequence[str] = TABLES) -> str:
    """Return the wanted events as the query of an alert rule: whatever the window, rows as the tables have them.

    What evidence_queries makes of it counts in a window what events_asked counts. Raises InvalidTerm, also for what
    can be asked, but not as an alert's query (see audit.kql_guard).
    """
    legs = [wanted_rows(wanted, table) for table in tables]
    try:
        return guard(together(legs))
    except RefusedQuery as error:
        raise InvalidTerm(error.reason) from None

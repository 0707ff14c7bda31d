"""Queries beside the alert's own: what else, what before, what for the first time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from audit.filter import Window
from audit.kql_answers import MAX_FACETS, MAX_OBJECTS, MAX_PEOPLE, EventQueries, ObjectKey
from audit.kql_columns import Facet
from audit.kql_events import TAKE_INGESTED, Leg, event_queries, normal
from audit.kql_shapes import DIAGNOSTICS, IS_AUDIT, TABLES, TYPED, Shape, fields, prepared
from audit.kql_text import in_window, lines, literal, literals, union

_TICK = timedelta(microseconds=1)
#: Words that stand in the text of `log_s` as they are: no JSON escapes them, and the index knows them.
_AS_WRITTEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._:-]*")
#: Every table that rows of AKS may be in.
LOG_TABLES = (*TABLES, "AKSControlPlane")
#: What tells its rows from those of other services.
_OF_AKS = {DIAGNOSTICS: ('| where ResourceId has "managedclusters"',)}


def sources(window: Window, *, tables: Sequence[str] = LOG_TABLES) -> str:
    """Ask which tables and categories have rows of AKS in the window; columns are Sources.

    A table that the workspace does not have is no error, but one of the Basic plan is: no union takes it in.
    """
    counted = "| summarize Rows = count(), First = min(TimeGenerated), Last = max(TimeGenerated) by Table = "
    legs = [
        lines(
            table,
            in_window(window),
            *of_aks(table),
            f"{counted}{literal(table)}, {category_of(table)}",
        )
        for table in tables
    ]
    return lines(union(legs), "| sort by Table asc, Category asc")


def of_aks(table: str) -> tuple[str, ...]:
    """Return the line that keeps AKS' rows of a table; none where there are no others."""
    return _OF_AKS.get(table, ())


def category_of(table: str) -> str:
    """Return the column Category of a table's rows; "" of those that have none."""
    return 'Category = ""' if table in TYPED else "Category"


def table_legs(window: Window, tables: Sequence[str], *where: str) -> list[Leg]:
    """Return a leg for each table: its audit events of the window, after the lines `where`."""
    return [
        Leg(
            text=lines(
                table,
                in_window(window),
                TAKE_INGESTED,
                IS_AUDIT if table == DIAGNOSTICS else "",
                *where,
            ),
            shape=Shape.of([table]),
            tables=frozenset((table,)),
        )
        for table in tables
    ]


def what_else(
    user: str,
    window: Window,
    *,
    tables: Sequence[str] = TABLES,
    limit: int,
    late_after: datetime | None = None,
) -> EventQueries:
    """Ask for all that one user did, or was impersonated for, in all clusters of the workspace. Raises InvalidTerm."""
    legs = [_of_users(leg, [user]) for leg in table_legs(window, tables)]
    return event_queries(legs, limit=limit, late_after=late_after)


def previous_states(
    objects: Sequence[ObjectKey], *, before: datetime, since: datetime, tables: Sequence[str] = TABLES
) -> str:
    """Ask for the last successful write of each object that has a whole state in it, before `before` (exclusive).

    A row for each object that has one, columns as parse_event reads them. At most MAX_OBJECTS; raises InvalidTerm.
    """
    if not 0 < len(objects) <= MAX_OBJECTS:
        raise ValueError(f"1 to {MAX_OBJECTS} objects can be asked for at once")
    window = Window(start=since, end=max(since, before - _TICK))
    legs = [_states(leg, objects) for leg in table_legs(window, tables)]
    return lines(
        union(legs),
        "| summarize arg_max(TimeGenerated, *) by Key_",
        "| project-away Key_",
    )


def first_seen(
    people: Sequence[str],
    *,
    since: datetime,
    before: datetime,
    tables: Sequence[str] = TABLES,
    cluster_id: str = "",
) -> str:
    """Ask when each user did each thing first, between `since` and `before` (exclusive); columns are FirstSeen.

    `cluster_id` narrows to one cluster ("" for all of the workspace). At most MAX_PEOPLE; raises InvalidTerm.
    """
    if not 0 < len(people) <= MAX_PEOPLE:
        raise ValueError(f"1 to {MAX_PEOPLE} people can be asked about at once")
    window = Window(start=since, end=max(since, before - _TICK))
    here = f"| where _ResourceId =~ {literal(cluster_id)}" if cluster_id else ""
    legs = table_legs(window, tables, here)
    names = ("User", "Verb", "Resource", "Subresource", "Namespace", "Address", "UserAgent")
    done = [normal(_of_users(leg, people), names) for leg in legs]
    reach = [lines(leg.text, "| summarize First = min(TimeGenerated)") for leg in legs]
    found = [
        f'(Deeds_ | where isnotempty({value}) | summarize First = min(Generated) by User, Facet = "{facet}", Value = {value})'
        for facet, value in (
            (Facet.NAMESPACE, "Namespace"),
            (Facet.DEED, "Deed"),
            (Facet.ADDRESS, "Address"),
            (Facet.CLIENT, "Client"),
        )
    ]
    return lines(
        f"let Deeds_ = materialize({union(done)}",
        '| extend Object = iff(isempty(Subresource), Resource, strcat(Resource, "/", Subresource))',
        '| extend Deed = iff(isempty(Resource), "", strcat(Verb, " ", Object)),'
        ' Client = tostring(split(UserAgent, " ")[0]));',
        "union",
        ",\n".join(
            (
                f'({union(reach)} | summarize First = min(First) by User = "", Facet = "{Facet.LOG}", Value = "")',
                *found,
            )
        ),
        "| project User, Facet, Value, First",
        # The reach first, so that it is there even where there are more than may be returned.
        f'| sort by iff(Facet == "{Facet.LOG}", 0, 1) asc, First asc',
        f"| take {MAX_FACETS}",
    )


def _of_users(leg: Leg, users: Sequence[str]) -> Leg:
    """Narrow to requests by these users, or by others in their name."""
    known, wanted = fields(leg.shape, leg.kept), literals(users)
    if not leg.shape.has_log:
        return Leg(
            text=lines(leg.text, f"| where {known['User']} in {wanted}"), shape=leg.shape, tables=leg.tables
        )
    quick = as_written(users)
    exactly = f"| where {known['User']} in {wanted} or {known['Impersonated']} in {wanted}"
    return Leg(
        text=lines(leg.text, quick, prepared(leg.shape, leg.kept), exactly),
        shape=leg.shape,
        tables=leg.tables,
    )


def as_written(words: Sequence[str]) -> str:
    """Return a line that the index of `log_s` answers, which leaves out no row with one of the words; "" for none.

    Each word is all of a JSON string, or stands in front of what is no letter or digit.
    """
    return f"| where log_s has_any {literals(words)}" if all(map(_AS_WRITTEN.fullmatch, words)) else ""


def _states(leg: Leg, objects: Sequence[ObjectKey]) -> str:
    known = fields(leg.shape, leg.kept)
    has_log = leg.shape.has_log
    request, response = (
        f"Json_.{key[0].lower()}{key[1:]}" if has_log else key for key in ("RequestObject", "ResponseObject")
    )
    whole = (
        f'gettype({response}) == "dictionary"'
        f' or (Verb_ in ("create", "update") and gettype({request}) == "dictionary")'
    )
    parts = ("Verb", "Code", "Subresource", "ApiGroup", "Resource", "Namespace", "Name")
    return lines(
        leg.text,
        as_written([key.name for key in objects]) if has_log else "",
        prepared(leg.shape, leg.kept),
        "| extend " + ", ".join(f"{name}_ = {known[name]}" for name in parts),
        '| where Verb_ in ("create", "update", "patch") and Code_ between (200 .. 299) and isempty(Subresource_)',
        f"| where {whole}",
        '| extend Object_ = strcat(ApiGroup_, "/", Resource_, "/", Namespace_, "/", Name_)',
        "| where " + " or ".join(f"({_is(key)})" for key in objects),
        '| extend Key_ = strcat(tolower(_ResourceId), " ", Object_)',
        f"| project {', '.join(leg.shape.columns)}, Key_",
    )


def _is(key: ObjectKey) -> str:
    written = literal(f"{key.api_group}/{key.resource}/{key.namespace}/{key.name}")
    cluster = f" and _ResourceId =~ {literal(key.cluster)}" if key.cluster else ""
    return f"Object_ == {written}{cluster}"

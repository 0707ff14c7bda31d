"""What log alerts say beyond the envelope: what was asked, about which dimensions, over which window.

Log Alerts V2: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
Log Alerts V1: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-log-webhook
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from audit.filter import Window
from audit.untyped import at, items, mapping, moment, number, text, texts, written

#: A query is kept whole up to Azure's own limit for the properties of a rule, in characters.
MAX_QUERY = 64 * 1024
MAX_CRITERIA = 10
MAX_DIMENSIONS = 50
MAX_TABLES = 10
MAX_ROWS = 100
MAX_COLUMNS = 60


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One dimension that split the rule: the alert is about rows whose column `name` is `value`."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One element of a log alert's `condition.allOf`."""

    query: str
    operator: str = ""
    threshold: str = ""
    aggregation: str = ""
    measure_column: str = ""
    #: What the rule measured; None on Resolved, by Azure's design.
    metric_value: float | None = None
    dimensions: tuple[Dimension, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ResultTable:
    """Rows that came inside the alert (Log Alerts V1 only)."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Content:
    """What an alert says in its context, whichever shape that has."""

    window: Window | None = None
    criteria: tuple[Criterion, ...] = ()
    results: tuple[ResultTable, ...] = ()
    counted: float | None = None
    #: Resource ids that the context names, dimensions aside.
    resource_ids: tuple[str, ...] = ()


def is_log_v2(context: Mapping[str, Any]) -> bool:
    return bool(text(at(context, "condition", "allOf", "0", "searchQuery")))


def is_log_v1(context: Mapping[str, Any]) -> bool:
    return any(name.lower() == "searchquery" for name in context)


def content_v2(context: Mapping[str, Any]) -> Content:
    """Read a context with `condition.allOf`, whose elements are queries."""
    found = items(at(context, "condition", "allOf"))[:MAX_CRITERIA]
    criteria = tuple(_criterion(element) for element in found if isinstance(element, Mapping))
    # What a rule measured is a number of events only where it counts rows.
    counts = len(criteria) == 1 and criteria[0].aggregation.lower() == "count"
    return Content(
        window=content_other(context).window,
        criteria=criteria,
        counted=criteria[0].metric_value if counts else None,
    )


def content_v1(context: Mapping[str, Any]) -> Content:
    """Read a context in Pascal case, whose names changed their spelling over the years."""
    named = {name.lower(): value for name, value in context.items()}
    criterion = Criterion(
        query=text(named.get("searchquery"), MAX_QUERY),
        operator=text(named.get("operator") or named.get("alertthresholdoperator")),
        threshold=written(named.get("threshold", named.get("alertthresholdvalue"))),
        dimensions=tuple(_dimensions(named.get("dimensions"))),
    )
    return Content(
        window=_between(named.get("searchintervalstarttimeutc"), named.get("searchintervalendtimeutc")),
        criteria=(criterion,),
        results=tuple(_results(mapping(named.get("searchresults")) or mapping(named.get("searchresult")))),
        counted=number(named.get("resultcount")),
        resource_ids=tuple(filter(is_resource_id, texts(named.get("affectedconfigurationitems")))),
    )


def content_other(context: Mapping[str, Any]) -> Content:
    """Read a context of no log alert: all that it can have of this is a window."""
    condition = mapping(context.get("condition"))
    return Content(window=_between(condition.get("windowStartTime"), condition.get("windowEndTime")))


def is_resource_id(value: str) -> bool:
    return value.lower().startswith("/subscriptions/")


def _criterion(element: Mapping[str, Any]) -> Criterion:
    return Criterion(
        query=text(element.get("searchQuery"), MAX_QUERY),
        operator=text(element.get("operator")),
        threshold=written(element.get("threshold")),
        aggregation=text(element.get("timeAggregation")),
        measure_column=text(element.get("metricMeasureColumn") or element.get("metricMeasure")),
        metric_value=number(element.get("metricValue")),
        dimensions=tuple(_dimensions(element.get("dimensions"))),
    )


def _dimensions(value: object) -> Iterator[Dimension]:
    for dimension in items(value)[:MAX_DIMENSIONS]:
        if name := text(at(dimension, "name")):
            yield Dimension(name=name, value=written(at(dimension, "value")))


def _between(start: object, end: object) -> Window | None:
    first, last = moment(start), moment(end)
    return Window(start=first, end=last) if first and last and first <= last else None


def _results(found: Mapping[str, Any]) -> Iterator[ResultTable]:
    for table in items(found.get("tables"))[:MAX_TABLES]:
        columns = tuple(text(at(column, "name")) for column in items(at(table, "columns"))[:MAX_COLUMNS])
        rows = (row for row in items(at(table, "rows")) if isinstance(row, list))
        if columns:
            yield ResultTable(
                name=text(at(table, "name")),
                columns=columns,
                rows=tuple(_cells(row, len(columns)) for row in islice(rows, MAX_ROWS)),
            )


def _cells(row: list[Any], width: int) -> tuple[str, ...]:
    cells = [written(cell) for cell in row[:width]]
    return (*cells, *[""] * (width - len(cells)))

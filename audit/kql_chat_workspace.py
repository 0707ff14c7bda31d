"""What a workspace holds of AKS, since when, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence

from audit.filter import Window
from audit.kql_answers import MAX_BILLED, MAX_SEEN, BilledQueries
from audit.kql_around import LOG_TABLES, category_of, of_aks, table_legs
from audit.kql_columns import BYTES, MEGABYTES, REACH, Billing, ClustersSeen
from audit.kql_events import together
from audit.kql_shapes import DIAGNOSTICS, IS_AUDIT, TABLES, fields, prepared
from audit.kql_text import in_window, lines, literal, literals

#: https://learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns#_billedsize
_SIZE = f'{BYTES} = sumif(_BilledSize, tostring(_IsBillable) =~ "true")'


def clusters_seen(window: Window, *, tables: Sequence[str] = LOG_TABLES) -> str:
    """Ask which clusters have rows in which tables and categories; at most MAX_SEEN rows, columns are ClustersSeen."""
    column = ClustersSeen
    legs = [
        lines(
            table,
            in_window(window),
            *of_aks(table),
            f"| summarize {column.ROWS} = count(), {column.FIRST} = min(TimeGenerated),"
            f" {column.LAST} = max(TimeGenerated) by {column.CLUSTER} = tolower(_ResourceId),"
            f" {column.TABLE} = {literal(table)}, {category_of(table)}",
        )
        for table in tables
    ]
    return lines(
        together(legs),
        f"| where isnotempty({column.CLUSTER})",
        f"| sort by {column.CLUSTER} asc, {column.TABLE} asc, {column.CATEGORY} asc",
        f"| take {MAX_SEEN}",
    )


def reach(window: Window, *, tables: Sequence[str] = TABLES) -> str:
    """Ask how far back the audit log reaches within the window: one row with the column REACH."""
    legs = [
        lines(
            table,
            in_window(window),
            IS_AUDIT if table == DIAGNOSTICS else "",
            f"| summarize {REACH} = min(TimeGenerated)",
        )
        for table in tables
    ]
    return lines(together(legs), f"| summarize {REACH} = min({REACH})")


def billed(window: Window, *, tables: Sequence[str] = LOG_TABLES) -> BilledQueries:
    """Ask what the tables cost by the workspace's own Usage, and what rows of AKS in them cost by category and user.

    Usage is in megabytes of 10^6 bytes, by the hour, and of all that lies in a table:
    https://learn.microsoft.com/azure/azure-monitor/logs/analyze-usage
    """
    usage = lines(
        "Usage",
        in_window(window),
        f"| where IsBillable == true and DataType in {literals(tables)}",
        f"| summarize {MEGABYTES} = sum(Quantity) by {Billing.TABLE} = DataType",
        f"| sort by {MEGABYTES} desc",
    )
    categories = [
        lines(
            table,
            in_window(window),
            *of_aks(table),
            f"| summarize {Billing.ROWS} = count(), {_SIZE}"
            f" by {Billing.TABLE} = {literal(table)}, {category_of(table)}",
        )
        for table in tables
    ]
    return BilledQueries(
        usage=usage,
        categories=lines(together(categories), f"| sort by {BYTES} desc"),
        actors=_billed_actors(window, [table for table in tables if table in TABLES]),
    )


def _billed_actors(window: Window, tables: Sequence[str]) -> str:
    """Rows are counted, not events: each copy of an event is billed."""
    legs = [
        lines(
            leg.text,
            prepared(leg.shape, leg.kept),
            f"| project {Billing.USER} = {fields(leg.shape, leg.kept)['User']}, _BilledSize, _IsBillable",
        )
        for leg in table_legs(window, tables)
    ]
    if not legs:
        return ""
    return lines(
        together(legs),
        f"| summarize {Billing.ROWS} = count(), {_SIZE} by {Billing.USER}",
        f"| sort by {BYTES} desc, {Billing.USER} asc",
        f"| take {MAX_BILLED}",
    )

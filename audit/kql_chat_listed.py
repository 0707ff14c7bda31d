"""Each wanted event once, page by page, as they were when somebody asked; and how many came since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from audit.filter import EventFilter
from audit.kql_chat_wanted import wanted_legs
from audit.kql_columns import DIGEST, TOTAL
from audit.kql_events import INGESTED, Leg, together
from audit.kql_shapes import BODIES, TABLES, Shape, fields, prepared
from audit.kql_text import bounded, datetime_literal, lines, literal

_TELLING = ("AuditId", "Stage", "Verb", "Uri", "User")
_FIELDS = (*_TELLING, "Received", "IsCut", "IsEvent", "IsLog")
#: What tells rows apart whose event has no audit id, beside that.
_ROW_OF_LOG = ("Type", "_ResourceId", "Category", "log_s", "TimeGenerated")
_ROW_OF_TYPED = (
    *("Type", "_ResourceId", "ObjectRef", "ResponseStatus", "UserAgent", "SourceIps", "Annotations"),
    *("StageReceivedTime", "TimeGenerated"),
)


def events_listed(
    wanted: EventFilter,
    *,
    known_at: datetime,
    cursor: tuple[datetime, tuple[str, ...]] | None,
    limit: int,
    tables: Sequence[str] = TABLES,
) -> str:
    """Ask for one page of the wanted events, each once; columns as parse_event reads them without bodies, and DIGEST.

    Newest first by TimeGenerated, which is that of an event's first row; events of one instant (a microsecond) by
    digest. Only rows that reached the workspace up to `known_at` are looked at, or of which that is not known, so
    that all pages are of the same events. `cursor` is None for the first page; else the instant of the last event
    that was seen, and digests of events of that instant that were seen. Of these the greatest decides: a caller who
    does not keep all of them keeps that one. `limit` is the most events. Raises InvalidTerm.
    """
    legs = [_told(leg) for leg in wanted_legs(wanted, tables, f"| where {_is_known(known_at)}")]
    return lines(
        f"let Copies_ = materialize({together([_keyed(leg) for leg in legs])}",
        "| summarize First_ = min(TimeGenerated), Each_ = make_list(1) by Base_, Event_, IsTimed_, IsOwn_",
        "| extend Instant_ = bin(First_, 1microsecond));",
        "let Timed_ = Copies_ | where IsTimed_;",
        # A copy whose time of receipt Azure cut away is one of the others, if there are any.
        "let Page_ = materialize(union Timed_, (Copies_ | where not(IsTimed_) | join kind=leftanti Timed_ on Event_)",
        # What has no audit id counts as often as it is there.
        "| mv-expand with_itemindex=Copy_ Each_",
        "| where Copy_ == 0 or IsOwn_",
        f"| extend {DIGEST} = strcat(Base_, Copy_)",
        f"| extend {DIGEST} = hash_sha256({DIGEST})",
        _after(cursor),
        f"| sort by Instant_ desc, {DIGEST} asc",
        f"| take {bounded(limit)}",
        f"| project Base_, Instant_, {DIGEST});",
        together([_of_page(leg) for leg in legs]),
        "| summarize arg_max(Fullness_, *) by Base_",
        "| join kind=inner Page_ on Base_",
        f"| project {_columns(Shape.of(tables), 'Instant_')}, Ingested, {DIGEST}",
        f"| sort by TimeGenerated desc, {DIGEST} asc",
    )


def arrived_since(wanted: EventFilter, *, known_at: datetime, tables: Sequence[str] = TABLES) -> str:
    """Ask how many of the wanted events have no row that events_listed would look at: one row with the column TOTAL.

    Raises InvalidTerm.
    """
    is_known = f"IsKnown_ = {_is_known(known_at)}"
    return lines(
        together([_keyed(_told(leg), is_known) for leg in wanted_legs(wanted, tables)]),
        "| summarize Rows_ = count(), Known_ = countif(IsKnown_) by Base_, Event_, IsTimed_, IsOwn_",
        "| summarize Rows_ = sum(Rows_), Known_ = sum(Known_), Times_ = countif(IsTimed_),"
        " KnownTimes_ = countif(IsTimed_ and Known_ > 0) by Event_, IsOwn_",
        f"| extend All_ = {_events('Rows_', 'Times_')}, Known_ = {_events('Known_', 'KnownTimes_')}",
        f"| summarize {TOTAL} = sum(All_ - Known_)",
    )


def _events(rows: str, times: str) -> str:
    """Return how many events so many rows of one identity are, of so many times of receipt."""
    return f"case({rows} == 0, 0, IsOwn_, {rows}, {times} > 1, {times}, 1)"


def _is_known(known_at: datetime) -> str:
    return f"isnull({INGESTED}) or {INGESTED} <= {datetime_literal(known_at)}"


def _after(cursor: tuple[datetime, tuple[str, ...]] | None) -> str:
    if cursor is None:
        return ""
    at, seen = datetime_literal(cursor[0]), literal(max(cursor[1], default="-"))
    return f"| where Instant_ < {at} or (Instant_ == {at} and strcmp({DIGEST}, {seen}) > 0)"


def _told(leg: Leg) -> Leg:
    """Add which event a row is of: Event_ is its identity, Base_ that with the time of receipt."""
    known = fields(leg.shape, leg.kept)
    row = ", ".join(_ROW_OF_LOG if leg.shape.has_log else _ROW_OF_TYPED)
    telling = ", ".join(f"{name}_" for name in _TELLING)
    return Leg(
        text=lines(
            leg.text,
            prepared(leg.shape, leg.kept),
            "| extend " + ", ".join(f"{name}_ = {known[name]}" for name in _FIELDS),
            "| where IsEvent_",
            f'| extend IsOwn_ = AuditId_ == "", Row_ = pack_array({row})',
            '| extend Own_ = iff(IsOwn_, tostring(Row_), "")',
            # One conversion to text at a time: nested ones make the sandbox's translation grow tenfold.
            f"| extend Event_ = tostring(pack_array({telling}, Own_))",
            "| extend Event_ = hash_sha256(Event_)",
            "| extend Base_ = strcat(Event_, Received_), IsTimed_ = isnotnull(Received_) or IsOwn_",
            "| extend Base_ = hash_sha256(Base_)",
        ),
        shape=leg.shape,
        tables=leg.tables,
    )


def _keyed(leg: Leg, *more: str) -> str:
    columns = ", ".join(("Base_", "Event_", "IsTimed_", "IsOwn_", "TimeGenerated", *more))
    return lines(leg.text, f"| project {columns}")


def _of_page(leg: Leg) -> str:
    """Return the leg's rows of the page's events."""
    return lines(
        leg.text,
        "| where TimeGenerated >= toscalar(Page_ | summarize min(Instant_))",
        "| where Base_ in (Page_ | project Base_)",
        "| extend Fullness_ = iff(IsCut_, 0, 2) + iff(IsLog_, 1, 0)",
        f"| project Base_, Fullness_, {_columns(leg.shape)}, Ingested = {INGESTED}",
    )


def _columns(shape: Shape, instant: str = "TimeGenerated") -> str:
    """Return what parse_event reads, but for bodies."""
    return ", ".join(
        f"TimeGenerated = {instant}" if name == "TimeGenerated" else name
        for name in shape.columns
        if name not in BODIES
    )

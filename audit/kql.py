"""The queries that we ask a workspace: text from outside enters them as literals, never as syntax."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.alert import Criterion, Dimension
from audit.filter import EventFilter, Window
from audit.kql_guard import guard, shape

#: The column of a `count` query's only row.
TOTAL = "Total"
_TOTAL = f"| summarize {TOTAL} = count()"

#: The tables that hold the Kubernetes audit log; the two typed ones have the same columns.
DIAGNOSTICS = "AzureDiagnostics"
TYPED = ("AKSAudit", "AKSAuditAdmin")

MAX_ROWS = 10_000
#: Events asked for by id at once: as many as are read of one window (bot.inquiry.READ_LIMIT), or more.
MAX_IDS = 400

_MAX_TERM = 1024
#: A namespace and a name as Kubernetes allows them.
_OBJECT = re.compile(r"[a-z0-9][-a-z0-9]{0,62}/[a-z0-9][-a-z0-9.]{0,252}")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
#: Other control characters, line separators and lone surrogates: readers of KQL differ on these.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

#: Columns as Azure writes them. No keyword of KQL has a capital letter first, so these need no brackets.
_PLAIN_NAME = re.compile(r"_?[A-Z][A-Za-z0-9_]{0,127}")
_BRACKETED_NAME = re.compile(r"[\w .:/@-]{1,128}", re.ASCII)

#: What parse_event reads of each table. https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit
_COLUMNS = {
    DIAGNOSTICS: "TimeGenerated, log_s, pod_s, Category, _ResourceId, ResourceId",
    **dict.fromkeys(
        TYPED,
        "TimeGenerated, AuditId, Stage, Level, Verb, RequestUri, User, SourceIps, UserAgent, ObjectRef,"
        " ResponseStatus, RequestReceivedTime, StageReceivedTime, Annotations, PodName, _ResourceId",
    ),
}
_BODIES = ", RequestObject, ResponseObject"

_IS_AUDIT = '| where Category in ("kube-audit", "kube-audit-admin")'
# Kubernetes writes both keys ahead of everything that a client may fill, so that this also reads rows
# which Azure cut (https://github.com/Azure/AKS/issues/4635) and which parse_json would not.
_LOG_ID = """extract(@'"auditID":\\s*"([^"\\\\]+)"', 1, log_s)"""
_LOG_STAGE = """extract(@'"stage":\\s*"([^"\\\\]+)"', 1, log_s)"""


class InvalidTerm(ValueError):
    """The text cannot stand in a query. `reason` is one sentence, safe to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class AlertQueries:
    """Two queries over the same events."""

    #: The newest events first, at most as many as asked for.
    rows: str
    #: One row with the column TOTAL.
    count: str


def literal(text: str) -> str:
    """Return the text as a KQL string literal, the same value for every reader of KQL.

    Raises InvalidTerm for an empty text, one over 1,024 characters, and for characters that have no
    business in a search term. https://learn.microsoft.com/kusto/query/scalar-data-types/string
    """
    if not text:
        raise InvalidTerm("the search term is empty")
    if len(text) > _MAX_TERM:
        raise InvalidTerm(f"the search term is longer than {_MAX_TERM} characters")
    unfit = _UNFIT.search(text)
    if unfit:
        raise InvalidTerm(f"the search term has the character U+{ord(unfit.group()):04X}")
    return f'"{text.translate(_ESCAPES)}"'


def datetime_literal(time: datetime) -> str:
    """Return an aware time as a KQL literal in UTC, to the microsecond."""
    if time.tzinfo is None:
        raise ValueError("a time in a query needs a zone")
    return f"datetime({time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z)"


def events_behind(criterion: Criterion, window: Window, *, limit: int) -> AlertQueries:
    """Build the queries for what one criterion of an alert saw in the window, both edges included.

    The alert's own query comes first, then the window, then every dimension. Raises RefusedQuery for the query
    and InvalidTerm for a dimension.
    """
    query = guard(criterion.query)
    filters = [_in_window(window), *map(_of_dimension, criterion.dimensions)]
    made_of = shape(query)
    projection = []
    if made_of.source in _COLUMNS and not made_of.reshapes:
        projection = [f"| project {_COLUMNS[made_of.source]}"]
    return AlertQueries(
        rows=_lines(query, *filters, *projection, _newest(limit)),
        count=_lines(query, *filters, _TOTAL),
    )


def events_matching(
    wanted: EventFilter, *, limit: int, tables: Sequence[str] = (DIAGNOSTICS, *TYPED)
) -> AlertQueries:
    """Build the queries for the events of a window in which a term occurs, as a whole word, case aside.

    Of `namespace/name` both parts must occur.

    A row may come twice, from two categories or tables; the count counts each stage of a request once.
    `tables` leaves out what a workspace does not have. Raises InvalidTerm.
    """
    terms = [literal(part) for part in _parts(wanted.term)]
    found = {table: _matching(table, wanted.window, terms) for table in tables}
    rows = [_lines(leg, f"| project {_COLUMNS[table]}") for table, leg in found.items()]
    ids = [_lines(leg, f"| project {_identity(table)}") for table, leg in found.items()]
    return AlertQueries(
        rows=_lines(_union(rows), _newest(limit)),
        count=_lines(_union(ids), "| distinct AuditId, Stage", _TOTAL),
    )


def events_by_id(
    audit_ids: Sequence[str], window: Window, *, tables: Sequence[str] = (DIAGNOSTICS, *TYPED)
) -> str:
    """Build the query for whole events, bodies included, oldest first. 1 to 100 ids; raises InvalidTerm."""
    if not 0 < len(audit_ids) <= MAX_IDS:
        raise ValueError(f"1 to {MAX_IDS} ids can be asked for at once")
    ids = f"({', '.join(map(literal, audit_ids))})"
    legs = []
    for table in tables:
        if table == DIAGNOSTICS:
            # has_any is what the index answers; an id may also be mentioned by another event.
            those = [_IS_AUDIT, f"| where log_s has_any {ids}", f"| where {_LOG_ID} in {ids}"]
            columns = _COLUMNS[table]
        else:
            those = [f"| where AuditId in {ids}"]
            columns = _COLUMNS[table] + _BODIES
        legs.append(_lines(table, _in_window(window), *those, f"| project {columns}"))
    return _lines(_union(legs), f"| top {MAX_ROWS} by TimeGenerated asc")


def _parts(term: str) -> tuple[str, ...]:
    """Split namespace/name, as cards write an object: an event has the two apart, and both must occur."""
    return tuple(term.split("/")) if _OBJECT.fullmatch(term) else (term,)


def _matching(table: str, window: Window, terms: Sequence[str]) -> str:
    if table == DIAGNOSTICS:
        return _lines(table, _in_window(window), _IS_AUDIT, *(f"| where log_s has {t}" for t in terms))
    places = ("RequestUri", "tostring(ObjectRef)", "tostring(User)", "UserAgent")
    found = ("| where " + " or ".join(f"{place} has {term}" for place in places) for term in terms)
    return _lines(table, _in_window(window), *found)


def _identity(table: str) -> str:
    """Return the projection that tells one event from another; a row without an id is its own."""
    if table == DIAGNOSTICS:
        return f"AuditId = iff(isempty({_LOG_ID}), log_s, {_LOG_ID}), Stage = {_LOG_STAGE}"
    return "AuditId, Stage"


def _in_window(window: Window) -> str:
    return (
        f"| where TimeGenerated between ({datetime_literal(window.start)} .. {datetime_literal(window.end)})"
    )


def _of_dimension(dimension: Dimension) -> str:
    """Return the line that keeps the rows of a dimension; Azure writes resource ids in changing case."""
    column = f"tostring({_column(dimension.name)})"
    if not dimension.value:
        return f"| where isempty({column})"
    operator = "=~" if dimension.value.casefold().startswith("/subscriptions/") else "=="
    return f"| where {column} {operator} {literal(dimension.value)}"


def _column(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return name
    if _BRACKETED_NAME.fullmatch(name):
        return f"['{name}']"
    raise InvalidTerm("a dimension of the alert has a name that no column can have")


def _union(legs: Sequence[str]) -> str:
    """Join the legs; a table that the workspace does not have is left out (isfuzzy)."""
    return "union isfuzzy=true\n" + ",\n".join(f"({leg})" for leg in legs)


def _newest(limit: int) -> str:
    if not 0 < limit <= MAX_ROWS:
        raise ValueError(f"1 to {MAX_ROWS} rows can be asked for")
    return f"| top {limit} by TimeGenerated desc"


def _lines(*lines: str) -> str:
    return "\n".join(lines)

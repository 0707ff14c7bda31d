"""What the given files must come to, found out past the bot: the sandbox's own look at its own rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from audit.alert import Alert, AlertKind, Criterion, Dimension
from audit.event import AuditEvent, parse_event
from audit.filter import Window
from audit.kql import InvalidTerm, literal
from audit.kql_guard import RefusedQuery, guard
from sandbox.engine import BadQuery, Engine, Result, TimedOut
from sandbox.tables import ARRIVES, AUDIT_TABLES, AZURE_DIAGNOSTICS, Rows

#: What the bot promises: older alerts and those of the future are not asked about, and one question's window is a day.
OLDEST: Final = timedelta(hours=24)
FUTURE: Final = timedelta(minutes=10)
LONGEST: Final = timedelta(hours=24)
HOUR: Final = timedelta(hours=1)
#: Rows that the bot reads of one query.
READ_LIMIT: Final = 300
#: A word that a chat line and a KQL literal take as it is.
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{1,60}[A-Za-z0-9]")


@dataclass(frozen=True, kw_only=True)
class Absent:
    """There is no evidence to be had for this alert, and that is right."""

    why: str
    #: Words of which the card must say one.
    says: tuple[str, ...]
    #: The workspace is asked all the same, and does not accept the question.
    asked: bool = False


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What the alert's own queries find in a window."""

    #: Rows, query by query.
    rows: tuple[int, ...] = ()
    #: Audit ids of the events among them.
    audit_ids: frozenset[str] = frozenset()
    #: Rows by the resource id of their cluster, in lower case.
    by_cluster: Mapping[str, int] = field(default_factory=dict)
    #: Rows whose event ends in the middle, and rows that are nothing of an event.
    cut: int = 0
    unreadable: int = 0

    @property
    def total(self) -> int:
        return sum(self.rows)

    @property
    def read(self) -> int:
        return sum(min(count, READ_LIMIT) for count in self.rows)


@dataclass(frozen=True, kw_only=True)
class Mentions:
    """How often a word occurs: rows, different requests by id and stage, and whole events among them."""

    rows: int
    requests: int
    events: int


class Yardstick:
    """Counts with the alert's own query and with queries of its own, in windows that the engine cuts, not the query."""

    def __init__(self, engine: Engine, alert: Alert, rows: Rows) -> None:
        self._engine = engine
        self._alert = alert
        self._rows = rows

    @property
    def window(self) -> Window | None:
        """The window that is asked about: the alert's, or its last day."""
        window = self._alert.window
        if window is None or window.length <= LONGEST:
            return window
        return Window(start=window.end - LONGEST, end=window.end)

    async def absent(self, now: datetime) -> Absent | None:
        """Say why there can be no evidence for the alert at this time; None where there must be some."""
        found = _absent_by_itself(self._alert, now)
        if found or self.window is None:
            return found
        try:
            await self.behind(self.window)
        except (RefusedQuery, InvalidTerm) as refused:
            return Absent(
                why=f"the alert's query is refused: {refused}", says=("not one that this bot runs",)
            )
        except BadQuery as failed:
            return _unanswered(str(failed))
        except TimedOut:
            return _unanswered("it takes too long")
        return None

    async def behind(self, window: Window) -> Counted:
        """Count what the alert's queries find in the window. Raises RefusedQuery, InvalidTerm, BadQuery, TimedOut."""
        answers = [await self._of_criterion(criterion, window) for criterion in self._alert.criteria]
        rows = [row for answer in answers for row in _dicts(answer)]
        # How a row is written tells more than what can be read of it, and does not lean on the bot's own reading.
        logs = [str(row["log_s"]).strip() for row in rows if "log_s" in row]
        return Counted(
            rows=tuple(len(answer.rows) for answer in answers),
            audit_ids=frozenset(e.audit_id for answer in answers for e in _events(answer) if e.audit_id),
            by_cluster=Counter(str(row["_ResourceId"]).lower() for row in rows if row.get("_ResourceId")),
            cut=sum(log.startswith("{") and not _is_json(log) for log in logs),
            unreadable=sum(not log.startswith("{") for log in logs),
        )

    async def mentions(self, term: str, window: Window) -> Mentions:
        """Count where the word occurs in any of the tables. Raises BadQuery and TimedOut."""
        rows: list[Mapping[str, Any]] = []
        for table in sorted(AUDIT_TABLES):
            answer = await self._engine.ask(f"{table}\n| where {_mentioning(table, term)}", window=window)
            rows.extend(_dicts(answer))
        events = [event for event in map(parse_event, rows) if isinstance(event, AuditEvent)]
        unreadable = len(rows) - len(events)
        return Mentions(
            rows=len(rows),
            requests=len({(e.audit_id, e.stage) if e.audit_id else id(e) for e in events}) + unreadable,
            events=len({_mark(e) if e.audit_id else id(e) for e in events}),
        )

    def word(self, now: datetime) -> str:
        """Return the name, or else the kind of resource, that most events of the last hour are about; "" for none."""
        recent = [
            event
            for table in sorted(AUDIT_TABLES)
            for row in self._rows.tables.get(table, ())
            if now - HOUR <= row["TimeGenerated"] <= now
            and row.get(ARRIVES, now) <= now
            and isinstance(event := parse_event(_written(row)), AuditEvent)
        ]
        return _most_frequent(e.name for e in recent) or _most_frequent(e.resource for e in recent)

    async def _of_criterion(self, criterion: Criterion, window: Window) -> Result:
        lines = [guard(criterion.query), *map(_of_dimension, criterion.dimensions)]
        answer = await self._engine.ask("\n".join(lines), window=window)
        if not any(column.name == "TimeGenerated" for column in answer.columns):
            raise BadQuery("SemanticError", "EMU0004", "it returns no TimeGenerated, so no events")
        return answer


def _most_frequent(words: Iterable[str]) -> str:
    counts = Counter(word for word in words if _WORD.fullmatch(word))
    return min(counts, key=lambda word: (-counts[word], word), default="")


def _unanswered(why: str) -> Absent:
    return Absent(
        why=f"the alert's own query cannot be asked of these tables: {why}",
        says=(
            "did not accept the question",
            "does not return audit events",
            "returns a table, not audit events",
            "does not have the table, or the column,",
            "did not answer in time",
        ),
        asked=True,
    )


def _absent_by_itself(alert: Alert, now: datetime) -> Absent | None:
    """Decide by the alert and the time alone."""
    fired = alert.fired_at or (alert.window.end if alert.window else now)
    # In the order in which the reasons outrank one another.
    cases = (
        (alert.is_test, "a test notification has nothing behind it", "test notification from Azure"),
        (bool(alert.results), "the alert brings its rows with it", "brought its rows with it"),
        (
            alert.kind not in {AlertKind.LOG_V1, AlertKind.LOG_V2},
            f"this is no log alert but: {alert.kind}",
            "does not come from a log query",
        ),
        (
            not (alert.window and alert.criteria),
            "the alert names no window and query",
            "does not say which window",
        ),
        (
            fired < now - OLDEST,
            f"the alert fired {(now - fired) / HOUR:,.0f} hours ago",
            "fired too long ago",
        ),
        (
            fired > now + FUTURE,
            f"the alert fires in {(fired - now) / HOUR:,.1f} hours",
            "fired in the future",
        ),
        (
            not any(target.lower().startswith("/subscriptions/") for target in alert.targets),
            "the alert names no resource whose workspace is known",
            "No configured workspace",
        ),
    )
    return next((Absent(why=why, says=(says,)) for applies, why, says in cases if applies), None)


def _mentioning(table: str, term: str) -> str:
    word = literal(term)
    if table == AZURE_DIAGNOSTICS:
        return f'Category in ("kube-audit", "kube-audit-admin") and log_s has {word}'
    places = ("RequestUri", "UserAgent", "tostring(ObjectRef)", "tostring(User)")
    return " or ".join(f"{place} has {word}" for place in places)


def _events(answer: Result) -> Iterator[AuditEvent]:
    for row in _dicts(answer):
        event = parse_event(row)
        if isinstance(event, AuditEvent):
            yield event


def _dicts(answer: Result) -> Iterator[Mapping[str, Any]]:
    names = [column.name for column in answer.columns]
    for row in answer.rows:
        yield _written(dict(zip(names, row, strict=True)))


def _written(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write a row's times as the service does."""
    return {
        name: value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _of_dimension(dimension: Dimension) -> str:
    if "'" in dimension.name or "\\" in dimension.name:
        raise InvalidTerm("a dimension of the alert has a name that no column can have")
    column = f"tostring(['{dimension.name}'])"
    return (
        f"| where {column} =~ {literal(dimension.value)}" if dimension.value else f"| where isempty({column})"
    )


def _mark(event: AuditEvent) -> tuple[object, ...]:
    """What tells events apart: a client may choose the audit id, so that alone is not believed."""
    who = (event.username, event.impersonated, event.verb, event.uri)
    return (event.audit_id, event.stage, event.time, *who, event.code, event.reason)

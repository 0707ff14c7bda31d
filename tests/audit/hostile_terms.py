"""Text that wants to be syntax, and every place of our queries where text from outside comes to stand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.alert import Criterion, Dimension
from audit.filter import EventFilter, Outcome, Wanted, Window
from audit.kql import (
    DIAGNOSTICS,
    ObjectKey,
    activity_asked,
    actors_asked,
    alert_query,
    arrived_since,
    events_asked,
    events_by_id,
    events_listed,
    evidence_queries,
    first_seen,
    literal,
    previous_states,
    what_else,
    workload_events,
)

START = datetime(2026, 3, 4, 9, tzinfo=UTC)
END = datetime(2026, 3, 4, 10, tzinfo=UTC)
WINDOW = Window(start=START, end=END)
HOUR = timedelta(hours=1)

ALPHABET = [
    *"\"'\\|;()[]{}@h`~/*%_-. \n\r\tab7é💥",
    "//",
    "\\u0022",
    '\\"',
    "externaldata(",
    "```",
    "| take 1",
]
#: A plain word, with which each query is compared.
PLAIN = "coredns"
#: It is no plain word to an index: the builders leave a line out for such, in the plain query too.
_UNPLAIN = "a b"
_TABLES = (DIAGNOSTICS,)


def hostile_terms(count: int, seed: int = 20260304) -> Iterator[str]:
    chance = random.Random(seed)
    for _ in range(count):
        yield "".join(chance.choices(ALPHABET, k=chance.randint(1, 40)))


def _dimension(name: str, query: str) -> Callable[[str], str]:
    def build(term: str) -> str:
        criterion = Criterion(query=query, dimensions=(Dimension(name=name, value=term),))
        asked = evidence_queries(criterion, WINDOW, limit=5, tables=_TABLES)
        return asked.table or asked.rows

    return build


def _object(**field: str) -> str:
    return _states(**{"resource": "r", "name": _UNPLAIN} | field)


def _states(**field: str) -> str:
    return previous_states([ObjectKey(**field)], before=END, since=START, tables=_TABLES)


#: Fields of Wanted that are texts, and those that are several.
_TEXTS = ("term", "namespace", "name", "user", "address", "client")
_TUPLES = ("resources", "subresources", "verbs")


#: With this in front a text reads alike to the builders whatever it is: no plain word, and JSON escapes it in each way.
_IN_FRONT = '-\N{CURRENCY SIGN}&" '


def _asked(field: str, text: str) -> EventFilter:
    if field == "clusters":
        return EventFilter(window=WINDOW, clusters=(text, "x", text))
    text = _IN_FRONT + text
    # Another field is said as well, so that lines follow the hostile one.
    said: dict[str, Any] = {"outcome": Outcome.FAILED, field: (text, "x", text) if field in _TUPLES else text}
    return EventFilter(window=WINDOW, what=Wanted(**said))


def _wanted(field: str, table: str) -> Callable[[str], str]:
    return lambda text: alert_query(_asked(field, text), tables=[table])


#: Every field that a question can fill, in each shape of table; every query has the same lines for them.
_WANTED = {
    f"{field} in {table}": _wanted(field, table)
    for field in (*_TEXTS, *_TUPLES, "clusters")
    for table in (DIAGNOSTICS, "AKSAudit")
}

#: Place -> the query with a text in it. None of them may read otherwise for any text that is not refused.
FIELDS: Mapping[str, Callable[[str], str]] = {
    "a literal": literal,
    **_WANTED,
    "a term of the chat": lambda t: events_asked(_asked("term", t), limit=5, tables=_TABLES).rows,
    "a term of who did it": lambda t: actors_asked(_asked("term", t), tables=["AKSAudit"]),
    "a user's activity": lambda t: activity_asked(_asked("user", t), HOUR, tables=["AKSAudit"]).objects,
    "a term of all events": lambda t: events_listed(
        _asked("term", t), known_at=END, cursor=None, limit=5, tables=["AKSAudit"]
    ),
    "a digest": lambda t: events_listed(
        _asked("user", "x"), known_at=END, cursor=(END, (t,)), limit=5, tables=["AKSAudit"]
    ),
    "a term of what arrived": lambda t: arrived_since(_asked("term", t), known_at=END, tables=["AKSAudit"]),
    "an audit id": lambda t: events_by_id([t, "x", t], WINDOW, tables=_TABLES),
    "a dimension": _dimension("Resource", "AzureDiagnostics"),
    "a dimension of a table": _dimension("n", "AzureDiagnostics | summarize n = count()"),
    "a user": lambda t: what_else(t, WINDOW, limit=5, tables=["AKSAudit"]).rows,
    "a user in log_s": lambda t: first_seen([_UNPLAIN, t], since=START, before=END, tables=_TABLES),
    "a cluster": lambda t: first_seen(["x"], since=START, before=END, tables=["AKSAudit"], cluster_id=t),
    "an API group": lambda t: _object(api_group=t),
    "a resource": lambda t: _object(resource=t),
    "a namespace": lambda t: _object(namespace=t),
    "a cluster of an object": lambda t: _object(cluster=t),
    "a name": lambda t: previous_states(
        [ObjectKey(resource="r", name=t)], before=END, since=START, tables=["AKSAudit"]
    ),
    "a workload": lambda t: workload_events(t, ["get"], WINDOW, limit=5, tables=["AKSAudit"]).rows,
    "a verb": lambda t: workload_events("x", [t], WINDOW, limit=5, tables=_TABLES).rows,
}

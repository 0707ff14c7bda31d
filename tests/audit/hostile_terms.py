"""Text that wants to be syntax, and every place of our queries where text from outside comes to stand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from audit.alert import Criterion, Dimension
from audit.filter import EventFilter, Window
from audit.kql import (
    DIAGNOSTICS,
    ObjectKey,
    events_by_id,
    events_matching,
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


#: Place -> the query with a text in it. None of them may read otherwise for any text that is not refused.
FIELDS: Mapping[str, Callable[[str], str]] = {
    "a literal": literal,
    "a term of the chat": lambda t: (
        events_matching(EventFilter(term=t, window=WINDOW), limit=5, tables=_TABLES).rows
    ),
    "a term in a typed table": lambda t: (
        events_matching(EventFilter(term=t, window=WINDOW), limit=5, tables=["AKSAudit"]).rows
    ),
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

"""Which events somebody means, found and counted by hand: what the chat's queries must answer.

Rows are read as Python reads them; nothing here knows how the queries do.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.event import ActorKind, AuditEvent, TableShape, Unreadable, parse_event
from audit.filter import EventFilter, Outcome, Wanted, Window
from tests.audit.audit_rows import random_rows

Row = Mapping[str, Any]
#: One event: its copies, the fullest first.
Event = Sequence[tuple[AuditEvent, Row]]

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
END = datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
WINDOW = Window(start=START, end=END)
CLUSTERS = ("/subscriptions/s/managedclusters/prod", "/subscriptions/s/managedclusters/test")

TERMS = (
    *("coredns", "SHOP", "web-1", "contoso.com", 'o"brien', 'o"brien\\@contoso.com', "403", "mallory"),
    *("fake", "requestObject", "annotations", "impersonatedUser", "Event", "k8s.io", "kubectl/v1.31.4"),
    *("a=b", "d", "2026-03", "Forbidden", "id-3", "nothing-of-it", "corednss", "203.0.113.9", "é"),
)
_RISKY_SUBRESOURCES = {"exec"}
_WRITES = {"create", "patch", "delete"}


def logs(chance: random.Random, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Return (table, row): copies of an event lie apart in time, of either cluster; some say not when they came."""
    found = []
    for table, row in random_rows(chance, START, END, count):
        at = datetime.fromisoformat(row["TimeGenerated"])
        if chance.random() < 0.3:
            at += timedelta(microseconds=chance.choice((1, 1, 250_000, 90_000_000)))
        ingested = row["Ingested"] if chance.random() < 0.8 else None
        cluster = chance.choice((CLUSTERS[0], CLUSTERS[0], CLUSTERS[1], CLUSTERS[0].upper()))
        found.append(
            (table, row | {"TimeGenerated": at.isoformat(), "Ingested": ingested, "_ResourceId": cluster})
        )
    return found


def a_filter(chance: random.Random) -> EventFilter:
    """Return a filter that says one to three things."""
    said: dict[str, Any] = {
        "term": chance.choice(TERMS),
        "namespace": chance.choice(("shop", "Kube-System", "x")),
        "name": chance.choice(("coredns", "DB", "web-1", "web")),
        "resources": chance.choice((("secrets",), ("PODS", "configmaps"), ("leases",))),
        "subresources": chance.choice((("exec", "attach"), ("token",))),
        "verbs": chance.choice((("get", "list"), ("DELETE",), ("create", "patch"))),
        "user": chance.choice(("alice", "contoso.com", "deployer", "ALICE@contoso.com", "brien", "system")),
        "address": chance.choice(("203.0.113.9", "10.0.0.1", "0.0.0.1")),
        "client": chance.choice(("kubectl", "linux", "kube")),
        "outcome": chance.choice(tuple(Outcome)),
        "risky": True,
    }
    names = chance.sample(sorted(said), chance.choice((1, 1, 2, 3)))
    clusters = CLUSTERS[1:] if chance.random() < 0.2 else ()
    return EventFilter(window=WINDOW, what=Wanted(**{n: said[n] for n in names}), clusters=clusters)


def events_of(wanted: EventFilter, rows: Sequence[tuple[str, Row]]) -> list[Event]:
    """Return the wanted events of the window, each once; copies that are not wanted are not among them."""
    read = [(parse_event(row), row) for row in _meant(wanted, rows)]
    return _once([(event, row) for event, row in read if isinstance(event, AuditEvent)])


def generated(event: Event) -> datetime:
    """Return when the first of the event's rows was generated, of those that tell when the request was received."""
    timed = [copy.generated for copy, _ in event if copy.raw.get("requestReceivedTimestamp")]
    return min(timed or [copy.generated for copy, _ in event])


def is_failure(event: AuditEvent) -> bool:
    return (event.code or 0) >= 400 or event.decision == "forbid"


def has(text: str, term: str) -> bool:
    """Tell whether a text has a term as a whole word, as KQL's `has` judges."""
    before = r"(?<![^\W_])" if term[:1].isalnum() else ""
    after = r"(?![^\W_])" if term[-1:].isalnum() else ""
    return bool(re.search(before + re.escape(term) + after, text, re.IGNORECASE))


def _meant(wanted: EventFilter, rows: Sequence[tuple[str, Row]]) -> Iterator[Row]:
    for _, row in rows:
        at = datetime.fromisoformat(row["TimeGenerated"])
        here = not wanted.clusters or row["_ResourceId"].lower() in wanted.clusters
        if here and wanted.window.start <= at <= wanted.window.end and _is_wanted(wanted.what, row):
            yield row


def _is_wanted(what: Wanted, row: Row) -> bool:
    event = parse_event(row)
    if what.term and not any(has(_text(row), form) for form in _forms(what.term)):
        return False
    if isinstance(event, Unreadable):
        return what == Wanted(term=what.term)
    return _has_object(what, event) and _has_actor(what, event) and _ended(what, event) and _risk(what, event)


def _forms(term: str) -> tuple[str, ...]:
    return term, json.dumps(term, ensure_ascii=False)[1:-1], json.dumps(term)[1:-1]


def _text(row: Row) -> str:
    """Return the event as `log_s` has it, or would have it."""
    if row.get("log_s") is not None:
        return str(row["log_s"])
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": row["Level"],
        "auditID": row["AuditId"],
        "stage": row["Stage"],
        "requestURI": row["RequestUri"],
        "verb": row["Verb"],
        "user": row["User"],
        "sourceIPs": row["SourceIps"],
        "userAgent": row["UserAgent"],
        "objectRef": row["ObjectRef"],
        "responseStatus": row["ResponseStatus"],
        "requestObject": row["RequestObject"],
        "responseObject": row["ResponseObject"],
        "requestReceivedTimestamp": row["RequestReceivedTime"],
        "stageTimestamp": row["StageReceivedTime"],
        "annotations": row["Annotations"],
    }
    return json.dumps({key: value for key, value in event.items() if value is not None}, ensure_ascii=False)


def _has_object(what: Wanted, event: AuditEvent) -> bool:
    pairs = (
        ((what.namespace,), event.namespace),
        ((what.name,), event.name),
        (what.resources, event.resource),
        (what.subresources, event.subresource),
        (what.verbs, event.verb),
    )
    return all(value.lower() in [w.lower() for w in words] for words, value in pairs if any(words))


def _has_actor(what: Wanted, event: AuditEvent) -> bool:
    if what.user and not (has(event.username, what.user) or has(event.impersonated, what.user)):
        return False
    if what.client and not has(event.user_agent, what.client):
        return False
    return not what.address or what.address in event.source_ips


def _ended(what: Wanted, event: AuditEvent) -> bool:
    match what.outcome:
        case None:
            return True
        case Outcome.DENIED:
            return event.code in {401, 403} or event.decision == "forbid"
        case Outcome.FAILED:
            return is_failure(event)
        case Outcome.SUCCEEDED:
            return event.code is not None and not is_failure(event)


def _risk(what: Wanted, event: AuditEvent) -> bool:
    """Say it of the objects that the random rows have."""
    if not what.risky:
        return True
    if event.actor is ActorKind.PLATFORM:
        return False
    written = event.verb in _WRITES and event.resource in {"configmaps", "pods", "clusterrolebindings"}
    return event.subresource in _RISKY_SUBRESOURCES or event.resource == "secrets" or written


def _once(read: Sequence[tuple[AuditEvent, Row]]) -> list[Event]:
    by_identity: dict[object, list[tuple[AuditEvent, Row]]] = defaultdict(list)
    for n, (event, row) in enumerate(read):
        by_identity[event.audit_id or n, event.stage, event.verb, event.uri, event.username].append(
            (event, row)
        )
    found: list[Event] = []
    for alike in by_identity.values():
        timed: dict[object, list[tuple[AuditEvent, Row]]] = defaultdict(list)
        for event, row in alike:
            timed[event.raw.get("requestReceivedTimestamp")].append((event, row))
        unknown = timed.pop(None, [])
        found += [sorted(same, key=_fullness, reverse=True) for same in timed.values() or [unknown]]
    return found


def _fullness(copy: tuple[AuditEvent, Row]) -> tuple[bool, bool]:
    return not copy[0].is_cut, copy[0].shape is TableShape.LOG

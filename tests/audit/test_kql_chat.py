"""What the chat asks for is what somebody would count by hand."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.actor import ActorKind
from audit.alert import Criterion
from audit.asked_rows import activity_of, actors_of
from audit.filter import EventFilter, Outcome, Wanted
from audit.kql import (
    MAX_ACTORS,
    TABLES,
    EventQueries,
    Groups,
    InvalidTerm,
    Totals,
    activity_asked,
    actors_asked,
    alert_query,
    events_asked,
    evidence_queries,
)
from audit.kql_guard import guard
from tests.audit.asked_model import (
    START,
    TERMS,
    WINDOW,
    Row,
    a_filter,
    events_of,
    generated,
    is_failure,
    logs,
)
from tests.audit.audit_rows import an_event, log_row, typed_row
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace
from tests.shared_data import shared_data

MINUTE = timedelta(minutes=1)
SHAPES = [TABLES[:1], TABLES[1:2], TABLES[1:], TABLES]
FULL = Wanted(
    term="a b",
    namespace="shop",
    name="web",
    resources=("pods", "secrets"),
    subresources=("exec",),
    verbs=("create",),
    user="alice",
    address="203.0.113.9",
    client="kubectl",
    outcome=Outcome.DENIED,
    risky=True,
)


def workspace_of(rows: Sequence[tuple[str, Row]]) -> LogWorkspace:
    workspace = LogWorkspace()
    for table, row in rows:
        workspace.add(table, [row])
    return workspace


def as_sent(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows with times as the query API writes them."""
    return [
        {
            name: value.isoformat() + "Z" if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def of(**what: Any) -> EventFilter:
    return EventFilter(window=WINDOW, what=Wanted(**what))


def count(workspace: LogWorkspace, wanted: EventFilter, tables: Sequence[str] = TABLES) -> int:
    """Return how many rows are wanted, whatever the window."""
    (row,) = workspace.run(f"{alert_query(wanted, tables=tables)}\n| count")
    return int(row["Count"])


def a_row(**changes: Any) -> dict[str, Any]:
    """Return a row of AzureDiagnostics; a change that is None leaves the field out."""
    event = an_event(random.Random(3), "a", START) | changes
    return log_row({key: value for key, value in event.items() if value is not None}, START)


# --- against a count by hand -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 12))]
)
def test_wanted_events_are_counted_as_by_hand_also_as_an_alerts_query(seed: int) -> None:
    chance = random.Random(seed)
    rows, wanted = logs(chance, 70), a_filter(chance)
    workspace, by_hand = workspace_of(rows), len(events_of(wanted, rows))
    asked = events_asked(wanted, limit=100)
    (totals,) = workspace.run(asked.totals)
    assert totals[Totals.EVENTS] == by_hand, wanted.what
    assert sum(group[Groups.COUNT] for group in workspace.run(asked.groups)) == by_hand
    assert len(workspace.run(asked.rows)) == totals[Totals.ROWS]
    behind = evidence_queries(Criterion(query=alert_query(wanted)), WINDOW, limit=100)
    assert behind.is_events
    assert not behind.table
    assert workspace.run(behind.totals) == [totals]


def test_the_filters_at_random_find_something_and_leave_something_out() -> None:
    found = []
    for seed in range(12):
        chance = random.Random(seed)
        rows, wanted = logs(chance, 70), a_filter(chance)
        found.append((len(events_of(wanted, rows)), len(events_of(EventFilter(window=WINDOW), rows))))
    assert sum(0 < some < all_ for some, all_ in found) >= 6


@pytest.mark.parametrize("seed", range(3))
def test_who_did_it_is_as_by_hand(seed: int) -> None:
    rows = logs(random.Random(seed), 70)
    events = events_of(of(), rows)
    found = actors_of(as_sent(workspace_of(rows).run(actors_asked(of()))))
    counted: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for (event, _), *_ in events:
        counted[event.username, event.impersonated] += 1
        failed[event.username, event.impersonated] += is_failure(event)
    assert {(a.user, a.impersonated): a.count for a in found.rows} == counted
    assert {(a.user, a.impersonated): a.failed for a in found.rows} == failed
    assert (found.users, found.events) == (len(counted), len(events))
    assert list(found.rows) == sorted(found.rows, key=lambda a: (a.kind, -a.last.timestamp()))
    for actor in found.rows:
        mine = [
            e for (e, _), *_ in events if (e.username, e.impersonated) == (actor.user, actor.impersonated)
        ]
        objects = {(e.api_group, e.resource, e.namespace, e.name) for e in mine if e.resource}
        assert actor.objects == len(objects)
        done = [e for e in mine if not is_failure(e)]
        assert (actor.done is None) == (not done)
        if actor.done and not actor.failed:
            assert actor.done == actor.last
        told = done or mine
        assert any((e.verb, e.resource, e.name) == (actor.verb, actor.resource, actor.name) for e in told)


@pytest.mark.parametrize("seed", range(3))
def test_activity_is_as_by_hand_without_a_gap(seed: int) -> None:
    rows = logs(random.Random(seed), 70)
    workspace, events = workspace_of(rows), events_of(of(), rows)
    asked = activity_asked(of(), MINUTE)
    found = activity_of(
        *(as_sent(workspace.run(kql)) for kql in (asked.buckets, asked.actors, asked.objects)),
        window=WINDOW,
        step=MINUTE,
    )
    assert [bucket.start.minute for bucket in found.buckets] == [32, 33, 34, 35, 36, 37]
    by_hand = Counter((generated(e).minute, e[0][0].actor) for e in events)
    for bucket in found.buckets:
        minute = bucket.start.minute
        assert bucket.people == by_hand[minute, ActorKind.PERSON]
        assert bucket.workloads == by_hand[minute, ActorKind.WORKLOAD]
        assert bucket.platform == by_hand[minute, ActorKind.PLATFORM]
    users = Counter(e.username for (e, _), *_ in events)
    assert all(users[actor.what] == actor.count for actor in found.actors)
    objects = Counter(
        f"{e.resource} {'/'.join(filter(None, (e.namespace, e.name)))}" for (e, _), *_ in events if e.resource
    )
    assert {each.what: each.count for each in found.objects} == objects
    for busy in (found.actors, found.objects):
        assert list(busy) == sorted(busy, key=lambda each: (each.kind is ActorKind.PLATFORM, -each.count))


def test_of_many_users_people_are_told_of_first_and_all_are_counted() -> None:
    users = [f"system:node:{n}" for n in range(MAX_ACTORS)] + ["alice@contoso.com", "bob@contoso.com"]
    event = an_event(random.Random(1), "a", START)
    event.pop("impersonatedUser", None)
    rows = [
        ("AKSAudit", typed_row(event | {"auditID": str(n), "user": {"username": user}}, START))
        for n, user in enumerate(users)
    ]
    found = actors_of(as_sent(workspace_of(rows).run(actors_asked(of(), tables=["AKSAudit"]))))
    assert (len(found.rows), found.users, found.events) == (MAX_ACTORS, MAX_ACTORS + 2, MAX_ACTORS + 2)
    assert [actor.user for actor in found.rows[:2]] == ["alice@contoso.com", "bob@contoso.com"]


# --- both shapes alike -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both_shapes() -> LogWorkspace:
    """The same 60 events in AzureDiagnostics and in AKSAudit, whole, and by nobody in another's name."""
    chance = random.Random(8)
    workspace = LogWorkspace()
    for n in range(60):
        event = an_event(chance, f"id-{n}", START)
        event.pop("impersonatedUser", None)
        workspace.add("AzureDiagnostics", [log_row(event, START)])
        workspace.add("AKSAudit", [typed_row(event, START)])
    return workspace


@pytest.mark.parametrize("term", [term for term in TERMS if term != "impersonatedUser"])
def test_a_term_is_found_in_either_shape_of_the_same_events(term: str, both_shapes: LogWorkspace) -> None:
    log, typed = (count(both_shapes, of(term=term), [table]) for table in ("AzureDiagnostics", "AKSAudit"))
    assert log == typed
    assert bool(log) == (term not in {"nothing-of-it", "corednss"})


@pytest.mark.parametrize("seed", range(6))
def test_fields_say_the_same_in_either_shape(seed: int, both_shapes: LogWorkspace) -> None:
    wanted = replace(a_filter(random.Random(100 + seed)), clusters=())
    log, typed = (count(both_shapes, wanted, [table]) for table in ("AzureDiagnostics", "AKSAudit"))
    assert log == typed, wanted.what


# --- what is refused, and how it reads -------------------------------------------------------------


@pytest.mark.parametrize("step", [timedelta(0), -MINUTE, timedelta(minutes=7), timedelta(days=2), MINUTE / 7])
def test_a_step_that_does_not_divide_a_day_is_a_mistake_of_the_caller(step: timedelta) -> None:
    with pytest.raises(ValueError, match="step"):
        activity_asked(of(), step)


def test_too_many_steps_are_a_mistake_of_the_caller() -> None:
    week = replace(of(), window=replace(WINDOW, end=START + timedelta(days=7)))
    with pytest.raises(ValueError, match="at most"):
        activity_asked(week, MINUTE)


@pytest.mark.parametrize("field", ["term", "namespace", "name", "user", "address", "client"])
def test_what_cannot_stand_in_a_query_is_refused_everywhere(field: str) -> None:
    for text in ("a\0b", "x" * 1025, "\ud800"):
        for build in (events_queries, actors_asked, alert_query):
            with pytest.raises(InvalidTerm):
                build(of(**{field: text}))


def events_queries(wanted: EventFilter) -> EventQueries:
    return events_asked(wanted, limit=5)


def test_what_can_be_asked_but_not_watched_is_refused_as_a_term() -> None:
    invisible = of(term="a\N{ZERO WIDTH SPACE}b")
    assert events_asked(invisible, limit=5).rows
    with pytest.raises(InvalidTerm, match="U\\+200B"):
        alert_query(invisible)


def test_an_alerts_query_has_no_window_and_passes_the_guard() -> None:
    for tables in SHAPES:
        kql = alert_query(EventFilter(window=WINDOW, what=FULL, clusters=("/a/b",)), tables=tables)
        assert guard(kql) == kql
        assert "TimeGenerated" not in kql
        assert kql.count("_ResourceId in~") == len(tables)


@pytest.mark.parametrize("tables", SHAPES, ids="+".join)
def test_the_official_parser_accepts_every_query_for_all_tables_or_one(
    tables: Sequence[str], parser: KustoParser
) -> None:
    for what in (FULL, Wanted()):
        wanted = EventFilter(window=WINDOW, what=what, clusters=("/a/b", "/c"))
        asked, activity = (
            events_asked(wanted, limit=5, tables=tables),
            activity_asked(wanted, MINUTE, tables=tables),
        )
        for kql in (
            *(asked.rows, asked.totals, asked.groups, activity.buckets, activity.actors, activity.objects),
            *(actors_asked(wanted, tables=tables), alert_query(wanted, tables=tables)),
        ):
            assert parser.judge(kql).errors == (), kql


def test_the_real_answer_is_found_by_what_is_in_it() -> None:
    answer = json.loads(shared_data("alerts/kubernetes-auditor/sample-log-query-result.json").read_bytes())
    rows = answer["body"]["value"]
    workspace = workspace_of([("AzureDiagnostics", row) for row in rows])
    assert count(workspace, of(term="coredns")) == len(rows)
    assert count(workspace, of(namespace="kube-system", resources=("configmaps", "daemonsets", "pods"))) > 0
    assert count(workspace, of(user="nobody-of-these")) == 0


#: What somebody may ask of the published events.
ASKED_OF_REAL = (
    Wanted(),
    Wanted(term="nginx", verbs=("create", "delete")),
    Wanted(user="admin", outcome=Outcome.SUCCEEDED),
    Wanted(resources=("secrets", "configmaps", "pods"), outcome=Outcome.FAILED),
    Wanted(namespace="kube-system", client="kubectl"),
)


@pytest.mark.parametrize("tables", SHAPES, ids="+".join)
def test_published_events_are_counted_as_by_hand_in_each_combination_of_tables(tables: Sequence[str]) -> None:
    lines = shared_data("audit/events.jsonl").read_text().splitlines()
    read = [json.loads(line)["event"] for line in lines]
    # A fixture of somebody's rule may have no more than the fields that it judges.
    events = [event for event in read if any(event.get(key) for key in ("auditID", "verb", "requestURI"))]
    rows = [(table, _published(event, table)) for event in events for table in tables]
    workspace = workspace_of(rows)
    for what in ASKED_OF_REAL[: 5 if len(tables) == 1 else 2]:
        wanted = EventFilter(window=WINDOW, what=what)
        by_hand = [event for event, *_ in events_of(wanted, rows)]
        (totals,) = workspace.run(events_asked(wanted, limit=5, tables=tables).totals)
        assert totals[Totals.EVENTS] == len(by_hand) > 0
        found = actors_of(as_sent(workspace.run(actors_asked(wanted, tables=tables))))
        counted = Counter((event.username, event.impersonated) for event, _ in by_hand)
        assert found.events == counted.total()
        assert {(a.user, a.impersonated): a.count for a in found.rows} == dict(counted)


def _published(event: dict[str, Any], table: str) -> dict[str, Any]:
    """Return a row of today, whatever year the event is of."""
    if table == TABLES[0]:
        return log_row(event, START)
    whole = dict.fromkeys(("auditID", "stage", "level", "verb", "requestURI", "userAgent"), "") | {
        "user": None,
        "sourceIPs": None,
        "annotations": None,
        "requestReceivedTimestamp": None,
        "stageTimestamp": None,
    }
    return typed_row(whole | event, START, table=table)

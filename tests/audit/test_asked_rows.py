from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.actor import ActorKind
from audit.asked import Activity, Actors, ActorSeen, Billed, Bucket, ClusterSeen, Cost, Counted
from audit.asked_rows import (
    activity_of,
    activity_together,
    actors_of,
    actors_together,
    clusters_of,
    cost_of,
    cost_together,
    listed_of,
    reach_of,
)
from audit.counted import NotCounted
from audit.filter import Window
from audit.kql_answers import MAX_ACTORS, MAX_BUSIEST
from audit.kql_columns import ActorsSeen, Billing, Busiest, ClustersSeen, Steps
from tests.audit.audit_rows import log_row

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WINDOW = Window(start=START, end=START + timedelta(minutes=5))
AT = "2026-03-04T09:33:00.0000000Z"
DIGEST = "0123456789abcdef" * 4

ACTOR: dict[str, Any] = {
    "User": "alice",
    "Impersonated": "",
    "Kind": 0,
    "Count": 3,
    "Failed": 1,
    "First": AT,
    "Last": AT,
    "Done": AT,
    "Objects": 2,
    "Verb": "get",
    "Resource": "pods",
    "Subresource": "",
    "Namespace": "shop",
    "Name": "web",
    "Users": 9,
    "Events": 40,
}
STEP: dict[str, Any] = {"Start": AT, "Kind": 1, "Count": 2}
BUSY: dict[str, Any] = {
    "User": "alice",
    "Resource": "pods",
    "Namespace": "shop",
    "Name": "web",
    "Kind": 0,
    "Count": 4,
}
SEEN: dict[str, Any] = {
    "Cluster": "/S/Prod",
    "Table": "AKSAudit",
    "Category": "",
    "Rows": 3,
    "First": AT,
    "Last": AT,
}
BILL: dict[str, Any] = {
    "Table": "AKSAudit",
    "Category": "x",
    "User": "alice",
    "Rows": 3,
    "Bytes": 2e9,
    "Megabytes": 500,
}
EVENT = log_row('{"auditID":"a","verb":"get"}', START) | {"Digest": DIGEST}


def activity(rows: list[dict[str, Any]]) -> Activity:
    return activity_of(rows, rows, rows, window=WINDOW, step=MINUTE)


READERS: dict[str, tuple[Callable[[list[dict[str, Any]]], object], dict[str, Any]]] = {
    "actors": (actors_of, ACTOR),
    "activity": (activity, STEP | BUSY),
    "listed": (listed_of, EVENT),
    "clusters": (lambda rows: clusters_of(rows, "w"), SEEN),
    "cost": (lambda rows: cost_of(rows, rows, rows), BILL),
    "reach": (reach_of, {"First": AT}),
}
#: What an answer may hold instead: JSON of any kind.
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from((AT, DIGEST)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_a_reader_takes_any_answer_and_says_when_it_is_not_what_was_asked(
    name: str, data: st.DataObject
) -> None:
    read, good = READERS[name]
    assert read([good]) is not None
    changes = data.draw(st.dictionaries(st.sampled_from([*good]), ANYTHING, max_size=3))
    left_out = data.draw(st.sets(st.sampled_from([*good]), max_size=2))
    row = {key: value for key, value in (good | changes).items() if key not in left_out}
    with contextlib.suppress(NotCounted):
        read([good, row])
    with contextlib.suppress(NotCounted):
        read([row])


#: Reader -> column -> what cannot stand there.
WRONG: dict[str, dict[str, tuple[object, ...]]] = {
    "actors": {
        **dict.fromkeys(("Count", "Failed", "Objects"), (None, -1, 1.5, "3", True)),
        **dict.fromkeys(("First", "Last"), (None, "", "now", 5)),
        "Kind": (3, -1, None),
        "Users": (None,),
        "Events": (None,),
    },
    "activity": {"Start": (None, "2026-03-04T09:31:00Z", "2026-03-04T09:33:01Z")},
    "listed": {"Digest": (None, "", DIGEST.upper(), DIGEST[1:], DIGEST + "\n", 5), "log_s": ("", "x", "{}")},
    "clusters": {"Rows": (None, "1")},
    "cost": {"Bytes": ("x", -1.0, True, "NaN", [])},
    "reach": {"First": ("x", 5)},
}


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        (name, column, value)
        for name, columns in WRONG.items()
        for column, values in columns.items()
        for value in values
    ],
)
def test_what_is_no_count_no_time_and_no_digest_is_not_taken_for_one(
    name: str, column: str, value: object
) -> None:
    read, good = READERS[name]
    with pytest.raises(NotCounted):
        read([good | {column: value}])


def test_actors_are_read_with_how_many_there_are_in_all() -> None:
    found = actors_of([ACTOR])
    (actor,) = found.rows
    assert (actor.user, actor.kind, actor.count, actor.failed, actor.objects) == (
        "alice",
        ActorKind.PERSON,
        3,
        1,
        2,
    )
    assert (found.users, found.events) == (9, 40)
    assert actors_of([]) == Actors()
    assert actors_of([ACTOR | {"Users": 0}]).users == 1


def test_long_text_is_shortened() -> None:
    assert len(actors_of([ACTOR | {"User": "x" * 100_000}]).rows[0].user) < 1000


def test_steps_without_events_are_zeros_from_the_step_of_the_start_to_that_of_the_end() -> None:
    found = activity_of([STEP, STEP | {"Kind": 0, "Count": 1}], [BUSY], [BUSY], window=WINDOW, step=MINUTE)
    assert [bucket.start.minute for bucket in found.buckets] == [32, 33, 34, 35, 36, 37]
    assert found.buckets[0] == Bucket(start=START.replace(second=0))
    assert (found.buckets[1].people, found.buckets[1].workloads, found.buckets[1].platform) == (1, 2, 0)
    assert found.actors == (Counted(what="alice", kind=ActorKind.PERSON, count=4),)
    assert found.objects == (Counted(what="pods shop/web", kind=ActorKind.PERSON, count=4),)
    whole = activity_of([], [], [], window=Window(start=START, end=START), step=timedelta(days=1))
    assert [bucket.start for bucket in whole.buckets] == [START.replace(hour=0, minute=0, second=0)]


@pytest.mark.parametrize("name", ["", "web"])
@pytest.mark.parametrize("namespace", ["", "shop"])
def test_an_object_is_written_with_what_it_has(namespace: str, name: str) -> None:
    found = activity_of([], [], [BUSY | {"Namespace": namespace, "Name": name}], window=WINDOW, step=MINUTE)
    assert found.objects[0].what == {"": "pods", "shop": "pods shop"}[namespace] + (
        ("/web" if namespace else " web") if name else ""
    )


@pytest.mark.parametrize("step", [timedelta(0), timedelta(minutes=7), timedelta(milliseconds=1), -MINUTE])
def test_a_step_that_nobody_asks_in_is_a_mistake_of_the_caller(step: timedelta) -> None:
    with pytest.raises(ValueError, match="step"):
        activity_of([], [], [], window=WINDOW, step=step)


def test_clusters_are_put_together_by_id_in_any_case() -> None:
    rows = [
        SEEN,
        SEEN | {"Cluster": "/s/prod", "Table": "AzureDiagnostics", "Category": "guard"},
        SEEN | {"Cluster": ""},
    ]
    moment = datetime(2026, 3, 4, 9, 33, tzinfo=UTC)
    assert clusters_of(rows, "w") == (
        ClusterSeen(
            id="/s/prod",
            name="prod",
            workspace="w",
            rows=6,
            first=moment,
            last=moment,
            logged=("AKSAudit", "AzureDiagnostics guard"),
        ),
    )


def test_a_cost_is_in_gigabytes_of_a_thousand_megabytes() -> None:
    found = cost_of([BILL], [BILL, BILL | {"Bytes": 3e9}], [BILL | {"Bytes": None}])
    assert found.tables == (Billed(what="AKSAudit", gigabytes=0.5),)
    assert [each.gigabytes for each in found.categories] == [3.0, 2.0]
    assert found.actors == (Billed(what="alice", gigabytes=0.0, rows=3),)


def test_no_reach_is_none() -> None:
    assert reach_of([]) is reach_of([{"First": None}]) is reach_of([{"First": ""}]) is None


def test_every_column_that_is_read_is_one_that_is_asked_for() -> None:
    assert set(ACTOR) == set(ActorsSeen)
    assert set(STEP) == set(Steps)
    assert set(BUSY) == set(Busiest)
    assert set(SEEN) == set(ClustersSeen)
    assert set(Billing) < set(BILL)


# --- several workspaces ----------------------------------------------------------------------------


def actor(user: str, hours: int = 0, kind: ActorKind = ActorKind.PERSON, **more: Any) -> ActorSeen:
    at = START + hours * HOUR
    values: dict[str, Any] = {
        "count": 2,
        "failed": 1,
        "first": at,
        "last": at,
        "objects": 1,
        "name": f"at-{hours}",
    }
    return ActorSeen(user=user, kind=kind, **(values | more))


def test_one_user_of_two_workspaces_is_one() -> None:
    one = Actors(rows=(actor("alice", 1), actor("node", 9, ActorKind.PLATFORM)), users=2, events=4)
    other = Actors(rows=(actor("bob", 3), actor("alice", 2)), users=5, events=20)
    found = actors_together([one, other])
    assert [each.user for each in found.rows] == ["bob", "alice", "node"]
    alice = found.rows[1]
    assert (alice.count, alice.failed, alice.objects, alice.name) == (4, 2, 2, "at-2")
    assert (alice.first, alice.last) == (START + HOUR, START + 2 * HOUR)
    assert (found.users, found.events) == (6, 24)
    assert actors_together([]) == Actors()


def test_no_more_users_are_told_of_than_of_one_workspace() -> None:
    parts = [
        Actors(rows=tuple(actor(f"{n}-{m}") for m in range(MAX_ACTORS)), users=MAX_ACTORS) for n in range(2)
    ]
    found = actors_together(parts)
    assert (len(found.rows), found.users) == (MAX_ACTORS, 2 * MAX_ACTORS)


def test_activity_of_two_workspaces_is_added_up_step_by_step() -> None:
    counted = tuple(Counted(what=str(n), kind=ActorKind.PERSON, count=9 - n) for n in range(MAX_BUSIEST))
    buckets = (Bucket(start=START, people=1, platform=2), Bucket(start=START + MINUTE))
    one = Activity(step=MINUTE, buckets=buckets, actors=counted)
    busy = (Counted(what="node", kind=ActorKind.PLATFORM, count=99), Counted(what="7", kind=None, count=50))
    other = Activity(step=MINUTE, buckets=buckets, actors=busy, objects=busy)
    found = activity_together([one, other])
    assert found.buckets == (Bucket(start=START, people=2, platform=4), Bucket(start=START + MINUTE))
    assert [(each.what, each.count) for each in found.actors][:2] == [("7", 52), ("0", 9)]
    assert len(found.actors) == MAX_BUSIEST
    assert [each.what for each in found.objects] == ["7", "node"]
    assert activity_together([one]) == one


def test_activity_in_different_steps_is_a_mistake_of_the_caller() -> None:
    for parts in ([], [Activity(step=MINUTE), Activity(step=HOUR)]):
        with pytest.raises(ValueError, match="step"):
            activity_together(parts)


def test_the_cost_of_two_workspaces_is_added_up_by_name() -> None:
    one = Cost(tables=(Billed(what="a", gigabytes=1.0),), actors=(Billed(what="x", gigabytes=1.0, rows=2),))
    other = Cost(
        tables=(Billed(what="b", gigabytes=3.0), Billed(what="a", gigabytes=1.0)),
        actors=(Billed(what="x", gigabytes=1.0, rows=3),),
    )
    found = cost_together([one, other])
    assert found.tables == (Billed(what="b", gigabytes=3.0), Billed(what="a", gigabytes=2.0))
    assert found.actors == (Billed(what="x", gigabytes=2.0, rows=5),)

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.actor import ActorKind, classify
from audit.distinct import distinct
from audit.event import AuditEvent
from audit.evidence import Change, ChangeKind, Finding, Severity
from audit.grouping import FIELD_LENGTH, count_by_actor, group, shortened

AT = datetime(2026, 3, 4, 9, 35, 2, tzinfo=UTC)
ALICE = "alice@contoso.com"
PLATFORM = "aksService"
WORKLOAD = "system:serviceaccount:payments:deployer"


def an_event(at: float = 0, **changes: Any) -> AuditEvent:
    """An event so many seconds after AT."""
    user = changes.get("username", ALICE)
    moment = AT + timedelta(seconds=at)
    fields: dict[str, Any] = {
        "audit_id": f"id-{at}",
        "stage": "ResponseComplete",
        "time": moment,
        "generated": moment,
        "level": "Metadata",
        "verb": "patch",
        "uri": "/api/v1/namespaces/kube-system/configmaps/coredns-custom",
        "username": user,
        "impersonated": "",
        "actor": classify(user, changes.get("impersonated", "")),
        "group_count": 1,
        "source_ips": ("20.1.2.3",),
        "user_agent": "kubectl/v1.31.1",
        "resource": "configmaps",
        "subresource": "",
        "namespace": "kube-system",
        "name": "coredns-custom",
        "api_group": "",
        "code": 200,
        "reason": "",
        "decision": "allow",
        "cluster_id": "",
        "pod": "",
        "raw": {},
    }
    return AuditEvent(**(fields | changes))


def test_people_come_first_then_workloads_then_the_platform_whatever_the_time() -> None:
    events = [an_event(1, username=PLATFORM), an_event(2, username=WORKLOAD), an_event(3)]
    assert [g.user for g in group(events)] == [ALICE, WORKLOAD, PLATFORM]


def test_what_changes_something_comes_before_what_only_reads() -> None:
    shell = an_event(3, verb="get", resource="pods", subresource="exec")
    events = [an_event(1, verb="get"), an_event(2, verb="list"), shell, an_event(4)]
    assert [(g.verb, g.resource) for g in group(events)] == [
        ("get", "pods/exec"),
        ("patch", "configmaps"),
        ("get", "configmaps"),
        ("list", "configmaps"),
    ]


def test_groups_of_one_kind_and_the_events_of_a_group_are_in_the_order_of_time() -> None:
    events = [an_event(9), an_event(5, verb="delete"), an_event(3), an_event(7, verb="delete")]
    groups = group(events)
    assert [(g.verb, g.count) for g in groups] == [("patch", 2), ("delete", 2)]
    assert [line.audit_id for g in groups for line in g.events] == ["id-3", "id-9", "id-5", "id-7"]
    assert (groups[0].first, groups[0].last) == (AT + timedelta(seconds=3), AT + timedelta(seconds=9))


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "bob@contoso.com"},
        {"impersonated": "system:admin"},
        {"verb": "delete"},
        {"resource": "secrets"},
        {"subresource": "status"},
        {"namespace": "payments"},
        {"name": "coredns"},
        {"api_group": "example.com"},
        {"code": 403},
        {"reason": "Forbidden"},
        {"decision": "forbid"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_differs_in_more_than_its_time_is_a_group_of_its_own(changes: dict[str, Any]) -> None:
    assert len(group([an_event(), an_event(1, **changes)])) == 2


def test_what_differs_in_time_path_and_claimed_address_is_one_group_that_names_each_address() -> None:
    events = [
        an_event(
            n, uri=f"/x?n={n}", source_ips=(f"10.0.0.{n % 7}", "20.1.2.3"), user_agent=f"kubectl/v1.31.{n}"
        )
        for n in range(20)
    ]
    (only,) = group(events)
    assert only.count == 20
    assert only.source_ips == ("10.0.0.0", "20.1.2.3", "10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert only.user_agent == "kubectl/v1.31.0"
    assert len(only.events) == 20


def test_requests_that_name_no_object_are_told_apart_by_their_path() -> None:
    nothing = {"resource": "", "namespace": "", "name": ""}
    groups = group([an_event(0, uri="/metrics", **nothing), an_event(1, uri="/healthz", **nothing)])
    assert [g.uri for g in groups] == ["/metrics", "/healthz"]
    assert group([an_event()])[0].uri == ""


def test_a_subresource_stands_beside_its_resource() -> None:
    assert group([an_event(resource="pods", subresource="exec")])[0].resource == "pods/exec"


def test_secrets_in_a_path_stay_behind() -> None:
    uri = "/api/v1/namespaces/a/pods/b/exec?command=mysql&command=--password%3Dhunter2hunter2"
    (by_object,) = group([an_event(resource="pods", subresource="exec", uri=uri)])
    (by_path,) = group([an_event(resource="", uri=uri)])
    assert "hunter2" not in repr((by_object, by_path))
    assert "/pods/b/exec" in by_path.uri


def test_hostile_long_fields_are_cut_and_say_so() -> None:
    long = "x" * 100_000
    fields = (
        "audit_id",
        "username",
        "impersonated",
        "verb",
        "uri",
        "resource",
        "namespace",
        "name",
        "reason",
    )
    changes: dict[str, Any] = dict.fromkeys(fields, long)
    (only,) = group([an_event(user_agent=long, decision=long, source_ips=(long,) * 20, **changes)])
    (by_path,) = group([an_event(**(changes | {"resource": ""}))])
    assert len(repr((only, by_path))) < 2 * 20 * FIELD_LENGTH
    assert only.user == shortened(long) == "x" * (FIELD_LENGTH - 1) + "…"
    assert shortened("x" * FIELD_LENGTH) == "x" * FIELD_LENGTH


def test_events_are_counted_by_who_is_behind_them() -> None:
    events = [an_event(), an_event(1), an_event(2, username=WORKLOAD)]
    assert [count_by_actor(events, kind) for kind in ActorKind] == [2, 1, 0]


@pytest.mark.parametrize("alike", [True, False], ids=["one group", "a group each"])
def test_ten_thousand_events_take_about_ten_times_as_long_as_a_thousand(alike: bool) -> None:
    def seconds(count: int) -> float:
        events = [an_event(n, name="x" if alike else f"x-{n}") for n in range(count)]
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            group(distinct(events))
            best = min(best, time.perf_counter() - started)
        return best

    # Quadratic work would take a hundred times as long.
    assert seconds(10_000) < 40 * seconds(1_000)


def test_nothing_is_a_group_of_nothing() -> None:
    assert group([]) == ()


def test_what_several_events_of_a_group_changed_is_told_one_after_the_other() -> None:
    events = [an_event(1), an_event(2), an_event(3)]
    changes = [
        Change(kind=ChangeKind.MERGE_PATCH, lines=("+ a",), added=1, compared=True),
        Change(why_not="the body was cut"),
        Change(kind=ChangeKind.MERGE_PATCH, lines=("- a", "+ b"), added=1, removed=1, more=4),
    ]
    (one,) = group(events, changes=changes)
    assert one.change == Change(
        kind=ChangeKind.MERGE_PATCH,
        lines=("+ a", "- a", "+ b"),
        added=2,
        removed=1,
        more=4,
        why_not="the body was cut",
    )


def test_a_group_of_which_no_change_is_known_says_why() -> None:
    (one,) = group([an_event(1)], changes=[Change(why_not="the body was cut")])
    assert one.change == Change(why_not="the body was cut")
    assert group([an_event(1)])[0].change is None


def test_the_riskiest_comes_first_and_each_rule_once() -> None:
    low = Finding(rule="low", title="Low", severity=Severity.LOW)
    high = Finding(rule="high", title="High", severity=Severity.HIGH)
    events = [an_event(1), an_event(2, username=PLATFORM), an_event(3)]
    groups = group(events, [(low,), (high,), (low,)])
    assert [g.findings for g in groups] == [(high,), (low,)]
    assert [g.user for g in groups] == [PLATFORM, ALICE]


def test_of_many_events_fifty_are_kept_and_all_are_counted() -> None:
    (one,) = group([an_event(n) for n in range(80)])
    assert (one.count, len(one.events), one.last) == (80, 50, AT + timedelta(seconds=79))


@pytest.mark.parametrize(
    "changes",
    [
        {"source_ips": ("20.1.2.3", "198.51.100.7")},
        {"user_agent": "curl/8.5.0"},
        {"cluster_id": "/subscriptions/s/resourceGroups/r/providers/x/managedClusters/test"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_one_name_from_two_places_is_two_groups(changes: dict[str, Any]) -> None:
    groups = group([an_event(1), an_event(2, **changes)])
    assert [g.count for g in groups] == [1, 1]


def test_what_the_client_claims_of_its_addresses_splits_nothing() -> None:
    (one,) = group([an_event(1), an_event(2, source_ips=("10.9.9.9", "20.1.2.3"))])
    assert (one.address, one.source_ips) == ("20.1.2.3", ("20.1.2.3", "10.9.9.9"))


def test_the_cluster_is_named_where_there_are_several() -> None:
    place = "/subscriptions/s/resourceGroups/r/providers/x/managedClusters/"
    events = [an_event(1, cluster_id=f"{place}prod"), an_event(2, cluster_id=f"{place}TEST")]
    assert [g.cluster for g in group(events)] == ["prod", "TEST"]
    assert group(events[:1])[0].cluster == ""

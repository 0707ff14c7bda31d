from __future__ import annotations

from dataclasses import replace
from typing import Any

from audit.event import AuditEvent
from audit.history import MOST_CHANGES, TOO_MANY, changes_of, object_of, wanted
from tests.audit.test_grouping import PLATFORM, an_event


def scaled(at: float, replicas: int, **changes: Any) -> AuditEvent:
    """A deployment that is replaced with so many replicas; its body is logged."""
    body = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": replicas},
    }
    event = an_event(
        at,
        **{
            "verb": "update",
            "api_group": "apps",
            "resource": "deployments",
            "namespace": "shop",
            "name": "web",
            "uri": "/apis/apps/v1/namespaces/shop/deployments/web",
            "level": "RequestResponse",
            **changes,
        },
    )
    raw = {
        "verb": event.verb,
        "level": event.level,
        "requestObject": body,
        "responseObject": body,
        "responseStatus": {"code": event.code},
        "objectRef": {"resource": "deployments", "apiGroup": "apps", "namespace": "shop", "name": event.name},
    }
    return replace(event, raw=raw)


def test_an_event_is_compared_with_the_state_before_the_window() -> None:
    (change,) = changes_of([scaled(5, 0)], [scaled(-3600, 3)])
    assert change
    assert change.compared
    assert any("3" in line and "0" in line for line in change.lines)


def test_within_the_window_each_event_is_compared_with_the_one_before_it() -> None:
    events = [scaled(9, 5), scaled(5, 0)]
    later, earlier = changes_of(events, [scaled(-3600, 3)])
    assert later
    assert earlier
    assert any("0" in line and "5" in line for line in later.lines)
    assert any("3" in line and "0" in line for line in earlier.lines)


def test_a_refused_write_is_no_state() -> None:
    refused = scaled(5, 99, code=403)
    _, change = changes_of([refused, scaled(9, 4)], [scaled(-3600, 3)])
    assert change
    assert not any("99" in line for line in change.lines)


def test_another_clusters_object_of_the_same_name_is_another() -> None:
    elsewhere = scaled(-3600, 3, cluster_id="/subscriptions/s/managedClusters/other")
    assert object_of(elsewhere) != object_of(scaled(5, 0))
    (change,) = changes_of([scaled(5, 0)], [elsewhere])
    assert change
    assert not any("3" in line for line in change.lines)


def test_one_cluster_is_the_same_in_any_case() -> None:
    upper = scaled(-1, 3, cluster_id="/SUBSCRIPTIONS/S/managedClusters/PROD")
    assert object_of(upper) == object_of(replace(upper, cluster_id=upper.cluster_id.lower()))


def test_reads_change_nothing_and_each_object_is_wanted_once() -> None:
    reads = [an_event(1, verb="get"), an_event(2, verb="list")]
    assert changes_of(reads, []) == [None, None]
    assert wanted(reads, 10) == []
    assert wanted([scaled(1, 2), scaled(2, 3)], 10) == [object_of(scaled(1, 2))]
    assert len(wanted([scaled(n, 1, name=f"web-{n}") for n in range(30)], 10)) == 10


def test_the_work_is_bounded_and_people_come_first() -> None:
    events = [scaled(n, n, username=PLATFORM) for n in range(MOST_CHANGES + 50)]
    mine = scaled(10_000, 7)
    changes = changes_of([*events, mine], [])
    assert changes[-1] not in {None, TOO_MANY}
    assert sum(change == TOO_MANY for change in changes) == 51


def test_an_id_that_a_client_chose_gives_nobody_anothers_change() -> None:
    mine, anothers = scaled(1, 1, audit_id="chosen"), scaled(2, 0, audit_id="chosen", username="mallory")
    first, second = changes_of([mine, anothers], [scaled(-3600, 3)])
    assert first != second


def test_a_request_based_on_a_state_that_nobody_logged_is_not_compared_with_an_older_one() -> None:
    before, change = scaled(-3600, 3), scaled(5, 0)
    before.raw["responseObject"]["metadata"]["resourceVersion"] = "100"
    change.raw["requestObject"]["metadata"]["resourceVersion"] = "107"
    (told,) = changes_of([change], [before])
    assert told
    assert not any("3" in line for line in told.lines)


def test_a_write_whose_object_is_not_logged_makes_the_state_unknown() -> None:
    unseen = replace(scaled(3, 9), raw={}, level="Metadata")
    _, told = changes_of([unseen, scaled(5, 0)], [scaled(-3600, 3)])
    assert told
    assert not any("3" in line for line in told.lines)


def test_a_refused_write_makes_nobody_ask_for_the_state_before() -> None:
    assert wanted([scaled(1, 2, code=403)], 10) == []
    crowd = [scaled(n, 1, name=f"web-{n}", username=PLATFORM) for n in range(30)]
    assert object_of(scaled(99, 1, name="mine")) in wanted([*crowd, scaled(99, 1, name="mine")], 10)

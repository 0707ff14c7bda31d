"""Bursts, and one thing soon after another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from audit.event import AuditEvent
from audit.evidence import Severity
from audit.rules import judge
from tests.audit.rules.requests import PERSON, WORKLOAD, as_user, event


def over_all(*events: AuditEvent) -> set[str]:
    return {finding.rule for finding in judge(events).over_all}


def later(one: AuditEvent, seconds: float) -> AuditEvent:
    return replace(one, time=one.time + timedelta(seconds=seconds))


def reads(count: int, apart: float, **fields: object) -> list[AuditEvent]:
    return [later(event("get", f"shop:secrets:s{at}", **fields), at * apart) for at in range(count)]


def test_fifteen_different_secrets_in_half_an_hour_are_a_sweep() -> None:
    assert over_all(*reads(15, 120)) == {"secret-sweep"}
    assert over_all(*reversed(reads(15, 120))) == {"secret-sweep"}
    assert over_all(*reads(14, 1)) == set()
    assert over_all(*reads(15, 130)) == set()


def test_one_secret_read_again_and_again_is_no_sweep() -> None:
    assert over_all(*[later(event("get", "shop:secrets:db"), at) for at in range(50)]) == set()


def test_one_list_of_all_namespaces_is_a_sweep_by_a_person_and_not_by_an_operator() -> None:
    assert over_all(event("list", "secrets")) == {"secret-sweep"}
    assert over_all(event("list", "secrets", **as_user(WORKLOAD))) == set()
    assert over_all(event("list", "shop:secrets")) == set()


def test_two_actors_are_not_added_up() -> None:
    assert over_all(*reads(8, 1), *reads(8, 1, **as_user("kim"))) == set()


def test_the_platform_may_read_as_many_as_it_likes() -> None:
    assert over_all(*reads(100, 1, **as_user("system:node:aks-1"))) == set()


def test_a_sweep_of_refusals_says_so_and_matters_less() -> None:
    refused = reads(15, 1, responseStatus={"code": 403})

    found = {finding.rule: finding for finding in judge(refused).over_all}

    assert found["secret-sweep"].refused
    assert found["secret-sweep"].severity is Severity.MEDIUM
    assert "refusal-burst" in found


def test_rights_and_then_a_workload_by_the_same_actor_within_five_minutes() -> None:
    rights, workload = event("create", ":clusterrolebindings:b"), event("create", "shop:deployments:web")

    assert over_all(rights, later(workload, 300)) == {"rights-then-workload"}
    assert over_all(rights, later(workload, 301)) == set()
    assert over_all(workload, later(rights, 10)) == set()
    assert over_all(rights, later(event("create", "shop:deployments:web", **as_user("kim")), 10)) == set()
    assert over_all(replace(rights, code=403), later(workload, 10)) == set()


def test_ten_refusals_to_one_client_are_a_burst() -> None:
    refused = [event("list", "nodes", responseStatus={"code": 403}) for _ in range(10)]

    assert over_all(*[later(one, at) for at, one in enumerate(refused)]) == {"refusal-burst"}
    assert over_all(*[later(one, at) for at, one in enumerate(refused[:9])]) == set()
    # The same request, told at two stages or in two tables, is one.
    assert over_all(*refused) == set()


def test_many_requests_without_a_name_are_a_scan() -> None:
    scan = [event("get", "", requestURI=f"/{at}", **as_user("system:anonymous")) for at in range(20)]

    assert over_all(*scan) == {"anonymous-scan"}
    assert over_all(*scan[:19]) == set()


def test_many_kinds_in_a_minute_are_reconnaissance() -> None:
    kinds = ["pods", "nodes", "namespaces", "secrets:", "roles", "services", "configmaps"]
    looks = [later(event("list", f"shop:{kind}"), at) for at, kind in enumerate(kinds)]

    assert over_all(*looks) == {"reconnaissance"}
    assert over_all(*[later(one, at * 60) for at, one in enumerate(looks)]) == set()


def test_ten_deleted_objects_in_five_minutes_are_a_mass_delete() -> None:
    deletes = [later(event("delete", f"shop:configmaps:c{at}"), at * 30) for at in range(10)]

    assert over_all(*deletes) == {"mass-delete"}
    assert over_all(*deletes[:9]) == set()


def test_a_workload_at_it_matters_less() -> None:
    deletes = [later(event("delete", f"shop:pods:p{at}", **as_user(WORKLOAD)), at) for at in range(12)]
    sweep = reads(16, 1, **as_user(WORKLOAD))
    hidden = reads(16, 1, **as_user("system:serviceaccount:kube-system:default"))

    assert [found.severity for found in judge(deletes).over_all] == [Severity.LOW]
    assert [found.severity for found in judge(sweep).over_all] == [Severity.MEDIUM]
    assert [found.severity for found in judge(hidden).over_all] == [Severity.MEDIUM]


def test_kubectl_get_all_is_no_reconnaissance() -> None:
    kinds = [
        "pods",
        "services",
        "daemonsets",
        "deployments",
        "endpoints",
        "configmaps",
        "nodes",
        "namespaces",
    ]

    assert over_all(*[later(event("list", f"shop:{kind}"), at) for at, kind in enumerate(kinds)]) == set()
    assert over_all(
        *[later(event("list", f"shop:{kind}"), at) for at, kind in enumerate([*kinds, "secrets", "roles"])]
    ) == {"reconnaissance"}


def test_a_sequence_names_its_actor_and_counts_the_requests() -> None:
    (found,) = judge(reads(47, 1)).over_all

    assert (found.rule, found.by, found.times) == ("secret-sweep", PERSON, 47)


def test_each_actor_has_a_finding_and_past_ten_the_rest_is_one() -> None:
    events = [one for who in range(14) for one in reads(15 + who, 1, **as_user(f"user-{who}"))]

    found = judge(events).over_all

    assert [each.by for each in found] == [*(f"user-{who}" for who in range(13, 4, -1)), ""]
    assert sum(each.times for each in found) == len(events)


def test_a_hostile_name_is_short_and_one_request_at_two_stages_counts_once() -> None:
    name = "x" * 5000
    both = [replace(one, stage=stage) for one in deleted(name) for stage in ("", "ResponseComplete")]

    (found,) = judge(both).over_all

    assert len(found.by) == 256
    assert found.times == 10


def deleted(user: str) -> list[AuditEvent]:
    return [later(event("delete", f"shop:pods:p{at}", **as_user(user)), at) for at in range(10)]


def test_dry_runs_and_failures_are_no_deletions() -> None:
    dry = [replace(one, raw={**one.raw, "requestURI": "/x?dryRun=All"}) for one in deleted(PERSON)]

    assert over_all(*dry) == set()
    assert over_all(*[replace(one, code=500) for one in deleted(PERSON)]) == set()


def test_nothing_says_nothing() -> None:
    assert over_all() == set()

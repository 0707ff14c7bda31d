"""Bursts, and one thing soon after another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from audit.event import AuditEvent
from audit.evidence import Severity
from audit.rules import judge
from tests.audit.rules.requests import WORKLOAD, as_user, event


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


def test_nothing_says_nothing() -> None:
    assert over_all() == set()

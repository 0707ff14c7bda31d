"""What fires, for whom, how much it matters, and what stays silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.event import AuditEvent
from audit.evidence import Finding, Severity
from audit.rules.table_exec import IN_PODS
from tests.audit.rules.requests import (
    EXAMPLES,
    as_user,
    fired,
    parsed,
)

NODE = "system:node:aks-1"
#: What no part of the platform does as part of its work.
IN_CONTAINERS = {rule.id for rule in IN_PODS} - {"port-forward", "ephemeral-container"}
BINDS = {"bound-to-everybody", "cluster-admin-bound", "cluster-admin-in-name", "powerful-role-bound"}
BINDERS = {"aksService", "system:apiserver", "system:serviceaccount:kube-system:extension-operator"}


def by(user: str, one: AuditEvent) -> dict[str, Finding]:
    raw = {**one.raw, **as_user(user)}
    return fired(replace(one, username=user, raw=raw, source_ips=("10.0.0.4",), user_agent="addon/1"))


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
@pytest.mark.parametrize(
    "user",
    [
        "aksService",
        "system:apiserver",
        "system:kube-scheduler",
        "system:serviceaccount:kube-system:metrics-server",
        "system:serviceaccount:kube-system:namespace-controller",
        "system:serviceaccount:kube-system:extension-operator",
        "system:serviceaccount:calico-system:calico-node",
        "system:serviceaccount:gatekeeper-system:gatekeeper-admin",
        "system:serviceaccount:aks-istio-system:istiod-asm-1-24",
    ],
)
def test_the_platform_at_its_work_is_never_more_than_routine(rule: str, user: str) -> None:
    if EXAMPLES[rule].impersonated:
        return  # then it is not the platform's own doing
    loud = {rule for rule, found in by(user, EXAMPLES[rule]).items() if found.severity > Severity.ROUTINE}

    assert loud <= IN_CONTAINERS | (set() if user in BINDERS else BINDS)


@pytest.mark.parametrize("rule", sorted(IN_CONTAINERS))
@pytest.mark.parametrize(
    "user",
    [
        "aksService",
        NODE,
        "system:serviceaccount:kube-system:coredns",
        "system:serviceaccount:kube-system:replicaset-controller",
    ],
)
def test_nobody_of_the_platform_runs_commands_in_pods(rule: str, user: str) -> None:
    inside = parsed({**EXAMPLES[rule].raw, **as_user(user), "objectRef": {**_IN_SYSTEM, **_part(rule)}})

    assert by(user, EXAMPLES[rule])[rule].severity >= Severity.MEDIUM
    assert fired(inside)[rule].severity >= Severity.MEDIUM


_IN_SYSTEM = {"resource": "pods", "namespace": "kube-system", "name": "coredns-1"}


def _part(rule: str) -> dict[str, str]:
    return {"subresource": "attach" if rule == "attach-to-pod" else "exec"}


GRAVE = (
    "cluster-admin-bound",
    "bound-to-everybody",
    "secrets-listed-everywhere",
    "shell-in-pod",
    "privileged-container",
    "host-path-mounted",
)


@pytest.mark.parametrize("rule", GRAVE)
@pytest.mark.parametrize(
    "user",
    [
        "system:serviceaccount:kube-system:default",
        "system:serviceaccount:kube-system:evil-controller",
        "system:serviceaccount:calico-system:evil",
        "system:serviceaccount:gatekeeper-system:default",
        "system:serviceaccount:aks-istio-system:default",
        "system:kube-evil",
        NODE,
    ],
)
def test_who_only_looks_like_the_platform_is_found_at_what_is_grave(rule: str, user: str) -> None:
    assert by(user, EXAMPLES[rule])[rule].severity >= Severity.MEDIUM


def test_who_only_looks_like_the_platform_is_left_alone_with_the_rest() -> None:
    user = "system:serviceaccount:kube-system:addon"

    for rule in ("secret-read", "secrets-listed", "containers-changed", "job-created", "role-changed"):
        assert by(user, EXAMPLES[rule]) == {}

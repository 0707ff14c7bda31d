from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from audit import changes
from audit.changes import previous_body, wants_previous, what_changed
from audit.event import AuditEvent, parse_event
from audit.evidence import Change, ChangeKind
from tests.audit.change_events import IMAGE_ALONE, a_user, changed, deployment, whole
from tests.shared_data import shared_data

COREFILE = ".:53 {\n    errors\n    forward . /etc/resolv.conf\n    cache 30\n}\n"
TAMPERED = ".:53 {\n    errors\n    forward . 203.0.113.9\n    cache 30\n    log\n}\n"


def coredns(verb: str, body: Any, **more: Any) -> AuditEvent:
    return changed(verb, "configmaps", body, name="coredns", namespace="kube-system", **more)


def a_role(*rules: dict[str, Any]) -> dict[str, Any]:
    return whole("clusterroles", rules=list(rules))


def a_rule(verbs: str, resources: str, **more: Any) -> dict[str, Any]:
    return {"apiGroups": [""], "verbs": verbs.split(), "resources": resources.split(), **more}


def a_binding(*subjects: dict[str, Any]) -> dict[str, Any]:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    return whole("clusterrolebindings", roleRef=role, subjects=list(subjects))


def a_hook(client: dict[str, Any]) -> dict[str, Any]:
    hook = {"name": "inject.contoso.com", "clientConfig": client, "failurePolicy": "Ignore"}
    return whole("mutatingwebhookconfigurations", webhooks=[hook])


def a_service(*ports: dict[str, Any], kind: str = "ClusterIP") -> dict[str, Any]:
    return whole("services", spec={"type": kind, "ports": list(ports)})


def relabelled(labels: dict[str, str], annotations: dict[str, str] | None = None) -> dict[str, Any]:
    return whole("services", metadata={"labels": labels, "annotations": annotations or {}})


def a_pod(**spec: Any) -> dict[str, Any]:
    return whole("pods", spec=spec)


# Before, after, what is told of it: for each kind of field.
GOLDEN: dict[str, tuple[str, Any, Any, tuple[str, ...]]] = {
    "image and replicas": (
        "deployments",
        deployment(),
        deployment(image="web:2", replicas=0),
        ("~ image of web: web:1 → web:2", "~ replicas: 2 → 0"),
    ),
    "names of an environment, never its values": (
        "deployments",
        deployment(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
        deployment(env=[{"name": "B", "value": "3"}, {"name": "C", "valueFrom": {"fieldRef": {"x": "y"}}}]),
        ("~ env B of web: changed", "+ env C of web", "- env A of web"),
    ),
    "arguments, never what they say": (
        "deployments",
        deployment(args=["--key", "hunter2"]),
        deployment(args=["--key", "hunter3"], command=["sh"]),
        ("+ command of web", "~ arguments of web: changed"),
    ),
    "rules": (
        "clusterroles",
        a_role(a_rule("get list", "pods")),
        a_role(a_rule("get list", "pods"), a_rule("*", "secrets", resourceNames=["db"])),
        ("+ verbs * on secrets in core named db",),
    ),
    "subjects": (
        "clusterrolebindings",
        a_binding(a_user("alice"), {"kind": "Group", "name": "ops"}),
        a_binding(a_user("alice"), {"kind": "ServiceAccount", "namespace": "shop", "name": "web"}),
        ("+ subject ServiceAccount shop/web", "- subject Group ops"),
    ),
    "webhook targets": (
        "mutatingwebhookconfigurations",
        a_hook(
            {"service": {"namespace": "hooks", "name": "injector", "path": "/mutate"}, "caBundle": "Q0E="}
        ),
        a_hook({"url": "https://bob:hunter2@evil.example/mutate?token=hunter2", "caBundle": "Q0Ey"}),
        (
            "- webhook inject.contoso.com calls hooks/injector/mutate",
            "+ webhook inject.contoso.com calls evil.example",
            "~ CA bundle of webhook inject.contoso.com: changed",
        ),
    ),
    "ports": (
        "services",
        a_service({"port": 80, "targetPort": 8080}),
        a_service({"port": 80, "targetPort": 8080, "nodePort": 30080, "protocol": "TCP"}, kind="NodePort"),
        ("+ port 80/TCP to 8080, node port 30080", "- port 80/TCP to 8080", "~ type: ClusterIP → NodePort"),
    ),
    "labels and annotations": (
        "services",
        relabelled({"app": "web"}, {"team": "a", "api-token": "hunter2"}),
        relabelled({"app": "api", "new": ""}, {"team": "b", "api-token": "hunter3"}),
        (
            "~ label app: web → api",
            "+ label new",
            "~ annotation team: a → b",
            "~ annotation api-token: changed",
        ),
    ),
    "what a pod may do to its node": (
        "pods",
        a_pod(containers=[{"name": "web", "image": "web:1"}]),
        a_pod(
            containers=[{"name": "web", "image": "web:1", "securityContext": {"privileged": True}}],
            hostNetwork=True,
            volumes=[{"name": "root", "hostPath": {"path": "/etc"}}, {"name": "tmp", "emptyDir": {}}],
        ),
        (
            "+ host network: true",
            "+ privileged of web: true",
            "+ host path of volume root: /etc",
            "+ emptyDir of volume tmp",
        ),
    ),
    "any other field by its path": (
        "gateways",
        whole(
            "gateways", spec={"servers": [{"name": "a", "port": 1}], "password": "hunter2", "hosts": ["x"]}
        ),
        whole(
            "gateways", spec={"servers": [{"name": "a", "port": 2}], "password": "hunter3", "hosts": ["y"]}
        ),
        (
            "~ spec.servers.a.port: 1 → 2",
            "~ spec.password: changed",
            "+ spec.hosts: y",
            "- spec.hosts: x",
        ),
    ),
    "keys of a secret": (
        "secrets",
        whole("secrets", data={"user": "aHVudGVyMg==", "old": "eA=="}),
        whole("secrets", data={"user": "aHVudGVyMw==", "new": "eA=="}),
        ("~ key user: changed", "+ key new", "- key old"),
    ),
}


@pytest.mark.parametrize(("resource", "before", "after", "told"), GOLDEN.values(), ids=GOLDEN)
def test_a_replaced_object_is_compared_with_the_one_before(
    resource: str, before: Any, after: Any, told: tuple[str, ...]
) -> None:
    change = what_changed(changed("update", resource, after), before)
    assert change.lines == told
    assert change.kind is ChangeKind.REPLACED
    assert change.compared
    assert not change.why_not


@pytest.mark.parametrize(("resource", "before", "after", "told"), GOLDEN.values(), ids=GOLDEN)
def test_a_deletion_tells_what_went(resource: str, before: Any, after: Any, told: tuple[str, ...]) -> None:
    change = what_changed(changed("delete", resource, {"kind": "DeleteOptions"}), before)
    assert change.kind is ChangeKind.DELETED
    assert change.lines
    assert all(line.startswith("- ") for line in change.lines)
    assert what_changed(changed("delete", resource), None).why_not == changes.DELETION


def test_the_corefile_is_compared_line_by_line() -> None:
    before = whole("configmaps", data={"Corefile": COREFILE, "log.override": "log\n"})
    after = whole("configmaps", data={"Corefile": TAMPERED, "evil.server": "evil.test:53 {\n  whoami\n}"})
    change = what_changed(coredns("update", after), before)
    assert change.lines == (
        "- forward . /etc/resolv.conf",
        "+ forward . 203.0.113.9",
        "+ log",
        "+ evil.server: evil.test:53 {",
        "+ evil.server: whoami",
        "+ evil.server: }",
        "- log.override: log",
    )
    assert (change.added, change.removed) == (5, 2)


def test_a_configmap_that_is_not_of_coredns_tells_its_keys_alone() -> None:
    before, after = (whole("configmaps", data={"Corefile": text}) for text in (COREFILE, TAMPERED))
    for event in (
        changed("update", "configmaps", after, name="coredns", namespace="shop"),
        changed("update", "configmaps", after, name="web", namespace="kube-system"),
    ):
        assert what_changed(event, before).lines == ("~ key Corefile: changed",)


def test_a_patched_corefile_without_the_state_before_tells_the_new_lines() -> None:
    change = what_changed(coredns("patch", {"data": {"Corefile": "a\nb\n", "x.override": None}}), None)
    assert change.lines == ("~ a", "~ b", "- key x.override")
    assert not change.compared


def test_a_creation_tells_the_object_without_noise() -> None:
    body = deployment()
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": '{"a": 1}'}
    change = what_changed(changed("create", "deployments", body, code=201), None)
    assert change.lines == (
        "+ image of web: web:1",
        "+ replicas: 2",
        "+ spec.selector.matchLabels.app: web",
        "+ pod label app: web",
    )
    assert change.kind is ChangeKind.CREATED


def test_a_scale_is_compared_with_a_scale_or_with_what_it_scales() -> None:
    scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": 0}}
    event = changed("update", "deployments", scale, subresource="scale")
    for before in (scale | {"spec": {"replicas": 2}}, deployment()):
        assert what_changed(event, before).lines == ("~ replicas: 2 → 0",)


def test_a_status_is_told_where_it_is_what_the_request_is_about() -> None:
    before, after = (whole("nodes", status={"phase": phase}) for phase in ("Ready", "Lost"))
    event = changed("update", "nodes", after, subresource="status")
    assert what_changed(event, before).lines == ("~ status.phase: Ready → Lost",)
    assert what_changed(changed("update", "nodes", after), before).why_not == changes.SAME


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (changed("get", "pods"), changes.A_READ),
        (changed("create", "pods", {}, subresource="exec"), changes.NO_CHANGE),
        (changed("create", "subjectaccessreviews", {"spec": {}}), changes.NO_CHANGE),
        (changed("create", "bindings", {"spec": {}}), changes.NO_CHANGE),
        (changed("proxy", "pods"), changes.NO_CHANGE),
        (changed("patch", "secrets", level="Metadata"), changes.NO_BODY),
        (changed("patch", "nodes", "skipped-too-big-size-object"), changes.LEFT_OUT),
        (replace(changed("update", "pods"), is_cut=True), changes.CUT),
        (changed("update", "pods"), changes.NOT_THERE),
        (changed("delete", "pods"), changes.DELETION),
        (changed("deletecollection", "pods"), changes.DELETION),
        (changed("delete", "pods", code=403), changes.REFUSED),
        (changed("update", "deployments", deployment()), changes.NO_PREVIOUS),
        (changed("patch", "pods", {"metadata": {"uid": "u"}}), changes.SAYS_NOTHING),
    ],
)
def test_without_lines_it_says_why(event: AuditEvent, why: str) -> None:
    change = what_changed(event, None)
    assert (change.lines, change.why_not) == ((), why)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"code": 403}, changes.REFUSED),
        ({"code": 409}, changes.REFUSED),
        ({"code": 500}, changes.FAILED),
        ({"code": None}, changes.NOT_LOGGED),
        ({"code": None, "annotations": {"authorization.k8s.io/decision": "forbid"}}, changes.REFUSED),
        ({"query": "dryRun=All"}, changes.DRY_RUN),
    ],
)
def test_what_did_not_happen_tells_what_was_asked_for_and_says_so(more: dict[str, Any], why: str) -> None:
    event = changed("patch", "deployments", {"spec": {"replicas": 0}}, **more)
    for before in (None, deployment()):
        change = what_changed(event, before)
        assert len(change.lines) == 1
        assert change.why_not == why


def test_a_cut_body_says_nothing_of_what_stood_behind_the_cut() -> None:
    body = deployment(image="web:2")
    del body["spec"]["replicas"]
    event = replace(
        changed("update", "deployments", body),
        is_cut=True,
        lost=frozenset({"requestObject.spec.replicas", "responseObject"}),
    )
    change = what_changed(event, deployment())
    assert change.lines == ("~ image of web: web:1 → web:2",)
    assert change.why_not == changes.CUT_BEHIND
    assert previous_body(event) is None


def test_there_are_at_most_forty_lines_of_two_hundred_characters() -> None:
    labels = {f"key-{number}": "v" * 500 for number in range(150)}
    change = what_changed(changed("update", "services", relabelled(labels)), relabelled({}))
    assert len(change.lines) == 40
    assert (change.more, change.added) == (110, 150)
    assert max(map(len, change.lines)) <= 200


def test_more_fields_than_are_compared_are_said_to_be_so() -> None:
    body = whole("services", spec={"x": list(range(30_000))})
    for event in (changed("create", "services", body), changed("update", "services", body)):
        assert what_changed(event, relabelled({})).why_not == changes.TOO_MUCH


@pytest.mark.parametrize(
    ("event", "wants"),
    [
        (changed("update", "deployments", deployment()), True),
        (changed("patch", "deployments", IMAGE_ALONE), True),
        (changed("delete", "clusterrolebindings"), True),
        (coredns("update", whole("configmaps", data={})), True),
        (changed("create", "deployments", deployment()), False),
        (changed("get", "deployments"), False),
        (changed("update", "deployments", deployment(), level="Metadata"), False),
        (changed("patch", "nodes", "skipped-too-big-size-object"), False),
        (changed("deletecollection", "pods", name=""), False),
        (changed("update", "configmaps", whole("configmaps")), False),
        (changed("update", "secrets", whole("secrets")), False),
        (changed("create", "pods", {}, subresource="exec"), False),
    ],
)
def test_the_state_before_is_wanted_only_where_it_tells_more(event: AuditEvent, wants: bool) -> None:
    assert wants_previous(event) is wants


def test_the_state_that_an_event_shows_is_its_answer_or_what_it_wrote_whole() -> None:
    body, answer = deployment(), deployment(image="web:9")
    assert previous_body(changed("patch", "deployments", IMAGE_ALONE, answer=answer)) == answer
    assert previous_body(changed("get", "deployments", answer=answer)) == answer
    assert previous_body(changed("update", "deployments", body, level="Request")) == body
    for nothing in (
        changed("patch", "deployments", IMAGE_ALONE),
        changed("update", "deployments", body, code=409, answer={"kind": "Status", "metadata": {}}),
        changed("update", "deployments", body, code=None),
        changed("update", "deployments", body, query="dryRun=All"),
        changed("update", "nodes", body, subresource="status"),
        changed("delete", "deployments", answer=answer),
        changed("create", "serviceaccounts", body, subresource="token"),
        changed("update", "nodes", "skipped-too-big-size-object"),
    ):
        assert previous_body(nothing) is None


def test_a_state_of_another_kind_is_not_compared() -> None:
    change = what_changed(changed("update", "deployments", deployment()), relabelled({}))
    assert change.why_not == changes.NO_PREVIOUS


def test_real_events_tell_what_changed_or_say_why_not() -> None:
    for line in shared_data("audit/events.jsonl").read_text().splitlines():
        row = {"log_s": json.dumps(json.loads(line)["event"]), "TimeGenerated": "2026-03-04T09:35:03Z"}
        event = parse_event(row)
        if not isinstance(event, AuditEvent):
            continue
        for before in (None, previous_body(event), {}):
            change = what_changed(event, before)
            assert isinstance(change, Change)
            assert change.lines or change.why_not

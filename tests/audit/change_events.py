"""Audit events with bodies, for the tests of what changed and of what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.event import AuditEvent, parse_event

KINDS = {
    "deployments": ("apps", "v1", "Deployment"),
    "configmaps": ("", "v1", "ConfigMap"),
    "secrets": ("", "v1", "Secret"),
    "services": ("", "v1", "Service"),
    "pods": ("", "v1", "Pod"),
    "nodes": ("", "v1", "Node"),
    "clusterroles": ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    "clusterrolebindings": ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
    "rolebindings": ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    "mutatingwebhookconfigurations": ("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration"),
    "certificatesigningrequests": ("certificates.k8s.io", "v1", "CertificateSigningRequest"),
    "gateways": ("networking.istio.io", "v1", "Gateway"),
}
IMAGE_ALONE = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}}


def changed(
    verb: str,
    resource: str,
    body: Any = None,
    *,
    name: str = "web",
    namespace: str = "shop",
    subresource: str = "",
    query: str = "",
    code: int | None = 200,
    level: str = "RequestResponse",
    answer: Any = None,
    **more: Any,
) -> AuditEvent:
    """Return an event of a request with a body, as AzureDiagnostics has it."""
    group, version, _ = KINDS.get(resource, ("", "v1", ""))
    raw: dict[str, Any] = {
        "auditID": "a-1",
        "stage": "ResponseComplete",
        "level": level,
        "verb": verb,
        "requestURI": f"/apis/{group}/{version}/namespaces/{namespace}/{resource}/{name}{f'?{query}' if query else ''}",
        "user": {"username": "alice@contoso.com"},
        "objectRef": {
            "resource": resource,
            "subresource": subresource,
            "namespace": namespace,
            "name": name,
            "apiGroup": group,
        },
        "requestReceivedTimestamp": "2026-03-04T09:35:02Z",
    }
    if code is not None:
        raw["responseStatus"] = {"code": code}
    if body is not None:
        raw["requestObject"] = body
    if answer is not None:
        raw["responseObject"] = answer
    event = parse_event({"log_s": raw | more, "TimeGenerated": "2026-03-04T09:35:03Z"})
    assert isinstance(event, AuditEvent)
    return event


def deployment(*, image: str = "web:1", replicas: int = 2, **container: Any) -> dict[str, Any]:
    """Return a deployment of one container, with the noise that the API server adds."""
    return whole(
        "deployments",
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}, "creationTimestamp": None},
                "spec": {"containers": [{"name": "web", "image": image, **container}]},
            },
        },
        status={"replicas": replicas, "observedGeneration": replicas},
    )


def whole(
    resource: str, *, name: str = "web", metadata: Mapping[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """Return an object of a resource."""
    group, version, kind = KINDS[resource]
    return {
        "kind": kind,
        "apiVersion": f"{group}/{version}" if group else version,
        "metadata": {
            "name": name,
            "namespace": "shop",
            "resourceVersion": "7",
            "uid": "u-1",
            **(metadata or {}),
        },
        **fields,
    }


def a_user(name: str) -> dict[str, Any]:
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}

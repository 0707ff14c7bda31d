"""Kubernetes' own resources: what one of each is called, and whether it lies in a namespace."""

from __future__ import annotations

from collections.abc import Mapping

#: What one is called in plain words, of every resource of Kubernetes' own groups.
#: https://kubernetes.io/docs/reference/kubernetes-api/
_NAMESPACED: Mapping[str, str] = {
    "bindings": "binding",
    "configmaps": "configmap",
    "controllerrevisions": "controller revision",
    "cronjobs": "cronjob",
    "csistoragecapacities": "CSI storage capacity",
    "daemonsets": "daemonset",
    "deployments": "deployment",
    "endpoints": "endpoints",
    "endpointslices": "endpoint slice",
    "events": "event",
    "horizontalpodautoscalers": "horizontal pod autoscaler",
    "ingresses": "ingress",
    "jobs": "job",
    "leases": "lease",
    "limitranges": "limit range",
    "localsubjectaccessreviews": "local subject access review",
    "networkpolicies": "network policy",
    "persistentvolumeclaims": "persistent volume claim",
    "poddisruptionbudgets": "pod disruption budget",
    "podmetrics": "pod metrics",
    "pods": "pod",
    "podtemplates": "pod template",
    "replicasets": "replicaset",
    "replicationcontrollers": "replication controller",
    "resourceclaims": "resource claim",
    "resourceclaimtemplates": "resource claim template",
    "resourcequotas": "resource quota",
    "rolebindings": "role binding",
    "roles": "role",
    "secrets": "secret",
    "serviceaccounts": "service account",
    "services": "service",
    "statefulsets": "statefulset",
}
_OF_THE_CLUSTER: Mapping[str, str] = {
    "apiservices": "API service",
    "certificatesigningrequests": "certificate request",
    "clusterrolebindings": "cluster role binding",
    "clusterroles": "cluster role",
    "clustertrustbundles": "cluster trust bundle",
    "componentstatuses": "component status",
    "csidrivers": "CSI driver",
    "csinodes": "CSI node",
    "customresourcedefinitions": "custom resource definition",
    "deviceclasses": "device class",
    "flowschemas": "flow schema",
    "groups": "group",
    "ingressclasses": "ingress class",
    "ipaddresses": "IP address",
    "mutatingadmissionpolicies": "mutating admission policy",
    "mutatingadmissionpolicybindings": "mutating admission policy binding",
    "mutatingwebhookconfigurations": "mutating webhook configuration",
    "namespaces": "namespace",
    "nodemetrics": "node metrics",
    "nodes": "node",
    "persistentvolumes": "persistent volume",
    "podsecuritypolicies": "pod security policy",
    "priorityclasses": "priority class",
    "prioritylevelconfigurations": "priority level configuration",
    "resourceslices": "resource slice",
    "runtimeclasses": "runtime class",
    "selfsubjectaccessreviews": "self subject access review",
    "selfsubjectreviews": "self subject review",
    "selfsubjectrulesreviews": "self subject rules review",
    "servicecidrs": "service CIDR",
    "signers": "signer",
    "storageclasses": "storage class",
    "storageversionmigrations": "storage version migration",
    "storageversions": "storage version",
    "subjectaccessreviews": "subject access review",
    "tokenreviews": "token review",
    "uids": "uid",
    "userextras": "user extra",
    "users": "user",
    "validatingadmissionpolicies": "validating admission policy",
    "validatingadmissionpolicybindings": "validating admission policy binding",
    "validatingwebhookconfigurations": "validating webhook configuration",
    "volumeattachments": "volume attachment",
    "volumeattributesclasses": "volume attributes class",
}
RESOURCES: Mapping[str, str] = {**_NAMESPACED, **_OF_THE_CLUSTER}
#: Not English's usual plurals.
_SAME = frozenset({"endpoints", "pod metrics", "node metrics"})
_ES = ("sses", "shes", "ches", "xes", "zes")
MAX_RESOURCE = 253


def singular(resource: str) -> str:
    """Return what one of a resource is called: "serviceaccounts" is one "service account".

    A resource that is not Kubernetes' own is made singular by English's rules: "gateways" is one "gateway". Foreign
    text stays foreign, at most 253 characters of it.
    """
    known = RESOURCES.get(resource)
    if known:
        return known
    resource = resource[:MAX_RESOURCE]
    if resource.endswith("ies") and len(resource) > 4:  # noqa: PLR2004
        return f"{resource[:-3]}y"
    if resource.endswith(_ES):
        return resource[:-2]
    return resource[:-1] if resource.endswith("s") and not resource.endswith(("ss", "us", "is")) else resource


def plural(resource: str) -> str:
    """Return what many of a resource are called: "serviceaccounts" are "service accounts"."""
    one = RESOURCES.get(resource)
    if one is None:
        return resource[:MAX_RESOURCE]
    if one in _SAME:
        return one
    if one.endswith("y") and one[-2] not in "aeiou":
        return f"{one[:-1]}ies"
    return f"{one}es" if one.endswith(("s", "x", "ch", "sh")) else f"{one}s"


def is_of_the_cluster(resource: str) -> bool | None:
    """Whether a resource lies in no namespace; None for one that is not Kubernetes' own."""
    return resource in _OF_THE_CLUSTER if resource in RESOURCES else None

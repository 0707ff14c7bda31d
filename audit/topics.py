"""Questions that have a name, and what of the audit log each stands for."""

from __future__ import annotations

from collections.abc import Mapping

from audit.filter import Wanted
from audit.kql_events import WRITES

#: Ways into a container. `kubectl debug` is a change of a pod's ephemeralcontainers.
#: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
_SESSIONS = ("exec", "attach", "portforward", "ephemeralcontainers")
_RBAC = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")

TOPICS: Mapping[str, Wanted] = {
    "exec": Wanted(resources=("pods",), subresources=_SESSIONS),
    "rbac": Wanted(resources=_RBAC, verbs=WRITES),
    "secrets": Wanted(resources=("secrets",)),
    "risky": Wanted(risky=True),
}

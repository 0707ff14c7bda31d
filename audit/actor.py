"""Who is behind a request, judged by the user name that the API server authenticated."""

from __future__ import annotations

from enum import IntEnum


class ActorKind(IntEnum):
    """Who is behind a request, in the order in which a reader wants to see them."""

    PERSON = 0
    WORKLOAD = 1
    PLATFORM = 2


SERVICE_ACCOUNT = "system:serviceaccount:"

#: Users that AKS' own control plane acts as. `masterclient` is not one: it is whoever holds the local
#: admin kubeconfig.
PLATFORM_USERS = frozenset(
    {"aksService", "aksProblemDetector", "hcpService", "readinessChecker", "system:apiserver"}
)
#: Nodes and the controllers of Kubernetes itself: names that the API server reserves (system:).
PLATFORM_PREFIXES = ("system:node:", "system:kube-")
#: Namespaces that AKS creates for itself and its add-ons. Better one too few than one too many: what is
#: platform is folded away.
PLATFORM_NAMESPACES = frozenset(
    {
        "aks-istio-system",
        "app-routing-system",
        "calico-system",
        "gatekeeper-system",
        "kube-system",
        "tigera-operator",
    }
)


def classify(username: str, impersonated: str = "") -> ActorKind:
    """Tell who is behind a request by `username` that asked to be `impersonated` ("" for nobody).

    Of the two the one that a reader wants to see first counts: who acts as a person is shown among people,
    and a person stays one whoever they act as. A name that says nothing is a person's, so that it is seen.
    """
    return min(_kind(username), _kind(impersonated)) if impersonated else _kind(username)


def _kind(username: str) -> ActorKind:
    if username in PLATFORM_USERS or username.startswith(PLATFORM_PREFIXES):
        return ActorKind.PLATFORM
    if username.startswith(SERVICE_ACCOUNT):
        namespace = username.removeprefix(SERVICE_ACCOUNT).partition(":")[0]
        return ActorKind.PLATFORM if namespace in PLATFORM_NAMESPACES else ActorKind.WORKLOAD
    return ActorKind.PERSON

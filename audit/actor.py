"""Who is behind a request, judged by the user name that the API server authenticated.

The one table of the platform's own actors: Python and KQL are both made from it.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from functools import lru_cache


class ActorKind(IntEnum):
    """Who is behind a request, in the order in which a reader wants to see them."""

    PERSON = 0
    WORKLOAD = 1
    PLATFORM = 2


class IdentityKind(StrEnum):
    """Who is behind a request, more exactly, in words for people."""

    PERSON = "person"
    #: Whoever holds the admin certificate that Entra knows nothing of: the log cannot say who that is.
    LOCAL_ADMIN = "local admin"
    #: Of a workload of the cluster's users.
    SERVICE_ACCOUNT = "service account"
    #: A part of Kubernetes' own control plane.
    CONTROLLER = "controller"
    NODE = "node"
    #: AKS itself, and what it runs in namespaces of its own.
    PLATFORM = "platform"
    ANONYMOUS = "anonymous"

    @property
    def actor(self) -> ActorKind:
        return _ACTORS.get(self, ActorKind.PLATFORM)


_ACTORS = {
    IdentityKind.PERSON: ActorKind.PERSON,
    IdentityKind.LOCAL_ADMIN: ActorKind.PERSON,
    IdentityKind.ANONYMOUS: ActorKind.PERSON,
    IdentityKind.SERVICE_ACCOUNT: ActorKind.WORKLOAD,
}

#: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
SERVICE_ACCOUNT = "system:serviceaccount:"

#: Users that AKS' own control plane acts as. `masterclient` is not one: it is whoever holds the local
#: admin kubeconfig.
PLATFORM_USERS = frozenset(
    {"aksService", "aksProblemDetector", "hcpService", "readinessChecker", "system:apiserver"}
)
#: Nodes, also those that are just joining, and the controllers of Kubernetes itself: names that the API
#: server reserves (system:).
#: https://kubernetes.io/docs/reference/access-authn-authz/node/
PLATFORM_PREFIXES = ("system:node:", "system:bootstrap:", "system:kube-")
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
#: The local admin kubeconfig's certificate: https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad
LOCAL_ADMINS = frozenset({"masterclient"})
#: Who did not say who they are: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
ANONYMOUS_USERS = frozenset({"system:anonymous", "system:unauthenticated"})

_NODE_PREFIXES = ("system:node:", "system:bootstrap:")
_NAMES = (
    dict.fromkeys(PLATFORM_USERS, IdentityKind.PLATFORM)
    | dict.fromkeys(LOCAL_ADMINS, IdentityKind.LOCAL_ADMIN)
    | dict.fromkeys(ANONYMOUS_USERS, IdentityKind.ANONYMOUS)
)
#: Controllers of Kubernetes' own controller manager whose accounts are not called so.
#: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
_CONTROLLERS = frozenset(
    {
        "clusterrole-aggregation",
        "generic-garbage-collector",
        "horizontal-pod-autoscaler",
        "legacy-service-account-token-cleaner",
        "persistent-volume-binder",
        "pod-garbage-collector",
        "root-ca-cert-publisher",
        "token-cleaner",
        "bootstrap-signer",
    }
)
_CONTROLLER_END = "-controller"

#: An answer has many rows of few users. Names may be long, so that not many are kept.
_MOST_REMEMBERED = 256


@lru_cache(_MOST_REMEMBERED)
def classify(username: str, impersonated: str = "") -> ActorKind:
    """Tell who is behind a request by `username` that asked to be `impersonated` ("" for nobody).

    Of the two the one that a reader wants to see first counts: who acts as a person is shown among people,
    and a person stays one whoever they act as. A name that says nothing is a person's, so that it is seen.
    """
    asked = kind_of(username).actor
    return min(asked, kind_of(impersonated).actor) if impersonated else asked


def kind_of(username: str) -> IdentityKind:
    """Tell what kind of actor has this user name; what is not known is a person."""
    if kind := _NAMES.get(username):
        return kind
    if not username.startswith("system:"):
        return IdentityKind.PERSON
    if username.startswith(SERVICE_ACCOUNT):
        return _kind_of_account(*account(username))
    if username.startswith(_NODE_PREFIXES):
        return IdentityKind.NODE
    return IdentityKind.CONTROLLER if username.startswith(PLATFORM_PREFIXES) else IdentityKind.PERSON


def account(username: str) -> tuple[str, str]:
    """Return (namespace, name) of a service account's user name; ("", "") of any other."""
    if not username.startswith(SERVICE_ACCOUNT):
        return "", ""
    namespace, _, name = username.removeprefix(SERVICE_ACCOUNT).partition(":")
    return namespace, name


def _kind_of_account(namespace: str, name: str) -> IdentityKind:
    if namespace not in PLATFORM_NAMESPACES:
        return IdentityKind.SERVICE_ACCOUNT
    is_controller = namespace == "kube-system" and (name.endswith(_CONTROLLER_END) or name in _CONTROLLERS)
    return IdentityKind.CONTROLLER if is_controller else IdentityKind.PLATFORM

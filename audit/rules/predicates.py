"""The conditions of the rules that need more than kind, verb and actor. Each reads one request; none raises."""

from __future__ import annotations

import re

from audit.rules.addresses import is_in_cloud, is_public
from audit.rules.bodies import words
from audit.rules.facts import Facts, Who, who_is
from audit.rules.known import binds_roles
from audit.secrets import Tally, is_secret_name, without_secrets
from audit.untyped import at, mapping, number

# --- who, and from where ----------------------------------------------------------------------------

#: What a load balancer or a joining node may ask without a name:
#: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
_OPEN_PATHS = (
    "/healthz",
    "/livez",
    "/readyz",
    "/version",
    "/openid/v1/jwks",
    "/.well-known/openid-configuration",
)
_ADMINS = frozenset(
    (
        "admin",
        "cluster-admin",
        "kubernetes-admin",
        "kubernetes-super-admin",
        "masterclient",
        "system:admin",
        "system:masters",
    )
)
_SCRIPTS = re.compile(
    r"\s*(?:curl|wget|python|perl|ruby|php|lua|powershell|mozilla.*powershell|go-http-client|libwww|httpie|java/|node"
    r"|aiohttp|okhttp|axios|nmap|postmanruntime|restsharp)|.*kali",
    re.IGNORECASE | re.DOTALL,
)
_HANDS = re.compile(
    r"\s*(?:curl|wget|python|perl|ruby|php|kubectl|go-http-client|powershell|nmap)", re.IGNORECASE
)


def is_named(facts: Facts) -> bool:
    """Whether the request is about an object or a kind, and not for a path alone."""
    return facts.resource != ""


def by_anonymous(facts: Facts) -> bool:
    """Whether nobody in particular asked for something that is not open to everybody."""
    if facts.who is not Who.ANONYMOUS and "system:unauthenticated" not in facts.groups:
        return False
    if facts.address is not None and facts.address.is_loopback:
        return False
    if (facts.namespace, facts.name) == ("kube-public", "cluster-info"):
        return False
    is_open = any(facts.path == path or facts.path.startswith(f"{path}/") for path in _OPEN_PATHS)
    return (facts.resource != "" or facts.path != "") and not is_open


def allowed_anonymous(facts: Facts) -> bool:
    """Whether the anonymous got an answer."""
    return not facts.is_denied and not facts.is_failed and by_anonymous(facts)


def by_platform_from_internet(facts: Facts) -> bool:
    """Whether a service account, a node or the platform came from an address that is none of a cloud's."""
    return who_is(facts.user, is_aks=facts.is_aks) > Who.ANONYMOUS and _from_outside(facts)


def denied_from_internet(facts: Facts) -> bool:
    """Whether somebody at an address of the internet was refused; the platform from its cloud does not count."""
    return _from_outside(facts) if facts.who > Who.ANONYMOUS else is_public(facts.address)


def _from_outside(facts: Facts) -> bool:
    return is_public(facts.address) and not is_in_cloud(facts.address, azure_only=facts.is_aks)


def as_somebody_else(facts: Facts) -> bool:
    """Whether the request was made in somebody else's name."""
    return facts.impersonated not in ("", facts.user) and not as_privileged(facts)


def as_privileged(facts: Facts) -> bool:
    """Whether the request was made in the name of an administrator or of the platform."""
    if facts.impersonated in ("", facts.user):
        return False
    is_platform = who_is(facts.impersonated, is_aks=facts.is_aks) > Who.WORKLOAD
    return is_platform or facts.impersonated in _ADMINS or "system:masters" in facts.impersonated_groups


def by_local_admin(facts: Facts) -> bool:
    """Whether a certificate of the group that RBAC does not bind was used, on an object."""
    is_admin = facts.user == "masterclient" or "system:masters" in facts.groups
    return is_admin and facts.who is Who.PERSON and facts.resource != ""


def by_local_admin_reading(facts: Facts) -> bool:
    """Whether a local administrator looked at an object."""
    return by_local_admin(facts) and facts.subresource not in ("exec", "attach", "portforward", "proxy")


def by_script(facts: Facts) -> bool:
    """Whether the client calls itself a script's."""
    return _SCRIPTS.match(facts.user_agent[:512]) is not None


def probes_as_service_account(facts: Facts) -> bool:
    """Whether a service account was refused while in the hands of an interactive client."""
    return facts.is_service_account and _HANDS.match(facts.user_agent[:512]) is not None


def by_service_account_or_node(facts: Facts) -> bool:
    """Whether a service account or a node asked, which seldom has to ask what it may do."""
    return facts.is_service_account or facts.who is Who.NODE


def by_workload(facts: Facts) -> bool:
    """Whether a service account of somebody's own asked."""
    return facts.who is Who.WORKLOAD


def by_azure_arc(facts: Facts) -> bool:
    """Whether Azure Arc's proxy asked, behind which is whoever uses it."""
    return facts.user.startswith("system:serviceaccount:azure-arc:")


# --- secrets, tokens, certificates -------------------------------------------------------------------

#: A day; what kubelets ask for is an hour, https://kubernetes.io/docs/concepts/storage/projected-volumes/
_LONG_LIFE = 24 * 3600
#: Certificates of these signers log in to the API server as whoever they name:
#: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
_CLIENT_SIGNERS = frozenset(("", "kubernetes.io/kube-apiserver-client", "kubernetes.io/legacy-unknown"))


def everywhere(facts: Facts) -> bool:
    """Whether a list reaches over all namespaces."""
    return facts.namespace == "" and facts.name == "" and "/namespaces/" not in facts.path


def in_one_namespace(facts: Facts) -> bool:
    """Whether a list reaches over one namespace."""
    return not everywhere(facts)


def was_read(facts: Facts) -> bool:
    """Whether a secret's reader was not turned away for who he is, and the API server did not fail."""
    return not facts.is_denied and not facts.is_failed


def lives_long(facts: Facts) -> bool:
    """Whether a token is asked for that lives longer than a day."""
    seconds = number(at(facts.body, "spec", "expirationSeconds"))
    return seconds is not None and seconds > _LONG_LIFE


def asks_client_certificate(facts: Facts) -> bool:
    """Whether the certificate would log in to the API server, as far as the signer is known."""
    signer = at(facts.body, "spec", "signerName")
    if signer is None and facts.is_cut and facts.body:
        return False
    return not isinstance(signer, str) or signer in _CLIENT_SIGNERS


def holds_credentials(facts: Facts) -> bool:
    """Whether a ConfigMap's data has a key or a line that looks like a password, key or token."""
    for key, value in mapping(facts.body.get("data")).items():
        if is_secret_name(str(key)) and isinstance(value, str) and value:
            return True
        tally = Tally()
        if isinstance(value, str):
            without_secrets(value, tally)
        if tally.count:
            return True
    return False


# --- roles and bindings ------------------------------------------------------------------------------

_WRITE_VERBS = frozenset(("create", "update", "patch", "delete", "deletecollection"))
_RAISING_VERBS = frozenset(("escalate", "bind", "impersonate"))
_EXEC = frozenset(("pods/exec", "pods/attach", "pods/*", "*/exec"))
_NODE_PROXY = frozenset(("nodes/proxy", "nodes/*", "*/proxy"))
#: Roles that come with Kubernetes and give nothing away.
_MILD_SYSTEM_ROLES = frozenset(
    (
        "system:auth-delegator",
        "system:basic-user",
        "system:discovery",
        "system:image-puller",
        "system:metrics-server",
        "system:monitoring",
        "system:public-info-viewer",
        "system:service-account-issuer-discovery",
    )
)
_DELETES = frozenset(("delete", "deletecollection"))
_EVERYBODY = frozenset(
    ("system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts")
)


def _grants(facts: Facts, field: str, wanted: frozenset[str]) -> bool:
    return any(not wanted.isdisjoint(words(rule.get(field))) for rule in facts.role_rules)


def grants_everything(facts: Facts) -> bool:
    """Whether a role has * for verbs or resources, or may write to whatever API group there is."""
    star = frozenset("*")
    if _grants(facts, "verbs", star) or _grants(facts, "resources", star):
        return True
    return any(
        "*" in words(rule.get("apiGroups")) and not _WRITE_VERBS.isdisjoint(words(rule.get("verbs")))
        for rule in facts.role_rules
    )


def grants_exec(facts: Facts) -> bool:
    """Whether a role lets run commands in pods."""
    return _grants(facts, "resources", _EXEC)


def grants_node_proxy(facts: Facts) -> bool:
    """Whether a role reaches the kubelets' own API; * for resources does so too."""
    if _grants(facts, "resources", _NODE_PROXY):
        return True
    return any({"nodes", "*"} <= words(rule.get("resources")) for rule in facts.role_rules)


def grants_raising(facts: Facts) -> bool:
    """Whether a role lets its holders gain rights that they do not have."""
    return _grants(facts, "verbs", _RAISING_VERBS)


def grants_writing(facts: Facts) -> bool:
    """Whether a role lets change things."""
    return _grants(facts, "verbs", _WRITE_VERBS)


def grants_far_reaching(facts: Facts) -> bool:
    """Whether a role has any of the rights that rules of their own are about."""
    return any(has(facts) for has in (grants_everything, grants_raising, grants_exec, grants_node_proxy))


def is_system_role(facts: Facts) -> bool:
    """Whether a role is one of Kubernetes' own."""
    return facts.name.startswith("system:")


def binds_cluster_admin(facts: Facts) -> bool:
    """Whether a binding gives cluster-admin, and not as AKS and its extensions do."""
    return facts.role_ref == "cluster-admin" and not _at_its_work(facts)


def _at_its_work(facts: Facts) -> bool:
    return facts.who is Who.PLATFORM and binds_roles(facts.user)


def is_named_cluster_admin(facts: Facts) -> bool:
    """Whether a binding that the log shows no body of has a name that says cluster-admin."""
    return facts.role_ref == "" and "cluster-admin" in facts.name.casefold() and not _at_its_work(facts)


def binds_powerful_role(facts: Facts) -> bool:
    """Whether a binding gives one of Kubernetes' own powerful roles, or admin or edit everywhere."""
    role = facts.role_ref
    if _at_its_work(facts):
        return False
    if facts.resource == "clusterrolebindings" and role in ("admin", "edit"):
        return True
    return role.startswith("system:") and role not in _MILD_SYSTEM_ROLES


def binds_everybody(facts: Facts) -> bool:
    """Whether a binding gives more than the usual to whoever comes."""
    names = {subject.get("name") for subject in facts.subjects if isinstance(subject.get("name"), str)}
    is_mild = facts.role_ref in _MILD_SYSTEM_ROLES
    return not _EVERYBODY.isdisjoint(names) and not is_mild and not _at_its_work(facts)


def binds_service_account(facts: Facts) -> bool:
    """Whether a binding is for a service account."""
    return any(subject.get("kind") == "ServiceAccount" for subject in facts.subjects)


# --- namespaces ---


def in_system_namespace(facts: Facts) -> bool:
    """Whether it happens where the cluster's own parts live."""
    return facts.is_in_system_namespace


def stops_system_workload(facts: Facts) -> bool:
    """Whether a part of the cluster is deleted, or told to run nowhere."""
    replicas = at(facts.body, "spec", "replicas")
    is_stopped = replicas == 0 and not isinstance(replicas, bool)
    return facts.is_in_system_namespace and (is_stopped or (facts.verb in _DELETES and not facts.subresource))


def changes_system_workload(facts: Facts) -> bool:
    """Whether a part of the cluster is changed in another way."""
    return facts.is_in_system_namespace and not stops_system_workload(facts)


def in_user_namespace(facts: Facts) -> bool:
    """Whether it happens where the cluster's users live."""
    return not facts.is_in_system_namespace


def in_default_namespace(facts: Facts) -> bool:
    """Whether it happens where everything lands that nobody gave a place."""
    return facts.namespace == "default"


# --- services, DNS, nodes ------------------------------------------------------------------------------

_DNS_CONFIGS = frozenset(("coredns", "coredns-custom", "kube-dns", "node-local-dns"))
#: What monitoring reads of a kubelet.
_HARMLESS_KUBELET_PATHS = re.compile(r"/proxy/(?:metrics(?:/.*)?|healthz(?:/.*)?|stats/summary)/?")


def is_node_port(facts: Facts) -> bool:
    """Whether a service is opened on every node."""
    return at(facts.body, "spec", "type") == "NodePort"


def is_public_load_balancer(facts: Facts) -> bool:
    """Whether a service gets an address of its own that is not said to be internal."""
    annotations = mapping(at(facts.body, "metadata", "annotations"))
    is_internal = any(
        str(key).endswith(("load-balancer-internal", "load-balancer-type"))
        and value in ("true", "Internal", "internal")
        for key, value in annotations.items()
    )
    return at(facts.body, "spec", "type") == "LoadBalancer" and not is_internal and not facts.is_cut


def has_external_addresses(facts: Facts) -> bool:
    """Whether a service takes what is sent to addresses that it names itself."""
    return bool(words(at(facts.body, "spec", "externalIPs")))


def lacks_tls(facts: Facts) -> bool:
    """Whether an ingress of a user's takes requests that are not encrypted."""
    spec = mapping(facts.body.get("spec"))
    return bool(spec) and not spec.get("tls") and not facts.is_cut and in_user_namespace(facts)


def is_dns_config(facts: Facts) -> bool:
    """Whether it is what the cluster's name servers are configured by."""
    return facts.namespace == "kube-system" and facts.name in _DNS_CONFIGS


def reaches_kubelet(facts: Facts) -> bool:
    """Whether a request through the API server reaches more of a kubelet than its figures."""
    path = facts.path[facts.path.find("/proxy") :] if "/proxy" in facts.path else ""
    return _HARMLESS_KUBELET_PATHS.fullmatch(path) is None

"""What a risk rule is. The rules themselves are the tables beside this module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from audit.evidence import Finding, Severity
from audit.rules.facts import Facts, Who
from audit.untyped import shorten

KUBE_AUDIT = "kube-audit"
KUBE_AUDIT_ADMIN = "kube-audit-admin"

#: kube-audit-admin is kube-audit without these: https://learn.microsoft.com/azure/aks/monitor-aks-reference
_LEFT_OUT = frozenset(("get", "list"))
_STREAMS = frozenset(("pods/exec", "pods/attach", "pods/portforward"))

WRITES = frozenset(("create", "update", "patch", "delete", "deletecollection"))
PUTS = frozenset(("create", "update", "patch"))
CHANGES = frozenset(("update", "patch"))
DELETES = frozenset(("delete", "deletecollection"))
CREATE = frozenset(("create",))
#: A stream that is opened over SPDY is a create, over a WebSocket a get; kubectl does the latter since 1.30:
#: https://kubernetes.io/blog/2024/08/20/websockets-transition/
OPENS = frozenset(("create", "get"))

#: Everything that pods are made from.
WORKLOADS = (
    "cronjobs",
    "daemonsets",
    "deployments",
    "jobs",
    "replicasets",
    "replicationcontrollers",
    "statefulsets",
)
PODS = ("pods", "pods/ephemeralcontainers", "podtemplates", *WORKLOADS)
ROLES = ("clusterroles", "roles")
BINDINGS = ("clusterrolebindings", "rolebindings")

#: API groups of the kinds that rules are about: a custom resource may have the same name. An event that
#: names no group may be of any.
API_GROUPS: Mapping[str, frozenset[str]] = {
    **{kind: frozenset(("apps", "extensions")) for kind in ("daemonsets", "deployments", "replicasets")},
    "statefulsets": frozenset(("apps",)),
    **{kind: frozenset(("batch",)) for kind in ("cronjobs", "jobs")},
    **{kind: frozenset(("rbac.authorization.k8s.io",)) for kind in (*ROLES, *BINDINGS)},
    "ingresses": frozenset(("extensions", "networking.k8s.io")),
    "events": frozenset(("events.k8s.io",)),
    "apiservices": frozenset(("apiregistration.k8s.io",)),
    "certificatesigningrequests": frozenset(("certificates.k8s.io",)),
    **{
        kind: frozenset(("admissionregistration.k8s.io",))
        for kind in (
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        )
    },
    **{
        kind: frozenset(("authorization.k8s.io",))
        for kind in ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
    },
    **{
        kind: frozenset[str]()
        for kind in (
            "configmaps",
            "namespaces",
            "nodes",
            "pods",
            "podtemplates",
            "replicationcontrollers",
            "secrets",
            "serviceaccounts",
            "services",
        )
    },
}


def by_anybody(severity: Severity) -> Mapping[Who, Severity | None]:
    """Return that a deed counts for every part of the platform too: none does it as part of its work."""
    return dict.fromkeys((Who.UNKNOWN, Who.CONTROLLER, Who.NODE, Who.PLATFORM), severity)


def by_unknown(severity: Severity, node: Severity | None = None) -> Mapping[Who, Severity | None]:
    """Return that a deed counts for accounts that only look like the platform's, and perhaps for nodes."""
    return {Who.UNKNOWN: severity, **({Who.NODE: node} if node is not None else {})}


class Body(StrEnum):
    """Whether a rule looks into bodies, and whether AKS logs those; as docs/rules.md prints it."""

    NONE = "no"
    LOGGED = "needed; AKS logs it"
    NOT_LOGGED = "needed; AKS logs this kind at level Metadata, without a body"


class Outcome(Enum):
    """How what a rule found ended."""

    DONE = auto()
    #: Turned down, because it was not allowed or not fit to be done.
    REFUSED = auto()
    #: The API server failed at it: whether anything was done is not known.
    FAILED = auto()
    DRY_RUN = auto()


#: What a title says as done was not, or not surely. Of a refusal cards say it, by `Finding.refused`.
_BEFORE_TITLE = {Outcome.FAILED: "Tried, failed: ", Outcome.DRY_RUN: "Dry run: "}
#: Longest user name of a finding.
MAX_USER = 256


def always(_: Facts) -> bool:
    """Need no more than kind, verb and actor."""
    return True


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One risk. It fires on requests of its kinds and verbs for which `fires` holds."""

    #: Such as "shell-in-pod"; kept in evidence, so it stays what it is.
    id: str
    title: str
    severity: Severity
    #: Threat matrix and ATT&CK; "" where there is none. See audit.threats.
    threat: str = ""
    technique: str = ""
    #: Why it can be innocent, and what to do next: a sentence each.
    innocent: str
    next_step: str
    #: "pods" or "pods/exec"; empty: every request.
    kinds: tuple[str, ...] = ()
    #: Empty: every verb.
    verbs: frozenset[str] = frozenset()
    fires: Callable[[Facts], bool] = always
    #: Where the severity is another for some actors; None: it does not fire for them. Without a word here it
    #: fires for people, the anonymous and workloads, and never for the platform.
    by: Mapping[Who, Severity | None] = field(default_factory=dict)
    body: Body = Body.NONE
    #: It is about being refused: it fires on nothing else, and its severity says so already.
    is_about_refusal: bool = False
    #: Kind, verb, object, user and outcome decide it, so that it can judge a group that was only counted.
    can_judge_groups: bool = True
    #: It is about several events; audit.rules.sequences decides it.
    is_sequence: bool = False
    #: Of a sequence: the verbs that it counts.
    counts: frozenset[str] = frozenset()

    @property
    def needs(self) -> tuple[str, ...]:
        """The log categories that show it, each enough by itself."""
        verbs = self.verbs or self.counts
        return (KUBE_AUDIT,) if verbs and verbs <= _LEFT_OUT else (KUBE_AUDIT, KUBE_AUDIT_ADMIN)

    @property
    def blind_under_admin(self) -> str:
        """What of it cannot be seen where only kube-audit-admin is collected; "" for nothing."""
        verbs = self.verbs or self.counts
        if verbs and verbs <= _LEFT_OUT:
            return "all of it"
        if verbs and not verbs & _LEFT_OUT:
            return ""
        return (
            "clients that use WebSockets (kubectl 1.30 and newer)"
            if _STREAMS & {*self.kinds}
            else "gets and lists"
        )

    def severity_for(self, who: Who) -> Severity | None:
        """Return how much it matters when this actor does it; None where it does not fire."""
        return self.by.get(who, self.severity if who <= Who.WORKLOAD else None)

    def finding(
        self, severity: Severity, *, outcome: Outcome = Outcome.DONE, by: str = "", times: int = 0
    ) -> Finding:
        """Return it as a finding; the title tells of a failure and of a dry run, `refused` of a refusal.

        An attempt that was refused or failed matters one step less, but is never routine; a dry run is low at most.
        """
        is_less = outcome in (Outcome.REFUSED, Outcome.FAILED) and not self.is_about_refusal
        if is_less and severity > Severity.LOW:
            severity = Severity(severity - 1)
        if outcome is Outcome.DRY_RUN:
            severity = min(severity, Severity.LOW)
        return Finding(
            rule=self.id,
            title=f"{_BEFORE_TITLE.get(outcome, '')}{self.title}",
            severity=severity,
            refused=outcome is Outcome.REFUSED,
            threat=self.threat,
            technique=self.technique,
            by=shorten(by, MAX_USER),
            times=times,
        )

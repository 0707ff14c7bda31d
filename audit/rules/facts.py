"""One request as the rules see it: who, what, from where, with which outcome; each worked out once, when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

from audit.actor import PLATFORM_NAMESPACES, SERVICE_ACCOUNT, ActorKind, classify
from audit.commands import command_of
from audit.dry_run import is_dry_run
from audit.event import AuditEvent
from audit.rules.addresses import Address, last_address
from audit.rules.bodies import as_object, containers, elements, pod_specs
from audit.rules.command_lines import command_line
from audit.rules.known import is_known
from audit.untyped import at, mapping, texts

_NOTHING: Mapping[str, Any] = MappingProxyType({})
#: Namespaces that belong to the cluster and not to those who use it.
SYSTEM_NAMESPACES = PLATFORM_NAMESPACES | {"kube-public", "kube-node-lease"}


class Who(IntEnum):
    """Who is behind a request, as finely as the rules need it; of two, the first is the one that counts."""

    PERSON = 0
    ANONYMOUS = 1
    WORKLOAD = 2
    #: Bears a name as the platform's parts do, or lives in one of its namespaces, and is none of those we know: it
    #: is taken for the platform but for what is grave.
    UNKNOWN = 3
    #: Makes pods and jobs of what others ordered.
    CONTROLLER = 4
    NODE = 5
    PLATFORM = 6


_ANONYMOUS = frozenset(("system:anonymous", "system:unauthenticated"))
#: Names with the reserved prefix that are given to people: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
_SYSTEM_PEOPLE = frozenset(("system:admin", "system:master", "system:masters"))
_CONTROLLERS = frozenset(
    f"{SERVICE_ACCOUNT}kube-system:{name}"
    for name in (
        "cronjob-controller",
        "daemon-set-controller",
        "deployment-controller",
        "job-controller",
        "replicaset-controller",
        "replication-controller",
        "statefulset-controller",
    )
)
#: What joins nodes before they have a name, on AKS and elsewhere.
_JOINING = frozenset(("kubelet-bootstrap", "kubelet-nodepool-bootstrap", "nodeclient", "kubelet"))
_LONG_RUNNING = frozenset(("exec", "attach", "portforward", "proxy"))
#: Behind these the answer is another server's: only 401 and 403 can be the API server's own refusal.
_FORWARDED = frozenset(("proxy",))
_REFUSALS = frozenset((401, 403))
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = 500


def who_is(username: str, *, is_aks: bool) -> Who:
    """Tell who a user name stands for; on AKS the names of other clouds' control planes are nobody's."""
    if username in _ANONYMOUS:
        return Who.ANONYMOUS
    if username in _CONTROLLERS or username == "system:kube-controller-manager":
        return Who.CONTROLLER
    if username.startswith(("system:node:", "system:bootstrap:")) or username in _JOINING:
        return Who.NODE
    kind = classify(username)
    if kind is ActorKind.PERSON and not is_aks and _is_foreign_platform(username):
        return Who.PLATFORM
    if kind is not ActorKind.PLATFORM:
        return Who.PERSON if kind is ActorKind.PERSON else Who.WORKLOAD
    return Who.PLATFORM if is_known(username) else Who.UNKNOWN


def _is_foreign_platform(username: str) -> bool:
    return username.startswith(("system:", "eks:")) and username not in _SYSTEM_PEOPLE


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One request. Strings are hostile; "" and None are what is not known. `raw` is the event, or empty."""

    verb: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    user: str = ""
    impersonated: str = ""
    code: int | None = None
    decision: str = ""
    api_group: str = ""
    stage: str = ""
    uri: str = ""
    user_agent: str = ""
    addresses: tuple[str, ...] = ()
    is_aks: bool = True
    #: Azure cut the row: what is not in `raw` may have been there.
    is_cut: bool = False
    is_dry_run: bool = False
    raw: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        """Return what the rules need of an event."""
        uri = event.raw.get("requestURI")
        return cls(
            verb=event.verb,
            resource=event.resource,
            subresource=event.subresource,
            namespace=event.namespace,
            name=event.name,
            user=event.username,
            impersonated=event.impersonated,
            code=event.code,
            decision=event.decision,
            api_group=event.api_group,
            stage=event.stage,
            # The event's own is shortened, and a command line may be long.
            uri=uri if isinstance(uri, str) else event.uri,
            user_agent=event.user_agent,
            addresses=event.source_ips,
            is_aks=bool(event.cluster_id),
            is_cut=event.is_cut,
            is_dry_run=is_dry_run(event),
            raw=event.raw,
        )

    @property
    def kind(self) -> str:
        """The resource with its subresource: "pods/exec"."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def is_telling(self) -> bool:
        """Whether the stage tells an outcome; a request has up to three events.

        https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ has the stages.
        """
        if self.stage == "ResponseStarted":
            return self.subresource in _LONG_RUNNING or self.verb == "watch"
        return self.stage in ("", "ResponseComplete")

    @property
    def is_denied(self) -> bool:
        """Whether the API server refused because of who asked."""
        return self.code in _REFUSALS or self.decision == "forbid"

    @property
    def is_refused(self) -> bool:
        """Whether the request had no effect, because it was not allowed or not fit to be done."""
        if self.subresource in _FORWARDED:
            return self.decision == "forbid" or (self.decision == "" and self.is_denied)
        return self.is_denied or (self.code is not None and self.code in _CLIENT_ERRORS)

    @property
    def is_failed(self) -> bool:
        """Whether the API server failed at it: that is no success, and whether it had an effect is not known."""
        return self.subresource not in _FORWARDED and self.code is not None and self.code >= _SERVER_ERRORS

    @cached_property
    def who(self) -> Who:
        """Of the user and who they act as, the one that a reader wants to see first."""
        real = who_is(self.user, is_aks=self.is_aks)
        return min(real, who_is(self.impersonated, is_aks=self.is_aks)) if self.impersonated else real

    @property
    def is_service_account(self) -> bool:
        return self.user.startswith(SERVICE_ACCOUNT)

    @property
    def is_in_system_namespace(self) -> bool:
        return self.namespace in SYSTEM_NAMESPACES

    @cached_property
    def path(self) -> str:
        """The path of the URI, without its query."""
        return self.uri.partition("?")[0]

    @cached_property
    def address(self) -> Address | None:
        """The one address that the client cannot forge."""
        return last_address(self.addresses)

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The object that was sent, or what a patch sets of it; for a create also the object that came of it."""
        sent = self.raw.get("requestObject")
        if self.verb == "create" and not isinstance(sent, Mapping) and not self.is_refused:
            sent = self.raw.get("responseObject")
        return as_object(sent)

    @cached_property
    def pods(self) -> tuple[Mapping[str, Any], ...]:
        return pod_specs(self.body, self.resource)

    @cached_property
    def containers(self) -> tuple[Mapping[str, Any], ...]:
        return containers(self.pods)

    @cached_property
    def role_rules(self) -> tuple[Mapping[str, Any], ...]:
        """The rules of a role."""
        return tuple(elements(self.body.get("rules")))

    @cached_property
    def role_ref(self) -> str:
        """The role that a binding gives."""
        found = at(self.body, "roleRef", "name")
        return found if isinstance(found, str) else ""

    @cached_property
    def subjects(self) -> tuple[Mapping[str, Any], ...]:
        """Whom a binding gives a role to."""
        return tuple(elements(self.body.get("subjects")))

    @cached_property
    def command(self) -> tuple[str, ...]:
        """The command of an exec, word by word."""
        return command_of(self.uri, self.body)

    @cached_property
    def line(self) -> str:
        """The command of an exec as one line in lower case."""
        return command_line(self.command)

    @cached_property
    def impersonated_groups(self) -> tuple[str, ...]:
        return texts(at(self.raw, "impersonatedUser", "groups"))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        return texts(at(mapping(self.raw.get("user")), "groups"))

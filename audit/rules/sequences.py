"""Rules about several events of one window: bursts, and one thing soon after another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.event import AuditEvent
from audit.evidence import Finding, Severity
from audit.rules.facts import Facts, Who
from audit.rules.predicates import everywhere
from audit.rules.rule import BINDINGS, DELETES, PUTS, ROLES, WORKLOADS, WRITES, Outcome, Rule

_READS = frozenset(("get", "list", "watch"))
#: What somebody looks at who wants to know a cluster.
_TELLING_KINDS = frozenset(
    (
        *ROLES,
        *BINDINGS,
        "configmaps",
        "daemonsets",
        "deployments",
        "endpoints",
        "namespaces",
        "nodes",
        "persistentvolumes",
        "pods",
        "secrets",
        "serviceaccounts",
        "services",
    )
)
_RBAC_KINDS = frozenset((*ROLES, *BINDINGS))
_RUNS = frozenset(("pods", "pods/exec", "pods/ephemeralcontainers", *WORKLOADS))

SECRET_SWEEP = Rule(
    id="secret-sweep",
    title="Many secrets read by one actor in a short time",
    severity=Severity.HIGH,
    threat="MS-TA9025",
    technique="T1552.007",
    innocent="Backups, migrations and operators that hand secrets on read many of a namespace.",
    next_step="Treat what was read as known to the actor, and change it where the reason does not convince.",
    kinds=("secrets",),
    counts=frozenset(("get", "list")),
    by={Who.WORKLOAD: Severity.MEDIUM, Who.UNKNOWN: Severity.MEDIUM},
    can_judge_groups=False,
    is_sequence=True,
)
RIGHTS_THEN_WORKLOAD = Rule(
    id="rights-then-workload",
    title="Rights changed, and soon after something run by the same actor",
    severity=Severity.HIGH,
    threat="MS-TA9019",
    technique="T1098.006",
    innocent="Installing an application does both, in this order.",
    next_step="See whether the new rights are those of what was run.",
    kinds=(*ROLES, *BINDINGS, *WORKLOADS),
    counts=WRITES,
    by={Who.WORKLOAD: Severity.MEDIUM, Who.UNKNOWN: Severity.MEDIUM},
    can_judge_groups=False,
    is_sequence=True,
)
REFUSAL_BURST = Rule(
    id="refusal-burst",
    title="Many requests refused to one client in a short time",
    severity=Severity.MEDIUM,
    threat="MS-TA9029",
    technique="T1613",
    innocent="A controller that lost a role tries again and again.",
    by={Who.WORKLOAD: Severity.LOW, Who.UNKNOWN: Severity.LOW},
    next_step="See what was asked for: many different things are a search, one thing is a missing right.",
    can_judge_groups=False,
    is_sequence=True,
)
ANONYMOUS_SCAN = Rule(
    id="anonymous-scan",
    title="Many requests without a name in a short time",
    severity=Severity.MEDIUM,
    threat="MS-TA9005",
    technique="T1595",
    innocent="Everything that faces the internet is scanned all day.",
    next_step="Restrict the API server's authorized address ranges, or make the cluster private.",
    can_judge_groups=False,
    is_sequence=True,
)
RECON = Rule(
    id="reconnaissance",
    title="Many kinds of objects looked through by one actor in a minute",
    severity=Severity.MEDIUM,
    threat="MS-TA9029",
    technique="T1613",
    innocent="Dashboards and support scripts do this.",
    next_step="See which client it was, and what it did after that.",
    counts=frozenset(("get", "list")),
    can_judge_groups=False,
    is_sequence=True,
)
MASS_DELETE = Rule(
    id="mass-delete",
    title="Many objects deleted by one actor in a short time",
    severity=Severity.HIGH,
    threat="MS-TA9038",
    technique="T1485",
    innocent="Uninstalling an application deletes all that belongs to it; controllers clean up what is done.",
    next_step="Ask whether it was planned; if not, lock the account and restore.",
    counts=DELETES,
    by={Who.WORKLOAD: Severity.LOW, Who.UNKNOWN: Severity.LOW},
    can_judge_groups=False,
    is_sequence=True,
)

SEQUENCES = (SECRET_SWEEP, RIGHTS_THEN_WORKLOAD, MASS_DELETE, REFUSAL_BURST, ANONYMOUS_SCAN, RECON)

_SWEPT = 15
_SWEEP = timedelta(minutes=30)
_SOON = timedelta(minutes=5)
_REFUSALS = 10
_ANONYMOUS = 20
_KINDS = 6
#: Of those, what applications and their owners seldom have to look at.
_SENSITIVE_KINDS = frozenset((*ROLES, *BINDINGS, "secrets", "serviceaccounts"))
_SENSITIVE = 2
#: Actors that a rule names, those of most requests first; the others are one finding together.
_MOST_ACTORS = 10
_DELETED = 10
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class _Step:
    time: datetime
    facts: Facts

    audit_id: str = ""

    @property
    def thing(self) -> tuple[str, str, str]:
        return self.facts.kind, self.facts.namespace, self.facts.name

    @property
    def had_effect(self) -> bool:
        """Whether it was done, or turned down, which is told of; a failure and a dry run are neither."""
        return not (self.facts.is_failed or self.facts.is_dry_run)


_Find = Callable[[Sequence[_Step]], Sequence[_Step]]


def judge_sequences(events: Sequence[AuditEvent], facts: Sequence[Facts]) -> Iterator[Finding]:
    """Yield a finding for each sequence rule that holds and each actor that it holds for, with their requests counted.

    Past _MOST_ACTORS the others of a rule are one finding, by nobody in particular. `facts` are those of the events,
    in the same order. The platform's own doings count for nothing.
    """
    steps = sorted(
        (
            _Step(time=event.time, facts=one, audit_id=event.audit_id)
            for event, one in zip(events, facts, strict=True)
            if one.is_telling and one.who <= Who.UNKNOWN
        ),
        key=lambda step: step.time,
    )
    actors = _grouped((step for step in steps if step.had_effect), lambda step: step.facts.user)
    for rule, find in _PER_ACTOR:
        yield from _told(rule, (find(of_one) for of_one in actors))
    clients = _grouped(
        (step for step in steps if step.facts.is_denied),
        lambda step: (step.facts.addresses[-1:], step.facts.user_agent),
    )
    yield from _told(REFUSAL_BURST, (_many(of_one, _REFUSALS, _SOON, _place) for of_one in clients))
    nameless = [step for step in steps if step.facts.who is Who.ANONYMOUS]
    yield from _told(ANONYMOUS_SCAN, [_many(nameless, _ANONYMOUS, _SOON, _place)])


def _grouped(steps: Iterable[_Step], key: Callable[[_Step], Hashable]) -> list[list[_Step]]:
    found: defaultdict[Hashable, list[_Step]] = defaultdict(list)
    for step in steps:
        found[key(step)].append(step)
    return list(found.values())


def _told(rule: Rule, found: Iterable[Sequence[_Step]]) -> Iterator[Finding]:
    """Yield the rule's finding for each actor's steps, refused where all of them were."""
    taken = [(_times(steps), steps) for steps in found if steps]
    taken.sort(key=lambda each: -each[0])
    if len(taken) > _MOST_ACTORS:
        rest = taken[_MOST_ACTORS - 1 :]
        taken[_MOST_ACTORS - 1 :] = [
            (sum(times for times, _ in rest), [step for _, steps in rest for step in steps])
        ]
    for times, steps in taken:
        users = {step.facts.user for step in steps}
        # The first to be shown is the one that counts, as with two names of one actor.
        severity = rule.severity_for(min(step.facts.who for step in steps))
        outcome = Outcome.REFUSED if all(step.facts.is_refused for step in steps) else Outcome.DONE
        if severity is not None:
            yield rule.finding(
                severity, outcome=outcome, by=users.pop() if len(users) == 1 else "", times=times
            )


def _times(steps: Sequence[_Step]) -> int:
    """Count requests: what the log tells twice (two stages) is one."""
    return len({(step.audit_id, _place(step)) for step in steps})


def _many(
    steps: Sequence[_Step], least: int, within: timedelta, key: Callable[[_Step], Hashable]
) -> Sequence[_Step]:
    """Return all steps that lie in a span of time of `within` that holds `least` different keys; none: empty."""
    found: list[_Step] = []
    first = taken = 0
    seen: Counter[Hashable] = Counter()
    for at, step in enumerate(steps):
        seen[key(step)] += 1
        while step.time - steps[first].time > within:
            gone = key(steps[first])
            seen[gone] -= 1
            if not seen[gone]:
                del seen[gone]
            first += 1
        if len(seen) >= least:
            found += steps[max(first, taken) : at + 1]
            taken = at + 1
    return found


def _place(step: _Step) -> Hashable:
    # Retries count: each is a request of its own. What the log tells twice (two stages) is one.
    return step.time, step.facts.verb, step.thing, step.facts.path


def _sweep(steps: Sequence[_Step]) -> Sequence[_Step]:
    secrets = [step for step in steps if step.facts.resource == "secrets" and step.facts.verb in _READS]
    whole = [
        step
        for step in secrets
        if step.facts.verb == "list" and everywhere(step.facts) and _is_a_person(step)
    ]
    return whole or _many(
        [step for step in secrets if step.facts.name], _SWEPT, _SWEEP, lambda step: step.thing
    )


def _is_a_person(step: _Step) -> bool:
    # Operators list everything when they start; that is a finding of its own already.
    return step.facts.who < Who.WORKLOAD


def _rights_then_workload(steps: Sequence[_Step]) -> Sequence[_Step]:
    changed: _Step | None = None
    for step in steps:
        if step.facts.is_refused:
            continue
        if step.facts.kind in _RBAC_KINDS and step.facts.verb in PUTS:
            changed = step
        elif _runs(step.facts) and changed is not None and step.time - changed.time <= _SOON:
            return (changed, step)
    return ()


def _runs(facts: Facts) -> bool:
    return facts.kind in _RUNS and (facts.verb in PUTS or facts.subresource == "exec")


def _deleted(steps: Sequence[_Step]) -> Sequence[_Step]:
    deletes = [step for step in steps if step.facts.verb in DELETES and step.facts.resource != "events"]
    return _many(deletes, _DELETED, _SOON, lambda step: step.thing)


def _recon(steps: Sequence[_Step]) -> Sequence[_Step]:
    looks = [
        step
        for step in steps
        if step.facts.kind in _TELLING_KINDS and step.facts.verb in ("get", "list") and _is_a_person(step)
    ]
    found = _many(looks, _KINDS, _MINUTE, lambda step: step.facts.resource)
    # Without these it is `kubectl get all`, or a dashboard's first page.
    sensitive = {step.facts.resource for step in found} & _SENSITIVE_KINDS
    return found if len(sensitive) >= _SENSITIVE else ()


#: What is looked for in the steps of each actor.
_PER_ACTOR: tuple[tuple[Rule, _Find], ...] = (
    (SECRET_SWEEP, _sweep),
    (RIGHTS_THEN_WORKLOAD, _rights_then_workload),
    (MASS_DELETE, _deleted),
    (RECON, _recon),
)

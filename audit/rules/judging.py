"""Which rules fire on events, on groups that were only counted, and on a window as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from audit.event import AuditEvent
from audit.evidence import Finding
from audit.rules.facts import Facts, Who
from audit.rules.rule import API_GROUPS, WORKLOADS, Outcome, Rule
from audit.rules.sequences import SEQUENCES, judge_sequences
from audit.rules.table_access import ACCESS
from audit.rules.table_cluster import CLUSTER
from audit.rules.table_exec import IN_PODS
from audit.rules.table_pods import PODS_AND_WORKLOADS
from audit.rules.table_rbac import RBAC

_TABLES = (*IN_PODS, *ACCESS, *RBAC, *PODS_AND_WORKLOADS, *CLUSTER)

#: All rules by their ids, in the order of docs/rules.md.
RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in (*_TABLES, *SEQUENCES)})


def _by_kind() -> Mapping[str, tuple[Rule, ...]]:
    """Sort the rules by kind, those for every kind with each, so that a request meets few of them."""
    kinds = {kind for rule in _TABLES for kind in rule.kinds}
    return {
        kind: tuple(rule for rule in _TABLES if not rule.kinds or kind in rule.kinds) for kind in (*kinds, "")
    }


_OF_KIND = _by_kind()
_OF_GROUPS = {
    kind: tuple(rule for rule in rules if rule.can_judge_groups) for kind, rules in _OF_KIND.items()
}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the rules say about the events of a window."""

    #: Parallel to the events; riskiest first.
    of_event: tuple[tuple[Finding, ...], ...]
    #: Of several events together: bursts and sequences; riskiest first.
    over_all: tuple[Finding, ...]


def judge(events: Sequence[AuditEvent]) -> Judgement:
    """Judge the events of one window, in any order. Never raises; the time taken grows with n log n at most."""
    facts = [Facts.of(event) for event in events]
    return Judgement(
        of_event=tuple(_findings(one, _OF_KIND) for one in facts),
        over_all=_riskiest_first(judge_sequences(events, facts)),
    )


def judge_request(
    *,
    verb: str,
    resource: str,
    subresource: str,
    namespace: str,
    name: str,
    user: str,
    code: int | None,
    decision: str,
    api_group: str = "",
) -> tuple[Finding, ...]:
    """Judge requests that were only counted, by what groups have in common; riskiest first.

    Rules that look into bodies, addresses, user agents or URIs are silent here: `Rule.can_judge_groups`.
    """
    facts = Facts(
        verb=verb,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
        user=user,
        code=code,
        decision=decision,
        api_group=api_group,
    )
    return _findings(facts, _OF_GROUPS)


def _findings(facts: Facts, rules: Mapping[str, tuple[Rule, ...]]) -> tuple[Finding, ...]:
    if not facts.is_telling or _is_clusters_own(facts):
        return ()
    groups = API_GROUPS.get(facts.resource)
    is_another = facts.api_group != "" and groups is not None and facts.api_group not in groups
    kind = "" if is_another else facts.kind
    return _riskiest_first(_fired(facts, rules.get(kind, rules[""])))


def _is_clusters_own(facts: Facts) -> bool:
    """Whether a controller tends to the cluster's own parts, from where it belongs."""
    is_its_work = facts.who is Who.CONTROLLER and facts.kind in ("pods", *WORKLOADS)
    is_inside = facts.address is None or not facts.address.is_global
    return is_its_work and is_inside and facts.is_in_system_namespace


def _fired(facts: Facts, rules: Iterable[Rule]) -> Iterator[Finding]:
    for rule in rules:
        if rule.verbs and facts.verb not in rule.verbs:
            continue
        severity = rule.severity_for(facts.who)
        if severity is None or (rule.is_about_refusal and not facts.is_denied):
            continue
        if rule.fires(facts):
            yield rule.finding(severity, outcome=_outcome(facts, rule))


def _outcome(facts: Facts, rule: Rule) -> Outcome:
    if facts.is_refused or rule.is_about_refusal:
        return Outcome.REFUSED
    if facts.is_dry_run:
        return Outcome.DRY_RUN
    return Outcome.FAILED if facts.is_failed else Outcome.DONE


def _riskiest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by severity; among equals a table's own order, which has the telling ones first."""
    return tuple(sorted(findings, key=lambda finding: -finding.severity))

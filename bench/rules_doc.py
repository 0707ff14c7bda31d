"""python -m bench.rules_doc: write docs/rules.md anew from the table of rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audit.rules import RULES, Body, Rule
from audit.rules.facts import Who
from audit.rules.table_access import ACCESS
from audit.rules.table_cluster import CLUSTER
from audit.rules.table_exec import IN_PODS
from audit.rules.table_pods import PODS_AND_WORKLOADS
from audit.rules.table_rbac import RBAC
from audit.threats import TECHNIQUES, THREATS, technique_link, threat_link

PATH = Path(__file__).parents[1] / "docs/rules.md"

_HEAD = """# Risk rules

Made from the tables in `audit/rules/` by `python -m bench.rules_doc`. How they fare against other vendors' samples:
`make evidence`.

A rule fires on people, on requests without a name and on workloads, never on what the platform does as it always
does. What no part of it does as part of its work counts for it too; and at what is grave, so does an account that only
looks like the platform's: one in its namespaces that is none of those we know, such as kube-system:default. Pods that a
controller makes as somebody ordered are *routine*. An attempt that the API server refused is shown as *refused* and
counts one step less, as does one that it failed at (5xx); a dry run is low at most. "Blind" is what cannot be seen where only the category kube-audit-admin is collected,
which leaves out every get and list; typed tables go by the same categories (AKSAudit, AKSAuditAdmin).
"""
_PARTS = (
    ("Commands in pods", IN_PODS),
    ("Getting in", ACCESS),
    ("Rights", RBAC),
    ("What runs", PODS_AND_WORKLOADS),
    ("The cluster itself", CLUSTER),
    ("Several events of one window", tuple(rule for rule in RULES.values() if rule.is_sequence)),
)
_BY = {
    Who.PERSON: "a person",
    Who.ANONYMOUS: "nobody in particular",
    Who.WORKLOAD: "a workload",
    Who.UNKNOWN: "an account that only looks like the platform's",
    Who.CONTROLLER: "a controller",
    Who.NODE: "a node",
    Who.PLATFORM: "another part of the platform",
}
#: What the log cannot tell, or not without something that this bot does not have.
_UNDECIDED = (
    ("Unusual client for a change", "needs what was usual before; the card says so as *first seen*"),
    ("Address of Tor or a known attacker", "needs a list of addresses that somebody keeps"),
    ("Namespace or image that is not allowed", "needs a list of your own; namespaces are shown as created"),
    (
        "Pod with a name like a system pod's",
        "every name of a pod is like another; *pod-in-system-namespace* is what can be told",
    ),
    (
        "What was typed in a shell, or sent through a forwarded port",
        "the API server sees the stream open, not what is in it",
    ),
    (
        "Access to the cloud's resources from a pod",
        "is in Azure's activity log and Entra ID's sign-ins, not in this log",
    ),
    (
        "Container logs cleared, network scanned, mining",
        "happens inside containers; the API server is not asked",
    ),
    (
        "Long-lived tokens as secrets of a service account",
        "the type of a secret stands in its body, which AKS does not log",
    ),
)


def document() -> str:
    """Return docs/rules.md as it should be."""
    return "\n".join((_HEAD, *_overview(), *_details(), *_undecided()))


def _overview() -> Iterator[str]:
    yield "| Rule | Severity | Threat matrix | ATT&CK | Blind under kube-audit-admin alone | Body needed |"
    yield "|---|---|---|---|---|---|"
    for rule in RULES.values():
        yield (
            f"| [{rule.id}](#{rule.id}) | {rule.severity.name.lower()} | {_threat(rule)} | {_technique(rule)}"
            f" | {rule.blind_under_admin or 'nothing'} | {rule.body} |"
        )
    yield ""


def _details() -> Iterator[str]:
    for title, rules in _PARTS:
        yield f"## {title}\n"
        for rule in rules:
            yield from _detail(rule)


def _detail(rule: Rule) -> Iterator[str]:
    yield f"### {rule.id}\n"
    yield f"**{rule.title}** · {_severity(rule)}\n"
    yield f"- Threat: {THREATS[rule.threat]} ({_threat(rule)}); {TECHNIQUES[rule.technique]} ({_technique(rule)})"
    yield f"- Seen in: {_seen_in(rule)}"
    yield f"- Can be innocent: {rule.innocent}"
    yield f"- Next: {rule.next_step}\n"


def _severity(rule: Rule) -> str:
    others = ((who, severity) for who, severity in rule.by.items() if severity != rule.severity)
    words = (f"{severity.name.lower()} by {_BY[who]}" for who, severity in others if severity is not None)
    silent = (f"silent for {_BY[who]}" for who, severity in rule.by.items() if severity is None)
    return ", ".join((rule.severity.name.lower(), *words, *silent))


def _seen_in(rule: Rule) -> str:
    enough = " or ".join(rule.needs)
    blind = (
        f" (the latter misses {rule.blind_under_admin})"
        if rule.blind_under_admin and len(rule.needs) > 1
        else ""
    )
    body = "" if rule.body is Body.NONE else f"; a body is {rule.body}"
    groups = "" if rule.can_judge_groups else "; single events only, not groups that were only counted"
    return f"{enough}{blind}{body}{groups}"


def _threat(rule: Rule) -> str:
    return f"[{rule.threat}]({threat_link(rule.threat)})" if rule.threat else ""


def _technique(rule: Rule) -> str:
    return f"[{rule.technique}]({technique_link(rule.technique)})" if rule.technique else ""


def _undecided() -> Iterator[str]:
    yield "## What no rule decides\n"
    yield from (f"- {what}: {why}." for what, why in _UNDECIDED)
    yield ""


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")

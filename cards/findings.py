"""What the risk rules found, in lines: how risky, what, and by which names others know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.evidence import Evidence, Finding, Group, Severity
from audit.rules import RULES
from cards import words
from cards.elements import RichTextBlock, TextRun
from cards.order import unfolded
from cards.size import Detail
from cards.text import counted, joined, line, plain, run

#: Of one group, and over all events.
_MOST = 3
_COLORS = {Severity.CRITICAL: "attention", Severity.HIGH: "attention", Severity.MEDIUM: "warning"}


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to make of a finding: our own words, "" where a rule is not known (any more)."""

    next_step: str = ""
    #: How it can be innocent.
    innocent: str = ""


@dataclass(frozen=True, kw_only=True)
class Riskiest:
    """The finding that an incident is about; `group` is None for one over several events."""

    finding: Finding
    group: Group | None = None
    #: For how many groups that stands.
    of: int = 1


def advice(finding: Finding) -> Advice:
    """Return what the rule advises; nothing for one that evidence of another version names."""
    rule = RULES.get(finding.rule)
    return Advice(next_step=rule.next_step, innocent=rule.innocent) if rule else Advice()


def riskiest(evidence: Evidence) -> Riskiest | None:
    """Return the finding to begin with: by risk, then people's before others', what was done before what was tried.

    Of several so alike that of most groups comes first: twelve deployments before the one secret that goes with them.
    None where nothing is above routine: what the platform does as always is no headline of its own.
    """
    if evidence.missing:
        return None
    found = [
        (-each.severity, placed.group.actor, each.refused, -placed.of, placed.group.first, n, each, placed)
        for n, placed in enumerate(unfolded(evidence))
        for each in placed.group.findings
        if each.severity > Severity.ROUTINE
    ]
    best = min(found, key=lambda each: each[:6], default=None)
    over_all = max(evidence.findings, key=lambda each: (each.severity, not each.refused), default=None)
    if over_all and over_all.severity > (-best[0] if best else Severity.ROUTINE):
        return Riskiest(finding=over_all)
    return Riskiest(finding=best[6], group=best[7].group, of=best[7].of) if best else None


def is_routine(evidence: Evidence) -> bool:
    """Tell whether the rules know all of it as what the platform always does."""
    groups = () if evidence.missing else evidence.groups
    routine = all(group.findings and group.severity is Severity.ROUTINE for group in groups)
    return bool(groups) and routine and not evidence.findings


def others_than(evidence: Evidence, first: Riskiest) -> int:
    """Count the findings above routine beside the first one, on lines of their own and over several events."""
    on_groups = [each for placed in unfolded(evidence) for each in placed.group.findings]
    return sum(each.severity > Severity.ROUTINE for each in (*on_groups, *evidence.findings)) - (
        first.finding.severity > Severity.ROUTINE
    )


def finding_lines(found: Sequence[Finding], detail: Detail) -> list[RichTextBlock]:
    """Return a line for each finding, riskiest first, and how many more there are."""
    shown = found[: min(_MOST, detail.groups)]
    lines = [line(*_parts(each, detail), spacing="none") for each in shown]
    more = len(found) - len(shown)
    return [*lines, line(f"{counted(more, 'more finding')}.", spacing="none")] if more > 0 else lines


def over_all_lines(evidence: Evidence, detail: Detail) -> list[RichTextBlock]:
    """Return the findings over several events."""
    found = sorted(evidence.findings, key=lambda each: -each.severity)
    lines = [
        line(*_parts(each, detail), run(" · over several events", subtle=True), spacing="small")
        for each in found[: min(_MOST, detail.groups)]
    ]
    more = len(found) - min(_MOST, detail.groups)
    return [*lines, line(f"{counted(more, 'more finding')} over several events.")] if more > 0 else lines


def _parts(found: Finding, detail: Detail) -> list[TextRun]:
    color = _COLORS.get(found.severity, "default")
    ids = joined(plain(each, detail.text) for each in (found.threat, found.technique))
    return [
        run(f"{words.RISKS[found.severity]}: ", weight="bolder", color=color),
        run(words.finding(found, detail.text)),
        *([run(f" · {ids}", subtle=True, size="small")] if ids else []),
    ]

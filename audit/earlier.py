"""What is kept of an earlier alert's window once a newer alert's takes its place on the card."""

from __future__ import annotations

from audit.evidence import Earlier, Evidence, Group, Severity
from audit.untyped import shorten

#: Windows of an incident that are told besides the newest.
MOST_EARLIER = 10
LONGEST_HEADLINE = 200
_SUCCEEDED = range(100, 400)


def carried(known: Evidence, found: Evidence, counted: float | None) -> tuple[Earlier, ...]:
    """Return the earlier windows that evidence of `found` must tell: those of `known`, and its own if it is another.

    `counted` is what the alert of the window of `known` said that it counted, None where that is not known. Windows
    are the same if their ends are: of a long one what was asked for begins later than what the alert says. What is
    missing is kept as such, with nothing counted. Oldest first, the newest MOST_EARLIER.
    """
    told = {each.window.end: each for each in known.earlier}
    window = known.window
    if window is not None and (found.window is None or window.end != found.window.end):
        told[window.end] = Earlier(
            window=window,
            counted=counted,
            returned=0 if known.missing else known.returned,
            by_people=0 if known.missing else known.by_people,
            missing=known.missing,
            headline="" if known.missing else headline(known),
        )
    if found.window is not None:
        told.pop(found.window.end, None)
    return tuple(told[end] for end in sorted(told))[-MOST_EARLIER:]


def headline(evidence: Evidence) -> str:
    """Return the riskiest thing in the evidence in plain words, else its first group's; "" for nothing. Hostile text."""
    over_all = max(evidence.findings, key=lambda finding: finding.severity, default=None)
    group = max(evidence.groups, key=lambda group: group.severity, default=None)
    if over_all and over_all.severity > max(Severity.ROUTINE, group.severity if group else Severity.ROUTINE):
        return shorten(over_all.title, LONGEST_HEADLINE)
    return shorten(_deed(group), LONGEST_HEADLINE) if group else ""


def _deed(group: Group) -> str:
    finding = max(group.findings, key=lambda finding: finding.severity, default=None)
    title = f"{finding.title}: " if finding and finding.severity > Severity.ROUTINE else ""
    if group.action is None:
        done = f"{group.verb} {group.resource or group.uri}".strip()
    elif group.code is None:
        done = f"asked to {group.action.base}"
    else:
        done = group.action.done if group.code in _SUCCEEDED else f"tried to {group.action.base}"
    return f"{title}{group.user} {done}".strip()

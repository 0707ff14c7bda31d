"""The first lines of an incident: what happened, where, who did it, did it work. The phone's notification shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.alert import Alert, resource_name
from audit.event import ActorKind
from audit.evidence import Evidence, Group, Severity
from audit.incident import Incident, State
from audit.origin import Origin
from cards import missing, words
from cards.findings import Riskiest, is_routine, others_than, riskiest
from cards.order import events_of, unfolded
from cards.text import Times, counted, joined, named, plain

_NOBODY = "(no name)"
#: A person is named in the second line; that it was none is worth knowing in the first.
_SUBJECTS = {
    ActorKind.PERSON: "",
    ActorKind.WORKLOAD: "a workload ",
    ActorKind.PLATFORM: "the platform ",
}


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The lines in their order; `status` is empty as long as nothing has become of the incident."""

    status: str
    severity: str
    what: str
    where: str
    who: str

    @property
    def lines(self) -> tuple[str, ...]:
        event = joined((self.severity, self.what, self.where))
        return tuple(text for text in (self.status, event, self.who) if text)


def headline(incident: Incident, alert: Alert, evidence: Evidence, times: Times, limit: int) -> Headline:
    """Derive the lines from the evidence: its riskiest finding, else what was done.

    Without evidence the alert's own name stands for what happened, and Azure's word for how severe it is.
    """
    leading, first = leaders(evidence), riskiest(evidence)
    group = first.group if first else None
    return Headline(
        status=" ".join(filter(None, (_test(alert, limit), status(incident, times, limit, alert.origin)))),
        severity=_severity(incident, alert, evidence, first, limit),
        what=_finding(first, limit) or (_what(leading, limit) if leading else _rule(incident, alert, limit)),
        where=plain(
            (group and group.cluster) or incident.subject_name or resource_name(alert.subject), limit
        ),
        who=_incomplete(evidence) + _who(evidence, first, leading, limit) if leading else _nobody(evidence),
    )


def _test(alert: Alert, limit: int) -> str:
    """Say it before all else: nobody shall run for a test."""
    return plain(alert.description, 2 * limit) if alert.origin is Origin.TEST else ""


def status(incident: Incident, times: Times, limit: int, origin: Origin = Origin.AZURE) -> str:
    """Say what has become of the incident; "" while it is only fired."""
    taken = incident.acknowledgement
    by = f"cknowledged by {named(taken.by.name, _NOBODY, limit)} {times.at(taken.at)}" if taken else ""
    if incident.state is State.RESOLVED:
        over = f", {times.at(incident.resolved_at)}" if incident.resolved_at else ""
        ended = "Azure says it is over" if origin is Origin.AZURE else "Ended by itself"
        return f"{ended}{over}. {f'A{by}' if by else 'Nobody acknowledged'}."
    return f"A{by}" if by else ""


def leaders(evidence: Evidence) -> Sequence[Group]:
    """Return the groups that the headline is about: those of people, else of workloads, else of the platform."""
    if evidence.missing or not evidence.groups:
        return ()
    first = min(group.actor for group in evidence.groups)
    if first is ActorKind.PLATFORM:
        return evidence.groups
    return [placed.group for placed in unfolded(evidence) if placed.group.actor is first]


def _rule(incident: Incident, alert: Alert, limit: int) -> str:
    name = named(incident.rule or alert.rule, "(rule without a name)", limit)
    return f"Test notification for {name}" if alert.is_test else name


def _severity(
    incident: Incident, alert: Alert, evidence: Evidence, first: Riskiest | None, limit: int
) -> str:
    """Return how risky it is where the rules say so, else Azure's word."""
    if first:
        return words.RISKS[first.finding.severity]
    if is_routine(evidence):
        return words.RISKS[Severity.ROUTINE]
    return words.severity(incident.severity or alert.severity, limit)


def _finding(first: Riskiest | None, limit: int) -> str:
    return words.finding(first.finding, limit) if first else ""


def _what(leading: Sequence[Group], limit: int) -> str:
    group = leading[0]
    act = f"{_SUBJECTS[group.actor]}{words.act(group, limit, short=True)}"
    kind = words.outcome_of(group.code)
    ended = f": {kind}" if kind in {words.Outcome.REFUSED, words.Outcome.FAILED} else ""
    others = sum(map(words.requests, leading)) - words.requests(group)
    more = f", and {counted(others, 'other action')}" if others else ""
    return f"{act[:1].upper()}{act[1:]}{ended}{more}"


def _who(evidence: Evidence, first: Riskiest | None, leading: Sequence[Group], limit: int) -> str:
    if first is None:
        return _actions(leading, limit)
    if first.group is None:
        # Of a finding over several events the one it is about is named, and nobody else.
        by, often = first.finding.by, counted(first.finding.times, "event")
        return f"{plain(by, limit)}: {often}" if by.strip() else _actions(leading, limit)
    others = others_than(evidence, first)
    # Not "below": of many there may be no room for all.
    more = f"; {counted(others, 'more finding')}" if others else ""
    return f"{words.sentence(first.group, limit, of=first.of)}{more}"


def _actions(leading: Sequence[Group], limit: int) -> str:
    actor, count = leading[0].actor, sum(map(words.requests, leading))
    actions, ended = counted(count, "action"), words.outcomes(leading, limit)
    if actor is ActorKind.PLATFORM:
        return (
            f"{actions}, {'all ' if count > 1 else ''}by the platform: {words.users(leading, limit)}; {ended}"
        )
    if len(leading) == 1:
        return words.sentence(leading[0], limit)
    names = len({words.who(group, limit) for group in leading})
    many = f"{counted(names, *words.ACTOR_COUNTS[actor])}: " if names > 1 else ""
    return f"{actions} by {many}{words.users(leading, limit)}; {ended}"


def _incomplete(evidence: Evidence) -> str:
    """Warn where the sentence after it can only speak for a part."""
    if evidence.partial:
        return "In the part that was answered: "
    if evidence.events is not None:
        known = sum(group.count for group in evidence.groups)
        return f"Of the {counted(known, 'event')} looked at: " if known < events_of(evidence) else ""
    unread = evidence.returned - evidence.read - evidence.repeated
    return f"Of the {counted(evidence.read, 'row')} read: " if unread > 0 else ""


def _nobody(evidence: Evidence) -> str:
    if evidence.missing:
        return missing.not_known(evidence.missing)
    if evidence.returned:
        rows = counted(evidence.returned, "row")
        return f"The workspace returned {rows}; none could be read as an audit event."
    if evidence.table is not None:
        rows = counted(max(evidence.table.total, len(evidence.table.rows)), "row")
        return f"The alert's query returns a table of {rows}, not audit events."
    return "The audit log has no matching event in this window."

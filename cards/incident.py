"""The card of an incident: one function for its first post, every update and the answer to a click."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.alert import Alert
from audit.evidence import Evidence, Missing, Severity
from audit.incident import Incident, State
from audit.origin import Origin
from cards import missing
from cards.actions import acknowledge, open_in_logs, runbook, seen_before, show_raw_log
from cards.alert import alert_blocks, said_on_top
from cards.earlier import earlier_lines
from cards.elements import FULL_WIDTH, Action, AdaptiveCard, Container, RichTextBlock
from cards.findings import is_routine, riskiest
from cards.groups import group_blocks, has_events
from cards.headline import Headline, headline
from cards.numbers import number_lines
from cards.query import refused_query
from cards.size import ANSWER_ROOM, BUDGET, LADDER, Detail, fit
from cards.small_table import small_table_blocks
from cards.text import Times, counted, joined, line, named, plain, run, summary_text

_STYLES = {"Sev0": "attention", "Sev1": "attention", "Sev2": "warning"}
_RISKY = {
    Severity.CRITICAL: "attention",
    Severity.HIGH: "attention",
    Severity.MEDIUM: "warning",
    Severity.LOW: "accent",
}
#: So many blind spots are said as long as there is room for readable text: one that is missing would be a claim.
_BLIND_SPOTS = 8
_READABLE = 60
#: How what is not Azure's began.
_BEGAN = {Origin.RAISED: "raised", Origin.WATCH: "found", Origin.TEST: "begun"}
#: So many buttons are in sight; further ones stand under "…".
_IN_SIGHT = 4


def incident_card(
    incident: Incident,
    alert: Alert,
    evidence: Evidence,
    *,
    zone: ZoneInfo,
    logs_url: str = "",
    found_at: datetime | None = None,
    runbook_url: str = "",
    budget: int = BUDGET,
) -> dict[str, Any]:
    """Return the incident as it is now, as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    `zone` is that of the route; `logs_url` adds a button if it leads into the Azure portal. `found_at`: when the alert was
    found in Azure's own list; None for one that Azure delivered. `runbook_url`: the team's page for it, whose host the
    caller allows.
    """
    times = _times(incident, alert, zone)

    def build(detail: Detail) -> AdaptiveCard:
        top = headline(incident, alert, evidence, times, detail.text)
        body = [
            _head(top, incident, evidence),
            *_found(found_at, times),
            *_by_whom(alert, detail),
            *number_lines(alert, evidence, times, detail, cluster=incident.subject_id),
            *_doubts(evidence, alert, times, detail),
            *([] if evidence.missing else group_blocks(evidence, times, detail, key=incident.key)),
            *(small_table_blocks(evidence.table, detail) if evidence.table else []),
            *earlier_lines(evidence.earlier, times, detail),
            *_blind_spots(evidence, detail),
            *alert_blocks(alert, detail),
            *_foot(incident, alert, evidence, times, detail),
        ]
        actions = _actions(incident, evidence, logs_url, runbook_url)
        return AdaptiveCard.of(body, actions, msteams=FULL_WIDTH)

    return fit(build, budget - ANSWER_ROOM)


def incident_summary(
    incident: Incident,
    alert: Alert,
    evidence: Evidence,
    *,
    zone: ZoneInfo,
    found_at: datetime | None = None,
) -> str:
    """Return the card's first two lines as plain text, for the phone's notification; with the third where it was found."""
    times = _times(incident, alert, zone)
    top = headline(incident, alert, evidence, times, LADDER[0].text)
    return summary_text((*top.lines[:2], *([_not_delivered(found_at, times)] if found_at else [])))


def _times(incident: Incident, alert: Alert, zone: ZoneInfo) -> Times:
    return Times(zone=zone, day=_began(incident, alert)[1])


def _began(incident: Incident, alert: Alert) -> tuple[str, datetime]:
    """Return how and when it began. The alert at hand is the newest, so its time is the first one only if it is alone."""
    if incident.alert_count == 1 and alert.origin is not Origin.AZURE:
        return _BEGAN[alert.origin], incident.opened_at
    if incident.alert_count == 1 and alert.fired_at:
        return "fired", alert.fired_at
    return "opened", incident.opened_at


def _head(top: Headline, incident: Incident, evidence: Evidence) -> Container:
    """Show the lines that are the message, in a style that supports its words."""
    where = [run(f" · {top.where}", size="medium", subtle=True)] if top.where else []
    event = line(run(joined((top.severity, top.what)), weight="bolder", size="medium"), *where)
    first = [line(run(top.status, weight="bolder"))] if top.status else []
    return Container(
        items=[*first, event, line(top.who, spacing="small")], style=_style(incident, evidence), bleed=True
    )


def _found(found_at: datetime | None, times: Times) -> list[RichTextBlock]:
    """Say that the alert came late, and by which way: whoever waits for a webhook can look why."""
    return [line(run(_not_delivered(found_at, times), weight="bolder"), spacing="small")] if found_at else []


def _by_whom(alert: Alert, detail: Detail) -> list[RichTextBlock]:
    """Say who made it, where Azure did not; of a test the first line does."""
    if not said_on_top(alert) or alert.origin is Origin.TEST:
        return []
    return [line(run(alert.description, 3 * detail.text, weight="bolder"), spacing="small")]


def _not_delivered(found_at: datetime, times: Times) -> str:
    return f"Not delivered by Azure, found at {times.at(found_at)}"


def _style(incident: Incident, evidence: Evidence) -> str:
    if incident.state is State.RESOLVED:
        return "good"
    if incident.acknowledgement:
        return "emphasis"
    if first := riskiest(evidence):
        return _RISKY[first.finding.severity]
    return "accent" if is_routine(evidence) else _STYLES.get(incident.severity, "accent")


# --- doubts ----------------------------------------------------------------------------------------


def _doubts(evidence: Evidence, alert: Alert, times: Times, detail: Detail) -> list[Any]:
    """Say what is not known, why, and what happens next."""
    sentences = []
    if not evidence.missing and evidence.unreadable:
        rows = counted(evidence.unreadable, "row")
        sentences.append(f"{rows} could not be read as audit events; the raw log in the portal has them.")
    if evidence.missing:
        sentences.append(missing.what_next(evidence, times))
    is_refused = evidence.missing is Missing.REFUSED_QUERY
    word = "Why" if is_refused else "Detail"
    said = f"{word}: {plain(evidence.detail, 2 * detail.text)}" if evidence.detail.strip() else ""
    lines = [line(text, spacing="small") for text in (*sentences, said) if text]
    return [*lines, *(refused_query(alert, detail) if is_refused else [])]


def _blind_spots(evidence: Evidence, detail: Detail) -> list[RichTextBlock]:
    """Say what the log does not show, as far as it bears on this card."""
    most = max(_BLIND_SPOTS, detail.groups) if detail.text >= _READABLE else detail.groups
    shown = evidence.blind_spots[:most]
    return [
        line(run(text, 3 * detail.text, size="small", subtle=True), spacing="small")
        for text in shown
        if text.strip()
    ]


# --- the foot --------------------------------------------------------------------------------------


def _foot(
    incident: Incident, alert: Alert, evidence: Evidence, times: Times, detail: Detail
) -> list[RichTextBlock]:
    # The offset is stated once: beside the window where there is one.
    stated = "" if evidence.window or alert.window else f" ({times.stated()})"
    began, when = _began(incident, alert)
    facts = (
        f"#{incident.number}",
        named(incident.rule or alert.rule, "(rule without a name)", detail.text),
        plain(incident.severity, detail.text),
        f"{began} {times.dated(when)}{stated}",
        _joined_alerts(incident, alert, times),
        _ends(incident, alert, times),
    )
    lines = [line(run(joined(facts), size="small", subtle=True), separator=True, spacing="medium")]
    so_far = _so_far(incident, alert, times, detail.text)
    if len(so_far) > 1:
        story = f"So far: {joined(so_far[-3:])}"
        lines.append(line(run(story, size="small", subtle=True), spacing="none"))
    return lines


def _joined_alerts(incident: Incident, alert: Alert, times: Times) -> str:
    if incident.alert_count < 2:  # noqa: PLR2004
        return ""
    last = f", the last fired {times.at(alert.fired_at)}" if alert.fired_at else ""
    return f"{incident.alert_count:,} alerts so far{last}"


def _ends(incident: Incident, alert: Alert, times: Times) -> str:
    """Say when it is over, where Azure will not."""
    if alert.ends_at is None or incident.state is State.RESOLVED:
        return ""
    return f"ends by itself {times.dated(alert.ends_at)}"


def _so_far(incident: Incident, alert: Alert, times: Times, limit: int) -> list[str]:
    """Return what happened so far, in the order in which it happened."""
    began, when = _began(incident, alert)
    story = [(when, began)]
    if incident.acknowledgement:
        by = named(incident.acknowledgement.by.name, "(no name)", limit)
        story.append((incident.acknowledgement.at, f"acknowledged by {by}"))
    if incident.resolved_at:
        by = "resolved by Azure" if alert.origin is Origin.AZURE else "ended by itself"
        story.append((incident.resolved_at, by))
    return [f"{text} {times.at(at)}" for at, text in story[:1] + sorted(story[1:])]


def _actions(incident: Incident, evidence: Evidence, logs_url: str, runbook_url: str) -> list[Action]:
    """Return the buttons, the likely one first; those that are too many for a glance under "…"."""
    first = [] if incident.acknowledgement else [acknowledge(incident.key)]
    has_groups = not evidence.missing and bool(evidence.groups)
    raw = [show_raw_log(incident.key)] if has_groups and has_events(evidence.groups) else []
    before = [seen_before(incident.key)] if has_groups else []
    actions: list[Action] = [*first, *raw, *open_in_logs(logs_url), *runbook(runbook_url), *before]
    for action in actions[_IN_SIGHT:]:
        action.mode = "secondary"
    return actions

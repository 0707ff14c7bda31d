"""The card of an incident: one function for its first post, every update and the answer to a click."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.alert import Alert
from audit.evidence import Evidence, Since
from audit.incident import Incident, State
from cards import missing
from cards.actions import acknowledge, open_in_logs, show_raw_log
from cards.alert import alert_blocks
from cards.elements import FULL_WIDTH, Action, AdaptiveCard, Container, RichTextBlock
from cards.groups import group_blocks, has_events
from cards.headline import Headline, headline
from cards.size import ANSWER_ROOM, BUDGET, LADDER, Detail, fit
from cards.text import Times, counted, joined, line, named, number, plain, run, summary_text

_STYLES = {"Sev0": "attention", "Sev1": "attention", "Sev2": "warning"}
_WHY_DIFFER = " (the alert's payload does not say why they differ)"


def incident_card(
    incident: Incident,
    alert: Alert,
    evidence: Evidence,
    *,
    zone: ZoneInfo,
    logs_url: str = "",
    found_at: datetime | None = None,
    budget: int = BUDGET,
) -> dict[str, Any]:
    """Return the incident as it is now, as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    `zone` is that of the route; `logs_url` adds a button if it leads into the Azure portal. `found_at`: when the alert was
    found in Azure's own list; None for one that Azure delivered.
    """
    times = _times(incident, alert, zone)

    def build(detail: Detail) -> AdaptiveCard:
        top = headline(incident, alert, evidence, times, detail.text)
        body = [
            _head(top, incident),
            *_found(found_at, times),
            *_numbers(alert, evidence, times, detail.text),
            *_doubts(evidence, times, detail),
            *([] if evidence.missing else group_blocks(evidence, times, detail)),
            *alert_blocks(alert, detail),
            *_foot(incident, alert, evidence, times, detail),
        ]
        return AdaptiveCard.of(body, _actions(incident, evidence, logs_url), msteams=FULL_WIDTH)

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
    if incident.alert_count == 1 and alert.fired_at:
        return "fired", alert.fired_at
    return "opened", incident.opened_at


def _head(top: Headline, incident: Incident) -> Container:
    """Show the lines that are the message, in a style that supports its words."""
    where = [run(f" · {top.where}", size="medium", subtle=True)] if top.where else []
    event = line(run(joined((top.severity, top.what)), weight="bolder", size="medium"), *where)
    first = [line(run(top.status, weight="bolder"))] if top.status else []
    return Container(
        items=[*first, event, line(top.who, spacing="small")], style=_style(incident), bleed=True
    )


def _found(found_at: datetime | None, times: Times) -> list[RichTextBlock]:
    """Say that the alert came late, and by which way: whoever waits for a webhook can look why."""
    return [line(run(_not_delivered(found_at, times), weight="bolder"), spacing="small")] if found_at else []


def _not_delivered(found_at: datetime, times: Times) -> str:
    return f"Not delivered by Azure, found at {times.at(found_at)}"


def _style(incident: Incident) -> str:
    if incident.state is State.RESOLVED:
        return "good"
    if incident.acknowledgement:
        return "emphasis"
    return _STYLES.get(incident.severity, "accent")


# --- numbers and doubts ----------------------------------------------------------------------------


def _numbers(alert: Alert, evidence: Evidence, times: Times, limit: int) -> list[RichTextBlock]:
    """Return what was counted by whom; where two counts differ, the card does not guess why."""
    window = evidence.window or alert.window
    counts = [f"Alert counted {number(alert.counted)}"] if alert.counted is not None else []
    if not evidence.missing:
        counts += _returned(alert, evidence)
    if window:
        counts.append(f"window {times.span(window)} ({times.stated()})")
    lines = [line(run(joined(counts), size="small"), spacing="small")] if counts else []
    if evidence.since and not evidence.missing:
        lines.append(line(_since(evidence.since, times, limit), spacing="small"))
    return lines


def _returned(alert: Alert, evidence: Evidence) -> list[str]:
    differ = alert.counted is not None and alert.counted != evidence.returned and not evidence.partial
    least = "at least " if evidence.partial else ""
    parts = [f"workspace returned {least}{evidence.returned:,}{_WHY_DIFFER if differ else ''}"]
    if evidence.read + evidence.repeated < evidence.returned:
        parts.append(f"{evidence.read:,} of {evidence.returned:,} read")
    if evidence.repeated:
        parts.append(f"{counted(evidence.repeated, 'row')} the same event again")
    by = f"{evidence.by_people:,} by people, {evidence.by_workloads:,} by workloads, {evidence.by_platform:,} by the platform"
    return [*parts, by]


def _since(since: Since, times: Times, limit: int) -> str:
    until = f"Since then, until {times.at(since.until)}: "
    if not since.returned:
        return f"{until}nothing more."
    last = f", last {times.at(since.last)}" if since.last else ""
    names = ", ".join(named(user, "(no user named)", limit) for user in since.new_users[:3])
    more = f" and {len(since.new_users) - 3} more" if len(since.new_users) > 3 else ""  # noqa: PLR2004
    return f"{until}{_by_whom(since)}{last}.{f' Not seen before: {names}{more}.' if names else ''}"


def _by_whom(since: Since) -> str:
    """Tell apart what was read; who was behind the rest is not known."""
    read, more = (since.returned, " more") if since.read is None else (since.read, "")
    others = read - since.by_people
    counts = [f"{since.by_people:,}{more} by people"] if since.by_people or not others else []
    counts += [f"{others:,}{more} by others"] if others else []
    all_of = "" if more else f"{since.returned:,} more; the newest {read:,} were read: "
    return f"{all_of}{', '.join(counts)}"


def _doubts(evidence: Evidence, times: Times, detail: Detail) -> list[RichTextBlock]:
    """Say what the numbers above cannot be relied on for, and what happens next."""
    sentences = []
    if not evidence.missing and evidence.partial:
        sentences.append("The workspace says that its answer is incomplete.")
    if not evidence.missing and evidence.unreadable:
        rows = counted(evidence.unreadable, "row")
        sentences.append(f"{rows} could not be read as audit events; the raw log in the portal has them.")
    if evidence.missing:
        sentences.append(missing.what_next(evidence, times))
    said = f"Detail: {plain(evidence.detail, 2 * detail.text)}" if evidence.detail.strip() else ""
    return [line(text, spacing="small") for text in (*sentences, said) if text]


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


def _so_far(incident: Incident, alert: Alert, times: Times, limit: int) -> list[str]:
    """Return what happened so far, in the order in which it happened."""
    began, when = _began(incident, alert)
    story = [(when, began)]
    if incident.acknowledgement:
        by = named(incident.acknowledgement.by.name, "(no name)", limit)
        story.append((incident.acknowledgement.at, f"acknowledged by {by}"))
    if incident.resolved_at:
        story.append((incident.resolved_at, "resolved by Azure"))
    return [f"{text} {times.at(at)}" for at, text in story[:1] + sorted(story[1:])]


def _actions(incident: Incident, evidence: Evidence, logs_url: str) -> list[Action]:
    """Return the buttons, the likely one first."""
    first = [] if incident.acknowledgement else [acknowledge(incident.key)]
    raw = [show_raw_log(incident.key)] if not evidence.missing and has_events(evidence.groups) else []
    return [*first, *raw, *open_in_logs(logs_url)]

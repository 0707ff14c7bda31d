"""Incidents that are not closed, newest first, each to be opened by pressing it: the answer to `open` and `mine`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.incident import Incident
from cards import words
from cards.elements import FULL_WIDTH, AdaptiveCard, Container
from cards.pressable import pressing
from cards.size import Detail, fit
from cards.storm import rank
from cards.text import Times, age, counted, joined, line, named, plain, run, summary_text

#: Ranks of severities that a row's style tells too.
_STYLES = {0: "attention", 1: "attention", 2: "warning"}


def incident_list_card(
    incidents: Sequence[Incident], *, total: int, mine: bool, at: datetime, zone: ZoneInfo, here: bool
) -> dict[str, Any]:
    """Return the list as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    `incidents`: the newest of `total`. `mine`: those that the asker acknowledged. `here`: those of this conversation;
    else those of all channels that the asker belongs to.
    """
    times = Times(zone=zone, day=at)

    def build(detail: Detail) -> AdaptiveCard:
        shown = incidents[: detail.events]
        first, second = _lines(len(shown), max(total, len(incidents)), mine, here)
        body: list[Any] = [
            line(run(first, weight="bolder", size="medium")),
            line(joined((second, f"{times.dated(at)} ({times.stated_by_name()})")), spacing="small"),
            *(_row(incident, times, detail) for incident in shown),
        ]
        return AdaptiveCard.of(body, [], msteams=FULL_WIDTH)

    return fit(build)


def incident_list_summary(incidents: Sequence[Incident], *, total: int, mine: bool, here: bool) -> str:
    """Return the card's first line, and the newest incident, as plain text for the phone's notification."""
    first, _ = _lines(len(incidents), max(total, len(incidents)), mine, here)
    newest = [_title(incidents[0], 80)] if incidents else []
    return summary_text((first, *newest))


def _lines(shown: int, total: int, mine: bool, here: bool) -> tuple[str, str]:
    where = "here" if here else "in your channels"
    of_mine = " that you acknowledged" if mine else ""
    if not total:
        return f"No open incidents {where}{of_mine}", _empty(mine)
    first = f"{counted(total, 'open incident')} {where}{of_mine}"
    listed = "All shown" if shown == total else f"The newest {shown:,} shown"
    return first, f"{listed}; press one to see its card"


def _empty(mine: bool) -> str:
    if mine:
        return "“open” lists those that nobody, or somebody else, acknowledged"
    return "An incident is open until Azure says that its alert is over"


def _row(incident: Incident, times: Times, detail: Detail) -> Container:
    """What it is; where, since when, and who has it."""
    title = line(
        run(f"#{incident.number} ", weight="bolder", color="accent"),
        run(_what(incident, detail.text), weight="bolder"),
    )
    facts = line(_facts(incident, times, detail.text), spacing="none")
    style = _STYLES.get(rank(incident.severity), "emphasis")
    waits = incident.acknowledgement is None
    return pressing(
        f"incident {incident.number}",
        [title, facts],
        style=style if waits else "emphasis",
        spacing="small",
    )


def _title(incident: Incident, limit: int) -> str:
    return f"#{incident.number} {_what(incident, limit)}"


def _what(incident: Incident, limit: int) -> str:
    severity = words.severity(incident.severity, limit)
    return joined((severity, named(incident.rule, "(rule without a name)", limit)))


def _facts(incident: Incident, times: Times, limit: int) -> str:
    opened = f"opened {times.at(incident.opened_at)}, {age(times.day - incident.opened_at)} ago"
    alerts = counted(incident.alert_count, "alert") if incident.alert_count > 1 else ""
    taken = "nobody acknowledged"
    if incident.acknowledgement is not None:
        by = named(incident.acknowledgement.by.name, "(no name)", limit)
        taken = f"acknowledged by {by} {times.at(incident.acknowledgement.at)}"
    return joined((plain(incident.subject_name, limit), opened, alerts, taken))

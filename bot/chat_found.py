"""A question asked, and its answer as it is to be drawn: which query and which card belong to which command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from audit.asked import Activity, Actors, Asked
from audit.evidence import Evidence, Group
from bot.asked import (
    AskActivity,
    AskCost,
    AskEvents,
    AskPerson,
    AskWho,
    ShowBlindSpots,
    ShowClusters,
)
from bot.asking import Asking
from bot.chat_lines import Timed, by_user, wider
from bot.everywhere import Subject
from bot.ports import Message
from cards.activity import activity_card, activity_summary
from cards.asked import asked_card, asked_summary
from cards.blindspots import blindspots_card, blindspots_summary
from cards.clusters import clusters_card, clusters_summary
from cards.cost import cost_card, cost_summary
from cards.timeline import timeline_card, timeline_summary
from cards.who import who_card, who_summary

#: A command that is answered by one card.
Drawable = AskEvents | AskWho | AskPerson | AskActivity | AskCost | ShowClusters | ShowBlindSpots

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the workspaces answered."""

    asked: Asked
    #: Draws the card of what was found, as it was asked. Slow: not for an event loop.
    draw: Callable[[Asked], Message]
    #: Events, or rows of another kind; None where nothing was counted.
    count: int | None
    #: What buttons on the card can ask about.
    groups: Sequence[Group] = ()


@dataclass(frozen=True, kw_only=True)
class Told:
    """How the answer is told, and to whom."""

    zone: ZoneInfo
    now: datetime
    longest: timedelta


class ChatFound:
    """Asks for what a command says, and chooses the card."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def of(self, command: Drawable, subject: Subject, told: Told) -> Found:
        """Ask. Raises NoneAnswered and InvalidTerm."""
        match command:
            case AskEvents():
                return await self._events(command, subject, told)
            case AskPerson():
                return await self._person(command, subject, told)
            case AskWho():
                return await self._who(command, subject, told)
            case AskActivity():
                return await self._activity(command, subject, told)
            case AskCost():
                return await self._cost(subject, told)
            case ShowClusters():
                return await self._clusters(subject, told)
            case ShowBlindSpots():
                return await self._blind_spots(subject, told)

    async def _events(self, command: AskEvents, subject: Subject, told: Told) -> Found:
        asked, evidence = await self._asking.events(subject)
        empty = await self._empty(command, subject, told, is_empty=not _count(evidence))

        def draw(asked: Asked) -> Message:
            card = asked_card(asked, evidence, zone=told.zone, top=command.top, **empty)
            words = asked_summary(asked, evidence, zone=told.zone, top=command.top)
            return Message(card=card, summary=words)

        return Found(asked=asked, draw=draw, count=_count(evidence), groups=evidence.groups)

    async def _person(self, command: AskPerson, subject: Subject, told: Told) -> Found:
        asked, evidence = await self._asking.events(subject)
        empty = await self._empty(command, subject, told, is_empty=not _count(evidence))

        def draw(asked: Asked) -> Message:
            card = timeline_card(asked, evidence, zone=told.zone, **empty)
            return Message(card=card, summary=timeline_summary(asked, evidence, zone=told.zone))

        return Found(asked=asked, draw=draw, count=_count(evidence), groups=evidence.groups)

    async def _who(self, command: AskWho, subject: Subject, told: Told) -> Found:
        asked, actors = await self._asking.actors(subject)
        empty = await self._empty(command, subject, told, is_empty=not actors.events)
        lines = _lines(command, actors)
        spots = self._asking.not_logged(subject.workspaces)

        def draw(asked: Asked) -> Message:
            card = who_card(
                asked, actors, zone=told.zone, top=command.top, lines=lines, blind_spots=spots, **empty
            )
            return Message(card=card, summary=who_summary(asked, actors, zone=told.zone))

        return Found(asked=asked, draw=draw, count=actors.events)

    async def _activity(self, command: AskActivity, subject: Subject, told: Told) -> Found:
        asked, activity = await self._asking.activity(subject)
        offered = wider(command, subject.wanted.window, told.now, told.longest)

        def draw(asked: Asked) -> Message:
            card = activity_card(asked, activity, zone=told.zone, wider=offered)
            return Message(card=card, summary=activity_summary(asked, activity, zone=told.zone))

        return Found(asked=asked, draw=draw, count=_in_steps(activity))

    async def _cost(self, subject: Subject, told: Told) -> Found:
        return _numbers(await self._asking.cost(subject), cost_card, cost_summary, told)

    async def _clusters(self, subject: Subject, told: Told) -> Found:
        asked, clusters = await self._asking.clusters(subject)
        found = _numbers((asked, clusters), clusters_card, clusters_summary, told)
        return replace(found, count=len(clusters.rows))

    async def _blind_spots(self, subject: Subject, told: Told) -> Found:
        asked, by_cluster = await self._asking.blind_spots(subject)
        found = _numbers((asked, by_cluster), blindspots_card, blindspots_summary, told)
        return replace(found, count=len(by_cluster))

    async def _empty(self, command: Timed, subject: Subject, told: Told, *, is_empty: bool) -> dict[str, Any]:
        """Return what a card says where nothing was found; what has to be asked for it only where that is so."""
        return {
            "wider": wider(command, subject.wanted.window, told.now, told.longest),
            "reaches_back_to": await self._asking.reaches_back_to() if is_empty else None,
        }


def _numbers(
    answer: tuple[Asked, Result],
    card: Callable[..., dict[str, Any]],
    summary: Callable[..., str],
    told: Told,
) -> Found:
    asked, result = answer

    def draw(asked: Asked) -> Message:
        return Message(
            card=card(asked, result, zone=told.zone), summary=summary(asked, result, zone=told.zone)
        )

    return Found(asked=asked, draw=draw, count=None)


def _count(evidence: Evidence) -> int:
    return evidence.events or 0


def _in_steps(activity: Activity) -> int:
    return sum(each.people + each.workloads + each.platform for each in activity.buckets)


def _lines(command: AskWho, actors: Actors) -> Mapping[str, str]:
    """Return by user the line that asks what that user did in the same time; only for whom there is such a line."""
    lines = {seen.user: by_user(command, seen.user) for seen in actors.rows}
    return {user: line for user, line in lines.items() if line}

"""Incidents that nobody but us tells of: raised from an answer, found by a watch, or made to try the way.

Each begins with an alert of our own (audit.asked_alert), so evidence, cards, acknowledgement and raw log are those of
any other. Azure will never say that it is over, so it ends by itself: a day after its last alert, a test sooner.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from audit.alert import parse_alert
from audit.asked_alert import AskedAlert, fired_body, resolved_body
from audit.filter import EventFilter, Wanted, Window
from audit.incident import Person, Why
from audit.origin import Origin, own_alert_id, workspace_target
from audit.untyped import shorten
from bot.asked_line import wanted_of, without_when
from bot.counting import Count, Counting
from bot.errors import OutsideError
from bot.ports import (
    Clock,
    Conversation,
    ConversationKind,
    Endings,
    Incidents,
    Kept,
    Recorded,
    Watched,
    Workspace,
)

log = logging.getLogger(__name__)

ENDS_AFTER = timedelta(days=1)
TEST_ENDS_AFTER = timedelta(minutes=10)
#: What a test asks for: the log is 3 to 10 minutes late, and a test without an event would show little.
TEST_SPAN = timedelta(minutes=15)
#: Nobody said how severe; what the risk rules find stands on the card anyway.
SEVERITY = "Sev3"
TEST_SEVERITY = "Sev4"
#: Characters of a person's or a conversation's name.
_NAME = 80
_PLACES = {ConversationKind.PERSONAL: "a personal chat", ConversationKind.GROUP: "a group chat"}
#: What is answered where there is nothing to make an incident of.
NOTHING = Recorded(why=Why.NOTHING_TO_RESOLVE, incident=None)


class Records(Incidents, Endings, Protocol):
    """What is needed of the store."""


class Raising:
    """Every method may raise Unavailable(Reason.STORE)."""

    def __init__(self, *, store: Records, counting: Counting, clock: Clock) -> None:
        self._store = store
        self._counting = counting
        self._clock = clock

    async def raised(self, kept: Kept, by: Person, conversation: Conversation) -> Recorded:
        """Make an incident of what a question found; the same question again is the same incident.

        It goes to all subscribed conversations, and to this one whether or not it is subscribed. Where several
        workspaces found something, there is an incident of each, and the first is returned. NOTHING for a question
        that was not answered, or that is not about events. Raises Rejected(NOT_FOUND) for a conversation that has
        ended, and Rejected(BAD_REQUEST) for words that cannot stand in a query.
        """
        what = wanted_of(kept.put.line)
        if what is None or kept.answer is None:
            return NOTHING
        wanted = EventFilter(window=kept.answer.window, what=what, clusters=kept.answer.clusters)
        recorded = [
            await self._record(
                AskedAlert(
                    alert_id=own_alert_id(Origin.RAISED, kept.put.key, workspace.id),
                    rule=f"Asked: {kept.put.line}",
                    description=f"Raised by {_name(by)} in {_place(conversation)}.",
                    severity=SEVERITY,
                    kql=await self._counting.rule(workspace, wanted),
                    window=wanted.window,
                    targets=_targets(workspace, wanted.clusters),
                    # Always the same, so that a second press is the same alert.
                    fired_at=kept.put.asked_at,
                    ends_at=self._clock.now() + ENDS_AFTER,
                ),
                also_for=conversation.id,
            )
            for workspace in await self._having(wanted)
        ]
        return recorded[0] if recorded else NOTHING

    async def found(self, watched: Watched, wanted: EventFilter, workspace: Workspace) -> Recorded:
        """Tell the watch's conversation alone that the workspace has events of this window; see raised for the rest.

        While the incident of an earlier find is not over, this is a further alert of it.
        """
        now = self._clock.now()
        asked = AskedAlert(
            alert_id=own_alert_id(Origin.WATCH, str(watched.number), workspace.id),
            rule=f"Watch {watched.number}: {without_when(watched.line)}",
            description=f"Found by watch {watched.number}, which {_name(watched.by)} began.",
            severity=SEVERITY,
            kql=await self._counting.rule(workspace, wanted),
            window=wanted.window,
            targets=_targets(workspace, wanted.clusters),
            fired_at=now,
            ends_at=now + ENDS_AFTER,
        )
        return await self._record(asked, only_for=watched.conversation_id)

    async def test(self, by: Person, conversation: Conversation) -> Recorded:
        """Make a test incident for this conversation alone; one that is not over yet takes in a further one."""
        workspace = next(iter(self._counting.workspaces), None)
        if workspace is None:
            return NOTHING
        now = self._clock.now()
        wanted = EventFilter(window=Window(start=now - TEST_SPAN, end=now), what=Wanted())
        asked = AskedAlert(
            alert_id=own_alert_id(Origin.TEST, by.id, workspace.id),
            rule=f"Test by {_name(by)}",
            description=f"This is a test by {_name(by)}: there is nothing to do.",
            severity=TEST_SEVERITY,
            kql=await self._counting.rule(workspace, wanted),
            window=wanted.window,
            targets=_targets(workspace, ()),
            fired_at=now,
            ends_at=now + TEST_ENDS_AFTER,
        )
        return await self._record(asked, only_for=conversation.id)

    async def end_what_is_over(self) -> datetime | None:
        """Resolve what has come to its end; return when there is more to end, None if nothing is left."""
        now = self._clock.now()
        over, next_at = await self._store.ending(now)
        for alert in over:
            body = resolved_body(alert, now)
            recorded = await self._store.record(parse_alert(body), body, now)
            number = recorded.incident.number if recorded.incident else None
            log.info("ended by itself", extra={"incident": number, "origin": alert.origin})
        return next_at

    async def _record(self, asked: AskedAlert, *, only_for: str = "", also_for: str = "") -> Recorded:
        body = fired_body(asked)
        alert = parse_alert(body)
        return await self._store.record(alert, body, self._clock.now(), only_for=only_for, also_for=also_for)

    async def _having(self, wanted: EventFilter) -> Sequence[Workspace]:
        """Return the workspaces that have such events; those that do not answer, where no other has any."""
        workspaces = self._counting.workspaces
        if len(workspaces) == 1:
            return workspaces
        outcomes = await asyncio.gather(*(self._counted(each, wanted) for each in workspaces))
        told = list(zip(workspaces, outcomes, strict=True))
        having = [workspace for workspace, count in told if count is not None and count.events]
        silent = [workspace for workspace, count in told if count is None]
        return having or silent or workspaces[:1]

    async def _counted(self, workspace: Workspace, wanted: EventFilter) -> Count | None:
        try:
            return await self._counting.events(workspace, wanted)
        except OutsideError as failure:
            log.info("not counted", extra={"workspace": workspace.name, "reason": failure.reason})
            return None


def _targets(workspace: Workspace, clusters: Sequence[str]) -> tuple[str, ...]:
    """Name the cluster if it is one; of several, evidence makes an incident each (bot.store.splitting)."""
    one = tuple(clusters) if len(clusters) == 1 else ()
    return (*one, workspace_target(workspace.id, workspace.name))


def _name(person: Person) -> str:
    return shorten(person.name.strip(), _NAME) or "(no name)"


def _place(conversation: Conversation) -> str:
    named = shorten(conversation.name.strip(), _NAME)
    return _PLACES.get(conversation.kind) or named or "a channel"

"""What is answered about one incident: its card, its run trail, and an acknowledgement.

An incident is shown in the conversations that its card is for, and to members in their personal chats; what changes
something is done only in the conversations that its card is for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

from audit.incident import Person
from bot.asked import Acknowledge, Asker, ListIncidents, ShowIncident, ShowTrail
from bot.errors import OutsideError
from bot.notices import notice_message
from bot.ports import (
    Clock,
    Conversation,
    ConversationKind,
    Conversations,
    Dossier,
    IncidentLists,
    Incidents,
    Ledger,
    Member,
    Message,
)
from bot.zones import zone_of
from cards import notice
from cards.answer import answered_card
from cards.incident_list import incident_list_card, incident_list_summary
from cards.trail import TrailLine, trail_card, trail_summary

log = logging.getLogger(__name__)

#: Incidents of one list; it says how many more there are.
MOST_LISTED = 10


class Kept(Incidents, IncidentLists, Ledger, Protocol):
    """What is needed of the store."""


class IncidentAnswers:
    """Every method may raise Unavailable(Reason.STORE). `close()` waits for what goes on behind an answer."""

    def __init__(
        self,
        *,
        incidents: Kept,
        conversations: Conversations,
        clock: Clock,
        zone: ZoneInfo,
        incident_message: Callable[[Dossier], Message],
        wake: Callable[[], None],
        channels_of: Callable[[Asker], Awaitable[Sequence[str]]],
    ) -> None:
        """`channels_of` tells which channels that get incidents the asker is a member of."""
        self._incidents = incidents
        self._channels_of = channels_of
        self._conversations = conversations
        self._clock = clock
        self._zone = zone
        self._incident_message = incident_message
        self._wake = wake
        self._behind: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait until every copy that was to be taken away is gone, or will stay; cut off, leave the others."""
        try:
            while self._behind:
                await asyncio.wait(set(self._behind))
        finally:
            for task in self._behind:
                task.cancel()

    async def here(self, key: str, asker: Asker) -> Dossier | None:
        """Return the incident if its card is for the asker's conversation: a key from elsewhere opens nothing."""
        dossier = await self._incidents.dossier(key)
        return dossier if dossier is not None and _is_for(dossier, asker) else None

    async def acknowledge(self, command: Acknowledge, asker: Asker, member: Member) -> Message:
        """Of two clicks one wins; both get the card as it is now, which names the winner."""
        if await self.here(command.key, asker) is None:
            return notice_message(notice.not_found())
        by = Person(id=asker.object_id, name=member.name)
        done = await self._incidents.acknowledge(command.key, by, self._clock.now())
        if done is not None and done.changed:
            await self._recorded(command.key, by, asker)
        if done is not None and asker.clicked and not command.is_answer:
            await self._adopt(command.key, asker)
        self._wake()
        dossier = await self._incidents.dossier(command.key)
        if dossier is None:
            return notice_message(notice.not_found())
        return self._answer(dossier, asker) if command.is_answer else self._incident_message(dossier)

    async def show(self, command: ShowIncident, asker: Asker) -> Message:
        """Answer with the incident's card as it is now."""
        dossier = await self._shown(command.number, asker)
        return self._answer(dossier, asker) if dossier else notice_message(notice.not_found())

    async def trail(self, command: ShowTrail, asker: Asker) -> Message:
        """Answer with what happened to the incident, in the asker's time zone."""
        dossier = await self._shown(command.number, asker)
        if dossier is None:
            return notice_message(notice.not_found())
        lines = [
            TrailLine(
                at=trace.at,
                step=trace.step,
                subject=trace.subject,
                seconds=trace.seconds,
                attempt=trace.attempt,
                reason=trace.reason,
            )
            for trace in await self._incidents.trail(command.number)
        ]
        card = trail_card(dossier.incident, lines, zone=zone_of(asker.time_zone, self._zone))
        return Message(card=card, summary=trail_summary(dossier.incident))

    async def listed(self, command: ListIncidents, asker: Asker) -> Message:
        """Answer with the incidents that are not closed, the newest first."""
        total, incidents = await self._incidents.open_incidents(
            MOST_LISTED,
            conversation_ids=await self._seen_from(asker),
            acknowledged_by=asker.object_id if command.mine else "",
        )
        now, zone = self._clock.now(), zone_of(asker.time_zone, self._zone)
        here = asker.conversation.kind is not ConversationKind.PERSONAL
        card = incident_list_card(incidents, total=total, mine=command.mine, at=now, zone=zone, here=here)
        summary = incident_list_summary(incidents, total=total, mine=command.mine, here=here)
        return Message(card=card, summary=summary)

    async def _shown(self, number: int, asker: Asker) -> Dossier | None:
        """Return the incident of this number if it may be seen where it was asked for."""
        key = await self._incidents.key_of(number)
        dossier = await self._incidents.dossier(key) if key else None
        if dossier is None:
            return None
        return dossier if dossier.conversations & {*await self._seen_from(asker)} else None

    async def _seen_from(self, asker: Asker) -> Sequence[str]:
        """Return the conversations whose incidents may be shown here.

        Nobody but the member reads a personal chat; a group chat may have anybody of the tenant in it.
        """
        alone = asker.conversation.kind is ConversationKind.PERSONAL
        return [asker.conversation.id, *(await self._channels_of(asker) if alone else ())]

    def _answer(self, dossier: Dossier, asker: Asker) -> Message:
        said = self._incident_message(dossier)
        card = answered_card(
            said.card, at=self._clock.now(), zone=self._zone, clickable=_is_for(dossier, asker)
        )
        return Message(card=card, summary=said.summary)

    async def _recorded(self, key: str, by: Person, asker: Asker) -> None:
        try:
            await self._incidents.write("acknowledged", by, asker.conversation.id, self._clock.now(), key=key)
        except OutsideError as failure:
            # The acknowledgement stands, and the incident itself says whose it is.
            log.warning("acknowledgement not in the ledger", extra={"reason": failure.reason})

    async def _adopt(self, key: str, asker: Asker) -> None:
        """Keep the clicked message up to date from now on, and take away the copy that was until now.

        A post whose answer was lost is made again: then there are two, and only a click tells the first one's id.
        """
        where = asker.conversation
        try:
            other = await self._incidents.adopt(key, where.id, asker.clicked, self._clock.now())
        except OutsideError as failure:
            # The acknowledgement stands; the copy can be adopted by the next click.
            log.warning("copy not adopted", extra={"conversation": where.id, "reason": failure.reason})
            return
        if other and other != asker.clicked:
            task = asyncio.create_task(self._take_away(where, other))
            self._behind.add(task)
            task.add_done_callback(self._behind.discard)

    async def _take_away(self, where: Conversation, activity_id: str) -> None:
        """Delete the copy that is not kept up to date any more. Never raises."""
        try:
            await self._conversations.delete(where, activity_id)
        except OutsideError as failure:
            log.warning("copy not deleted", extra={"conversation": where.id, "reason": failure.reason})
        except Exception:
            log.exception("copy not deleted", extra={"conversation": where.id})


def _is_for(dossier: Dossier, asker: Asker) -> bool:
    return asker.conversation.id in dossier.conversations

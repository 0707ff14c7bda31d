"""The raw log of an incident or of a row, one event a page, for who asked alone: a whole event leaves through audit.redact only."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

from audit.event import AuditEvent
from audit.redact import redact
from bot.asked import ShowRawLog
from bot.dialogs import Dialogs, Promise
from bot.inquiry import Inquiry, RawEvents
from bot.notices import notice_message
from bot.ports import Clock, Conversation, Dossier, Member, Message
from cards import notice
from cards.raw_log import cut_note, partial_note, raw_log_card, unreadable_note

#: Events that a late raw log brings to a personal chat, one message each.
MOST_PERSONAL = 10
NAME = "raw log"


class RawLog:
    """Shows raw logs."""

    def __init__(self, *, inquiry: Inquiry, dialogs: Dialogs, clock: Clock) -> None:
        self._inquiry = inquiry
        self._dialogs = dialogs
        self._clock = clock

    async def show(
        self, command: ShowRawLog, dossier: Dossier, where: Conversation, member: Member
    ) -> Message:
        """Return the page of the raw log, or the notice that all of it goes to the member's personal chat.

        Raises Unavailable or Rejected if the workspace fails before that is promised.
        """
        return await self.shown(command, self._inquiry.raw(dossier.alert, dossier.evidence), where, member)

    async def shown(
        self,
        command: ShowRawLog,
        asked: Coroutine[Any, Any, RawEvents],
        where: Conversation,
        member: Member,
    ) -> Message:
        """Return the page of what is asked, or the notice that all of it goes to the member's personal chat.

        Raises Unavailable or Rejected if asking fails before that is promised.
        """

        async def page(found: RawEvents) -> Message:
            return await self.page(found, command.page, member, command.key, command.row)

        async def all_of_it(found: RawEvents) -> Sequence[Message]:
            return await self._personal(found, member)

        promise = Promise(name=NAME, asked=asked, dialog=page, personal=all_of_it)
        return await self._dialogs.show(promise, where, member, no_dialog=command.no_dialog)

    async def page(
        self,
        found: RawEvents,
        page: int,
        member: Member,
        key: str = "",
        row: str = "",
        *,
        in_dialog: bool = True,
    ) -> Message:
        """Return one event as a card, the last one for a page beyond it. Without a key it has no buttons.

        With a `row` the key is a question's. Outside a dialog the buttons open one.
        """
        if not found.events:
            return notice_message(notice.no_raw_log())
        page = min(page, len(found.events) - 1)
        # Redacting and drawing a large event takes a tenth of a second, which belongs to everybody on the loop.
        card = await asyncio.to_thread(
            _card,
            found,
            page=page,
            asked_by=member.name,
            at=self._clock.now(),
            key=key,
            row=row,
            in_dialog=in_dialog,
        )
        return Message(card=card, summary="Raw log")

    async def _personal(self, found: RawEvents, member: Member) -> Sequence[Message]:
        shown = max(1, min(len(found.events), MOST_PERSONAL))
        pages = [await self.page(found, page, member) for page in range(shown)]
        if len(found.events) > shown > 1:
            pages.append(notice_message(notice.more_pages(shown, len(found.events))))
        return pages


def _card(
    found: RawEvents, *, page: int, asked_by: str, at: datetime, key: str, row: str, in_dialog: bool
) -> dict[str, Any]:
    """Redact here and nowhere else: no page is made without it."""
    event = found.events[page]
    clean = redact(event.raw)
    return raw_log_card(
        clean.event,
        page=page,
        pages=len(found.events),
        asked_by=asked_by,
        at=at,
        key=key,
        row=row,
        in_dialog=in_dialog,
        redactions=clean.count,
        notes=_notes(found, event),
    )


def _notes(found: RawEvents, event: AuditEvent) -> Sequence[str]:
    """Say what is not all there."""
    cut = [cut_note(event.lost)] if event.is_cut else []
    partial = [partial_note()] if found.is_partial else []
    return [*cut, *partial, *([unreadable_note(found.unreadable)] if found.unreadable else [])]

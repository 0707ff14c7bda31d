"""The raw log of an incident: in a dialog while that can be waited for, else in the asker's personal chat.

Never in the thread: a whole event is for the one who asked, and leaves through audit.redact only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from audit.event import AuditEvent
from audit.redact import redact
from bot.commands import ShowRawLog
from bot.errors import OutsideError, Reason, Unavailable
from bot.inquiry import Inquiry, missing_for
from bot.notices import notice_message
from bot.ports import Clock, Conversation, Conversations, Dossier, Member, Message
from bot.retry import wait_before
from cards import notice
from cards.raw_log import raw_log_card

log = logging.getLogger(__name__)

#: How long a dialog may be waited for; Teams gives up after ten seconds or so.
DIALOG_DEADLINE = timedelta(seconds=8)
#: Events that a late raw log brings to a personal chat, one message each.
MOST_PERSONAL = 10
#: How often each of these is tried: ten messages at once are what Teams throttles.
#: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
TRIES = 3

#: Nobody waits longer for it, a stopping process least of all.
LONGEST_WAIT = timedelta(seconds=30)

Sleep = Callable[[float], Awaitable[None]]
Asked = asyncio.Task[Sequence[AuditEvent]]


class RawLog:
    """Shows raw logs. `close()` waits for those that are on their way to a personal chat."""

    def __init__(
        self,
        *,
        inquiry: Inquiry,
        conversations: Conversations,
        clock: Clock,
        dialog_deadline: timedelta = DIALOG_DEADLINE,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._inquiry = inquiry
        self._conversations = conversations
        self._clock = clock
        self._dialog_deadline = dialog_deadline
        self._sleep = sleep
        self._behind: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait until every raw log that was promised is delivered or given up."""
        while self._behind:
            await asyncio.wait(set(self._behind))

    async def show(
        self, command: ShowRawLog, dossier: Dossier, where: Conversation, member: Member
    ) -> Message:
        """Return the page of the raw log, or the notice that all of it goes to the member's personal chat.

        Raises Unavailable or Rejected if the workspace fails before that is promised.
        """
        asked = asyncio.create_task(self._inquiry.raw(dossier.alert, dossier.evidence))
        try:
            if not command.no_dialog and await self._in_time(asked):
                return await self._page(asked.result(), command.page, member, dossier.incident.key)
        except asyncio.CancelledError:
            asked.cancel()
            raise
        delivery = asyncio.create_task(self._deliver(asked, where, member))
        self._behind.add(delivery)
        delivery.add_done_callback(self._behind.discard)
        return notice_message(notice.raw_log_later())

    async def _in_time(self, asked: Asked) -> bool:
        done, _ = await asyncio.wait({asked}, timeout=self._dialog_deadline.total_seconds())
        return bool(done)

    async def _page(self, events: Sequence[AuditEvent], page: int, member: Member, key: str = "") -> Message:
        """Return one event as a card, the last one for a page beyond it. Without a key it has no buttons."""
        if not events:
            return notice_message(notice.no_raw_log())
        page = min(page, len(events) - 1)
        # Redacting and drawing a large event takes a tenth of a second, which belongs to everybody on the loop.
        card = await asyncio.to_thread(
            _card,
            events[page],
            page=page,
            pages=len(events),
            asked_by=member.name,
            at=self._clock.now(),
            key=key,
        )
        return Message(card=card, summary="Raw log")

    async def _deliver(self, asked: Asked, where: Conversation, member: Member) -> None:
        """Bring to the personal chat what came too late for a dialog. Never raises."""
        try:
            messages = await self._personal(asked, member)
            chat = await self._conversations.personal(where, member)
            for message in messages:
                await self._post(chat, message)
        except OutsideError as failure:
            log.warning("raw log not delivered", extra={"person": member.object_id, "reason": failure.reason})
        except Exception:
            log.exception("raw log not delivered", extra={"person": member.object_id})

    async def _personal(self, asked: Asked, member: Member) -> Sequence[Message]:
        """Return what to say in the personal chat, where the incident's key opens nothing."""
        try:
            events = await asked
        except OutsideError as failure:
            return [notice_message(notice.failed(missing_for(failure.reason)))]
        shown = max(1, min(len(events), MOST_PERSONAL))
        pages = [await self._page(events, page, member) for page in range(shown)]
        if len(events) > shown > 1:
            pages.append(notice_message(notice.more_pages(shown, len(events))))
        return pages

    async def _post(self, chat: Conversation, message: Message) -> None:
        """Post, trying again while that may help; what may have arrived already is not said twice."""
        for attempt in range(1, TRIES + 1):
            try:
                await self._conversations.post(chat, message)
            except Unavailable as failure:
                wait = wait_before(attempt, failure.retry_after)
                if failure.reason is Reason.UNKNOWN:
                    return
                if attempt == TRIES or wait > LONGEST_WAIT:
                    raise
                await self._sleep(wait.total_seconds())
            else:
                return


def _card(
    event: AuditEvent, *, page: int, pages: int, asked_by: str, at: datetime, key: str
) -> dict[str, Any]:
    """Redact here and nowhere else: no page is made without it."""
    clean = redact(event.raw)
    return raw_log_card(
        clean.event, page=page, pages=pages, asked_by=asked_by, at=at, key=key, redactions=clean.count
    )

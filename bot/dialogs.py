"""What somebody asked for and alone may see: in a dialog while that can be waited for, else in the personal chat.

Never in the thread. What is asked of the workspace is asked once: what comes too late for the dialog is delivered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from bot.errors import OutsideError, Reason, Unavailable
from bot.inquiry import missing_for
from bot.notices import notice_message
from bot.ports import Conversation, Conversations, Member, Message
from bot.retry import wait_before
from cards import notice

log = logging.getLogger(__name__)

#: How long a dialog may be waited for; Teams gives up after ten seconds or so.
DIALOG_DEADLINE = timedelta(seconds=8)
#: How often each message is tried: ten messages at once are what Teams throttles.
#: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
TRIES = 3
#: Nobody waits longer for it, a stopping process least of all.
LONGEST_WAIT = timedelta(seconds=30)

Sleep = Callable[[float], Awaitable[None]]
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Promise(Generic[Found]):
    """Something that is asked for, and how it is said once it is there."""

    #: "raw log": what it is called in the log and in "… is on its way".
    name: str
    asked: Coroutine[Any, Any, Found]
    #: The dialog's card.
    dialog: Callable[[Found], Awaitable[Message]]
    #: What is said in the personal chat, where the incident's key opens nothing.
    personal: Callable[[Found], Awaitable[Sequence[Message]]]


class Dialogs:
    """Keeps promises. `close()` waits for those that are on their way to a personal chat."""

    def __init__(
        self,
        *,
        conversations: Conversations,
        deadline: timedelta = DIALOG_DEADLINE,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._conversations = conversations
        self._deadline = deadline
        self._sleep = sleep
        self._behind: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait until everything that was promised is delivered or given up; cut off, give up what is left."""
        try:
            while self._behind:
                await asyncio.wait(set(self._behind))
        finally:
            for task in self._behind:
                task.cancel()

    async def show(
        self, promise: Promise[Found], where: Conversation, member: Member, *, no_dialog: bool
    ) -> Message:
        """Return the dialog's card, or the notice that it goes to the member's personal chat.

        `no_dialog`: the client cannot open one. Raises Unavailable or Rejected if asking fails before it is promised.
        """
        asked = asyncio.create_task(promise.asked)
        try:
            if not no_dialog and await self._in_time(asked):
                return await promise.dialog(asked.result())
        except asyncio.CancelledError:
            asked.cancel()
            raise
        delivery = asyncio.create_task(self._deliver(promise, asked, where, member))
        self._behind.add(delivery)
        delivery.add_done_callback(self._behind.discard)
        return notice_message(notice.comes_later(promise.name))

    async def _in_time(self, asked: asyncio.Task[Any]) -> bool:
        done, _ = await asyncio.wait({asked}, timeout=self._deadline.total_seconds())
        return bool(done)

    async def _deliver(
        self, promise: Promise[Found], asked: asyncio.Task[Found], where: Conversation, member: Member
    ) -> None:
        """Bring to the personal chat what came too late for a dialog. Never raises."""
        try:
            messages = await self._messages(promise, asked)
            chat = await self._conversations.personal(where, member)
            for message in messages:
                await self._post(chat, message)
        except OutsideError as failure:
            extra = {"person": member.object_id, "reason": failure.reason}
            log.warning("%s not delivered", promise.name, extra=extra)
        except Exception:
            log.exception("%s not delivered", promise.name, extra={"person": member.object_id})

    async def _messages(self, promise: Promise[Found], asked: asyncio.Task[Found]) -> Sequence[Message]:
        try:
            found = await asked
        except OutsideError as failure:
            return [notice_message(notice.failed(missing_for(failure.reason)))]
        return await promise.personal(found)

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

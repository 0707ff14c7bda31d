"""Says the answer to a message: shows at once that it is being looked for, and holds on while Teams is down.

In personal and group chats Teams shows who is typing, for about three seconds; in channels it shows nothing:
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bot.asked import Asker
from bot.errors import OutsideError, Reason, Unavailable
from bot.pacing import Pacing
from bot.ports import Conversation, ConversationKind, Conversations, Message, Send
from bot.retry import wait_before

log = logging.getLogger(__name__)

#: Seconds until a channel is told that an answer is being looked for.
SOON = 2.0
#: Seconds between two signs of typing, and how long they are shown at most.
TYPING_EVERY = 3.0
TYPING_FOR = 35.0
#: Seconds that are waited in all for Teams to take an answer; the ledger has it anyway.
HOLD = 300.0

Sleep = Callable[[float], Awaitable[object]]
Answering = Coroutine[Any, Any, Message | None]


@dataclass
class _Hold:
    """How long may still be waited for one answer."""

    left: float = HOLD


class Replies:
    """One for all conversations. After `close()` nothing is waited for any more."""

    def __init__(
        self,
        *,
        conversations: Conversations,
        typing: Callable[[Conversation], Awaitable[None]],
        pacing: Pacing,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`conversations` waits for room within Teams' limits by itself; for `typing` it is asked here."""
        self._conversations = conversations
        self._typing = typing
        self._pacing = pacing
        self._sleep = sleep
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let what waits for Teams try once more, and then give up."""
        self._closing.set()

    async def say(self, asker: Asker, answering: Answering, *, looking: Message | None) -> None:
        """Answer where it was asked; None as an answer says nothing. `answering` must not raise.

        `looking` is what a channel reads meanwhile; None for an answer that needs no workspace.
        """
        standing, hold = "", _Hold()
        if looking is None:
            message = await answering
        elif asker.conversation.kind is ConversationKind.CHANNEL:
            message, standing = await self._looked_for(asker, answering, looking)
        else:
            async with self._typed(asker.conversation):
                message = await answering
        if message is None:
            await self._taken_away(asker, standing)
        elif not standing or not await self._updated(asker, standing, message, hold):
            await self._posted(asker, message, hold)

    async def _looked_for(
        self, asker: Asker, answering: Answering, looking: Message
    ) -> tuple[Message | None, str]:
        """Return the answer, and the id of the message that it is to take the place of; "" for none."""
        task = asyncio.create_task(answering)
        try:
            standing = "" if await self._within(SOON, task) else await self._said_once(asker, looking)
            return await task, standing
        finally:
            task.cancel()

    async def _said_once(self, asker: Asker, message: Message) -> str:
        try:
            return await self._conversations.post(asker.conversation, message, thread=asker.thread)
        except OutsideError as failure:
            log.info("it was not said that an answer is looked for", extra={"reason": failure.reason})
            return ""

    @asynccontextmanager
    async def _typed(self, where: Conversation) -> AsyncIterator[None]:
        """Show the bot typing until the block ends; what is on its way then does not come after the answer."""
        task = asyncio.create_task(self._keep_typing(where))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_typing(self, where: Conversation) -> None:
        send = Send(conversation_id=where.id, tenant_id=where.tenant_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(TYPING_FOR):
                for _ in range(int(TYPING_FOR / TYPING_EVERY)):
                    # A sign that finds no room, or that Teams refuses, is only a sign.
                    with suppress(OutsideError):
                        await self._pacing.room(send)
                        await self._typing(where)
                    await self._sleep(TYPING_EVERY)

    async def _taken_away(self, asker: Asker, standing: str) -> None:
        if standing:
            with suppress(OutsideError):
                await self._conversations.delete(asker.conversation, standing)

    async def _updated(self, asker: Asker, standing: str, message: Message, hold: _Hold) -> bool:
        """Put the answer in the place of what stands; False where that cannot be done and it is to be posted."""
        where = asker.conversation
        failure = await self._held(lambda: self._conversations.update(where, standing, message), hold)
        if failure:
            log.info("an answer could not take its place, it is posted", extra={"reason": failure.reason})
        return failure is None

    async def _posted(self, asker: Asker, message: Message, hold: _Hold) -> None:
        """Post the answer. What may have arrived already is not said twice."""
        where, reason = asker.conversation, "stopped"
        try:
            failure = await self._held(
                lambda: self._conversations.post(where, message, thread=asker.thread), hold
            )
            reason = failure.reason if failure else ""
        finally:
            if reason:
                log.warning("an answer was not delivered", extra={"conversation": where.id, "reason": reason})

    async def _held(self, send: Callable[[], Awaitable[object]], hold: _Hold) -> OutsideError | None:
        """Try for as long as there is hope; return why it was given up, None where it was done."""
        attempt = 0
        while True:
            attempt += 1
            try:
                await send()
            except OutsideError as failure:
                wait = _wait(failure, attempt)
                if wait is None or wait > hold.left or self._closing.is_set():
                    return failure
                hold.left -= wait
                await self._within(wait, self._closing.wait())
            else:
                return None

    async def _within(self, seconds: float, what: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> bool:
        """Wait for it, so long at most; tell whether it came. A task goes on, a coroutine does not."""
        task = what if isinstance(what, asyncio.Task) else asyncio.create_task(what)
        waiting = asyncio.create_task(_slept(self._sleep, seconds))
        try:
            done, _ = await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            return task in done
        finally:
            waiting.cancel()
            if task is not what:
                task.cancel()


async def _slept(sleep: Sleep, seconds: float) -> None:
    await sleep(seconds)


def _wait(failure: OutsideError, attempt: int) -> float | None:
    """Return the seconds until it may be tried again; None for what trying again does not mend."""
    if not isinstance(failure, Unavailable) or failure.reason is Reason.UNKNOWN:
        return None
    return wait_before(attempt, failure.retry_after).total_seconds()

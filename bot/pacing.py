"""Teams' limits, kept by not sending too fast: what Teams drops is a card that nobody sees.

Per bot and thread Teams takes 7 messages in 1 s, 8 in 2 s, 60 in 30 s and 1,800 in an hour, updates included, and of
one bot 50 a second per tenant: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
A bucket that holds `burst` and fills at `rate` lets through at most burst + rate * t in any t seconds; two of them
keep within all four limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.batch import Batch
from bot.errors import OutsideError, Reason, Unavailable
from bot.ports import Clock, Conversation, Conversations, Member, Message, Pace, Send

TINY = 1e-3
#: Seconds that the clocks of two replicas may be apart.
SKEW = 30.0


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A token bucket. `reserve`: how much of it is kept back for answers to people."""

    burst: float
    #: Per second.
    rate: float
    reserve: float

    @property
    def empty_for(self) -> float:
        """Return how many seconds an empty bucket takes to be full."""
        return self.burst / self.rate

    def wait(self, full_at: float, now: float, *, to_person: bool) -> float:
        """Return the seconds until there is room for one more; `full_at`: when it would be full again."""
        usable = self.burst - (0.0 if to_person else self.reserve)
        wait = self._level(full_at, now) - (usable - 1) / self.rate - now
        # Seconds since the epoch have six good decimals as floats.
        return wait if wait > TINY else 0.0

    def taken(self, full_at: float, now: float) -> float:
        """Return when the bucket is full again once one more is taken."""
        return max(self._level(full_at, now), now) + 1 / self.rate

    def _level(self, full_at: float, now: float) -> float:
        """Further off than an empty bucket takes: the clock was set back since. Nobody knows, so it counts as full."""
        return full_at if full_at <= now + self.empty_for + SKEW else now


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """What one scope may use, fast and slow."""

    fast: Bucket
    slow: Bucket


#: 7 in 1 s, 8 in 2 s, 36 in 30 s; and 1,784 in an hour.
THREAD = Buckets(fast=Bucket(burst=6, rate=1.0, reserve=1), slow=Bucket(burst=200, rate=0.44, reserve=60))
#: 50 in 1 s, over which there is no further limit.
TENANT = Buckets(fast=Bucket(burst=10, rate=40, reserve=1), slow=Bucket(burst=400, rate=40, reserve=40))


@dataclass(frozen=True, kw_only=True)
class Level:
    """When the buckets of a scope are full again, in seconds since the epoch. Full already: in the past."""

    fast: float = 0.0
    slow: float = 0.0


def scopes(send: Send) -> tuple[tuple[str, Buckets], ...]:
    """Return what a send counts against: its thread and its tenant."""
    # Teams counts per thread; a channel's threads share ours, which is less than they may use and never more.
    return (f"c {send.conversation_id}", THREAD), (f"t {send.tenant_id}", TENANT)


def take(levels: dict[str, Level], wanted: Iterable[Send], now: datetime) -> list[timedelta]:
    """Take room for each send where there is room, in this order; `levels` changes with it. Return the waits."""
    at = now.timestamp()
    waits = []
    for send in wanted:
        wait = 0.0
        for scope, buckets in scopes(send):
            level = levels.get(scope, Level())
            for bucket, full_at in ((buckets.fast, level.fast), (buckets.slow, level.slow)):
                wait = max(wait, bucket.wait(full_at, at, to_person=send.to_person))
        if wait == 0.0:
            for scope, buckets in scopes(send):
                level = levels.get(scope, Level())
                levels[scope] = Level(
                    fast=buckets.fast.taken(level.fast, at), slow=buckets.slow.taken(level.slow, at)
                )
        waits.append(timedelta(seconds=wait))
    return waits


#: Sends for which room is asked in one transaction.
MOST_AT_ONCE = 200
#: A shorter wait is waited out with the message in hand; a longer one gives its place to another conversation.
PATIENCE = timedelta(seconds=1)
#: How long an answer to somebody who waits is held back at most; then Teams may decide about it.
PATIENCE_FOR_PEOPLE = timedelta(seconds=5)

Sleep = Callable[[float], Awaitable[None]]


class Pacing:
    """Asks for room, many sends at a time."""

    def __init__(self, *, pace: Pace, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._asking: Batch[Send, timedelta] = Batch(
            lambda sends: pace.reserve(sends, clock.now()), most=MOST_AT_ONCE
        )

    async def room(self, send: Send) -> None:
        """Return when the message may be sent.

        Raises Unavailable(PACED) where that takes longer than one waits for; never for an answer to a person.
        """
        if send.to_person:
            await self._for_person(send)
            return
        left = PATIENCE
        while wait := await self._asking.add(send):
            if wait > left:
                raise Unavailable(Reason.PACED, "within Teams' limits", retry_after=wait)
            left -= wait
            await self._sleep(wait.total_seconds())

    async def _for_person(self, send: Send) -> None:
        """Wait a moment for room; an answer is tried without it rather than not at all."""
        left = PATIENCE_FOR_PEOPLE
        with suppress(OutsideError):
            while (wait := await self._asking.add(send)) and wait <= left:
                left -= wait
                await self._sleep(wait.total_seconds())


class Paced:
    """bot.ports.Conversations that waits for room before it speaks."""

    def __init__(self, conversations: Conversations, pacing: Pacing, *, to_person: bool = False) -> None:
        self._conversations = conversations
        self._pacing = pacing
        self._to_person = to_person

    async def post(self, where: Conversation, message: Message, *, thread: str = "") -> str:
        await self._room(where)
        return await self._conversations.post(where, message, thread=thread)

    async def update(self, where: Conversation, activity_id: str, message: Message) -> None:
        await self._room(where)
        await self._conversations.update(where, activity_id, message)

    async def delete(self, where: Conversation, activity_id: str) -> None:
        await self._room(where)
        await self._conversations.delete(where, activity_id)

    async def member(self, where: Conversation, user_id: str) -> Member:
        # Rosters have limits of their own, twice as high; one lookup per person in ten minutes is far below.
        return await self._conversations.member(where, user_id)

    async def personal(self, where: Conversation, member: Member) -> Conversation:
        await self._room(replace(where, id=f"{where.id} {member.id}"))
        return await self._conversations.personal(where, member)

    async def _room(self, where: Conversation) -> None:
        await self._pacing.room(
            Send(conversation_id=where.id, tenant_id=where.tenant_id, to_person=self._to_person)
        )

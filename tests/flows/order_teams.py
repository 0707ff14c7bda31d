"""Teams as the order machine has it: channels that remember what stands in them, fail, and hang at a chosen moment."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from bot.errors import Reason, Rejected, Unavailable
from bot.ports import Conversation, Member, Message
from tests.bot.office import ALICE, BOB
from tests.cards.checks import text

PEOPLE = {member.id: member for member in (ALICE, BOB)}


@dataclass
class Posted:
    where: str
    #: Of the incident; 0 for what is no incident's card.
    number: int
    message: Message = field(repr=False)
    #: "" while it stands; else who took it away.
    gone: str = ""


@dataclass
class Teams:
    """Channels that remember what stands in them. A call takes a few turns of the loop, and may be cut off in any."""

    posts: dict[str, Posted] = field(default_factory=dict)
    fault: str = ""
    #: Copies, by channel and incident, that may stand although nobody knows of them.
    unknown: Counter[tuple[str, int]] = field(default_factory=Counter)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    #: So many moments from now a call hangs; None: none does.
    _left: int | None = None

    def hang_at(self, moment: int | None) -> None:
        """Let the call that comes to this moment hang, and say so: before it has done anything, or when it has."""
        self._left = moment
        self.hanging.clear()

    async def _moment(self) -> None:
        await asyncio.sleep(0)
        if self._left is None:
            return
        if self._left <= 0:
            self.hanging.set()
            await asyncio.Event().wait()
        self._left -= 1

    async def post(self, where: Conversation, message: Message, *, thread: str = "") -> str:
        await self._arrives()
        id_ = str(len(self.posts) + 1)
        self.posts[id_] = posted = Posted(where.id, number_of(message), message)
        self.unknown[where.id, posted.number] += 1
        await self._answers()
        self.unknown[where.id, posted.number] -= 1
        return id_

    async def update(self, where: Conversation, activity_id: str, message: Message) -> None:
        await self._arrives()
        posted = self.posts[activity_id]
        if posted.gone:
            raise Rejected(Reason.NOT_FOUND)
        posted.message = message
        await self._answers()

    async def delete(self, where: Conversation, activity_id: str) -> None:
        posted = self.posts[activity_id]
        # What cannot be taken away stays as it is.
        self.unknown[where.id, posted.number] += 1
        await self._arrives()
        posted.gone = "the bot"
        self.unknown[where.id, posted.number] -= 1

    async def member(self, where: Conversation, user_id: str) -> Member:
        return PEOPLE[user_id]

    async def personal(self, where: Conversation, member: Member) -> Conversation:
        raise AssertionError("nobody is spoken to alone here")

    def standing(self, where: str) -> dict[str, Posted]:
        return {
            id_: posted for id_, posted in self.posts.items() if posted.where == where and not posted.gone
        }

    async def _arrives(self) -> None:
        await self._moment()
        if self.fault == "down":
            raise Unavailable(Reason.UNREACHABLE)
        if self.fault == "throttled":
            raise Unavailable(Reason.THROTTLED, retry_after=timedelta(seconds=30))

    async def _answers(self) -> None:
        await self._moment()
        if self.fault == "cut off":
            raise Unavailable(Reason.UNKNOWN)


def number_of(message: Message) -> int:
    """Return the number of the incident whose card it is; 0 for a digest."""
    found = re.search(r"#(\d+) · ", text(dict(message.card)))
    return int(found[1]) if found else 0

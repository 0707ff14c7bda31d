"""Who may do something: members of the conversation, of our tenant, who are no guests, and see the incidents anyway."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.asked import Asker
from bot.errors import OutsideError, Reason, Rejected
from bot.ports import Clock, Conversation, ConversationKind, Conversations, Member, Routes

#: How long the roster's word is believed: so long may somebody act who has just left.
BELIEVED_FOR = timedelta(minutes=10)
#: Persons in conversations; of more, those asked about first are forgotten.
REMEMBERED = 5000
#: How long Teams may take to say who somebody is: whoever clicked waits for it, and for the answer after it.
ROSTER_DEADLINE = timedelta(seconds=4)

#: Conversation, the person's id in Teams, and in Entra.
Mark = tuple[str, str, str]


class Standing(StrEnum):
    """May this person act, and if not, why not."""

    MEMBER = "member"
    #: A guest, or somebody of another tenant (in a shared channel that is no guest).
    GUEST = "guest"
    #: Not in the conversation's roster, or not who the activity says.
    STRANGER = "stranger"
    #: In none of the channels that get incidents.
    OUTSIDER = "outsider"
    #: A member who is not on the list of those who may ask and act.
    UNLISTED = "not on the list"
    #: The roster did not answer.
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the roster said, and until when that is believed."""

    standing: Standing
    member: Member | None
    until: datetime


class Membership:
    """Asks the roster once per person and conversation and remembers what it says of them. In doubt: no."""

    def __init__(
        self,
        *,
        conversations: Conversations,
        routes: Routes,
        clock: Clock,
        tenant_id: str,
        deadline: timedelta = ROSTER_DEADLINE,
        askers: frozenset[str] = frozenset(),
        readers: frozenset[str] = frozenset(),
    ) -> None:
        """`askers` and `readers` are object ids of Entra in lower case; empty for no list."""
        self._conversations = conversations
        self._routes = routes
        self._clock = clock
        self._tenant_id = tenant_id.lower()
        self._deadline = deadline
        self._askers = askers
        self._readers = readers
        self._known: dict[Mark, Known] = {}

    async def of(self, asker: Asker) -> tuple[Standing, Member | None]:
        """Return how the asker stands, with the roster's entry where there is one. Never raises.

        A channel has the members that its team's owners chose. A personal or group chat anybody of the tenant can
        open with the bot: there, who is in a channel that gets incidents may ask, and nobody else.
        """
        if not asker.object_id or asker.tenant_id.lower() != self._tenant_id:
            return Standing.STRANGER, None
        if self._askers and asker.object_id.lower() not in self._askers:
            return Standing.UNLISTED, None
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                return await self._asked(asker)
        except TimeoutError:
            return Standing.UNKNOWN, None

    async def _asked(self, asker: Asker) -> tuple[Standing, Member | None]:
        here = await self._in(asker.conversation, asker)
        if asker.conversation.kind is ConversationKind.CHANNEL or here.standing is not Standing.MEMBER:
            return here.standing, here.member
        return await self._sees_incidents(asker), here.member

    def may_read(self, asker: Asker) -> bool:
        """Tell whether a member may see raw logs and ask about secrets."""
        return not self._readers or asker.object_id.lower() in self._readers

    async def channels_of(self, asker: Asker) -> Sequence[str]:
        """Return ids of the channels that get incidents and have the asker as a member, as far as that is known."""
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                found = [(channel.id, await self._in(channel, asker)) for channel in await self._channels()]
        except (OutsideError, TimeoutError):
            return ()
        return [id_ for id_, known in found if known.standing is Standing.MEMBER]

    async def _channels(self) -> Sequence[Conversation]:
        return [c for c in await self._routes.subscribed() if c.kind is ConversationKind.CHANNEL]

    async def _sees_incidents(self, asker: Asker) -> Standing:
        try:
            channels = await self._channels()
        except OutsideError:
            return Standing.UNKNOWN
        unknown = False
        for channel in channels:
            standing = (await self._in(channel, asker)).standing
            if standing is Standing.MEMBER:
                return standing
            unknown = unknown or standing is Standing.UNKNOWN
        return Standing.UNKNOWN if unknown else Standing.OUTSIDER

    async def _in(self, where: Conversation, asker: Asker) -> Known:
        """Return what this conversation's roster says, or said a while ago."""
        mark = (where.id, asker.user_id, asker.object_id.lower())
        known = self._known.get(mark)
        if known is None or known.until <= self._clock.now():
            known = await self._look_up(where, asker)
            # No entry is not remembered: an on-call engineer who was added a moment ago must not wait.
            if known.member is not None:
                self._remember(mark, known)
        return known

    async def _look_up(self, where: Conversation, asker: Asker) -> Known:
        until = self._clock.now() + BELIEVED_FOR
        try:
            member = await self._conversations.member(where, asker.user_id)
        except OutsideError as failure:
            is_absent = isinstance(failure, Rejected) and failure.reason is Reason.NOT_FOUND
            standing = Standing.STRANGER if is_absent else Standing.UNKNOWN
            return Known(standing=standing, member=None, until=until)
        # Not every activity brings a name, and the roster's is not the user's to choose.
        member = member if member.name else replace(member, name=asker.name)
        # A shared channel has people of other tenants who are no guests: the roster's tenant decides.
        if member.object_id.lower() != asker.object_id.lower():
            return Known(standing=Standing.STRANGER, member=member, until=until)
        if member.is_guest or member.tenant_id.lower() != self._tenant_id:
            return Known(standing=Standing.GUEST, member=member, until=until)
        return Known(standing=Standing.MEMBER, member=member, until=until)

    def _remember(self, mark: Mark, known: Known) -> None:
        self._known.pop(mark, None)
        if len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[mark] = known

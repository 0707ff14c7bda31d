"""What is answered to Watch this, Raise, `watches`, `unwatch` and `test`: what makes incidents without Azure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from zoneinfo import ZoneInfo

from audit.incident import Person
from bot.asked import Asker, EndWatch, ListWatches, Raise, TestIncident, Watch
from bot.asked_line import reads_secrets, wanted_of, without_when
from bot.notices import notice_message
from bot.ports import Clock, Conversation, Kept, Ledger, Member, Message, Questions, Recorded, Watches
from bot.zones import zone_of
from cards import notice
from cards.watches import WatchLine, watches_card, watches_summary

#: Watches of one conversation: each costs a query every few minutes.
MOST_WATCHES = 20

Wish = Watch | Raise | ListWatches | EndWatch | TestIncident


class Watchful(Questions, Watches, Ledger, Protocol):
    """What is needed of the store."""


class Raiser(Protocol):
    """Makes incidents: bot.raising."""

    async def raised(self, kept: Kept, by: Person, conversation: Conversation) -> Recorded: ...

    async def test(self, by: Person, conversation: Conversation) -> Recorded: ...


class WatchAnswers:
    """Every method may raise Unavailable(Reason.STORE)."""

    def __init__(
        self,
        *,
        store: Watchful,
        raising: Raiser,
        clock: Clock,
        zone: ZoneInfo,
        wake: Callable[[], None],
        may_read: Callable[[Asker], bool],
    ) -> None:
        self._store = store
        self._raising = raising
        self._clock = clock
        self._zone = zone
        self._wake = wake
        self._may_read = may_read

    async def answer(self, wish: Wish, asker: Asker, member: Member) -> Message:
        by = Person(id=asker.object_id, name=member.name)
        match wish:
            case Watch():
                return await self._watch(wish, asker, by)
            case Raise():
                return await self._raise(wish, asker, by)
            case EndWatch():
                return await self._end(wish, asker, by)
            case ListWatches():
                return await self._list(asker)
            case TestIncident():
                return await self._test(asker, by)

    async def _here(self, key: str, asker: Asker) -> Kept | None:
        """Return the question if it was answered in the asker's conversation: a key from elsewhere opens nothing."""
        kept = await self._store.question(key)
        is_here = kept is not None and kept.put.conversation_id == asker.conversation.id
        return kept if kept is not None and is_here and kept.answer is not None else None

    async def _watch(self, wish: Watch, asker: Asker, by: Person) -> Message:
        kept = await self._here(wish.key, asker)
        what = wanted_of(kept.put.line) if kept else None
        if kept is None or what is None:
            return notice_message(notice.question_gone())
        if reads_secrets(what) and not self._may_read(asker):
            return notice_message(notice.readers_only())
        line = without_when(kept.put.line)
        now, zone = self._clock.now(), zone_of(asker.time_zone, self._zone)
        watched, new = await self._store.watch(wish.key, by, zone.key, now, most=MOST_WATCHES, line=line)
        if watched is None:
            return notice_message(notice.too_many_watches(MOST_WATCHES))
        if new:
            await self._store.write(
                "watched", by, asker.conversation.id, now, about=watched.line, key=wish.key
            )
        return notice_message(notice.watching(watched.line, number=watched.number, again=not new))

    async def _raise(self, wish: Raise, asker: Asker, by: Person) -> Message:
        kept = await self._here(wish.key, asker)
        what = wanted_of(kept.put.line) if kept else None
        if kept is None or what is None:
            return notice_message(notice.question_gone())
        if reads_secrets(what) and not self._may_read(asker):
            return notice_message(notice.readers_only())
        recorded = await self._raising.raised(kept, by, asker.conversation)
        return await self._made(recorded, "raised", kept.put.line, asker, by)

    async def _test(self, asker: Asker, by: Person) -> Message:
        recorded = await self._raising.test(by, asker.conversation)
        return await self._made(recorded, "tested", "test", asker, by)

    async def _made(self, recorded: Recorded, what: str, about: str, asker: Asker, by: Person) -> Message:
        if recorded.incident is None:
            return notice_message(notice.question_gone())
        number = recorded.incident.number
        if not recorded.repeated:
            await self._store.write(
                what, by, asker.conversation.id, self._clock.now(), about=f"#{number} {about}"
            )
        self._wake()
        return notice_message(notice.raised(number, again=recorded.repeated))

    async def _end(self, wish: EndWatch, asker: Asker, by: Person) -> Message:
        now = self._clock.now()
        if not await self._store.unwatch(wish.number, asker.conversation.id, now):
            return notice_message(notice.no_such_watch(wish.number))
        await self._store.write("unwatched", by, asker.conversation.id, now, about=str(wish.number))
        return notice_message(notice.watch_ended(wish.number))

    async def _list(self, asker: Asker) -> Message:
        found = await self._store.watches(asker.conversation.id)
        lines = [
            WatchLine(
                number=each.number,
                line=each.line,
                by=each.by.name,
                since=each.since,
                found=each.found,
                found_at=each.found_at,
                until=each.until,
                clusters=[id_.rpartition("/")[2] for id_ in each.clusters],
            )
            for each in found
        ]
        card = watches_card(lines, zone=zone_of(asker.time_zone, self._zone))
        return Message(card=card, summary=watches_summary(lines))

"""`raw AUDITID`: one event in full, for the asker alone, wherever it was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from audit.filter import Window
from audit.involved import MARK_LENGTH
from bot.asides import can_ask
from bot.asked import AskRaw, ShowRawLog
from bot.asking import Asking
from bot.errors import OutsideError
from bot.everywhere import NoneAnswered
from bot.inquiry import RawEvents
from bot.notices import notice_message
from bot.ports import Answered, Conversation, ConversationKind, Member, Message, Row
from bot.raw_log import RawLog
from cards import notice

#: Keeps what became of the question with a key.
Finish = Callable[[str, Answered], Awaitable[bool]]


class ChatRaw:
    """Shows single events."""

    def __init__(self, *, asking: Asking, raw_log: RawLog, finish: Finish) -> None:
        self._asking = asking
        self._raw_log = raw_log
        self._finish = finish

    async def answer(
        self, command: AskRaw, key: str, window: Window, where: Conversation, member: Member
    ) -> Message:
        """Return the event where only the asker reads; else say that it is on its way there, and bring it."""
        if not can_ask(command.audit_id):
            await self._finish(key, Answered(window=window, outcome="refused"))
            return notice_message(notice.not_understood(command.audit_id, "No event has such an id."))
        if where.kind is not ConversationKind.PERSONAL:
            wish = ShowRawLog(key="", no_dialog=True)
            await self._raw_log.shown(wish, self._found(command, key, window), where, member)
            return notice_message(notice.raw_on_its_way())
        try:
            found = await self._found(command, key, window)
        except NoneAnswered as failure:
            tried = [(each.workspace, each.why) for each in failure.asked.unanswered]
            return notice_message(notice.not_answered(f"raw {command.audit_id}", tried))
        if not found.events:
            return notice_message(notice.no_such_event(command.audit_id, window.length))
        return await self._raw_log.page(found, 0, member, key, _mark(command), in_dialog=False)

    async def _found(self, command: AskRaw, key: str, window: Window) -> RawEvents:
        try:
            found = await self._asking.raw([command.audit_id], window)
        except OutsideError as failure:
            await self._finish(key, Answered(window=window, outcome=failure.reason))
            raise
        answer = Answered(
            window=window,
            events=len(found.events),
            outcome="partial" if found.is_partial else "ok",
            rows=_rows(command, found),
        )
        await self._finish(key, answer)
        return found


def _rows(command: AskRaw, found: RawEvents) -> tuple[Row, ...]:
    """Return what turning to the next event with the same id asks for."""
    if not found.events:
        return ()
    times = [event.time for event in found.events]
    row = Row(
        mark=_mark(command),
        audit_ids=(command.audit_id,),
        user=found.events[0].username,
        first=min(times),
        last=max(times),
        said=f"raw {command.audit_id}",
    )
    return (row,)


def _mark(command: AskRaw) -> str:
    return hashlib.sha256(command.audit_id.encode(errors="replace")).hexdigest()[:MARK_LENGTH]

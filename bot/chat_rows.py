"""What buttons on an answer ask for: about one of its rows, or for all its events, page by page; for the asker alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from audit.alert import resource_name
from audit.asked import Asked, AskedOf, Listed
from audit.evidence import Evidence, Group
from audit.filter import EventFilter, Window
from audit.incident import Person
from audit.involved import mark
from bot.asides import can_ask
from bot.asked import (
    Asker,
    ForAsker,
    ListEvents,
    SevenAnswers,
    ShowQuery,
    ShowRawLog,
    ShowSeenBefore,
    WhatElse,
)
from bot.asking import Asking
from bot.chat_lines import about, reads_more
from bot.dialogs import Dialogs, Promise
from bot.errors import OutsideError
from bot.everywhere import Subject
from bot.grammar import from_text
from bot.inquiry import RawEvents
from bot.notices import notice_message
from bot.ports import (
    Answered,
    Clock,
    ConversationKind,
    Cursor,
    Kept,
    Ledger,
    Member,
    Message,
    Put,
    Questions,
    Ran,
    Row,
)
from bot.raw_log import RawLog
from bot.row_answers import NAME_LENGTH, RowAnswers, RowSource
from bot.zones import zone_of
from cards import notice
from cards.listed import listed_card, listed_summary
from cards.query import query_card
from cards.text import Times, plain
from cards.words import sentence

log = logging.getLogger(__name__)

#: Rows that are kept of an answer, and ids of each.
MOST_ROWS = 40
MOST_IDS = 20
_ROW = ShowRawLog | WhatElse | SevenAnswers
#: What the ledger calls what somebody asked for.
_NAMES: Mapping[type[_ROW], str] = {
    ShowRawLog: "raw log",
    WhatElse: "what else",
    SevenAnswers: "seven answers",
}
#: Characters of a question's line that stand in that of its page.
_LINE = 480
_ALL = "All clusters of all workspaces."


class ChatStore(Questions, Ledger, Protocol):
    """What is needed of the store."""


class Admit(Protocol):
    """Writes a question down, if there is room for it; else returns what is said."""

    async def __call__(self, line: str, asker: Asker, member: Member) -> Put | Message | None: ...


class ChatRows:
    """Answers such buttons."""

    def __init__(
        self,
        *,
        asking: Asking,
        store: ChatStore,
        dialogs: Dialogs,
        raw_log: RawLog,
        rows: RowAnswers,
        clock: Clock,
        zone: ZoneInfo,
        may_read: Callable[[Asker], bool],
        admit: Admit,
    ) -> None:
        self._asking = asking
        self._store = store
        self._dialogs = dialogs
        self._raw_log = raw_log
        self._rows = rows
        self._clock = clock
        self._zone = zone
        self._may_read = may_read
        self._admit = admit

    async def show(self, command: ForAsker, asker: Asker, member: Member) -> Message:
        """Answer in a dialog. May raise Unavailable or Rejected."""
        kept = await self._store.question(command.key)
        if isinstance(command, ShowSeenBefore) or kept is None or kept.answer is None:
            return notice_message(notice.question_gone())
        if not _is_here(kept, asker):
            return notice_message(notice.question_gone())
        if reads_more(from_text(kept.put.line)) and not self._may_read(asker):
            return notice_message(notice.readers_only())
        if isinstance(command, ListEvents):
            return await self._page(command, kept, kept.answer, asker, member)
        if isinstance(command, ShowQuery):
            return await self._query(command, kept, kept.answer, asker, member)
        row = next((each for each in kept.answer.rows if each.mark == command.row), None)
        if row is None:
            return notice_message(notice.question_gone())
        if not await self._is_recorded(command, row, asker, member):
            return notice_message(notice.not_recorded())
        return await self._of_row(command, row, kept.answer.window, asker, member)

    # --- one row -----------------------------------------------------------------------------------

    async def _is_recorded(self, command: _ROW, row: Row, asker: Asker, member: Member) -> bool:
        by = Person(id=asker.object_id, name=member.name)
        what, here, now = _NAMES[type(command)], asker.conversation.id, self._clock.now()
        try:
            await self._store.write(what, by, here, now, about=row.said, key=command.key)
        except OutsideError as failure:
            log.warning("%s not shown, for it was not recorded", what, extra={"reason": failure.reason})
            return False
        return True

    async def _of_row(self, command: _ROW, row: Row, window: Window, asker: Asker, member: Member) -> Message:
        ids = [each for each in row.audit_ids if can_ask(each)]
        match command:
            case ShowRawLog() if not ids:
                return notice_message(notice.no_event())
            case ShowRawLog():
                asked = self._asking.raw(ids, window)
                return await self._raw_log.shown(command, asked, asker.conversation, member)
            case WhatElse():
                source = self._source(row, ids, window)
                return await self._rows.what_else_of(
                    source, asker, member, no_dialog=command.no_dialog, where=_ALL
                )
            case SevenAnswers():
                source = self._source(row, ids, window)
                return await self._rows.seven_of(source, asker, member, no_dialog=command.no_dialog)

    def _source(self, row: Row, ids: Sequence[str], window: Window) -> RowSource:
        count = f"{len(row.audit_ids)}{' or more' if len(row.audit_ids) == MOST_IDS else ''}"

        async def around(span: Window) -> Evidence:
            return _with_doubts(*await self._asking.what_else(row.user, span))

        async def raw() -> RawEvents:
            return await self._asking.raw(ids[:1], window)

        return RowSource(
            user=row.user,
            first=row.first,
            last=row.last,
            said=row.said,
            event=(ids[0], row.first) if ids else None,
            which=f"The first of {count} alike." if len(row.audit_ids) > 1 else "",
            around=around,
            raw=raw,
        )

    # --- the query ---------------------------------------------------------------------------------

    async def _query(
        self, command: ShowQuery, kept: Kept, answer: Answered, asker: Asker, member: Member
    ) -> Message:
        """Answer with what ran, as it was kept. It is no look at the log, so it is not recorded."""
        times = Times(zone=zone_of(asker.time_zone, self._zone), day=answer.window.end)
        ran = [(each.workspaces, each.kql) for each in answer.ran]

        async def drawn() -> Message:
            card = query_card(kept.put.line, answer.window, ran, times)
            return Message(card=card, summary=f"The query of: {plain(kept.put.line, NAME_LENGTH)}")

        async def dialog(message: Message) -> Message:
            return message

        async def personal(message: Message) -> Sequence[Message]:
            return [message]

        promise = Promise(name="query", asked=drawn(), dialog=dialog, personal=personal)
        return await self._dialogs.show(promise, asker.conversation, member, no_dialog=command.no_dialog)

    # --- all events --------------------------------------------------------------------------------

    async def _page(
        self, command: ListEvents, kept: Kept, answer: Answered, asker: Asker, member: Member
    ) -> Message:
        """Answer with a page. Each is a question of its own: it is recorded, and counts against the limits."""
        page = min(command.page, len(answer.cursors))
        admitted = await self._admit(f"{kept.put.line[:_LINE]} page {page + 1}", asker, member)
        if not isinstance(admitted, Put):
            return admitted or notice_message(notice.question_gone())
        zone = zone_of(asker.time_zone, self._zone)

        def drawn(found: tuple[Asked, Listed]) -> Message:
            asked, listed = found
            card = listed_card(asked, listed, zone=zone)
            return Message(card=card, summary=listed_summary(asked, listed, zone=zone))

        async def dialog(found: tuple[Asked, Listed]) -> Message:
            return await asyncio.to_thread(drawn, found)

        async def personal(found: tuple[Asked, Listed]) -> Sequence[Message]:
            asked, listed = found
            # There the key opens nothing, unless that is where it was asked.
            key = asked.key if asker.conversation.kind is ConversationKind.PERSONAL else ""
            return [await dialog((replace(asked, key=key), listed))]

        promise = Promise(
            name="list",
            asked=self._listed(kept, answer, page, admitted.key),
            dialog=dialog,
            personal=personal,
        )
        return await self._dialogs.show(promise, asker.conversation, member, no_dialog=command.no_dialog)

    async def _listed(self, kept: Kept, answer: Answered, page: int, key: str) -> tuple[Asked, Listed]:
        what = about(from_text(kept.put.line))
        subject = Subject(
            line=kept.put.line,
            wanted=EventFilter(window=answer.window, what=what, clusters=answer.clusters),
            key=kept.put.key,
            clusters=tuple(resource_name(each) for each in answer.clusters),
        )
        try:
            asked, listed, following = await self._asking.listed(
                subject,
                page=page,
                cursor=answer.cursors[page - 1] if page else None,
                known_at=kept.put.asked_at,
                total=answer.events or 0,
            )
        except OutsideError as failure:
            await self._done(key, Answered(window=answer.window, outcome=failure.reason))
            raise
        await self._turned(kept.put.key, answer.cursors, page, following)
        outcome = "partial" if asked.partial or asked.unanswered else "ok"
        done = replace(answer, events=len(listed.events), outcome=outcome, rows=(), cursors=())
        await self._done(key, done)
        return asked, listed

    async def _turned(self, key: str, known: Sequence[Cursor], page: int, following: Cursor | None) -> None:
        """Keep where the next page begins; without that there is no turning to it. Raises Unavailable."""
        if following is not None and page == len(known):
            await self._store.turned(key, (*known, following))

    async def _done(self, key: str, answer: Answered) -> None:
        try:
            await self._store.answered(key, answer, self._clock.now())
        except OutsideError as failure:
            log.warning("an answer could not be recorded", extra={"reason": failure.reason})


def ran_of(asked: Sequence[AskedOf]) -> tuple[Ran, ...]:
    """Return the queries that ran, each once, with the workspaces that were asked it."""
    workspaces: dict[str, list[str]] = {}
    for each in asked:
        if each.kql.strip():
            workspaces.setdefault(each.kql, []).append(each.workspace)
    return tuple(Ran(kql=kql, workspaces=tuple(names)) for kql, names in workspaces.items())


def rows_of(groups: Sequence[Group], card: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return what the card's buttons name by a mark, so that it can be asked for again."""
    wanted = set(_marks(card))
    by_mark = {mark(group): group for group in reversed(groups)} if wanted else {}
    rows = [_row(name, group) for name, group in reversed(by_mark.items()) if name in wanted]
    return tuple(rows[:MOST_ROWS])


def _row(name: str, group: Group) -> Row:
    return Row(
        mark=name,
        audit_ids=tuple(dict.fromkeys(event.audit_id for event in group.events))[:MOST_IDS],
        user=group.user,
        first=group.first,
        last=group.last,
        said=sentence(group, NAME_LENGTH),
    )


def _marks(element: Any) -> Iterator[str]:
    """Yield the marks in all data of the card's buttons."""
    waiting = [element]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            data = each.get("data")
            if isinstance(data, Mapping) and isinstance(data.get("g"), str):
                yield data["g"]
            waiting.extend(each.values())
        elif isinstance(each, (list, tuple)):
            waiting.extend(each)


def _is_here(kept: Kept, asker: Asker) -> bool:
    """Tell whether the question was asked here; or by the asker, who asks on alone."""
    where = asker.conversation
    alone = where.kind is ConversationKind.PERSONAL and kept.put.by.id == asker.object_id
    return where.id == kept.put.conversation_id or alone


def _with_doubts(asked: Asked, evidence: Evidence) -> Evidence:
    """Name the workspaces that did not answer, on a card that has no other place for them."""
    if not asked.unanswered:
        return evidence
    names = ", ".join(f"{each.workspace} ({each.why})" for each in asked.unanswered)
    detail = " ".join(part for part in (f"Not answered: {names}.", evidence.detail) if part)
    return replace(evidence, partial=True, detail=detail)

"""What is asked from a row of a card: what else its actor did, its seven answers, whether it was seen before.

Each is for who asked alone, as the raw log is, and is asked of the workspace or the store at that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from audit.event import ActorKind, AuditEvent, parse_event
from audit.evidence import Evidence, Group, Missing
from audit.filter import Window
from audit.incident import Incident
from audit.involved import deeds, marked
from audit.kql import InvalidTerm
from audit.questions import answers
from audit.redact import redact
from bot.asked import Asker, SevenAnswers, ShowSeenBefore, WhatElse
from bot.dialogs import Dialogs, Promise
from bot.inquiry import Inquiry, RawEvents
from bot.notices import notice_message
from bot.ports import Dossier, Incidents, Member, Message, SeenBefore
from bot.zones import zone_of
from cards import before, notice
from cards.actor import what_else_card
from cards.raw_log import cut_note
from cards.seven import seven_card
from cards.words import sentence

#: How far before and after a row is looked for what else its actor did.
AROUND = timedelta(minutes=30)
#: Earlier incidents that are read; the card says how many more there are.
MOST_SEEN = 12
#: Characters of a name in a line about a row.
NAME_LENGTH = 120

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """A row of a card, of an incident's or of an answer's, and how to ask about it again."""

    user: str
    first: datetime
    last: datetime
    #: The row in words.
    said: str
    #: Id and time of its first event; None where it is not known.
    event: tuple[str, datetime] | None
    #: Which of the row's events that is, in words; "" where there is one.
    which: str
    #: What its user did in a window. May raise InvalidTerm and OutsideError.
    around: Callable[[Window], Awaitable[Evidence]]
    #: Its first event, whole.
    raw: Callable[[], Awaitable[RawEvents]]


class RowAnswers:
    """Every method may raise Unavailable or Rejected before it promises to bring the answer later."""

    def __init__(
        self,
        *,
        inquiry: Inquiry,
        incidents: Incidents,
        dialogs: Dialogs,
        zone: ZoneInfo,
        logs_url: Callable[[Evidence], str],
    ) -> None:
        self._inquiry = inquiry
        self._incidents = incidents
        self._dialogs = dialogs
        self._zone = zone
        self._logs_url = logs_url

    async def what_else(self, command: WhatElse, dossier: Dossier, asker: Asker, member: Member) -> Message:
        """Answer with all that the row's actor did around it, on all clusters of the workspace."""
        group = _row(dossier.evidence, command.row)
        if group is None:
            return notice_message(notice.row_gone())
        return await self.what_else_of(
            self._source(group, dossier), asker, member, no_dialog=command.no_dialog
        )

    async def seven(self, command: SevenAnswers, dossier: Dossier, asker: Asker, member: Member) -> Message:
        """Answer with the seven questions about the row's first event, asked for again and redacted."""
        group = _row(dossier.evidence, command.row)
        if group is None:
            return notice_message(notice.row_gone())
        return await self.seven_of(self._source(group, dossier), asker, member, no_dialog=command.no_dialog)

    async def what_else_of(
        self, row: RowSource, asker: Asker, member: Member, *, no_dialog: bool, where: str = ""
    ) -> Message:
        """Answer with all that the row's actor did around it. `where` says where is looked; "" for one workspace."""
        if not row.user:
            return notice_message(notice.no_actor())
        window = Window(start=row.first - AROUND, end=row.last + AROUND)
        zone = zone_of(asker.time_zone, self._zone)
        told = {"where": where} if where else {}

        def drawn(found: Evidence) -> Message:
            url = self._logs_url(found)
            card = what_else_card(found, row.user, window, zone=zone, logs_url=url, **told)
            return Message(card=card, summary="What else they did")

        promise = _promise("answer", _around(row, window), drawn)
        return await self._dialogs.show(promise, asker.conversation, member, no_dialog=no_dialog)

    async def seven_of(self, row: RowSource, asker: Asker, member: Member, *, no_dialog: bool) -> Message:
        """Answer with the seven questions about the row's first event."""
        if not row.event:
            return notice_message(notice.no_event())

        def drawn(found: RawEvents) -> Message:
            event = _shown(found.events, row)
            return notice_message(notice.no_event()) if event is None else _seven(event, row)

        promise = _promise("answer", _awaited(row.raw()), drawn)
        return await self._dialogs.show(promise, asker.conversation, member, no_dialog=no_dialog)

    def _source(self, group: Group, dossier: Dossier) -> RowSource:
        """Return a row of an incident's card."""
        first = replace(group, events=group.events[:1])
        return RowSource(
            user=group.user,
            first=group.first,
            last=group.last,
            said=sentence(group, NAME_LENGTH),
            event=(first.events[0].audit_id, first.events[0].time) if first.events else None,
            which=f"The first of {group.count:,} alike." if group.count > 1 else "",
            around=lambda window: self._inquiry.what_else(dossier.alert, group.user, window),
            raw=lambda: self._inquiry.raw(dossier.alert, replace(dossier.evidence, groups=(first,))),
        )

    async def seen_before(
        self, command: ShowSeenBefore, dossier: Dossier, asker: Asker, member: Member
    ) -> Message:
        """Answer with the earlier incidents whose card is for this conversation too, and how they ended."""
        groups = _asked_about(dossier.evidence, command.row)
        if groups is None:
            return notice_message(notice.row_gone())
        zone = zone_of(asker.time_zone, self._zone)
        about = sentence(groups[0], NAME_LENGTH) if len(groups) == 1 else ""

        def drawn(found: tuple[int, Sequence[SeenBefore]]) -> Message:
            total, newest = found
            rows = [_seen(each) for each in newest]
            card = before.seen_before_card(rows, zone=zone, about=about, total=total)
            return Message(card=card, summary="Seen before")

        asked = self._incidents.seen_before(
            dossier.incident.key, deeds(groups), MOST_SEEN, conversation_id=asker.conversation.id
        )
        promise = _promise("answer", _awaited(asked), drawn)
        return await self._dialogs.show(promise, asker.conversation, member, no_dialog=command.no_dialog)


async def _around(row: RowSource, window: Window) -> Evidence:
    try:
        return await row.around(window)
    except InvalidTerm as refused:
        # A name that cannot stand in a query: nothing was asked.
        return Evidence(
            asked_at=window.end, window=window, missing=Missing.REFUSED_QUERY, detail=str(refused)
        )


async def _awaited(asked: Awaitable[Found]) -> Found:
    return await asked


def _promise(name: str, asked: Any, drawn: Callable[[Found], Message]) -> Promise[Found]:
    """Draw off the loop: redacting and drawing may take a tenth of a second, which belongs to everybody on it."""

    async def dialog(found: Found) -> Message:
        return await asyncio.to_thread(drawn, found)

    async def personal(found: Found) -> Sequence[Message]:
        return [await dialog(found)]

    return Promise(name=name, asked=asked, dialog=dialog, personal=personal)


def _row(evidence: Evidence, mark: str) -> Group | None:
    return None if evidence.missing else marked(evidence.groups, mark)


def _asked_about(evidence: Evidence, mark: str | None) -> Sequence[Group] | None:
    """Return the row, or without one all that is not the platform's, which is in every incident; else everything."""
    if mark is not None:
        row = _row(evidence, mark)
        return None if row is None else [row]
    return [each for each in evidence.groups if each.actor is not ActorKind.PLATFORM] or evidence.groups


def _shown(found: Sequence[AuditEvent], row: RowSource) -> AuditEvent | None:
    """Return the event that the row begins with; another may share an id of a client's choosing."""
    audit_id, time = row.event or ("", row.first)
    same = [event for event in found if event.audit_id == audit_id]
    return next((event for event in same if event.time == time), same[0] if same else None)


def _seven(event: AuditEvent, row: RowSource) -> Message:
    notes = (row.which, cut_note(event.lost) if event.is_cut else "")
    card = seven_card(answers(_redacted(event)), about=row.said, notes=notes)
    return Message(card=card, summary="Seven answers")


def _redacted(event: AuditEvent) -> AuditEvent:
    """Read the event again from what audit.redact lets through, so that nothing else of it can leave."""
    row = {
        "log_s": redact(event.raw).event,
        "TimeGenerated": event.generated.isoformat(),
        "_ResourceId": event.cluster_id,
        "pod_s": event.pod,
        "Category": event.category,
    }
    clean = parse_event(row)
    if not isinstance(clean, AuditEvent):
        raise TypeError("a redacted event is no event any more")
    return replace(
        clean,
        shape=event.shape,
        is_cut=event.is_cut,
        lost=event.lost,
        ingested=event.ingested,
        time=event.time,
    )


def _seen(seen: SeenBefore) -> before.SeenBefore:
    incident: Incident = seen.incident
    given = incident.acknowledgement
    what = " · ".join(part for part in (incident.rule, incident.subject_name, seen.headline) if part)
    return before.SeenBefore(
        number=incident.number,
        opened_at=incident.opened_at,
        what=what,
        state=incident.state.value,
        acknowledged_by=given.by.name if given else "",
        acknowledged_at=given.at if given else None,
        # Nobody but Azure ends an incident.
        closed_by="Azure" if incident.resolved_at else "",
        closed_at=incident.resolved_at,
    )

"""What the bot says to a command, whether it was typed or clicked: one answer, which the caller delivers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol
from zoneinfo import ZoneInfo

from audit.incident import Person
from bot.asked import (
    Acknowledge,
    AskActivity,
    AskCost,
    Asker,
    AskEvents,
    AskPerson,
    AskRaw,
    AskWho,
    Command,
    EndWatch,
    ForAsker,
    Help,
    ListEvents,
    ListIncidents,
    ListWatches,
    Misunderstood,
    Question,
    Raise,
    SevenAnswers,
    ShowBlindSpots,
    ShowClusters,
    ShowIncident,
    ShowQuery,
    ShowRawLog,
    ShowSeenBefore,
    ShowStatus,
    ShowTrail,
    Subscribe,
    TestIncident,
    Unsubscribe,
    Watch,
    Welcome,
    WhatElse,
)
from bot.chat_lines import reads_more
from bot.dialogs import Dialogs
from bot.errors import OutsideError
from bot.help_answers import help_message
from bot.incident_answers import IncidentAnswers
from bot.inquiry import missing_for
from bot.membership import Membership, Standing
from bot.notices import notice_message
from bot.ports import Clock, Ledger, Member, Message, Routes
from bot.raw_log import RawLog
from bot.row_answers import RowAnswers
from bot.status import StatusReport
from bot.watch_answers import WatchAnswers
from bot.zones import zone_of
from cards import notice
from cards.status import status_card, status_summary

log = logging.getLogger(__name__)

#: What the ledger calls what somebody asked for about an incident.
_NAMES: Mapping[type[ForAsker], str] = {
    ShowRawLog: "raw log",
    WhatElse: "what else",
    SevenAnswers: "seven answers",
    ShowSeenBefore: "seen before",
}
_REFUSALS: Mapping[Standing, Callable[[], notice.Notice]] = {
    Standing.GUEST: notice.refused_guest,
    Standing.STRANGER: notice.refused_stranger,
    Standing.OUTSIDER: notice.refused_outsider,
    Standing.UNLISTED: notice.askers_only,
    Standing.UNKNOWN: notice.refused_unknown,
}


class Chat(Protocol):
    """Answers questions to the audit log: bot.chat."""

    async def answer(
        self, command: Question | ShowClusters | ShowBlindSpots, asker: Asker, member: Member
    ) -> Message | None:
        """Return the answer; None where nothing is to be said. May raise Unavailable or Rejected."""
        ...

    async def show(self, command: ForAsker, asker: Asker, member: Member) -> Message:
        """Return what a button on an answer asks for. May raise Unavailable or Rejected."""
        ...

    async def close(self) -> None:
        """Wait for what was promised to a personal chat."""
        ...


class Kept(Routes, Ledger, Protocol):
    """What is needed of the store."""


class Responder:
    """Answers commands. `close()` waits for what goes on behind an answer."""

    def __init__(
        self,
        *,
        store: Kept,
        membership: Membership,
        clock: Clock,
        zone: ZoneInfo,
        wake: Callable[[], None],
        status: StatusReport,
        chat: Chat,
        incidents: IncidentAnswers,
        watches: WatchAnswers,
        dialogs: Dialogs,
        raw_log: RawLog,
        rows: RowAnswers,
    ) -> None:
        self._store = store
        self._membership = membership
        self._clock = clock
        self._zone = zone
        self._wake = wake
        self._status = status
        self._chat = chat
        self._incidents = incidents
        self._watches = watches
        self._dialogs = dialogs
        self._raw_log = raw_log
        self._rows = rows

    async def close(self) -> None:
        """Wait until everything that was promised is delivered or given up, and every copy taken away."""
        await self._dialogs.close()
        await self._chat.close()
        await self._incidents.close()

    async def respond(self, command: Command, asker: Asker) -> Message | None:
        """Return the answer as one card; None for what was answered before.

        A failure of the store or of Azure becomes a sentence, not an exception.
        """
        match command:
            case Help():
                return help_message(command.about)
            case Welcome():
                return notice_message(notice.welcome())
            case Misunderstood():
                return notice_message(notice.not_understood(command.text, command.hint, command.instead))
        standing, member = await self._membership.of(asker)
        if standing is not Standing.MEMBER or member is None:
            return notice_message(_REFUSALS[standing]())
        if reads_more(command) and not self._membership.may_read(asker):
            return notice_message(notice.readers_only())
        try:
            return await self._for_member(command, asker, member)
        except OutsideError as failure:
            told = {"command": type(command).__name__, "reason": failure.reason, "detail": str(failure)}
            log.warning("command failed", extra=told)
            return notice_message(notice.failed(missing_for(failure.reason)))

    async def _for_member(self, command: Command, asker: Asker, member: Member) -> Message | None:
        match command:
            case (
                AskEvents()
                | AskWho()
                | AskPerson()
                | AskActivity()
                | AskCost()
                | AskRaw()
                | ShowClusters()
                | ShowBlindSpots()
            ):
                return await self._chat.answer(command, asker, member)
            case ListEvents() | ShowQuery():
                return await self._chat.show(command, asker, member)
            case ShowRawLog() | WhatElse() | SevenAnswers() | ShowSeenBefore():
                return await self._for_asker(command, asker, member)
            case Acknowledge():
                return await self._incidents.acknowledge(command, asker, member)
            case ShowIncident():
                return await self._incidents.show(command, asker)
            case ShowTrail():
                return await self._incidents.trail(command, asker)
            case ListIncidents():
                return await self._incidents.listed(command, asker)
            case Watch() | Raise() | ListWatches() | EndWatch() | TestIncident():
                return await self._watches.answer(command, asker, member)
            case _:
                return await self._about_the_bot(command, asker)

    async def _about_the_bot(self, command: Command, asker: Asker) -> Message:
        here, now = asker.conversation.id, self._clock.now()
        match command:
            case ShowStatus():
                status, zone = await self._status.now(), zone_of(asker.time_zone, self._zone)
                return Message(card=status_card(status, zone=zone), summary=status_summary(status, zone=zone))
            case Subscribe():
                new = await self._store.subscribe(here, now)
                self._wake()
                return notice_message(notice.subscribed(again=not new))
            case Unsubscribe():
                was = await self._store.unsubscribe(here, now)
                return notice_message(notice.unsubscribed(again=not was))
            case _:
                raise AssertionError(command)

    async def _for_asker(
        self, command: ShowRawLog | WhatElse | SevenAnswers | ShowSeenBefore, asker: Asker, member: Member
    ) -> Message:
        """Answer what only the asker sees; that somebody asked is recorded first."""
        if not isinstance(command, ShowSeenBefore) and command.of_question:
            return await self._chat.show(command, asker, member)
        dossier = await self._incidents.here(command.key, asker)
        if dossier is None:
            return notice_message(notice.not_found())
        by = Person(id=asker.object_id, name=member.name)
        await self._store.write(
            _NAMES[type(command)],
            by,
            asker.conversation.id,
            self._clock.now(),
            about=f"#{dossier.incident.number}",
            key=command.key,
        )
        match command:
            case ShowRawLog():
                return await self._raw_log.show(command, dossier, asker.conversation, member)
            case WhatElse():
                return await self._rows.what_else(command, dossier, asker, member)
            case SevenAnswers():
                return await self._rows.seven(command, dossier, asker, member)
            case ShowSeenBefore():
                return await self._rows.seen_before(command, dossier, asker, member)

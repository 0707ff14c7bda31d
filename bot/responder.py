"""What the bot says to a command, whether it was typed or clicked: one answer, which the caller delivers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from audit.evidence import Evidence
from audit.filter import EventFilter, Window
from audit.kql import InvalidTerm
from bot.commands import (
    GRAMMAR,
    Acknowledge,
    Asker,
    Audits,
    Command,
    ForAsker,
    Help,
    Misunderstood,
    SevenAnswers,
    ShowIncident,
    ShowRawLog,
    ShowSeenBefore,
    ShowStatus,
    ShowTrail,
    Subscribe,
    Unsubscribe,
    Welcome,
    WhatElse,
)
from bot.dialogs import DIALOG_DEADLINE, Dialogs, Sleep
from bot.errors import OutsideError, Rejected
from bot.incident_answers import IncidentAnswers
from bot.inquiry import Inquiry, missing_for
from bot.membership import Membership, Standing
from bot.notices import notice_message
from bot.ports import Clock, Conversations, Dossier, Member, Message, Store
from bot.raw_log import RawLog
from bot.row_answers import RowAnswers
from bot.status import StatusReport
from bot.zones import zone_of
from cards import notice
from cards.events import answer_card, answer_summary
from cards.help import help_card
from cards.status import status_card, status_summary

log = logging.getLogger(__name__)

#: What the log calls what somebody asked for.
_NAMES: Mapping[type[ForAsker], str] = {
    ShowRawLog: "raw log",
    WhatElse: "what else",
    SevenAnswers: "seven answers",
    ShowSeenBefore: "seen before",
}


class Responder:
    """Answers commands. `close()` waits for what goes on behind an answer."""

    def __init__(
        self,
        *,
        store: Store,
        inquiry: Inquiry,
        conversations: Conversations,
        membership: Membership,
        clock: Clock,
        zone: ZoneInfo,
        incident_message: Callable[[Dossier], Message],
        logs_url: Callable[[Evidence], str],
        wake: Callable[[], None],
        status: StatusReport,
        dialog_deadline: timedelta = DIALOG_DEADLINE,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store = store
        self._inquiry = inquiry
        self._membership = membership
        self._clock = clock
        self._zone = zone
        self._logs_url = logs_url
        self._wake = wake
        self._status = status
        self._incidents = IncidentAnswers(
            incidents=store,
            conversations=conversations,
            clock=clock,
            zone=zone,
            incident_message=incident_message,
            wake=wake,
        )
        self._dialogs = Dialogs(conversations=conversations, deadline=dialog_deadline, sleep=sleep)
        self._raw_log = RawLog(inquiry=inquiry, dialogs=self._dialogs, clock=clock)
        self._rows = RowAnswers(
            inquiry=inquiry, incidents=store, dialogs=self._dialogs, zone=zone, logs_url=logs_url
        )

    async def close(self) -> None:
        """Wait until everything that was promised is delivered or given up, and every copy taken away."""
        await self._dialogs.close()
        await self._incidents.close()

    async def respond(self, command: Command, asker: Asker) -> Message:
        """Return the answer as one card. A failure of the store or of Azure becomes a sentence, not an exception."""
        match command:
            case Help():
                return Message(card=help_card(GRAMMAR), summary="What you can ask")
            case Welcome():
                return notice_message(notice.welcome())
            case Misunderstood():
                return notice_message(notice.not_understood(command.text, command.hint))
        standing, member = await self._membership.of(asker)
        if standing is not Standing.MEMBER or member is None:
            return notice_message(_refusal(standing))
        try:
            return await self._for_member(command, asker, member)
        except OutsideError as failure:
            log.warning("command failed", extra={"command": type(command).__name__, "reason": failure.reason})
            return notice_message(notice.failed(missing_for(failure.reason)))

    async def _for_member(self, command: Command, asker: Asker, member: Member) -> Message:
        match command:
            case Acknowledge():
                return await self._incidents.acknowledge(command, asker, member)
            case ShowIncident():
                return await self._incidents.show(command, asker)
            case ShowTrail():
                return await self._incidents.trail(command, asker)
            case ShowStatus():
                return await self._tell_status(asker)
            case ShowRawLog() | WhatElse() | SevenAnswers() | ShowSeenBefore():
                return await self._for_asker(command, asker, member)
            case Audits():
                return await self._audits(command, asker)
            case Subscribe():
                new = await self._store.subscribe(asker.conversation.id, self._clock.now())
                self._wake()
                return notice_message(notice.subscribed(again=not new))
            case Unsubscribe():
                was = await self._store.unsubscribe(asker.conversation.id, self._clock.now())
                return notice_message(notice.unsubscribed(again=not was))
            case _:
                raise AssertionError(command)

    async def _for_asker(self, command: ForAsker, asker: Asker, member: Member) -> Message:
        """Answer what only the asker sees; that somebody asked is recorded."""
        dossier = await self._incidents.here(command.key, asker)
        if dossier is None:
            return notice_message(notice.not_found())
        log.info(
            "%s asked for",
            _NAMES[type(command)],
            extra={"incident": dossier.incident.number, "person": asker.object_id},
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

    async def _tell_status(self, asker: Asker) -> Message:
        status, zone = await self._status.now(), zone_of(asker.time_zone, self._zone)
        return Message(card=status_card(status, zone=zone), summary=status_summary(status, zone=zone))

    async def _audits(self, command: Audits, asker: Asker) -> Message:
        now = self._clock.now()
        wanted = EventFilter(term=command.term, window=Window(start=now - command.span, end=now))
        zone = zone_of(asker.time_zone, self._zone)
        try:
            evidence = await self._inquiry.matching(wanted)
        except InvalidTerm as refused:
            return notice_message(notice.not_understood(command.term, str(refused)))
        except Rejected as failure:
            log.error(
                "the chat query was refused", extra={"reason": failure.reason, "detail": failure.detail}
            )
            raise
        card = answer_card(wanted, evidence, zone=zone, logs_url=self._logs_url(evidence))
        return Message(card=card, summary=answer_summary(wanted, evidence, zone=zone))


def _refusal(standing: Standing) -> notice.Notice:
    return {
        Standing.GUEST: notice.refused_guest,
        Standing.STRANGER: notice.refused_stranger,
        Standing.OUTSIDER: notice.refused_outsider,
        Standing.UNKNOWN: notice.refused_unknown,
    }[standing]()

"""Answering a question to the audit log: recorded, within limits, asked of every workspace, and answered by one card."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from audit.evidence import Missing
from audit.filter import EventFilter, Window
from audit.incident import Person
from audit.kql import InvalidTerm
from bot.asked import Asker, AskRaw, ForAsker, ShowBlindSpots, ShowClusters
from bot.asking import Asking
from bot.chat_found import ChatFound, Found, Told
from bot.chat_lines import AboutEvents, Asked, Timed, about, narrower, on, reachable
from bot.chat_raw import ChatRaw
from bot.chat_rows import ChatRows, ChatStore, ran_of, rows_of
from bot.dialogs import Dialogs
from bot.errors import OutsideError, Reason
from bot.everywhere import NoneAnswered, Subject
from bot.grammar import line_of
from bot.inquiry import DEADLINE
from bot.known_clusters import Found as Named
from bot.known_clusters import KnownClusters
from bot.notices import notice_message
from bot.ports import Admission, Answered, Clock, Limits, Member, Message, Put
from bot.raw_log import RawLog
from bot.row_answers import RowAnswers
from bot.when import LONGEST_SPAN, REACH, OutOfReach
from bot.zones import zone_of
from cards import notice

log = logging.getLogger(__name__)

#: Why a workspace did not answer, where it may answer to less.
_TOO_MUCH = frozenset({Missing.TIMED_OUT, Missing.TOO_LARGE, Missing.THROTTLED})

#: What is looked at for `clusters` and `blindspots`.
LATELY = timedelta(hours=24)
#: Characters of a line that are kept of a question; a longer one's answer has no buttons, for they would ask another.
LONGEST_LINE = 500


@dataclass(frozen=True, kw_only=True)
class _Question:
    """A question that was admitted."""

    command: Asked
    put: Put
    told: Told
    window: Window


class _Instead(Exception):
    """What is said instead of an answer from the workspaces."""

    def __init__(self, message: Message, outcome: str) -> None:
        super().__init__(outcome)
        self.message = message
        self.outcome = outcome


class ChatAnswers:
    """Answers questions, and what buttons on the answers ask for. `close()` waits for what goes on behind."""

    def __init__(
        self,
        *,
        asking: Asking,
        clusters: KnownClusters,
        store: ChatStore,
        dialogs: Dialogs,
        raw_log: RawLog,
        rows: RowAnswers,
        clock: Clock,
        zone: ZoneInfo,
        may_read: Callable[[Asker], bool],
        limits: Limits | None = None,
        longest: timedelta = LONGEST_SPAN,
        reach: timedelta = REACH,
        new_key: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        """`may_read` tells whether a member may see raw events; `longest` is the longest time that may be asked for at once,
        `reach` how long ago it may begin.
        """
        self._found = ChatFound(asking)
        self._clusters = clusters
        self._store = store
        self._clock = clock
        self._zone = zone
        self._limits = limits or Limits()
        self._longest = longest
        self._reach = reach
        self._new_key = new_key
        self._raw = ChatRaw(asking=asking, raw_log=raw_log, finish=self._finish)
        self._rows = ChatRows(
            asking=asking,
            store=store,
            dialogs=dialogs,
            raw_log=raw_log,
            rows=rows,
            clock=clock,
            zone=zone,
            may_read=may_read,
            admit=self._admit,
        )

    async def close(self) -> None:
        """Nothing goes on behind an answer but what bot.dialogs brings."""

    async def show(self, command: ForAsker, asker: Asker, member: Member) -> Message:
        """Answer a button on an answer. May raise Unavailable or Rejected."""
        return await self._rows.show(command, asker, member)

    async def answer(self, command: Asked, asker: Asker, member: Member) -> Message | None:
        """Answer a question; None for one that was answered before. Failures of what is outside become sentences."""
        now = self._clock.now()
        told = Told(zone=zone_of(asker.time_zone, self._zone), now=now, longest=self._longest)
        try:
            window = self._window(command, told)
        except OutOfReach as far:
            return self._out_of_reach(command, far)
        admitted = await self._admit(line_of(command), asker, member, activity_id=asker.activity_id)
        if not isinstance(admitted, Put):
            return admitted
        question = _Question(command=command, put=admitted, told=told, window=window)
        try:
            if isinstance(command, AskRaw):
                return await self._raw.answer(
                    command, admitted.key, question.window, asker.conversation, member
                )
            return await self._asked(question)
        except _Instead as instead:
            answer = Answered(window=question.window, outcome=instead.outcome)
            await self._finish(admitted.key, answer)
            return instead.message

    async def _admit(
        self, line: str, asker: Asker, member: Member, *, activity_id: str = ""
    ) -> Put | Message | None:
        """Write the question down, if there is room for it; what is not written down is not asked."""
        put = Put(
            key=self._new_key(),
            line=line[:LONGEST_LINE],
            asked_at=self._clock.now(),
            by=Person(id=asker.object_id, name=member.name),
            conversation_id=asker.conversation.id,
            activity_id=activity_id,
        )
        try:
            admitted = await self._store.admit(put, self._limits)
        except OutsideError as failure:
            log.warning("a question could not be recorded", extra={"reason": failure.reason})
            return notice_message(notice.not_recorded())
        match admitted.verdict:
            case Admission.GRANTED:
                return put
            case Admission.REPEATED:
                return None
        is_person = admitted.verdict is Admission.PERSON_LIMIT
        most = self._limits.per_person if is_person else self._limits.per_conversation
        return notice_message(notice.too_many(is_person, admitted.wait, limit=most, span=self._limits.span))

    def _window(self, command: Asked, told: Told) -> Window:
        if isinstance(command, ShowClusters | ShowBlindSpots):
            return Window(start=told.now - LATELY, end=told.now)
        if isinstance(command, AskRaw):
            return Window(start=told.now - self._longest, end=told.now)
        return command.when.window(told.now, told.zone, self._longest, self._reach)

    def _out_of_reach(self, command: Asked, far: OutOfReach) -> Message:
        """Say so. Nothing is asked, so it is not recorded, and counts against no limit."""
        line = reachable(command, min(self._longest, self._reach)) if isinstance(command, Timed) else ""
        return notice_message(notice.out_of_reach(far.reason, line))

    # --- asking ------------------------------------------------------------------------------------

    async def _asked(self, question: _Question) -> Message:
        subject = await self._subject(question)
        command = question.command
        if isinstance(command, AskRaw):
            raise TypeError(command)
        try:
            found = await self._found.of(command, subject, question.told)
        except InvalidTerm as refused:
            said_of = notice.not_understood(question.put.line, str(refused))
            raise _Instead(notice_message(said_of), "refused") from refused
        except NoneAnswered as failure:
            # A query that a workspace does not accept is a mistake of ours.
            level = logging.ERROR if failure.reason is Reason.BAD_REQUEST else logging.WARNING
            told = {"reason": failure.reason, "detail": failure.detail}
            log.log(level, "no workspace answered", extra=told)
            raise _Instead(self._unanswered(question, failure), failure.reason) from failure
        except OutsideError as failure:
            log.warning("a question failed", extra={"reason": failure.reason, "detail": failure.detail})
            raise
        return await self._answered(found, question, subject)

    async def _answered(self, found: Found, question: _Question, subject: Subject) -> Message:
        message = await asyncio.to_thread(found.draw, found.asked)
        incomplete = found.asked.partial or found.asked.unanswered
        answer = Answered(
            window=question.window,
            clusters=subject.wanted.clusters,
            events=found.count,
            outcome="partial" if incomplete else "ok",
            rows=rows_of(found.groups, message.card),
            ran=ran_of(found.asked.of),
        )
        if await self._finish(question.put.key, answer) or not found.asked.key:
            return message
        # Buttons of a question that is not kept would open nothing.
        return await asyncio.to_thread(found.draw, replace(found.asked, key=""))

    async def _finish(self, key: str, answer: Answered) -> bool:
        """Write down what became of the question. That it was asked is written already."""
        try:
            await self._store.answered(key, answer, self._clock.now())
        except OutsideError as failure:
            log.warning("an answer could not be recorded", extra={"reason": failure.reason})
            return False
        return True

    def _unanswered(self, question: _Question, failure: NoneAnswered) -> Message:
        tried = [(each.workspace, each.why) for each in failure.asked.unanswered]
        in_vain = bool(tried) and all(why is Missing.TIMED_OUT for _, why in tried)
        command = question.command
        told = question.told
        less = ""
        if isinstance(command, Timed) and any(why in _TOO_MUCH for _, why in tried):
            less = narrower(command, question.window, told.now, told.zone)
        said_of = notice.not_answered(question.put.line, tried, less, waited=DEADLINE if in_vain else None)
        return notice_message(said_of)

    # --- of which clusters -------------------------------------------------------------------------

    async def _subject(self, question: _Question) -> Subject:
        command, line = question.command, line_of(question.command)
        what = about(command)
        wanted = EventFilter(window=question.window, what=what)
        # What is kept of a line that was cut asks something else.
        key = question.put.key if line == question.put.line else ""
        subject = Subject(line=line, wanted=wanted, key=key)
        if not what.cluster or not isinstance(command, AboutEvents):
            return subject
        found = await self._clusters.named(what.cluster)
        if found.silent and not found.clusters:
            tried = [(name, Missing.UNAVAILABLE) for name in found.silent]
            raise _Instead(notice_message(notice.not_answered(line, tried)), Reason.UNREACHABLE)
        if len(found.clusters) != 1:
            raise _Instead(_which(command, found), "which cluster")
        (cluster,) = found.clusters
        return replace(
            subject,
            wanted=replace(wanted, clusters=(cluster.id,)),
            clusters=(cluster.name,),
            # Who did not say which clusters it has may have this one too.
            workspaces=(*cluster.workspaces, *found.silent),
        )


def _which(command: AboutEvents, found: Named) -> Message:
    typed = command.what.cluster
    choices = [(each.full_name, on(command, each.full_name)) for each in found.clusters]
    if choices:
        return notice_message(notice.which_cluster(typed, choices))
    near: Sequence[tuple[str, str]] = [(each.full_name, on(command, each.full_name)) for each in found.near]
    return notice_message(notice.unknown_cluster(typed, [each.name for each in found.known], near))

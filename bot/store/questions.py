"""Questions, and the lines of the ledger: what comes at once is written as one group, under the ledger's own lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, select, update

from audit.incident import Person
from bot.batch import Batch
from bot.errors import Reason, Rejected
from bot.ports import Admitted, Answered, Cursor, Kept, Limits, Put
from bot.store.admitting import Admitting, Ask
from bot.store.chain import MOST_ROWS, Chain, Line
from bot.store.chat_tables import questions
from bot.store.codec import json_body
from bot.store.database import Database, OnDatabase, reads, writes
from bot.store.groups import all_or_each

#: Changes in one commit: as many as wait, but a transaction of a few dozen milliseconds at most.
MOST_AT_ONCE = 100
#: Questions taken away in one transaction, so that nobody waits long for it.
FORGOTTEN_AT_ONCE = 500

# Made once: building a statement takes longer than SQLite takes to run it.
_PUT = select(
    *(questions.c[name] for name in ("id", "key", "line", "by_id", "by_name", "conversation_id"))
).where(questions.c.key.in_(bindparam("keys", expanding=True)))
_ANSWER = (
    update(questions)
    .where(questions.c.id == bindparam("row"), questions.c.answer.is_(None))
    .values(answer=bindparam("body"), cursors=bindparam("pages"))
)
_QUESTION = select(questions).where(questions.c.key == bindparam("wanted"))


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What became of a question."""

    key: str
    answer: Answered
    now: datetime


_Job = Ask | _Told | Line
_Done = Admitted | Rejected | None


class SqlQuestions(OnDatabase):
    """Implements bot.ports.Questions, and the writing of bot.ports.Ledger."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._jobs: Batch[_Job, _Done | Exception] = Batch(self._together, most=MOST_AT_ONCE)

    async def admit(self, put: Put, limits: Limits) -> Admitted:
        """See bot.ports.Questions."""
        admitted = await self._done(Ask(put=put, limits=limits))
        if admitted is None:
            raise AssertionError("a question is granted or refused")
        return admitted

    async def answered(self, key: str, answer: Answered, now: datetime) -> None:
        """See bot.ports.Questions."""
        await self._done(_Told(key=key, answer=answer, now=now))

    async def write(
        self,
        what: str,
        by: Person,
        conversation_id: str,
        now: datetime,
        *,
        about: str = "",
        key: str = "",
        rows: int | None = None,
        outcome: str = "",
    ) -> None:
        line = Line(
            what=what,
            at=now,
            by=by,
            conversation_id=conversation_id,
            about=about,
            key=key,
            rows=rows,
            outcome=outcome,
        )
        await self._done(line)

    async def _done(self, job: _Job) -> Admitted | None:
        outcome = await self._jobs.add(job)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _together(self, jobs: Sequence[_Job]) -> Sequence[_Done | Exception]:
        return await all_or_each(self._write_group, jobs)

    @writes
    def _write_group(self, connection: Connection, jobs: Sequence[_Job]) -> Sequence[_Done]:
        chain = Chain(connection)
        admitting = Admitting(connection, chain, [job for job in jobs if isinstance(job, Ask)])
        answering = _Answering(connection, chain, [job for job in jobs if isinstance(job, _Told)])
        outcomes: list[_Done] = []
        for job in jobs:
            match job:
                case Ask():
                    outcomes.append(admitting.admit(job))
                case _Told():
                    outcomes.append(answering.answer(job))
                case Line():
                    chain.add(job)
                    outcomes.append(None)
        admitting.write()
        answering.write()
        chain.write()
        return outcomes

    @writes
    def turned(self, connection: Connection, key: str, cursors: Sequence[Cursor]) -> None:
        """See bot.ports.Questions."""
        known = select(questions.c.id, questions.c.cursors).where(questions.c.key == key).with_for_update()
        row = connection.execute(known).first()
        if row is not None and len(cursors) > len(_cursors(row.cursors)):
            pages = json_body(tuple(cursors))
            connection.execute(update(questions).where(questions.c.id == row.id).values(cursors=pages))

    @reads
    def question(self, connection: Connection, key: str) -> Kept | None:
        """See bot.ports.Questions. Raises Rejected(Reason.STORE) where another version of ours wrote its answer."""
        row = connection.execute(_QUESTION, {"wanted": key}).first()
        return None if row is None else kept_of(row)

    @writes
    def forget(self, connection: Connection, before: datetime) -> int:
        """See bot.ports.Keeping."""
        old = select(questions.c.id).where(questions.c.asked_at < before).limit(FORGOTTEN_AT_ONCE)
        return connection.execute(delete(questions).where(questions.c.id.in_(old))).rowcount


class _Answering:
    """Keeps what became of the questions of one group."""

    def __init__(self, connection: Connection, chain: Chain, told: Sequence[_Told]) -> None:
        self._connection = connection
        self._chain = chain
        self._new: list[dict[str, Any]] = []
        keys = [one.key for one in told]
        rows = connection.execute(_PUT, {"keys": keys}).all() if keys else ()
        self._known: dict[str, Row[Any]] = {row.key: row for row in rows}

    def answer(self, told: _Told) -> Rejected | None:
        row = self._known.get(told.key)
        if row is None:
            return Rejected(Reason.NOT_FOUND, "no such question")
        answer = replace(told.answer, events=_kept_count(told.answer.events), cursors=())
        pages = json_body(told.answer.cursors) if told.answer.cursors else None
        self._new.append({"row": row.id, "body": json_body(answer), "pages": pages})
        self._chain.add(
            Line(
                what="answered",
                at=told.now,
                by=Person(id=row.by_id, name=row.by_name),
                conversation_id=row.conversation_id,
                about=row.line,
                key=row.key,
                rows=answer.events,
                outcome=answer.outcome,
            )
        )
        return None

    def write(self) -> None:
        if self._new:
            self._connection.execute(_ANSWER, self._new)


def kept_of(row: Row[Any]) -> Kept:
    """Return the question of a row of `questions`. Raises Rejected(Reason.STORE) for an answer that cannot be read."""
    put = Put(
        key=row.key,
        line=row.line,
        asked_at=row.asked_at,
        by=Person(id=row.by_id, name=row.by_name),
        conversation_id=row.conversation_id,
        activity_id=row.activity_id,
    )
    if row.answer is None:
        return Kept(put=put)
    try:
        answer = msgspec.json.decode(row.answer, type=Answered)
    except msgspec.DecodeError as error:
        raise Rejected(Reason.STORE, "a stored answer cannot be read any more") from error
    return Kept(put=put, answer=replace(answer, cursors=_cursors(row.cursors)))


def _cursors(body: bytes | None) -> tuple[Cursor, ...]:
    if body is None:
        return ()
    try:
        return msgspec.json.decode(body, type=tuple[Cursor, ...])
    except msgspec.DecodeError as error:
        raise Rejected(Reason.STORE, "a stored answer cannot be read any more") from error


def _kept_count(count: int | None) -> int | None:
    return None if count is None else max(0, min(count, MOST_ROWS))

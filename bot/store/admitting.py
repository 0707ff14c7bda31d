"""Whether questions may be asked: a group of them, decided and kept in one transaction that holds the ledger's end.

Holding it is what makes the limits exact: whoever decides sees every question that was granted before, on any replica.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)

from bot.ports import Admission, Admitted, Limits, Put
from bot.store.chain import Chain, Line, bounded
from bot.store.chat_tables import ledger, questions
from bot.store.codec import digest
from bot.store.tables import UtcTime

#: Longest line of a question, in characters.
LONGEST_LINE = 500

_SINCE = bindparam("since", type_=UtcTime())
_UNTIL = bindparam("until", type_=UtcTime())
_KNOWN = select(questions.c.delivery).where(questions.c.delivery.in_(bindparam("deliveries", expanding=True)))


def _counts(column: Column[str]) -> Select[str, int]:
    return (
        select(column, func.count())
        .where(
            column.in_(bindparam("names", expanding=True)),
            questions.c.asked_at > _SINCE,
            questions.c.asked_at <= _UNTIL,
        )
        .group_by(column)
    )


def _times(column: Column[str]) -> Select[datetime]:
    return (
        select(questions.c.asked_at)
        .where(column == bindparam("name"), questions.c.asked_at > _SINCE, questions.c.asked_at <= _UNTIL)
        .order_by(questions.c.asked_at.desc())
        .limit(bindparam("most", type_=Integer()))
    )


# Made once: building a statement takes longer than SQLite takes to run it.
_COUNTS = {name: _counts(questions.c[name]) for name in ("person", "place")}
_TIMES = {name: _times(questions.c[name]) for name in ("person", "place")}
_REFUSED = (
    select(ledger.c.number)
    .where(
        # Written out, so that the partial index serves.
        ledger.c.what == literal_column("'refused'"),
        ledger.c.by_id == bindparam("by"),
        ledger.c.at > _SINCE,
        ledger.c.at <= _UNTIL,
    )
    .limit(1)
)
_KEEP = questions.insert()


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A question that wants to be asked."""

    put: Put
    limits: Limits

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What the limits are counted by."""
        return {"person": digest(self.put.by.id), "place": digest(self.put.conversation_id)}

    @cached_property
    def delivery(self) -> str | None:
        put = self.put
        return digest(put.conversation_id, put.activity_id) if put.activity_id else None

    @property
    def since(self) -> datetime:
        return self.put.asked_at - self.limits.span

    @property
    def until(self) -> datetime:
        """Replicas' clocks differ a little; what is dated later was dated by a clock that was wrong."""
        return self.put.asked_at + self.limits.span


class Admitting:
    """Decides about the questions of one group, one after the other; `write` keeps those that were granted."""

    def __init__(self, connection: Connection, chain: Chain, asks: Sequence[Ask]) -> None:
        self._connection = connection
        self._chain = chain
        self._granted: list[Ask] = []
        self._times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        self._refused: dict[str, datetime] = {}
        self._known: set[str | None] = set()
        #: At least as many as count for any of the group.
        self._counts: Counter[tuple[str, str]] = Counter()
        if asks:
            self._look(asks)

    def _look(self, asks: Sequence[Ask]) -> None:
        deliveries = [ask.delivery for ask in asks if ask.delivery]
        if deliveries:
            self._known |= set(self._connection.execute(_KNOWN, {"deliveries": deliveries}).scalars())
        span = {"since": min(ask.since for ask in asks), "until": max(ask.until for ask in asks)}
        for kind, statement in _COUNTS.items():
            names = list({ask.names[kind] for ask in asks})
            for name, count in self._connection.execute(statement, {"names": names, **span}).all():
                self._counts[kind, name] = count

    def admit(self, ask: Ask) -> Admitted:
        """Decide, and add what the ledger is to say."""
        if ask.delivery is not None and ask.delivery in self._known:
            return Admitted(verdict=Admission.REPEATED)
        limits = (
            (Admission.PERSON_LIMIT, "person", ask.limits.per_person),
            (Admission.CONVERSATION_LIMIT, "place", ask.limits.per_conversation),
        )
        for verdict, kind, most in limits:
            wait = self._wait(ask, kind, most)
            if wait:
                self._refuse(ask, verdict)
                return Admitted(verdict=verdict, wait=wait)
        self._grant(ask)
        return Admitted(verdict=Admission.GRANTED)

    def _wait(self, ask: Ask, kind: str, most: int) -> timedelta:
        """Return how long until there is room; nothing where there is."""
        name = ask.names[kind]
        if self._counts[kind, name] < most:
            return timedelta(0)
        if most < 1:
            return ask.limits.span
        told = {"name": name, "since": ask.since, "until": ask.until, "most": most}
        kept = self._connection.execute(_TIMES[kind], told).scalars()
        own = (at for at in self._times[kind, name] if ask.since < at <= ask.until)
        newest: list[datetime] = sorted([*kept, *own], reverse=True)[:most]
        if len(newest) < most:
            return timedelta(0)
        return min(newest[-1] - ask.since, ask.limits.span)

    def _grant(self, ask: Ask) -> None:
        put = ask.put
        self._granted.append(ask)
        if ask.delivery is not None:
            self._known.add(ask.delivery)
        for pair in ask.names.items():
            self._counts[pair] += 1
            self._times[pair].append(put.asked_at)
        self._chain.add(_line(put, "asked", key=put.key))

    def _refuse(self, ask: Ask, verdict: Admission) -> None:
        line = _line(ask.put, "refused", outcome=verdict.value)
        by = bounded("by_id", ask.put.by.id)
        last = self._refused.get(by)
        if last is not None and ask.since < last <= ask.until:
            return
        told = {"by": by, "since": ask.since, "until": ask.until}
        if self._connection.execute(_REFUSED, told).first() is None:
            self._refused[by] = ask.put.asked_at
            self._chain.add(line)

    def write(self) -> None:
        """Keep the questions that were granted."""
        if self._granted:
            self._connection.execute(_KEEP, [_values(ask) for ask in self._granted])


def _line(put: Put, what: str, *, key: str = "", outcome: str = "") -> Line:
    return Line(
        what=what,
        at=put.asked_at,
        by=put.by,
        conversation_id=put.conversation_id,
        about=put.line,
        key=key,
        outcome=outcome,
    )


def _values(ask: Ask) -> dict[str, Any]:
    put = ask.put
    return {
        "key": put.key,
        "line": put.line[:LONGEST_LINE],
        "by_id": put.by.id,
        "by_name": put.by.name,
        "conversation_id": put.conversation_id,
        "activity_id": put.activity_id,
        "delivery": ask.delivery,
        "asked_at": put.asked_at,
        **ask.names,
    }

"""Questions as people put them, for the contract tests of the chat."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from audit.filter import Window
from audit.incident import Person
from bot.ports import Answered, Entry, Limits, Put, Store
from tests.contracts.steps import ALICE, CLUSTER, GENERAL
from tests.fakes import NOW

LIMITS = Limits()
#: So many that nobody is ever refused.
NO_LIMITS = Limits(per_person=10**6, per_conversation=10**6)
A_SECOND = timedelta(seconds=1)


def put(
    name: str = "q1",
    *,
    by: Person = ALICE,
    line: str = "audits coredns last 1h",
    at: datetime = NOW,
    conversation_id: str = GENERAL.id,
    activity_id: str = "",
) -> Put:
    return Put(
        key=hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        line=line,
        asked_at=at,
        by=by,
        conversation_id=conversation_id,
        activity_id=activity_id,
    )


def answer(
    *,
    at: datetime = NOW,
    clusters: tuple[str, ...] = (CLUSTER.lower(),),
    events: int | None = 7,
    outcome: str = "ok",
) -> Answered:
    window = Window(start=at - timedelta(hours=1), end=at)
    return Answered(window=window, clusters=clusters, events=events, outcome=outcome)


async def asked(store: Store, one: Put | None = None, told: Answered | None = None) -> Put:
    """Ask a question and answer it."""
    one = one or put()
    await store.admit(one, NO_LIMITS)
    await store.answered(one.key, told or answer(at=one.asked_at), one.asked_at)
    return one


async def the_ledger(store: Store) -> list[Entry]:
    """Return all lines, oldest first."""
    return list(reversed(await store.entries(10**6)))

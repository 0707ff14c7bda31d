"""What is taken away, and what is kept for ever unless somebody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.ports import Chore, ChoreKind, Store
from bot.retention import EVERY, Retention
from bot.store import open_store
from tests.contracts.asking import asked, put
from tests.contracts.steps import an_incident, fired
from tests.fakes import NOW, FakeClock

A_DAY = timedelta(days=1)
CHORE = Chore(id=1, kind=ChoreKind.RETENTION, attempt=1, owner="me", due_at=NOW, claimed_at=NOW)


@dataclass
class Chat:
    """Has so many to take away, a few at a time."""

    questions: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    async def forget(self, before: datetime) -> int:
        self.asked.append(("questions", before))
        return self.questions.pop(0) if self.questions else 0

    async def cut(self, before: datetime, now: datetime) -> int:
        self.asked.append(("lines", before))
        return self.lines.pop(0) if self.lines else 0


def retention(store: Store, chat: Chat, *, keep_ledger: timedelta | None = None) -> Retention:
    return Retention(backlog=store, chat=chat, clock=FakeClock(), keep=30 * A_DAY, keep_ledger=keep_ledger)


async def test_all_that_is_old_goes_however_much_it_is(tmp_path: Path) -> None:
    chat = Chat(questions=[500, 3], lines=[5000, 10])
    async with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        await an_incident(store, fired("old", rule="old"), NOW - 31 * A_DAY)
        await an_incident(store, fired("new", rule="new"), NOW - 29 * A_DAY)
        assert await retention(store, chat, keep_ledger=90 * A_DAY).clean(CHORE) == NOW + EVERY
        assert [await store.key_of(n) is None for n in (1, 2)] == [True, False]
    questions, lines = ("questions", NOW - 30 * A_DAY), ("lines", NOW - 90 * A_DAY)
    assert chat.asked == [*[questions] * 3, *[lines] * 3]


@pytest.mark.parametrize(("keep_ledger", "left"), [(None, 4), (20 * A_DAY, 3)])
async def test_the_ledger_is_kept_for_ever_unless_told_otherwise(
    tmp_path: Path, keep_ledger: timedelta | None, left: int
) -> None:
    async with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        for name, age in (("old", 40), ("new", 10)):
            await asked(store, put(name, at=NOW - age * A_DAY))
        chore = Retention(
            backlog=store, chat=store, clock=FakeClock(), keep=30 * A_DAY, keep_ledger=keep_ledger
        )
        await chore.clean(CHORE)
        assert await store.question(put("old").key) is None
        assert await store.question(put("new").key) is not None
        assert len(await store.entries()) == left
        assert await store.broken() is None

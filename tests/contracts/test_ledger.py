"""The ledger: what people did, and that nobody changed it since; on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from audit.incident import Person
from bot.ports import Entry, Store
from bot.store.database import connect, database_url
from bot.store.store import open_store
from tests.contracts.asking import asked, put, the_ledger
from tests.contracts.steps import A_MINUTE, ALICE, BOB, GENERAL
from tests.fakes import NOW

HOSTILE = "x\x00\ud800\u202e" + "\U0001f600" * 5000
A_DAY = timedelta(days=1)


async def meddle(url: str, *statements: str) -> None:
    """Do what somebody with a database client could do."""
    database = connect(database_url(url))
    for statement in statements:
        sql = text(statement)
        await database.write(lambda connection, sql=sql: connection.execute(sql).close())  # type: ignore[misc]  # a bound default
    await database.close()


async def write(store: Store, count: int, *, first: int = 1) -> None:
    for n in range(first, first + count):
        await store.write("raw log", ALICE, GENERAL.id, NOW + n * A_MINUTE, about=f"#{n}", rows=n)


async def test_a_question_leaves_two_lines_and_other_deeds_one_each(store: Store) -> None:
    one = await asked(store)
    await store.write("acknowledged", BOB, GENERAL.id, NOW, about="#12", key="k", outcome="ok")
    lines = [replace(line, hash="") for line in await the_ledger(store)]
    by_alice = Entry(
        number=1, at=NOW, what="asked", by=ALICE, conversation_id=GENERAL.id, about=one.line, key=one.key
    )
    by_bob = Entry(
        number=3,
        at=NOW,
        what="acknowledged",
        by=BOB,
        conversation_id=GENERAL.id,
        about="#12",
        key="k",
        outcome="ok",
    )
    answered = replace(by_alice, number=2, what="answered", rows=7, outcome="ok")
    assert lines == [by_alice, answered, by_bob]


async def test_the_newest_come_first_and_pages_go_on_before_a_number(store: Store) -> None:
    await write(store, 5)
    assert [line.number for line in await store.entries(2)] == [5, 4]
    assert [line.number for line in await store.entries(2, before=4)] == [3, 2]
    assert await store.entries(2, before=1) == []
    assert await store.entries(0) == []
    assert await store.entries(-1) == []


async def test_an_empty_ledger_and_a_long_one_are_whole(store: Store) -> None:
    assert await store.broken() is None
    await asyncio.gather(*(store.write("raw log", ALICE, GENERAL.id, NOW) for _ in range(4100)))
    assert await store.broken() is None
    assert [line.number for line in await the_ledger(store)] == list(range(1, 4101))


async def test_hostile_text_is_cut_and_does_not_break_the_chain(store: Store) -> None:
    who = Person(id=HOSTILE, name=HOSTILE)
    await store.write(HOSTILE, who, HOSTILE, NOW, about=HOSTILE, key=HOSTILE, rows=10**40, outcome=HOSTILE)
    await store.write("raw log", ALICE, GENERAL.id, NOW, rows=-1)
    assert await store.broken() is None
    first, second = await the_ledger(store)
    assert first.rows == 2**63 - 1
    assert second.rows == 0
    assert first.about.startswith("x\ufffd?\u202e\U0001f600")
    assert (len(first.about), len(first.what), len(first.by.name)) == (500, 40, 200)


async def test_times_that_jump_keep_their_order_of_writing(store: Store) -> None:
    for at in (NOW, NOW - A_DAY, NOW + 400 * A_DAY, NOW):
        await store.write("raw log", ALICE, GENERAL.id, at)
    assert [line.at for line in await the_ledger(store)] == [NOW, NOW - A_DAY, NOW + 400 * A_DAY, NOW]
    assert await store.broken() is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE ledger SET about = 'nothing' WHERE number = 3", 3),
        ("UPDATE ledger SET by_name = 'Bob' WHERE number = 1", 1),
        ("UPDATE ledger SET rows = NULL WHERE number = 5", 5),
        ("UPDATE ledger SET at = '2026-03-04 09:39:59.000001+00' WHERE number = 2", 2),
        ("UPDATE ledger SET hash = 'x' WHERE number = 4", 4),
        ("UPDATE ledger SET before = '' WHERE number = 4", 4),
        ("DELETE FROM ledger WHERE number = 1", 1),
        ("DELETE FROM ledger WHERE number IN (3, 4)", 3),
        ("DELETE FROM ledger WHERE number = 5", 5),
        ("DELETE FROM ledger", 1),
        ("DELETE FROM ledger WHERE number = 3; UPDATE ledger SET number = number - 1 WHERE number > 3", 3),
        (
            "UPDATE ledger SET number = 9 WHERE number = 2; UPDATE ledger SET number = 2 WHERE number = 3",
            2,
        ),
        ("UPDATE counters SET value = 4 WHERE name = 'ledger'", 5),
    ],
)
async def test_what_was_changed_removed_or_moved_is_found(
    store_url: str, statement: str, broken: int
) -> None:
    async with open_store(store_url) as store:
        await write(store, 5)
        await meddle(store_url, *statement.split("; "))
        assert await store.broken() == broken


async def test_what_was_removed_stays_found_when_lines_are_written_after_it(store_url: str) -> None:
    async with open_store(store_url) as store:
        await write(store, 5)
        await meddle(store_url, "DELETE FROM ledger WHERE number = 5")
        await write(store, 3, first=6)
        assert [line.number for line in await the_ledger(store)] == [1, 2, 3, 4, 6, 7, 8]
        assert await store.broken() == 5


async def test_what_nobody_can_tell_is_a_ledger_that_was_written_anew_to_its_end(store_url: str) -> None:
    """It is told by whoever noted a line's number and hash elsewhere."""
    async with open_store(store_url) as store:
        await write(store, 3)
        noted = (await store.entries(1))[0]
        await meddle(
            store_url,
            "DELETE FROM ledger WHERE number = 3",
            "UPDATE counters SET value = 2 WHERE name = 'ledger'",
        )
        await store.write("raw log", BOB, GENERAL.id, NOW)
        assert await store.broken() is None
        (newest,) = await store.entries(1)
        assert newest.number == noted.number
        assert newest.hash != noted.hash


async def test_old_lines_are_cut_off_and_what_is_left_is_whole(store: Store) -> None:
    for n in range(10):
        await store.write("raw log", ALICE, GENERAL.id, NOW + n * A_DAY)
    later = NOW + 10 * A_DAY
    assert await store.cut(NOW + 4 * A_DAY, later) == 4
    assert await store.cut(NOW + 4 * A_DAY, later) == 0
    assert await store.broken() is None
    lines = await the_ledger(store)
    assert [line.number for line in lines] == [*range(5, 12)]
    assert (lines[-1].what, lines[-1].about, lines[-1].rows) == ("cut", "lines 1 to 4", 4)
    await store.write("raw log", ALICE, GENERAL.id, later + A_DAY)
    assert await store.cut(later + 3 * A_DAY, later + 3 * A_DAY) == 8
    assert [line.what for line in await the_ledger(store)] == ["cut"]
    assert await store.broken() is None


async def test_little_is_not_worth_a_cut_and_the_first_young_line_ends_it(store: Store) -> None:
    for days in (0, 0.9, 3, 1):
        await store.write("raw log", ALICE, GENERAL.id, NOW + days * A_DAY)
    assert await store.cut(NOW, NOW + 9 * A_DAY) == 0
    assert await store.cut(NOW + A_DAY, NOW + 9 * A_DAY) == 0
    assert await store.cut(NOW + 2 * A_DAY, NOW + 9 * A_DAY) == 2
    assert await store.cut(NOW + 2 * A_DAY, NOW + 9 * A_DAY) == 0
    assert await store.broken() is None


async def test_lines_that_were_removed_as_if_they_had_been_cut_are_missed(store_url: str) -> None:
    async with open_store(store_url) as store:
        for n in range(6):
            await store.write("raw log", ALICE, GENERAL.id, NOW + n * A_DAY)
        assert await store.cut(NOW + 2 * A_DAY, NOW + 6 * A_DAY) == 2
        await meddle(store_url, "DELETE FROM ledger WHERE number = 3")
        assert await store.broken() == 3


async def test_it_can_be_checked_and_cut_while_it_is_written(store: Store) -> None:
    await asyncio.gather(*(store.write("raw log", ALICE, GENERAL.id, NOW) for _ in range(2500)))

    async def look() -> list[int | None]:
        return [await store.broken() for _ in range(4)]

    async def go_on() -> None:
        for _ in range(30):
            await store.write("raw log", ALICE, GENERAL.id, NOW + 2 * A_DAY)

    found, _, gone = await asyncio.gather(look(), go_on(), store.cut(NOW + 2 * A_DAY, NOW + 2 * A_DAY))
    assert gone == 2500
    assert found == [None] * 4
    assert await store.broken() is None


async def test_two_questions_with_the_same_words_have_other_hashes(store: Store) -> None:
    for name in ("q1", "q2"):
        await asked(store, put(name))
    hashes = {line.hash for line in await store.entries()}
    assert len(hashes) == 4
    assert all(len(one) == 64 for one in hashes)

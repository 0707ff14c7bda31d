"""Watches: questions that are asked again and again for a conversation; on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from audit.incident import Person
from bot.ports import Store, Watched
from tests.contracts.asking import A_SECOND, NO_LIMITS, answer, asked, put
from tests.contracts.steps import A_MINUTE, ALICE, BOB, CLUSTER, GENERAL, OPS
from tests.fakes import NOW

ZONE = "Europe/Berlin"


async def a_watch(store: Store, name: str = "q1", *, where: str = GENERAL.id, line: str = "") -> Watched:
    one = await asked(store, put(name, line=line or f"audits {name}", conversation_id=where))
    watch, new = await store.watch(one.key, ALICE, ZONE, NOW)
    assert watch is not None
    assert new
    return watch


async def test_a_question_is_watched_from_now_on(store: Store) -> None:
    watch = await a_watch(store)
    assert watch == Watched(
        number=1,
        line="audits q1",
        clusters=(CLUSTER.lower(),),
        by=ALICE,
        conversation_id=GENERAL.id,
        zone=ZONE,
        since=NOW,
        until=NOW,
    )
    assert await store.watches(GENERAL.id) == [watch]


async def test_only_what_was_answered_can_be_watched(store: Store) -> None:
    assert await store.watch("f" * 32, ALICE, ZONE, NOW) == (None, False)
    one = put()
    await store.admit(one, NO_LIMITS)
    assert await store.watch(one.key, ALICE, ZONE, NOW) == (None, False)


async def test_the_same_line_and_clusters_are_one_watch_in_a_conversation(store: Store) -> None:
    first = await a_watch(store, line="audits x")
    same = await asked(store, put("same", line="audits x"))
    assert await store.watch(same.key, BOB, "UTC", NOW + A_MINUTE) == (first, False)
    elsewhere = await asked(store, put("elsewhere", line="audits x", conversation_id=OPS.id))
    all_clusters = await asked(store, put("all", line="audits x"), answer(clusters=()))
    numbers = []
    for one in (elsewhere, all_clusters):
        watch, new = await store.watch(one.key, BOB, ZONE, NOW)
        assert watch is not None
        assert new
        numbers.append(watch.number)
    assert numbers == [2, 3]


async def test_a_watch_may_have_a_line_of_its_own(store: Store) -> None:
    for name, new in (("audits x last 1h", True), ("audits x last 2h", False)):
        one = await asked(store, put(name, line=name))
        watch, is_new = await store.watch(one.key, ALICE, ZONE, NOW, line="audits x")
        assert watch is not None
        assert (watch.line, is_new) == ("audits x", new)


async def test_a_conversation_has_so_many_watches_even_if_all_are_begun_at_once(store: Store) -> None:
    puts = [await asked(store, put(f"q{n}", line=f"audits q{n % 6}")) for n in range(12)]
    begun = await asyncio.gather(*(store.watch(one.key, ALICE, ZONE, NOW, most=4) for one in puts))
    assert sum(new for _, new in begun) == 4
    assert [watch.number for watch in await store.watches(GENERAL.id)] == [1, 2, 3, 4]
    other = await asked(store, put("other", conversation_id=OPS.id))
    watch, new = await store.watch(other.key, ALICE, ZONE, NOW, most=4)
    assert (watch is not None, new) == (True, True)


async def test_only_those_of_living_conversations_are_asked(store: Store) -> None:
    await store.remember(GENERAL, NOW)
    await store.remember(OPS, NOW)
    for n, where in enumerate((GENERAL.id, OPS.id, "19:nobody@thread.tacv2", GENERAL.id)):
        await a_watch(store, f"q{n}", where=where)
    assert [watch.number for watch in await store.watches()] == [1, 2, 4]
    await store.end(NOW, conversation_id=GENERAL.id)
    assert [watch.number for watch in await store.watches()] == [2]
    assert [watch.number for watch in await store.watches(GENERAL.id)] == [1, 4]
    await store.remember(GENERAL, NOW)
    assert [watch.number for watch in await store.watches()] == [1, 2, 4]


async def test_a_watch_is_ended_in_its_own_conversation_and_its_number_is_not_used_again(
    store: Store,
) -> None:
    watch = await a_watch(store)
    assert not await store.unwatch(watch.number, OPS.id, NOW)
    for nonsense in (0, -1, 2, 2**70):
        assert not await store.unwatch(nonsense, GENERAL.id, NOW)
        await store.asked_until(nonsense, NOW, 1, NOW)
    assert await store.unwatch(watch.number, GENERAL.id, NOW)
    assert not await store.unwatch(watch.number, GENERAL.id, NOW)
    await store.asked_until(watch.number, NOW, 1, NOW)
    assert await store.watches(GENERAL.id) == []
    assert (await a_watch(store, "q2")).number == 2


async def test_how_far_it_was_asked_and_what_was_found_is_kept(store: Store) -> None:
    watch = await a_watch(store)
    for minutes, found in ((5, 0), (10, 3), (15, 0), (20, 2)):
        at = NOW + minutes * A_MINUTE
        await store.asked_until(watch.number, at - A_SECOND, found, at)
    (now,) = await store.watches(GENERAL.id)
    assert (now.until, now.found_at, now.found) == (
        NOW + 20 * A_MINUTE - A_SECOND,
        NOW + 20 * A_MINUTE,
        5,
    )
    await store.asked_until(watch.number, NOW - timedelta(days=1), 10**30, NOW)
    (now,) = await store.watches(GENERAL.id)
    assert now.until == NOW - timedelta(days=1)


async def test_hostile_text_is_watched_as_text(store: Store) -> None:
    hostile = "audits \x00\ud800\u202e" + "z" * 480
    one = await asked(store, put("h", line=hostile), answer(clusters=("\ud800", "b", "a")))
    watch, new = await store.watch(one.key, Person(id="\x00", name="\ud800"), "\x00", NOW)
    assert watch is not None
    assert new
    assert watch.line.startswith("audits \ufffd?\u202ez")
    assert watch.clusters == ("?", "a", "b")
    assert await store.watch(one.key, ALICE, ZONE, NOW) == (watch, False)


async def test_a_watch_outlives_its_question(store: Store) -> None:
    watch = await a_watch(store)
    assert await store.forget(NOW + A_SECOND) == 1
    assert await store.watches(GENERAL.id) == [watch]

"""Claiming under a lease, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.ports import Notification, NotificationState, Store
from bot.store.store import open_store
from tests.contracts.steps import (
    A_MINUTE,
    ALICE,
    GENERAL,
    OPS,
    SHORT,
    a_posted_card,
    a_subscription,
    an_incident,
    answered,
    deliver,
    fired,
    lease_over,
    look_taken,
    newest,
    resolved,
    the_look,
    the_notification,
)
from tests.fakes import NOW, a_conversation


async def test_a_claimed_notification_says_all_that_posting_needs(store: Store) -> None:
    await a_subscription(store)
    incident = await an_incident(store)
    await look_taken(store)
    notification = await the_notification(store)
    assert notification == Notification(
        id=notification.id,
        incident_key=incident.key,
        conversation=GENERAL,
        state=NotificationState.PENDING,
        activity_id="",
        attempt=1,
        owner="w1",
        claim=1,
        due_at=NOW,
        claimed_at=NOW,
    )


async def test_two_claimers_at_once_never_get_the_same_row(store: Store) -> None:
    await a_subscription(store)
    await asyncio.gather(*(an_incident(store, fired(f"a{n}", rule=f"r{n}")) for n in range(30)))
    looks = await asyncio.gather(*(store.claim_looks(f"w{n}", NOW, 4) for n in range(12)))
    claimed = [look for some in looks for look in some]
    assert len({look.id for look in claimed}) == len(claimed)
    claimed += await store.claim_looks("w", NOW, 30)
    assert len({look.id for look in claimed}) == len(claimed) == 30
    for look in claimed:
        assert await store.save_evidence(look, answered(), NOW, None)
    for conversation in range(30):
        where = a_conversation(id=f"19:{conversation}@thread.tacv2")
        await store.remember(where, NOW)
        await store.subscribe(where.id, NOW)
    await an_incident(store, fired("b", rule="everywhere"))
    await look_taken(store)
    some = await asyncio.gather(*(store.claim_notifications(f"w{n}", NOW, 4) for n in range(12)))
    ids = [notification.id for part in some for notification in part]
    ids += [notification.id for notification in await store.claim_notifications("w", NOW, 60)]
    assert len(set(ids)) == len(ids) == 31


async def test_the_oldest_due_comes_first_and_no_more_than_asked_for(store: Store) -> None:
    for n in (2, 0, 1):
        await an_incident(store, fired(f"a{n}", rule=f"r{n}"), NOW + n * A_MINUTE)
    later = NOW + 5 * A_MINUTE
    first = await store.claim_looks("w1", later, 2)
    second = await store.claim_looks("w1", later, 2)
    rules = []
    for look in (*first, *second):
        dossier = await store.dossier(look.incident_key)
        assert dossier is not None
        rules.append(dossier.incident.rule)
    assert (len(first), rules) == (2, ["r0", "r1", "r2"])


async def test_what_is_not_due_yet_is_not_claimed(store: Store) -> None:
    await an_incident(store, now=NOW)
    assert await store.claim_looks("w1", NOW - timedelta(microseconds=1), 10) == []
    assert len(await store.claim_looks("w1", NOW, 10)) == 1


async def test_a_lease_that_ended_is_taken_over_and_the_old_owner_is_fenced_off(hasty: Store) -> None:
    store = hasty
    await a_subscription(store)
    await an_incident(store)
    await look_taken(store)
    frozen = await the_notification(store, owner="w1")
    assert await store.holds(frozen)
    assert await store.claim_notifications("w2", NOW + A_MINUTE, 10) == []
    await lease_over()
    assert not await store.holds(frozen)
    taken = await the_notification(store, owner="w2")
    assert (taken.attempt, taken.owner, taken.taken_over) == (2, "w2", True)
    for stale in (frozen, replace(frozen, owner="w2"), replace(taken, claim=1)):
        assert not await store.holds(stale)
        assert not await store.posted(stale, "double", 1, NOW)
        assert not await store.put_off(stale, NOW, "x", NOW)
        assert not await store.fail(stale, "x", NOW)
    assert await store.posted(taken, "activity-1", 2, NOW)
    assert not await store.posted(taken, "activity-1", 2, NOW)


async def test_a_lease_that_is_renewed_does_not_end(hasty: Store) -> None:
    await a_subscription(hasty)
    await an_incident(hasty)
    held_look = await the_look(hasty)
    await an_incident(hasty, fired("a2", rule="other"))
    await look_taken(hasty)
    held = await the_notification(hasty)
    for _ in range(4):
        await asyncio.sleep(SHORT.total_seconds() / 2)
        await hasty.renew([held, held_look])
    assert await hasty.claim_notifications("w2", NOW, 10) == []
    assert await hasty.claim_looks("w2", NOW, 10) == []
    await lease_over()
    await hasty.renew([replace(held, owner="somebody else")])
    assert (await the_notification(hasty, owner="w2")).taken_over
    await hasty.renew([held])
    assert not await hasty.holds(held)


async def test_a_worker_without_a_successor_may_still_finish_after_its_lease(hasty: Store) -> None:
    await a_subscription(hasty)
    incident = await an_incident(hasty)
    await look_taken(hasty)
    slow = await the_notification(hasty)
    await lease_over()
    assert await hasty.posted(slow, "activity-1", (await newest(hasty, incident)).version, NOW)
    assert await hasty.next_due(NOW + A_MINUTE) is None


async def test_a_posted_card_is_known_with_its_conversation(store: Store) -> None:
    incident = await a_posted_card(store)
    dossier = await store.dossier(incident.key)
    assert dossier is not None
    assert dossier.posted == {"activity-1": GENERAL.id}
    assert await store.next_due(NOW) is None


async def test_a_card_posted_in_an_older_version_is_due_again_at_once(store: Store) -> None:
    await a_subscription(store)
    incident = await an_incident(store)
    await look_taken(store)
    shown = (await newest(store, incident)).version
    notification = await the_notification(store)
    await store.acknowledge(incident.key, ALICE, NOW)
    assert await store.posted(notification, "activity-1", shown, NOW)
    again = await the_notification(store)
    assert (again.state, again.activity_id, again.attempt) == (NotificationState.STALE, "activity-1", 1)


async def test_a_change_while_a_card_is_posted_is_never_lost(store: Store) -> None:
    await a_subscription(store)
    for n in range(10):
        incident = await an_incident(store, fired(f"a{n}", rule=f"r{n}"))
        await look_taken(store)
        shown = (await newest(store, incident)).version
        notification = await the_notification(store)
        await asyncio.gather(
            store.posted(notification, f"activity-{n}", shown, NOW),
            deliver(store, fired(f"b{n}", rule=f"r{n}")),
            store.acknowledge(incident.key, ALICE, NOW),
        )
        again = await the_notification(store)
        assert again.activity_id == f"activity-{n}"
        assert await store.posted(again, f"activity-{n}", (await newest(store, incident)).version, NOW)
        await look_taken(store, returned=5)
        await store.posted(
            await the_notification(store), f"activity-{n}", (await newest(store, incident)).version, NOW
        )


async def test_what_was_put_off_waits_and_counts_its_tries(store: Store) -> None:
    await a_subscription(store)
    incident = await an_incident(store)
    await look_taken(store)
    until = NOW + A_MINUTE
    assert await store.put_off(await the_notification(store), until, "throttled", NOW)
    assert await store.next_due(NOW) == until
    await store.acknowledge(incident.key, ALICE, NOW)
    await look_taken(store)
    assert await store.claim_notifications("w1", NOW, 10) == []
    assert (await the_notification(store, until)).attempt == 2


async def test_after_a_success_the_next_try_is_the_first(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await look_taken(store)
    await store.put_off(await the_notification(store), NOW, "throttled", NOW)
    await store.posted(await the_notification(store), "activity-1", 2, NOW)
    await deliver(store, resolved())
    again = await the_notification(store)
    assert (again.attempt, again.claim) == (1, 3)


async def test_what_was_given_up_stays_so_whatever_happens_to_the_incident(store: Store) -> None:
    await a_subscription(store)
    incident = await an_incident(store)
    await look_taken(store)
    assert await store.fail(await the_notification(store), "forbidden", NOW)
    await store.acknowledge(incident.key, ALICE, NOW)
    await look_taken(store)
    await deliver(store, resolved())
    assert await store.next_due(NOW + A_MINUTE) is None


async def test_next_due_is_now_for_what_waits_and_never_for_what_is_held(store: Store) -> None:
    assert await store.next_due(NOW) is None
    await an_incident(store)
    assert await store.next_due(NOW + A_MINUTE) == NOW + A_MINUTE
    await the_look(store)
    assert await store.next_due(NOW) is None


async def test_letting_go_frees_only_what_the_owner_holds(store: Store) -> None:
    for n in range(3):
        await an_incident(store, fired(f"a{n}", rule=f"r{n}"))
    mine = await store.claim_looks("w1", NOW, 2)
    await store.claim_looks("w2", NOW, 1)
    assert await store.release("w1") == 2
    assert {look.id for look in await store.claim_looks("w3", NOW, 10)} == {look.id for look in mine}
    assert await store.release("nobody") == 0
    assert await store.release(None) == 3


async def test_what_a_process_held_when_it_died_is_due_again_once_the_next_one_lets_go(
    store_url: str,
) -> None:
    async with open_store(store_url) as store:
        await store.remember(GENERAL, NOW)
        await store.remember(OPS, NOW)
        await store.subscribe(GENERAL.id, NOW)
        await store.subscribe(OPS.id, NOW)
        await an_incident(store)
        await look_taken(store)
        await an_incident(store, fired("a2", rule="another"))
        assert len(await store.claim_notifications("dead", NOW, 10)) == 2
        assert len(await store.claim_looks("dead", NOW, 10)) == 1
    async with open_store(store_url) as store:
        assert await store.claim_notifications("w1", NOW, 10) == []
        assert await store.release(None) == 3
        again = await store.claim_notifications("w1", NOW, 10)
        assert [(n.attempt, n.conversation) for n in again] == [(2, GENERAL), (2, OPS)]
        assert (await the_look(store)).attempt == 2

"""What becomes of a look at the evidence: answered, put off, wanted again, taken over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from audit.evidence import Evidence, Missing
from bot.ports import LookKind, Store
from tests.contracts.steps import (
    A_MINUTE,
    ALICE,
    a_posted_card,
    a_subscription,
    an_incident,
    answered,
    deliver,
    fired,
    lease_over,
    look_taken,
    newest,
    the_look,
    the_notification,
)
from tests.fakes import NOW


async def test_evidence_that_is_missing_counts_as_an_answer_for_the_first_card(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    assert await store.claim_notifications("w1", NOW, 10) == []
    missing = Evidence(asked_at=NOW, missing=Missing.TIMED_OUT)
    again_at = NOW + timedelta(seconds=20)
    assert await store.save_evidence(await the_look(store), missing, NOW, again_at)
    assert (await the_notification(store)).attempt == 1
    assert await store.claim_looks("w1", NOW, 10) == []
    retried = await the_look(store, again_at)
    assert (retried.kind, retried.attempt) == (LookKind.ALERT, 2)


async def test_an_answered_look_comes_again_as_a_late_one_with_tries_of_its_own(store: Store) -> None:
    await an_incident(store)
    again_at = NOW + 10 * A_MINUTE
    assert await store.save_evidence(await the_look(store), answered(), NOW, again_at)
    assert await store.next_due(NOW) == again_at
    late = await the_look(store, again_at)
    assert (late.kind, late.attempt) == (LookKind.LATE, 1)


async def test_a_new_want_replaces_a_look_that_is_due_later(store: Store) -> None:
    incident = await an_incident(store)
    await store.save_evidence(await the_look(store), answered(), NOW, NOW + 10 * A_MINUTE)
    await store.acknowledge(incident.key, ALICE, NOW + A_MINUTE)
    assert (await the_look(store, NOW + A_MINUTE)).kind is LookKind.SINCE


async def test_a_look_wanted_while_another_is_held_is_not_lost(store: Store) -> None:
    incident = await an_incident(store)
    held = await the_look(store)
    await store.acknowledge(incident.key, ALICE, NOW)
    assert await store.claim_looks("w2", NOW, 10) == []
    assert await store.save_evidence(held, answered(), NOW, NOW + 10 * A_MINUTE)
    assert (await the_look(store)).kind is LookKind.SINCE
    assert await store.claim_looks("w2", NOW, 10) == []


async def test_an_alert_that_joins_while_a_look_since_waits_does_not_take_its_place(store: Store) -> None:
    incident = await an_incident(store)
    await look_taken(store)
    await store.acknowledge(incident.key, ALICE, NOW)
    await deliver(store, fired("a2"))
    assert (await the_look(store)).kind is LookKind.SINCE


async def test_an_answer_from_one_who_no_longer_holds_the_look_is_not_kept(hasty: Store) -> None:
    store, later = hasty, NOW
    incident = await an_incident(store)
    stale = await the_look(store, owner="w1")
    await lease_over()
    current = await the_look(store, later, owner="w2")
    assert (current.attempt, current.taken_over) == (2, True)
    for forged in (stale, replace(stale, owner="w2"), replace(current, attempt=1), replace(current, claim=9)):
        assert not await store.save_evidence(forged, answered(returned=99), later, None)
    assert (await newest(store, incident)).version == incident.version
    assert await store.save_evidence(current, answered(returned=4), later, None)
    assert not await store.save_evidence(current, answered(returned=99), later, None)
    dossier = await store.dossier(incident.key)
    assert dossier is not None
    assert dossier.evidence.returned == 4


async def test_evidence_that_says_the_same_later_does_not_make_a_card_stale(store: Store) -> None:
    incident = await a_posted_card(store)
    await store.acknowledge(incident.key, ALICE, NOW)
    shown = (await newest(store, incident)).version
    assert await store.posted(await the_notification(store), "activity-1", shown, NOW)
    later = NOW + A_MINUTE
    assert await store.save_evidence(await the_look(store, later), answered(later), later, later + A_MINUTE)
    assert await store.claim_notifications("w1", later, 10) == []
    dossier = await store.dossier(incident.key)
    assert dossier is not None
    assert (dossier.incident.version, dossier.evidence.asked_at) == (shown, later)
    again = await the_look(store, later + A_MINUTE)
    assert await store.save_evidence(again, answered(later, returned=5), later + A_MINUTE, None)
    assert (await newest(store, incident)).version == shown + 1
    await the_notification(store, later + A_MINUTE)

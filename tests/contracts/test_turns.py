"""One turn per conversation, pacing, digests, dead letters and chores, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.ports import Chore, ChoreKind, NotificationState, Send, Step, Store
from bot.store.digests import MOST_WAITING
from bot.store.due import DIGEST_PAUSE
from bot.store.store import open_store
from tests.contracts.steps import (
    A_MINUTE,
    ALICE,
    GENERAL,
    OPS,
    a_posted_card,
    a_subscription,
    all_said,
    an_incident,
    answered,
    deliver,
    fired,
    look_taken,
    newest,
    resolved,
    the_notification,
)
from tests.fakes import NOW, TENANT


async def asked_about(store: Store, count: int, *, prefix: str = "r") -> None:
    """So many incidents whose evidence is there."""
    await asyncio.gather(
        *(an_incident(store, fired(f"{prefix}{n}", rule=f"{prefix}{n}")) for n in range(count))
    )
    for look in await store.claim_looks("w1", NOW, 100):
        assert await store.save_evidence(look, answered(), NOW, None)


# --- turns -----------------------------------------------------------------------------------------


async def test_a_conversation_is_spoken_in_by_one_at_a_time_and_conversations_side_by_side(
    store: Store,
) -> None:
    await a_subscription(store)
    await store.remember(OPS, NOW)
    await store.subscribe(OPS.id, NOW)
    await asked_about(store, 3)
    turn = await store.claim_notifications("w1", NOW, 10)
    assert {one.conversation.id for one in turn} == {GENERAL.id, OPS.id}
    assert len(turn) == 2
    assert await store.claim_notifications("w2", NOW, 10) == []
    (ours,) = (one for one in turn if one.conversation.id == GENERAL.id)
    assert await store.posted(ours, "activity-1", 2, NOW)
    (next_one,) = await store.claim_notifications("w2", NOW, 10)
    assert next_one.conversation.id == GENERAL.id
    assert next_one.incident_key != ours.incident_key


async def test_what_nobody_has_seen_comes_before_a_change_of_what_stands(store: Store) -> None:
    seen = await a_posted_card(store)
    await store.acknowledge(seen.key, ALICE, NOW)
    await look_taken(store)
    unseen = await an_incident(store, fired("a2", rule="new"), NOW + A_MINUTE)
    await look_taken(store, NOW + A_MINUTE)
    said = await all_said(store, NOW + A_MINUTE)
    assert [one.incident_key for one in said] == [unseen.key, seen.key]


async def test_a_conversation_that_is_put_off_is_left_alone_as_a_whole(store: Store) -> None:
    await a_subscription(store)
    await asked_about(store, 3)
    first = await the_notification(store)
    until = NOW + A_MINUTE
    assert await store.put_off(first, until, "throttled", NOW, whole=True)
    assert await store.claim_notifications("w1", NOW, 10) == []
    assert await store.next_due(NOW) == until
    again = await the_notification(store, until)
    assert (again.id, again.attempt) == (first.id, 2)


async def test_a_card_that_fails_again_and_again_makes_room_for_the_others(store: Store) -> None:
    await a_subscription(store)
    await asked_about(store, 2)
    seen = []
    now = NOW
    for _ in range(8):
        turn = await the_notification(store, now)
        seen.append(turn.id)
        now += A_MINUTE
        await store.put_off(turn, now, "server error", now, whole=True)
    assert seen[:6] == [seen[0]] * 6
    assert len(set(seen)) == 2


# --- pacing ----------------------------------------------------------------------------------------


async def test_room_is_shared_by_everybody_and_a_part_of_it_is_kept_for_people(store: Store) -> None:
    card = Send(conversation_id="c1", tenant_id=TENANT)
    answer = Send(conversation_id="c1", tenant_id=TENANT, to_person=True)
    waits = await store.reserve([card] * 7, NOW)
    assert [wait == timedelta() for wait in waits] == [True] * 5 + [False] * 2
    assert await store.reserve([answer], NOW) == [timedelta()]
    (more,) = await store.reserve([answer], NOW)
    assert more > timedelta()
    assert await store.reserve([Send(conversation_id="c2", tenant_id="other")], NOW) == [timedelta()]
    assert await store.reserve([card], NOW + A_MINUTE) == [timedelta()]


async def test_two_who_ask_at_once_do_not_get_the_same_room(store: Store) -> None:
    card = Send(conversation_id="c1", tenant_id=TENANT)
    waits = await asyncio.gather(*(store.reserve([card], NOW) for _ in range(12)))
    assert sum(wait == [timedelta()] for wait in waits) == 5


# --- digests ---------------------------------------------------------------------------------------


async def test_too_many_that_wait_for_one_conversation_become_one_digest(store: Store) -> None:
    await a_subscription(store)
    await asked_about(store, MOST_WAITING + 1)
    digest = await the_notification(store)
    assert digest.is_digest
    assert [one.number for one in await store.digest(digest)] == list(range(1, MOST_WAITING + 2))
    assert await store.posted(digest, "digest-1", 0, NOW)
    assert await store.next_due(NOW) is None
    lines = await store.trail(1)
    assert [line.step for line in lines][-1] is Step.FOLDED


async def test_as_many_as_people_can_read_are_said_one_by_one(store: Store) -> None:
    await a_subscription(store)
    await asked_about(store, MOST_WAITING)
    said = await all_said(store)
    assert len(said) == MOST_WAITING
    assert not any(one.is_digest for one in said)


async def test_a_digest_is_changed_in_place_when_an_incident_of_it_changes_or_more_come(store: Store) -> None:
    await a_subscription(store)
    await asked_about(store, MOST_WAITING + 1)
    digest = await the_notification(store)
    first = (await store.digest(digest))[0]
    # While it is on its way.
    await store.acknowledge(first.key, ALICE, NOW)
    assert await store.posted(digest, "digest-1", 0, NOW)
    again = await the_notification(store)
    assert (again.id, again.activity_id) == (digest.id, "digest-1")
    assert await store.posted(again, "digest-1", 0, NOW)
    # Once it stands, after a pause.
    await deliver(store, resolved("r3", rule="r3"))
    assert await store.claim_notifications("w1", NOW, 10) == []
    later = NOW + DIGEST_PAUSE
    changed = await the_notification(store, later)
    assert (changed.state, changed.id) == (NotificationState.STALE, digest.id)
    assert await store.posted(changed, "digest-1", 0, later)
    for look in await store.claim_looks("w1", later, 100):
        await store.save_evidence(look, answered(later), later, None)
    await asked_about(store, MOST_WAITING + 1, prefix="s")
    assert await store.claim_notifications("w1", later, 10) == []
    more = await the_notification(store, later + DIGEST_PAUSE)
    assert more.id == digest.id
    assert len(await store.digest(more)) == 2 * (MOST_WAITING + 1)


async def test_the_evidence_of_what_is_in_a_digest_posts_no_card_of_its_own(store: Store) -> None:
    await a_subscription(store)
    await asyncio.gather(*(an_incident(store, fired(f"r{n}", rule=f"r{n}")) for n in range(MOST_WAITING + 1)))
    (digest,) = await all_said(store)
    assert digest.is_digest
    for look in await store.claim_looks("w1", NOW, 100):
        assert await store.save_evidence(look, answered(), NOW, None)
    assert await all_said(store, NOW + DIGEST_PAUSE) == []


# --- dead letters ----------------------------------------------------------------------------------


async def test_a_dead_letter_keeps_why_and_the_card_and_can_be_tried_again(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await look_taken(store)
    dead = await the_notification(store)
    card = {"type": "AdaptiveCard"}
    assert await store.fail(dead, "bad request", NOW, detail="HTTP 400", card=card)
    (letter,) = await store.dead_letters()
    assert (letter.id, letter.number, letter.rule) == (dead.id, 1, "CoreDNS changed")
    assert (letter.reason, letter.detail, letter.card) == ("bad request", "HTTP 400", card)
    assert (letter.conversation_name, letter.failed_at, letter.attempt) == ("General", NOW, 1)
    assert (await store.load(NOW))["notification"].failed == 1
    assert await store.retry(letter.id, NOW + A_MINUTE)
    assert not await store.retry(letter.id, NOW + A_MINUTE)
    assert await store.dead_letters() == []
    assert (await the_notification(store, NOW + A_MINUTE)).attempt == 1


async def test_a_dead_letter_that_is_dropped_is_off_the_list_and_not_sent(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await look_taken(store)
    await store.fail(await the_notification(store), "bad request", NOW)
    (letter,) = await store.dead_letters()
    assert await store.drop(letter.id, "a test alert", NOW)
    assert not await store.drop(letter.id, "again", NOW)
    assert await store.dead_letters() == []
    assert await store.next_due(NOW) is None


async def test_a_further_alert_revives_what_was_given_up(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await look_taken(store)
    await store.fail(await the_notification(store), "bad request", NOW)
    await deliver(store, fired("a2"))
    assert (await the_notification(store)).attempt == 1
    assert await store.dead_letters() == []


async def test_what_nobody_wants_any_more_is_no_dead_letter(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await store.unsubscribe(GENERAL.id, NOW)
    assert await store.dead_letters() == []


# --- adopted copies --------------------------------------------------------------------------------


async def test_a_copy_that_is_clicked_is_the_one_that_is_kept(store: Store) -> None:
    incident = await a_posted_card(store)
    assert await store.adopt(incident.key, GENERAL.id, "activity-1", NOW) == ""
    assert await store.adopt(incident.key, GENERAL.id, "copy", NOW) == "activity-1"
    assert await store.adopt(incident.key, OPS.id, "elsewhere", NOW) == ""
    again = await the_notification(store)
    assert (again.state, again.activity_id) == (NotificationState.STALE, "copy")


async def test_a_copy_that_is_clicked_while_another_is_posted_stays_the_one(store: Store) -> None:
    await a_subscription(store)
    incident = await an_incident(store)
    await look_taken(store)
    posting = await the_notification(store)
    assert await store.adopt(incident.key, GENERAL.id, "copy", NOW) == ""
    assert not await store.posted(posting, "one-too-many", 2, NOW)
    assert (await the_notification(store)).activity_id == "copy"


# --- trail, known, numbers -------------------------------------------------------------------------


async def test_the_run_trail_tells_every_step_with_its_attempt_and_reason(store: Store) -> None:
    await a_subscription(store)
    incident = await an_incident(store)
    await look_taken(store)
    at = NOW + timedelta(seconds=3)
    await store.put_off(await the_notification(store, at), at, "throttled", at)
    await store.posted(await the_notification(store, at), "activity-1", 2, at)
    await store.acknowledge(incident.key, ALICE, at)
    await store.posted(await the_notification(store, at), "activity-1", 3, at)
    told = [(line.step, line.subject, line.attempt, line.reason) for line in await store.trail(1)]
    assert told == [
        (Step.RECEIVED, "Fired", 0, "opened"),
        (Step.CLAIMED, "alert", 1, ""),
        (Step.ASKED, "alert", 1, "ok"),
        (Step.CLAIMED, "General", 1, ""),
        (Step.PUT_OFF, "General", 1, "throttled"),
        (Step.CLAIMED, "General", 2, ""),
        (Step.POSTED, "General", 2, "ok"),
        (Step.ACKNOWLEDGED, "Alice", 0, ""),
        (Step.CLAIMED, "General", 1, ""),
        (Step.UPDATED, "General", 1, "ok"),
    ]
    waited = next(line.seconds for line in await store.trail(1) if line.subject == "General")
    assert waited == pytest.approx(3)
    assert await store.trail(2) == []


async def test_which_alerts_came_is_known_by_their_ids_in_any_case(store: Store) -> None:
    fired_alert = fired("A1").alert
    await deliver(store, fired("A1"))
    await deliver(store, resolved("A1"))
    await deliver(store, fired("b2"))
    ids = [fired_alert.alert_id.upper(), fired("b2").alert.alert_id, "never came", ""]
    known = await store.known(ids)
    assert {id_[-2:]: sorted(conditions) for id_, conditions in known.items()} == {
        "a1": ["Fired", "Resolved"],
        "b2": ["Fired"],
    }


async def test_an_alert_that_was_found_says_so(store: Store) -> None:
    told = fired()
    recorded = await store.record(told.alert, told.body, NOW, found=True)
    assert recorded.incident is not None
    dossier = await store.dossier(recorded.incident.key)
    assert dossier is not None
    assert dossier.found_at == NOW
    assert [line.step for line in await store.trail(1)] == [Step.FOUND]


async def test_an_incident_is_found_by_its_number(store: Store) -> None:
    incident = await an_incident(store)
    assert await store.key_of(1) == incident.key
    for number in (0, -1, 2, 10**30):
        assert await store.key_of(number) is None


# --- chores and retention --------------------------------------------------------------------------


async def the_chores(store: Store, owner: str = "w1") -> dict[ChoreKind, Chore]:
    return {chore.kind: chore for chore in await store.claim_chores(owner, NOW, 10)}


async def test_a_chore_is_done_by_one_and_comes_again(store: Store) -> None:
    chores = await the_chores(store)
    assert set(chores) == set(ChoreKind)
    assert await the_chores(store, "w2") == {}
    assert await store.chore_done(chores[ChoreKind.CATCH_UP], NOW + A_MINUTE)
    assert not await store.chore_done(chores[ChoreKind.CATCH_UP], NOW)
    assert await store.claim_chores("w2", NOW, 10) == []
    assert len(await store.claim_chores("w2", NOW + A_MINUTE, 10)) == 1


async def test_what_is_older_than_it_is_kept_is_taken_away_with_all_that_hangs_on_it(store: Store) -> None:
    old = await a_posted_card(store)
    await deliver(store, resolved())
    kept = await an_incident(store, fired("a2", rule="newer"), NOW + A_MINUTE)
    assert await store.clean(NOW) == 0
    assert await store.clean(NOW + timedelta(seconds=1)) == 1
    assert await store.clean(NOW + timedelta(seconds=1)) == 0
    assert await store.dossier(old.key) is None
    assert await store.trail(1) == []
    assert (await newest(store, kept)).number == 2
    # Its alert is forgotten, too: the same delivery would be a new incident, with the next number.
    assert (await deliver(store, fired())).repeated is False


async def test_an_old_incident_whose_alerts_go_on_is_kept(store: Store) -> None:
    await an_incident(store)
    await deliver(store, fired("a2"), NOW + A_MINUTE)
    assert await store.clean(NOW + timedelta(seconds=1)) == 0


# --- other replicas --------------------------------------------------------------------------------


@pytest.mark.postgres
async def test_another_replica_hears_at_once_that_something_is_due(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("an SQLite file has one process")
    woken = asyncio.Event()
    async with open_store(store_url) as here, open_store(store_url) as there, here.listening(woken.set):
        async with asyncio.timeout(10):
            await woken.wait()
            for act in (an_incident(there), a_subscription(there)):
                woken.clear()
                await act
                await woken.wait()


async def test_a_tool_beside_the_running_bot_can_read_and_write(store_url: str) -> None:
    async with open_store(store_url) as running, open_store(store_url, beside=True) as tool:
        await a_subscription(running)
        await an_incident(running)
        await look_taken(running)
        await running.fail(await the_notification(running), "bad request", NOW)
        (letter,) = await tool.dead_letters()
        assert await tool.retry(letter.id, NOW)
        await the_notification(running)

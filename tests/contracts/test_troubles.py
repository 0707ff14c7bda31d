"""What goes wrong in between: nothing is buried, silenced or taken away that people wait for; on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import update

from bot.errors import Reason, Rejected
from bot.ports import ChoreKind, NotificationState, Store
from bot.store.digests import MOST_WAITING
from bot.store.due import LOOK_PAUSE, PATIENCE
from bot.store.store import SqlStore, open_store
from bot.store.tables import evidence
from bot.store.work import LONGEST_CHORE, LONGEST_LOOK, LONGEST_WAIT
from tests.contracts.steps import (
    A_MINUTE,
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
    the_look,
    the_notification,
)
from tests.fakes import NOW


async def test_a_card_does_not_wait_for_its_evidence_for_ever(store: Store) -> None:
    await a_subscription(store)
    incident = await an_incident(store)
    assert await store.claim_notifications("w1", NOW, 10) == []
    assert await store.next_due(NOW + PATIENCE) is not None
    assert (await the_notification(store, NOW + PATIENCE)).incident_key == incident.key


async def test_a_first_look_comes_before_repetitions(store: Store) -> None:
    for n in range(3):
        await an_incident(store, fired(f"a{n}", rule=f"r{n}"))
    for look in await store.claim_looks("w1", NOW, 10):
        assert await store.save_evidence(look, answered(), NOW, NOW + A_MINUTE)
    new = await an_incident(store, fired("new", rule="new"), NOW + 2 * A_MINUTE)
    (first,) = await store.claim_looks("w1", NOW + 3 * A_MINUTE, 1)
    assert first.incident_key == new.key


async def test_a_storm_of_alerts_does_not_have_the_workspace_asked_all_the_time(store: Store) -> None:
    await an_incident(store)
    look = await the_look(store)
    for n in range(5):
        await deliver(store, fired(f"b{n}"))
    assert await store.save_evidence(look, answered(), NOW, None)
    assert await store.claim_looks("w1", NOW, 10) == []
    again = await the_look(store, NOW + LOOK_PAUSE)
    assert await store.save_evidence(again, answered(NOW + LOOK_PAUSE), NOW + LOOK_PAUSE, None)
    await deliver(store, fired("c"), NOW + LOOK_PAUSE)
    assert await store.claim_looks("w1", NOW + LOOK_PAUSE, 10) == []


async def test_a_digest_that_is_given_up_buries_none_of_its_incidents(store: Store) -> None:
    await a_subscription(store)
    await asyncio.gather(*(an_incident(store, fired(f"r{n}", rule=f"r{n}")) for n in range(MOST_WAITING + 1)))
    digest = await the_notification(store)
    assert await store.fail(digest, "bad request", NOW, detail="HTTP 400", card={"type": "AdaptiveCard"})
    letters = await store.dead_letters()
    assert {letter.number for letter in letters} == {None, *range(1, MOST_WAITING + 2)}
    await deliver(store, fired("more", rule="r3"))
    assert (await the_notification(store)).incident_key == await store.key_of(4)
    await store.remember(OPS, NOW)
    await store.subscribe(OPS.id, NOW)
    assert len(await all_said(store, NOW + PATIENCE)) > 0


async def test_what_is_being_said_when_somebody_unsubscribes_is_not_said_again(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await look_taken(store)
    held = await the_notification(store)
    await store.unsubscribe(GENERAL.id, NOW)
    assert not await store.put_off(held, NOW, "throttled", NOW)
    assert await store.claim_notifications("w1", NOW + A_MINUTE, 10) == []
    assert await store.dead_letters() == []


async def test_a_dead_letter_whose_copy_is_clicked_is_none_any_more(store: Store) -> None:
    await a_subscription(store)
    incident = await an_incident(store)
    await look_taken(store)
    await store.fail(await the_notification(store), "bad request", NOW)
    await store.adopt(incident.key, GENERAL.id, "copy", NOW)
    assert await store.dead_letters() == []
    again = await the_notification(store)
    assert (again.state, again.activity_id) == (NotificationState.STALE, "copy")


async def test_a_wait_of_our_own_making_is_no_try(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await look_taken(store)
    now = NOW
    for _ in range(8):
        turn = await the_notification(store, now)
        assert turn.attempt == 1
        now += timedelta(seconds=2)
        await store.put_off(turn, now, Reason.PACED, now, whole=True)


async def test_what_a_clock_that_was_ahead_put_off_is_pulled_in(store: Store) -> None:
    await a_subscription(store)
    ahead = NOW + timedelta(days=1)
    await an_incident(store, now=ahead)
    for chore in await store.claim_chores("w1", ahead, 10):
        await store.chore_done(chore, ahead + timedelta(minutes=10))
    assert await store.claim_looks("w1", NOW, 10) == []
    # The look, the notification and the chores.
    assert await store.pull_in(NOW) == 2 + len(ChoreKind)
    assert await store.pull_in(NOW) == 0
    await look_taken(store)
    first = await the_notification(store)
    await store.put_off(first, ahead, "throttled", NOW, whole=True)
    assert await store.claim_notifications("w1", NOW, 10) == []
    await store.pull_in(NOW)
    await the_notification(store)
    assert len(await store.claim_chores("w1", NOW, 10)) == len(ChoreKind)


async def test_what_is_rightly_due_later_is_left_alone(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    look = await the_look(store)
    assert await store.save_evidence(look, answered(), NOW, NOW + LONGEST_LOOK)
    await store.put_off(await the_notification(store), NOW + LONGEST_WAIT, "throttled", NOW)
    for chore in await store.claim_chores("w1", NOW, 10):
        await store.chore_done(chore, NOW + LONGEST_CHORE)
    assert await store.pull_in(NOW) == 0


async def test_evidence_that_cannot_be_read_is_told_as_such_and_replaced(store: Store) -> None:
    incident = await a_posted_card(store)
    await deliver(store, fired("a2"))
    broken = update(evidence).values(body=b'{"missing": "a word of the future"}')
    await cast("SqlStore", store).database.write(lambda connection: connection.execute(broken).close())
    with pytest.raises(Rejected):
        await store.dossier(incident.key)
    await look_taken(store, NOW + LOOK_PAUSE)
    assert (await newest(store, incident)).alert_count == 2


@pytest.mark.postgres
async def test_an_incident_that_an_alert_joins_at_this_moment_is_not_taken_away(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("an SQLite file has one writer")
    later = NOW + timedelta(days=400)
    async with open_store(store_url) as here, open_store(store_url) as there:
        for n in range(30):
            await an_incident(here, fired(f"a{n}", rule=f"r{n}"))
        joins = [deliver(here, fired(f"b{n}", rule=f"r{n}"), later) for n in range(30)]
        recorded, *_ = await asyncio.gather(asyncio.gather(*joins), there.clean(later), there.clean(later))
        for told in recorded:
            assert told.incident is not None
            assert await here.dossier(told.incident.key) is not None


@pytest.mark.postgres
async def test_renewing_leaves_no_conversation_busy_that_nobody_speaks_in(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("an SQLite file has one writer")
    async with open_store(store_url) as here, open_store(store_url) as there:
        await a_subscription(here)
        for n in range(40):
            await an_incident(here, fired(f"a{n}", rule="one"))
            await deliver(here, fired(f"b{n}", rule="one"))
            for turn in await here.claim_notifications("w1", NOW + A_MINUTE, 10):
                await asyncio.gather(
                    here.posted(turn, "activity-1", 1000, NOW),
                    *(there.renew([turn]) for _ in range(3)),
                )
            await deliver(here, fired(f"c{n}", rule="one"))
            assert await there.claim_notifications("w2", NOW + A_MINUTE, 10) != [], n
            await there.release("w2")

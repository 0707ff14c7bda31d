"""Conversations and subscriptions, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from audit.incident import Why
from bot.errors import Reason, Rejected
from bot.ports import ConversationKind, NotificationState, Store
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
from tests.fakes import NOW, a_conversation


async def test_a_conversation_is_kept_as_it_was_seen_last(store: Store) -> None:
    assert await store.conversation(GENERAL.id) is None
    await store.remember(GENERAL, NOW)
    assert await store.conversation(GENERAL.id) == GENERAL
    moved = replace(GENERAL, service_url="https://smba.trafficmanager.net/amer/", name="Allgemein")
    await store.remember(moved, NOW + A_MINUTE)
    assert await store.conversation(GENERAL.id) == moved


async def test_what_an_activity_leaves_out_stays_known(store: Store) -> None:
    await store.remember(GENERAL, NOW)
    await store.remember(replace(GENERAL, name="", team_id=""), NOW)
    assert await store.conversation(GENERAL.id) == GENERAL


async def test_a_personal_chat_comes_back_with_its_person(store: Store) -> None:
    chat = a_conversation(
        id="a:1", kind=ConversationKind.PERSONAL, team_id="", name="", user_object_id=ALICE.id
    )
    await store.remember(chat, NOW)
    assert await store.conversation("a:1") == chat


async def test_subscribing_and_unsubscribing_say_whether_they_changed_anything(store: Store) -> None:
    await store.remember(GENERAL, NOW)
    assert await store.subscribed() == []
    assert await store.subscribe(GENERAL.id, NOW)
    assert not await store.subscribe(GENERAL.id, NOW)
    assert await store.subscribed() == [GENERAL]
    assert await store.unsubscribe(GENERAL.id, NOW)
    assert not await store.unsubscribe(GENERAL.id, NOW)
    assert await store.subscribed() == []


async def test_an_unknown_conversation_cannot_subscribe(store: Store) -> None:
    with pytest.raises(Rejected) as failure:
        await store.subscribe("19:nobody@thread.tacv2", NOW)
    assert failure.value.reason is Reason.NOT_FOUND
    assert not await store.unsubscribe("19:nobody@thread.tacv2", NOW)


async def test_each_subscribed_conversation_gets_the_incident_and_no_other(store: Store) -> None:
    for where in (GENERAL, OPS, a_conversation(id="19:quiet@thread.tacv2")):
        await store.remember(where, NOW)
    await store.subscribe(GENERAL.id, NOW)
    await store.subscribe(OPS.id, NOW)
    await an_incident(store)
    await look_taken(store)
    claimed = await store.claim_notifications("w1", NOW, 10)
    assert [n.conversation for n in claimed] == [GENERAL, OPS]


async def test_who_subscribes_later_gets_the_incident_with_its_next_alert(store: Store) -> None:
    await a_posted_card(store)
    await store.remember(OPS, NOW)
    await store.subscribe(OPS.id, NOW)
    assert await store.next_due(NOW) is None
    await deliver(store, fired("a2"))
    claimed = await store.claim_notifications("w1", NOW, 10)
    assert {(n.conversation.id, n.state) for n in claimed} == {
        (GENERAL.id, NotificationState.STALE),
        (OPS.id, NotificationState.PENDING),
    }


async def test_an_alert_before_any_subscription_is_sent_to_the_first_one(store: Store) -> None:
    asked = await an_incident(store)
    await look_taken(store)
    waiting = await an_incident(store, fired("a2", rule="not asked yet"))
    over = await an_incident(store, fired("a3", rule="over"))
    await deliver(store, resolved("a3", rule="over"))
    assert over.number == 3
    await a_subscription(store)
    first = await the_notification(store)
    assert first.incident_key == asked.key
    assert await store.posted(first, "activity-1", 2, NOW)
    for look in await store.claim_looks("w1", NOW, 10):
        await store.save_evidence(look, answered(), NOW, None)
    assert (await the_notification(store)).incident_key == waiting.key


async def test_a_second_subscription_does_not_get_what_stands_elsewhere(store: Store) -> None:
    await a_posted_card(store)
    await store.remember(OPS, NOW)
    await store.subscribe(OPS.id, NOW)
    assert await store.claim_notifications("w1", NOW, 10) == []


async def test_subscribing_while_alerts_arrive_loses_none(store: Store) -> None:
    await store.remember(GENERAL, NOW)
    deliveries = [deliver(store, fired(f"a{n}", rule=f"r{n}")) for n in range(20)]
    first, rest = deliveries[:10], deliveries[10:]
    await asyncio.gather(*first, store.subscribe(GENERAL.id, NOW), *rest)
    for look in await store.claim_looks("w1", NOW, 30):
        await store.save_evidence(look, answered(), NOW, None)
    assert len(await all_said(store)) == 20


async def test_what_was_never_posted_is_not_posted_after_unsubscribing(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await store.unsubscribe(GENERAL.id, NOW)
    await look_taken(store)
    assert await store.claim_notifications("w1", NOW, 10) == []


async def test_a_card_that_stands_is_kept_up_to_date_after_unsubscribing(store: Store) -> None:
    await a_posted_card(store)
    await store.unsubscribe(GENERAL.id, NOW)
    await deliver(store, resolved())
    assert (await the_notification(store)).activity_id == "activity-1"


async def test_an_ended_conversation_gets_nothing_more(store: Store) -> None:
    incident = await a_posted_card(store)
    assert await store.end(NOW, conversation_id=GENERAL.id) == 1
    assert await store.end(NOW, conversation_id=GENERAL.id) == 0
    assert await store.conversation(GENERAL.id) is None
    assert await store.subscribed() == []
    await store.acknowledge(incident.key, ALICE, NOW)
    await look_taken(store)
    await an_incident(store, fired("a2", rule="another"))
    await look_taken(store)
    assert await store.claim_notifications("w1", NOW, 10) == []


async def test_what_is_in_hand_when_its_conversation_ends_is_fenced_off(store: Store) -> None:
    await a_subscription(store)
    await an_incident(store)
    await look_taken(store)
    held = await the_notification(store)
    await store.end(NOW, conversation_id=GENERAL.id)
    assert not await store.posted(held, "activity-1", 1, NOW)
    assert await store.next_due(NOW) is None


async def test_a_team_ends_with_all_its_channels_and_no_others(store: Store) -> None:
    elsewhere = a_conversation(id="19:elsewhere@thread.tacv2", team_id="19:elsewhere@thread.tacv2")
    chat = a_conversation(id="a:1", kind=ConversationKind.PERSONAL, team_id="")
    for where in (GENERAL, OPS, elsewhere, chat):
        await store.remember(where, NOW)
        await store.subscribe(where.id, NOW)
    assert await store.end(NOW) == 0
    assert await store.end(NOW, team_id=GENERAL.team_id) == 2
    assert await store.subscribed() == [elsewhere, chat]


async def test_an_ended_conversation_lives_again_when_seen_but_is_not_subscribed(store: Store) -> None:
    await a_subscription(store)
    await store.end(NOW, conversation_id=GENERAL.id)
    await store.remember(GENERAL, NOW)
    assert await store.conversation(GENERAL.id) == GENERAL
    assert await store.subscribed() == []


async def test_an_open_incident_whose_only_conversation_ended_goes_to_the_next_subscription(
    store: Store,
) -> None:
    incident = await a_posted_card(store)
    await store.end(NOW, conversation_id=GENERAL.id)
    await store.remember(OPS, NOW)
    await store.subscribe(OPS.id, NOW)
    notification = await the_notification(store)
    assert (notification.conversation, notification.state) == (OPS, NotificationState.PENDING)
    assert await store.posted(notification, "activity-2", (await newest(store, incident)).version, NOW)


async def test_a_conversation_that_comes_back_has_its_open_cards_brought_up_to_date(store: Store) -> None:
    incident = await a_posted_card(store)
    await store.end(NOW, conversation_id=GENERAL.id)
    await a_subscription(store)
    notification = await the_notification(store)
    assert (notification.activity_id, notification.attempt) == ("activity-1", 1)
    assert notification.state is NotificationState.STALE
    assert notification.incident_key == incident.key
    assert (await deliver(store, fired("a2"))).why is Why.JOINED

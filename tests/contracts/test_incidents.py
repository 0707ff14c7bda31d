"""What the store makes of alerts, clicks and answers, on both databases."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audit.actor import ActorKind
from audit.evidence import EventLine, Evidence, Group, Missing, Since
from audit.filter import Window
from audit.incident import COVERED_FOR, Person, State, Why
from bot.ports import LookKind, Recorded, Store
from bot.store.tables import NaiveTimeError
from tests.contracts.steps import (
    A_MINUTE,
    ALICE,
    BOB,
    CLUSTER,
    GENERAL,
    a_posted_card,
    a_subscription,
    an_incident,
    deliver,
    fired,
    look_taken,
    newest,
    resolved,
    the_look,
    the_notification,
)
from tests.fakes import NOW


async def test_a_fired_alert_opens_an_incident_that_can_be_read_back(store: Store) -> None:
    recorded = await deliver(store, fired())
    assert recorded.why is Why.OPENED
    assert not recorded.repeated
    assert recorded.incident is not None
    assert recorded.incident.number == 1
    assert recorded.incident.subject_id == CLUSTER.lower()
    assert recorded.incident.subject_name == "Prod-Weu"
    dossier = await store.dossier(recorded.incident.key)
    assert dossier is not None
    assert dossier.incident == recorded.incident
    assert dossier.alert == fired().alert
    assert dossier.evidence == Evidence(asked_at=NOW, missing=Missing.NOT_ASKED_YET)
    assert dossier.posted == {}


async def test_a_repeated_delivery_changes_nothing(store: Store) -> None:
    await a_subscription(store)
    first = await deliver(store, fired())
    await look_taken(store)
    before = await newest(store, first.incident or pytest.fail("nothing opened"))
    again = await deliver(store, fired(), NOW + A_MINUTE)
    assert again == Recorded(why=Why.OPENED, incident=before, repeated=True)
    assert await store.claim_looks("w1", NOW + A_MINUTE, 10) == []
    assert len(await store.claim_notifications("w1", NOW + A_MINUTE, 10)) == 1


async def test_a_repeated_delivery_of_what_nobody_waited_for_changes_nothing(store: Store) -> None:
    assert await deliver(store, resolved()) == Recorded(why=Why.NOTHING_TO_RESOLVE, incident=None)
    again = await deliver(store, resolved())
    assert again == Recorded(why=Why.NOTHING_TO_RESOLVE, incident=None, repeated=True)


async def test_a_second_alert_of_rule_and_cluster_joins_whatever_the_case_of_its_resource_id(
    store: Store,
) -> None:
    first = await an_incident(store)
    joined = await deliver(store, fired("a2", at=NOW + A_MINUTE, cluster=CLUSTER.upper()), NOW + A_MINUTE)
    assert joined.why is Why.JOINED
    assert joined.incident == replace(first, alert_count=2, version=2)


async def test_another_rule_or_another_cluster_opens_its_own_incident(store: Store) -> None:
    numbers = [
        (await an_incident(store, delivery)).number
        for delivery in (fired(), fired("a2", rule="Secrets read"), fired("a3", cluster=f"{CLUSTER}2"))
    ]
    assert numbers == [1, 2, 3]


async def test_the_dossier_has_the_newest_alert_whichever_came_last(store: Store) -> None:
    incident = await an_incident(store, fired("a1", at=NOW))
    await deliver(store, fired("a0", at=NOW - A_MINUTE))
    dossier = await store.dossier(incident.key)
    assert dossier is not None
    assert dossier.alert == fired("a1", at=NOW).alert


async def test_joining_makes_the_posted_card_stale_and_asks_for_a_look(store: Store) -> None:
    incident = await a_posted_card(store)
    assert await store.next_due(NOW) is None
    later = NOW + A_MINUTE
    await deliver(store, fired("a2", at=later), later)
    assert (await the_look(store, later)).kind is LookKind.ALERT
    notification = await the_notification(store, later)
    assert notification.activity_id == "activity-1"
    assert (await newest(store, incident)).alert_count == 2


async def test_resolving_makes_the_posted_card_stale_and_asks_for_no_look(store: Store) -> None:
    incident = await a_posted_card(store)
    later = NOW + A_MINUTE
    over = await deliver(store, resolved(at=later), later)
    assert over.why is Why.RESOLVED
    assert over.incident is not None
    assert over.incident.state is State.RESOLVED
    assert over.incident.resolved_at == later
    assert over.incident.key == incident.key
    assert await store.claim_looks("w1", later, 10) == []
    assert (await the_notification(store, later)).activity_id == "activity-1"


async def test_an_incident_ends_only_with_the_last_of_its_alerts(store: Store) -> None:
    await an_incident(store)
    await deliver(store, fired("a2"))
    first = await deliver(store, resolved("a1"))
    assert first.why is Why.STILL_FIRING
    assert first.incident is not None
    assert first.incident.state is State.FIRED
    second = await deliver(store, resolved("a2"))
    assert second.why is Why.RESOLVED


async def test_a_resolution_told_twice_with_other_times_counts_once(store: Store) -> None:
    await an_incident(store)
    await deliver(store, resolved(at=NOW + A_MINUTE))
    again = await deliver(store, resolved(at=NOW + 2 * A_MINUTE))
    assert again.why is Why.ALREADY_RESOLVED
    assert not again.repeated
    assert again.incident is not None
    assert again.incident.resolved_at == NOW + A_MINUTE


async def test_an_alert_after_the_end_opens_a_new_incident(store: Store) -> None:
    first = await an_incident(store)
    await deliver(store, resolved())
    second = await an_incident(store, fired("a2", at=NOW + 2 * A_MINUTE))
    assert second.number == first.number + 1
    assert second.key != first.key
    assert (await newest(store, first)).alert_count == 1


async def test_an_old_acknowledgement_does_not_hide_what_is_new(store: Store) -> None:
    first = await an_incident(store)
    await store.acknowledge(first.key, ALICE, NOW)
    soon = await deliver(store, fired("a2", at=NOW + A_MINUTE), NOW + COVERED_FOR - A_MINUTE)
    assert soon.why is Why.JOINED
    late = await deliver(store, fired("a3", at=NOW + COVERED_FOR), NOW + COVERED_FOR)
    assert late.why is Why.OPENED
    assert late.incident is not None
    assert late.incident.number == first.number + 1
    joins_it = await deliver(store, fired("a4", at=NOW + COVERED_FOR), NOW + COVERED_FOR + A_MINUTE)
    assert joins_it.incident is not None
    assert joins_it.incident.number == late.incident.number
    over = await deliver(store, resolved("a3", at=NOW + 2 * COVERED_FOR), NOW + 2 * COVERED_FOR)
    assert over.incident is not None
    assert over.incident.number == late.incident.number


async def test_the_same_alert_fired_again_after_its_end_opens_a_new_incident(store: Store) -> None:
    await an_incident(store)
    await deliver(store, resolved(at=NOW + A_MINUTE))
    again = await deliver(store, fired("a1", at=NOW + 2 * A_MINUTE))
    assert again.why is Why.OPENED
    assert again.incident is not None
    assert again.incident.state is State.FIRED


async def test_a_fired_alert_that_its_resolution_overtook_opens_resolved(store: Store) -> None:
    await a_subscription(store)
    assert (await deliver(store, resolved(at=NOW + A_MINUTE))).incident is None
    late = await deliver(store, fired())
    assert late.why is Why.ALREADY_OVER
    assert late.incident is not None
    assert late.incident.state is State.RESOLVED
    assert late.incident.resolved_at == NOW + A_MINUTE
    await look_taken(store)
    assert (await the_notification(store)).incident_key == late.incident.key
    fresh = await deliver(store, fired("a2", at=NOW + 2 * A_MINUTE))
    assert fresh.why is Why.OPENED


async def test_an_overtaken_alert_that_joins_does_not_keep_the_incident_open(store: Store) -> None:
    await an_incident(store, fired("a1"))
    await deliver(store, resolved("a2"))
    assert (await deliver(store, fired("a2"))).why is Why.JOINED
    assert (await deliver(store, resolved("a1"))).why is Why.RESOLVED


async def test_fired_and_resolved_in_any_order_end_resolved(store: Store) -> None:
    deliveries = [make(f"a{n}") for n in range(6) for make in (fired, resolved)]
    random.Random(7).shuffle(deliveries)
    keys = {
        recorded.incident.key
        for delivery in deliveries
        if (recorded := await deliver(store, delivery)).incident
    }
    dossiers = [await store.dossier(key) for key in keys]
    assert {d.incident.state for d in dossiers if d} == {State.RESOLVED}
    assert sum(d.incident.alert_count for d in dossiers if d) == 6


async def test_many_deliveries_at_once_make_one_incident_and_count_each_alert_once(store: Store) -> None:
    deliveries = [fired(f"a{n % 10}") for n in range(40)]
    recorded = await asyncio.gather(*(deliver(store, delivery) for delivery in deliveries))
    assert Counter(r.why for r in recorded if not r.repeated) == {Why.OPENED: 1, Why.JOINED: 9}
    assert sum(r.repeated for r in recorded) == 30
    (key,) = {r.incident.key for r in recorded if r.incident}
    dossier = await store.dossier(key)
    assert dossier is not None
    assert dossier.incident.alert_count == 10


async def test_numbers_have_no_gaps_when_incidents_open_at_once(store: Store) -> None:
    opened = await asyncio.gather(*(an_incident(store, fired(f"a{n}", rule=f"r{n}")) for n in range(20)))
    assert sorted(incident.number for incident in opened) == list(range(1, 21))


async def test_fired_and_resolved_at_once_end_resolved(store: Store) -> None:
    for n in range(10):
        pair = (fired(f"a{n}", rule=f"r{n}"), resolved(f"a{n}", rule=f"r{n}"))
        both = await asyncio.gather(*(deliver(store, delivery) for delivery in pair))
        (key,) = {r.incident.key for r in both if r.incident}
        dossier = await store.dossier(key)
        assert dossier is not None
        assert dossier.incident.state is State.RESOLVED


async def test_of_fifty_acknowledgements_at_once_one_wins_and_all_name_the_winner(store: Store) -> None:
    incident = await a_posted_card(store)
    people = [Person(id=f"id-{n}", name=f"Person {n}") for n in range(50)]
    answers = await asyncio.gather(*(store.acknowledge(incident.key, by, NOW) for by in people))
    assert Counter(answer.why for answer in answers if answer) == {
        Why.ACKNOWLEDGED: 1,
        Why.ALREADY_ACKNOWLEDGED: 49,
    }
    (kept,) = {answer.incident for answer in answers if answer}
    assert kept == await newest(store, incident)
    assert kept.version == incident.version + 1
    (winner,) = [by for by, answer in zip(people, answers, strict=True) if answer and answer.changed]
    assert kept.acknowledgement is not None
    assert kept.acknowledgement.by == winner


async def test_acknowledging_makes_copies_stale_and_asks_what_went_on_since(store: Store) -> None:
    incident = await a_posted_card(store)
    later = NOW + A_MINUTE
    await store.acknowledge(incident.key, ALICE, later)
    assert (await the_look(store, later)).kind is LookKind.SINCE
    assert (await the_notification(store, later)).activity_id == "activity-1"


async def test_a_late_acknowledgement_is_kept_and_the_incident_stays_resolved(store: Store) -> None:
    incident = await an_incident(store)
    await deliver(store, resolved())
    answer = await store.acknowledge(incident.key, BOB, NOW + A_MINUTE)
    assert answer is not None
    assert answer.why is Why.ACKNOWLEDGED
    kept = await newest(store, incident)
    assert kept.state is State.RESOLVED
    assert kept.acknowledgement is not None
    assert kept.acknowledgement.at == NOW + A_MINUTE
    assert kept.version == 3


async def test_an_unknown_key_is_none_whatever_it_holds(store: Store) -> None:
    for key in ("", "0" * 32, "\x00", "\ud800", "x" * 10_000, "' OR 1=1 --"):
        assert await store.dossier(key) is None
        assert await store.acknowledge(key, ALICE, NOW) is None


async def test_text_that_a_database_cannot_hold_is_stored_all_the_same(store: Store) -> None:
    # The parser lets nothing like that through; the store does not rely on it.
    rule = "evil\x00rule" + "x" * 20_000
    first, second = fired("a1"), fired("a2")
    recorded = await store.record(replace(first.alert, rule=rule), first.body, NOW)
    incident = recorded.incident or pytest.fail("nothing opened")
    kept = await newest(store, incident)
    assert kept.rule == rule.replace("\x00", "\ufffd")
    assert (await store.record(replace(second.alert, rule=rule), second.body, NOW)).why is Why.JOINED
    by = Person(id="id", name="\ud83dName\x00")
    assert await store.acknowledge(incident.key, by, NOW) is not None
    kept = await newest(store, incident)
    assert kept.acknowledgement is not None
    assert kept.acknowledgement.by.name == "?Name\ufffd"


async def test_evidence_comes_back_as_it_was_saved(store: Store) -> None:
    incident = await an_incident(store)
    window = Window(start=NOW - A_MINUTE, end=NOW)
    line = EventLine(
        audit_id="id\x00",
        time=NOW,
        user="u\u202e",
        verb="create",
        uri="/api",
        code=409,
        reason="AlreadyExists",
    )
    group = Group(
        user="u",
        impersonated="",
        actor=ActorKind.PLATFORM,
        verb="create",
        resource="configmaps",
        namespace="kube-system",
        name="coredns-custom",
        uri="",
        code=None,
        reason="",
        decision="allow",
        source_ips=("10.0.0.1",),
        user_agent="x",
        count=1,
        first=NOW,
        last=NOW,
        events=(line,),
    )
    evidence = Evidence(
        asked_at=NOW,
        window=window,
        kql="T | take 1",
        returned=4,
        groups=(group,),
        again_until=NOW + A_MINUTE,
        since=Since(until=NOW, returned=1, by_people=1, last=None, new_users=("carol",)),
    )
    assert await store.save_evidence(await the_look(store), evidence, NOW, None)
    dossier = await store.dossier(incident.key)
    assert dossier is not None
    assert dossier.evidence == evidence
    assert dossier.incident.version == incident.version + 1


async def test_times_come_back_as_aware_utc_whatever_their_zone(store: Store) -> None:
    from zoneinfo import ZoneInfo

    local = NOW.astimezone(ZoneInfo("Asia/Kathmandu"))
    incident = await an_incident(store, now=local)
    kept = await newest(store, incident)
    assert kept.opened_at == NOW
    assert kept.opened_at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused_as_our_own_mistake(store: Store) -> None:
    naive = datetime(2026, 3, 4, 9, 0)  # noqa: DTZ001 - what must be refused
    with pytest.raises(NaiveTimeError):
        await deliver(store, fired(), naive)
    assert (await deliver(store, fired())).why is Why.OPENED
    with pytest.raises(NaiveTimeError):
        await store.claim_looks("w1", naive, 1)
    with pytest.raises(NaiveTimeError):
        await store.remember(GENERAL, naive)

"""One alert about several clusters: an incident for each, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from audit.incident import COVERED_FOR, Incident, State, Why
from bot.ports import Dossier, Look, LookKind, Store
from bot.store.splitting import MOST_CLUSTERS
from tests.contracts.steps import (
    A_MINUTE,
    ALICE,
    GENERAL,
    OPS,
    Delivery,
    a_subscription,
    an_incident,
    answered,
    deliver,
    fired,
    resolved,
    the_look,
)
from tests.fakes import NOW

WORKSPACE = (
    "/subscriptions/3c1d9d5a-6c1f-4a57-9d5c-0b1e2f3a4b5c/resourceGroups/rg-logs"
    "/providers/Microsoft.OperationalInsights/workspaces/Logs"
)
_CLUSTERS = "/subscriptions/3c1d9d5a/resourcegroups/rg/providers/microsoft.containerservice/managedclusters"
WEU, NEU, SEA = (f"{_CLUSTERS}/{name}" for name in ("weu", "neu", "sea"))


def about_all(alert: str = "a1", **changes: object) -> Delivery:
    return fired(alert, cluster=WORKSPACE, **changes)  # type: ignore[arg-type]  # passed on as they are


def over(alert: str = "a1", **changes: object) -> Delivery:
    return resolved(alert, cluster=WORKSPACE, **changes)  # type: ignore[arg-type]  # passed on as they are


async def dossier(store: Store, key: str) -> Dossier:
    found = await store.dossier(key)
    assert found is not None
    return found


async def split(
    store: Store, look: Look, clusters: Sequence[str], now: datetime, *, alert: str = ""
) -> Sequence[str]:
    """Split by what the incident's newest alert is about, or by `alert`."""
    newest = (await dossier(store, look.incident_key)).alert
    return await store.split(look, alert or newest.key, clusters, now)


async def now_of(store: Store, keys: Sequence[str]) -> list[Incident]:
    return [(await dossier(store, key)).incident for key in keys]


async def all_looked_at(store: Store, clusters: Sequence[str]) -> list[str]:
    """Do what the worker does: take each look, split, and keep the evidence; return the first look's split."""
    keys: list[str] = []
    while looks := await store.claim_looks("w1", NOW + timedelta(days=9), 10):
        for look in looks:
            found = list(await split(store, look, clusters, NOW))
            keys = keys or found
            assert await store.save_evidence(look, answered(), NOW, None)
    return keys


async def a_split(store: Store, clusters: Sequence[str] = (WEU, NEU)) -> tuple[Look, list[str]]:
    await an_incident(store, about_all())
    look = await the_look(store)
    return look, list(await split(store, look, clusters, NOW))


async def test_each_cluster_gets_an_incident_with_a_number_a_key_a_look_and_notifications(
    store: Store,
) -> None:
    await a_subscription(store)
    original = await an_incident(store, about_all())
    look = await the_look(store)
    keys = list(await split(store, look, [WEU.upper(), NEU, SEA], NOW))
    assert keys[0] == original.key
    assert len(set(keys)) == 3
    found = [await dossier(store, key) for key in keys]
    assert [one.incident.number for one in found] == [1, 2, 3]
    assert [one.cluster for one in found] == [WEU, NEU, SEA]
    assert [one.incident.subject_id for one in found] == [WEU, NEU, SEA]
    assert [one.incident.subject_name for one in found] == ["weu", "neu", "sea"]
    assert all(one.alert == about_all().alert for one in found)
    assert all(one.conversations == {GENERAL.id} for one in found)
    assert all(one.incident.state is State.FIRED and one.incident.alert_count == 1 for one in found)
    due = await store.claim_looks("w2", NOW, 10)
    assert {(one.incident_key, one.kind) for one in due} == {(key, LookKind.ALERT) for key in keys[1:]}
    for taken in (look, *due):
        assert await store.save_evidence(taken, answered(), NOW, None)
    said: list[str] = []
    while turn := await store.claim_notifications("w1", NOW, 10):
        said += [each.incident_key for each in turn]
        for each in turn:
            assert await store.posted(each, f"activity-{each.id}", 1000, NOW)
    assert sorted(said) == sorted(keys)


async def test_the_same_split_again_changes_nothing(store: Store) -> None:
    look, keys = await a_split(store)
    before = [await dossier(store, key) for key in keys]
    assert list(await split(store, look, [NEU, WEU, NEU], NOW + A_MINUTE)) == keys[::-1]
    assert [await dossier(store, key) for key in keys] == before
    assert await store.key_of(3) is None


async def test_a_cluster_whose_rows_come_later_is_split_off_then(store: Store) -> None:
    look, keys = await a_split(store)
    more = list(await split(store, look, [WEU, NEU, SEA], NOW + A_MINUTE))
    assert more[:2] == keys
    assert (await dossier(store, more[2])).cluster == SEA


async def test_two_replicas_that_split_at_once_make_one_incident_a_cluster(store: Store) -> None:
    await an_incident(store, about_all())
    look = await the_look(store)
    told = await asyncio.gather(*(split(store, look, [WEU, NEU, SEA], NOW) for _ in range(6)))
    assert len({tuple(keys) for keys in told}) == 1
    assert await store.key_of(4) is None


async def test_one_cluster_alone_narrows_the_incident_and_opens_none(store: Store) -> None:
    _, keys = await a_split(store, [NEU])
    found = await dossier(store, keys[0])
    assert (found.cluster, found.incident.subject_name, found.incident.version) == (NEU, "neu", 2)
    assert await store.key_of(2) is None


async def test_an_alert_that_names_its_cluster_keeps_it_whatever_comes_first(store: Store) -> None:
    original = await an_incident(store, fired(cluster=NEU.upper()))
    keys = await split(store, await the_look(store), [WEU, NEU], NOW)
    assert keys[1] == original.key
    found = await dossier(store, original.key)
    assert (found.cluster, found.incident) == (NEU, original)
    assert (await dossier(store, keys[0])).cluster == WEU


async def test_a_further_clusters_incident_is_not_split_again(store: Store) -> None:
    _, keys = await a_split(store)
    look = await the_look(store)
    assert look.incident_key == keys[1]
    assert list(await split(store, look, [WEU, NEU, SEA], NOW)) == [keys[1]]
    assert await store.key_of(3) is None


async def test_a_look_that_is_no_longer_held_splits_nothing(store: Store) -> None:
    incident = await an_incident(store, about_all())
    look = await the_look(store)
    await store.release("w1")
    assert await split(store, look, [WEU, NEU], NOW) == ()
    assert (await dossier(store, incident.key)).cluster == ""
    assert await store.key_of(2) is None


async def test_names_that_say_nothing_and_too_many_are_left_out(store: Store) -> None:
    await an_incident(store, about_all())
    look = await the_look(store)
    assert await split(store, look, ["", "  "], NOW) == ()
    many = [f"{_CLUSTERS}/c{n}\x00\ud800" for n in range(MOST_CLUSTERS + 9)]
    assert len(await split(store, look, many, NOW)) == MOST_CLUSTERS


async def test_resolved_ends_every_clusters_incident_and_belongs_to_the_first(store: Store) -> None:
    _, keys = await a_split(store)
    recorded = await deliver(store, over())
    assert recorded.why is Why.RESOLVED
    assert recorded.incident is not None
    assert recorded.incident.key == keys[0]
    assert [one.state for one in await now_of(store, keys)] == [State.RESOLVED] * 2
    assert {one.resolved_at for one in await now_of(store, keys)} == {NOW + A_MINUTE}


async def test_an_alert_that_was_over_before_it_was_split_opens_incidents_that_are_over(
    store: Store,
) -> None:
    await a_subscription(store)
    await an_incident(store, about_all())
    look = await the_look(store)
    await deliver(store, over())
    keys = await split(store, look, [WEU, NEU], NOW + 2 * A_MINUTE)
    assert [one.state for one in await now_of(store, keys)] == [State.RESOLVED] * 2
    assert {one.resolved_at for one in await now_of(store, keys)} == {NOW + A_MINUTE}
    assert (await dossier(store, keys[1])).conversations == {GENERAL.id}


@pytest.mark.parametrize("times", range(4))
async def test_a_resolved_beside_the_split_leaves_no_cluster_firing(store: Store, times: int) -> None:
    del times
    await an_incident(store, about_all())
    look = await the_look(store)
    keys, _ = await asyncio.gather(split(store, look, [WEU, NEU, SEA], NOW), deliver(store, over()))
    assert [one.state for one in await now_of(store, keys)] == [State.RESOLVED] * 3


async def test_a_further_alert_of_the_rule_joins_those_that_are_open(store: Store) -> None:
    await an_incident(store, about_all())
    keys = await all_looked_at(store, [WEU, NEU])
    assert (await deliver(store, about_all("a2"))).why is Why.JOINED
    assert await all_looked_at(store, [NEU, SEA, WEU]) != keys
    assert [one.alert_count for one in await now_of(store, keys)] == [2, 2]
    third = await store.key_of(3)
    assert third is not None
    assert (await dossier(store, third)).cluster == SEA
    assert await store.key_of(4) is None
    # Each ends with the last of its alerts.
    await deliver(store, over("a1"))
    assert [one.state for one in await now_of(store, [*keys, third])] == [State.FIRED] * 3
    await deliver(store, over("a2"))
    assert [one.state for one in await now_of(store, [*keys, third])] == [State.RESOLVED] * 3


async def test_what_is_split_is_the_alert_that_was_asked_whatever_fired_since(store: Store) -> None:
    original = await an_incident(store, asked := about_all())
    look = await the_look(store)
    await deliver(store, newer := about_all("a2", at=NOW + A_MINUTE))
    first = await split(store, look, [WEU, NEU], NOW, alert=asked.alert.key)
    assert first[0] == original.key
    own, other = [await dossier(store, key) for key in first]
    assert (own.alert, own.cluster) == (newer.alert, WEU)
    assert (other.alert, other.cluster, other.incident.alert_count) == (asked.alert, NEU, 1)
    assert await store.save_evidence(look, answered(), NOW, None)
    due = {one.incident_key: one for one in await store.claim_looks("w1", NOW + timedelta(days=1), 10)}
    assert set(due) == set(first)
    assert list(await split(store, due[original.key], [NEU], NOW)) == [other.incident.key]
    assert (await dossier(store, other.incident.key)).alert == newer.alert
    assert (await now_of(store, [other.incident.key]))[0].alert_count == 2
    # The other's look is still the first alert's, and ends as usual; then the newer one is asked about.
    assert await store.save_evidence(due[other.incident.key], answered(), NOW, None)
    (again,) = await store.claim_looks("w1", NOW + timedelta(days=1), 10)
    assert again.incident_key == other.incident.key


async def test_the_alert_that_was_asked_may_be_over_while_a_newer_one_fires(store: Store) -> None:
    await an_incident(store, asked := about_all())
    look = await the_look(store)
    await deliver(store, about_all("a2", at=NOW + A_MINUTE))
    await deliver(store, over())
    keys = await split(store, look, [WEU, NEU], NOW, alert=asked.alert.key)
    assert [one.state for one in await now_of(store, keys)] == [State.FIRED, State.RESOLVED]


@pytest.mark.parametrize("alert", ["b1", "nobody's", "\0"])
async def test_an_alert_that_is_not_the_incidents_splits_nothing(store: Store, alert: str) -> None:
    incident = await an_incident(store, about_all())
    look = await the_look(store)
    await an_incident(store, b1 := about_all("b1", rule="another"))
    key = b1.alert.key if alert == "b1" else alert
    assert await split(store, look, [WEU, NEU], NOW, alert=key) == ()
    assert (await dossier(store, incident.key)).cluster == ""
    assert await store.key_of(3) is None


async def test_a_further_alert_of_other_clusters_leaves_the_firsts_cluster_as_it_is(store: Store) -> None:
    await an_incident(store, about_all())
    keys = await all_looked_at(store, [WEU, NEU])
    await deliver(store, about_all("a2"))
    assert await all_looked_at(store, [NEU]) == [keys[1]]
    assert (await dossier(store, keys[0])).cluster == WEU


async def test_an_alert_that_names_a_further_cluster_joins_its_incident(store: Store) -> None:
    _, keys = await a_split(store)
    joined = await deliver(store, fired("b1", cluster=NEU.upper()))
    assert joined.why is Why.JOINED
    assert joined.incident is not None
    assert joined.incident.key == keys[1]


async def test_a_clusters_own_open_incident_is_joined_and_narrowed(store: Store) -> None:
    own = await an_incident(store, fired("b1", cluster=NEU))
    await an_incident(store, about_all())
    looks = {look.incident_key: look for look in await store.claim_looks("w1", NOW, 10)}
    (original,) = set(looks) - {own.key}
    keys = await split(store, looks[original], [NEU, WEU], NOW)
    # The first cluster that nobody works on is the original's own.
    assert keys == [own.key, original]
    found = await dossier(store, own.key)
    assert (found.cluster, found.incident.alert_count) == (NEU, 2)


async def test_an_acknowledgement_of_one_cluster_is_not_the_others(store: Store) -> None:
    _, keys = await a_split(store)
    await store.acknowledge(keys[0], ALICE, NOW)
    assert [one.state for one in await now_of(store, keys)] == [State.ACKNOWLEDGED, State.FIRED]


async def test_a_day_after_the_acknowledgements_all_clusters_open_anew(store: Store) -> None:
    await an_incident(store, about_all())
    keys = await all_looked_at(store, [WEU, NEU])
    for key in keys:
        await store.acknowledge(key, ALICE, NOW)
    later = NOW + COVERED_FOR
    again = await an_incident(store, about_all("a2", at=later), later)
    (look,) = [one for one in await store.claim_looks("w1", later, 10) if one.incident_key == again.key]
    fresh = list(await split(store, look, [WEU, NEU], later))
    assert fresh[0] == again.key
    assert not set(fresh) & set(keys)
    assert [one.number for one in await now_of(store, fresh)] == [3, 4]


async def test_the_same_delivery_again_and_the_list_of_known_alerts_stay_as_they_were(store: Store) -> None:
    _, keys = await a_split(store)
    repeated = await deliver(store, about_all())
    assert repeated.repeated
    assert repeated.incident is not None
    assert repeated.incident.key == keys[0]
    known = await store.known([about_all().alert.alert_id])
    assert list(known.values()) == [frozenset({about_all().alert.condition})]


async def test_a_further_clusters_trail_begins_with_the_alert(store: Store) -> None:
    await a_split(store)
    (line,) = await store.trail(2)
    assert (line.step, line.subject, line.reason) == ("received", "Fired", "opened")


async def test_a_conversation_that_subscribed_since_gets_the_joined_ones_too(store: Store) -> None:
    await an_incident(store, about_all())
    keys = await all_looked_at(store, [WEU, NEU])
    await store.remember(OPS, NOW)
    await store.subscribe(OPS.id, NOW + A_MINUTE)
    await deliver(store, about_all("a2"))
    await all_looked_at(store, [WEU, NEU])
    assert (await dossier(store, keys[1])).conversations == {OPS.id}


async def test_retention_takes_each_cluster_with_its_copy(store: Store) -> None:
    _, keys = await a_split(store)
    assert await store.clean(NOW + A_MINUTE) == 2
    assert [await store.dossier(key) for key in keys] == [None, None]
    assert (await deliver(store, about_all())).why is Why.OPENED

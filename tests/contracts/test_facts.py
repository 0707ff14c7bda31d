"""Seen before: who did what to what in earlier incidents, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.actor import ActorKind
from audit.evidence import Evidence, Group, Missing
from audit.incident import Incident, State
from bot.ports import Store
from bot.store.facts import MOST_FACTS
from tests.contracts.steps import (
    A_MINUTE,
    ALICE,
    GENERAL,
    a_subscription,
    an_incident,
    answered,
    deliver,
    fired,
    resolved,
    the_look,
)
from tests.fakes import NOW

COREDNS = "configmaps kube-system/coredns"


def group(user: str = "alice@contoso.com", name: str = "coredns", **changes: object) -> Group:
    known = Group(
        user=user,
        impersonated="",
        actor=ActorKind.PERSON,
        verb="patch",
        resource="configmaps",
        namespace="kube-system",
        name=name,
        uri="/api/v1/namespaces/kube-system/configmaps/coredns",
        code=200,
        reason="",
        decision="allow",
        source_ips=(),
        user_agent="",
        count=1,
        first=NOW,
        last=NOW,
        events=(),
    )
    return replace(known, **changes)  # type: ignore[arg-type]  # a table of fields for brevity


def evidence(*groups: Group) -> Evidence:
    return replace(answered(), groups=groups)


async def an_incident_with(store: Store, rule: str, *groups: Group) -> Incident:
    incident = await an_incident(store, fired(rule, rule=rule))
    assert await store.save_evidence(await the_look(store), evidence(*groups), NOW, None)
    return incident


async def numbers(
    store: Store, incident: Incident, *, users: tuple[str, ...], objects: tuple[str, ...] = (COREDNS,)
) -> list[int]:
    deeds = [(user, thing) for user in users for thing in objects]
    total, seen = await store.seen_before(incident.key, deeds, 10)
    assert total == len(seen)
    return [one.incident.number for one in seen]


async def test_earlier_incidents_with_the_same_actor_and_object_are_found_newest_first(
    store: Store,
) -> None:
    await an_incident_with(store, "r1", group())
    await an_incident_with(store, "r2", group(), group(name="other"))
    await an_incident_with(store, "r3", group(user="bob@contoso.com"), group(name="other"))
    now = await an_incident_with(store, "r4", group())
    await an_incident_with(store, "r5", group())
    assert await numbers(store, now, users=("alice@contoso.com",)) == [2, 1]
    assert await numbers(store, now, users=("alice@contoso.com", "bob@contoso.com")) == [3, 2, 1]
    assert await numbers(store, now, users=("nobody",)) == []
    assert await numbers(store, now, users=()) == []
    total, newest = await store.seen_before(now.key, [("alice@contoso.com", COREDNS)], 1)
    assert (total, [one.incident.number for one in newest]) == (2, [2])


async def test_they_come_as_they_are_now(store: Store) -> None:
    first = await an_incident_with(store, "r1", group())
    now = await an_incident_with(store, "r2", group())
    await store.acknowledge(first.key, ALICE, NOW)
    await deliver(store, resolved("r1", rule="r1"))
    total, (seen,) = await store.seen_before(now.key, [("alice@contoso.com", COREDNS)], 10)
    assert total == 1
    assert seen.headline == "alice@contoso.com patch configmaps"
    assert seen.incident.state is State.RESOLVED
    assert seen.incident.acknowledgement is not None
    assert seen.incident.acknowledgement.by == ALICE
    assert seen.incident.resolved_at == NOW + A_MINUTE


async def test_an_actor_of_one_group_and_an_object_of_another_are_not_the_same_deed(store: Store) -> None:
    await an_incident_with(store, "r1", group(name="x"), group(user="bob"))
    now = await an_incident_with(store, "r2", group())
    assert await numbers(store, now, users=("alice@contoso.com",)) == []


async def test_a_subresource_belongs_to_its_object_and_who_was_acted_as_is_an_actor(store: Store) -> None:
    shell = group(resource="pods/exec", namespace="shop", name="web-1", impersonated="root")
    await an_incident_with(store, "r1", shell)
    now = await an_incident_with(store, "r2", group())
    assert await numbers(store, now, users=("root",), objects=("pods shop/web-1",)) == [1]


async def test_only_incidents_whose_card_is_for_the_conversation_are_told_there(store: Store) -> None:
    await an_incident_with(store, "r1", group())
    await deliver(store, resolved("r1", rule="r1"))
    await a_subscription(store)
    await an_incident_with(store, "r2", group())
    now = await an_incident_with(store, "r3", group())
    _, seen = await store.seen_before(
        now.key, [("alice@contoso.com", COREDNS)], 10, conversation_id=GENERAL.id
    )
    assert [one.incident.number for one in seen] == [2]


async def test_what_an_earlier_alert_told_stays_and_the_newest_are_kept(store: Store) -> None:
    first = await an_incident_with(store, "r1", group(name="early"))
    later = NOW + A_MINUTE
    for n in range(3):
        await deliver(store, fired(f"again-{n}", rule="r1", at=later), later)
        some = [group(name=f"{n}-{i}") for i in range(MOST_FACTS // 2)]
        assert await store.save_evidence(await the_look(store, later), evidence(*some), later, None)
        later += A_MINUTE
        now = await an_incident_with(store, f"probe-{n}", group())
        early = await numbers(
            store, now, users=("alice@contoso.com",), objects=("configmaps kube-system/early",)
        )
        assert early == ([first.number] if n < 1 else [])
        newest = (f"configmaps kube-system/{n}-0",)
        assert await numbers(store, now, users=("alice@contoso.com",), objects=newest) == [first.number]


async def test_hostile_names_are_kept_and_found(store: Store) -> None:
    hostile = "x\x00\ud800" + "y" * 100_000
    await an_incident_with(store, "r1", group(user=hostile[:5000], name=hostile[:9000]))
    now = await an_incident_with(store, "r2", group())
    objects = (f"configmaps kube-system/{hostile[:9000]}",)
    assert await numbers(store, now, users=(hostile[:5000],), objects=objects) == [1]
    kept = await store.dossier(now.key)
    assert kept is not None


async def test_evidence_that_is_missing_tells_nothing_and_an_unknown_key_finds_nothing(store: Store) -> None:
    await an_incident(store)
    nothing = Evidence(asked_at=NOW, missing=Missing.TIMED_OUT)
    assert await store.save_evidence(await the_look(store), nothing, NOW, None)
    assert await store.seen_before("f" * 32, [("a", "b")], 10) == (0, ())


async def test_retention_takes_the_facts_with_their_incident(store: Store) -> None:
    await an_incident_with(store, "r1", group())
    assert await store.clean(NOW + A_MINUTE) == 1
    now = await an_incident_with(store, "r2", group())
    assert await numbers(store, now, users=("alice@contoso.com",)) == []


@pytest.mark.parametrize("again", [1, 2])
async def test_the_same_evidence_again_adds_nothing(store: Store, again: int) -> None:
    await an_incident_with(store, "r1", *(group() for _ in range(again)))
    now = await an_incident_with(store, "r2", group())
    assert await numbers(store, now, users=("alice@contoso.com",)) == [1]

"""Lists of incidents, and incidents of one conversation alone; on both databases."""

from __future__ import annotations

import pytest

from audit.incident import Why
from bot.errors import Reason, Rejected
from bot.ports import NotificationState, Recorded, Store
from tests.contracts.steps import (
    A_MINUTE,
    ALICE,
    BOB,
    CLUSTER,
    GENERAL,
    OPS,
    Delivery,
    a_subscription,
    all_said,
    an_incident,
    answered,
    deliver,
    fired,
    look_taken,
    resolved,
    the_look,
)
from tests.fakes import NOW, a_conversation

LAB = a_conversation(id="19:lab@thread.tacv2", name="Lab")


async def numbers(store: Store, *ids: str, limit: int = 10, by: str = "") -> tuple[int, list[int]]:
    total, newest = await store.open_incidents(limit, conversation_ids=ids, acknowledged_by=by)
    return total, [incident.number for incident in newest]


async def record(store: Store, told: Delivery, *, only: str = "", also: str = "") -> Recorded:
    return await store.record(told.alert, told.body, NOW, only_for=only, also_for=also)


async def a_lab(store: Store) -> None:
    """General is subscribed, Lab and Ops are known."""
    await a_subscription(store)
    for conversation in (LAB, OPS):
        await store.remember(conversation, NOW)


async def where_of(store: Store, recorded: Recorded) -> set[str]:
    assert recorded.incident is not None
    dossier = await store.dossier(recorded.incident.key)
    assert dossier is not None
    return set(dossier.conversations)


# --- lists -----------------------------------------------------------------------------------------


async def test_incidents_that_are_not_resolved_are_listed_newest_first(store: Store) -> None:
    await a_subscription(store)
    for n in range(1, 6):
        await an_incident(store, fired(f"a{n}", rule=f"r{n}"))
    await deliver(store, resolved("a2", rule="r2"))
    assert await numbers(store, GENERAL.id) == (4, [5, 4, 3, 1])
    assert await numbers(store, GENERAL.id, limit=2) == (4, [5, 4])
    assert await numbers(store, GENERAL.id, limit=0) == (4, [])
    assert await numbers(store, OPS.id) == (0, [])
    assert await numbers(store) == (0, [])


async def test_mine_are_those_that_i_acknowledged(store: Store) -> None:
    await a_subscription(store)
    known = [await an_incident(store, fired(f"a{n}", rule=f"r{n}")) for n in range(3)]
    await store.acknowledge(known[0].key, ALICE, NOW)
    await store.acknowledge(known[1].key, BOB, NOW)
    assert await numbers(store, GENERAL.id, by=ALICE.id) == (1, [1])
    assert await numbers(store, GENERAL.id, by="somebody") == (0, [])
    assert await numbers(store, GENERAL.id) == (3, [3, 2, 1])


async def test_an_incident_of_several_conversations_is_listed_once(store: Store) -> None:
    await a_lab(store)
    await store.subscribe(OPS.id, NOW)
    await an_incident(store)
    many = [GENERAL.id, OPS.id, "\x00\ud800", *(f"19:{n}" for n in range(5000))]
    assert await numbers(store, *many) == (1, [1])


# --- incidents of one conversation alone -----------------------------------------------------------


async def test_an_incident_for_one_conversation_goes_there_alone(store: Store) -> None:
    await a_lab(store)
    alone = await record(store, fired("t1", rule="Test"), only=LAB.id)
    assert alone.why is Why.OPENED
    await look_taken(store)
    assert [said.conversation for said in await all_said(store)] == [LAB]
    assert await where_of(store, alone) == {LAB.id}
    assert await numbers(store, GENERAL.id) == (0, [])
    assert await numbers(store, LAB.id) == (1, [1])


async def test_what_joins_it_stays_there_and_others_of_its_rule_and_cluster_are_others(
    store: Store,
) -> None:
    await a_lab(store)
    lab = await record(store, fired("t1"), only=LAB.id)
    everybodys = await record(store, fired("t2"))
    ops = await record(store, fired("t3"), only=OPS.id)
    joined = await record(store, fired("t4"), only=LAB.id)
    assert [one.why for one in (lab, everybodys, ops, joined)] == [*[Why.OPENED] * 3, Why.JOINED]
    assert joined.incident is not None
    assert joined.incident.number == 1
    assert await where_of(store, joined) == {LAB.id}
    assert await where_of(store, everybodys) == {GENERAL.id}
    assert await where_of(store, ops) == {OPS.id}


async def test_who_subscribes_later_gets_none_of_it(store: Store) -> None:
    for conversation in (GENERAL, LAB):
        await store.remember(conversation, NOW)
    alone = await record(store, fired("t1"), only=LAB.id)
    await store.end(NOW, conversation_id=LAB.id)
    await store.subscribe(GENERAL.id, NOW)
    assert await where_of(store, alone) == {LAB.id}
    await store.remember(LAB, NOW)
    await record(store, fired("t2"), only=LAB.id)
    assert await where_of(store, alone) == {LAB.id}
    await look_taken(store)
    assert [said.conversation for said in await all_said(store)] == [LAB]


async def test_its_resolved_finds_it_by_the_alerts_id(store: Store) -> None:
    await a_lab(store)
    for only in ("", LAB.id):
        await record(store, fired(f"t{only}"), only=LAB.id)
        over = await record(store, resolved(f"t{only}"), only=only)
        assert over.why is Why.RESOLVED
    await record(store, fired("t9"), only=LAB.id)
    await store.end(NOW, conversation_id=LAB.id)
    assert (await record(store, resolved("t9"), only=LAB.id)).why is Why.RESOLVED


async def test_where_the_bot_is_not_nothing_is_recorded(store: Store) -> None:
    await a_lab(store)
    await store.end(NOW, conversation_id=OPS.id)
    for only, also in ((OPS.id, ""), ("", OPS.id), ("19:nobody", ""), (LAB.id, "19:nobody")):
        with pytest.raises(Rejected) as failure:
            await record(store, fired("t1"), only=only, also=also)
        assert failure.value.reason is Reason.NOT_FOUND
    assert (await record(store, fired("t1"), only=LAB.id)).why is Why.OPENED


async def test_a_subscription_and_its_end_change_nothing_for_an_incident_of_its_own(store: Store) -> None:
    await a_lab(store)
    await store.subscribe(LAB.id, NOW)
    await record(store, fired("t1"), only=LAB.id)
    await record(store, fired("t2", rule="other"))
    assert await store.unsubscribe(LAB.id, NOW)
    for look in await store.claim_looks("w1", NOW, 10):
        assert await store.save_evidence(look, answered(), NOW, None)
    said = {(one.conversation.id, one.state) for one in await all_said(store)}
    assert said == {(LAB.id, NotificationState.PENDING), (GENERAL.id, NotificationState.PENDING)}
    assert len(await store.dead_letters()) == 0


async def test_its_clusters_are_split_and_stay_there(store: Store) -> None:
    await a_lab(store)
    elsewhere = CLUSTER.replace("Weu", "Neu").lower()
    everybodys = await record(store, fired("e", cluster=elsewhere))
    alone = await record(store, fired("t1", cluster=""), only=LAB.id)
    looks = {look.incident_key: look for look in await store.claim_looks("w1", NOW, 10)}
    assert alone.incident is not None
    look = looks[alone.incident.key]
    key = fired("t1", cluster="").alert.key
    keys = await store.split(look, key, [CLUSTER.lower(), elsewhere], NOW)
    assert len(keys) == 2
    assert everybodys.incident is not None
    assert everybodys.incident.key not in keys
    assert await store.split(look, key, [CLUSTER.lower(), elsewhere], NOW) == keys
    assert await numbers(store, LAB.id) == (2, [3, 2])
    assert await numbers(store, GENERAL.id) == (1, [1])
    again = await record(store, fired("t5", cluster=elsewhere), only=LAB.id)
    assert again.why is Why.JOINED
    assert again.incident is not None
    assert again.incident.key == keys[1]


async def test_an_incident_may_be_for_one_more_conversation(store: Store) -> None:
    await a_lab(store)
    raised = await record(store, fired("t1", cluster=""), also=LAB.id)
    assert await where_of(store, raised) == {GENERAL.id, LAB.id}
    repeated = await record(store, fired("t1", cluster=""), also=LAB.id)
    assert repeated.repeated
    joined = await record(store, fired("t2", cluster=""), also=OPS.id)
    assert joined.why is Why.JOINED
    assert await where_of(store, joined) == {GENERAL.id, LAB.id, OPS.id}
    look = await the_look(store)
    key = fired("t2", cluster="").alert.key
    keys = await store.split(look, key, [CLUSTER.lower(), f"{CLUSTER.lower()}2"], NOW)
    dossier = await store.dossier(keys[1])
    assert dossier is not None
    assert dossier.conversations == {GENERAL.id, LAB.id}


async def test_one_that_is_subscribed_already_gets_one_card(store: Store) -> None:
    await a_lab(store)
    raised = await record(store, fired("t1"), also=GENERAL.id)
    assert await where_of(store, raised) == {GENERAL.id}
    await look_taken(store)
    assert len(await all_said(store)) == 1
    await deliver(store, resolved("t1", at=NOW + A_MINUTE))
    assert await numbers(store, GENERAL.id) == (0, [])

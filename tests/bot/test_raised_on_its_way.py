"""A raised incident goes the way of every other: look, clusters, cards, acknowledgement, end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.filter import Window
from audit.incident import State
from bot.catch_up import CatchUp
from bot.counting import Counting
from bot.ports import Answered, Dossier, Kept, Put
from bot.raising import Raising
from bot.store.store import open_store
from tests.audit.bodies import SUBSCRIPTION
from tests.bot.desk import ZOE, Desk
from tests.bot.stage import END, GENERAL, OPS, PROD, START, a_row
from tests.bot.test_catch_up import FakeAzure
from tests.cards.checks import lines
from tests.fakes import NOW

WEU = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/weu".lower()
NEU = WEU.replace("weu", "neu")
KEPT = Kept(
    put=Put(key="0f" * 16, line="audits coredns last 1h", asked_at=NOW, by=ZOE, conversation_id=GENERAL.id),
    answer=Answered(window=Window(start=START, end=END), events=1),
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_store(f"sqlite:///{tmp_path}/bot.db") as store:
        for where in (GENERAL, OPS):
            await store.remember(where, NOW)
        await store.subscribe(OPS.id, NOW)
        made = Desk(store=store)
        made.holds(a_row(), clusters=[NEU, WEU])
        yield made


def raising(desk: Desk) -> Raising:
    counting = Counting(log=desk.log, workspaces=[PROD], clock=desk.clock)
    return Raising(store=desk.store, counting=counting, clock=desk.clock)


async def dossier(desk: Desk, number: int) -> Dossier | None:
    key = await desk.store.key_of(number)
    return await desk.store.dossier(key) if key else None


async def known(desk: Desk, number: int) -> Dossier:
    found = await dossier(desk, number)
    assert found is not None
    return found


async def test_its_first_card_says_what_was_found_and_who_raised_it(desk: Desk) -> None:
    await raising(desk).raised(KEPT, ZOE, GENERAL)
    await desk.look()
    said = lines(dict(desk.notifier.message(await known(desk, 1)).card))
    assert "alice@contoso.com" in " ".join(said[:2])
    assert "Raised by Zoe Zed in General." in said


async def test_what_two_clusters_did_is_an_incident_for_each_where_it_was_raised_too(desk: Desk) -> None:
    await raising(desk).raised(KEPT, ZOE, GENERAL)
    await desk.look()
    both = [await known(desk, number) for number in (1, 2)]
    assert [one.cluster for one in both] == [NEU, WEU]
    assert [one.conversations for one in both] == [{GENERAL.id, OPS.id}] * 2


async def test_its_end_is_that_of_every_cluster(desk: Desk) -> None:
    await raising(desk).raised(KEPT, ZOE, GENERAL)
    await desk.look()
    desk.clock.pass_time(days=1)
    await raising(desk).end_what_is_over()
    assert [(await known(desk, number)).incident.state for number in (1, 2)] == [State.RESOLVED] * 2
    assert await raising(desk).end_what_is_over() is None


async def test_a_test_is_one_incident_whatever_clusters_there_are(desk: Desk) -> None:
    await raising(desk).test(ZOE, GENERAL)
    await desk.look()
    assert await dossier(desk, 2) is None
    assert (await known(desk, 1)).conversations == {GENERAL.id}


async def test_acknowledged_it_is_asked_what_went_on_since(desk: Desk) -> None:
    await raising(desk).raised(KEPT, ZOE, GENERAL)
    await desk.look()
    found = await known(desk, 1)
    await desk.store.acknowledge(found.incident.key, ZOE, desk.clock.now())
    desk.clock.pass_time(minutes=1)
    for look in await desk.store.claim_looks("w1", desk.clock.now(), 10):
        await desk.notifier.look(look)
    assert (await known(desk, 1)).evidence.since is not None


async def test_the_trail_does_not_speak_of_a_webhook(desk: Desk) -> None:
    await raising(desk).test(ZOE, GENERAL)
    assert [str(step.step) for step in await desk.store.trail(1)][:1] == ["made"]


async def test_that_azure_does_not_know_it_changes_nothing(desk: Desk) -> None:
    await raising(desk).raised(KEPT, ZOE, GENERAL)
    azure = FakeAzure()
    catch_up = CatchUp(
        azure={SUBSCRIPTION: azure},
        incidents=desk.store,
        workspaces=[PROD],
        clock=desk.clock,
        wake=lambda: None,
    )
    desk.clock.pass_time(hours=1)
    await catch_up.run()
    assert azure.asked
    assert (await known(desk, 1)).incident.state is State.FIRED
    assert await dossier(desk, 2) is None

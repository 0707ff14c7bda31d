"""Alerts of our own end by themselves, a while after their last firing."""

from __future__ import annotations

from datetime import datetime, timedelta

from audit.alert import Alert, parse_alert
from audit.asked_alert import AskedAlert, fired_body, resolved_body
from audit.filter import Window
from audit.incident import State, Why
from audit.origin import Origin, own_alert_id, workspace_target
from bot.ports import Recorded, Store
from tests.contracts.steps import fired
from tests.fakes import NOW

A_DAY = timedelta(days=1)


def body(name: str = "1", at: datetime = NOW) -> bytes:
    return fired_body(
        AskedAlert(
            alert_id=own_alert_id(Origin.WATCH, name, "ws"),
            rule="Watch",
            description="",
            severity="Sev3",
            kql="AKSAudit",
            window=Window(start=at - timedelta(minutes=5), end=at),
            targets=(workspace_target("ws", "prod"),),
            fired_at=at,
            ends_at=at + A_DAY,
        )
    )


async def fire(store: Store, name: str = "1", at: datetime = NOW) -> Recorded:
    told = body(name, at)
    return await store.record(parse_alert(told), told, at)


async def end(store: Store, alert: Alert, at: datetime) -> Recorded:
    told = resolved_body(alert, at)
    return await store.record(parse_alert(told), told, at)


async def test_nothing_ends_where_nothing_is_ours(store: Store) -> None:
    azures = fired()
    await store.record(azures.alert, azures.body, NOW)
    assert await store.ending(NOW + 100 * A_DAY) == ([], None)


async def test_an_alert_is_over_when_its_time_has_come_and_not_before(store: Store) -> None:
    await fire(store)
    assert await store.ending(NOW + A_DAY - timedelta(seconds=1)) == ([], NOW + A_DAY)
    over, next_at = await store.ending(NOW + A_DAY)
    assert ([alert.alert_id for alert in over], next_at) == ([own_alert_id(Origin.WATCH, "1", "ws")], None)


async def test_a_further_firing_puts_the_end_off(store: Store) -> None:
    first = await fire(store)
    second = await fire(store, at=NOW + timedelta(hours=3))
    assert first.incident is not None
    assert second.incident is not None
    assert (second.why, second.incident.number) == (Why.JOINED, first.incident.number)
    assert await store.ending(NOW + A_DAY) == ([], NOW + A_DAY + timedelta(hours=3))


async def test_its_end_resolves_the_incident_and_is_not_due_again(store: Store) -> None:
    await fire(store)
    await fire(store, at=NOW + timedelta(hours=3))
    later = NOW + 2 * A_DAY
    over, _ = await store.ending(later)
    recorded = await end(store, over[0], later)
    assert recorded.incident is not None
    assert (recorded.why, recorded.incident.state) == (Why.RESOLVED, State.RESOLVED)
    assert await store.ending(later) == ([], None)


async def test_what_fires_after_its_end_is_a_new_incident(store: Store) -> None:
    first = await fire(store)
    over, _ = await store.ending(NOW + A_DAY)
    await end(store, over[0], NOW + A_DAY)
    second = await fire(store, at=NOW + A_DAY + timedelta(minutes=5))
    assert second.why is Why.OPENED
    assert first.incident is not None
    assert second.incident is not None
    assert second.incident.number == first.incident.number + 1


async def test_each_alert_has_its_own_end(store: Store) -> None:
    await fire(store, "1")
    await fire(store, "2", NOW + timedelta(hours=1))
    over, next_at = await store.ending(NOW + A_DAY)
    assert len(over) == 1
    assert next_at == NOW + A_DAY + timedelta(hours=1)

"""Alerts as Azure writes them, and the steps that most contract tests begin with."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from audit.alert import Alert, parse_alert
from audit.evidence import Evidence
from audit.incident import Incident, Person
from bot.ports import Look, Notification, Recorded, Store
from tests.fakes import NOW, a_conversation

ALICE = Person(id="0a8f7b0e-2f57-4c0e-9f8e-3f3f6b1d2c3a", name="Alice")
BOB = Person(id="9b1c2d3e-4f5a-4b6c-8d7e-1f2a3b4c5d6e", name="Bob")
GENERAL = a_conversation()
OPS = a_conversation(id="19:ops@thread.tacv2", name="Ops")
CLUSTER = (
    "/subscriptions/3c1d9d5a-6c1f-4a57-9d5c-0b1e2f3a4b5c/resourceGroups/rg-Prod"
    "/providers/Microsoft.ContainerService/managedClusters/Prod-Weu"
)
A_MINUTE = timedelta(minutes=1)
#: A lease that a test can wait out: leases go by the database's clock, which nothing moves.
SHORT = timedelta(seconds=0.15)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A webhook's body and what it says."""

    alert: Alert
    body: bytes


def fired(
    alert: str = "a1",
    *,
    rule: str = "CoreDNS changed",
    at: datetime = NOW,
    cluster: str = CLUSTER,
    description: str = "",
) -> Delivery:
    return _delivery(
        alert,
        rule,
        cluster,
        {"monitorCondition": "Fired", "firedDateTime": _z(at), "description": description},
    )


def resolved(
    alert: str = "a1",
    *,
    rule: str = "CoreDNS changed",
    fired_at: datetime = NOW,
    at: datetime = NOW + A_MINUTE,
    cluster: str = CLUSTER,
) -> Delivery:
    times = {"firedDateTime": _z(fired_at), "resolvedDateTime": _z(at)}
    return _delivery(alert, rule, cluster, {"monitorCondition": "Resolved", **times})


def _z(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _delivery(alert: str, rule: str, cluster: str, told: dict[str, str]) -> Delivery:
    essentials = {
        "alertId": f"/subscriptions/x/providers/Microsoft.AlertsManagement/alerts/{alert}",
        "alertRule": rule,
        "severity": "Sev2",
        "signalType": "Log",
        "monitoringService": "Log Alerts V2",
        "alertTargetIDs": [cluster],
        "configurationItems": [],
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
        **told,
    }
    document = {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": {}},
    }
    body = json.dumps(document).encode()
    return Delivery(alert=parse_alert(body), body=body)


async def deliver(store: Store, delivery: Delivery, now: datetime = NOW) -> Recorded:
    return await store.record(delivery.alert, delivery.body, now)


async def an_incident(store: Store, delivery: Delivery | None = None, now: datetime = NOW) -> Incident:
    incident = (await deliver(store, delivery or fired(), now)).incident
    assert incident is not None
    return incident


async def newest(store: Store, incident: Incident) -> Incident:
    dossier = await store.dossier(incident.key)
    assert dossier is not None
    return dossier.incident


async def a_subscription(store: Store) -> None:
    await store.remember(GENERAL, NOW)
    assert await store.subscribe(GENERAL.id, NOW)


async def the_look(store: Store, now: datetime = NOW, owner: str = "w1") -> Look:
    (look,) = await store.claim_looks(owner, now, 10)
    return look


async def the_notification(store: Store, now: datetime = NOW, owner: str = "w1") -> Notification:
    (notification,) = await store.claim_notifications(owner, now, 10)
    return notification


def answered(now: datetime = NOW, *, returned: int = 4) -> Evidence:
    return Evidence(asked_at=now, workspace="prod", returned=returned, read=returned)


async def look_taken(store: Store, now: datetime = NOW, *, returned: int = 4) -> None:
    """Answer the due look for good."""
    assert await store.save_evidence(await the_look(store, now), answered(now, returned=returned), now, None)


async def a_posted_card(store: Store, now: datetime = NOW) -> Incident:
    """An incident whose card stands in the one subscribed conversation."""
    await a_subscription(store)
    incident = await an_incident(store, now=now)
    await look_taken(store, now)
    shown = (await newest(store, incident)).version
    assert await store.posted(await the_notification(store, now), "activity-1", shown, now)
    return await newest(store, incident)


async def lease_over() -> None:
    """Wait until leases of SHORT have ended."""
    await asyncio.sleep(2 * SHORT.total_seconds())


async def all_said(store: Store, now: datetime = NOW, owner: str = "w1") -> list[Notification]:
    """Say everything that is due, one after the other in each conversation, in the newest version."""
    said: list[Notification] = []
    while turn := await store.claim_notifications(owner, now, 50):
        for notification in turn:
            assert await store.posted(notification, f"activity-{notification.id}", 1000, now)
        said += turn
    return said

"""A workspace with rows in it, an alert about them, and what the tests of the bot's parts begin with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.alert import Alert, parse_alert
from audit.event import AuditEvent, parse_event
from audit.evidence import Evidence
from audit.filter import Window
from audit.grouping import group
from audit.incident import Incident
from bot.inquiry import Inquiry
from bot.ports import Dossier, Query, Store, Workspace
from tests.audit.bodies import CLUSTER, SUBSCRIPTION, a_body
from tests.bot.workspace import Row, holding
from tests.contracts.steps import Delivery
from tests.fakes import NOW, FakeAuditLog, FakeClock, a_conversation

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
END = datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
FIRED = datetime(2026, 3, 4, 9, 38, 24, 452365, tzinfo=UTC)
ALICE = "alice@contoso.com"
BOB = "bob@contoso.com"
PLATFORM = "aksService"
GENERAL = a_conversation()
OPS = a_conversation(id="19:ops@thread.tacv2", name="Ops")
PROD = Workspace(name="prod", id="0c0c0c0c-0000-4000-8000-000000000001", holds=(SUBSCRIPTION,))
TEST = Workspace(name="test", id="0c0c0c0c-0000-4000-8000-000000000002", holds=("/subscriptions/other",))


def delivery(
    *,
    alert_id: str = "",
    context: Mapping[str, Any] | None = None,
    criteria: int = 1,
    unsplit: bool = False,
    **essentials: object,
) -> Delivery:
    """The sample's alert, with other essentials, another window, the same criterion several times, or no dimension."""
    body = a_body()
    data = body["data"]
    data["essentials"] |= essentials | ({"alertId": alert_id} if alert_id else {})
    condition = data["alertContext"]["condition"]
    if unsplit:
        condition["allOf"][0]["dimensions"] = []
    condition["allOf"] *= criteria
    condition |= context or {}
    raw = json.dumps(body).encode()
    return Delivery(alert=parse_alert(raw), body=raw)


def an_alert(**changes: Any) -> Alert:
    return delivery(**changes).alert


def window(start: datetime, end: datetime) -> dict[str, str]:
    """The part of an alert's condition that states its window."""
    return {"windowStartTime": _z(start), "windowEndTime": _z(end)}


def _z(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def a_row(audit_id: str = "a-1", at: datetime = START, user: str = ALICE, **event: Any) -> Row:
    """A row of AzureDiagnostics."""
    told = {
        "kind": "Event",
        "auditID": audit_id,
        "stage": "ResponseComplete",
        "verb": "patch",
        "requestURI": "/api/v1/namespaces/kube-system/configmaps/coredns-custom",
        "user": {"username": user},
        "objectRef": {"resource": "configmaps", "namespace": "kube-system", "name": "coredns-custom"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": _z(at),
        **event,
    }
    return {"TimeGenerated": _z(at), "_ResourceId": CLUSTER, "log_s": json.dumps(told)}


async def an_incident(store: Store, told: Delivery | None = None, now: datetime = NOW) -> Incident:
    told = told or delivery()
    incident = (await store.record(told.alert, told.body, now)).incident
    assert incident is not None
    return incident


async def dossier_of(store: Store, incident: Incident) -> Dossier:
    dossier = await store.dossier(incident.key)
    assert dossier is not None
    return dossier


def at(minutes: float) -> datetime:
    """So long after the window's end."""
    return END + timedelta(minutes=minutes)


GARBAGE_ROW: Row = {"TimeGenerated": "2026-03-04T09:33:00Z", "log_s": "E0304 09:33:00 nothing to read"}
FOREIGN_ROW: Row = {"TimeGenerated": "2026-03-04T09:33:00Z", "Message": "GET /healthz"}


def an_inquiry(log: FakeAuditLog, *workspaces: Workspace, now: datetime = NOW) -> Inquiry:
    return Inquiry(log=log, workspaces=workspaces or (PROD,), clock=FakeClock(now))


def asked_for(query: Query) -> Window:
    """The window that the query itself states."""
    stated = next(line for line in query.kql.splitlines() if line.startswith("| where TimeGenerated between"))
    start, end = (part.strip("() ") for part in stated.partition("between ")[2].split(".. "))
    moments = (part.removeprefix("datetime(").removesuffix("Z") for part in (start, end))
    first, last = (datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in moments)
    return Window(start=first, end=last)


async def behind(log: FakeAuditLog, alert: Alert | None = None, now: datetime = NOW) -> Evidence:
    return await an_inquiry(log, now=now).behind(alert or an_alert())


def about(*targets: str) -> Alert:
    return replace(an_alert(), targets=targets)


async def behind_rows(*rows: Row, total: object = None) -> Evidence:
    return await behind(FakeAuditLog(answering=holding(rows, total)))


EVENT = parse_event(a_row())
assert isinstance(EVENT, AuditEvent)
#: What a look at the window found: one event by Alice.
KNOWN = Evidence(
    asked_at=NOW,
    window=Window(start=START, end=END),
    workspace=PROD.name,
    returned=1,
    read=1,
    events=1,
    by_people=1,
    groups=group([EVENT]),
)

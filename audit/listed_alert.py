"""One item of Azure Monitor's own list of alerts, told as the webhook would have told it.

https://learn.microsoft.com/rest/api/monitor/alertsmanagement/alerts/get-all

The list cannot tell everything: the webhook's `firedDateTime` may differ from `startDateTime` by moments,
`configurationItems` is missing, and of a resolved alert the context may be that of its end. Where that shows, the
window is left out rather than guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from audit.alert import resource_name
from audit.untyped import at, items, mapping, moment, text, written

#: Azure's own limit for an alert: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
MAX_BODY = 256 * 1024
_ALERTS = "/providers/microsoft.alertsmanagement/alerts/"
_SUBSCRIPTION = "/subscriptions/"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What the list says of one alert; the bodies are ones that audit.alert.parse_alert reads."""

    #: As the webhook writes it: by subscription, without the resource.
    alert_id: str
    started_at: datetime
    #: When the alert changed last: it fired, was resolved, or somebody closed it in the portal.
    changed_at: datetime
    #: An alert processing rule keeps its actions back: no webhook was to be called.
    is_suppressed: bool
    #: Its Fired, and its Resolved; None while it fires.
    fired: bytes
    resolved: bytes | None = None


def read_listed(item: object) -> Listed | None:
    """Read one element of the list's `value`; None for what names no alert, no rule or no time. Raises nothing."""
    properties = mapping(at(item, "properties"))
    essentials = mapping(properties.get("essentials"))
    alert_id, rule = _alert_id(text(at(item, "id"))), _rule(text(at(item, "name")), essentials)
    started_at = moment(essentials.get("startDateTime"))
    if not alert_id or not rule or started_at is None:
        return None
    common = _common(alert_id, rule, essentials)
    context, custom = _context(properties)
    is_over = text(essentials.get("monitorCondition")).strip().lower() == "resolved"
    return Listed(
        alert_id=alert_id,
        started_at=started_at,
        changed_at=moment(essentials.get("lastModifiedDateTime")) or started_at,
        is_suppressed=at(essentials, "actionStatus", "isSuppressed") is True,
        fired=_body({**common, "monitorCondition": "Fired"}, _of_the_firing(context, started_at), custom),
        resolved=_body(
            {
                **common,
                "monitorCondition": "Resolved",
                "resolvedDateTime": _resolved_at(essentials, started_at),
            },
            _of_the_end(context),
            custom,
        )
        if is_over
        else None,
    )


def _alert_id(listed: str) -> str:
    """Return the id without the resource that the list writes between subscription and alert; "" for no alert's id."""
    path, found, name = listed.rpartition("/")
    if not found or not name or not f"{path}/".lower().endswith(_ALERTS):
        return ""
    if not listed.lower().startswith(_SUBSCRIPTION):
        return listed
    return f"{_SUBSCRIPTION}{listed.split('/')[2]}/providers/Microsoft.AlertsManagement/alerts/{name}"


def _rule(name: str, essentials: Mapping[str, Any]) -> str:
    """Return the rule's name: the item's own is as people wrote it, the rule's resource id often in small letters."""
    rule = text(essentials.get("alertRule")).strip()
    is_id = rule.lower().startswith(_SUBSCRIPTION)
    return name.strip() or (resource_name(rule) if is_id else rule)


def _common(alert_id: str, rule: str, essentials: Mapping[str, Any]) -> dict[str, Any]:
    target = text(essentials.get("targetResource")).strip()
    return {
        "alertId": alert_id,
        "alertRule": rule,
        "severity": written(essentials.get("severity")),
        "signalType": text(essentials.get("signalType")),
        "monitoringService": _service(text(essentials.get("monitorService"))),
        "alertTargetIDs": [target] if target else [],
        "originAlertId": text(essentials.get("sourceCreatedId")),
        "firedDateTime": essentials["startDateTime"],
        "description": text(essentials.get("description")),
    }


def _service(listed: str) -> str:
    """Return the service as the webhook writes it: "ActivityLog Policy" is "Activity Log - Policy" there."""
    head, _, category = listed.partition(" ")
    return f"Activity Log - {category}" if head == "ActivityLog" and category else listed


def _context(properties: Mapping[str, Any]) -> tuple[Mapping[str, Any], object]:
    """Return the alert's context and its custom properties.

    Log Alerts V1 have theirs at `context`; the others' is what their webhook has without the common schema, whose
    own `context` is what the common schema calls so, and an activity log alert's lies one deeper still.
    """
    outer = mapping(properties.get("context"))
    inner = mapping(outer.get("context"))
    context = mapping(inner.get("activityLog")) or inner or outer
    return context, properties.get("customProperties") or (outer.get("properties") if inner else None)


def _of_the_firing(context: Mapping[str, Any], started_at: datetime) -> Mapping[str, Any]:
    """Leave out a window that ends after the alert fired: it is that of a later evaluation."""
    condition = mapping(context.get("condition"))
    ended_at = moment(condition.get("windowEndTime"))
    if ended_at is None or ended_at <= started_at:
        return context
    kept = {
        name: value for name, value in condition.items() if name not in {"windowStartTime", "windowEndTime"}
    }
    return {**context, "condition": kept}


def _of_the_end(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what was measured, as Azure does: what ended a log alert is time."""
    condition = mapping(context.get("condition"))
    if not condition:
        return context
    criteria = [
        {**element, "metricValue": None} if isinstance(element, Mapping) else element
        for element in items(condition.get("allOf"))
    ]
    return {**context, "condition": {**condition, "allOf": criteria}}


def _resolved_at(essentials: Mapping[str, Any], started_at: datetime) -> object:
    """Return when it was resolved as the list writes it, else when the alert changed last."""
    for name in ("monitorConditionResolvedDateTime", "lastModifiedDateTime"):
        told = moment(essentials.get(name))
        # Not before the firing: that would be the end of an earlier one.
        if told is not None and told >= started_at:
            return essentials[name]
    return essentials["startDateTime"]


def _body(essentials: Mapping[str, Any], context: Mapping[str, Any], custom: object) -> bytes:
    """Write the body; without context and custom properties where those cannot be kept."""
    try:
        body = _written(essentials, context, custom)
    except TypeError:  # nested deeper than orjson writes
        body = b""
    return body if 0 < len(body) <= MAX_BODY else _written(essentials, {}, None)


def _written(essentials: Mapping[str, Any], context: Mapping[str, Any], custom: object) -> bytes:
    data = {"essentials": essentials, "alertContext": context, "customProperties": custom}
    return orjson.dumps({"schemaId": "azureMonitorCommonAlertSchema", "data": data})

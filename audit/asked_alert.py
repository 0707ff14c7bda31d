"""A question as an alert: what it found is worked on like anything that Azure told of.

The body is one of the common alert schema, as a Log Alerts V2 rule sends it, so that audit.alert.parse_alert reads it
again whenever it is needed: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from audit.alert import Alert, Condition
from audit.filter import Window
from audit.untyped import shorten

#: Characters of a rule's name; Azure's own limit is 260.
MAX_RULE = 120
MAX_DESCRIPTION = 400


@dataclass(frozen=True, kw_only=True)
class AskedAlert:
    """What an alert of ours says. Every string but the ids is hostile text."""

    #: See audit.origin.own_alert_id.
    alert_id: str
    rule: str
    #: One sentence: who made it, and where.
    description: str
    severity: str
    #: As an alert rule has it: without a window.
    kql: str
    window: Window
    #: The cluster, where it is about one; then the workspace, see audit.origin.workspace_target.
    targets: tuple[str, ...]
    fired_at: datetime
    #: When it is over if nothing more comes: nobody else says so.
    ends_at: datetime


def fired_body(asked: AskedAlert) -> bytes:
    """Return the alert as a webhook body."""
    essentials = {
        "alertId": asked.alert_id,
        "alertRule": shorten(asked.rule, MAX_RULE),
        "severity": asked.severity,
        "signalType": "Log",
        "monitorCondition": Condition.FIRED.value,
        "monitoringService": "Log Alerts V2",
        "alertTargetIDs": list(asked.targets),
        "firedDateTime": asked.fired_at.isoformat(),
        "endsDateTime": asked.ends_at.isoformat(),
        "description": shorten(asked.description, MAX_DESCRIPTION),
    }
    condition = {
        "allOf": [{"searchQuery": asked.kql}],
        "windowStartTime": asked.window.start.isoformat(),
        "windowEndTime": asked.window.end.isoformat(),
    }
    return _body(essentials, {"conditionType": "LogQueryCriteria", "condition": condition})


def resolved_body(alert: Alert, at: datetime) -> bytes:
    """Return the end of an alert of ours as a webhook body."""
    essentials = {
        "alertId": alert.alert_id,
        "alertRule": alert.rule,
        "severity": alert.severity,
        "signalType": "Log",
        "monitorCondition": Condition.RESOLVED.value,
        "monitoringService": alert.service,
        "alertTargetIDs": list(alert.targets),
        "firedDateTime": (alert.fired_at or at).isoformat(),
        "resolvedDateTime": at.isoformat(),
        "endsDateTime": (alert.ends_at or at).isoformat(),
        "description": alert.description,
    }
    return _body(essentials, {})


def _body(essentials: Mapping[str, Any], context: Mapping[str, Any]) -> bytes:
    data = {"essentials": essentials, "alertContext": context}
    return _encoded({"schemaId": "azureMonitorCommonAlertSchema", "data": data})


def _encoded(document: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:
        # A name may hold a lone surrogate, which is no Unicode.
        return orjson.dumps(_encodable(document))


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {name: _encodable(each) for name, each in value.items()}
        case list():
            return [_encodable(each) for each in value]
        case _:
            return value

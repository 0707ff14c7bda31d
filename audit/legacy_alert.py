"""Alerts from before the common schema, put into its shape, so that one reader reads them all.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-log-webhook
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-metric-near-real-time
https://learn.microsoft.com/azure/azure-monitor/alerts/activity-log-alerts-webhook
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from audit.untyped import at, mapping, text, written


def in_common_form(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what the common schema's `data` would be, or None for what is none of the legacy kinds.

    These kinds have no id of the alert itself: `alertId` is made of what identifies it, and is "" where
    there is nothing of the kind. Fired and Resolved of one metric alert have the same.
    """
    data = mapping(body.get("data"))
    match body.get("schemaId"):
        case None if "AlertRuleName" in body:
            return _log(body, "Log Analytics")
        case "Microsoft.Insights/LogAlert":
            return _log(data, "Application Insights")
        case "AzureMonitorMetricAlert":
            return _metric(data)
        case "Microsoft.Insights/activityLogs":
            return _activity(data)
    return None


def _log(context: Mapping[str, Any], service: str) -> Mapping[str, Any]:
    """A log alert V1: it tells the interval that was searched, but not when it fired; it is never resolved."""
    subscription = text(context.get("SubscriptionId"))
    identity = (
        context.get("AlertRuleName"),
        context.get("WorkspaceId") or context.get("ApplicationId"),
        context.get("SearchIntervalStartTimeUtc"),
        context.get("SearchIntervalEndtimeUtc"),
        context.get("Dimensions"),
    )
    return {
        "essentials": {
            "alertId": _id(subscription, *identity),
            "alertRule": context.get("AlertRuleName"),
            "severity": context.get("Severity"),
            "monitorCondition": "Fired",
            "monitoringService": service,
            "description": context.get("Description"),
        },
        "alertContext": context,
    }


def _metric(data: Mapping[str, Any]) -> Mapping[str, Any]:
    context = mapping(data.get("context"))
    resolved = data.get("status") == "Deactivated"
    dimensions = at(context, "condition", "allOf", "0", "dimensions")
    return {
        "essentials": {
            "alertId": _id(
                text(context.get("subscriptionId")), context.get("id"), context.get("resourceId"), dimensions
            ),
            "alertRule": context.get("name"),
            "severity": context.get("severity"),
            "monitorCondition": "Resolved" if resolved else "Fired",
            "monitoringService": "Platform",
            "alertTargetIDs": [context.get("resourceId")],
            "resolvedDateTime" if resolved else "firedDateTime": context.get("timestamp"),
            "description": context.get("description"),
        },
        "alertContext": context,
        "customProperties": data.get("properties"),
    }


def _activity(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """An activity log alert: it does not say which rule fired, so its kind stands for the rule."""
    activity = mapping(at(data, "context", "activityLog"))
    source = text(activity.get("eventSource")) or "Administrative"
    identity = ("eventDataId", "correlationId", "operationName", "status", "eventTimestamp", "resourceId")
    return {
        "essentials": {
            "alertId": _id(text(activity.get("subscriptionId")), *map(activity.get, identity)),
            "monitorCondition": "Resolved" if data.get("status") == "Deactivated" else "Fired",
            "monitoringService": source if source == "ServiceHealth" else f"Activity Log - {source}",
            "alertTargetIDs": [activity.get("resourceId") or at(activity, "authorization", "scope")],
            "firedDateTime": activity.get("eventTimestamp") or activity.get("submissionTimestamp"),
            "description": activity.get("description"),
        },
        "alertContext": activity,
        "customProperties": data.get("properties"),
    }


def _id(subscription: str, *identity: object) -> str:
    parts = [written(part) for part in identity]
    if not any(parts):
        return ""
    digest = hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]
    return f"legacy:/subscriptions/{subscription}/{digest}"

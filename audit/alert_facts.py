"""What else an alert of each kind reliably says: a few names and values in reading order.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.untyped import at, items, mapping, text, written

Facts = tuple[tuple[str, str], ...]

#: A rule on several metrics says more than anyone reads on a card.
MAX_METRICS = 3
MAX_FACT = 500

_METRIC = (
    ("Metric", "metricName"),
    ("Web test", "webTestName"),
    ("Aggregation", "timeAggregation"),
    ("Operator", "operator"),
    ("Threshold", "threshold"),
    ("Value", "metricValue"),
)
_PROMETHEUS = (("Expression", "expression"), ("Value", "expressionValue"), ("For", "for"))
_ACTIVITY = (
    ("Title", "properties.title"),
    ("Operation", "operationName"),
    ("Caller", "caller"),
    ("Status", "status"),
    ("Sub-status", "subStatus"),
    ("Health", "properties.currentHealthStatus"),
    ("Cause", "properties.cause"),
)
_SERVICE_HEALTH = (
    ("Title", "properties.title"),
    ("Service", "properties.service"),
    ("Region", "properties.region"),
    ("Stage", "properties.stage"),
    ("Type", "properties.incidentType"),
    ("Tracking id", "properties.trackingId"),
)
# A body from before the common schema has "Severity" in words of its own.
_LOG_V1 = (("Alert type", "AlertType"), ("Severity", "SeverityDescription"), ("Severity", "Severity"))
_OTHER = (
    ("Budget", "AlertData.BudgetName"),
    ("Threshold", "AlertData.NotificationThresholdAmount"),
    ("Spent", "AlertData.SpentAmount"),
    ("Summary", "DetectionSummary"),
    ("Detected", "DetectedValue"),
    ("Normal", "NormalValue"),
)


def metric_facts(context: Mapping[str, Any]) -> Facts:
    """Return metric, operator, threshold, value and dimensions of each criterion; or Prometheus' expression."""
    found: list[tuple[str, str]] = []
    for criterion in items(at(context, "condition", "allOf"))[:MAX_METRICS]:
        found += _read(mapping(criterion), _METRIC)
        found += _dimensions(mapping(criterion).get("dimensions"))
    return (*found, *_read(context, _PROMETHEUS))


def activity_facts(context: Mapping[str, Any]) -> Facts:
    """Return who did what with which outcome; for Resource Health, which has the same shape, what is wrong."""
    return tuple(_read(context, _ACTIVITY))


def service_health_facts(context: Mapping[str, Any]) -> Facts:
    """Return title, service, region and stage of an incident at Azure."""
    return tuple(_read(context, _SERVICE_HEALTH))


def log_v1_facts(context: Mapping[str, Any]) -> Facts:
    """Return what sort of log alert V1 it is."""
    return tuple(_read(context, _LOG_V1))


def other_facts(context: Mapping[str, Any]) -> Facts:
    """Return what budget and smart detection alerts say."""
    return tuple(_read(context, _OTHER))


def _read(source: Mapping[str, Any], wanted: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    for name, path in wanted:
        if value := _scalar(at(source, *path.split("."))):
            yield name, value


def _dimensions(value: object) -> Iterator[tuple[str, str]]:
    for dimension in items(value)[:MAX_METRICS]:
        name, of = text(at(dimension, "name"), MAX_FACT), _scalar(at(dimension, "value"))
        if name and of:
            yield name, of


def _scalar(value: object) -> str:
    return "" if isinstance(value, Mapping | list) else written(value, MAX_FACT)

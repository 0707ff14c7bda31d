"""One notification as Azure Monitor sent it, told in the words we need.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

import orjson

from audit.alert_facts import (
    activity_facts,
    log_v1_facts,
    metric_facts,
    other_facts,
    service_health_facts,
)
from audit.filter import Window
from audit.legacy_alert import in_common_form
from audit.log_alert import (
    Content,
    Criterion,
    Dimension,
    ResultTable,
    content_other,
    content_v1,
    content_v2,
    is_log_v1,
    is_log_v2,
    is_resource_id,
)
from audit.origin import Origin, origin_of
from audit.untyped import mapping, moment, text, texts, written

__all__ = [
    "Alert",
    "AlertKind",
    "Condition",
    "Criterion",
    "Dimension",
    "InvalidAlert",
    "ResultTable",
    "parse_alert",
    "resource_name",
]

MAX_TARGETS = 100
MAX_PROPERTIES = 50

#: The subscription that the portal's "Test action group" button names; no real one has this id.
_TEST_SUBSCRIPTION = re.compile(r"/subscriptions/11111111-1111-1111-1111-111111111111(/|$)", re.IGNORECASE)
_COMMON_SCHEMA = "azureMonitorCommonAlertSchema"
_ENABLE_COMMON = "enable the common alert schema for this webhook in its action group"


class Condition(StrEnum):
    """`monitorCondition`; the legacy kinds' words are mapped onto it."""

    FIRED = "Fired"
    RESOLVED = "Resolved"


class AlertKind(StrEnum):
    """What the payload is, and so what can be shown and asked."""

    LOG_V2 = "log alert"
    LOG_V1 = "log alert (V1)"
    METRIC = "metric alert"
    ACTIVITY_LOG = "activity log alert"
    SERVICE_HEALTH = "service health alert"
    OTHER = "alert"


class InvalidAlert(ValueError):
    """The body is not an alert that can be read. `reason` is one sentence for whoever sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert, immutable. Every string in it is hostile text."""

    #: What makes two deliveries the same one: a hash over alert id, condition and fired/resolved time.
    key: str
    #: Azure's id of the alert: the same for Fired and Resolved of one stateful alert.
    alert_id: str
    rule: str
    condition: Condition
    kind: AlertKind
    #: `monitoringService`, as sent.
    service: str
    #: "Sev0".."Sev4", or "" where the payload has none.
    severity: str = ""
    description: str = ""
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    #: Resource ids as sent; their case varies.
    targets: tuple[str, ...] = ()
    window: Window | None = None
    criteria: tuple[Criterion, ...] = ()
    results: tuple[ResultTable, ...] = ()
    #: What the alert itself says it counted, where it says so.
    counted: float | None = None
    #: True for what the portal's "Test action group" button posts: nothing behind it to ask for.
    is_test: bool = False
    #: Name and value of what else this kind reliably has, in reading order.
    facts: tuple[tuple[str, str], ...] = ()
    custom_properties: Mapping[str, str]
    #: Azure, or what of ours made it.
    origin: Origin = Origin.AZURE
    #: Of one of ours: when it is over if nothing more comes.
    ends_at: datetime | None = None

    @property
    def cluster_id(self) -> str:
        """The resource id of the cluster that the alert is about, as sent; "" when it names none."""
        return next((t for t in self.targets if "/managedclusters/" in t.lower()), "")

    @property
    def subject(self) -> str:
        """What the alert is about: the cluster, else the first resource that it names; "" for none."""
        return self.cluster_id or next(iter(self.targets), "")


def resource_name(resource_id: str) -> str:
    """Return the last segment of an Azure resource id."""
    return resource_id.rstrip("/").rsplit("/", 1)[-1]


def parse_alert(body: bytes) -> Alert:
    """Read a webhook body: the common alert schema or one of the legacy kinds.

    Raises InvalidAlert, and nothing else, for what is not an alert. A field of a wrong type counts as absent.
    """
    document = _document(body)
    legacy = in_common_form(document)
    data = mapping(document.get("data")) if legacy is None else legacy
    essentials = mapping(data.get("essentials"))
    if legacy is None:
        _check_common(document, essentials)
    elif not essentials.get("alertId"):
        raise InvalidAlert(f"Nothing in the body tells which alert it is; {_ENABLE_COMMON}.")
    return _alert(essentials, mapping(data.get("alertContext")), data.get("customProperties"))


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body)
    except ValueError:
        raise InvalidAlert(_why_not_json(body)) from None
    if not isinstance(document, Mapping):
        raise InvalidAlert("The body is JSON, but not an object; send one alert as Azure Monitor writes it.")
    return document


def _why_not_json(body: bytes) -> str:
    if not body.strip():
        return "The body is empty; send an alert as JSON."
    try:
        body.decode()
    except UnicodeDecodeError:
        return "The body is not UTF-8; send an alert as JSON in UTF-8."
    return "The body is not JSON that can be read; send an alert as Azure Monitor writes it, whole."


def _check_common(document: Mapping[str, Any], essentials: Mapping[str, Any]) -> None:
    if document.get("schemaId") != _COMMON_SCHEMA:
        raise InvalidAlert(f"The body's schemaId is not one of an alert; {_ENABLE_COMMON}.")
    if not essentials:
        raise InvalidAlert("data.essentials is missing; send the alert as Azure Monitor writes it, whole.")
    if not text(essentials.get("alertId")).strip():
        raise InvalidAlert("data.essentials.alertId is missing; send the id of the alert as text.")
    if not _rule(essentials):
        raise InvalidAlert("data.essentials.alertRule is missing; send the name of the rule as text.")
    if moment(essentials.get("firedDateTime")) is None:
        raise InvalidAlert(
            "data.essentials.firedDateTime is missing or not a time; send it as 2026-03-04T09:38:24Z."
        )


def _alert(essentials: Mapping[str, Any], context: Mapping[str, Any], properties: object) -> Alert:
    kind = _kind(text(essentials.get("monitoringService")), context)
    content = _CONTENT.get(kind, content_other)(context)
    condition = _condition(essentials.get("monitorCondition"))
    fired, resolved = moment(essentials.get("firedDateTime")), moment(essentials.get("resolvedDateTime"))
    return Alert(
        key=_key(essentials["alertId"], condition, fired, resolved),
        alert_id=text(essentials["alertId"]),
        rule=_rule(essentials),
        condition=condition,
        kind=kind,
        service=text(essentials.get("monitoringService")),
        severity=_severity(essentials.get("severity")),
        description=text(essentials.get("description")),
        fired_at=fired,
        resolved_at=resolved,
        targets=_targets(essentials, content),
        window=content.window,
        criteria=content.criteria,
        results=content.results,
        counted=content.counted,
        is_test=_TEST_SUBSCRIPTION.search(text(essentials["alertId"])) is not None,
        facts=_FACTS[kind](context) if kind in _FACTS else (),
        custom_properties=_custom_properties(kind, context, properties),
        origin=(origin := origin_of(text(essentials["alertId"]))),
        ends_at=None if origin is Origin.AZURE else moment(essentials.get("endsDateTime")),
    )


def _rule(essentials: Mapping[str, Any]) -> str:
    # A budget alert names no rule: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
    return text(essentials.get("alertRule")).strip() or text(essentials.get("monitoringService")).strip()


def _condition(value: object) -> Condition:
    # What does not say that it is over is shown as going on: the mistake that somebody notices.
    return Condition.RESOLVED if text(value).strip().lower() == "resolved" else Condition.FIRED


def _severity(value: object) -> str:
    found = re.fullmatch(r"(?:sev)?([0-4])", written(value, 16).strip(), re.IGNORECASE | re.ASCII)
    return f"Sev{found[1]}" if found else ""


def _key(alert_id: str, condition: Condition, *times: datetime | None) -> str:
    parts = [alert_id, condition.value, *(time.isoformat() if time else "" for time in times)]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


_KINDS = {
    "logalertsv2": AlertKind.LOG_V2,
    "loganalytics": AlertKind.LOG_V1,
    "applicationinsights": AlertKind.LOG_V1,
    "platform": AlertKind.METRIC,
    "prometheus": AlertKind.METRIC,
    "servicehealth": AlertKind.SERVICE_HEALTH,
    "resourcehealth": AlertKind.ACTIVITY_LOG,
}

_CONTENT = {AlertKind.LOG_V2: content_v2, AlertKind.LOG_V1: content_v1}

_FACTS = {
    AlertKind.LOG_V1: log_v1_facts,
    AlertKind.METRIC: metric_facts,
    AlertKind.ACTIVITY_LOG: activity_facts,
    AlertKind.SERVICE_HEALTH: service_health_facts,
    AlertKind.OTHER: other_facts,
}


def _kind(service: str, context: Mapping[str, Any]) -> AlertKind:
    """What stands in the context decides before the service's name: it is what is read afterwards."""
    if is_log_v2(context):
        return AlertKind.LOG_V2
    if is_log_v1(context):
        return AlertKind.LOG_V1
    name = service.lower().replace(" ", "")
    return AlertKind.ACTIVITY_LOG if name.startswith("activitylog") else _KINDS.get(name, AlertKind.OTHER)


def _targets(essentials: Mapping[str, Any], content: Content) -> tuple[str, ...]:
    dimensions = (dimension for criterion in content.criteria for dimension in criterion.dimensions)
    found = (
        *texts(essentials.get("alertTargetIDs")),
        *filter(is_resource_id, texts(essentials.get("configurationItems"))),
        *content.resource_ids,
        *(d.value for d in dimensions if d.name.lower() in {"resourceid", "_resourceid"} and d.value.strip()),
    )
    return tuple(islice(_distinct(found), MAX_TARGETS))


def _distinct(values: Iterable[str]) -> Iterator[str]:
    """Azure's resource ids are compared without regard to case."""
    seen: set[str] = set()
    for value in values:
        if value.lower() not in seen:
            seen.add(value.lower())
            yield value


def _custom_properties(kind: AlertKind, context: Mapping[str, Any], properties: object) -> dict[str, str]:
    """Both places where a rule's own properties may stand; those at `data` count where they differ."""
    # In these two kinds `alertContext.properties` is the activity's own content, nobody's custom properties.
    ours = kind not in {AlertKind.ACTIVITY_LOG, AlertKind.SERVICE_HEALTH}
    merged = {**(mapping(context.get("properties")) if ours else {}), **mapping(properties)}
    return {text(name): written(value) for name, value in islice(merged.items(), MAX_PROPERTIES)}

"""Bodies of alerts to vary, for the tests of what reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from audit.alert import Alert, parse_alert
from audit.filter import Window
from tests.samples import sample

SUBSCRIPTION = "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001"
CLUSTER = f"{SUBSCRIPTION}/resourcegroups/rg-platform/providers/microsoft.containerservice/managedclusters/aks-prod-weu"

Path = tuple[str | int, ...]


def a_body(name: str = "coredns-changed.json") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(sample(f"alerts/{name}").read_bytes())
    return body


def parse(body: object) -> Alert:
    return parse_alert(json.dumps(body).encode())


def told(window: Window | None) -> str:
    """Write a window as "2026-03-04 09:32:52/09:37:52", with the end's day where it is another."""
    if window is None:
        return ""
    start, end = (str(time.replace(tzinfo=None)).removesuffix("000") for time in (window.start, window.end))
    return f"{start}/{end.removeprefix(start[:11])}"


def common(context: object = None, **essentials: object) -> dict[str, Any]:
    """A body of the common schema with no more than it must have."""
    least = {"alertId": "id-1", "alertRule": "rule-1", "firedDateTime": "2026-03-04T09:38:24Z"}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": least | essentials, "alertContext": context},
    }


def a_criterion(**changes: object) -> dict[str, object]:
    return {
        "condition": {"allOf": [{"searchQuery": "T", "timeAggregation": "Count", "metricValue": 3} | changes]}
    }


def paths(value: object, here: Path = ()) -> Iterator[Path]:
    """Every place inside a JSON value that can be replaced."""
    children: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(value, dict):
        children = iter(value.items())
    elif isinstance(value, list):
        children = iter(enumerate(value))
    for key, child in children:
        yield (*here, key)
        yield from paths(child, (*here, key))


def find(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def put(value: Any, path: Path, new: object) -> None:
    find(value, path[:-1])[path[-1]] = new

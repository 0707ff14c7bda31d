"""Teams' chart elements: the public schema of cards does not know them, so they have one of their own here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft6Validator

_NAMES = ("categorical", "sequential", "sequentialred", "sequentialgreen", "sequentialyellow", "diverging")
_COLORS = (
    "good",
    "warning",
    "attention",
    "neutral",
    "categoricalBlue",
    "categoricalTeal",
    "categoricalGreen",
)
_VALUE = {
    "type": "object",
    "properties": {"x": {"type": "string"}, "y": {"type": "number", "minimum": 0}},
    "required": ["x", "y"],
    "additionalProperties": False,
}
_SERIES = {
    "type": "object",
    "properties": {
        "legend": {"type": "string"},
        "color": {"enum": _COLORS},
        "values": {"type": "array", "items": _VALUE, "minItems": 1},
    },
    "required": ["legend", "values"],
    "additionalProperties": False,
}
#: After the types of @microsoft/teams.cards 2.0.16 (IGroupedVerticalBarChart), as far as our cards use them, and
#: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/charts-in-adaptive-cards
SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"enum": ["Chart.VerticalBar.Grouped"]},
        "title": {"type": "string"},
        "xAxisTitle": {"type": "string"},
        "yAxisTitle": {"type": "string"},
        "colorSet": {"enum": _NAMES},
        "stacked": {"type": "boolean"},
        "spacing": {"enum": ["none", "small", "default", "medium", "large", "extraLarge", "padding"]},
        "data": {"type": "array", "items": _SERIES, "minItems": 1},
        "fallback": {"type": "object"},
    },
    "required": ["type", "data", "fallback"],
    "additionalProperties": False,
}
_VALIDATOR = Draft6Validator(SCHEMA)


def is_chart(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("type")).startswith("Chart.")


def charts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every chart of a card."""
    if isinstance(value, dict):
        if is_chart(value):
            yield value
        for item in value.values():
            yield from charts(item)
    elif isinstance(value, list):
        for item in value:
            yield from charts(item)


def without_charts(value: Any) -> Any:
    """Return the card as a client draws it that knows no charts: each is its fallback."""
    if is_chart(value):
        return without_charts(value["fallback"])
    if isinstance(value, dict):
        return {key: without_charts(item) for key, item in value.items()}
    return [without_charts(item) for item in value] if isinstance(value, list) else value


def assert_charts_valid(card: dict[str, Any]) -> None:
    errors = [
        f"{list(error.absolute_path)}: {error.message[:200]}"
        for chart in charts(card)
        for error in _VALIDATOR.iter_errors(chart)
    ]
    assert not errors, errors

"""What every card must be: valid by the official schema, small, shallow, and free of foreign markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft6Validator

from cards.elements import TEAMS_EXTENSIONS
from cards.size import BUDGET
from tests.cards.charts import assert_charts_valid, without_charts

DEPTH = 12
HOSTS = ("https://portal.azure.com/", "https://wiki.contoso.com/")
_SCHEMA = json.loads(
    resources.files("adaptive_cards").joinpath("schemas/schema-1.5.json").read_text(encoding="utf-8")
)
_VALIDATOR = Draft6Validator(_SCHEMA)
#: Everything that our cards are made of, with the properties that we use: a second opinion beside the schema, which
#: lets an unknown word through where a pattern of it is not anchored.
_ALLOWED: Mapping[str, frozenset[str]] = {
    name: frozenset(keys.split())
    for name, keys in {
        "AdaptiveCard": "type $schema version lang fallbackText body actions",
        "ActionSet": "type actions spacing",
        "Container": "type items style bleed id isVisible spacing selectAction",
        "RichTextBlock": "type inlines spacing separator id isVisible",
        "TextRun": "type text weight size color isSubtle fontType",
        "TextBlock": "type text style weight wrap size spacing",
        "Chart.VerticalBar.Grouped": "type title data xAxisTitle yAxisTitle colorSet stacked fallback spacing",
        "Action.Execute": "type title verb data mode",
        "Action.Submit": "type title data mode",
        "Action.OpenUrl": "type title url mode",
        "Action.ToggleVisibility": "type title targetElements mode",
    }.items()
}


#: Properties of which any text is as valid.
_FREE = frozenset({"text", "id"})


def assert_good(card: dict[str, Any]) -> None:
    """Assert all of it."""
    assert json.loads(json.dumps(card)) == card
    assert_valid_piece_by_piece(card)
    assert len(json.dumps(card, ensure_ascii=False).encode()) <= len(json.dumps(card)) <= BUDGET
    assert depth(card) <= DEPTH
    assert_structure(card)


def assert_valid(card: dict[str, Any]) -> None:
    assert_charts_valid(card)
    drawn = without_charts(card)
    public = {name: value for name, value in drawn.items() if name not in TEAMS_EXTENSIONS}
    errors = [
        f"{list(error.absolute_path)}: {error.message[:200]}" for error in _VALIDATOR.iter_errors(public)
    ]
    assert not errors, errors


def assert_valid_piece_by_piece(card: dict[str, Any]) -> None:
    """Assert the same of a card that is one of thousands: each shape of an element or action once.

    The schema says nothing of one element beside another, so a card is valid if it is with each of them alone.
    """
    whole = shape(card)
    for place in ("body", "actions"):
        for piece in whole.get(place, ()):
            _assert_shape_valid(json.dumps(whole | {"body": [], "actions": []} | {place: [piece]}))
    assert whole["body"]


@cache
def _assert_shape_valid(card: str) -> None:
    assert_valid(json.loads(card))


def shape(value: Any) -> Any:
    """Return the card with its texts alike and without siblings that are alike then: as valid, and checked faster."""
    if isinstance(value, dict):
        return {key: "x" if key in _FREE and isinstance(v, str) else shape(v) for key, v in value.items()}
    if isinstance(value, list):
        return list({json.dumps(item): item for item in map(shape, value)}.values())
    return value


def assert_structure(card: dict[str, Any]) -> None:
    ids = [part["id"] for part in parts(card) if "id" in part]
    assert len(ids) == len(set(ids))
    for part in parts(card):
        assert part.keys() - set(TEAMS_EXTENSIONS) <= _ALLOWED[part["type"]], part
        assert set(part.get("targetElements", ())) <= set(ids)
        assert part.get("text", "-") != "", part
        assert part.get("url", HOSTS[0]).startswith(HOSTS)
    # Teams shows six at most; https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-actions
    assert len(card.get("actions", ())) <= 6
    assert sum("mode" not in action for action in card.get("actions", ())) <= 4


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every element, run and action of a card, in reading order."""
    if isinstance(value, dict):
        if "version" in value or ("type" in value and "data" not in value.get("msteams", {})):
            yield value
        for key, item in value.items():
            if key not in {"data", "msteams"}:
                yield from parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts(item)


def depth(value: Any) -> int:
    """Return how many JSON containers lie in one another."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def lines(card: dict[str, Any]) -> list[str]:
    """Return the card's paragraphs as a reader sees them, hidden ones included."""
    found = []
    for part in parts(card):
        if part["type"] == "TextBlock":
            found.append(part["text"])
        if part["type"] == "RichTextBlock":
            found.append("".join(run["text"] for run in part["inlines"]))
    return found


def text(card: dict[str, Any]) -> str:
    return "\n".join(lines(card))


def titles(card: dict[str, Any]) -> list[str]:
    return [action["title"] for action in card.get("actions", ())]


def visible(card: dict[str, Any]) -> list[str]:
    """Return the paragraphs that stand open when the card arrives."""

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: shown(v) for k, v in value.items()}
        if isinstance(value, list):
            return [shown(v) for v in value if not (isinstance(v, dict) and v.get("isVisible") is False)]
        return value

    return lines(shown(card))

from __future__ import annotations

import json
from typing import Any

import adaptivecards.adaptivecard
import adaptivecards.elements
import pytest

from cards.elements import (
    FULL_WIDTH,
    TEAMS_EXTENSIONS,
    AdaptiveCard,
    Container,
    Execute,
    GroupedBars,
    OpenUrl,
    Press,
    RichTextBlock,
    Submit,
    TextBlock,
    TextRun,
    ToggleVisibility,
)
from tests.cards.checks import assert_valid


def a_line(text: str = "x") -> RichTextBlock:
    return RichTextBlock(inlines=[TextRun(text=text)])


@pytest.mark.parametrize(
    ("element", "attributes"),
    [
        (TextRun, {"text": "x", "wieght": "bolder"}),
        (TextBlock, {"text": "x", "warp": True}),
        (Container, {"items": [], "isvisible": True}),
        (Execute, {"title": "x", "verb": "v", "dat": {}}),
        (AdaptiveCard, {"body": [], "titel": "x"}),
        (RichTextBlock, {"inlines": [], "to_dict": 1}),
        (GroupedBars, {"data": [], "fallback": Container(items=[]), "legend": "x"}),
    ],
)
def test_an_attribute_that_does_not_exist_raises(element: Any, attributes: dict[str, Any]) -> None:
    with pytest.raises(AttributeError, match="has no"):
        element(**attributes)


def test_a_misspelt_attribute_raises_after_construction_too() -> None:
    card = AdaptiveCard(body=[])
    with pytest.raises(AttributeError, match="AdaptiveCard has no boddy"):
        card.boddy = []


@pytest.mark.parametrize(
    ("element", "attributes"),
    [
        (TextRun, {"text": "x", "weight": "bold"}),
        (TextRun, {"text": "x", "color": "red"}),
        (Container, {"items": [], "style": "danger"}),
        (RichTextBlock, {"inlines": [], "spacing": "tiny"}),
        (Execute, {"title": "x", "verb": "v", "style": "primary"}),
        (GroupedBars, {"data": [], "fallback": Container(items=[]), "color_set": "rainbow"}),
    ],
)
def test_a_word_that_the_schema_does_not_know_raises(element: Any, attributes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        element(**attributes)


@pytest.mark.parametrize(
    ("element", "attributes"),
    [
        (TextRun, {"text": 1}),
        (TextRun, {"text": "x", "subtle": "yes"}),
        (RichTextBlock, {"inlines": ["a bare string"]}),
        (Container, {"items": [{"type": "TextBlock"}]}),
        (AdaptiveCard, {"body": [a_line()], "actions": [a_line()]}),
        (Container, {"items": [], "select_action": {"type": "Action.Submit"}}),
        (TextRun, {}),
        (Execute, {"title": "x"}),
        (ToggleVisibility, {"title": "x"}),
        (OpenUrl, {"title": "x"}),
        (Submit, {"title": "x"}),
        (Press, {}),
        (GroupedBars, {"data": []}),
        (GroupedBars, {"data": [], "fallback": a_line()}),
    ],
)
def test_a_wrong_type_or_a_missing_attribute_raises(element: Any, attributes: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        element(**attributes)


def test_elements_are_those_of_the_library() -> None:
    assert issubclass(TextRun, adaptivecards.elements.TextRun)
    assert issubclass(AdaptiveCard, adaptivecards.adaptivecard.AdaptiveCard)


def test_a_card_becomes_plain_json_of_version_1_5() -> None:
    actions = [
        Execute(title="A", verb="v", data={"v": 1}),
        Submit(title="B", data={"deep": {"list": [1]}}),
        OpenUrl(title="C", url="https://portal.azure.com/"),
        ToggleVisibility(title="D", targets=["box"], tooltip="opens"),
    ]
    box = Container(items=[a_line()], id="box", visible=False, bleed=True, select_action=actions[3])
    card = AdaptiveCard.of([box, TextBlock(text="x", style="heading", size="small")], actions).to_dict()
    assert json.loads(json.dumps(card)) == card
    assert card["version"] == "1.5"
    assert card["body"][0]["isVisible"] is False
    assert [action["type"] for action in card["actions"]] == [
        "Action.Execute",
        "Action.Submit",
        "Action.OpenUrl",
        "Action.ToggleVisibility",
    ]
    assert_valid(card)


def test_what_is_pressed_needs_no_title_of_its_own() -> None:
    box = Container(items=[a_line()], select_action=Press(data={"x": 1}))
    card = AdaptiveCard(body=[box]).to_dict()
    assert card["body"][0]["selectAction"] == {"type": "Action.Submit", "data": {"x": 1}}
    assert_valid(card)


def test_a_chart_stands_in_a_card_beside_what_is_drawn_in_its_place() -> None:
    data = [{"legend": "people", "values": [{"x": "09:00", "y": 1}]}]
    chart = GroupedBars(data=data, fallback=Container(items=[a_line()]), x_title="hours", stacked=True)
    card = AdaptiveCard(body=[chart]).to_dict()
    assert card["body"][0]["type"] == "Chart.VerticalBar.Grouped"
    assert card["body"][0]["xAxisTitle"] == "hours"
    assert card["body"][0]["fallback"]["type"] == "Container"
    assert_valid(card)


def test_a_chart_of_another_shape_than_teams_draws_is_no_good() -> None:
    for data in (
        [],
        [{"legend": "x", "values": [{"x": 1, "y": 1}]}],
        [{"legend": "x", "values": [{"x": "a", "z": 1}]}],
    ):
        card = AdaptiveCard(body=[GroupedBars(data=data, fallback=Container(items=[a_line()]))]).to_dict()
        with pytest.raises(AssertionError):
            assert_valid(card)


def test_the_plain_card_shares_nothing_with_the_elements() -> None:
    data = {"v": 1}
    card = AdaptiveCard(body=[], actions=[Submit(title="x", data=data)])
    card.to_dict()["actions"][0]["data"]["v"] = 2
    assert card.to_dict()["actions"][0]["data"] == {"v": 1}


def test_the_schema_check_can_fail() -> None:
    card = AdaptiveCard(body=[a_line()]).to_dict()
    card["body"][0]["inlines"][0]["wieght"] = "bolder"
    with pytest.raises(AssertionError):
        assert_valid(card)


def test_full_width_is_teams_own_and_all_that_the_public_schema_does_not_know() -> None:
    assert TEAMS_EXTENSIONS == ("msteams",)
    card = AdaptiveCard(body=[], msteams=FULL_WIDTH).to_dict()
    assert card["msteams"] == {"width": "Full"}
    assert_valid(card)
    with pytest.raises(TypeError):
        AdaptiveCard(body=[], msteams="Full")

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.commands import COMMANDS
from sandbox.package import Suggestion, suggestions_of, suggestions_of_app

LISTED: dict[str, Any] = {
    "scopes": ["team"],
    "commands": [{"title": "help", "description": "What you can ask"}],
}


async def test_what_the_app_package_lists_is_what_the_page_suggests(tmp_path: Path) -> None:
    suggestions = await suggestions_of_app(tmp_path)
    assert len(suggestions) == len([each for each in COMMANDS if each.menu])
    examples = [line for each in COMMANDS for line in each.examples]
    assert all(suggestion.line in examples for suggestion in suggestions)
    assert json.dumps([suggestion.to_json() for suggestion in suggestions])


async def test_without_a_package_nothing_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "app.zip").mkdir()
    assert await suggestions_of_app(tmp_path) == ()


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        [],
        {},
        {"bots": []},
        {"bots": [{}]},
        {"bots": [{"commandLists": [{"scopes": ["team"]}]}]},
        {"bots": 5},
    ],
)
def test_what_is_no_manifest_suggests_nothing(manifest: Any) -> None:
    assert suggestions_of(manifest) == ()


def test_only_a_list_for_teams_counts_and_ten_of_it() -> None:
    personal = LISTED | {"scopes": ["personal"], "commands": [{"title": "x", "description": "y"}]}
    manifest = {"bots": [{"commandLists": [personal, LISTED]}]}
    assert suggestions_of(manifest) == (Suggestion(line="help", note="What you can ask"),)
    many = LISTED | {"commands": LISTED["commands"] * 30}
    assert len(suggestions_of({"bots": [{"commandLists": [many]}]})) == 10

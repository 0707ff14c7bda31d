from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from appmanifest.__main__ import NO_BOT, main, manifest
from bot.commands import COMMANDS
from tests.environment import environment

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "node_modules/@microsoft/app-manifest/build/json-schemas/teams"


def made() -> dict[str, Any]:
    return manifest(bot_id="7d3c1c52-9a3e-4c88-8f0e-0a4a4c0d7e11", website="https://contoso.com/auditor")


def test_the_manifest_is_valid_by_the_official_schema() -> None:
    if not SCHEMAS.is_dir():
        assert not environment().ci, "node_modules is missing; run make test"
        pytest.skip("the official schema is not installed; run make test")
    schema = json.loads(
        (SCHEMAS / f"v{made()['manifestVersion']}" / "MicrosoftTeams.schema.json").read_text()
    )
    jsonschema.Draft4Validator(schema).validate(made())


def test_the_command_list_is_what_the_bot_understands() -> None:
    (commands,) = made()["bots"][0]["commandLists"]
    menu = [each for each in COMMANDS if each.menu]
    assert len(menu) == len(commands["commands"])
    for each, told in zip(menu, commands["commands"], strict=True):
        assert told["title"] in each.examples
        assert told["description"].lower() == each.help.lower()
    assert len(commands["commands"]) <= 10


def test_two_builds_are_one_app_and_another_bot_is_another() -> None:
    assert made()["id"] == made()["id"]
    assert made()["id"] != manifest(bot_id=NO_BOT, website="https://contoso.com")["id"]


def test_the_zip_has_manifest_and_icons_at_its_root(tmp_path: Path) -> None:
    target = tmp_path / "app.zip"
    assert main(["--zip", str(target), "--bot-id", "7d3c1c52-9a3e-4c88-8f0e-0a4a4c0d7e11"]) == 0
    with zipfile.ZipFile(target) as package:
        assert sorted(package.namelist()) == ["color.png", "manifest.json", "outline.png"]
        assert "{{" not in package.read("manifest.json").decode()


@pytest.mark.parametrize(("name", "side"), [("color", 192), ("outline", 32)])
def test_the_icons_have_teams_sizes(name: str, side: int) -> None:
    content = (ROOT / "appmanifest" / f"{name}.png").read_bytes()
    assert struct.unpack(">II", content[16:24]) == (side, side)


@pytest.mark.parametrize("arguments", [["--bot-id", "my-bot"], ["--website", "http://contoso.com"]])
def test_a_bad_argument_gets_one_sentence(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--zip", str(tmp_path / "x.zip")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "x.zip").exists()

"""What the README says that the program does, the program does, in these words."""

from __future__ import annotations

import re
import subprocess
import sys

from bot.asked import Misunderstood
from bot.commands import COMMANDS
from bot.grammar import from_text
from tests.readme import table
from tests.samples import ROOT


def test_what_you_can_ask_is_what_help_says() -> None:
    assert [(row[0].strip("`"), row[1]) for row in table("line")] == [
        (each.examples[0], each.help) for each in COMMANDS
    ]
    for each in COMMANDS:
        assert all(not isinstance(from_text(line), Misunderstood) for line in each.examples)


def test_every_option_of_the_demo_is_told_and_no_other() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "sandbox", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    options = set(re.findall(r"^ +(--[a-z-]+)", told, re.MULTILINE))
    assert len(options) >= 6
    assert {row[0].strip("`").split()[0] for row in table("option")} == options

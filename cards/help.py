"""What can be asked, in one card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cards.elements import AdaptiveCard
from cards.text import heading, line, run

TITLE = "What you can ask"
HOW = "In a channel, mention the bot first."


def help_card(commands: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the commands, each as it is typed and what it does."""
    rows = [
        line(run(typed, font="monospace", weight="bolder"), f" {does}", spacing="small")
        for typed, does in commands
    ]
    return AdaptiveCard.of([heading(TITLE, size="medium"), *rows, line(run(HOW, subtle=True))], []).to_dict()

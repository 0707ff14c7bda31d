"""What people type, answered over HTTP by the bot's application from the sandbox's workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.asked import Misunderstood
from bot.commands import COMMANDS, Spec
from bot.grammar import from_text
from tests.cards.checks import assert_good, text
from tests.flows.chat import ask, kept, office
from tests.flows.chat_doc import PATH, document
from tests.flows.chat_lines import LINES, Line


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
async def test_a_line_is_answered_with_its_card(line: Line, tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        card = kept((await ask(it, line))["card"])
    assert_good(card)
    said = text(card)
    assert [words for words in line.says if words not in said] == [], said
    assert [words for words in line.never if words in said] == [], said
    assert json.loads(line.file.read_text(encoding="utf-8")) == card, "python -m tests.flows.chat_doc"


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_every_command_that_shows_something_has_a_line_here(spec: Spec) -> None:
    if spec.name in {"subscribe", "unsubscribe"}:
        return
    known = {type(from_text(line.text)) for line in LINES}
    assert any(type(from_text(example)) in known for example in spec.examples)
    assert not any(isinstance(from_text(example), Misunderstood) for example in spec.examples)


def test_the_document_is_made_of_these_answers() -> None:
    assert PATH.read_text(encoding="utf-8") == document(), "python -m tests.flows.chat_doc writes it anew"

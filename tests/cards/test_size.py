from __future__ import annotations

import itertools
import json

import pytest

from cards.elements import AdaptiveCard
from cards.size import BUDGET, LADDER, Detail, fit, weight
from cards.text import line


def of_size(size: int) -> AdaptiveCard:
    return AdaptiveCard.of([line("x" * 1000)] * (size // 1000), [])


@pytest.mark.parametrize("wanted", range(len(LADDER)))
def test_the_first_step_that_fits_is_taken(wanted: int) -> None:
    asked: list[Detail] = []

    def build(detail: Detail) -> AdaptiveCard:
        asked.append(detail)
        step = LADDER.index(detail)
        return AdaptiveCard.of([line(str(step)), *[line("x" * 1000)] * (20 if step < wanted else 10)], [])

    card = fit(build)
    assert weight(card) <= BUDGET
    assert card["body"][0]["inlines"][0]["text"] == str(wanted)
    assert len(asked) <= 6


def test_a_small_card_is_built_once() -> None:
    asked: list[Detail] = []

    def build(detail: Detail) -> AdaptiveCard:
        asked.append(detail)
        return of_size(1000)

    fit(build)
    assert asked == [LADDER[0]]


def test_what_cannot_be_smaller_is_returned_all_the_same() -> None:
    assert weight(fit(lambda _: of_size(BUDGET * 2))) > BUDGET


def test_the_ladder_gives_up_events_then_groups_then_text() -> None:
    for more, less in itertools.pairwise(LADDER):
        assert (less.events, less.groups, less.text) < (more.events, more.groups, more.text) or (
            less.events <= more.events and less.groups <= more.groups and less.text <= more.text
        )
    first_shorter = next(n for n, step in enumerate(LADDER) if step.text < LADDER[0].text)
    first_fewer = next(n for n, step in enumerate(LADDER) if step.groups < LADDER[0].groups)
    assert 1 < first_fewer < first_shorter


def test_weight_is_that_of_the_widest_spelling() -> None:
    card = {"text": "é😀"}
    assert weight(card) >= len(json.dumps(card, ensure_ascii=False).encode())
    assert weight(card) >= len(json.dumps(card, separators=(",", ":")).encode())

from __future__ import annotations

import pytest

from bench.windows import PER_CONVERSATION, PER_TENANT, Windows


def test_an_eighth_call_within_a_second_is_over() -> None:
    windows = Windows(PER_CONVERSATION)
    for n in range(7):
        assert windows.wait("a", n * 0.1) == 0
        windows.spend("a", n * 0.1)
    assert windows.wait("a", 0.7) == pytest.approx(0.3)


def test_a_window_slides() -> None:
    windows = Windows(((2, 1.0),))
    windows.spend("a", 0.0)
    windows.spend("a", 0.9)
    assert windows.wait("a", 0.99) > 0
    assert windows.wait("a", 1.01) == 0
    windows.spend("a", 1.01)
    assert windows.wait("a", 1.5) == pytest.approx(0.4)


def test_the_longest_window_counts_too() -> None:
    windows = Windows(PER_CONVERSATION)
    for n in range(1800):
        windows.spend("a", n * 1.9)
    assert windows.wait("a", 1800 * 1.9) > 0


def test_keys_do_not_share_room() -> None:
    windows = Windows(PER_TENANT)
    for _ in range(50):
        windows.spend("a", 0.0)
    assert windows.wait("a", 0.5) > 0
    assert windows.wait("b", 0.5) == 0

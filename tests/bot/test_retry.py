from __future__ import annotations

from datetime import timedelta

from bot.retry import LONGEST_ASKED, LONGEST_WAIT, wait_before


def test_waits_double_and_end_at_a_limit() -> None:
    waits = [wait_before(n, None, random_share=1.0) for n in range(1, 30)]
    assert waits[:4] == [timedelta(seconds=s) for s in (2, 4, 8, 16)]
    assert waits[-1] == LONGEST_WAIT


def test_jitter_halves_a_wait_at_most() -> None:
    assert wait_before(1, None, random_share=0.0) == timedelta(seconds=1)
    assert timedelta(seconds=1) <= wait_before(1, None) <= timedelta(seconds=2)


def test_what_the_other_side_asks_for_is_obeyed_up_to_a_cap() -> None:
    assert wait_before(1, timedelta(seconds=17), random_share=0.0) == timedelta(seconds=17)
    assert wait_before(1, timedelta(days=3)) == LONGEST_ASKED

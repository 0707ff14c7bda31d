from __future__ import annotations

import pytest

from bench.__main__ import ROWS, main
from bench.result import Result


def test_the_line_says_figure_bar_and_outcome() -> None:
    result = Result(row="send", figure="48x", bar="≥ 45x", held=True)
    assert str(result) == "send: 48x · bar ≥ 45x · held"


def test_a_missed_bar_is_said() -> None:
    assert str(Result(row="send", figure="3x", bar="≥ 45x", held=False)).endswith("· missed")


@pytest.mark.parametrize("arguments", [["nothing"], ["send", "--scale", "0"], ["send", "--scale", "101"]])
def test_what_cannot_be_run_is_refused_before_anything_starts(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m bench" in capsys.readouterr().err


def test_every_row_of_the_list_is_named_once() -> None:
    assert len(set(ROWS)) == len(ROWS)

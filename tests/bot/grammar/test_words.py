from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.grammar.words import LONGEST_LINE, Unclosed, Word, one_line, quoted, split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b", ["a", "b"]),
        ("a, b. c?!", ["a", "b", "c"]),
        ("alice's it's", ["alice's", "it's"]),
        ("... ?", []),
        ("\u200ba\ufeff b", ["a", "b"]),
        ("x:y a.b", ["x:y", "a.b"]),
    ],
)
def test_a_line_is_cut_at_its_spaces(line: str, words: list[str]) -> None:
    assert split(line) == tuple(Word(text=word) for word in words)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('"a b"', "a b"),
        ("'a b',", "a b"),
        ("\u201ca b\u201d", "a b"),
        ("\u201ea b\u201c", "a b"),
        ('\u201ca b"', "a b"),
        ('"a""b"', 'a"b'),
        ('"a"b"', 'a"b'),
        ("'it''s'", "it's"),
        ("'it's'", "it's"),
        ('""', ""),
        ('" a "', "a"),
        ('"a\u200bb"', "a\u200bb"),
    ],
)
def test_what_stands_in_quotes_is_one_word(line: str, text: str) -> None:
    assert split(line) == (Word(text=text, quoted=True),)
    assert split(f"x {line} y") == (Word(text="x"), Word(text=text, quoted=True), Word(text="y"))


@pytest.mark.parametrize("line", ['"', '"a', "a 'b", '"a""', '"""'])
def test_a_quote_that_is_not_closed_is_told(line: str) -> None:
    with pytest.raises(Unclosed) as unclosed:
        split(line)
    assert line[unclosed.value.at] in "\"'"


@given(st.text())
def test_a_value_in_quotes_is_read_as_itself(text: str) -> None:
    text = one_line(text)
    assert split(f"x {quoted(text)} y")[1] == Word(text=text, quoted=True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a&nbsp;b", "a b"),
        ("a\r\n\tb\u2028c", "a b c"),
        ("<at>Bob Lee</at> a", "a"),
        ("a<AT id='0'>Bob</AT>b", "a b"),
        ("<at>a", "<at>a"),
        ("a" * 20_000, "a" * (LONGEST_LINE + 1)),
        (" " * 20_000, ""),
    ],
)
def test_a_text_becomes_one_line(text: str, line: str) -> None:
    assert one_line(text) == line

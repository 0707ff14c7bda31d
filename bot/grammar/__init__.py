"""Typed lines, read into commands, and commands written back: a closed grammar in which nothing is guessed."""

from __future__ import annotations

import unicodedata

from bot.asked import Command, Misunderstood
from bot.grammar.filters import LONGEST_TERM
from bot.grammar.instead import instead_of, instead_of_unclosed
from bot.grammar.lines import LONGEST_NUMBER, read_line, trimmed
from bot.grammar.unread import Unread
from bot.grammar.words import LONGEST_LINE, Unclosed, one_line, split
from bot.grammar.writing import line_of

#: What a question may be long in its own words: it is kept, and stands on its card.
LONGEST_SAID = 500
_SHOWN = 100
_UNFIT = frozenset({"Cc", "Cs"})


def from_text(text: str) -> Command:
    """Read a typed line, the mention already taken off. Total: never raises, whatever the line."""
    line = one_line(text)
    if len(line) > LONGEST_LINE:
        return _misunderstood(line, "That line is too long; ask in one short line.")
    unfit = next((char for char in line if unicodedata.category(char) in _UNFIT), "")
    if unfit:
        return _misunderstood(line, f"The line has a character that I cannot look for: U+{ord(unfit):04X}.")
    try:
        words = trimmed(split(line))
    except Unclosed as unclosed:
        hint = "A quote is opened and not closed."
        return _misunderstood(line, hint, instead_of_unclosed(unclosed))
    try:
        command = read_line(words)
    except Unread as unread:
        return _misunderstood(line, unread.hint, instead_of(words, unread))
    if len(line_of(command)) > LONGEST_SAID:
        return _misunderstood(line, f"Ask in at most {LONGEST_SAID} characters.")
    return command


def _misunderstood(line: str, hint: str, instead: tuple[str, ...] = ()) -> Misunderstood:
    shown = "".join(char for char in line[:_SHOWN] if unicodedata.category(char) not in _UNFIT)
    return Misunderstood(text=shown, hint=hint, instead=instead)


__all__ = ["LONGEST_LINE", "LONGEST_NUMBER", "LONGEST_SAID", "LONGEST_TERM", "from_text", "line_of"]

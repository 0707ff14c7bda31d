"""Words that may have been meant, for one that is not understood."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from bot.grammar.vocabulary import PHRASES, SPELT
from bot.said_moments import SHORT_DAYS

#: How alike two words must be, as difflib has it: "yesterdy" and "yesterday" are 0.94.
_ALIKE = 0.84
#: The first word of a line is a command's or nothing, so that more is forgiven.
_ALIKE_COMMANDS = 0.74
#: No word of ours is longer by much. The comparison is quadratic in the length.
_SHORTEST, _LONGEST = 4, 40
#: With the letters of each.
_SPELT = {word: frozenset(word) for word in sorted(SPELT)}
_COMMANDS = {words[0]: frozenset(words[0]) for words in PHRASES if len(words) == 1}


def near(word: str) -> tuple[str, ...]:
    """Return the grammar's words that are spelt almost like this one, the nearest first, at most two; () for names.

    A word with a digit or a dash in it is a name, not a slip of the finger.
    """
    full = SHORT_DAYS.get(word.lower(), word.lower())
    return (full,) if full != word.lower() else _alike(word, _SPELT, _ALIKE, 2)


def near_command(word: str) -> tuple[str, ...]:
    """Return the commands' first words that are spelt almost like this one, the nearest first, at most three."""
    return _alike(word.replace("'", ""), _COMMANDS, _ALIKE_COMMANDS, 3)


def _alike(word: str, among: Mapping[str, frozenset[str]], cutoff: float, most: int) -> tuple[str, ...]:
    if not (_SHORTEST <= len(word) <= _LONGEST and word.isalpha() and word.isascii()):
        return ()
    said = word.lower()
    letters = set(said)
    # Cheap, and true of all that are alike enough: so many letters must be in both.
    fitting = [
        each
        for each in among
        if len(letters - among[each]) <= len(said) - cutoff * (len(said) + len(each)) / 2
    ]
    return tuple(difflib.get_close_matches(said, fitting, n=most, cutoff=cutoff)) if fitting else ()

"""A typed line, cut into words; and a value, written so that it is read as one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: A longer line is nobody's question.
LONGEST_LINE = 1000
#: What is looked at of a text at all: tags and entities are more than what was typed.
_LONGEST_TEXT = 8 * LONGEST_LINE
#: A mention that was left in the text, with the name in it; and what Teams writes for a space.
_MENTION = re.compile(r"<at\b[^<>]*>[^<]*</at\s*>|&nbsp;|&#160;", re.IGNORECASE)
_DOUBLE, _SINGLE = '"\u201c\u201d\u201e\u00ab\u00bb', "'\u2018\u2019\u201a\u2039\u203a"
_FAMILIES = {mark: family for family in (_DOUBLE, _SINGLE) for mark in family}
#: What may stand between a closing quote and the next word.
_ENDS = frozenset(" ,;.?!:")
_TRAILING = ",;.?!"
#: Copied along with a word, and seen by nobody: soft hyphens, joiners, marks of direction. In quotes they count.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
#: A value that needs no quotes, where it is no word of the grammar either.
_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9@._:-]{0,98}[A-Za-z0-9])?")


class Unclosed(ValueError):
    """A quote is opened and not closed; `at` is where, in `line`."""

    def __init__(self, line: str, at: int) -> None:
        super().__init__("a quote is opened and not closed")
        self.line = line
        self.at = at


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word, or what stood in quotes."""

    text: str
    quoted: bool = False

    @property
    def said(self) -> str:
        """The word in lower case, "" for what is quoted: no word of the grammar."""
        return "" if self.quoted else self.text.lower()


def one_line(text: str) -> str:
    """Return the text on one line, without what a client leaves in it; at most a little more than LONGEST_LINE."""
    bare = _MENTION.sub(" ", text[:_LONGEST_TEXT])
    return " ".join(bare.split())[: LONGEST_LINE + 1]


def split(line: str) -> tuple[Word, ...]:
    """Cut a line into words. Raises Unclosed. Linear in its length."""
    return tuple(_words(line))


def _words(line: str) -> Iterator[Word]:
    at = 0
    while at < len(line):
        if line[at] == " " or _INVISIBLE.match(line, at):
            at += 1
        elif line[at] in _FAMILIES:
            text, at = _quoted(line, at)
            yield Word(text=text, quoted=True)
        else:
            end = line.find(" ", at)
            end = len(line) if end < 0 else end
            text = _INVISIBLE.sub("", line[at:end]).rstrip(_TRAILING)
            if text:
                yield Word(text=text)
            at = end


def _quoted(line: str, at: int) -> tuple[str, int]:
    """Read what stands in quotes from `at`, and where the line goes on. A mark written twice is one of its text."""
    family, start, text = _FAMILIES[line[at]], at, list[str]()
    at += 1
    while at < len(line):
        mark, after = line[at], line[at + 1 : at + 2]
        if mark in family and after == mark:
            text.append(mark)
            at += 2
        elif mark in family and (not after or after in _ENDS):
            return "".join(text).strip(), _past_marks(line, at + 1)
        else:
            text.append(mark)
            at += 1
    raise Unclosed(line, start)


def _past_marks(line: str, at: int) -> int:
    while at < len(line) and line[at] in _ENDS:
        at += 1
    return at


def is_plain(value: str) -> bool:
    """Whether a value is one word that needs no quotes, if it is none of the grammar's own."""
    return _PLAIN.fullmatch(value) is not None


def quoted(value: str) -> str:
    """Write a value in quotes; it is read as the same value, where it has no spaces at its ends or side by side."""
    has_double = any(mark in _DOUBLE for mark in value)
    mark = "'" if has_double and not any(mark in _SINGLE for mark in value) else '"'
    inside = "".join(char * 2 if char in _FAMILIES[mark] else char for char in value)
    return f"{mark}{inside}{mark}"


def written(word: Word) -> str:
    """Return a word as it stood in its line."""
    return quoted(word.text) if word.quoted else word.text

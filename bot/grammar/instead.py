"""Lines that may have been meant by one that is not understood. None is run by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from audit.kinds import CLEAR
from bot.commands import COMMANDS
from bot.grammar.lines import read_line, trimmed
from bot.grammar.nearest import near, near_command
from bot.grammar.unread import Unread
from bot.grammar.vocabulary import DONE, OWN, PHRASES
from bot.grammar.words import LONGEST_LINE, Unclosed, Word, quoted, split, written
from bot.grammar.writing import line_of
from bot.said_spans import OPENERS

MOST = 3
#: What a line of a command begins with.
_FIRST = frozenset(phrase[0] for phrase in PHRASES)
#: Each is read to see whether it is understood.
_MOST_TRIED = 12
#: A line of more words is no slip of the finger.
_MOST_WORDS = 60


def instead_of(words: Sequence[Word], unread: Unread) -> tuple[str, ...]:
    """Return up to three lines that may have been meant, the nearest first; each is understood."""
    return _understood((*unread.instead, *_near(words, unread)), _examples(words))


def instead_of_unclosed(unclosed: Unclosed) -> tuple[str, ...]:
    """Return the line without its open quote, and with the quote closed, as far as these are understood."""
    line, at = unclosed.line, unclosed.at
    return _understood((f"{line[:at]} {line[at + 1 :]}", f"{line}{line[at]}"), ())


def _understood(lines: Iterable[str], else_: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for _, line in zip(range(_MOST_TRIED), lines, strict=False):
        if (meant := _canonical(line)) and len(found) < MOST:
            found[meant] = None
    return tuple(found) or tuple(else_)[:MOST]


def _canonical(line: str) -> str:
    if not line.strip():
        return ""
    try:
        return line_of(read_line(trimmed(split(" ".join(line.split())[:LONGEST_LINE]))))
    except (Unread, Unclosed):
        return ""


def _near(words: Sequence[Word], unread: Unread) -> Iterator[str]:
    at, after = unread.at, min(unread.at + unread.count, len(words))
    if at >= len(words) or len(words) > _MOST_WORDS:
        return
    if at == 0:
        yield from _commands(words)
    for here in range(at, after):
        yield from (_line(words[:here], other, words[here + 1 :]) for other in _spelt(words[here].said))
    if words[at].said in OPENERS and unread.may_quote:
        yield from (_line(words[:at], f"last {length}", words[after:]) for length in ("1h", "7d"))
        yield from (_line(words[:at], f"last {length}", ()) for length in ("1h", "7d"))
        return
    if unread.may_quote:
        yield from _in_quotes(words, at, after)
    if unread.may_drop:
        yield _line(words[:at], "", words[after:])
        if at and unread.may_quote and _is_free(words[at - 1]):
            yield _line(words[: at - 1], "", words[at:])


def _spelt(said: str) -> Iterator[str]:
    """Yield words of ours that are spelt like this one, or like the kind before its slash."""
    kind, slash, name = said.partition("/")
    yield from (f"{other}{slash}{name}" for other in near(kind))


def _in_quotes(words: Sequence[Word], at: int, after: int) -> Iterator[str]:
    """Yield the line with all words in quotes that stand together and are none of ours, and with these alone."""
    start, end = at, after
    while start and _is_free(words[start - 1]):
        start -= 1
    while end < len(words) and _is_free(words[end]):
        end += 1
    for first, last in ((start, end), (at, after)):
        yield _line(words[:first], quoted(" ".join(word.text for word in words[first:last])), words[last:])


def _is_free(word: Word) -> bool:
    said = word.said
    return bool(said) and "/" not in said and said not in OWN and said not in CLEAR and said not in _FIRST


def _commands(words: Sequence[Word]) -> Iterator[str]:
    """Yield the line with a command that is spelt alike, and with a command before it."""
    if words[0].said in _FIRST:
        return
    found = near_command(words[0].said.replace("\u2019", "'"))
    yield from (_line((), other, words[1:]) for other in found)
    if found and len(words) == 1:
        return
    before = ("who", "audits") if words[0].said in DONE else ("audits", "who")
    yield from (_line((), command, words) for command in ("incident", *before))


def _line(before: Sequence[Word], middle: str, after: Sequence[Word]) -> str:
    return " ".join((*map(written, before), middle, *map(written, after)))


def _examples(words: Sequence[Word]) -> Iterator[str]:
    """Yield an example of the command that the line begins with, or of those that are asked most."""
    name = PHRASES.get((words[0].said,), "") if words else ""
    for each in COMMANDS:
        if each.name == name:
            yield each.examples[0]
            yield f"help {name}"
            return
    yield from ("audits coredns last 1h", "open", "help")

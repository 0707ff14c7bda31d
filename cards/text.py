"""Text as a card may show it: hostile text made harmless, and times and numbers in words.

`run` is the only maker of TextRun, so no text reaches a card unsanitised. TextBlock draws markdown and is for our own
constants; TextRun draws its text as it stands, apart from `{{DATE(…)}}`, which is broken here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from audit.filter import Window
from cards.elements import RichTextBlock, TextBlock, TextRun

#: For what is composed of parts that were cut before.
LONG = 2000
SEPARATOR = " · "

_LINE_ENDS = str.maketrans(dict.fromkeys("\t\n\v\f\r\x85\u2028\u2029", " "))
#: Controls, formats (bidi, zero width, tags), surrogates, private and unassigned code points, line separators.
_HOSTILE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Drawn as nothing although Unicode calls them letters or marks.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MARKS = frozenset({"Mn", "Me"})
#: More marks than this on one letter spill over the lines around it.
_MOST_MARKS = 3
_BRACES = re.compile(r"\{(?=\{)")


def plain(text: str, limit: int = LONG) -> str:
    r"""Return the text on one line, with nothing unseen in it, cut to `limit` characters.

    What is unseen or changes its surroundings shows as `\u{…}`; line ends become spaces; `{{` is broken, which
    Adaptive Cards would replace; the rest is NFC. What is cut says how many characters: "…(+123)".
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and "{{" not in text:
        return text
    # Cut first: normalising a megabyte of combining marks takes minutes.
    head = unicodedata.normalize("NFC", text[: 2 * limit + 8].translate(_LINE_ENDS))
    shown, used = _visible(head, limit)
    shown = _BRACES.sub("{ ", shown)
    hidden = len(head) - used + max(0, len(text) - 2 * limit - 8)
    return f"{shown}…(+{hidden})" if hidden else shown


def _visible(text: str, limit: int) -> tuple[str, int]:
    """Return what may be shown of the text and how many of its characters that is; a letter keeps its marks."""
    pieces: list[str] = []
    size = last_letter = 0
    # A mark with no letter before it would sit on whatever our own text ends with.
    marks = _MOST_MARKS
    for used, char in enumerate(text):
        category = unicodedata.category(char)
        marks = marks + 1 if category in _MARKS else 0
        last_letter = last_letter if marks else used
        hidden = (
            category in _HOSTILE
            or char in _UNSEEN
            or marks > _MOST_MARKS
            or "\U000e0100" <= char <= "\U000e01ef"
        )
        piece = f"\\u{{{ord(char):x}}}" if hidden else char
        size += len(piece)
        if size > limit:
            return "".join(pieces[:last_letter]), last_letter
        pieces.append(piece)
    return "".join(pieces), len(text)


def named(text: str, otherwise: str, limit: int) -> str:
    """Return the text made plain, or our own word where it is empty or blank."""
    return plain(text, limit) if text.strip() else otherwise


# --- pieces of a card ------------------------------------------------------------------------------


def run(text: str, limit: int = LONG, **look: Any) -> TextRun:
    """Return a run that shows the text as it stands, made harmless."""
    return TextRun(text=plain(text, limit), **look)


def line(*parts: TextRun | str, **look: Any) -> RichTextBlock:
    """Return one paragraph. Text that is not a run yet is made one."""
    return RichTextBlock(inlines=[run(part) if isinstance(part, str) else part for part in parts], **look)


def heading(constant: str, **look: Any) -> TextBlock:
    """Return a heading that screen readers find. Only for our own constants: it draws markdown."""
    return TextBlock(text=constant, style="heading", weight="bolder", wrap=True, **look)


def joined(parts: Iterable[str]) -> str:
    """Join what is not empty by the dot that separates facts."""
    return SEPARATOR.join(part for part in parts if part)


# --- numbers and times -----------------------------------------------------------------------------


def number(value: float) -> str:
    """Return "1,204" or "2.5"; what is too big to read that way as it comes."""
    if abs(value) < 1e15 and float(value).is_integer():  # noqa: PLR2004
        return f"{int(value):,}"
    return f"{value:,}" if abs(value) < 1e15 else f"{value:g}"  # noqa: PLR2004


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 event", "2 events"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def times(count: int) -> str:
    """Return how often as a reader says it; "" for once."""
    return {1: "", 2: "twice"}.get(count, f"{count:,} times")


def offset(moment: datetime) -> str:
    """Return "UTC" or "UTC+02:00" for a time in its zone."""
    away = moment.utcoffset() or timedelta()
    if not away:
        return "UTC"
    minutes = round(away / timedelta(minutes=1))
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


#: In a notification, what could be taken for markup is replaced by what looks like it.
_NO_MARKUP = str.maketrans("<>", "‹›")  # noqa: RUF001


def summary_text(lines: Iterable[str]) -> str:
    """Return a card's first lines as the plain text of the phone's notification."""
    return "\n".join(lines).translate(_NO_MARKUP)


@dataclass(frozen=True, kw_only=True)
class Times:
    """Writes the times of one card: to the second, in one zone, with the date and the offset only where they differ.

    `day` is the moment whose date and offset the card states once.
    """

    zone: ZoneInfo
    day: datetime

    def at(self, moment: datetime) -> str:
        """Return "09:38:24", with what differs from the card's day and offset beside it."""
        local = self._local(moment)
        if local.date() != self._local(self.day).date():
            return self.dated(moment)
        return f"{local:%H:%M:%S}{self._zone_of(local)}"

    def dated(self, moment: datetime) -> str:
        """Return the time with its date."""
        local = self._local(moment)
        return f"{local:%Y-%m-%d %H:%M:%S}{self._zone_of(local)}"

    def span(self, window: Window) -> str:
        """Return "09:32:52-09:37:52" with an en dash."""
        start, end = self.at(window.start), self.at(window.end)
        if self._local(window.start).date() != self._local(window.end).date():
            # A time without its date belongs to the card's day; across midnight both ends need theirs.
            start, end = self.dated(window.start), self.dated(window.end)
        return f"{start}–{end}"  # noqa: RUF001

    def stated(self) -> str:
        """Return the offset that the card's times are in."""
        return offset(self._local(self.day))

    def stated_by_name(self) -> str:
        """Return the zone's name and offset."""
        name = self.zone.key
        return "UTC" if name == "UTC" else f"{name}, {self.stated()}"

    def _zone_of(self, local: datetime) -> str:
        return "" if offset(local) == self.stated() else f" {offset(local)}"

    def _local(self, moment: datetime) -> datetime:
        try:
            return moment.astimezone(self.zone)
        except OverflowError:  # an alert may claim the year 9999
            return moment


def length(span: timedelta) -> str:
    """Return a span as a command writes it, in the largest unit that leaves no rest: "90m", "1h", "7d"."""
    minutes = round(span / timedelta(minutes=1))
    if minutes and minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes and minutes % 60 == 0 else f"{minutes}m"


def age(span: timedelta) -> str:
    """Return how long ago something was, in its two largest units: "less than a minute", "4 min", "3 h 5 min", "2 d"."""
    minutes = max(0, span // timedelta(minutes=1))
    if not minutes:
        return "less than a minute"
    days, hours = minutes // 1440, minutes // 60 % 24
    parts = ((days, "d"), (hours, "h"), (0 if days else minutes % 60, "min"))
    return " ".join(f"{count:,} {unit}" for count, unit in parts if count)

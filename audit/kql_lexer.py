"""Kusto's tokens, as far as a guard needs them: what is refused here can mean two things to two readers."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class RefusedQuery(ValueError):
    """The query is not one that we run. `reason` is one sentence, safe to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Kind(StrEnum):
    #: A name, keyword or number; these need not be told apart here.
    WORD = "word"
    STRING = "string"
    #: A literal with parentheses of its own, such as datetime(2026-03-04).
    LITERAL = "literal"
    MARK = "mark"


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def name(self) -> str:
        """The word without regard to case, or "" for what is no word.

        Kusto's own names are case-sensitive, so this refuses a little more than it must.
        """
        return self.text.casefold() if self.kind is Kind.WORD else ""


# Quantifiers are possessive: hostile text costs one pass. `\U` and `\e` are left out on purpose: they
# are errors in the service, and an escape that is none would end the literal somewhere else.
_ESCAPE = r"""\\(?:[\\'"abfnrtv0-7]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})"""
_STRING = rf"""
    [hH]?(?:
        "(?:[^"\\\r\n]|{_ESCAPE})*+"
      | '(?:[^'\\\r\n]|{_ESCAPE})*+'
      | @"(?:[^"\r\n]|"")*+"
      | @'(?:[^'\r\n]|'')*+'
      | @?```(?:(?!```).)*+```
      | @?~~~(?:(?!~~~).)*+~~~
    )"""
_TOKEN = re.compile(
    rf"""
    (?P<space>[\ \t\r\n\f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]++)
  | (?P<comment>//[^\n]*+)
  | (?P<string>{_STRING})
  | (?P<word>in~|\$?[A-Za-z0-9_]++)
  | (?P<mark>\.\.|<=|>=|<>|==|=>|=~|!=|!~|!(?=[a-z])|<(?!\|)|[()\[\]{{}}|.+\-*/%>=:;,])
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBERS = frozenset(("bool", "boolean", "decimal", "double", "int", "int32", "int64", "long", "real"))
_TIMES = frozenset(("date", "datetime", "time", "timespan"))
#: Types whose literals are one token up to the next ")", whatever stands in between.
_LITERAL_TYPES = _NUMBERS | _TIMES | frozenset(("guid", "uniqueid", "uuid"))
_LITERAL = re.compile(
    r"""\((?:(?:[\w.:+\- ]|/(?!/))*+| *+"[\w.:+\- /]*+" *+| *+'[\w.:+\- /]*+' *+)\)""", re.ASCII
)
#: Control, format and separator characters: some readers skip them, some end a line or a word there.
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def tokens(query: str) -> list[Token]:
    """Split a query into its tokens, comments and space left out.

    The rules are those of Microsoft's own TokenParser (npm @kusto/language-service-next), made narrower.
    Raises RefusedQuery for anything else, an unterminated literal among it.
    """
    _refuse_invisible(query)
    found: list[Token] = []
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise RefusedQuery(f"the query has something at position {at} that is not KQL")
        token = _token(query, match)
        if token is not None:
            found.append(token)
        at = match.end() if token is None else token.end
    return found


def _token(query: str, match: re.Match[str]) -> Token | None:
    text, start = match.group(), match.start()
    match match.lastgroup:
        case "space":
            return None
        case "comment":
            # Where a comment ends decides what is query: only an ending that everyone agrees on will do.
            if "\r" in text.removesuffix("\r"):
                raise RefusedQuery("the query has a comment with an unusual line ending")
            return None
        case "string":
            return Token(kind=Kind.STRING, text=text, start=start)
        case "mark":
            return Token(kind=Kind.MARK, text=text, start=start)
        case _:
            return _word(query, text, start)


def _word(query: str, text: str, start: int) -> Token:
    end = start + len(text)
    if text == "in~" and query[end : end + 1] == "~":
        raise RefusedQuery("the query has a ~ that belongs to nothing")
    if text.casefold() in _LITERAL_TYPES and query[end : end + 1] == "(":
        literal = _LITERAL.match(query, end)
        if literal is None:
            raise RefusedQuery(f"the query has a literal of type {text.casefold()} that cannot be read")
        return Token(kind=Kind.LITERAL, text=text + literal.group(), start=start)
    return Token(kind=Kind.WORD, text=text, start=start)


def _refuse_invisible(query: str) -> None:
    for character in set(query) - set("\t\r\n\f"):
        if unicodedata.category(character) in _INVISIBLE:
            raise RefusedQuery(f"the query has the invisible character U+{ord(character):04X}")

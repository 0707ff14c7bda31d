"""What stands between an alert's own query and the workspace: a query that is refused is not run.

It is the third wall, not the first: the identity that asks may read nothing but its workspaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from audit.kql_lexer import Kind, RefusedQuery, Token, tokens

__all__ = ["KEEPS_SHAPE", "RefusedQuery", "Shape", "guard", "shape", "statements", "with_depth"]

_MAX_LENGTH = 20_000
_MAX_NESTING = 60
_CLOSES = {")": "(", "]": "[", "}": "{"}

_STATEMENTS = frozenset(("set", "alias", "declare", "restrict", "pattern"))
#: Reach out of the workspace.
_ELSEWHERE = frozenset(
    ("workspace", "app", "resource", "adx", "arg", "cluster", "database", "graph", "entity_group")
)
#: Reach past the tables that were granted, by a name that may be computed.
_BY_NAME = frozenset(("table", "external_table", "materialized_view", "stored_query_result"))
_CALLS = _ELSEWHERE | _BY_NAME
_WORDS = frozenset(("externaldata", "external_data", "inline_external_table", "__executeandcache"))
_PLUGINS = frozenset(("bag_unpack", "pivot", "narrow", "autocluster", "basket", "diffpatterns"))
#: Operators that leave rows and columns what they were, or only add columns.
KEEPS_SHAPE = frozenset(
    (
        "where",
        "filter",
        "extend",
        "order",
        "sort",
        "take",
        "limit",
        "top",
        "as",
        "parse",
        "parse-where",
        "project-reorder",
        "sample",
        "serialize",
    )
)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a query's rows are made of, as far as its text tells."""

    #: Every name in it that could be a table's; column names are among them.
    names: frozenset[str]
    #: The one table that the rows come from; "" if that is not certain.
    source: str
    #: Whether the columns or rows may be other than the source's.
    reshapes: bool


def guard(query: str) -> str:
    """Return the query so that lines can be put after it: no trailing `;`, comment or `render`.

    It is one tabular statement, with `let` statements before it at most. Raises RefusedQuery for all
    that could ask something else than the workspace's own tables, and for what is not surely KQL.
    """
    if len(query) > _MAX_LENGTH:
        raise RefusedQuery(f"the query is longer than {_MAX_LENGTH} characters")
    found = tokens(query.removeprefix("\ufeff"))
    _check_nesting(found)
    _check_words(found)
    _check_calls(found)
    split = statements(found)
    _check_statements(found, split)
    kept = _without_render(split[-1])
    return query.removeprefix("\ufeff")[found[0].start : kept[-1].end]


def shape(query: str) -> Shape:
    """Tell what the rows of a guarded query are made of. Raises RefusedQuery for what is not KQL."""
    found = tokens(query)
    last = (statements(found) or [[]])[-1]
    names = frozenset(
        t.text for before, t in _with_previous(found) if t.kind is Kind.WORD and before.text != "."
    )
    source = last[0].text if last and last[0].kind is Kind.WORD else ""
    if len(last) > 1 and last[1].text != "|":
        source = ""
    # A name that a `let` gives is no longer the table's.
    if any(a.text == "let" and b.text == source for a, b in pairwise(found)):
        source = ""
    reshapes = any(operator not in KEEPS_SHAPE for operator in _operators(last))
    return Shape(names=names, source=source, reshapes=reshapes or not source)


_NOTHING = Token(kind=Kind.MARK, text="", start=0)


def _with_previous(found: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    return pairwise([_NOTHING, *found])


def _check_nesting(found: Sequence[Token]) -> None:
    """Also what makes appending safe: nothing is open where our lines begin."""
    opened: list[str] = []
    for token in found:
        if token.kind is not Kind.MARK:
            continue
        if token.text in "([{":
            opened.append(token.text)
        elif token.text in _CLOSES and (not opened or opened.pop() != _CLOSES[token.text]):
            raise RefusedQuery("the query closes a bracket that it did not open")
        if len(opened) > _MAX_NESTING:
            raise RefusedQuery(f"the query is nested deeper than {_MAX_NESTING}")
    if opened:
        raise RefusedQuery("the query leaves a bracket open")


def _check_words(found: Sequence[Token]) -> None:
    for at, token in enumerate(found):
        if token.name in _WORDS:
            raise RefusedQuery(f"the query uses {token.name}")
        after = [t.text.casefold() for t in found[at + 1 : at + 3]]
        if token.name == "macro" and after == ["-", "expand"]:
            raise RefusedQuery("the query uses macro-expand")
        if token.name == "inline" and after[:1] and after[0].startswith("external"):
            raise RefusedQuery("the query uses an inline external table")
        if token.name == "evaluate" and (at == 0 or found[at - 1].text != "."):
            _check_plugin(found[at + 1 :])


def _check_plugin(after: Sequence[Token]) -> None:
    """`evaluate [hint = value]* plugin(…)`: the plugin's name is what the first "(" follows."""
    for before, token in _with_previous(after):
        if token.text == "(" and token.kind is Kind.MARK:
            if before.name in _PLUGINS:
                return
            break
    raise RefusedQuery("the query evaluates a plugin that is not on our list")


def _check_calls(found: Sequence[Token]) -> None:
    for at, token in enumerate(found):
        if token.text not in "([" or token.kind is not Kind.MARK or at == 0:
            continue
        before = found[at - 1]
        if token.text == "(" and before.name in _CALLS:
            raise RefusedQuery(f"the query calls {before.name}()")
        if token.text == "[" and before.name == "entity_group":
            raise RefusedQuery("the query uses an entity group")
        # ['workspace']('x') is a call too, and the name may be written in many ways.
        if token.text == "(" and before.text == "]" and _is_quoted_name(found[max(0, at - 3) : at]):
            raise RefusedQuery("the query calls a function by a quoted name")


def _is_quoted_name(bracketed: Sequence[Token]) -> bool:
    return [t.kind for t in bracketed] == [Kind.MARK, Kind.STRING, Kind.MARK] and bracketed[0].text == "["


def statements(found: Sequence[Token]) -> list[list[Token]]:
    """Split at the semicolons outside all brackets; empty statements are left out."""
    split: list[list[Token]] = [[]]
    for depth, token in with_depth(found):
        if token.text == ";" and depth == 0:
            split.append([])
        else:
            split[-1].append(token)
    return [s for s in split if s]


def with_depth(found: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """Yield each token with the number of brackets around it; a bracket counts as inside itself."""
    depth = 0
    for token in found:
        is_mark = token.kind is Kind.MARK
        depth += is_mark and token.text in "([{"
        yield depth, token
        depth -= is_mark and token.text in _CLOSES


def _check_statements(found: Sequence[Token], split: Sequence[Sequence[Token]]) -> None:
    if not split:
        raise RefusedQuery("the query is empty")
    for before, token in _with_previous(found):
        # Functions have statements too, after their "{".
        if before.text not in {"", ";", "{"}:
            continue
        if token.text == ".":
            raise RefusedQuery("the query is a management command")
        if token.name in _STATEMENTS:
            raise RefusedQuery(f"the query has a {token.name} statement")
    *first, last = split
    # Each tabular statement is an answer of its own, and only the last would get our window.
    if any(s[0].text != "let" for s in first) or last[0].text == "let":
        raise RefusedQuery("the query is not one tabular statement after its let statements")


def _operators(statement: Sequence[Token]) -> list[str]:
    """Return the names of the operators of the outermost pipeline, those with hyphens in one piece."""
    names = []
    outer = [t for depth, t in with_depth(statement) if depth == 0]
    for at, token in enumerate(outer):
        if token.text == "|":
            words = [t.text for t in outer[at + 1 : at + 4]]
            names.append("".join(words) if words[1:2] == ["-"] else "".join(words[:1]))
    return names


def _without_render(statement: Sequence[Token]) -> Sequence[Token]:
    """Cut a `render` at the end: it must be the last operator, and it only tells how to draw."""
    if _operators(statement)[-1:] != ["render"]:
        return statement
    pipe = max(at for at, (depth, t) in enumerate(with_depth(statement)) if t.text == "|" and depth == 0)
    if pipe == 0:
        raise RefusedQuery("the query is empty")
    return statement[:pipe]

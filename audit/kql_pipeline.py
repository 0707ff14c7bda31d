"""Reading an alert's own query: where its rows come from, up to where they are rows of a table, and its clock.

Places in the text come from the lexer's tokens; nothing is found by looking for words in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from audit.kql_guard import KEEPS_SHAPE, statements, with_depth
from audit.kql_lexer import Kind, RefusedQuery, Token, tokens

#: Most pipelines that are followed: definitions, tables of unions, and what stands in brackets of its own.
_MOST_PIPELINES = 500
#: A name that is defined stands there, and where it is used.
_ONCE = 2


class Edit(NamedTuple):
    """Put `text` in place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a query's rows come from."""

    #: The tables whose rows these are; empty where that is not certain.
    tables: frozenset[str] = frozenset()
    #: Where lines may be put so that they see all of those rows and nothing else yet; empty where that is not certain.
    places: tuple[int, ...] = ()
    #: Whether each of the places is right behind a table's name, where its columns are still what they were.
    is_at_tables: bool = False
    #: Where brackets must open which close behind the lines of a place: a union's tables.
    opened: tuple[int, ...] = ()
    #: The definitions that `body` may use end here; it is the query's own text from there on.
    head: int = 0
    #: The operators, as far as they leave rows of the tables, from and to.
    body: tuple[int, int] = (0, 0)
    #: The first operator that makes something else of the rows; "" where there is none.
    reshaped_by: str = ""
    #: Columns that operators before that give another meaning.
    assigned: frozenset[str] = frozenset()
    #: Columns by which that operator groups or which it keeps: name -> expression over the rows before it.
    derived: Mapping[str, str] | None = None


class Pipeline:
    """A guarded query. Raises RefusedQuery for what is not KQL."""

    #: The word that its last statement begins with.
    beginning: str
    source: Source

    def __init__(self, query: str) -> None:
        self.text = query
        self.tokens = tokens(query)
        found = statements(self.tokens)
        self._last = found[-1]
        self.beginning = self._last[0].text
        self._words = Counter(token.text for token in self.tokens if token.kind is Kind.WORD)
        self._closes = _partners(self.tokens)
        self._followed = 0
        lets = [s for s in found[:-1] if [t.text for t in s[2:3]] == ["="] and s[3:]]
        #: Where the rows of each definition come from, None until it is reached: it may use those before it alone.
        self._lets: dict[str, Source | None] = {s[1].text: None for s in lets}
        for let in lets:
            self._lets[let[1].text] = self._of(let[3:], let[0].start)
        self.source = self._of(self._last, self._last[0].start)

    def clock_edits(self, now: str) -> list[Edit]:
        """Return what makes `ago()` and `now()` mean the time `now`, a literal."""
        edits = []
        for at, (token, opened) in enumerate(pairwise(self.tokens)):
            is_call = token.text in {"ago", "now"} and token.kind is Kind.WORD and opened.text == "("
            if not is_call or (at and self.tokens[at - 1].text == "."):
                continue
            close = _closing(self.tokens, at + 1)
            if close == at + 2:
                edits.append(Edit(token.start, self.tokens[close].end, now))
                continue
            sign = "-" if token.text == "ago" else "+"
            edits.append(Edit(token.start, opened.end, f"({now} {sign} ("))
            edits.append(Edit(self.tokens[close].start, self.tokens[close].end, "))"))
        return edits

    def window_edits(self, lines: str) -> list[Edit]:
        """Return what puts the lines where all of the source's rows are seen."""
        closed = frozenset(self.source.places[: len(self.source.opened)])
        return [
            *(Edit(start, start, "(") for start in self.source.opened),
            *(
                Edit(place, place, f"\n{lines})" if place in closed else f"\n{lines}\n")
                for place in self.source.places
            ),
        ]

    def edited(self, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> str:
        """Return the text from `start` to `end` with those edits that lie in it."""
        end = len(self.text) if end is None else end
        pieces, at = [], start
        for edit in sorted(edits):
            if start <= edit.start and edit.end <= end:
                pieces += [self.text[at : edit.start], edit.text]
                at = edit.end
        return "".join((*pieces, self.text[at:end]))

    def count(self, name: str) -> int:
        """Return how often a name stands in the query as a word."""
        return self._words[name]

    def free_name(self, name: str) -> str:
        """Return the name, made longer until nothing in the query begins with it."""
        while any(token.text.startswith(name) for token in self.tokens):
            name += "_"
        return name

    def _of(self, pipeline: Sequence[Token], head: int) -> Source:
        """Return where a pipeline's rows come from. Raises RefusedQuery where there are too many to be followed."""
        self._followed += 1
        if self._followed > _MOST_PIPELINES:
            raise RefusedQuery(f"the query joins more than {_MOST_PIPELINES} tables and definitions")
        end = len(pipeline) if self._is_in_brackets(pipeline) else _first_pipe(pipeline)
        first, rest = pipeline[:end], pipeline[end:]
        origin = self._origin(first, head) if first else Source()
        if not origin.tables or origin.reshaped_by:
            return origin
        operators = _split(rest, "|")[1:] if rest else []
        kept = 0
        while kept < len(operators) and _name(operators[kept]) in KEEPS_SHAPE:
            kept += 1
        stop = operators[kept][0].start if kept < len(operators) and operators[kept] else None
        body_end = _pipe_before(rest, stop) if stop is not None else pipeline[-1].end
        return replace(
            origin,
            body=(pipeline[0].start, body_end),
            head=head,
            reshaped_by=_name(operators[kept]) if kept < len(operators) else "",
            assigned=origin.assigned.union(*map(_assigned, operators[:kept])),
            derived=self._derived(operators[kept]) if kept < len(operators) else {},
        )

    def _origin(self, first: Sequence[Token], head: int) -> Source:
        if first[0].name == "union" and len(first) > 1:
            return self._union(first, head)
        if self._is_in_brackets(first):
            return self._inner(first[1:-1], head)
        if first[0].text == "materialize" and self._is_in_brackets(first[1:]):
            return self._inner(first[2:-1], head)
        if len(first) > 1 or first[0].kind is not Kind.WORD:
            return Source()
        name = first[0].text
        if name not in self._lets:
            return Source(tables=frozenset((name,)), places=(first[0].end,), is_at_tables=True)
        found = self._lets[name] or Source()
        # What is defined stands for the same rows, but for what others make of the same definition. Where it
        # reshapes them there is no place behind it: then the others see only the window, too.
        if self.count(name) == _ONCE or found.reshaped_by or not found.tables:
            return found
        return replace(found, places=(first[0].end,), is_at_tables=False, opened=())

    def _inner(self, inner: Sequence[Token], head: int) -> Source:
        return self._of(inner, head) if inner else Source()

    def _is_in_brackets(self, found: Sequence[Token]) -> bool:
        return (
            bool(found[1:]) and found[0].text == "(" and self._closes.get(found[0].start) == found[-1].start
        )

    def _union(self, first: Sequence[Token], head: int) -> Source:
        legs = [leg for leg in _split(_without_options(first[1:]), ",") if leg]
        sources = [self._leg(leg, head) for leg in legs]
        if not sources or not all(s.tables for s in sources) or any(s.reshaped_by for s in sources):
            return Source()
        # Behind the union where it says which table a row is of: brackets would change that.
        named = {
            name.text
            for option, _, name in zip(first, first[1:], first[2:], strict=False)
            if option.name == "withsource"
        }
        behind = bool(named) or not all(s.places for s in sources)
        plain = [leg[0] for leg, s in zip(legs, sources, strict=True) if s.places == (leg[-1].end,)]
        closed = dict.fromkeys(token.end for token in plain)
        inner = tuple(place for s in sources for place in s.places if place not in closed)
        return Source(
            tables=frozenset().union(*(s.tables for s in sources)),
            places=(first[-1].end,) if behind else (*closed, *inner),
            is_at_tables=not behind and all(s.is_at_tables for s in sources),
            opened=() if behind else tuple(token.start for token in plain),
            assigned=frozenset(named).union(*(s.assigned for s in sources)),
        )

    def _leg(self, leg: Sequence[Token], head: int) -> Source:
        if [t.text for t in leg[1:]] == ["*"] and leg[0].text == "AKSAudit":
            return Source(tables=frozenset(("AKSAudit", "AKSAuditAdmin")))
        return self._of(leg, head)

    def _derived(self, operator: Sequence[Token]) -> dict[str, str]:
        """Return what a `summarize … by`, a `project` or a `distinct` calls which expression."""
        operator_name = _name(operator)
        if operator_name not in {"summarize", "project", "distinct"}:
            return {}
        items = operator[1:]
        if operator_name == "summarize":
            by = [n for n, (depth, t) in enumerate(with_depth(operator)) if depth == 0 and t.text == "by"]
            items = operator[by[-1] + 1 :] if by else []
        known: dict[str, str] = {}
        for item in _split(items, ","):
            match item:
                case [name, equals, first, *_] if equals.text == "=" and name.kind is Kind.WORD:
                    known[name.text] = self.text[first.start : item[-1].end]
                case [name] if name.kind is Kind.WORD:
                    known[name.text] = name.text
        return known


def _closing(found: Sequence[Token], opened: int) -> int:
    """Return the place of the bracket that closes the one at `opened`; a guarded query has it."""
    depth = 0
    for at in range(opened, len(found)):
        if found[at].kind is Kind.MARK:
            depth += found[at].text in {"(", "[", "{"}
            depth -= found[at].text in {")", "]", "}"}
        if depth == 0:
            return at
    return len(found) - 1


def _partners(found: Sequence[Token]) -> dict[int, int]:
    """Return where each bracket closes that opens at a place; a guarded query closes all."""
    opened: list[int] = []
    known: dict[int, int] = {}
    for token in found:
        if token.kind is not Kind.MARK:
            continue
        if token.text in {"(", "[", "{"}:
            opened.append(token.start)
        elif token.text in {")", "]", "}"} and opened:
            known[opened.pop()] = token.start
    return known


def _first_pipe(pipeline: Sequence[Token]) -> int:
    for at, (depth, token) in enumerate(with_depth(pipeline)):
        if depth == 0 and token.text == "|":
            return at
    return len(pipeline)


def _pipe_before(rest: Sequence[Token], start: int) -> int:
    return max(token.start for token in rest if token.text == "|" and token.start < start)


def _split(found: Sequence[Token], mark: str) -> list[list[Token]]:
    """Split at a mark outside all brackets."""
    parts: list[list[Token]] = [[]]
    for depth, token in with_depth(found):
        if depth == 0 and token.text == mark and token.kind is Kind.MARK:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _name(operator: Sequence[Token]) -> str:
    """Return an operator's name, one with hyphens in one piece."""
    words = [token.text for token in operator[:3]]
    return "".join(words) if words[1:2] == ["-"] else "".join(words[:1])


def _without_options(found: Sequence[Token]) -> Sequence[Token]:
    """Leave out `kind = outer`, `withsource = T`, `isfuzzy = true`."""
    while found[3:] and found[1].text == "=":
        found = found[3:]
    return found


def _assigned(operator: Sequence[Token]) -> frozenset[str]:
    """Return the columns to which an operator gives a value."""
    name = _name(operator)
    if name in {"parse", "parse-where"}:
        return frozenset(token.text for token in operator[1:] if token.kind is Kind.WORD)
    if name not in {"extend", "as"}:
        return frozenset()
    items = _split(operator[1:], ",")
    return frozenset(
        token.text.strip("\"'")
        for item in items
        for token in item[: next((n for n, t in enumerate(item) if t.text == "="), 0)]
        if token.kind in {Kind.WORD, Kind.STRING}
    )

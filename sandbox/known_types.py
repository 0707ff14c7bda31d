"""What type a column has, told to the translator where it would have DuckDB find out.

The translator knows names, not types: wherever text is asked of a column it writes the whole expression for each type
that the column may have, one inside the other. The column has one of them, but DuckDB binds and optimizes them all,
which takes longer than running the query on few rows. Here a column that is known to be text, or dynamic, is wrapped
in a call that says so; its SQL is the branch that DuckDB would take. What is not known for sure stays as it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeAlias

from duckdb_kql import ir

from sandbox.kusto import AS_HASHED, AS_IS, AS_JOINED, AS_SHOWN

#: Column -> its Kusto type, "" where that is not known. None instead of it: not even the columns are known.
Types: TypeAlias = Mapping[str, str]

_TEXT: Final = "string"
_DYNAMIC: Final = "dynamic"
#: The translator takes what this returns for dynamic; of a value that is, it makes nothing else.
_AS_DYNAMIC: Final = "todynamic"
_RETURN_TEXT: Final = frozenset(
    {
        "extract",
        "hash_md5",
        "hash_sha1",
        "hash_sha256",
        "replace_string",
        "strcat",
        "tolower",
        "tostring",
        "toupper",
    }
)
_RETURN_DYNAMIC: Final = frozenset({"parse_json", "todynamic"})
#: They return one of their arguments, of which these are the ones that count.
_BRANCHES: Final[Mapping[str, Callable[[tuple[ir.Expr, ...]], tuple[ir.Expr, ...]]]] = {
    "iff": lambda given: given[1:],
    "iif": lambda given: given[1:],
    "case": lambda given: (*given[1:-1:2], given[-1]),
}
#: Functions of which the translator takes the first argument as text: a null is "".
_READ_TEXT: Final = frozenset({"isempty", "isnotempty", "split", "strlen", "substring", "tolower", "toupper"})
#: What is called instead where all arguments are text.
_OF_TEXT: Final = {"hash_sha256": AS_HASHED, "strcat": AS_JOINED, "tostring": AS_SHOWN}
#: Operators that compare text, whatever their operands are; each has a negation, and some a twin that minds the case.
_COMPARE_TEXT: Final = frozenset(
    {"=~", "!~", "matches regex"}
    | {
        f"{negated}{name}{cased}"
        for name in ("contains", "has", "startswith", "endswith")
        for negated in ("", "!")
        for cased in ("", "_cs")
    }
)
_EQUAL: Final = frozenset({"==", "!=", "<>"})


def told(query: ir.Query, tables: Mapping[str, Types]) -> ir.Query:
    """Return the query with the types in it of what it reads of `tables`; the given one is not changed."""
    return _query(query, dict(tables))[0]


def _query(query: ir.Query, tables: Mapping[str, Types | None]) -> tuple[ir.Query, Types | None]:
    """Return the query with types, and the types of its answer."""
    tables = dict(tables)
    lets: list[tuple[str, ir.Query | ir.Expr]] = []
    for name, bound in query.lets:
        if isinstance(bound, ir.Query):
            made, tables[name] = _query(bound, tables)
            lets.append((name, made))
        else:
            lets.append((name, bound))
    types, operators = _of_source(query.source, tables), []
    for operator in query.operators:
        stage = _Stage(types, tables)
        operators.append(stage.made(operator))
        types = stage.types
    return dataclasses.replace(query, operators=operators, lets=lets), types


def _of_source(source: ir.Source, tables: Mapping[str, Types | None]) -> Types | None:
    match source:
        case ir.TableRef(database=None, cluster=None):
            return tables.get(source.name)
        case _:
            return None


class _Stage:
    """One operator of a pipeline: what comes in has `types`, and so has, once it is made, what goes out."""

    def __init__(self, types: Types | None, tables: Mapping[str, Types | None]) -> None:
        self.types = types
        self._tables = tables
        #: By identity: the translator computes once what is there as one object.
        self._done: dict[int, Any] = {}

    def made(self, operator: ir.Operator) -> ir.Operator:
        match operator:
            case ir.Where():
                return dataclasses.replace(operator, predicate=self._with(operator.predicate))
            case ir.Extend() | ir.Project():
                made = self._all_named(operator.expressions)
                self._name(operator.expressions, keep=isinstance(operator, ir.Extend))
                return dataclasses.replace(operator, expressions=made)
            case ir.Summarize():
                aggregates, by = self._all_named(operator.aggregates), self._all_named(operator.by)
                self._name((*operator.by, *operator.aggregates), keep=False)
                return dataclasses.replace(operator, aggregates=aggregates, by=by)
            case ir.Union():
                return self._union(operator)
            case ir.Join() | ir.Lookup():
                self.types = None
                return dataclasses.replace(operator, right=_query(operator.right, self._tables)[0])
            case ir.ProjectAway():
                self.types = _left(self.types, operator.columns)
                return operator
            case ir.Take() | ir.Sort() | ir.Top():
                return operator
            case _:
                self.types = None
                return operator

    def _union(self, operator: ir.Union) -> ir.Union:
        branches = [_query(branch, self._tables) for branch in operator.branches]
        self.types = (
            None if operator.with_source else _together([self.types, *(types for _, types in branches)])
        )
        return dataclasses.replace(operator, branches=tuple(branch for branch, _ in branches))

    def _all_named(self, expressions: Collection[ir.NamedExpr]) -> tuple[ir.NamedExpr, ...]:
        # What has no name gets one after what it is: that must stay.
        return tuple(
            named if named.name is None else dataclasses.replace(named, expr=self._with(named.expr))
            for named in expressions
        )

    def _name(self, expressions: Collection[ir.NamedExpr], *, keep: bool) -> None:
        """Go on to the types of the columns that the operator makes."""
        names = [_name_of(named) for named in expressions]
        if self.types is None or None in names:
            self.types = None
            return
        made = {name: self._type(named.expr) for name, named in zip(names, expressions, strict=True) if name}
        self.types = _told_apart({**self.types, **made} if keep else made)

    def _type(self, node: ir.Expr) -> str:
        match node:
            case ir.Literal(value=str(), kind="string"):
                return _TEXT
            case ir.ColumnRef():
                return (self.types or {}).get(node.name, "")
            case ir.FunctionCall(name=name) if name in _RETURN_TEXT:
                # With a fourth argument, extract returns that type.
                return _TEXT if name != "extract" or len(node.args) == 3 else ""  # noqa: PLR2004
            case ir.FunctionCall(name=name) if name in _RETURN_DYNAMIC:
                return _DYNAMIC
            case ir.FunctionCall(name=name) if name in _BRANCHES and node.args:
                found = {self._type(branch) for branch in _BRANCHES[name](node.args)}
                return found.pop() if len(found) == 1 else ""
            case _:
                return ""

    def _with(self, node: Any) -> Any:
        """Return a part of an expression with the types in it."""
        if id(node) not in self._done:
            self._done[id(node)] = self._rewritten(node)
        return self._done[id(node)]

    def _rewritten(self, node: Any) -> Any:
        if isinstance(node, tuple):
            made = tuple(self._with(item) for item in node)
            return made if any(new is not old for new, old in zip(made, node, strict=True)) else node
        if isinstance(node, ir.Query):
            return _query(node, self._tables)[0]
        if not isinstance(node, ir.Node) or isinstance(node, ir.LetRef):
            return node
        parts = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}  # type: ignore[arg-type]  # every node is a dataclass
        changed = {name: made for name, part in parts.items() if (made := self._with(part)) is not part}
        changed |= self._operands(node)
        return self._called(node, dataclasses.replace(node, **changed) if changed else node)  # type: ignore[type-var]  # as above

    def _operands(self, node: ir.Node) -> dict[str, Any]:
        """Return the operands of a comparison of text which are columns of known type."""
        match node:
            case ir.BinaryOp() if node.op in _COMPARE_TEXT or node.op in _EQUAL:
                operands, reads = {"left": node.left, "right": node.right}, node.op in _COMPARE_TEXT
                reads = reads or any(isinstance(o, ir.Literal) and o.kind == _TEXT for o in operands.values())
            case ir.InList(subquery=None):
                operands = {"value": node.value}
                reads = any(isinstance(item, ir.Literal) and item.kind == _TEXT for item in node.items)
            case ir.HasList(subquery=None):
                operands, reads = {"value": node.value}, True
            case _:
                return {}
        if not reads:
            return {}
        found = {name: self._wrapped(part, AS_IS) for name, part in operands.items()}
        return {name: made for name, made in found.items() if made is not None}

    def _wrapped(self, node: ir.Expr, of_text: str) -> ir.Expr | None:
        """Return a column with its type, text by the call of `of_text`; None where it has none, or is no column."""
        if not isinstance(node, ir.ColumnRef):
            return None
        call = {_TEXT: of_text, _DYNAMIC: _AS_DYNAMIC}.get(self._type(node))
        return ir.FunctionCall(call, (node,)) if call else None

    def _called(self, node: ir.Node, made: ir.Node) -> ir.Node:
        """Return a call (`made` of `node`, with types in it) as one that needs no types found out, if there is one."""
        if not isinstance(node, ir.FunctionCall) or not isinstance(made, ir.FunctionCall) or not node.args:
            return made
        if node.name in _OF_TEXT and all(self._type(given) == _TEXT for given in node.args):
            return ir.FunctionCall(_OF_TEXT[node.name], made.args)
        if node.name in _READ_TEXT and (first := self._wrapped(node.args[0], AS_SHOWN)):
            # A dynamic value must still be shown: it is where the translator sees what it is.
            return dataclasses.replace(made, args=(first, *made.args[1:]))
        if node.name == "tostring" and (first := self._wrapped(node.args[0], AS_IS)):
            return dataclasses.replace(made, args=(first,))
        return made


def _name_of(named: ir.NamedExpr) -> str | None:
    if named.name is not None:
        return named.name
    return named.expr.name if isinstance(named.expr, ir.ColumnRef) else None


def _left(types: Types | None, away: Collection[str]) -> Types | None:
    # The translator refuses patterns.
    return None if types is None else {name: kind for name, kind in types.items() if name not in away}


def _together(branches: Collection[Types | None]) -> Types | None:
    """Return the types of the branches' rows in one: where two differ, it is not known."""
    types: dict[str, str] = {}
    for branch in branches:
        if branch is None:
            return None
        for name, kind in branch.items():
            types[name] = kind if types.get(name, kind) == kind else ""
    return _told_apart(types)


def _told_apart(types: Types) -> Types | None:
    """Return the types, if DuckDB, which minds no case, takes no two of the columns for one."""
    return types if len({name.casefold() for name in types}) == len(types) else None

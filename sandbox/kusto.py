"""Functions of Kusto that the translator lacks, or has otherwise than Kusto, or writes at length: in its registries.

The registries are duckdb-kql's own and private, which is why it is pinned exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from duckdb_kql.translate import functions

#: The hidden column that `ingestion_time()` reads: https://learn.microsoft.com/kusto/query/ingestion-time-function.
INGESTED: Final = "$IngestionTime"

#: Calls that sandbox.known_types writes, of arguments that are text. With a space no query can call them.
AS_IS: Final = "as is"
AS_SHOWN: Final = "as shown"
AS_JOINED: Final = "as joined"
AS_HASHED: Final = "as hashed"

#: Addresses that are routed on nobody's internet: https://learn.microsoft.com/kusto/query/ipv4-is-private-function.
_PRIVATE: Final = "^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)"
_ADDRESS: Final = "^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+(/[0-9]+)?$"
_KEYS: Final = "CASE WHEN json_type({0}) = 'OBJECT' THEN to_json(json_keys({0})) END"
_LIST_IF: Final = "coalesce(list({0}) FILTER (WHERE {1} AND {0} IS NOT NULL), [])"
_SET_IF: Final = "coalesce(list(DISTINCT {0}) FILTER (WHERE {1} AND {0} IS NOT NULL), [])"

#: As many arguments as there are: `{}` stands for all.
_ANY: Final = -1
#: name -> (SQL, how many arguments).
_SCALARS: Final = {
    "ingestion_time": (f'"{INGESTED}"', 0),
    "strcmp": ("CASE WHEN {0} < {1} THEN -1 WHEN {0} > {1} THEN 1 ELSE 0 END", 2),
    # Bytes of UTF-8, where strlen counts characters.
    "string_size": ("CAST(strlen({0}) AS BIGINT)", 1),
    "ipv4_is_private": (
        f"CASE WHEN regexp_matches({{0}}, '{_ADDRESS}') THEN regexp_matches({{0}}, '{_PRIVATE}') END",
        1,
    ),
    "bag_keys": (_KEYS, 1),
    "bag_has_key": ("coalesce(json_type({0}) = 'OBJECT' AND list_contains(json_keys({0}), {1}), FALSE)", 2),
    "url_decode": ("url_decode({0})", 1),
    # The translator gives the argument as text already, and many times as long: once is enough.
    "isempty": ("(coalesce({0}, '') = '')", 1),
    "isnotempty": ("(coalesce({0}, '') <> '')", 1),
    AS_IS: ("{0}", 1),
    AS_SHOWN: ("coalesce({0}, '')", 1),
    # Kusto's hash of nothing is nothing.
    AS_HASHED: ("coalesce(sha256(nullif({0}, '')), '')", 1),
    AS_JOINED: ("concat({})", _ANY),
}
#: name -> (SQL, how many arguments, the prefix of the column that it makes).
_AGGREGATES: Final = {
    "count_distinct": ("count(DISTINCT {0})", 1, "count_distinct"),
    "count_distinctif": ("count(DISTINCT {0}) FILTER (WHERE {1})", 2, "count_distinctif"),
    "minif": ("min({0}) FILTER (WHERE {1})", 2, "minif"),
    "maxif": ("max({0}) FILTER (WHERE {1})", 2, "maxif"),
    "take_anyif": ("any_value({0}) FILTER (WHERE {1})", 2, "take_anyif"),
    "make_list_if": (_LIST_IF, 2, "list"),
    "make_set_if": (_SET_IF, 2, "set"),
}


@dataclass(frozen=True)
class _Capped(functions.AggregateSpec):
    """make_list and make_set with their second argument, the most items, which the translator passes over."""

    #: How many arguments come before the limit.
    before: int = 1

    def render(self, args: list[str]) -> str:
        made = str(functions.AggregateSpec.render(self, args))
        if len(args) == self.before:
            return made
        limit = f"CAST({args[self.before]} AS BIGINT)"
        if made.startswith("to_json("):
            return f"to_json(list_slice(CAST({made} AS JSON[]), 1, {limit}))"
        return f"list_slice({made}, 1, {limit})"


def register() -> None:
    """Teach the translator all of it. Doing it again changes nothing."""
    for name, (sql, arguments) in _SCALARS.items():
        functions.SCALAR_FUNCTIONS[name] = functions.FunctionSpec(
            name, "template", sql, () if arguments == _ANY else (arguments,)
        )
    for name, (sql, arguments, prefix) in _AGGREGATES.items():
        arities = (arguments, arguments + 1) if name.startswith("make_") else (arguments,)
        made = _Capped(name, sql, arities, name_prefix=prefix, before=arguments)
        functions.AGGREGATE_FUNCTIONS[name] = made
    for name in ("make_list", "make_set"):
        known = functions.AGGREGATE_FUNCTIONS[name]
        functions.AGGREGATE_FUNCTIONS[name] = _Capped(
            name, known.template, (1, 2), name_prefix=known.name_prefix, rules=known.rules
        )

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import duckdb
import pytest
from duckdb_kql import KqlError, ir, translate

from sandbox.engine import Engine
from sandbox.known_types import Types, told
from sandbox.kql_guard import parsed
from sandbox.kusto import AS_HASHED, AS_IS, AS_JOINED, AS_SHOWN, register
from tests.fakes import FakeClock
from tests.sandbox.engine_stage import refusal

#: Two tables whose columns of one name differ in type.
TABLES: Final[dict[str, Types]] = {
    "T": {"Text": "string", "Bag": "dynamic", "At": "datetime", "Size": "real"},
    "U": {"Text": "dynamic", "Other": "string"},
}
ROWS: Final = (
    """CREATE TABLE T ("Text" VARCHAR, "Bag" JSON, "At" TIMESTAMP, "Size" DOUBLE)""",
    """CREATE TABLE U ("Text" JSON, "Other" VARCHAR)""",
    """INSERT INTO T VALUES
        ('core dns', '"core dns"', '2024-05-14 09:00:00', 1.5), ('', 'null', NULL, NULL), (NULL, NULL, NULL, 'nan'),
        ('"core dns"', '{"a":"core dns"}', '2024-05-14 09:00:00.5', -0.0), ('null', '["core dns", 1]', NULL, 2)""",
    """INSERT INTO U VALUES ('"core dns"', 'x'), ('null', ''), (NULL, NULL), ('{"a":1}', 'core dns')""",
)
#: Expressions of T's columns, and of U's, which have the same names.
ASKED: Final = (
    'Text has "dns"',
    'Bag has "dns"',
    'Bag has_any ("dns", "x")',
    'Text !has "dns"',
    'Text =~ "CORE DNS"',
    'Bag !contains "core"',
    "Text startswith_cs Bag",
    'Bag == "core dns"',
    'Text != "core dns"',
    'Text == ""',
    'Bag in ("core dns", "null")',
    'Text !in ("core dns", "")',
    'Bag in~ ("CORE dns")',
    'Text matches regex "^c"',
    "isempty(Text)",
    "isnotempty(Bag)",
    "tostring(Text)",
    "tostring(Bag)",
    "tostring(Bag.a)",
    "strlen(Bag)",
    "toupper(Text)",
    "substring(Bag, 1, 3)",
    'tostring(split(Text, " ")[0])',
    'strcat(Text, "-", Text)',
    "strcat(Text, Bag)",
    "hash_sha256(Text)",
    "hash_sha256(Bag)",
    'iff(Text == "", "none", Text)',
    'case(Bag has "dns", "a", Text has "null", "b", "")',
    'extract("o(.)", 1, tostring(Text))',
    "tostring(pack_array(Text, Bag))",
)
#: Pipelines in which a name changes its type, or may.
PIPELINES: Final = (
    'T | extend Text = Bag | where Text has "dns" | project Text',
    'T | project Bag = Text, Text = Bag | where Text has "dns" or Bag == "" | project Bag, Text',
    'T | extend Text = parse_json(Text) | where Text == "core dns" | count',
    'T | extend text = Bag | where Text has "dns" or text has "dns" | count',
    "T | union U | where Text has 'dns' | count",
    "T | union (U | project Text = Other) | where Text has 'dns' | project Text",
    "U | union (T | project Text = tostring(Bag)) | where Text == 'core dns' | count",
    "let T = U; T | where Text has 'dns' | project Text",
    "let V = T | project Bag = Text; V | where Bag == 'core dns' | project Bag",
    "let Dns = 'core dns'; T | where Text == Dns | project Bag",
    "let Text = 'x'; T | where Text == 'core dns' | project Bag",
    "T | join kind=inner (U | where Text has 'dns' | project Text = Other) on Text | count",
    "T | join kind=leftouter (U | project Other) on $left.Text == $right.Other | where Other == '' | count",
    "T | mv-expand Bag | where Bag has 'dns' | project Bag",
    "T | mv-expand Text = Bag | where Text has 'dns' | project Text",
    "T | summarize Text = make_set(Text) | where Text has 'dns' | count",
    "T | summarize n = countif(Text has 'dns') by Bag = tostring(Bag) | where Bag has 'dns' | project n",
    "T | summarize arg_max(Size, *) by Text | where Bag has 'dns' or Text has 'dns' | count",
    "T | summarize max(Text), strcat('a', 'b') | count",
    "T | project strlen(Text), Bag | where Bag has 'dns'",
    "T | project-away Text | extend Text = Bag | where Text has 'dns' | count",
    "T | project-rename Was = Text, Text = Bag | where Text has 'dns' | count",
    "T | where Text in ((U | where Text has 'dns' | project tostring(Text))) | count",
    "T | extend n = toscalar(U | where Other has 'dns' | summarize countif(Other has 'dns')) | project n",
    "T | distinct Text | where Text has 'dns'",
    "T | getschema | project ColumnName, ColumnType",
    "T | extend Shown = tostring(Text), Size = tostring(Size) | where Size has '1' | getschema | project ColumnType",
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    register()
    with duckdb.connect(":memory:") as connection:
        for statement in ("SET TimeZone='UTC'", *ROWS):
            connection.execute(statement)
        yield connection


def sql_of(query: ir.Query) -> str:
    return str(translate.to_sql(query, {table: list(columns) for table, columns in TABLES.items()}))


def answer(connection: duckdb.DuckDBPyConnection, query: ir.Query) -> tuple[Any, ...]:
    """Return what the query answers, or how it fails."""
    try:
        found = connection.execute(sql_of(query))
    except (duckdb.Error, KqlError) as error:
        return (type(error),)
    columns = [column[:2] for column in found.description or ()]
    return str(columns), sorted(map(repr, found.fetchall()))


@pytest.mark.parametrize("table", ["T", "U | extend Bag = Other"])
@pytest.mark.parametrize("asked", ASKED)
def test_an_expression_has_the_same_value_as_without_types(
    connection: duckdb.DuckDBPyConnection, table: str, asked: str
) -> None:
    query = parsed(f"{table} | extend Value = {asked} | project Text, Bag, Value")
    assert answer(connection, told(query, TABLES)) == answer(connection, query)


@pytest.mark.parametrize("kql", PIPELINES)
def test_a_query_has_the_same_answer_as_without_types(
    connection: duckdb.DuckDBPyConnection, kql: str
) -> None:
    query = parsed(kql)
    assert answer(connection, told(query, TABLES)) == answer(connection, query)


@pytest.mark.parametrize(
    "kql",
    [
        'T | where Text has "dns" and Bag has "dns"',
        'T | where Text == "a" or isempty(Text) or Text in ("a", "b")',
        "T | project Shown = tostring(Text) | where Shown has 'dns' | extend Sum = hash_sha256(strcat(Shown, 'a'))",
        "T | extend Kind = iff(Text == '', 'none', Text) | where Kind has 'dns'",
        "let V = T | where Size > 1; V | union (V | project Text) | where Text has 'dns'",
    ],
)
def test_where_types_are_known_none_is_asked_for(kql: str) -> None:
    register()
    query = parsed(kql)
    assert "typeof" in sql_of(query)
    assert "typeof" not in sql_of(told(query, TABLES))


def test_the_query_that_was_given_is_not_changed() -> None:
    kql = 'let V = T; V | where Text has "dns" | union (T | where Bag has "dns")'
    query, before = parsed(kql), repr(vars(parsed(kql)))
    told(query, TABLES)
    assert repr(vars(query)) == before


def test_what_is_repeated_a_thousand_times_is_told_once() -> None:
    lets = ["let a0 = strcat('x', 'y');", *(f"let a{n} = strcat(a{n - 1}, a{n - 1});" for n in range(1, 18))]
    query = parsed("\n".join([*lets, "T | where Text has 'x' | extend Long = a17 | take 1 | project Text"]))
    assert "typeof" not in repr(told(query, {}))


@pytest.mark.parametrize("written", ["{}('x')", "['{}']('x')", '["{}"]("x")', "`{}`('x')"])
@pytest.mark.parametrize("name", [AS_IS, AS_SHOWN, AS_JOINED, AS_HASHED])
async def test_no_query_can_name_the_calls_that_tell_types(name: str, written: str) -> None:
    engine = Engine(FakeClock())
    assert (await refusal(engine, f"print {written.format(name)}")).code in {"SYN0002", "EMU0001"}
    engine.close()

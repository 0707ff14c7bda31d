from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import duckdb
import pytest

from sandbox.engine import BadQuery, Engine, Limits, TimedOut
from tests.fakes import FakeClock
from tests.sandbox.engine_stage import event, refusal, rows, values


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> Iterator[Engine]:
    engine = Engine(clock, Limits(range_values=1000))
    yield engine
    engine.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    for name in ("secret.csv", "secret.json", "secret.parquet", "secret.txt"):
        path = tmp_path / name
        if path.suffix == ".parquet":
            duckdb.execute(f"COPY (SELECT 'hunter2' AS word) TO '{path}' (FORMAT parquet)")
        elif path.suffix == ".json":
            path.write_text('[{"word":"hunter2"}]')
        else:
            with path.open("w") as file:
                csv.writer(file).writerows([["word"], ["hunter2"]])
    return tmp_path


@pytest.mark.parametrize("name", ["secret.csv", "secret.json", "secret.parquet", "secret.txt", "*.csv"])
@pytest.mark.parametrize(
    "query",
    [
        "['{path}'] | take 1",
        '["{path}"]',
        "union isfuzzy=true ['{path}'], AKSAudit | count",
        "union ['{path}'], AKSAudit",
        "AKSAudit | join kind=inner (['{path}']) on $left.AuditId == $right.word",
        "AKSAudit | where AuditId in ((['{path}'] | project word))",
        "print toscalar(['{path}'] | project word)",
        "let x = ['{path}']; x | take 1",
        "let f = () {{ ['{path}'] }}; f()",
        "externaldata(word:string) [@'{path}']",
        "database('{path}').T",
        "['file://{path}'] | take 1",
        "[\"read_text('{path}')\"] | take 1",
    ],
)
async def test_no_file_can_be_read(engine: Engine, secret: Path, name: str, query: str) -> None:
    try:
        said = str((await engine.ask(query.format(path=secret / name))).rows)
    except BadQuery as error:
        said = str(error)
    assert "hunter2" not in said
    # A fuzzy union leaves the file out, and counts nothing.
    assert said == "[(0,)]" or "isfuzzy" not in query


async def test_the_lock_holds_even_without_the_guard(engine: Engine, secret: Path) -> None:
    cursor = engine._connection.cursor()
    leak = duckdb.sql("SELECT 'hunter2' AS word")
    assert leak
    for sql in (
        f"SELECT * FROM '{secret / 'secret.csv'}'",
        "SELECT * FROM leak",
        "SET enable_external_access=true",
    ):
        with pytest.raises(duckdb.Error):
            cursor.execute(sql)


async def test_no_variable_of_the_program_can_be_read(engine: Engine) -> None:
    leak = duckdb.sql("SELECT 'hunter2' AS word")
    assert leak
    for name in ("leak", "engine", "self", "kql", "rows"):
        assert (await refusal(engine, f"{name} | take 1")).code in {"SEM0100", "SYN0002"}


@pytest.mark.parametrize(
    "query",
    [
        'database("memory").AzureDiagnostics | count',
        'union AKSAudit, database("memory").AzureDiagnostics | count',
        'union database("memory").*',
        'let t = database("memory").AzureDiagnostics; t | count',
        'AKSAudit | extend n = toscalar(database("memory").AzureDiagnostics | count)',
        'AKSAudit | where AuditId in ((database("memory").AzureDiagnostics | project log_s))',
        'AKSAudit | join (database("memory").AzureDiagnostics) on $left.AuditId == $right.log_s',
        'cluster("x").database("memory").AzureDiagnostics | count',
        'macro-expand entity_group [database("memory")] as X (X.AzureDiagnostics) | count',
        'union isfuzzy=true database("memory").AzureDiagnostics, AKSAudit | count',
    ],
)
async def test_no_other_database_can_be_named(engine: Engine, query: str) -> None:
    assert (await refusal(engine, query)).code in {"EMU0003", "EMU0001", "SEM0100"}


@pytest.mark.parametrize(
    "query",
    [
        ".show tables",
        "// harmless\n.show tables",
        " \n .drop table AKSAudit",
        ".set-or-replace AKSAudit <| print 1",
        ".create table X (a:string)",
        ".show tables | union AKSAudit",
        "AKSAudit; .show tables",
    ],
)
async def test_no_command_is_run(engine: Engine, query: str) -> None:
    engine.ingest(rows({"AuditId": "1", "Verb": "get"}))
    await refusal(engine, query)
    assert await values(engine, "AKSAudit | count") == [1]


@pytest.mark.parametrize(
    "table", ["Perf", "duckdb_tables", "information_schema", "sqlite_master", "aksaudit"]
)
async def test_a_table_that_is_not_there_is_named(engine: Engine, table: str) -> None:
    error = await refusal(engine, f"{table} | count")
    assert (error.kind, error.code) == ("SemanticError", "SEM0100")
    assert table in str(error)


async def test_a_missing_table_is_left_out_of_a_fuzzy_union_only(engine: Engine) -> None:
    engine.ingest(rows(event()))
    fuzzy = "union isfuzzy=true (duckdb_tables | take 9), (AzureDiagnostics | take 9) | count"
    assert await values(engine, fuzzy) == [1]
    assert (await refusal(engine, fuzzy.replace("isfuzzy=true", ""))).code == "SEM0100"
    assert (await refusal(engine, "AKSAudit | union isfuzzy=true (AKSAudit | union Perf)")).code == "SEM0100"


@pytest.mark.parametrize(
    "query",
    [
        "range x from 1 to 3000000000 step 1 | count",
        "range x from 3000000000 to 1 step -1 | count",
        "range x from 1 to 9223372036854775807 step 1 | count",
        "range t from ago(1000d) to now() step 1ms | count",
        "let n = 3000000000; range x from 1 to n step 1 | count",
        "AKSAudit | extend n = toscalar(range x from 1 to 3000000000 step 1 | count)",
        "range x from 1 to toscalar(range y from 1 to 3000000000 step 1 | count) step 1",
        "range x from 1 to toscalar(AKSAudit | count) step 1",
        "union (range x from 1 to 3000000000 step 1), AKSAudit | count",
        "range x from 1 to 10 step 0",
        "range x from 1 to 10 step 0.5",
        "range x from 1 to now() step 1",
        'print strrep("x", 3000000000)',
        'AKSAudit | extend x = strrep("x", strlen(AuditId) * 1000000)',
    ],
)
async def test_what_would_grow_without_bounds_is_refused_at_once(engine: Engine, query: str) -> None:
    started = perf_counter()
    assert (await refusal(engine, query)).code in {"EMU0003", "EMU0001", "EMU0002"}
    assert perf_counter() - started < 5


async def test_a_range_within_bounds_is_fine(engine: Engine) -> None:
    assert await values(engine, "range x from 1 to 1000 step 1 | count") == [1000]
    assert len(await values(engine, "range t from ago(1h) to now() step 10m")) == 7
    assert await values(engine, 'print strrep("ab", 2)') == ["abab"]


async def test_a_long_query_is_stopped_in_time(engine: Engine) -> None:
    engine.ingest(rows(*(event(str(n)) for n in range(500))))
    join = " | join kind=inner (AzureDiagnostics) on Category" * 6
    started = perf_counter()
    with pytest.raises(TimedOut):
        await engine.ask(f"AzureDiagnostics{join} | count", seconds=0.3)
    assert perf_counter() - started < 5
    assert await values(engine, "AzureDiagnostics | count") == [500]


async def test_a_query_that_nobody_waits_for_is_stopped(clock: FakeClock) -> None:
    engine = Engine(clock, Limits(concurrent=1))
    engine.ingest(rows(*(event(str(n)) for n in range(500))))
    join = " | join kind=inner (AzureDiagnostics) on Category" * 6
    asking = asyncio.create_task(engine.ask(f"AzureDiagnostics{join} | count"))
    await asyncio.sleep(0.2)
    asking.cancel()
    # There is one thread, so an answer here proves that it is free again.
    assert await values(engine, "AzureDiagnostics | count", seconds=5) == [500]
    engine.close()


async def test_closing_stops_what_runs(clock: FakeClock) -> None:
    engine = Engine(clock)
    engine.ingest(rows(*(event(str(n)) for n in range(500))))
    join = " | join kind=inner (AzureDiagnostics) on Category" * 6
    asking = asyncio.create_task(engine.ask(f"AzureDiagnostics{join} | count"))
    await asyncio.sleep(0.2)
    started = perf_counter()
    engine.close()
    assert perf_counter() - started < 5
    with pytest.raises(TimedOut):
        await asking


async def test_rows_beyond_the_limit_are_cut_and_said_to_be(clock: FakeClock) -> None:
    engine = Engine(clock, Limits(rows=3))
    cut = await engine.ask("range x from 1 to 4 step 1")
    whole = await engine.ask("range x from 1 to 3 step 1")
    assert (len(cut.rows), cut.cut) == (3, True)
    assert (len(whole.rows), whole.cut) == (3, False)
    engine.close()


@pytest.mark.parametrize(
    ("query", "kind", "code"),
    [
        ("AKSAudit | whre x", "SyntaxError", "SYN0002"),
        ("", "SyntaxError", "SYN0002"),
        ("AKSAudit |", "SyntaxError", "SYN0002"),
        ('AKSAudit | where Verb == "', "SyntaxError", "SYN0002"),
        (f"print {'(' * 3000}1{')' * 3000}", "SyntaxError", "SYN0002"),
        ("AKSAudit | where Nope == 1", "SemanticError", "SEM0100"),
        ("AKSAudit | extend n = row_number()", "SemanticError", "EMU0001"),
        ("AKSAudit; AKSAudit", "SemanticError", "EMU0001"),
    ],
)
async def test_a_query_that_is_wrong_is_told_from_a_gap_of_the_stand_in(
    engine: Engine, query: str, kind: str, code: str
) -> None:
    error = await refusal(engine, query)
    assert (error.kind, error.code) == (kind, code)
    assert 0 < len(str(error)) <= 300

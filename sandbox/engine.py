"""Kusto's language over rows in memory: DuckDB, with duckdb-kql as the translator, and locked down.

A query can read the tables of `sandbox.tables` and nothing else: no file, no Python variable, no other
database, and not for longer or bigger than the limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from time import sleep
from typing import Any, Final

import duckdb
import duckdb_kql
from duckdb_kql import ir, translate, types

from audit.filter import Window
from sandbox.known_types import told
from sandbox.kql_guard import Refused, calls, check, parsed, tables_read
from sandbox.kusto import INGESTED, register
from sandbox.moments import put_back, taken_out
from sandbox.run import Clock
from sandbox.storage import Scope, create, insert, naive, views
from sandbox.tables import COMPUTED, TABLES, Rows

#: Seconds between two interrupts.
_PAUSE: Final = 0.05
_SETTINGS: Final = (
    "SET TimeZone='UTC'",
    "SET temp_directory=''",
    # Without the next two a table name can be a file's path, or a variable of this program.
    "SET enable_external_access=false",
    "SET python_enable_replacements=false",
)
_TYPES: Final = {**TABLES, **COMPUTED}
#: What a translator of this age raises, besides its own errors, on input that nobody tried before.
_TRANSLATOR_BUGS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of the workspace, by default Azure Monitor's own.

    https://learn.microsoft.com/azure/azure-monitor/service-limits#log-queries-and-language
    """

    rows: int = 500_000
    #: Of an answer's rows as JSON.
    bytes: int = 64_000_000
    #: How many queries run at once; the others wait.
    concurrent: int = 5
    #: Not Azure's: DuckDB builds a `range` in memory before it looks at its own limit.
    range_values: int = 1_000_000
    #: Not Azure's: DuckDB's memory_limit.
    memory: str = "1GB"


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    #: Kusto's name of the type; "dynamic" values are JSON text or plain lists.
    type: str
    #: The items of such a list are JSON text themselves.
    json_items: bool = False


@dataclass(frozen=True, kw_only=True)
class Result:
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    #: The row limit cut the rest off.
    cut: bool


class BadQuery(Exception):
    """The query cannot be run; `kind` and `code` as in the service's `innererror`.

    EMU… codes are the stand-in's own: EMU0001 a gap of the translator, EMU0002 a failure of DuckDB,
    EMU0003 refused here.
    """

    def __init__(self, kind: str, code: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code


class TimedOut(Exception):
    """The query did not end in the time it was given, and was stopped."""


class Engine:
    """One in-memory database. `ask` may be called at any time, `ingest` too."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self._clock = clock
        self.limits = limits or Limits()
        self._connection = duckdb.connect(":memory:", config={"memory_limit": self.limits.memory})
        self._ingesting = threading.Lock()
        self._running: set[_Run] = set()
        self._pool = ThreadPoolExecutor(self.limits.concurrent, thread_name_prefix="workspace")
        register()
        create(self._connection)
        for setting in _SETTINGS:
            self._connection.execute(setting)
        self._connection.execute("SET lock_configuration=true")

    def close(self) -> None:
        """End; what still runs is stopped."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        while self._running:
            for run in tuple(self._running):
                run.interrupt()
            sleep(_PAUSE)
        self._connection.close()

    def ingest(self, rows: Rows) -> int:
        """Add rows and return how many; all of them or, when it raises, none. Blocks; use a thread for large files."""
        with self._ingesting, self._connection.cursor() as cursor:
            cursor.execute("BEGIN")
            now = self._clock.now()
            for table, new in rows.tables.items():
                insert(cursor, table, new, now)
            cursor.execute("COMMIT")
        return len(rows)

    async def ask(
        self,
        kql: str,
        *,
        window: Window | None = None,
        resource: str = "",
        seconds: float = 180,
        without: Collection[str] = (),
    ) -> Result:
        """Run a query on the rows within `window` (None: on all; both edges belong to it) that have arrived.

        `resource` narrows to the rows of that resource id and of what lies below it; `without` are tables
        that are as good as not there. Raises BadQuery and TimedOut.
        """
        run = _Run(self._connection.cursor())
        scope = Scope(now=self._clock.now(), window=window, resource=resource, without=without)
        work = partial(self._answer, run, kql, scope)
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._through, run, work)
        try:
            done, _ = await asyncio.wait({future}, timeout=seconds)
        finally:
            if not future.done():
                future.cancel()
                run.stop()
        if not done:
            raise TimedOut
        return future.result()

    def _through(self, run: _Run, work: Callable[[], Result]) -> Result:
        self._running.add(run)
        try:
            return work()
        finally:
            run.finish()
            self._running.discard(run)

    def _answer(self, run: _Run, kql: str, scope: Scope) -> Result:
        now = naive(scope.now)
        plain, times = taken_out(kql)
        with _errors():
            scope = replace(scope, ingestion_time=calls(plain, "ingestion_time"))
            for view in views(scope, of=tables_read(plain, scope.schema)):
                run.execute(view)
            with translate.clock(now):
                check(plain, scope.schema, partial(self._check_range, run, now, scope))
            sql, parameters = _sql(kql, plain, times, now, scope)
            run.execute(sql, parameters)
            result = _result(run.cursor, self.limits.rows)
        return result if not scope.ingestion_time else _without(result, INGESTED)

    def _check_range(self, run: _Run, now: datetime, scope: Scope, source: ir.RangeSource) -> None:
        bounds = tuple(ir.NamedExpr(bound) for bound in (source.start, source.stop, source.step))
        with translate.clock(now) as clock:
            sql = translate.to_sql(ir.Query(ir.PrintSource(bounds)), scope.schema)
        run.execute(str(sql), {translate.CLOCK_SLOT: clock.moment} if clock.used else {})
        start, stop, step = run.cursor.fetchone() or (None, None, None)
        if any(isinstance(bound, float) for bound in (start, stop, step)):
            # The translator would round them, and answer nothing for a step of a half.
            raise Refused("range: fractions are not supported by the stand-in")
        try:
            count = (stop - start) / step
        except (TypeError, ZeroDivisionError):
            raise Refused("range: the bounds and the step do not fit together") from None
        if count >= self.limits.range_values:
            raise Refused(f"range: more than {self.limits.range_values} values")


def _moment(kql: str, now: datetime) -> datetime | None:
    return now if calls(kql, "now") or calls(kql, "ago") else None


def _hashable(schema: Mapping[str, Sequence[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((table, tuple(columns)) for table, columns in schema.items())


def _sql(
    kql: str, plain: str, times: Mapping[str, str], now: datetime, scope: Scope
) -> tuple[str, Mapping[str, Any]]:
    """Return the query's SQL and its parameters; `plain` is the query without its times (sandbox.moments)."""
    schema, moment = _hashable(scope.schema), _moment(plain, now)
    found = _translated(plain, schema, moment)
    sql = put_back(str(found), times)
    if sql is None:
        found = _translated(kql, schema, moment)
        sql = str(found)
    return sql, found.parameters


@lru_cache(maxsize=256)
def _translated(kql: str, schema: tuple[tuple[str, tuple[str, ...]], ...], now: datetime | None) -> Any:
    """Translate a query once, however often it is asked: that takes longer than running it on few rows."""
    known = {table: list(columns) for table, columns in schema}
    query = parsed(kql)
    if query.parameters or "query_now" in kql:
        return duckdb_kql.to_sql(kql, schema=known, query_now=now, allow_write=False)
    # As duckdb_kql.to_sql does, but for reading the query once more.
    with translate.clock(now) as clock:
        sql = translate.to_sql(told(query, {table: _TYPES[table] for table in known}), known)
    return sql.with_parameters({translate.CLOCK_SLOT: clock.moment}, (), ()) if clock.used else sql


def _result(cursor: duckdb.DuckDBPyConnection, most: int) -> Result:
    columns = tuple(
        Column(name=name, type=types.kusto_type(kind), json_items=str(kind) == "JSON[]")
        for name, kind, *_ in cursor.description or ()
    )
    rows = cursor.fetchmany(most + 1)
    return Result(columns=columns, rows=rows[:most], cut=len(rows) > most)


def _without(result: Result, hidden: str) -> Result:
    """Leave the hidden column out, which came along with somebody's `*`."""
    shown = [n for n, column in enumerate(result.columns) if not column.name.startswith(hidden)]
    return replace(
        result,
        columns=tuple(result.columns[n] for n in shown),
        rows=[tuple(row[n] for n in shown) for row in result.rows],
    )


class _Run:
    """One query in its thread, which the loop's thread can stop."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.cursor = cursor
        self._stopped = threading.Event()
        self._finished = threading.Event()

    def execute(self, sql: str, parameters: object = None) -> None:
        if self._stopped.is_set():
            raise TimedOut
        self.cursor.execute(sql, parameters or None)

    def finish(self) -> None:
        self._finished.set()
        self.cursor.close()

    def interrupt(self) -> None:
        self._stopped.set()
        with contextlib.suppress(duckdb.Error):
            self.cursor.interrupt()

    def stop(self) -> None:
        """Interrupt, again and again: DuckDB forgets an interrupt that comes between two statements."""
        self.interrupt()
        if not self._finished.is_set():
            asyncio.get_running_loop().call_later(_PAUSE, self.stop)


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException:
        raise TimedOut from None
    except duckdb_kql.KqlSyntaxError as error:
        raise BadQuery("SyntaxError", "SYN0002", _short(error)) from None
    except RecursionError:
        raise BadQuery("SyntaxError", "SYN0002", "the query is nested too deeply") from None
    except Refused as error:
        raise BadQuery("SemanticError", "SEM0100" if error.table else "EMU0003", _short(error)) from None
    except (duckdb_kql.KqlSchemaError, duckdb.CatalogException, duckdb.BinderException) as error:
        raise BadQuery("SemanticError", "SEM0100", _short(error)) from None
    except duckdb_kql.KqlUnsupportedError as error:
        raise BadQuery("SemanticError", "EMU0001", _short(error)) from None
    except duckdb.Error as error:
        raise BadQuery("SemanticError", "EMU0002", _short(error)) from None
    except _TRANSLATOR_BUGS as error:
        raise BadQuery("SemanticError", "EMU0001", f"not translated: {_short(error)}") from None


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]

"""What a query sees of the rows: those that have arrived, and when they did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.engine import BadQuery, Engine
from sandbox.storage import ON_ITS_WAY
from sandbox.tables import AKS_CONTROL_PLANE, ARRIVES, AUDIT_TABLES, KUBE_EVENTS, TABLES
from tests.fakes import NOW, FakeClock
from tests.sandbox.engine_stage import event, rows, values

LATE = NOW + timedelta(minutes=4)
MINUTE = timedelta(minutes=1)


def naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> Iterator[Engine]:
    made = Engine(clock)
    made.ingest(
        rows(
            event("old", NOW - MINUTE),
            event("new", NOW),
            event("late", NOW - MINUTE) | {"$arrives": LATE.isoformat()},
            {"Type": KUBE_EVENTS, "TimeGenerated": NOW.isoformat(), "Reason": "BackOff", "Count": 3},
            {"Type": AKS_CONTROL_PLANE, "TimeGenerated": NOW.isoformat(), "Category": "guard"},
        )
    )
    yield made
    made.close()


async def test_a_row_is_not_seen_before_it_arrives(engine: Engine, clock: FakeClock) -> None:
    count = "AzureDiagnostics | where log_s has 'late' | count"
    assert await values(engine, count) == [0]
    clock.pass_time(minutes=4, microseconds=-1)
    assert await values(engine, count) == [0]
    clock.pass_time(microseconds=1)
    assert await values(engine, count) == [1]
    assert await values(engine, "AzureDiagnostics | where log_s has 'late' | project ingestion_time()") == [
        naive(LATE)
    ]


async def test_ingestion_time_is_a_little_later_and_never_in_the_future(engine: Engine) -> None:
    query = "AzureDiagnostics | extend Ingested = ingestion_time() | top 9 by TimeGenerated asc | project Ingested"
    assert await values(engine, query) == [naive(NOW - MINUTE + ON_ITS_WAY), naive(NOW)]


async def test_ingestion_time_comes_through_unions_and_lets_but_is_in_nobodys_columns(engine: Engine) -> None:
    query = "let T = union withsource=From AzureDiagnostics, AKSAudit; T | where ingestion_time() > ago(1h)"
    shown = await engine.ask(query)
    assert len(shown.rows) == 2
    assert not [column.name for column in shown.columns if column.name.startswith("$")]
    assert ARRIVES not in await values(engine, "AzureDiagnostics | getschema | project ColumnName")
    with pytest.raises(BadQuery):
        await engine.ask(f"AzureDiagnostics | project ['{ARRIVES}']")


async def test_type_and_size_are_filled(engine: Engine) -> None:
    for table in (KUBE_EVENTS, AKS_CONTROL_PLANE, "AzureDiagnostics"):
        assert set(await values(engine, f"{table} | project Type")) == {table}
        assert min(await values(engine, f"{table} | project _BilledSize")) > 5
        assert set(await values(engine, f"{table} | project _IsBillable")) == {"True"}


async def test_a_table_that_is_not_there_is_an_error_unless_the_union_is_fuzzy(engine: Engine) -> None:
    with pytest.raises(BadQuery, match="AzureDiagnostics") as error:
        await engine.ask("AzureDiagnostics | count", without=AUDIT_TABLES)
    assert error.value.code == "SEM0100"
    fuzzy = "union isfuzzy=true AzureDiagnostics, KubeEvents | count"
    assert (await engine.ask(fuzzy, without=AUDIT_TABLES)).rows == [(1,)]
    with pytest.raises(BadQuery) as none_there:
        await engine.ask("union isfuzzy=true AzureDiagnostics, AKSAudit | count", without=AUDIT_TABLES)
    assert none_there.value.code == "SEM0100"


async def test_every_table_answers_its_columns_and_no_other_name_leads_to_the_rows(engine: Engine) -> None:
    for table, columns in TABLES.items():
        assert [column.name for column in (await engine.ask(f"{table} | take 0")).columns] == list(columns)
        with pytest.raises(BadQuery):
            await engine.ask(f"['rows of {table}'] | count")

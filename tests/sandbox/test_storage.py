"""What a query sees of the rows: those that have arrived, and when they did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from audit.filter import Window
from sandbox.engine import BadQuery, Engine
from sandbox.storage import ON_ITS_WAY
from sandbox.tables import AKS_CONTROL_PLANE, ARRIVES, AUDIT_TABLES, COMPUTED, KUBE_EVENTS, TABLES, USAGE
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


async def test_a_row_that_was_seen_at_once_has_its_ingestion_time_for_good(
    engine: Engine, clock: FakeClock
) -> None:
    clock.pass_time(seconds=20)
    query = "AzureDiagnostics | extend Ingested = ingestion_time() | top 1 by TimeGenerated desc | project Ingested"
    assert await values(engine, query) == [naive(NOW)]


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


async def test_usage_is_what_the_rows_that_have_arrived_come_to_by_table_and_hour(
    engine: Engine, clock: FakeClock
) -> None:
    query = f"{USAGE} | where DataType == 'AzureDiagnostics' | project Quantity, StartTime, EndTime"
    sizes = await values(engine, "AzureDiagnostics | where log_s !has 'late' | project _BilledSize")
    (first,) = {at.replace(minute=0, second=0, microsecond=0) for at in (naive(NOW - MINUTE), naive(NOW))}
    found = (await engine.ask(query)).rows
    assert found == [(pytest.approx(sum(sizes) / 1e6), first, first + timedelta(hours=1))]
    clock.pass_time(minutes=4)
    assert (await engine.ask(query)).rows[0][0] > found[0][0]
    assert set(await values(engine, f"{USAGE} | where IsBillable == true | project DataType")) == {
        "AzureDiagnostics",
        KUBE_EVENTS,
        AKS_CONTROL_PLANE,
    }


async def test_usage_is_of_the_hours_that_begin_in_the_window(engine: Engine) -> None:
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    count = f"{USAGE} | where DataType == '{KUBE_EVENTS}' | count"
    for start, found in ((hour, 1), (hour + timedelta(microseconds=1), 0)):
        answer = await engine.ask(count, window=Window(start=start, end=NOW))
        assert answer.rows == [(found,)]


async def test_usage_has_the_documented_columns_and_its_rows_lead_nowhere_else(engine: Engine) -> None:
    schema = await engine.ask(f"{USAGE} | getschema | project ColumnName, ColumnType")
    assert [tuple(row) for row in schema.rows] == list(COMPUTED[USAGE].items())
    shown = await engine.ask(f"{USAGE} | extend At = ingestion_time() | take 1")
    assert [column.name for column in shown.columns] == [*COMPUTED[USAGE], "At"]
    assert await values(engine, f"{USAGE} | distinct Type", without=AUDIT_TABLES) == [USAGE]

"""Opening, migrating and failing, on both databases."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text

from bot.errors import Reason, Rejected, Unavailable
from bot.store.database import connect, database_url
from bot.store.store import open_store
from bot.store.tables import metadata
from tests.contracts.steps import ALICE, GENERAL, an_incident, deliver, fired, newest
from tests.fakes import NOW


async def _run(url: str, sql: str) -> None:
    database = connect(database_url(url))
    await database.write(lambda connection: connection.execute(text(sql)).close())
    await database.close()


async def test_opening_again_keeps_what_is_there(store_url: str) -> None:
    async with open_store(store_url) as store:
        incident = await an_incident(store)
    async with open_store(store_url) as store:
        assert await newest(store, incident) == incident
        await store.ping()


async def test_migrations_make_exactly_the_tables_that_the_code_works_on(store_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with open_store(store_url):
        pass
    database = connect(database_url(store_url))
    assert await database.read(differences) == []
    await database.close()


async def test_a_database_from_a_newer_version_is_refused_in_one_sentence(store_url: str) -> None:
    async with open_store(store_url):
        pass
    await _run(store_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable) as failure:
        async with open_store(store_url):
            pytest.fail("opened")
    assert failure.value.reason is Reason.STORE
    assert "\n" not in failure.value.detail


async def test_a_failing_database_is_unavailable_with_its_cause_and_without_a_value(store_url: str) -> None:
    async with open_store(store_url) as store:
        incident = await an_incident(store)
        await _run(store_url, "DROP TABLE evidence")
        calls = (
            deliver(store, fired("a2", rule="other")),
            store.dossier(incident.key),
        )
        for call in calls:
            with pytest.raises(Unavailable) as failure:
                await call
            assert failure.value.reason is Reason.STORE
            assert failure.value.__cause__ is not None
            assert incident.key not in str(failure.value)
        await _run(store_url, "DROP TABLE notifications")
        with pytest.raises(Unavailable):
            await store.claim_notifications("w1", NOW, 1)
        with pytest.raises(Unavailable):
            await store.release(None)
        await _run(store_url, "DELETE FROM counters")
        with pytest.raises(Unavailable):
            await store.ping()


async def test_a_transaction_that_fails_leaves_nothing_behind(store_url: str) -> None:
    async with open_store(store_url) as store:
        await _run(store_url, "ALTER TABLE looks RENAME TO looks_away")
        with pytest.raises(Unavailable):
            await deliver(store, fired())
        await _run(store_url, "ALTER TABLE looks_away RENAME TO looks")
        recorded = await deliver(store, fired())
        assert not recorded.repeated
        assert recorded.incident is not None
        assert recorded.incident.number == 1


async def test_what_was_begun_is_finished_though_its_caller_is_cancelled(store_url: str) -> None:
    async with open_store(store_url) as store:
        for n in range(20):
            task = asyncio.create_task(deliver(store, fired(f"a{n}", rule=f"r{n}")))
            await asyncio.sleep(n / 2000)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await store.ping()
    async with open_store(store_url) as store:
        again = [await deliver(store, fired(f"a{n}", rule=f"r{n}")) for n in range(20)]
        assert all(recorded.repeated for recorded in again)
        assert await store.release(None) == 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://root@localhost/x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+pysqlcipher:///x",
    ],
)
async def test_a_url_that_names_no_database_of_ours_is_rejected(url: str) -> None:
    with pytest.raises(Rejected) as failure:
        async with open_store(url):
            pytest.fail("opened")
    assert failure.value.reason is Reason.STORE


def test_the_portals_sslmode_is_understood() -> None:
    url = database_url("postgresql://u:p@db.postgres.database.azure.com/auditor?sslmode=require")
    assert url.drivername == "postgresql+asyncpg"
    assert url.query == {"ssl": "require"}


async def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable) as failure:
        async with open_store("postgresql://nobody@127.0.0.1:1/nothing"):
            pytest.fail("opened")
    assert failure.value.reason is Reason.STORE


@pytest.mark.postgres
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
async def test_processes_that_start_at_once_on_one_empty_database_all_come_up(store_url: str) -> None:
    async def start() -> None:
        async with open_store(store_url) as store:
            await store.ping()

    await asyncio.gather(*(start() for _ in range(4)))


@pytest.mark.postgres
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
async def test_the_store_is_well_again_after_the_server_cut_its_connections(store_url: str) -> None:
    async with open_store(store_url) as store:
        incident = await an_incident(store)
        server = await asyncpg.connect(make_url(store_url).render_as_string(hide_password=False))
        await server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
        await server.close()
        assert await newest(store, incident) == incident


@pytest.mark.postgres
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
async def test_two_replicas_agree_on_incident_winner_and_work(store_url: str) -> None:
    async with open_store(store_url) as one, open_store(store_url) as two:
        await one.remember(GENERAL, NOW)
        await two.subscribe(GENERAL.id, NOW)
        both = (one, two)
        recorded = await asyncio.gather(*(deliver(both[n % 2], fired(f"a{n % 8}")) for n in range(32)))
        (key,) = {r.incident.key for r in recorded if r.incident}
        answers = await asyncio.gather(*(both[n % 2].acknowledge(key, ALICE, NOW) for n in range(20)))
        assert sum(1 for answer in answers if answer and answer.changed) == 1
        looks = await asyncio.gather(*(replica.claim_looks("w", NOW, 5) for replica in both))
        assert sum(len(some) for some in looks) == 1


@pytest.mark.postgres
async def test_a_wait_that_the_driver_cancels_is_a_failure_and_ends_nobody(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("its driver has no waits")

    def cancelled(_connection: Connection) -> None:
        raise asyncio.CancelledError

    database = connect(database_url(store_url))
    with pytest.raises(Unavailable):
        await database.write(cancelled)
    await database.close()

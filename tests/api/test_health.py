from __future__ import annotations

import asyncio
import sqlite3

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.damage import Damage
from api.health import health_app
from bot.errors import OutsideError, Reason, Rejected, Unavailable


async def answers(
    path: str,
    *,
    failure: OutsideError | None = None,
    away: bool = False,
    method: str = "GET",
    damage: Damage | None = None,
    hangs: bool = False,
) -> tuple[int, str]:
    """Ask the health port for a path, with the store failing or the bot on its way."""

    async def ping() -> None:
        if hangs:
            await asyncio.Event().wait()
        if failure:
            raise failure

    async def metrics() -> bytes:
        return b"auditor_store_up 1.0\n"

    app = health_app(
        ping=ping,
        away=lambda: away,
        metrics=metrics,
        damage=damage or Damage(),
        patience=0.05 if hangs else 5,
    )
    async with TestClient(TestServer(app)) as client, client.request(method, path) as response:
        return response.status, await response.text()


async def test_a_bot_that_runs_is_alive_and_ready() -> None:
    assert await answers("/healthz") == (200, '{"status": "alive"}')
    assert await answers("/readyz") == (200, '{"status": "ready"}')


@pytest.mark.parametrize("failure", [Unavailable(Reason.STORE, "disk full"), Rejected(Reason.STORE)])
async def test_without_its_store_it_is_alive_but_not_ready(failure: OutsideError) -> None:
    assert await answers("/healthz", failure=failure) == (200, '{"status": "alive"}')
    assert await answers("/readyz", failure=failure) == (503, '{"status": "the store does not answer"}')


async def test_a_store_that_hangs_is_not_waited_for() -> None:
    assert await answers("/readyz", hangs=True) == (503, '{"status": "the store does not answer"}')


async def test_while_it_starts_or_stops_it_is_not_ready_and_does_not_ask_the_store() -> None:
    broken = Unavailable(Reason.STORE, "closed")
    assert await answers("/readyz", failure=broken, away=True) == (503, '{"status": "starting or stopping"}')
    assert await answers("/healthz", away=True) == (200, '{"status": "alive"}')


async def test_a_store_that_was_found_damaged_stays_not_ready_though_it_can_be_written() -> None:
    damage = Damage()
    broken = Unavailable(Reason.STORE, "database disk image is malformed")
    broken.__cause__ = sqlite3.DatabaseError("malformed")
    broken.__cause__.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    assert await answers("/readyz", failure=broken, damage=damage) == (
        503,
        '{"status": "the store is damaged"}',
    )
    assert await answers("/readyz", damage=damage) == (503, '{"status": "the store is damaged"}')
    assert await answers("/healthz", damage=damage) == (200, '{"status": "alive"}')


async def test_metrics_are_told_in_prometheus_own_type() -> None:
    assert await answers("/metrics") == (200, "auditor_store_up 1.0\n")
    assert (await answers("/metrics", method="POST"))[0] == 405


@pytest.mark.parametrize("path", ["/", "/api/alerts", "/api/messages", "/healthz/", "/metrics/x"])
async def test_the_health_port_has_nothing_else(path: str) -> None:
    for method in ("GET", "POST"):
        assert (await answers(path, method=method))[0] == 404


async def test_health_is_only_asked_for() -> None:
    assert (await answers("/readyz", method="POST"))[0] == 405
    assert (await answers("/readyz", method="HEAD"))[0] == 200

"""SIGTERM: at once not ready, what can be finished is finished, and the process ends in time whatever hangs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import make_url

from api.ending import LONGEST
from sandbox.check import actions_of
from tests.flows.laptop import ALERT, Json, Laptop, laptop
from tests.flows.reading import person_id, saying
from tests.flows.test_kill import stands
from tests.postgres import fresh_database, needs_postgres, postgres_server
from tests.proxy import WELL, Fault, Kind, Proxy, Upstream, open_proxy

pytestmark = pytest.mark.demo

PATHS = {"/login/": "login", "/workspace/": "workspace", "/teams/": "connector"}
HANGS = Fault(kind=Kind.HANG)


async def told_to_stop(it: Laptop) -> int | None:
    """Send SIGTERM; return the exit code of a process that ends in time."""
    os.kill(it.process.pid, signal.SIGTERM)
    async with asyncio.timeout(LONGEST):
        await it.process.wait()
    return await it.process.stop()


def alert(rule: str, start: str = "") -> bytes:
    """Return the sample as an alert of another rule; with another start of its window it is asked about anew."""
    body: Json = json.loads(ALERT.read_bytes())
    essentials, condition = body["data"]["essentials"], body["data"]["alertContext"]["condition"]
    essentials |= {"alertRule": rule, "alertId": f"{essentials['alertId']}-{rule}"}
    condition["windowStartTime"] = start or condition["windowStartTime"]
    return json.dumps(body).encode()


UNDER_WAY = alert("under-way", start="2026-03-04T09:32:50Z")


async def accepted(it: Laptop, body: bytes) -> None:
    assert (await it.post_alert(body)).status == 202


@asynccontextmanager
async def behind_a_proxy(folder: Path) -> AsyncIterator[tuple[Laptop, Proxy]]:
    """A bot whose every way out leads through the proxy, with one card in the channel."""
    proxies: list[Proxy] = []

    @asynccontextmanager
    async def through(port: int) -> AsyncIterator[str]:
        async with open_proxy(Upstream(port=port), PATHS) as proxy:
            proxies.append(proxy)
            yield proxy.url

    async with laptop(folder, own_process=True, through=through) as it:
        await accepted(it, alert("before"))
        await stands(it, "before")
        yield it, proxies[0]


async def met(proxy: Proxy, part: str, count: int) -> None:
    """Wait until so many requests have come to the broken part."""
    async with asyncio.timeout(10):
        while proxy.met.get(part, 0) < count:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def asking_for_the_raw_log(it: Laptop, rule: str) -> AsyncIterator[None]:
    """Press the button as from a client without dialogs: the log goes to the personal chat, after the answer."""
    (message,) = await stands(it, rule)
    action = next(a for a in actions_of(message["card"]) if a["title"] == "Show raw log")
    data = {key: value for key, value in action["data"].items() if key != "msteams"}
    alice = person_id(await it.page.state(), "Alice")
    call = it.page.call("click", person=alice, message=message["id"], action={**action, "data": data})
    asking = asyncio.create_task(call)
    try:
        yield
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError, aiohttp.ClientError, AssertionError):
            await asking


async def test_what_can_be_finished_is_finished(tmp_path: Path) -> None:
    async with behind_a_proxy(tmp_path) as (it, proxy):
        await proxy.set(Fault(kind=Kind.SLOW, seconds=3), "workspace")
        async with asking_for_the_raw_log(it, "before"):
            await accepted(it, UNDER_WAY)
            # The rows and their count of the look, and the raw log.
            await met(proxy, "workspace", 3)
            assert await told_to_stop(it) == 0
        assert "cut off" not in it.process.log.read_text()
        # The raw log that was promised has come.
        await it.see(saying("auditID", "Alice"))
        asked = proxy.met["workspace"]
        await it.process.start()
        # The look was answered too: nothing is asked again.
        assert len(await stands(it, "under-way")) == 1
        assert proxy.met["workspace"] == asked
    assert "Traceback" not in it.process.log.read_text()


async def test_whatever_hangs_outside_the_process_ends_in_time_and_loses_nothing(tmp_path: Path) -> None:
    async with behind_a_proxy(tmp_path) as (it, proxy):
        for part in PATHS.values():
            await proxy.set(HANGS, part)
        async with asking_for_the_raw_log(it, "before"):
            await accepted(it, UNDER_WAY)
            await met(proxy, "workspace", 2)
            assert await told_to_stop(it) == 0
        for part in PATHS.values():
            await proxy.set(WELL, part)
        await it.process.start()
        assert len(await stands(it, "under-way")) == 1
    assert "Traceback" not in it.process.log.read_text()


@pytest.mark.postgres
async def test_when_the_database_hangs_the_process_ends_in_time_and_answers_no_202(tmp_path: Path) -> None:
    needs_postgres()
    with postgres_server() as server:
        async with fresh_database(server) as given:
            database = make_url(given)
            socket = Path(f"{database.query['host']}/.s.PGSQL.5432")
            async with open_proxy(Upstream(path=socket)) as proxy:
                address = database.set(host="127.0.0.1", port=proxy.port, query={})
                url = address.render_as_string(hide_password=False)
                async with laptop(tmp_path, own_process=True, database_url=url) as it:
                    await accepted(it, alert("before"))
                    await stands(it, "before")
                    await proxy.set(HANGS)
                    posting = asyncio.create_task(it.post_alert(UNDER_WAY))
                    await asyncio.sleep(0.5)
                    # By itself or by force: what matters is when.
                    assert await told_to_stop(it) in {0, -signal.SIGALRM}
                    with suppress(aiohttp.ClientError):
                        assert (await posting).status == 503
                    await proxy.set(WELL)
                    await it.process.start()
                    await accepted(it, UNDER_WAY)
                    assert len(await stands(it, "under-way")) == 1


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    async with behind_a_proxy(tmp_path) as (it, proxy):
        await proxy.set(HANGS, "workspace")
        await accepted(it, UNDER_WAY)
        await met(proxy, "workspace", 2)
        os.kill(it.process.pid, signal.SIGTERM)
        await until_it_says(it, "stopping")
        assert it.process.running
        os.kill(it.process.pid, signal.SIGTERM)
        async with asyncio.timeout(2):
            await it.process.wait()
        assert await it.process.stop() == -signal.SIGTERM
        await proxy.set(WELL, "workspace")
        await it.process.start()
        assert len(await stands(it, "under-way")) == 1


async def until_it_says(it: Laptop, words: str) -> None:
    async with asyncio.timeout(10):
        while f'"{words}"' not in it.process.log.read_text():
            await asyncio.sleep(0.02)

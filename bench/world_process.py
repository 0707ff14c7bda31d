"""The world as a process of its own, and what can be asked of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import orjson

from sandbox.bot_process import ROOT
from sandbox.ports import LOOPBACK, free_ports

START_PATIENCE = 20.0


class WorldProcess:
    """A handle on a running world. `url` is the bot's SANDBOX_URL, `service_url` where it speaks."""

    def __init__(self, url: str, session: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
        self.url = url
        self.service_url = f"{url}/teams/"
        self.pid = process.pid
        self._session = session

    async def set(self, part: str, **wanted: Any) -> None:
        """Set `fault`, `latency`, `seconds`, `retry_after` or `limited` of a part.

        Parts: teams, workspace, token, keys, management. Faults: bench.part.FAULTS. Raises ClientResponseError
        for what there is not.
        """
        body = orjson.dumps({"part": part, **wanted})
        async with self._session.post(f"{self.url}/world/set", data=body) as answer:
            answer.raise_for_status()

    async def counts(self) -> dict[str, Any]:
        """Return the counters by part: calls by method, statuses, in_flight, most_in_flight, busy (seconds), connections.

        `teams` has besides: posts, updates, deletes, refused (429), over_conversation and over_tenant (calls over a
        limit by the connector's own windows, refused or not), posts_in_flight, cut (posts whose caller was gone
        before the answer), conversations (id -> posts, updates, deletes, refused), keys (incident key ->
        conversation -> messages that stand). `workspace`: over, refused.
        """
        return cast("dict[str, Any]", await self._get("counts"))

    async def messages(self) -> list[dict[str, Any]]:
        """Return every message, oldest first: id, conversation, tenant, key, text, posted_at, changed_at, updates, deleted.

        Times are of time.perf_counter, which processes of one Linux machine share.
        """
        return cast("list[dict[str, Any]]", await self._get("messages"))

    async def flight(self, seconds: float = 0.0) -> dict[str, Any]:
        """Return `in_flight`: ids of posts without their answer yet; `answered`: of those within these seconds; `cut`."""
        return cast("dict[str, Any]", await self._get(f"flight?seconds={seconds}"))

    async def token(self) -> str:
        """Return the bearer token that comes with an activity from Teams to the bot."""
        async with self._session.post(f"{self.url}/world/token") as answer:
            return str(orjson.loads(await answer.read())["token"])

    async def _get(self, what: str) -> Any:
        async with self._session.get(f"{self.url}/world/{what}") as answer:
            answer.raise_for_status()
            return orjson.loads(await answer.read())


@asynccontextmanager
async def world_process(
    *, latency: float = 0.0, limited: bool = False, more: Sequence[str] = ()
) -> AsyncIterator[WorldProcess]:
    """Run a world. `latency`: seconds that the connector takes; `limited`: limits are enforced, not only counted."""
    port = free_ports(1)[0]
    arguments = ["--port", str(port), "--latency", str(latency), *(["--limited"] if limited else []), *more]
    async with (
        aiohttp.ClientSession() as session,
        started("bench.world", arguments) as process,
    ):
        world = WorldProcess(f"http://{LOOPBACK}:{port}", session, process)
        await until_answering(session, f"{world.url}/world/counts", process)
        yield world


@asynccontextmanager
async def started(
    module: str, arguments: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m module` with its standard input on a leash; end it afterwards."""
    held, leash = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            cwd=ROOT,
            stdin=held,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )
    finally:
        os.close(held)
    try:
        yield process
    finally:
        os.close(leash)
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def until_answering(
    session: aiohttp.ClientSession, url: str, process: asyncio.subprocess.Process
) -> None:
    """Wait until something answers there. Raises RuntimeError if the process ends, TimeoutError if it takes too long."""
    async with asyncio.timeout(START_PATIENCE):
        while True:
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientError:
                if process.returncode is not None:
                    raise RuntimeError("the process ended while it started") from None
                await asyncio.sleep(0.05)

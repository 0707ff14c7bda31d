"""Row `decode`: a large answer read to audit events, against the SDK's query_workspace, which ends at its rows.

Both are given the same bytes in the same run; the SDK's has them from a server on this machine.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import orjson
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.monitor.query.aio import LogsQueryClient

from audit.event import AuditEvent, parse_event
from bench.result import Result
from bench.world import LOOPBACK
from bot.log_analytics import MAX_BYTES, _answer
from sandbox.bot_process import ROOT

SAMPLES = ROOT / "samples" / "events" / "table-rows.jsonl"
ROUNDS = 5
TICK = 0.002
FASTER, LAG = 5.0, 0.100
#: Columns that the API declares as times; the SDK makes datetimes of them.
_TIMES = frozenset({"TimeGenerated", "RequestReceivedTime", "StageReceivedTime"})
_SHAPES = {"AzureDiagnostics": ("log_s",), "AKSAudit": ("AuditId",)}


async def measure(scale: float) -> Result:
    """Decode as much as an answer may be, of each shape of table; the slower shape counts."""
    ratios, lags, notes = [], [], []
    for shape, (mark,) in _SHAPES.items():
        body, rows = _body(mark, int(MAX_BYTES * min(1.0, scale)))
        theirs, ours = [], []
        async with _sdk(body) as client:
            for _ in range(ROUNDS):
                began = time.perf_counter()
                await client.query_workspace("workspace", "query", timespan=None)
                theirs.append(time.perf_counter() - began)
                ours.append(_timed(lambda body=body: _events(body)))  # type: ignore[misc]  # bound now
                lags.append(await _lag(lambda body=body: _events(body)))  # type: ignore[misc]  # bound now
        ratios.append(statistics.median(theirs) / statistics.median(ours))
        notes.append(
            f"{shape}: {rows:,} rows, {len(body) / 2**20:.1f} MiB; SDK's rows {statistics.median(theirs):.3f} s, "
            f"our events {statistics.median(ours):.3f} s: {ratios[-1]:.1f}x"
        )
    return Result(
        row="decode",
        figure=f"{min(ratios):.1f}x the SDK, loop lag {max(lags) * 1000:.0f} ms",
        bar=f"≥ {FASTER:.0f}x, < {LAG * 1000:.0f} ms",
        held=min(ratios) >= FASTER and max(lags) < LAG,
        notes=notes,
    )


def _body(mark: str, size: int) -> tuple[bytes, int]:
    """Return an answer of about `size` bytes of the sample's rows that have the column `mark`, and their count."""
    samples = [row for line in SAMPLES.read_bytes().splitlines() if mark in (row := orjson.loads(line))]
    # Azure cuts a few rows in a day; one in three would measure something else.
    samples = [
        row for row in samples if isinstance(event := parse_event(row), AuditEvent) and not event.is_cut
    ]
    columns = list(dict.fromkeys(name for row in samples for name in row))
    cells = [[row.get(name) for name in columns] for row in samples]
    count = max(1, size // (len(orjson.dumps(cells)) // len(cells) + 1))
    described = [{"name": name, "type": "datetime" if name in _TIMES else "string"} for name in columns]
    rows = [cells[number % len(cells)] for number in range(count)]
    table = {"name": "PrimaryResult", "columns": described, "rows": rows}
    return orjson.dumps({"tables": [table]}), count


class _NoCredential:
    """What a server that asks for none is given."""

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("bench", 4102444800)

    async def close(self) -> None:
        """Nothing is held."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Nothing is held."""


@asynccontextmanager
async def _sdk(body: bytes) -> AsyncIterator[LogsQueryClient]:
    """Yield the SDK's client of a workspace that answers anything with these bytes."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0).start()
        endpoint = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        policy: SansIOHTTPPolicy[object, object] = SansIOHTTPPolicy()
        async with LogsQueryClient(
            _NoCredential(), endpoint=endpoint, authentication_policy=policy
        ) as client:
            yield client
    finally:
        await runner.cleanup()


def _events(body: bytes) -> None:
    events = [parse_event(row) for row in _answer(body, 0.0).rows]
    assert all(isinstance(event, AuditEvent) for event in events)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


async def _lag(work: Callable[[], None]) -> float:
    """Return the longest that the event loop was held up beyond its tick while the work was done in a thread."""
    working = asyncio.create_task(asyncio.to_thread(work))
    longest = 0.0
    while not working.done():
        began = time.perf_counter()
        await asyncio.sleep(TICK)
        longest = max(longest, time.perf_counter() - began - TICK)
    await working
    return longest

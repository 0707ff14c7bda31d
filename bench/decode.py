"""Row `decode`: a large answer read to audit events, against the SDK's query_workspace, which ends at its rows.

Both ask the same server on this machine for the same bytes in the same run; both times have HTTP and JSON in them.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.monitor.query.aio import LogsQueryClient

from audit.event import AuditEvent, Unreadable, parse_event
from audit.filter import Window
from bench.result import Result
from bench.world import LOOPBACK
from bot.log_analytics import MAX_BYTES, LogAnalytics
from bot.ports import Query, Workspace
from sandbox.bot_process import ROOT
from tests.fakes import FakeMeter

SAMPLES = ROOT / "samples" / "events" / "table-rows.jsonl"
ROUNDS = 7
TICK = 0.002
FASTER, LAG = 5.0, 0.100
#: What is left of MAX_BYTES for what stands around the rows.
_AROUND = 16 * 1024
#: Columns that the API declares as times; the SDK makes datetimes of them.
_TIMES = frozenset({"TimeGenerated", "RequestReceivedTime", "StageReceivedTime"})
#: Columns with JSON in them.
_JSON = (
    *("log_s", "User", "SourceIps", "ObjectRef", "ResponseStatus"),
    *("RequestObject", "ResponseObject", "Annotations"),
)
#: The column that tells the rows of a table among the samples.
_SHAPES = {"AzureDiagnostics": "log_s", "AKSAudit": "AuditId"}
_NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
_QUERY = Query(
    workspace=Workspace(name="bench", id="workspace", holds=()),
    kql="query",
    window=Window(start=_NOW - timedelta(hours=1), end=_NOW),
)


async def measure(scale: float) -> Result:
    """Decode as much as an answer may be, of each shape of table; the slower shape counts."""
    ratios, lags, notes = [], [], []
    for shape, mark in _SHAPES.items():
        body, rows = _body(mark, int((MAX_BYTES - _AROUND) * min(1.0, scale)))
        theirs, ours, least = [], [], []
        async with _clients(body) as (sdk, log):
            for _ in range(ROUNDS):
                theirs.append(await _timed(_sdk_rows(sdk)))
                ours.append(await _timed(_events(log)))
                least.append(await _timed(_json(log)))
                lags.append(await _lag(_events(log)))
        ratios.append(statistics.median(theirs) / statistics.median(ours))
        notes.append(
            f"{shape}: {rows:,} rows, {len(body) / 2**20:.1f} MiB over loopback; SDK's rows "
            f"{statistics.median(theirs):.3f} s, our events {statistics.median(ours):.3f} s: {ratios[-1]:.1f}x; "
            f"rows and JSON without events {statistics.median(least):.3f} s"
        )
    return Result(
        row="decode",
        figure=f"{min(ratios):.1f}x the SDK, loop lag {max(lags) * 1000:.0f} ms",
        bar=f"≥ {FASTER:.0f}x, < {LAG * 1000:.0f} ms",
        held=min(ratios) >= FASTER and max(lags) < LAG,
        notes=notes,
    )


def _body(mark: str, size: int) -> tuple[bytes, int]:
    """Return an answer of about `size` bytes of the sample's rows that have the column `mark`, and their count.

    Each row has an audit id of its own, so that nothing is gained by having seen a row before.
    """
    samples = [row for line in SAMPLES.read_bytes().splitlines() if mark in (row := orjson.loads(line))]
    # Azure cuts a few rows in a day; one in three would measure something else.
    whole = [
        (row, event.audit_id)
        for row in samples
        if isinstance(event := parse_event(row), AuditEvent) and not event.is_cut
    ]
    columns = list(dict.fromkeys(name for row, _ in whole for name in row))
    texts = [(orjson.dumps([row.get(name) for name in columns]), key.encode()) for row, key in whole]
    count = max(1, size * len(texts) // sum(len(text) + 1 for text, _ in texts) - len(texts))
    rows = [
        text.replace(key, b"c0ffee00-0000-4000-8000-%012d" % number)
        for number in range(count)
        for text, key in (texts[number % len(texts)],)
    ]
    described = [{"name": name, "type": "datetime" if name in _TIMES else "string"} for name in columns]
    table = b'{"name":"PrimaryResult","columns":' + orjson.dumps(described) + b',"rows":['
    return b'{"tables":[' + table + b",".join(rows) + b"]}]}", count


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
async def _clients(body: bytes) -> AsyncIterator[tuple[LogsQueryClient, LogAnalytics]]:
    """Yield the SDK's client and ours of a workspace that answers anything with these bytes."""

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
        log = LogAnalytics(
            credential=_NoCredential(), endpoint=endpoint, meter=FakeMeter(), authentication_policy=policy
        )
        async with LogsQueryClient(
            _NoCredential(), endpoint=endpoint, authentication_policy=policy
        ) as client:
            yield client, log
        await log.close()
    finally:
        await runner.cleanup()


async def _sdk_rows(client: LogsQueryClient) -> None:
    await client.query_workspace("workspace", "query", timespan=None)


async def _events(log: LogAnalytics) -> None:
    """Ask and read as the bot does."""
    answer = await log.ask(_QUERY)
    events = await asyncio.to_thread(_parsed, answer.rows)
    assert all(isinstance(event, AuditEvent) for event in events)


async def _json(log: LogAnalytics) -> None:
    """Ask, and read the JSON in the cells: the least that is done for an event."""
    answer = await log.ask(_QUERY)
    await asyncio.to_thread(_loaded, answer.rows)


def _loaded(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    return [
        [orjson.loads(cell) for name in _JSON if (cell := row.get(name)) and cell[0] in "{["] for row in rows
    ]


def _parsed(rows: Sequence[Mapping[str, Any]]) -> list[AuditEvent | Unreadable]:
    return [parse_event(row) for row in rows]


async def _timed(work: Coroutine[Any, Any, None]) -> float:
    # Neither pays for what the other left behind.
    gc.collect()
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _lag(work: Coroutine[Any, Any, None]) -> float:
    """Return the longest that the event loop was held up beyond its tick while the work was done."""
    working = asyncio.create_task(work)
    longest = 0.0
    while not working.done():
        began = time.perf_counter()
        await asyncio.sleep(TICK)
        longest = max(longest, time.perf_counter() - began - TICK)
    await working
    return longest

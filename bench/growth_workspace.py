"""Workspaces of 100 to 1,000,000 events: what is counted there grows, what is to be shown does not.

The answers are those of the sandbox's engine over at most MOST events, which already are more than are ever fetched;
of a larger window the counts in them are multiplied. They are kept, so that each but the first comes at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from audit.filter import Window
from audit.kql_columns import TOTAL, Groups, Totals
from sandbox.engine import BadQuery, Engine, Result
from sandbox.timespan import read_timespan
from sandbox.wire import encode
from tests.fakes import FakeClock
from tests.flows.evidence_drawing import ACTORS, CLUSTERS, DEEDS, QUERIES
from tests.flows.evidence_model import Case, Copy, Place, Request
from tests.flows.evidence_rows import rows

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=5))
FIRED = WINDOW.end + timedelta(seconds=32)
NOW = FIRED + timedelta(minutes=12)
#: Actors times objects: so many groups there are in a window of any size.
ACTING, OBJECTS = 10, 10
#: Events that are really there.
MOST = 2_000
#: Rows of the answer that is too large; as long as real ones.
TOO_MANY = 300_000
#: Columns that grow with the window.
_GROWING = {
    TOTAL,
    *(Totals.ROWS, Totals.EVENTS, Totals.PEOPLE, Totals.WORKLOADS, Totals.PLATFORM, Totals.CUT, Totals.LATE),
    *(Groups.COUNT, Groups.EVENTS),
}
_LINE = "x" * 1_200


def a_window(events: int) -> Case:
    """Return a workspace with so many events, or MOST of them, spread over the window and over all groups alike."""
    count = min(events, MOST)
    step = (WINDOW.end - WINDOW.start) / count
    requests = tuple(_request(number, WINDOW.start + number * step) for number in range(count))
    return Case(
        window=WINDOW,
        fired=FIRED,
        looks=(NOW, NOW),
        asked=QUERIES[0],
        clusters=CLUSTERS[:1],
        target=CLUSTERS[0],
        requests=requests,
    )


def _request(number: int, at: datetime) -> Request:
    actor, thing = ACTORS[number % ACTING], number // ACTING % OBJECTS
    deed = DEEDS[thing % 3]
    name = f"{deed.name}-{thing}"
    return Request(
        actor=actor,
        deed=replace(deed, name=name, uri=deed.uri.replace(deed.name, name)),
        audit_id=f"c0ffee00-0000-4000-8000-{number:012}",
        stage="ResponseComplete",
        received=at,
        cluster=CLUSTERS[0],
        copies=(Copy(place=Place.ADMIN, at=at, arrives=FIRED),),
    )


class Workspaces:
    """One workspace for each size under `/{size}/v1/…`, and two that answer with too much: `many` and `endless`."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._engines: Mapping[int, Engine] = {size: Engine(FakeClock(at=NOW)) for size in sizes}
        for size, engine in self._engines.items():
            engine.ingest(rows(a_window(size)))
        self._kept: dict[tuple[int, str], bytes] = {}

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post(r"/{size:\d+}/v1/workspaces/{id}/query", self._query)
        app.router.add_post("/many/v1/workspaces/{id}/query", self._many)
        app.router.add_post("/endless/v1/workspaces/{id}/query", self._endless)
        return app

    async def _query(self, request: web.Request) -> web.Response:
        asked, size = orjson.loads(await request.read()), int(request.match_info["size"])
        key = (size, asked["query"])
        if key not in self._kept:
            self._kept[key] = await self._answer(size, asked["query"], asked.get("timespan"))
        status = 200 if b'"tables"' in self._kept[key] else 400
        return web.Response(body=self._kept[key], status=status, content_type="application/json")

    async def _answer(self, size: int, kql: str, timespan: str | None) -> bytes:
        engine = self._engines[size]
        try:
            result = await engine.ask(kql, window=read_timespan(timespan, NOW))
        except BadQuery as bad:
            return orjson.dumps({"error": {"message": str(bad), "code": "BadArgumentError"}})
        grown = _grown(result, max(1, size // MOST))
        return (await asyncio.to_thread(encode, grown, engine.limits.bytes)).body({})

    async def _many(self, request: web.Request) -> web.StreamResponse:
        """Answer as fast as it is taken."""
        return await self._stream(request, range(TOO_MANY), pause=0.0)

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        """Answer slowly, for ever."""
        return await self._stream(request, iter(int, 1), pause=0.05)

    async def _stream(self, request: web.Request, numbers: Any, *, pause: float) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        columns = orjson.dumps([{"name": name, "type": "string"} for name in ("TimeGenerated", "log_s")])
        row = orjson.dumps(
            [WINDOW.start.isoformat(), orjson.dumps({"verb": "get", "requestURI": _LINE}).decode()]
        )
        try:
            await answer.prepare(request)
            await answer.write(b'{"tables":[{"name":"PrimaryResult","columns":%b,"rows":[%b' % (columns, row))
            for _ in numbers:
                await answer.write(b"," + row)
                if pause:
                    await asyncio.sleep(pause)
            await answer.write(b"]}]}")
        except ConnectionError:
            # Whoever asked has seen enough.
            return answer
        return answer


def _grown(result: Result, factor: int) -> Result:
    """Multiply what is a count of events; a `rows` answer has no such column."""
    growing = {place for place, column in enumerate(result.columns) if column.name in _GROWING}
    if factor == 1 or not growing:
        return result
    return replace(
        result,
        rows=[
            tuple(
                value * factor if place in growing and isinstance(value, int) else value
                for place, value in enumerate(row)
            )
            for row in result.rows
        ],
    )

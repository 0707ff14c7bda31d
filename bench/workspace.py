"""Log Analytics at load: every query is answered at once with the same few rows, or with their count."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from audit.kql import TOTAL
from audit.kql_columns import ActorsSeen, Busiest, Facet, Steps, Totals
from bench.part import Part, refusal
from bench.windows import PER_IDENTITY, Windows
from sandbox.bot_process import ROOT
from tests.bot.workspace import totals_row

SAMPLES = ROOT / "samples" / "events" / "coredns-changed.jsonl"
CLUSTER = (
    "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001/resourcegroups/rg-platform"
    "/providers/microsoft.containerservice/managedclusters/aks-bench"
)
COLUMNS = ("TimeGenerated", "log_s", "pod_s", "Category", "_ResourceId", "ResourceId")
#: Questions of one identity that the service answers at once.
AT_ONCE = 5
_OBJECT = ("configmaps", "", "kube-system", "coredns-custom")
#: What only these questions have in their text.
_ASIDES = ("AKSControlPlane", "Cluster = tolower(", f'Facet = "{Facet.LOG}"', "arg_max(TimeGenerated, *)")


class Workspace:
    """The rows are real ones of the samples, moved to just before the world began."""

    def __init__(self, now: datetime, *, limited: bool = False) -> None:
        self.limited = limited
        self.part = Part()
        self._over = 0
        self._refused = 0
        self._windows = Windows(PER_IDENTITY)
        rows = list(_rows(now))
        self._rows = _table(COLUMNS, rows)
        self._count = _table((TOTAL,), [[len(rows)]])
        counted = totals_row([dict(zip(COLUMNS, row, strict=True)) for row in rows])
        self._totals = _table(tuple(counted), [list(counted.values())])
        self._counts_told = _counted(now)

    def app(self) -> web.Application:
        """Return the routes, to be mounted at /workspace."""
        app = web.Application()
        app.router.add_post("/v1/workspaces/{id}/query", self._query)
        return app

    async def serve(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Serve a question as a part does; one too many is counted, and refused where limits are on."""
        now = time.perf_counter()
        over = self._windows.wait("", now) > 0 or self.part.in_flight >= AT_ONCE
        self._over += over
        if over and self.limited:
            self._refused += 1
            return refusal(429, "ThrottledError", retry_after=self.part.retry_after)
        self._windows.spend("", now)
        return await self.part.serve(request, handler)

    def counts(self) -> dict[str, Any]:
        """Return the counters; `over` are questions beyond what the service allows one identity."""
        return self.part.counts() | {"over": self._over, "refused": self._refused}

    async def _query(self, request: web.Request) -> web.Response:
        kql = orjson.loads(await request.read()).get("query", "")
        return web.Response(body=self._answer(kql), content_type="application/json")

    def _answer(self, kql: str) -> bytes:
        if f"{Totals.UNREADABLE} = " in kql:
            return self._totals
        if f"summarize {TOTAL}" in kql:
            return self._count
        # Of what is only nice to know there is nothing: other tables, former states, what people did before.
        if any(mark in kql for mark in _ASIDES):
            return _table(COLUMNS, [])
        return next((answer for mark, answer in self._counts_told.items() if mark in kql), self._rows)


def _counted(now: datetime) -> dict[str, bytes]:
    """Return what the chat's counting questions get, by a piece of their text that no other question has."""
    first, last = (_written(now - timedelta(minutes=each)) for each in (50, 4))
    actors = [["alice@contoso.com", "", 0, 3, 0, first, last, 1, last, "patch", *_OBJECT, 9, 120]]
    actors += [
        [f"person-{n}@contoso.com", "", 0, n, 1, first, last, 2, last, "get", *_OBJECT, 9, 120]
        for n in range(8)
    ]
    steps = [[_written(now - timedelta(hours=n)), kind, 5 + n] for n in range(24) for kind in range(3)]
    return {
        "Users = toscalar(": _table(tuple(ActorsSeen), actors),
        "by Start = bin(": _table(tuple(Steps), steps),
        "by User\n| extend IsPlatform": _table(
            (Busiest.USER, Busiest.KIND, Busiest.COUNT), [[f"person-{n}", 0, 9 - n] for n in range(8)]
        ),
        "by ApiGroup, Resource, Namespace, Name\n| extend IsPlatform": _table(
            ("ApiGroup", Busiest.RESOURCE, Busiest.NAMESPACE, Busiest.NAME, Busiest.KIND, Busiest.COUNT),
            [["", "configmaps", "kube-system", f"coredns-{n}", 0, 9 - n] for n in range(8)],
        ),
    }


def _rows(now: datetime) -> Iterator[list[str]]:
    """Yield the samples' events about CoreDNS as rows of AzureDiagnostics."""
    events = [orjson.loads(line) for line in SAMPLES.read_bytes().splitlines()]
    wanted = [event for event in events if "coredns" in str(event.get("objectRef"))]
    for place, event in enumerate(wanted):
        at = now - timedelta(minutes=4) + timedelta(seconds=10 * place)
        time_ = _written(at)
        event |= {"requestReceivedTimestamp": time_, "stageTimestamp": time_}
        log = orjson.dumps(event).decode()
        yield [time_, log, "kube-apiserver-0", "kube-audit-admin", CLUSTER, CLUSTER.upper()]


def _written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _table(columns: tuple[str, ...], rows: list[Any]) -> bytes:
    described = [{"name": name, "type": "string" if name in COLUMNS else "long"} for name in columns]
    return orjson.dumps({"tables": [{"name": "PrimaryResult", "columns": described, "rows": rows}]})

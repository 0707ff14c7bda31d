"""What /metrics tells, in Prometheus' text format. What each name means, and which to watch: docs/reliability.md."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

from api import VERSION
from audit.evidence import Missing
from bot.errors import Reason
from bot.ports import Load

#: Of what generate_latest writes: https://prometheus.io/docs/instrumenting/exposition_formats/
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: What is in no list below: a label must never take a value that others can choose.
OTHER = "other"
RESULTS = ("accepted", "repeated", "refused", "not stored")
KINDS = ("look", "notification", "chore")
OPERATIONS = frozenset({"post", "update", "delete", "read"})
REASONS = frozenset({"ok", "partial", "cancelled", *(r.value for r in Reason), *(m.value for m in Missing)})
SEND_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
QUERY_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
LAG_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5)
#: Seconds between two measurements of the event loop's lag.
LAG_EVERY = 0.1


class Metrics:
    """Implements bot.ports.Meter, on a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._happened()
        self._took()
        self._stands()
        build = {"version": VERSION, "python": platform.python_version()}
        Info("auditor_build", "What runs.", registry=self._registry).info(build)
        ProcessCollector(registry=self._registry)

    def _happened(self) -> None:
        self._alerts = self._counter("alerts", "Calls of the webhook, by what became of them.", "result")
        self._claims = self._counter("claims", "Rows of due work that this process took.", "kind")
        self._takeovers = self._counter(
            "lease_takeovers", "Of those, rows whose holder's lease had run out.", "kind"
        )
        self._sends = self._counter(
            "sends", "Calls of the Bot Connector, by how they ended.", "operation", "reason"
        )
        self._queries = self._counter("queries", "Questions to a workspace, by how they ended.", "reason")
        self._retries = self._counter(
            "retries", "Tries that failed and will be made again.", "kind", "reason"
        )
        self._given_up = self._counter("given_up", "Notifications that became dead letters.", "reason")
        # A rate needs a value to rise from: what nobody counted yet stands at zero.
        for result in RESULTS:
            self._alerts.labels(result)
        for kind in KINDS:
            self._claims.labels(kind)
            self._takeovers.labels(kind)

    def _took(self) -> None:
        self._send_seconds = self._histogram(
            "send_seconds", "Calls of the Bot Connector.", SEND_SECONDS, "operation"
        )
        self._query_seconds = self._histogram("query_seconds", "Questions to a workspace.", QUERY_SECONDS)
        self._lag = self._histogram("loop_lag_seconds", "How late the event loop wakes a task.", LAG_SECONDS)

    def _stands(self) -> None:
        self._up = self._gauge("store_up", "1 if the database told what is due, at this scrape; else 0.")
        self._due = self._gauge("due", "Rows of work whose time has come.", "kind")
        self._oldest = self._gauge(
            "oldest_due_seconds", "For how long the oldest of them has been due.", "kind"
        )
        self._held = self._gauge("held", "Rows of work in somebody's hands.", "kind")
        self._dead = self._gauge("dead_letters", "Notifications that were given up and wait for a person.")

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"auditor_{name}", told, labels, registry=self._registry)

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(f"auditor_{name}", told, labels, registry=self._registry)

    def _histogram(self, name: str, told: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"auditor_{name}", told, labels, buckets=buckets, registry=self._registry)

    def accepted(self, result: str) -> None:
        """See bot.ports.Meter."""
        self._alerts.labels(_known(result, RESULTS)).inc()

    def claimed(self, kind: str, rows: int, taken_over: int) -> None:
        """See bot.ports.Meter."""
        self._claims.labels(_known(kind, KINDS)).inc(max(0, rows))
        self._takeovers.labels(_known(kind, KINDS)).inc(max(0, taken_over))

    def sent(self, operation: str, reason: str, seconds: float) -> None:
        """See bot.ports.Meter."""
        operation = _known(operation, OPERATIONS)
        self._sends.labels(operation, _known(reason, REASONS)).inc()
        self._send_seconds.labels(operation).observe(seconds)

    def asked(self, reason: str, seconds: float) -> None:
        """See bot.ports.Meter."""
        self._queries.labels(_known(reason, REASONS)).inc()
        self._query_seconds.observe(seconds)

    def put_off(self, kind: str, reason: str) -> None:
        """See bot.ports.Meter."""
        self._retries.labels(_known(kind, KINDS), _known(reason, REASONS)).inc()

    def gave_up(self, reason: str) -> None:
        """See bot.ports.Meter."""
        self._given_up.labels(_known(reason, REASONS)).inc()

    def text(self, load: Mapping[str, Load] | None, now: datetime) -> bytes:
        """Return everything as /metrics tells it; `load` None: the store did not answer, so nothing is said of it."""
        self._up.set(load is not None)
        for gauge in (self._due, self._oldest, self._held):
            gauge.clear()
        for kind, of in (load or {}).items():
            self._due.labels(_known(kind, KINDS)).set(of.due)
            self._held.labels(_known(kind, KINDS)).set(of.held)
            self._oldest.labels(_known(kind, KINDS)).set(_age(of, now))
        dead = sum(of.failed for of in load.values()) if load is not None else float("nan")
        self._dead.set(dead)
        return generate_latest(self._registry)

    @asynccontextmanager
    async def watching_the_loop(self) -> AsyncIterator[None]:
        """Measure how late the event loop wakes a task, for as long as the context is open."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _watch(self) -> None:
        while True:
            slept = time.perf_counter()
            await asyncio.sleep(LAG_EVERY)
            self._lag.observe(max(0.0, time.perf_counter() - slept - LAG_EVERY))


def _known(value: str, values: frozenset[str] | tuple[str, ...]) -> str:
    return str(value) if value in values else OTHER


def _age(load: Load, now: datetime) -> float:
    return max(0.0, (now - load.oldest_due_at).total_seconds()) if load.oldest_due_at else 0.0

"""From the start of the process to /readyz, with a store that has been used for a year."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, create_engine

from api.clocks import SystemClock
from audit.evidence import Evidence
from bench.alerts import Writer
from bench.bot import Bot, conversations, seed
from bench.result import Result
from bot.ports import LookKind, NotificationState, Step
from bot.store.tables import alerts, evidence, incidents, looks, notifications, traces
from sandbox.ports import free_ports

BAR = 5.0
ALERTS = 100_000
ALERTS_OF_AN_INCIDENT = 5
CHANNELS = 20
#: Of the incidents, one in so many is still open, with a card that is due at the start.
OPEN_ONE_IN = 200
A_YEAR = timedelta(days=365)
ROWS_AT_ONCE = 2_000

Row = Mapping[str, Any]


async def measure(scale: float) -> Result:
    """Start the bot on a new store, after a clean stop, and after a kill -9; the slowest counts."""
    count = max(ALERTS_OF_AN_INCIDENT, int(ALERTS * scale))
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
        # Nobody answers there: being ready must not wait for Teams or Azure.
        bot = Bot(world_url=f"http://127.0.0.1:{free_ports(1)[0]}", folder=Path(folder))
        await seed(bot.database, conversations("http://127.0.0.1/", each=CHANNELS))
        file = Path(folder) / "auditor.db"
        await asyncio.to_thread(fill, file, count, SystemClock().now())
        took = {}
        for after, end in (("filled", bot.stop), ("a stop", bot.kill), ("a kill -9", bot.stop)):
            started = time.perf_counter()
            await bot.start()
            took[after] = time.perf_counter() - started
            await end()
        size = file.stat().st_size / 2**20
    told = ", ".join(f"{seconds:.2f} s after {after}" for after, seconds in took.items())
    worst = max(took.values())
    return Result(
        row="start",
        figure=f"{worst:.2f} s to ready with {count:,} alerts",
        bar=f"< {BAR:g} s",
        held=worst < BAR,
        notes=[f"{told}; the file has {size:.0f} MiB"],
    )


def fill(file: Path, count: int, now: datetime) -> None:
    """Write `count` alerts of the last year, with all that hangs on them, straight into the tables."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=OFF")
        for table, rows in _tables(count, now).items():
            _insert(connection, table, rows)
        connection.commit()
    engine.dispose()


def _tables(count: int, now: datetime) -> Mapping[Table, Iterator[Row]]:
    many = range(1, count // ALERTS_OF_AN_INCIDENT + 1)
    opened = {n: now - A_YEAR * (1 - n / (len(many) + 1)) for n in many}
    return {
        incidents: (_incident(n, opened[n]) for n in many),
        alerts: (alert for n in many for alert in _alerts(n, opened[n])),
        evidence: (_evidence(n, opened[n]) for n in many),
        looks: ({"id": n, "incident_id": n, "kind": LookKind.LATE.value} for n in many),
        notifications: (_notification(n, opened[n]) for n in many),
        traces: (trace for n in many for trace in _traces(n, opened[n])),
    }


def _insert(connection: Connection, table: Table, rows: Iterator[Row]) -> None:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == ROWS_AT_ONCE:
            connection.execute(table.insert(), some)
            some = []
    if some:
        connection.execute(table.insert(), some)


def _is_open(number: int) -> bool:
    return number % OPEN_ONE_IN == 0


def _incident(number: int, opened_at: datetime) -> Row:
    over = not _is_open(number)
    return {
        "id": number,
        "number": number,
        "key": f"{number:032x}",
        "identity": f"{number % 500:064x}",
        "rule": f"Bench rule {number % 500}",
        "severity": "Sev2",
        "subject_id": f"/subscriptions/x/clusters/{number % 7}",
        "subject_name": f"cluster-{number % 7}",
        "opened_at": opened_at,
        "state": "resolved" if over else "open",
        "version": ALERTS_OF_AN_INCIDENT + 1,
        "alert_count": ALERTS_OF_AN_INCIDENT,
        "resolved_at": opened_at + timedelta(hours=1) if over else None,
    }


def _alerts(number: int, opened_at: datetime) -> Sequence[Row]:
    writer = Writer()
    made = []
    for n in range(ALERTS_OF_AN_INCIDENT):
        fired_at = opened_at + timedelta(minutes=n)
        written = writer.write(rule=f"Bench rule {number % 500}", alert_id=f"{number}-{n}", fired_at=fired_at)
        made.append(
            {
                "key": f"{number}-{n}",
                "identity": f"{number * ALERTS_OF_AN_INCIDENT + n:064x}",
                "condition": "Fired",
                "incident_id": number,
                "why": "opened" if n == 0 else "joined",
                "fired_at": fired_at,
                "happened_at": fired_at,
                "received_at": fired_at,
                "over": not _is_open(number),
                "body": written.body,
            }
        )
    return made


def _evidence(number: int, at: datetime) -> Row:
    body = msgspec.json.encode(Evidence(asked_at=at, workspace="bench", returned=4, read=4))
    return {"incident_id": number, "asked_at": at, "body": body}


def _notification(number: int, at: datetime) -> Row:
    state = NotificationState.PENDING if _is_open(number) else NotificationState.POSTED
    return {
        "id": number,
        "incident_id": number,
        "conversation_id": number % CHANNELS + 1,
        "state": state.value,
        "activity_id": "" if _is_open(number) else f"activity-{number}",
        "shown_version": 0 if _is_open(number) else ALERTS_OF_AN_INCIDENT + 1,
        "created_at": at,
        "due_at": at if _is_open(number) else None,
    }


def _traces(number: int, at: datetime) -> Sequence[Row]:
    steps = (Step.CLAIMED, Step.ASKED, Step.CLAIMED, Step.POSTED, Step.CLAIMED, Step.UPDATED)
    return [{"incident_id": number, "at": at, "step": step.value, "seconds": 0.1} for step in steps]

"""Row `claim`: what a worker asks for all the time, with 100,000 notifications due in 200 conversations."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, insert

from bench.result import Result
from bot.store import open_store
from bot.store.store import SqlStore
from bot.store.tables import conversations, incidents, notifications

ROWS = 100_000
CONVERSATIONS = 200
CLAIMED = 50
ROUNDS = 20
BAR = 0.050
NOW = datetime(2026, 3, 4, 9, 38, 59, tzinfo=UTC)


async def measure(scale: float) -> Result:
    """Claim, and give back, twenty times on an SQLite file."""
    each = max(1, int(ROWS * scale / CONVERSATIONS))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with open_store(f"sqlite:///{Path(folder) / 'auditor.db'}") as opened:
            store = cast("SqlStore", opened)
            await store.database.write(lambda connection: _seed(connection, each))
            claims, waits = [], []
            later = NOW + timedelta(hours=1)
            for _ in range(ROUNDS):
                began = time.perf_counter()
                await store.claim_notifications("bench", later, CLAIMED)
                claims.append(time.perf_counter() - began)
                began = time.perf_counter()
                await store.next_due(later)
                waits.append(time.perf_counter() - began)
                await store.release("bench")
    figure = statistics.median(claims)
    return Result(
        row="claim",
        figure=f"{figure * 1000:.0f} ms for {CLAIMED} of {each * CONVERSATIONS:,} due rows",
        bar=f"< {BAR * 1000:.0f} ms",
        held=figure < BAR,
        notes=[f"when the next one is due: {statistics.median(waits) * 1000:.1f} ms"],
    )


def _seed(connection: Connection, each: int) -> None:
    connection.execute(insert(conversations), [_conversation(n) for n in range(1, CONVERSATIONS + 1)])
    connection.execute(insert(incidents), [_incident(n) for n in range(1, each + 1)])
    for incident in range(1, each + 1):
        rows = [_notification(incident, n) for n in range(1, CONVERSATIONS + 1)]
        connection.execute(insert(notifications), rows)


def _conversation(n: int) -> dict[str, object]:
    texts = ("service_url", "tenant_id", "bot_id", "team_id", "user_object_id", "name")
    return {"id": n, "teams_id": f"c{n}", "kind": "channel", "seen_at": NOW, **dict.fromkeys(texts, "")}


def _incident(n: int) -> dict[str, object]:
    texts = ("rule", "severity", "subject_id", "subject_name")
    told = {"id": n, "number": n, "key": f"{n:032x}", "identity": str(n), "opened_at": NOW}
    return {**told, "state": "fired", "version": 2, "alert_count": 1, **dict.fromkeys(texts, "")}


def _notification(incident: int, conversation: int) -> dict[str, object]:
    due_at = NOW + timedelta(seconds=(incident * 31 + conversation * 17) % 977)
    told = {"incident_id": incident, "conversation_id": conversation, "due_at": due_at}
    return {**told, "state": "stale", "activity_id": "a", "shown_version": 1, "created_at": NOW}

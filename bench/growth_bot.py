"""python -m bench.growth_bot URL: what a card takes of a process that does nothing else.

Each line of standard input is `look PATH` or `trace PATH`; the workspace is URL/PATH. Each answer is one line of JSON.
`trace` looks once more under tracemalloc, which makes it slow.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import orjson
from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from audit.alert import Alert
from audit.evidence import Evidence
from audit.incident import Incident
from bench.growth_workspace import FIRED, NOW, a_window
from bot.inquiry import DEADLINE, Inquiry
from bot.log_analytics import LogAnalytics
from cards import missing
from cards.incident import incident_card
from tests.cards.checks import text
from tests.fakes import FakeClock, FakeMeter
from tests.flows.evidence_asking import alert_of, workspace


class NoCredential:
    """Never asked: the policy below writes the header."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("local", 2**33)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None: ...


class Local(SansIOHTTPPolicy[Any, Any]):
    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = "Bearer local"


async def main(url: str, deadline: timedelta) -> None:
    """Look when a line says so, until there are no more."""
    logs: dict[str, LogAnalytics] = {}
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().split():
        what, path = line
        if path not in logs:
            logs[path] = LogAnalytics(
                credential=NoCredential(),
                endpoint=f"{url}/{path}",
                meter=FakeMeter(),
                authentication_policy=Local(),
            )
        inquiry = Inquiry(
            log=logs[path], workspaces=(workspace(),), clock=FakeClock(at=NOW), deadline=deadline
        )
        done = await (_traced(inquiry) if what == "trace" else _timed(inquiry))
        print(orjson.dumps(done).decode(), flush=True)
    for log in logs.values():
        await log.close()


async def _timed(inquiry: Inquiry) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    evidence, card = await _card(inquiry)
    taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    return {
        **taken,
        "peak": _peak(),
        **_told(evidence, card),
    }


def _peak() -> int:
    """Return the most bytes that this process ever held. What getrusage says begins with what the parent held."""
    told = Path("/proc/self/status").read_text(encoding="ascii").partition("VmHWM:")[2]
    return int(told.split()[0]) * 1024


async def _traced(inquiry: Inquiry) -> dict[str, Any]:
    gc.collect()
    tracemalloc.start()
    await _card(inquiry)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"traced": peak}


async def _card(inquiry: Inquiry) -> tuple[Evidence, dict[str, Any]]:
    alert = _ALERT
    evidence = await inquiry.behind(alert)
    card = incident_card(_incident(alert), alert, evidence, zone=ZoneInfo("UTC"))
    return evidence, card


def _incident(alert: Alert) -> Incident:
    return Incident(
        number=12,
        key="0" * 32,
        rule=alert.rule,
        severity=alert.severity,
        subject_id=alert.subject,
        subject_name="aks-prod-weu",
        opened_at=FIRED,
    )


def _told(evidence: Evidence, card: dict[str, Any]) -> dict[str, Any]:
    """Say what the card is about, and whether it says what it does not know."""
    said = missing.not_known(evidence.missing) if evidence.missing else ""
    return {
        "card": len(orjson.dumps(card)),
        "returned": evidence.returned,
        "read": evidence.read,
        "groups": len(evidence.groups),
        "missing": evidence.missing or "",
        "said": said if said in text(card) else "",
    }


_ALERT = alert_of(a_window(1))

if __name__ == "__main__":
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else DEADLINE.total_seconds()
    asyncio.run(main(sys.argv[1], timedelta(seconds=seconds)))

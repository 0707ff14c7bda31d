"""The webhook's handler alone: what it stores, whom it wakes, and what it answers when that fails."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from api.alerts import OURS, alerts_handler, shared_secret
from api.settings import Secret
from audit.alert import Alert, Condition
from audit.evidence import Evidence
from audit.incident import Person, Transition, Why
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Dossier, Look, Recorded, SeenBefore, Trace
from tests.fakes import NOW, FakeClock
from tests.samples import sample

SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
BODY = sample("alerts/coredns-changed.json").read_bytes()
AZURE = {"Authorization": aiohttp.encode_basic_auth("azure", SECRET)}


@dataclass
class RecordingIncidents:
    """Takes everything; `failures` are raised in turn instead."""

    failures: list[Exception] = field(default_factory=list)
    recorded: list[tuple[Alert, bytes, datetime]] = field(default_factory=list)
    answer: Recorded = field(default_factory=lambda: Recorded(why=Why.NOTHING_TO_RESOLVE, incident=None))

    async def record(
        self,
        alert: Alert,
        body: bytes,
        now: datetime,
        *,
        found: bool = False,
        only_for: str = "",
        also_for: str = "",
    ) -> Recorded:
        if self.failures:
            raise self.failures.pop(0)
        self.recorded.append((alert, body, now))
        return self.answer

    async def known(self, alert_ids: Sequence[str]) -> Mapping[str, frozenset[Condition]]:
        raise NotImplementedError

    async def key_of(self, number: int) -> str | None:
        raise NotImplementedError

    async def trail(self, number: int) -> Sequence[Trace]:
        raise NotImplementedError

    async def adopt(self, key: str, conversation_id: str, activity_id: str, now: datetime) -> str:
        raise NotImplementedError

    async def dossier(self, key: str) -> Dossier | None:
        raise NotImplementedError

    async def acknowledge(self, key: str, by: Person, now: datetime) -> Transition | None:
        raise NotImplementedError

    async def split(
        self, look: Look, alert_key: str, clusters: Sequence[str], now: datetime
    ) -> Sequence[str]:
        raise NotImplementedError

    async def seen_before(
        self, key: str, deeds: Sequence[tuple[str, str]], limit: int, *, conversation_id: str = ""
    ) -> tuple[int, Sequence[SeenBefore]]:
        raise NotImplementedError

    async def save_evidence(
        self, look: Look, evidence: Evidence, now: datetime, again_at: datetime | None
    ) -> bool:
        raise NotImplementedError


@dataclass
class RecordingMeter:
    """Keeps what was counted of alerts; a webhook counts nothing else."""

    results: list[str] = field(default_factory=list)

    def accepted(self, result: str) -> None:
        self.results.append(result)

    def claimed(self, kind: str, rows: int, taken_over: int) -> None:
        raise NotImplementedError

    def sent(self, operation: str, reason: str, seconds: float) -> None:
        raise NotImplementedError

    def asked(self, reason: str, seconds: float) -> None:
        raise NotImplementedError

    def put_off(self, kind: str, reason: str) -> None:
        raise NotImplementedError

    def gave_up(self, reason: str) -> None:
        raise NotImplementedError


@dataclass
class Webhook:
    client: TestClient[web.Request, web.Application]
    incidents: RecordingIncidents
    woken: list[int]
    meter: RecordingMeter
    failures: list[OutsideError]

    async def post(self, body: bytes = BODY, headers: Any = None) -> tuple[int, Any]:
        async with self.client.post("/", data=body, headers=AZURE if headers is None else headers) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def webhook(*, secrets: Sequence[str] = (SECRET,)) -> AsyncIterator[Webhook]:
    incidents = RecordingIncidents()
    woken: list[int] = []
    meter = RecordingMeter()
    failures: list[OutsideError] = []
    handler = alerts_handler(
        allowed=shared_secret([Secret(secret) for secret in secrets]),
        incidents=incidents,
        clock=FakeClock(),
        wake=lambda: woken.append(len(incidents.recorded)),
        meter=meter,
        failed=failures.append,
    )
    app = web.Application()
    app.router.add_post("/", handler)
    server = TestServer(app)
    await server.start_server(auto_decompress=False)
    async with TestClient(server) as client:
        yield Webhook(client=client, incidents=incidents, woken=woken, meter=meter, failures=failures)


async def test_the_alert_is_recorded_as_it_came_and_then_the_worker_is_woken() -> None:
    async with webhook() as hook:
        assert await hook.post() == (202, {"incident": None, "repeated": False})
        ((alert, body, now),) = hook.incidents.recorded
        assert (alert.rule, body, now) == ("AKS-CoreDNS-Changed", BODY, NOW)
        assert hook.woken == [1]


@pytest.mark.parametrize(
    "failure",
    [
        Unavailable(Reason.STORE, "database is locked"),
        Rejected(Reason.STORE, "disk full"),
        RuntimeError("a bug of ours"),
        RecursionError(),
    ],
)
async def test_what_cannot_be_stored_is_answered_503_and_wakes_nobody(
    caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    async with webhook() as hook:
        hook.incidents.failures.append(failure)
        assert await hook.post() == (503, {"error": "The alert could not be stored; send it again."})
        assert hook.woken == []
        (told,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert bool(told.exc_info) == isinstance(failure, RuntimeError)
        assert (await hook.post())[0] == 202


@pytest.mark.parametrize("body", [b"", b"{}", BODY[:-10]])
async def test_what_is_refused_is_not_recorded(body: bytes) -> None:
    async with webhook() as hook:
        status, answer = await hook.post(body)
        assert status == 400
        assert list(answer) == ["error"]
        assert (hook.incidents.recorded, hook.woken) == ([], [])


@pytest.mark.parametrize("condition", ["Fired", "Resolved"])
async def test_nobody_can_send_what_only_the_bot_makes(condition: str) -> None:
    forged = json.loads(BODY)
    forged["data"]["essentials"] |= {
        "alertId": "/Kubernetes-Auditor/Watch/3/ws",
        "monitorCondition": condition,
    }
    async with webhook() as hook:
        status, answer = await hook.post(json.dumps(forged).encode())
        assert (status, answer) == (400, {"error": OURS})
        assert (hook.incidents.recorded, hook.woken) == ([], [])


async def test_each_of_two_secrets_is_good_and_nothing_else_is() -> None:
    other = SECRET[::-1]
    async with webhook(secrets=(SECRET, other)) as hook:
        for password, status in ((SECRET, 202), (other, 202), (SECRET + other, 401), ("", 401)):
            basic = {"Authorization": aiohttp.encode_basic_auth("azure", password)}
            assert (await hook.post(headers=basic))[0] == status


async def test_without_a_secret_nobody_comes_in() -> None:
    async with webhook(secrets=()) as hook:
        for headers in (AZURE, {}, {"Authorization": aiohttp.encode_basic_auth("", "")}):
            assert (await hook.post(headers=headers))[0] == 401


async def test_of_two_passwords_none_counts() -> None:
    async with webhook() as hook:
        twice = CIMultiDict([*AZURE.items(), *AZURE.items()])
        assert (await hook.post(headers=twice))[0] == 401


async def test_a_stranger_is_refused_before_the_body_is_read() -> None:
    async with webhook() as hook:
        async with hook.client.post("/", data=b" " * 1_000_000, headers={}) as answer:
            assert answer.status == 401
            assert answer.headers["Connection"] == "close"
            assert answer.headers["WWW-Authenticate"] == 'Basic realm="alerts"'
        assert hook.incidents.recorded == []


async def test_the_log_says_what_became_of_a_call_and_nothing_of_its_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with webhook() as hook:
        await hook.post()
        await hook.post(b"{}")
        await hook.post(headers={"Authorization": aiohttp.encode_basic_auth("azure", "guessed-password")})
    told = [record for record in caplog.records if record.name == "api.alerts"]
    assert [record.message for record in told] == ["alert accepted", "alert refused", "alert refused"]
    assert [getattr(record, "status", None) for record in told] == [None, 400, 401]
    everything = json.dumps([{k: str(v) for k, v in vars(record).items()} for record in told])
    assert SECRET not in everything
    assert "guessed-password" not in everything


async def test_each_call_is_counted_by_what_became_of_it() -> None:
    async with webhook() as hook:
        await hook.post()
        hook.incidents.answer = Recorded(why=Why.NOTHING_TO_RESOLVE, incident=None, repeated=True)
        await hook.post()
        await hook.post(b"{}")
        await hook.post(headers={})
        await hook.post(b" " * 300_000)
        hook.incidents.failures += [Unavailable(Reason.STORE, "disk full"), RuntimeError("a bug of ours")]
        await hook.post()
        await hook.post()
        assert hook.meter.results == ["accepted", "repeated", *["refused"] * 3, *["not stored"] * 2]


async def test_a_failure_of_the_store_is_handed_on_to_whoever_watches_it() -> None:
    async with webhook() as hook:
        failure = Unavailable(Reason.STORE, "database disk image is malformed")
        hook.incidents.failures += [failure, RuntimeError("a bug of ours")]
        await hook.post()
        await hook.post()
        assert hook.failures == [failure]

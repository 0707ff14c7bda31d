"""`python -m api` as the process that it is: how it starts, how it stops, and what a `kill -9` costs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.app import make_app
from api.settings import Settings
from sandbox.bot_process import BotProcess
from sandbox.ports import free_ports
from tests.api.test_settings import GOOD, SECRET
from tests.flows.wire import basic, exchange
from tests.samples import ROOT, sample

pytestmark = pytest.mark.demo

BODY = sample("alerts/coredns-changed.json").read_bytes()
PASSWORD = "hunter2-of-the-database"
#: In what time a process that cannot start must have said so.
PATIENCE = 15.0


@dataclass(frozen=True, kw_only=True)
class Ended:
    code: int
    said: str
    seconds: float

    @property
    def sentences(self) -> list[str]:
        """The lines that are for whoever starts it, without the log's."""
        return [line for line in self.said.splitlines() if not line.startswith("{")]


async def ended(environ: Mapping[str, str]) -> Ended:
    """Run it with this environment alone until it ends."""
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", cwd=ROOT, env=dict(environ),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(2 * PATIENCE):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        said, _ = await process.communicate()
    assert process.returncode is not None
    return Ended(code=process.returncode, said=said.decode(), seconds=time.monotonic() - started)


def good(folder: Path) -> dict[str, str]:
    return GOOD | {
        "DATABASE_URL": f"sqlite:///{folder / 'auditor.db'}",
        "HOST": "127.0.0.1",
        "PORT": str(free_ports(1)[0]),
        "HEALTH_PORT": str(free_ports(1)[0]),
    }


def is_short(told: Ended, lines: int) -> None:
    """Hold that it ended at once with so many sentences, and told no secret and nothing of its insides."""
    assert len(told.sentences) == lines, told.said
    assert told.seconds < PATIENCE
    for word in ("Traceback", SECRET, "hunter2"):
        assert word not in told.said


async def test_a_bad_environment_ends_it_at_once_with_a_sentence_for_each_problem(tmp_path: Path) -> None:
    everything = {
        "BOT_APP_ID": "x",
        "ALERT_WEBHOOK_SECRET": "hunter2",
        "WORKSPACES": "[",
        "DATABASE_URL": f"mysql://u:{PASSWORD}@h/d",
        "PORT": "-1",
        "TIME_ZONE": "Mars",
        "HOST": "..",
        "MicrosoftAppPassword": PASSWORD,
    }
    cases: list[tuple[dict[str, str], tuple[str, ...]]] = [
        ({}, ("BOT_APP_TYPE", "BOT_APP_ID", "BOT_TENANT_ID", "ALERT_WEBHOOK_SECRET", "WORKSPACES")),
        (good(tmp_path) | everything, tuple(everything)),
        (good(tmp_path) | {"DATABASE_URL": f"postgresql://u:{PASSWORD}@[h/d"}, ("DATABASE_URL",)),
        (good(tmp_path) | {"BOT_APP_TYPE": "WorkloadIdentity"}, ("AZURE_FEDERATED_TOKEN_FILE",)),
    ]
    # Two at a time, as many as a small machine has cores.
    for pair in (cases[:2], cases[2:]):
        for told, (_, names) in zip(await asyncio.gather(*(ended(c) for c, _ in pair)), pair, strict=True):
            assert told.code == 2
            is_short(told, len(names))
            for name in names:
                assert f"{name} " in told.said


async def test_a_database_that_cannot_be_opened_ends_it_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "no-database").write_text("this is no database, and it is longer than a header of one" * 20)
    urls = {
        f"sqlite:///{tmp_path / 'no-database'}": "file is not a database",
        "sqlite:///:memory:": "must name a file",
        f"postgresql://u:{PASSWORD}@127.0.0.1:{free_ports(1)[0]}/d": "Connect call failed",
        f"postgresql://u:{PASSWORD}@127.0.0.1:{free_ports(1)[0]}/d?nonsense=1": "an option that the driver does not take",
    }
    runs = [ended(good(tmp_path) | {"DATABASE_URL": url}) for url in urls]
    told = [*await asyncio.gather(*runs[:2]), *await asyncio.gather(*runs[2:])]
    for each, reason in zip(told, urls.values(), strict=True):
        assert each.code == 1
        is_short(each, 1)
        assert each.said.startswith("The database cannot be opened: ")
        assert reason in each.said


async def test_a_port_that_is_taken_ends_it_with_one_sentence(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        folders = [tmp_path / "a", tmp_path / "b"]
        for told in await asyncio.gather(
            ended(good(folders[0]) | {"PORT": port}), ended(good(folders[1]) | {"HEALTH_PORT": port})
        ):
            assert told.code == 1
            # Only the line about the port: the log may say that it was starting.
            is_short(told, 1)
            assert told.sentences[0].startswith("A port cannot be opened: ")
            assert "HOST, PORT and HEALTH_PORT" in told.said


# --- while it runs -------------------------------------------------------------------------------------


def a_bot(folder: Path, **changes: Any) -> BotProcess:
    """Return a bot to be started, whose sandbox is not there: it can take alerts, and nothing else."""
    given: dict[str, Any] = {
        "sandbox_url": f"http://127.0.0.1:{free_ports(1)[0]}",
        "port": free_ports(1)[0],
        "health_port": free_ports(1)[0],
        "clock_offset": 0.0,
        "holds": ("/subscriptions/x",),
        "folder": folder,
    }
    return BotProcess(**(given | changes))


@asynccontextmanager
async def running(bot: BotProcess) -> AsyncIterator[BotProcess]:
    try:
        await bot.start()
        yield bot
    finally:
        await bot.stop()


def log_of(bot: BotProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bot.log.read_text().splitlines()]


async def test_a_running_bot(tmp_path: Path) -> None:
    async with running(a_bot(tmp_path)) as bot:
        second = await ended(
            bot.environment() | {"PORT": str(free_ports(1)[0]), "HEALTH_PORT": str(free_ports(1)[0])}
        )
        assert second.code == 1
        is_short(second, 1)
        assert "another process is using" in second.said
        for port in (bot.port, bot.health_port):
            assert listens("127.0.0.1", port)
            # All of 127/8 is this machine on Linux, so this would reach a port that is bound to every address.
            assert not listens("127.0.0.2", port)
        for request in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"a" * 9000 + b"\r\n\r\n"):
            for port in (bot.port, bot.health_port):
                assert (await exchange(port, request))[0] == 400
        assert await bot.is_ready()
        assert await bot.stop() == 0
    told = log_of(bot)
    # There is no Azure to compare with, which bot.catch_up says at a moment of its own.
    messages = [m["message"] for m in told if m["level"] != "WARNING" and m["name"] != "bot.catch_up"]
    assert messages == [
        "looking for alerts that Azure did not deliver",
        "serving",
        "stopping",
        "stopped",
    ]
    assert "exc_info" not in bot.log.read_text()
    assert bot.secret not in bot.log.read_text()


def listens(host: str, port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_answers_what_it_has_in_hand(tmp_path: Path, number: signal.Signals) -> None:
    async with running(a_bot(tmp_path)) as bot:
        head = (
            f"POST /api/alerts HTTP/1.1\r\nHost: bot\r\nAuthorization: {basic('azure', bot.secret)}\r\n"
            f"Content-Length: {len(BODY)}\r\n\r\n"
        )
        async with connected(bot.port) as (reader, writer):
            writer.write(head.encode() + BODY[:1000])
            await asyncio.sleep(0.2)
            os.kill(bot.pid, number)
            await until_away(bot)
            await until_closed(bot)
            assert bot.running
            writer.write(BODY[1000:])
            answer = await reader.read()
            await bot.wait()
        assert answer.startswith(b"HTTP/1.1 202 ")
        assert b'"incident": 1' in answer
        assert await bot.stop() == 0
    told = [line["message"] for line in log_of(bot)]
    assert told.index("stopping") < told.index("alert accepted")
    assert "exc_info" not in bot.log.read_text()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def until_away(bot: BotProcess) -> None:
    """Wait until it says that it is stopping."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"http://127.0.0.1:{bot.health_port}/readyz") as answer:
                if answer.status == 503:
                    assert await answer.json() == {"status": "starting or stopping"}
                    return
            await asyncio.sleep(0.02)


async def until_closed(bot: BotProcess) -> None:
    """Wait until it takes no more connections, which it does a moment after it said that it is stopping."""
    async with asyncio.timeout(PATIENCE):
        while listens("127.0.0.1", bot.port):
            await asyncio.sleep(0.02)


async def test_no_route_takes_a_post_without_a_token(tmp_path: Path) -> None:
    bot = a_bot(tmp_path)
    settings = Settings.from_environ(bot.environment())
    routes = [route for route in make_app(settings).router.routes() if route.method in {"POST", "*"}]
    paths = {route.resource.canonical for route in routes if route.resource}
    assert paths == {"/api/alerts", "/api/messages"}
    activity = {
        "type": "message",
        "channelId": "msteams",
        "serviceUrl": f"{bot.sandbox_url}/teams/",
        "conversation": {"id": "x"},
    }
    async with running(bot), aiohttp.ClientSession() as session:
        for path in paths:
            for body in (BODY, json.dumps(activity).encode()):
                if path == "/api/messages" and body == BODY:
                    continue
                headers = {"Content-Type": "application/json"}
                async with session.post(bot.url + path, data=body, headers=headers) as answer:
                    assert answer.status == 401, path
                    assert list(await answer.json()) == ["error"]

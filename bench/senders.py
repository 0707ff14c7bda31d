"""python -m bench.senders WAY: post cards in one of three ways, and say as JSON how long that took.

`ours` is bot.teams behind its pacing, `stock` botbuilder's CloudAdapter.continue_conversation as its samples use it,
`bare` aiohttp posting JSON that was written before.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from botbuilder.core import TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botbuilder.schema import (
    Activity,
    Attachment,
    ChannelAccount,
    ConversationAccount,
    ConversationReference,
)

from api.app import CONNECTIONS
from api.clocks import SystemClock
from api.identity import bot_credential
from api.metrics import Metrics
from api.settings import Settings
from bench.bot import Bot, conversations
from bench.load import percentile
from bench.world import PASSWORD
from bot.errors import Unavailable
from bot.pacing import Paced, Pacing
from bot.ports import Conversation, Message
from bot.store import open_store
from bot.teams import AppToken, Sender, ServiceHosts, TeamsConversations
from sandbox.bot_process import APP_ID, ROOT
from sandbox.room import TENANT

SAMPLE = ROOT / "samples" / "cards" / "incident-person.json"
CARD_TYPE = "application/vnd.microsoft.card.adaptive"
#: How often the loop's lateness is looked at, in seconds.
TICK = 0.005

Post = Callable[[Conversation], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be sent where. `folder` is for the store, `authority` the token endpoint of MSAL."""

    world_url: str
    folder: Path
    authority: str
    #: Cards in all, over so many tenants and conversations.
    cards: int
    tenants: int
    conversations: int
    at_once: int

    def targets(self) -> list[Conversation]:
        """Return where each card goes: round and round the conversations."""
        each = max(1, self.conversations // self.tenants)
        channels = conversations(f"{self.world_url}/teams/", tenants=self.tenants, each=each)
        return [channels[number % len(channels)] for number in range(self.cards)]


def card() -> Mapping[str, Any]:
    """Return the card that everybody sends."""
    found: Mapping[str, Any] = orjson.loads(SAMPLE.read_bytes())
    return found


@asynccontextmanager
async def ours(job: Job) -> AsyncIterator[Post]:
    """The bot's own way out, put together as api.app does."""
    bot = Bot(world_url=job.world_url, folder=job.folder)
    settings, clock = Settings.from_environ(bot.environment()), SystemClock()
    message = Message(card=card(), summary="A card of the bench")
    async with (
        open_store(bot.database) as store,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session,
    ):
        sender = Sender(
            session=session,
            tokens=AppToken(bot_credential(settings, session, clock), clock),
            hosts=ServiceHosts((), sandbox=urlsplit(job.world_url).netloc),
            clock=clock,
            meter=Metrics(),
        )
        paced = Paced(TeamsConversations(sender), Pacing(pace=store, clock=clock))

        async def post(where: Conversation) -> None:
            await paced.post(where, message)

        yield post


@asynccontextmanager
async def stock(job: Job) -> AsyncIterator[Post]:
    """The SDK as it comes: a client, a token and a connection for every message."""
    logging.getLogger("msrest").setLevel(logging.ERROR)
    configuration = SimpleNamespace(
        APP_ID=APP_ID,
        APP_PASSWORD=PASSWORD,
        APP_TYPE="SingleTenant",
        APP_TENANTID=TENANT,
        TO_CHANNEL_FROM_BOT_LOGIN_URL=job.authority,
        TO_CHANNEL_FROM_BOT_OAUTH_SCOPE="https://api.botframework.com",
    )
    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(configuration))
    content = card()

    async def say(context: TurnContext) -> None:
        attachment = Attachment(content_type=CARD_TYPE, content=content)
        await context.send_activity(Activity(type="message", attachments=[attachment]))

    async def post(where: Conversation) -> None:
        await adapter.continue_conversation(_reference(where), say, APP_ID)

    yield post


def _reference(where: Conversation) -> ConversationReference:
    return ConversationReference(
        channel_id="msteams",
        service_url=where.service_url,
        bot=ChannelAccount(id=where.bot_id),
        conversation=ConversationAccount(id=where.id, tenant_id=where.tenant_id),
    )


@asynccontextmanager
async def bare(job: Job) -> AsyncIterator[Post]:
    """One session, one token, one body."""
    form = {
        "grant_type": "client_credentials",
        "client_id": APP_ID,
        "client_secret": PASSWORD,
        "scope": "https://api.botframework.com/.default",
    }
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{job.world_url}/login/token", data=form) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        activity = {"type": "message", "attachments": [{"contentType": CARD_TYPE, "content": card()}]}
        body = orjson.dumps(activity)

        async def post(where: Conversation) -> None:
            url = f"{where.service_url}v3/conversations/{quote(where.id, safe='')}/activities"
            async with session.post(url, data=body, headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()

        yield post


WAYS = {"ours": ours, "stock": stock, "bare": bare}


async def run(way: str, job: Job) -> Mapping[str, float]:
    """Send everything, `at_once` at a time; return cards, seconds, and the loop's lag in seconds."""
    lags: list[float] = []
    async with WAYS[way](job) as post:
        ticking = asyncio.create_task(_tick(lags))
        started = time.perf_counter()
        await _send_all(post, job.targets(), job.at_once)
        seconds = time.perf_counter() - started
        ticking.cancel()
    return {"cards": job.cards, "seconds": seconds, "lag_p99": percentile(lags, 0.99), "lag_max": max(lags)}


async def _send_all(post: Post, targets: Sequence[Conversation], at_once: int) -> None:
    """Post to every target; what has to wait for its room lets others go first, as the worker does."""
    queue: asyncio.PriorityQueue[tuple[float, int]] = asyncio.PriorityQueue()
    for number in range(len(targets)):
        queue.put_nowait((0.0, number))

    async def one_after_another() -> None:
        while not queue.empty():
            due, number = queue.get_nowait()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            try:
                await post(targets[number])
            except Unavailable as later:
                if later.retry_after is None:
                    raise
                queue.put_nowait((time.perf_counter() + later.retry_after.total_seconds(), number))

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))


async def _tick(lags: list[float]) -> None:
    """Note again and again how late the loop wakes."""
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        lags.append(max(0.0, time.perf_counter() - due))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, send, and write one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.senders", description=__doc__)
    parser.add_argument("way", choices=sorted(WAYS))
    parser.add_argument("--world", required=True)
    parser.add_argument("--authority", default="")
    parser.add_argument("--folder", type=Path, required=True)
    for name in ("cards", "tenants", "conversations", "at-once"):
        parser.add_argument(f"--{name}", type=int, required=True)
    told = parser.parse_args(arguments)
    job = Job(
        world_url=told.world,
        folder=told.folder,
        authority=told.authority,
        cards=told.cards,
        tenants=told.tenants,
        conversations=told.conversations,
        at_once=told.at_once,
    )
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(run(told.way, job))) + b"\n")


if __name__ == "__main__":
    main()

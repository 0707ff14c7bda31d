"""The whole of it in one process: the bot's real application and the sandbox, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from api.app import Deadlines, make_app, make_health_app
from api.server import runner
from api.settings import Settings
from appmanifest.__main__ import manifest
from sandbox.bot_process import APP_ID, BotProcess
from sandbox.check import PageClient, text_of
from sandbox.engine import Engine
from sandbox.given import read_files
from sandbox.options import Options
from sandbox.package import suggestions_of
from sandbox.ports import bound, free_ports
from sandbox.site import LIBRARIES, Site, open_site
from sandbox.stories import Story
from tests.samples import sample

ALERT = sample("alerts/coredns-changed.json")
EVENTS = sample("events/coredns-changed.jsonl")
#: Why the page cannot be drawn here; "" where it can.
LIBRARIES_MISSING = (
    "" if all(path.is_file() for path in LIBRARIES.values()) else "the page's packages; run make test"
)
Json = dict[str, Any]
Seen = TypeVar("Seen")


@dataclass
class MovableClock:
    """Ticks like the machine's, and can be moved."""

    offset: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset  # noqa: TID251 - the flows' clock

    def pass_time(self, **span: float) -> None:
        self.offset += timedelta(**span)


@dataclass
class StillClock(MovableClock):
    """Stands still, so that what is said is the same each time."""

    at: datetime

    def now(self) -> datetime:
        return self.at + self.offset


@dataclass(kw_only=True)
class Laptop:
    page: PageClient
    site: Site
    process: BotProcess
    settings: Settings
    clock: MovableClock
    engine: Engine
    session: aiohttp.ClientSession
    body: bytes

    async def see(self, look: Callable[[Json], Seen | None], what: str = "it", patience: float = 10) -> Seen:
        """Wait until the page's state shows it."""
        ends = time.monotonic() + patience
        while time.monotonic() < ends:
            if (found := look(await self.page.state())) is not None:
                return found
            await asyncio.sleep(0.05)
        state = await self.page.state()
        raise AssertionError(
            f"did not see {what} but {[text_of(m['card'])[:200] for m in state['messages']]}"
        )

    async def post_alert(self, body: bytes, **headers: str) -> aiohttp.ClientResponse:
        """Post to the webhook as the action group does."""
        auth = aiohttp.encode_basic_auth("azure", self.process.secret)
        headers = {"Content-Type": "application/json", "Authorization": auth} | headers
        return await self.session.post(f"{self.process.url}/api/alerts", data=body, headers=headers)

    async def is_ready(self) -> bool:
        return await self.process.is_ready()


def options(alert: Path = ALERT, events: Path = EVENTS, now: datetime | None = None) -> Options:
    return Options(alert=alert, events=events, now=now, out=None, check=True, port=0, open_page=False)


@asynccontextmanager
async def laptop(
    folder: Path,
    *,
    alert: Path = ALERT,
    events: Path = EVENTS,
    database_url: str = "",
    holds: tuple[str, ...] | None = None,
    stories: tuple[Story, ...] = (),
    install: bool = True,
    before: Callable[[Settings], Settings] = lambda settings: settings,
    deadlines: Deadlines | None = None,
    own_process: bool = False,
    through: Callable[[int], AbstractAsyncContextManager[str]] | None = None,
    bot_clock: MovableClock | None = None,
    still: bool = False,
) -> AsyncIterator[Laptop]:
    """Start both sides; the bot is installed in the team, and nothing has fired.

    `through` opens what stands between the bot and the sandbox's port, and gives the URL that the bot is told;
    `bot_clock` is the bot's own clock where it is to differ from the sandbox's (not with `own_process`).
    With `own_process` the bot is `python -m api`, which `Laptop.process` stops, kills and starts; then the clock
    must not be moved, and `deadlines` do not count. `still`: no time passes.
    """
    given = read_files(options(alert, events))
    clock = MovableClock(given.now - datetime.now(UTC))  # noqa: TID251 - the flows' clock
    if still:
        clock = StillClock(timedelta(), given.now)
    async with AsyncExitStack() as opened:
        listening = bound(0)
        own_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        url = await opened.enter_async_context(through(listening.getsockname()[1])) if through else own_url
        targets = replace(given, stories=stories).holds
        port, health_port = free_ports(2)
        process = BotProcess(
            sandbox_url=url,
            port=port,
            health_port=health_port,
            clock_offset=clock.offset.total_seconds(),
            holds=targets if holds is None else holds,
            folder=folder,
            database_url=database_url,
        )
        engine = Engine(clock)
        opened.callback(engine.close)
        engine.ingest(given.rows)
        site = await opened.enter_async_context(
            open_site(
                url=url,
                process=process,
                engine=engine,
                clock=clock,
                alert=given.body,
                stories=stories,
                socket=listening,
                out=None,
                suggestions=suggestions_of(manifest(bot_id=APP_ID, website="https://example.com")),
            )
        )
        settings = before(Settings.from_environ(process.environment()))
        if own_process:
            opened.push_async_callback(process.stop)
            await process.start()
        else:
            await opened.enter_async_context(the_bot(settings, bot_clock or clock, deadlines))
        session = await opened.enter_async_context(aiohttp.ClientSession())
        if install:
            await site.bot.install_in_team()
        yield Laptop(
            page=PageClient(session, own_url),
            site=site,
            process=process,
            settings=settings,
            clock=clock,
            engine=engine,
            session=session,
            body=given.body,
        )


@asynccontextmanager
async def the_bot(
    settings: Settings, clock: MovableClock, deadlines: Deadlines | None = None
) -> AsyncIterator[None]:
    """Run the bot's real application on its two ports, as api.__main__ does."""
    app = make_app(settings, clock=clock, deadlines=deadlines)
    async with AsyncExitStack() as running:
        for each, port in ((app, settings.server.port), (make_health_app(app), settings.server.health_port)):
            served = runner(each)
            await served.setup()
            running.push_async_callback(served.cleanup)
            await web.TCPSite(served, "127.0.0.1", port).start()
        yield


def with_workspaces(settings: Settings, *names: str) -> Settings:
    """Return the settings with further workspaces of these names, which the sandbox does not have."""
    first = settings.workspaces[0]
    more = tuple(
        replace(first, name=name, id=f"00000000-0000-0000-0000-{n:012d}") for n, name in enumerate(names)
    )
    return replace(settings, workspaces=(*settings.workspaces, *more))

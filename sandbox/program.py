"""The sandbox as a program: Azure and Teams on this laptop, and the bot between them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from sandbox.bot_process import BotFailed, BotProcess
from sandbox.check import Check, PageClient
from sandbox.check_story import StoryCheck
from sandbox.clock import MovedClock
from sandbox.desktop import open_in_browser
from sandbox.engine import Engine
from sandbox.given import CannotStart, Given, read_given
from sandbox.options import Options, read_options
from sandbox.package import suggestions_of_app
from sandbox.ports import bound, check_free, free_ports
from sandbox.postgres import NoPostgres, fresh_database, running_server
from sandbox.replicas import Replicas
from sandbox.site import Site, open_site
from sandbox.yardstick import Yardstick

#: What ends the program in order. SIGHUP: the terminal was closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(kw_only=True)
class Stop:
    """The first signal ends what runs, in order; the next one does not wait for the bot."""

    number: int = 0
    replicas: Replicas | None = None

    def listen(self) -> None:
        """Cancel the running task at the first signal. A signal that our parent had us ignore stays ignored."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def heard(number: int) -> None:
            if not self.number and task is not None:
                self.number = number
                task.cancel()
            elif self.replicas is not None:
                self.replicas.kill()

        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, heard, number)


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Everything that was started."""

    url: str
    given: Given
    replicas: Replicas
    site: Site
    engine: Engine


async def run(options: Options, given: Given) -> int:
    """Start everything, then check or wait; stop what was started, and only that. Return the exit code."""
    stop = Stop()
    stop.listen()
    try:
        async with AsyncExitStack() as opened:
            demo = await _start(opened, options, given, stop)
            return await (check(demo) if options.check else show(demo, options))
    except asyncio.CancelledError:
        if not stop.number:
            raise
        # Ctrl-C is how a demo is meant to end; a check that it interrupts has not passed.
        return 0 if stop.number == signal.SIGINT and not options.check else 128 + stop.number


async def _start(opened: AsyncExitStack, options: Options, given: Given, stop: Stop) -> Demo:
    folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="kubernetes-auditor-")))
    listening = opened.enter_context(bound(options.port))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    clock = MovedClock.showing(given.now)
    ports = _ports(options, listening.getsockname()[1])
    process = BotProcess(
        sandbox_url=url,
        port=ports[0],
        health_port=ports[1],
        clock_offset=clock.offset.total_seconds(),
        holds=given.holds,
        folder=folder,
        database_url=await _database(opened, options),
    )
    replicas = stop.replicas = Replicas(_alike(process, ports))
    engine = Engine(clock)
    opened.callback(engine.close)
    # Side by side: each is another process or thread, and takes a second.
    _, suggestions = await asyncio.gather(
        asyncio.to_thread(engine.ingest, given.rows), suggestions_of_app(folder)
    )
    site = await opened.enter_async_context(
        open_site(
            url=url,
            process=process,
            replicas=replicas,
            engine=engine,
            clock=clock,
            alert=given.body,
            steps=given.steps,
            stories=given.stories,
            socket=listening,
            out=options.out,
            suggestions=suggestions,
        )
    )
    opened.push_async_callback(replicas.stop)
    await replicas.start()
    await site.bot.install_in_team()
    return Demo(url=url, given=given, replicas=replicas, site=site, engine=engine)


def _ports(options: Options, page: int) -> list[int]:
    """Return two ports for each replica: the bot's and its health's. Raises CannotStart for one that is taken."""
    count = 2 * options.replicas
    ports = free_ports(count) if options.check else list(range(page + 1, page + 1 + count))
    names = [f"replica {n}" for n in range(1, options.replicas + 1)] if options.replicas > 1 else ["the bot"]
    check_free(dict(zip((w for name in names for w in (name, f"{name}'s health")), ports, strict=True)))
    return ports


def _alike(process: BotProcess, ports: list[int]) -> list[BotProcess]:
    """Return the process, and one like it for every further pair of ports."""
    if len(ports) == 2:  # noqa: PLR2004 - one replica's
        return [process]
    pairs = zip(ports[::2], ports[1::2], strict=True)
    return [
        replace(process, name=f"bot-{n}", port=port, health_port=health_port)
        for n, (port, health_port) in enumerate(pairs, 1)
    ]


async def _database(opened: AsyncExitStack, options: Options) -> str:
    """Return the URL of a database of the demo's own; "" lets the bot use a file. Raises NoPostgres."""
    server = options.database_url
    if not server and options.replicas == 1:
        return ""
    server = server or opened.enter_context(running_server())
    return await opened.enter_async_context(fresh_database(server))


async def check(demo: Demo) -> int:
    """Run the main job once. Return 0 if every step was green."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        green = await Check(
            page=PageClient(session, demo.url),
            alert=demo.given.alert,
            is_common=demo.given.is_common,
            yardstick=Yardstick(demo.engine, demo.given.alert, demo.given.rows),
            is_ready=demo.replicas.is_ready,
            stop=demo.replicas.stop,
            say=_say,
            story=_story(demo),
            kill=demo.replicas.kill_one if demo.replicas.several else None,
        ).run()
    if not green:
        print(f"The bot's last words: {demo.replicas.last_words()}", file=sys.stderr)
    return 0 if green else 1


def _story(demo: Demo) -> StoryCheck | None:
    given = demo.given
    steps = [(step, Yardstick(demo.engine, step.alert, given.rows)) for step in given.steps]
    return StoryCheck(steps=steps) if steps else None


async def show(demo: Demo, options: Options) -> int:
    """Fire the alert, say where the page is, and wait until the bot ends by itself, which is a failure."""
    sent = await demo.site.fire()
    answered = f"answered {sent.status} in {sent.ms:.0f} ms" if sent.status else "not answered"
    _say(f"\n  Alert fired: {demo.site.alarm.title}; the bot's webhook {answered}.")
    if not 200 <= sent.status < 300:  # noqa: PLR2004 - HTTP's range of success
        _say(f"  It said: {sent.text}")
    logs = " ".join(str(process.log) for process in demo.replicas.processes)
    _say(f"\n  The channel:   {demo.url}/\n  The bot's log: {logs}\n\n  Ctrl-C stops all of it.")
    if options.open_page:
        open_in_browser(f"{demo.url}/")
    try:
        await demo.replicas.wait()
    except asyncio.CancelledError:
        with suppress(OSError):  # the terminal may be gone
            _say("\n  Stopping …")
        raise
    raise BotFailed(f"The bot has ended by itself: {demo.replicas.last_words()}")


def _say(line: str) -> None:
    print(line, flush=True)


def check_out(out: Path | None) -> None:
    """Make the folder of --out. Raises CannotStart if it cannot be written, or has files of something else."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise CannotStart(
                f"{out} is not empty; give --out a new folder, for the files are numbered from 1."
            )
        with tempfile.TemporaryFile(dir=out):
            pass
    except FileExistsError:
        raise CannotStart(f"{out} is a file; give --out a folder.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CannotStart(f"--out {str(out)!r} cannot be written to: {why}.") from None


def main(arguments: list[str] | None = None) -> int:
    options = read_options(arguments)
    try:
        given = read_given(options)
        check_out(options.out)
        return asyncio.run(run(options, given))
    except (CannotStart, BotFailed, NoPostgres) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our lines has gone; what is still buffered has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT

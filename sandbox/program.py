"""The sandbox as a program: Azure and Teams on this laptop, and the bot between them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from sandbox.bot_process import BotFailed, BotProcess
from sandbox.check import Check, PageClient
from sandbox.clock import MovedClock
from sandbox.desktop import open_in_browser
from sandbox.engine import Engine
from sandbox.given import CannotStart, Given, read_files
from sandbox.options import Options, read_options
from sandbox.ports import bound, check_free, free_ports
from sandbox.site import Site, open_site
from sandbox.yardstick import Yardstick

#: What ends the program in order. SIGHUP: the terminal was closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(kw_only=True)
class Stop:
    """The first signal ends what runs, in order; the next one does not wait for the bot."""

    number: int = 0
    process: BotProcess | None = None

    def listen(self) -> None:
        """Cancel the running task at the first signal. A signal that our parent had us ignore stays ignored."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def heard(number: int) -> None:
            if not self.number and task is not None:
                self.number = number
                task.cancel()
            elif self.process is not None:
                self.process.kill()

        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, heard, number)


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Everything that was started."""

    url: str
    given: Given
    process: BotProcess
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
    port = listening.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    bot_port, health_port = free_ports(2) if options.check else (port + 1, port + 2)
    check_free({"the bot": bot_port, "the bot's health": health_port})
    clock = MovedClock.showing(given.now)
    process = BotProcess(
        sandbox_url=url,
        port=bot_port,
        health_port=health_port,
        clock_offset=clock.offset.total_seconds(),
        holds=given.holds,
        folder=folder,
    )
    stop.process = process
    engine = Engine(clock)
    opened.callback(engine.close)
    await asyncio.to_thread(engine.ingest, given.rows)
    site = await opened.enter_async_context(
        open_site(
            url=url,
            process=process,
            engine=engine,
            clock=clock,
            alert=given.body,
            socket=listening,
            out=options.out,
        )
    )
    opened.push_async_callback(process.stop)
    await process.start()
    await site.bot.install_in_team()
    return Demo(url=url, given=given, process=process, site=site, engine=engine)


async def check(demo: Demo) -> int:
    """Run the main job once. Return 0 if every step was green."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        green = await Check(
            page=PageClient(session, demo.url),
            alert=demo.given.alert,
            is_common=demo.given.is_common,
            yardstick=Yardstick(demo.engine, demo.given.alert, demo.given.rows),
            is_ready=demo.process.is_ready,
            stop=demo.process.stop,
            say=_say,
        ).run()
    if not green:
        print(f"The bot's last words: {demo.process.last_words()}", file=sys.stderr)
    return 0 if green else 1


async def show(demo: Demo, options: Options) -> int:
    """Fire the alert, say where the page is, and wait until the bot ends by itself, which is a failure."""
    sent = await demo.site.alarm.fire()
    answered = f"answered {sent.status} in {sent.ms:.0f} ms" if sent.status else "not answered"
    _say(f"\n  Alert fired: {demo.site.alarm.title}; the bot's webhook {answered}.")
    if not 200 <= sent.status < 300:  # noqa: PLR2004 - HTTP's range of success
        _say(f"  It said: {sent.text}")
    _say(f"\n  The channel:   {demo.url}/\n  The bot's log: {demo.process.log}\n\n  Ctrl-C stops both.")
    if options.open_page:
        open_in_browser(f"{demo.url}/")
    try:
        await demo.process.wait()
    except asyncio.CancelledError:
        with suppress(OSError):  # the terminal may be gone
            _say("\n  Stopping …")
        raise
    raise BotFailed(f"The bot has ended by itself: {demo.process.last_words()}")


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
        given = read_files(options)
        check_out(options.out)
        return asyncio.run(run(options, given))
    except (CannotStart, BotFailed) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our lines has gone; what is still buffered has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT

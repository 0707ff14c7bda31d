"""What `python -m sandbox` is told on its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from sandbox.bot_process import ROOT
from sandbox.clock import EARLIEST, LATEST

PORT = 8800
#: The bot takes the two ports after the page's; every further replica the next two.
LAST_PORT = 65535 - 2
MOST_REPLICAS = 4
SAMPLE_ALERT = ROOT / "samples/alerts/coredns-changed.json"
SAMPLE_EVENTS = ROOT / "samples/events/coredns-changed.jsonl"
_EPILOG = """
Ctrl-C ends it. Exit codes: 0 done; 1 a step was red, or something could not be started; 2 a wrong option;
128 and the signal's number when a check is interrupted (130 for Ctrl-C) or the program is told to end (143).
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    alert: Path
    events: Path
    #: Takes the place of alert, events and now.
    story: str | None = None
    #: The page offers the stories: no files of somebody's own were given.
    offers_stories: bool = False
    now: datetime | None
    out: Path | None
    check: bool
    #: The page's; 0 takes a free one.
    port: int
    open_page: bool
    #: How many processes the bot is.
    replicas: int = 1
    #: A PostgreSQL server on which databases can be made; "" runs one where it is needed.
    database_url: str = ""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End with one sentence instead of the whole usage."""
        self.exit(2, f"sandbox: {message}; make demo ARGS=--help lists what can be given.\n")


def read_options(arguments: list[str] | None) -> Options:
    """Read the command line. Ends the program with code 2 and a sentence for a wrong one."""
    parser = _Parser(
        prog="python -m sandbox",
        description="Azure and Teams on this laptop, and the bot between them.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--alert", type=Path, help="an alert as Azure posts it")
    parser.add_argument("--events", type=Path, help="audit events or rows of the workspace")
    parser.add_argument(
        "--story",
        nargs="?",
        const="",
        metavar="NAME",
        help="tell a story of samples/stories: its rows, its alerts, its time; without a name they are listed",
    )
    parser.add_argument(
        "--now",
        type=_moment,
        help="what the clock shows, UTC unless it says another offset (default: 35 s after the alert fired)",
    )
    parser.add_argument(
        "--out", type=Path, help="a new or empty folder for every activity and query, one file each"
    )
    parser.add_argument(
        "--check", action="store_true", help="run the main job once without a browser, and end"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=PORT,
        help=f"the page's port (default {PORT}); the bot takes the next two. With --check, free ones are taken",
    )
    parser.add_argument("--no-open", action="store_true", help="do not open the page")
    parser.add_argument(
        "--replicas",
        type=_replicas,
        default=1,
        help=f"run the bot as so many processes (at most {MOST_REPLICAS}) on one PostgreSQL; each takes two ports",
    )
    parser.add_argument(
        "--database-url",
        default="",
        metavar="URL",
        help="a PostgreSQL server; the demo makes a database of its own there, and drops it at the end",
    )
    given = parser.parse_args(arguments)
    own = given.alert or given.events
    if given.story is not None and (own or given.now):
        parser.error("--story brings its own alert, events and time")
    if given.port + 2 * given.replicas > LAST_PORT + 2:
        parser.error(f"--port must leave room for the {2 * given.replicas} ports after it")
    return Options(
        alert=given.alert or SAMPLE_ALERT,
        events=given.events or SAMPLE_EVENTS,
        story=given.story,
        offers_stories=not own,
        now=given.now,
        out=given.out,
        check=given.check,
        port=0 if given.check else given.port,
        open_page=not given.no_open,
        replicas=given.replicas,
        database_url=given.database_url,
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("must be a time such as 2026-03-04T09:38:59Z") from None
    if not EARLIEST <= moment <= LATEST:
        raise argparse.ArgumentTypeError(f"must be a time from {EARLIEST.year} to {LATEST.year}")
    return moment


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= LAST_PORT):
        raise argparse.ArgumentTypeError(
            f"must be a port from 1 to {LAST_PORT}, because the bot takes the next two"
        )
    return int(text)


def _replicas(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= MOST_REPLICAS):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST_REPLICAS}")
    return int(text)

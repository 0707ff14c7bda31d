from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import chromium_missing
from tests.postgres import fresh_database, needs_postgres, postgres_missing, postgres_server
from tests.shared_data import shared_data_missing


def pytest_configure() -> None:
    """Take Ctrl-C and hang-ups again where a shell that put us behind has them ignored: programs of tests inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines what could not run on this machine; the tests of it fail where CI is set."""
    for missing in (postgres_missing(), chromium_missing(), shared_data_missing()):
        if missing:
            terminalreporter.write_line(f"not run here: {missing}", yellow=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    needs_postgres()
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/auditor.db"
        return
    async with fresh_database(request.getfixturevalue("postgres_url")) as url:
        yield url

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.chromium import chromium_missing
from tests.postgres import postgres_missing
from tests.shared_data import shared_data_missing

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines what could not run on this machine; the tests of it fail where CI is set."""
    for missing in (postgres_missing(), chromium_missing(), shared_data_missing()):
        if missing:
            terminalreporter.write_line(f"not run here: {missing}", yellow=True)

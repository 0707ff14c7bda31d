from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser.chromium import chromium_missing
from tests.browser.desk import Desk, open_desk
from tests.environment import environment
from tests.flows.laptop import LIBRARIES_MISSING


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The sandbox with its page open, as Alice; the alert has not fired."""
    if missing := chromium_missing() or LIBRARIES_MISSING:
        if environment().ci:
            pytest.fail(missing)
        pytest.skip(missing)
    async with open_desk(tmp_path) as opened:
        yield opened
    assert opened.complaints == []

"""An installed Chromium, driven by Playwright; none is ever downloaded."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Nothing of the browser's own goes out; as root it cannot have its sandbox.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Return the path of an installed Chromium."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def chromium_missing() -> str | None:
    """Say why browser tests did not run; None where they can."""
    return (
        None
        if chromium()
        else "the browser tests; install Chromium (Debian and Ubuntu: apt install chromium)."
    )


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """Open the installed Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()

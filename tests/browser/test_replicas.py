"""Two replicas on a laptop: one is killed in front of the page, and the channel shows nothing of it."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import a_browser, chromium_missing
from tests.browser.desk import PHONE, WIDE
from tests.environment import environment
from tests.flows.laptop import LIBRARIES_MISSING
from tests.flows.programs import Program, demo
from tests.postgres import postgres_missing

pytestmark = [pytest.mark.browser, pytest.mark.demo, pytest.mark.postgres]

#: Milliseconds within which what a dead replica held has been taken over.
TAKEN_OVER = 45_000


def replica(page: Page, number: int) -> Locator:
    return page.get_by_test_id("replica").filter(has_text=f"Replica {number}")


async def pressed(page: Page, what: str, number: int) -> None:
    await page.get_by_role("button", name=f"{what} replica {number}").click()


async def drill(page: Page) -> None:
    """Kill replica 1, go on with 2, start 1 again, kill 2."""
    card = page.get_by_test_id("message").filter(has=page.get_by_text("#1 · "))
    await expect(card).to_have_count(1)
    messages = await page.get_by_test_id("message").count()
    for number in (1, 2):
        await expect(replica(page, number)).to_contain_text("ready")
    await pressed(page, "Kill", 1)
    await expect(replica(page, 1)).to_contain_text("dead")
    assert await page.get_by_test_id("message").count() == messages
    await card.get_by_role("button", name="Acknowledge").click()
    await expect(card).to_contain_text("Acknowledged by Alice Weber")
    await page.get_by_test_id("fire").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("the webhook answered 202")
    await expect(card).to_contain_text("2 alerts", timeout=TAKEN_OVER)
    await pressed(page, "Start", 1)
    await expect(replica(page, 1)).to_contain_text("ready", timeout=20_000)
    await pressed(page, "Kill", 2)
    await page.get_by_test_id("resolve").click()
    await expect(card).to_contain_text("Azure says it is over", timeout=TAKEN_OVER)
    assert await page.get_by_test_id("message").count() == messages
    run = page.get_by_test_id("run-list")
    for words in ("Replica 1 was killed", "Replica 1 is ready", "Replica 2 was killed"):
        await expect(run).to_contain_text(words)


async def opened(page: Page, it: Program) -> None:
    page.set_default_timeout(10_000)
    await page.goto(it.url)


async def test_a_replica_is_killed_and_nothing_is_seen_but_the_next_card() -> None:
    if missing := chromium_missing() or LIBRARIES_MISSING or postgres_missing():
        if environment().ci:
            pytest.fail(missing)
        pytest.skip(missing)
    with demo("--replicas", "2", "--no-open") as it:
        await asyncio.to_thread(it.read_until, "Ctrl-C")
        async with a_browser() as browser:
            complaints: list[str] = []
            page = await browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]})
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await opened(page, it)
            await drill(page)
            assert complaints == []
            phone = await browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
            await opened(phone, it)
            await expect(replica(phone, 1)).to_contain_text("ready")
            wide = await phone.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE[0]
        assert it.end() == 0
        assert it.errors() == ""

"""Takes the pictures of docs/pictures anew: python -m tests.browser.pictures. They are looked at, never compared."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Locator, expect

from sandbox.stories import read_stories
from tests.browser.desk import PHONE, WIDE, Desk, open_desk

#: What the pictures of docs/chat.md show.
CHAT = {
    "answer": "audits coredns last 1h",
    "who": "who changed kube-system/coredns-custom last 1h",
    "activity": "activity last 1h",
    "help": "help",
}
#: Of its answer not everything stands on the card.
LISTED = "audits coredns last 1h top 1"
PICTURES = Path(__file__).parents[2] / "docs/pictures"
#: Stories whose cards docs/evidence.md shows.
STORIES = ("corefile-edit", "cluster-admin", "cut-rows")
#: So high that no card of a story scrolls.
HIGH = 3400


async def shown(desk: Desk) -> Locator:
    """Fire from outside, so that no notice of the page lies over the card."""
    await desk.laptop.page.call("fire")
    card = desk.page.get_by_test_id("message").filter(has=desk.page.get_by_text("#1 · "))
    await expect(card).to_have_count(1)
    return card


async def incident(desk: Desk, name: str) -> None:
    await shown(desk)
    await desk.page.wait_for_timeout(500)
    await desk.page.screenshot(path=PICTURES / f"incident-{name}.png")


async def a_shift(desk: Desk, name: str) -> None:
    """Acknowledge, raw log, question: one picture each."""
    page = desk.page
    card = await shown(desk)
    await card.get_by_role("button", name="Show raw log").click()
    await expect(page.get_by_test_id("dialog")).to_contain_text("Event 1 of 6")
    await page.screenshot(path=PICTURES / f"raw-log-{name}.png")
    await page.keyboard.press("Escape")
    await card.get_by_role("button", name="Acknowledge").click()
    await expect(card).to_contain_text("Since then, until")
    await page.wait_for_timeout(500)
    await page.screenshot(path=PICTURES / f"acknowledged-{name}.png")
    await desk.say("audits coredns last 1h")
    await expect(page.get_by_test_id("thread")).to_contain_text("9 events by 2 people")
    await page.wait_for_timeout(500)
    await page.screenshot(path=PICTURES / f"answer-{name}.png")


async def a_talk(desk: Desk, name: str) -> None:
    """Ask in the channel: one picture for each kind of answer."""
    page = desk.page
    await shown(desk)
    for what, line in CHAT.items():
        answer = await asked(desk, line)
        await answer.screenshot(path=PICTURES / f"chat-{what}-{name}.png")
    answer = await asked(desk, LISTED)
    await answer.get_by_role("button", name="List all").click()
    dialog = page.get_by_test_id("dialog")
    await expect(dialog).to_be_visible(timeout=20_000)
    # On a machine that is too busy it would come to the personal chat.
    await expect(dialog).not_to_contain_text("is on its way")
    await page.wait_for_timeout(500)
    await dialog.screenshot(path=PICTURES / f"chat-list-{name}.png")


async def asked(desk: Desk, line: str) -> Locator:
    """Ask in a post of its own and return the answer, which stands in no short reply's place."""
    await desk.say(line)
    post = desk.page.locator(".post").last
    await expect(post.locator(".post-first")).to_contain_text(line)
    answer = post.locator(".replies").get_by_test_id("message")
    await expect(answer).to_have_count(1, timeout=20_000)
    await expect(answer).not_to_contain_text("This becomes the answer", timeout=20_000)
    await desk.page.wait_for_timeout(300)
    return answer


async def tell(story: str, name: str, size: tuple[int, int]) -> None:
    """Tell a story and picture its card as a whole, with what changed first opened."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_desk(Path(folder), size=(size[0], HIGH), stories=read_stories()) as desk:
            await desk.laptop.page.call("story", name=story)
            card = desk.page.get_by_test_id("message").filter(has=desk.page.get_by_text("#1 · "))
            await expect(card).to_contain_text("still arriving")
            await card.get_by_text("What changed: ").first.click()
            await desk.page.wait_for_timeout(500)
            await card.screenshot(path=PICTURES / f"story-{story}-{name}.png")


async def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for story in STORIES:
        await tell(story, "wide", WIDE)
        await tell(story, "phone", PHONE)
    views = {"wide": (WIDE, False), "phone": (PHONE, False), "dark": (WIDE, True)}
    for name, (size, dark) in views.items():
        for take in (incident,) if dark else (incident, a_shift):
            with tempfile.TemporaryDirectory() as folder:
                async with open_desk(Path(folder), size=size, dark=dark) as desk:
                    await take(desk, name)
        with tempfile.TemporaryDirectory() as folder:
            async with open_desk(Path(folder), size=(size[0], HIGH), dark=dark) as desk:
                await a_talk(desk, name)


if __name__ == "__main__":
    asyncio.run(main())

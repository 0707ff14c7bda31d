"""Somebody in front of the sandbox's page: a real browser, and what it complained of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from playwright.async_api import ConsoleMessage, Locator, Page, Request, Response, expect

from sandbox.stories import Story
from tests.browser.chromium import a_browser
from tests.flows.laptop import EVENTS, Laptop, laptop

WIDE = (1440, 1000)
PHONE = (390, 844)


@dataclass
class Desk:
    laptop: Laptop
    page: Page
    #: Errors on the page's console, and requests to anywhere but the sandbox.
    complaints: list[str] = field(default_factory=list)

    async def fire(self) -> Locator:
        """Fire the alert by its button and return its card's message once it stands."""
        await self.page.get_by_test_id("fire").click()
        message = self.page.get_by_test_id("message").filter(has=self.page.get_by_text("#1 · "))
        await expect(message).to_have_count(1)
        return message

    async def become(self, name: str) -> None:
        select = self.page.get_by_test_id("person")
        label = next(
            text for text in await select.locator("option").all_inner_texts() if text.startswith(name)
        )
        await select.select_option(label=label)

    async def say(self, text: str) -> None:
        await self.page.get_by_test_id("compose").fill(text)
        await self.page.keyboard.press("Enter")

    def hear_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def hear_response(self, response: Response) -> None:
        if response.status >= HTTPStatus.BAD_REQUEST:
            self.complaints.append(f"{response.status} {response.request.method} {response.url}")

    def hear_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.laptop.process.sandbox_url}/", "data:")):
            self.complaints.append(f"went out: {request.url}")


@asynccontextmanager
async def open_desk(
    folder: Path,
    *,
    size: tuple[int, int] = WIDE,
    dark: bool = False,
    events: Path = EVENTS,
    stories: tuple[Story, ...] = (),
) -> AsyncIterator[Desk]:
    """Start the sandbox with the bot and open its page in the installed Chromium."""
    async with laptop(folder, events=events, stories=stories) as it, a_browser() as browser:
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        page = await context.new_page()
        page.set_default_timeout(10_000)
        desk = Desk(it, page)
        page.on("console", desk.hear_console)
        page.on("pageerror", lambda error: desk.complaints.append(str(error)))
        page.on("request", desk.hear_request)
        page.on("response", desk.hear_response)
        await page.goto(it.process.sandbox_url)
        await expect(page.get_by_test_id("message").first).to_be_visible()
        yield desk
        await context.close()

"""Asking in the page, in a real browser: typed, by button, while it takes long, and what Teams draws otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from appmanifest.__main__ import manifest
from sandbox.package import suggestions_of
from sandbox.room import Conversation, Said
from tests.browser.desk import Desk

pytestmark = pytest.mark.browser

LINE = "audits coredns last 1h"
FOUND = "coredns-custom"
#: Milliseconds that an answer may take: its queries are all run on this machine.
PATIENCE = 20_000


async def show(desk: Desk, *body: dict[str, Any], actions: tuple[dict[str, Any], ...] = ()) -> Locator:
    """Let the bot have posted a card in General, and return its message."""
    card = {"type": "AdaptiveCard", "version": "1.5", "body": list(body), "actions": list(actions)}
    room = desk.laptop.site.room
    message = room.post(room.channels[0], Said(card=card, summary="A card"), by=None)
    return desk.page.locator(f'[data-message-id="{message.id}"]')


def says(line: str, **more: Any) -> dict[str, Any]:
    told = {"type": "messageBack", "text": line, "displayText": line}
    return {"type": "Action.Submit", "title": line, "data": {"msteams": told}} | more


async def open_personal(desk: Desk) -> Conversation:
    room = desk.laptop.site.room
    chat = room.personal(room.people[0])
    await desk.page.locator(f'[data-testid="conversation"][data-conversation-id="{chat.id}"]').click()
    return chat


async def test_a_question_in_a_thread_is_answered_there(desk: Desk) -> None:
    await desk.fire()
    post = desk.page.locator(".post").filter(has=desk.page.get_by_text("#1 · "))
    await post.get_by_test_id("reply").click()
    await desk.say(LINE)
    replies = post.locator(".replies").get_by_test_id("message")
    await expect(replies).to_have_count(2)
    await expect(replies.last).to_contain_text(FOUND, timeout=PATIENCE)


async def test_a_button_says_its_line_and_the_answer_comes_under_the_same_post(desk: Desk) -> None:
    card = await show(desk, {"type": "TextBlock", "text": "Ask"}, actions=(says(LINE),))
    await card.get_by_role("button", name=LINE).click()
    replies = desk.page.locator(".post").filter(has=card).locator(".replies").get_by_test_id("message")
    await expect(replies).to_have_count(2)
    await expect(replies.first).to_contain_text("Alice Weber")
    await expect(replies.first).to_contain_text(LINE)
    await expect(replies.last).to_contain_text(FOUND, timeout=PATIENCE)


async def test_in_a_personal_chat_the_bot_is_seen_typing_until_it_answers(desk: Desk) -> None:
    await open_personal(desk)
    desk.laptop.site.workspace_faults.set("slow", seconds=2)
    await desk.say(LINE)
    typing = desk.page.get_by_test_id("typing")
    await expect(typing).to_have_text("Auditor is typing …")
    shown = desk.page.get_by_test_id("message").filter(visible=True)
    await expect(shown.last).to_contain_text(FOUND, timeout=PATIENCE)
    await expect(typing).to_have_text("")


async def test_in_a_channel_a_short_reply_becomes_the_answer(desk: Desk) -> None:
    desk.laptop.site.workspace_faults.set("slow", seconds=4)
    await desk.say(LINE)
    post = desk.page.locator(".post").filter(has_text=LINE)
    reply = post.locator(".replies").get_by_test_id("message")
    await expect(reply).to_contain_text("Asking the audit log")
    await expect(desk.page.get_by_test_id("typing")).to_have_text("")
    id_ = await reply.get_attribute("data-message-id")
    await expect(reply).to_contain_text(FOUND, timeout=PATIENCE)
    await expect(reply).not_to_contain_text("Asking the audit log")
    assert await reply.get_attribute("data-message-id") == id_
    await expect(reply.get_by_test_id("edited")).to_be_visible()


async def test_of_a_chart_its_fallback_is_drawn_and_that_is_said(desk: Desk) -> None:
    bars = {"type": "Container", "items": [{"type": "TextBlock", "text": "09:00 ▇▇▇ 12"}]}
    chart = {
        "type": "Chart.VerticalBar",
        "title": "Events",
        "data": [{"x": "09:00", "y": 12}],
        "fallback": bars,
    }
    card = await show(desk, chart, {"type": "Chart.Line"})
    await expect(card).to_contain_text("09:00 ▇▇▇ 12")
    await expect(card.get_by_text("Teams draws a chart here")).to_have_count(2)


async def test_what_is_secondary_stands_under_more(desk: Desk) -> None:
    row = {"type": "ActionSet", "actions": [says("audits cm/coredns-custom"), says("help", mode="secondary")]}
    card = await show(
        desk, {"type": "Container", "items": [row]}, actions=(says(LINE), says("status", mode="secondary"))
    )
    for name in ("audits cm/coredns-custom", LINE):
        await expect(card.get_by_role("button", name=name)).to_be_visible()
    await expect(card.get_by_role("button", name="status")).to_have_count(0)
    await card.get_by_test_id("card-more").last.press("Enter")
    await desk.page.get_by_role("menuitem", name="status").press("Enter")
    await expect(desk.page.get_by_test_id("message").filter(has_text="Alice Weber").last).to_contain_text(
        "status"
    )


async def test_what_the_app_suggests_is_found_by_typing_and_by_arrow_keys(desk: Desk) -> None:
    offered = suggestions_of(manifest(bot_id="0" * 32, website="https://example.com"))
    assert len(offered) > 4
    box = desk.page.get_by_test_id("compose")
    await expect(desk.page.get_by_test_id("suggestion")).to_have_text([each.line for each in offered[:4]])
    await box.focus()
    await desk.page.keyboard.press("ArrowDown")
    options = desk.page.get_by_test_id("suggested")
    await expect(options).to_have_count(len(offered))
    await desk.page.keyboard.press("Escape")
    await expect(options).to_have_count(0)
    await desk.page.keyboard.type("stat")
    await expect(options).to_have_count(1)
    await desk.page.keyboard.press("ArrowDown")
    await expect(options).to_have_attribute("aria-selected", "true")
    await desk.page.keyboard.press("Enter")
    await expect(box).to_have_value("status")
    await desk.page.keyboard.press("Enter")
    await expect(box).to_have_value("")
    await expect(desk.page.locator(".post").filter(has_text="status")).to_have_count(1)


async def test_who_is_in_no_channel_sees_none(desk: Desk) -> None:
    await desk.fire()
    await desk.become("Olga")
    await expect(desk.page.get_by_test_id("conversation")).to_have_count(1)
    await expect(desk.page.get_by_test_id("thread").get_by_text("#1 · ")).to_be_hidden()

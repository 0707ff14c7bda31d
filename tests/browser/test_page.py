"""The page in a real browser: what a person sees and does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import expect

from sandbox.stories import read_stories
from tests.browser.chromium import chromium_missing
from tests.browser.desk import PHONE, Desk, open_desk
from tests.environment import environment
from tests.flows.laptop import LIBRARIES_MISSING
from tests.samples import sample

pytestmark = pytest.mark.browser


async def test_the_card_is_read_and_acknowledged(desk: Desk) -> None:
    card = await desk.fire()
    await expect(card).to_contain_text("alice@contoso.com patched configmap kube-system/coredns-custom twice")
    await card.get_by_role("button", name="Acknowledge").click()
    await expect(card).to_contain_text("Acknowledged by Alice Weber")
    await expect(card.get_by_role("button", name="Acknowledge")).to_have_count(0)
    await expect(card).to_contain_text("Since then, until")
    await desk.become("Bob")
    await expect(card).to_contain_text("Acknowledged by Alice Weber")


async def test_the_raw_log_is_a_dialog_for_the_asker_alone(desk: Desk) -> None:
    card = await desk.fire()
    button = card.get_by_role("button", name="Show raw log")
    await button.click()
    dialog = desk.page.get_by_test_id("dialog")
    await expect(dialog).to_contain_text("Event 1 of 6")
    await dialog.get_by_role("button", name="Next").click()
    await expect(dialog).to_contain_text("Event 2 of 6")
    await dialog.get_by_role("button", name="Previous").click()
    await expect(dialog).to_contain_text("Event 1 of 6")
    await desk.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(button).to_be_focused()
    await expect(desk.page.get_by_test_id("thread")).not_to_contain_text("auditID")


async def test_a_question_is_typed_and_answered(desk: Desk) -> None:
    await desk.say("audits coredns last 1h")
    await expect(desk.page.get_by_test_id("thread")).to_contain_text("9 events by 2 people and the platform")


async def test_a_guest_is_told_and_the_card_stays(desk: Desk) -> None:
    card = await desk.fire()
    await desk.become("Gina")
    await card.get_by_role("button", name="Acknowledge").click()
    await expect(card).to_contain_text("Guests cannot do this")
    await expect(card).to_contain_text("alice@contoso.com patched")


async def test_a_group_opens_and_closes(desk: Desk) -> None:
    card = await desk.fire()
    line = card.get_by_text("09:33:31", exact=True)
    await expect(line).to_be_hidden()
    await card.get_by_text("Show 4 events").click()
    await expect(line).to_be_visible()
    await card.get_by_text("Hide 4 events").click()
    await expect(line).to_be_hidden()


async def test_breaking_the_workspace_is_told_on_the_card_and_mended(desk: Desk) -> None:
    await desk.page.get_by_test_id("break").click()
    await desk.page.locator('[data-testid="fault"][data-value="workspace-down"]').click()
    card = await desk.fire()
    await expect(card).to_contain_text("The audit log could not be reached")
    await desk.page.get_by_test_id("break").click()
    await desk.page.locator('[data-testid="fault"][data-value="nothing"]').click()
    desk.laptop.clock.pass_time(minutes=2)
    await expect(card).to_contain_text("alice@contoso.com patched configmap")


async def test_everything_can_be_done_by_keyboard(desk: Desk) -> None:
    page = desk.page
    await page.get_by_test_id("fire").focus()
    await page.keyboard.press("Enter")
    acknowledge = page.get_by_role("button", name="Acknowledge")
    await expect(acknowledge).to_be_visible()
    await acknowledge.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("thread")).to_contain_text("Acknowledged by Alice Weber")


async def test_the_run_shows_webhook_query_and_card(desk: Desk) -> None:
    await desk.fire()
    run = desk.page.get_by_test_id("run-list")
    for words in ("Alert fired", "Workspace sandbox was asked", "Card posted in General"):
        await expect(run).to_contain_text(words)
    query = desk.page.get_by_test_id("run-entry").filter(has_text="6 rows").first
    await query.locator("summary").click()
    await expect(query).to_contain_text("where TimeGenerated between")


async def test_the_run_trail_unfolds_under_the_card_and_goes_on_with_it(desk: Desk) -> None:
    card = await desk.fire()
    trail = card.get_by_test_id("trail")
    title = trail.get_by_text("Run trail of #1", exact=True)
    await expect(trail.get_by_test_id("trail-step")).to_have_count(0)
    await title.focus()
    await desk.page.keyboard.press("Enter")
    for words in ("Webhook received Fired", "Workspace asked alert", "Card posted General"):
        await expect(trail).to_contain_text(words)
    await card.get_by_role("button", name="Acknowledge").click()
    await expect(trail).to_contain_text("Acknowledged Alice Weber")
    await expect(trail).to_contain_text("Card updated General")


async def test_only_an_incidents_card_has_a_run_trail(desk: Desk) -> None:
    await desk.fire()
    for line in ("status", "help", "incident 1 trail"):
        await desk.say(line)
    await expect(desk.page.get_by_test_id("thread")).to_contain_text("steps · first card")
    shown = desk.page.get_by_test_id("trail").filter(visible=True)
    await expect(shown).to_have_count(1)


async def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    if missing := chromium_missing():
        if environment().ci:
            pytest.fail(missing)
        pytest.skip(missing)
    hostile = "[x](http://evil.example) <img src=x onerror=alert(1)> **b** <at>Bob</at> {{DATE(2026-01-01)}} \u202egnp.exe"
    lines = []
    for line in sample("events/coredns-changed.jsonl").read_text().splitlines():
        event = json.loads(line)
        event["user"]["username"] = event["userAgent"] = hostile
        event["requestURI"] = f"/api/v1/{hostile}"
        lines.append(json.dumps(event))
    events = tmp_path / "hostile.jsonl"
    events.write_text("\n".join(lines))
    async with open_desk(tmp_path, size=PHONE, events=events) as desk:
        card = await desk.fire()
        await expect(card).to_contain_text(
            "[x](http://evil.example) <img src=x onerror=alert(1)> **b** <at>Bob</at>"
        )
        for tag in ("a", "img", "strong", "em"):
            assert await card.locator(f".ac-adaptiveCard {tag}").count() == 0
        assert "\u202e" not in await card.inner_text()
        assert desk.complaints == []


async def test_a_story_is_chosen_by_keyboard_and_told(tmp_path: Path) -> None:
    if missing := chromium_missing() or LIBRARIES_MISSING:
        if environment().ci:
            pytest.fail(missing)
        pytest.skip(missing)
    async with open_desk(tmp_path, size=PHONE, stories=read_stories()) as desk:
        button = desk.page.get_by_test_id("story")
        await button.focus()
        await desk.page.keyboard.press("Enter")
        await expect(desk.page.get_by_role("menuitem")).to_have_count(9)
        await expect(desk.page.get_by_role("menuitem").first).to_be_focused()
        await desk.page.keyboard.press("ArrowDown")
        await desk.page.keyboard.press("Enter")
        await expect(button).to_be_focused()
        card = desk.page.get_by_test_id("message").filter(has=desk.page.get_by_text("#1 · "))
        await expect(card).to_contain_text("masterclient")
        await expect(desk.page.get_by_test_id("toast")).to_contain_text("A local admin binds cluster-admin")
        assert desk.complaints == []


async def test_where_there_are_no_stories_there_is_no_button(desk: Desk) -> None:
    await expect(desk.page.get_by_test_id("story")).to_be_hidden()

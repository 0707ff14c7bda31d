"""An incident asked for by its number, and a second copy of its card that nobody's answer told the id of."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.check import actions_of, text_of
from tests.flows.laptop import Json, laptop
from tests.flows.reading import cards, click, incident, incidents, say, saying
from tests.flows.wire import settled


async def test_an_incident_its_trail_and_the_status_are_answered_in_the_channel(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        await bot.page.call("fire")
        await bot.see(incident)
        await settled(bot)
        await say(bot, "Alice", "incident 1")
        answer = await bot.see(saying("when it was asked for"))
        assert "alice@contoso.com patched configmap kube-system/coredns-custom twice" in text_of(
            answer["card"]
        )
        await say(bot, "Alice", "#1 trail")
        trail = text_of((await bot.see(saying("Run trail of #1")))["card"])
        assert "webhook received: Fired" in trail
        assert "card posted: General" in trail
        await say(bot, "Bob", "status")
        status = text_of((await bot.see(saying("Workspaces: sandbox")))["card"])
        assert "Incidents come to: General" in status


async def test_the_answer_is_acknowledged_and_the_channels_own_card_follows(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        await bot.page.call("fire")
        own = await bot.see(incident)
        await settled(bot)
        await say(bot, "Alice", "incident 1")
        answer = await bot.see(saying("when it was asked for"))
        await click(bot, "Alice", "Acknowledge", answer)

        def followed(state: Json) -> Json | None:
            of_it = next(m for m in cards(state) if m["id"] == own["id"])
            return of_it if "Acknowledged by Alice Weber" in text_of(of_it["card"]) else None

        await bot.see(followed, "the channel's own card acknowledged")
        assert [m["id"] for m in incidents(await bot.page.state())] == [own["id"], answer["id"]]


async def test_in_another_channel_the_number_opens_nothing(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        await bot.page.call("fire")
        card = await bot.see(incident)
        key = next(a["data"]["k"] for a in actions_of(card["card"]) if a["title"] == "Acknowledge")
        await settled(bot)
        for line in ("incident 1", "incident 1 trail"):
            await say(bot, "Alice", line, "ops")
            assert key not in json.dumps(
                (await bot.see(saying("This incident is not known here", "ops")))["card"]
            )
        await say(bot, "Alice", "incident 1", "Alice")
        answer = await bot.see(saying("when it was asked for", "Alice"))
        assert key not in json.dumps(answer["card"])


async def test_of_two_copies_the_clicked_one_stays_and_the_other_goes(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        # The message stands, and nobody told its sender: so it is posted once more.
        bot.site.teams_faults.queue("reset_after")
        await bot.page.call("fire")

        def two(state: Json) -> list[Json] | None:
            found = incidents(state)
            return found if len(found) > 1 else None

        first, second = await bot.see(two, "a second copy", patience=30)
        await settled(bot)
        await click(bot, "Alice", "Acknowledge", first)

        def one(state: Json) -> Json | None:
            found = incidents(state)
            return found[0] if len(found) == 1 else None

        left = await bot.see(one, "one copy")
        assert left["id"] == first["id"] != second["id"]
        await bot.see(saying("Since then, until"), "the adopted copy brought up to date")

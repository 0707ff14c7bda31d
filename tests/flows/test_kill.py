"""`kill -9` between the 202 and the card: nothing is lost, and nothing stands twice but what was under way."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.check import text_of
from tests.flows.laptop import ALERT, Json, Laptop, laptop
from tests.flows.reading import click, incidents, saying

pytestmark = pytest.mark.demo


def alert(rule: str) -> bytes:
    """Return the sample as an alert of another rule, which opens an incident of its own."""
    body: Json = json.loads(ALERT.read_bytes())
    essentials = body["data"]["essentials"]
    essentials |= {"alertRule": rule, "alertId": f"{essentials['alertId']}-{rule}"}
    return json.dumps(body).encode()


def of_rule(state: Json, rule: str) -> list[Json]:
    return [message for message in incidents(state) if rule in text_of(message["card"])]


async def taken(it: Laptop, rule: str) -> bool:
    """Post the alert; a bot that is killed meanwhile has taken nothing."""
    try:
        return (await it.post_alert(alert(rule))).status == 202
    except aiohttp.ClientError:
        return False


async def killed(it: Laptop) -> None:
    it.process.kill()
    await it.process.wait()
    assert not it.process.running


async def back(it: Laptop) -> None:
    """Mend everything and start the bot again on the same database."""
    it.site.workspace_faults.set(None)
    it.site.teams_faults.set(None)
    await it.process.start()


async def stands(it: Laptop, rule: str) -> list[Json]:
    """Wait for the rule's card with its evidence; return all of them."""

    def look(state: Json) -> Any:
        found = of_rule(state, rule)
        return found if found and "workspace returned 6" in text_of(found[-1]["card"]) else None

    found: list[Json] = await it.see(look, f"a card of {rule}")
    return found


async def run_entries(it: Laptop, kind: str, count: int) -> None:
    """Wait until the sandbox has seen so many of these."""
    ends = time.monotonic() + 10
    while len([e for e in it.site.run.entries if e.kind == kind]) < count:
        assert time.monotonic() < ends, f"not {count} times {kind}"
        await asyncio.sleep(0.01)


async def test_a_bot_that_is_killed_loses_no_alert_that_it_has_taken(tmp_path: Path) -> None:
    async with laptop(tmp_path, own_process=True) as it:
        # Before the look, or in the first moments of it.
        assert await taken(it, "at-once")
        await killed(it)
        await back(it)
        assert len(await stands(it, "at-once")) == 1

        # While the workspace is asked.
        it.site.workspace_faults.set("slow", seconds=2)
        assert await taken(it, "while-asking")
        await asyncio.sleep(0.3)
        await killed(it)
        await back(it)
        assert len(await stands(it, "while-asking")) == 1

        # While Teams has the post in hand: it may take it from a bot that is not there any more.
        it.site.teams_faults.slow = 0.5
        it.site.teams_faults.set("slow")
        asked = len([e for e in it.site.run.entries if e.kind == "query"])
        assert await taken(it, "while-posting")
        await run_entries(it, "query", asked + 2)
        await asyncio.sleep(0.2)
        await killed(it)
        await back(it)
        assert len(await stands(it, "while-posting")) in {1, 2}

        # In the middle of several: what was answered 202 counts, and nothing else has to.
        rules = [f"in-a-crowd-{n}" for n in range(8)]
        posts = [asyncio.create_task(taken(it, rule)) for rule in rules]
        await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
        await killed(it)
        answered = [rule for rule, was in zip(rules, await asyncio.gather(*posts), strict=True) if was]
        assert answered
        await back(it)
        for rule in answered:
            assert len(await stands(it, rule)) in {1, 2}

        # After a click was answered, before the channel's card is changed.
        (card,) = await stands(it, "at-once")
        it.site.teams_faults.set("slow")
        await click(it, "Alice", "Acknowledge", card)
        await killed(it)
        await back(it)
        changed = await it.see(saying("Acknowledged by Alice Weber"))
        assert changed["id"] == card["id"]

        state = await it.page.state()
        for rule in ("at-once", "while-asking"):
            assert len(of_rule(state, rule)) == 1
    assert b"Traceback" not in it.process.log.read_bytes()

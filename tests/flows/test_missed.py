"""What Azure never delivered is found in its own list: every alert has its incident once, and says how it came."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.alert import parse_alert
from bot.catch_up import EVERY
from sandbox.check import text_of
from sandbox.run import iso
from tests.flows.laptop import Json, Laptop, laptop
from tests.flows.reading import incidents, say, saying
from tests.flows.wire import kept

RULES = 12


def bodies(it: Laptop, count: int, *, first: int = 0) -> list[bytes]:
    """Return alerts of so many rules, fired now."""
    made = []
    for n in range(first, first + count):
        body: dict[str, Any] = json.loads(it.body)
        essentials = body["data"]["essentials"]
        essentials["alertId"] = f"{essentials['alertId'][:-12]}{n:012d}"
        essentials["alertRule"] = f"Rule {n}"
        essentials["firedDateTime"] = it.clock.now().isoformat()
        made.append(json.dumps(body).encode())
    return made


def fire(it: Laptop, body: bytes) -> None:
    """Let Azure fire an alert that nobody answers for."""
    it.site.alerts.fired(json.loads(body))


async def catch_up(it: Laptop, *, minutes: float = EVERY / timedelta(minutes=1)) -> None:
    """Let time pass until the chore is due, and until it has been done."""
    before = reads(it)

    async def read() -> None:
        while reads(it) == before:
            # More than once: a run that was under way when the clock was moved is due again that much later.
            it.clock.pass_time(minutes=minutes)
            for _ in range(200):
                if reads(it) != before:
                    return
                await asyncio.sleep(0.02)

    await asyncio.wait_for(read(), 30)


def reads(it: Laptop) -> int:
    return sum("list of alerts" in entry.title for entry in it.site.run.entries)


def rules(state: Json) -> list[str]:
    """The rules of the incidents' cards, "Rule 3" of "#4 · Rule 3 · …"."""
    said = [text_of(message["card"]) for message in incidents(state)]
    return sorted(rule for text in said for rule in re.findall(r"#\d+ · (Rule \d+)", text))


def all_of(count: int) -> Any:
    return lambda state: rules(state) if len(rules(state)) >= count else None


async def test_alerts_that_fired_while_the_bot_was_away_have_their_incident_once_and_are_marked(
    tmp_path: Path,
) -> None:
    async with laptop(tmp_path) as it:
        await it.see(lambda _: reads(it) > 0 or None, "the first comparison")
        delivered, *missed = bodies(it, RULES)
        fire(it, delivered)
        await it.post_alert(delivered)
        await it.see(all_of(1))
        # Away: Azure fires, and nobody is told.
        for body in missed:
            it.clock.pass_time(minutes=1)
            fire(it, body)
        it.site.alerts.resolved(parse_alert(missed[0]).alert_id)
        it.clock.pass_time(minutes=9)
        await it.see(all_of(RULES), "an incident for every alert", 20)
        await catch_up(it)
        await catch_up(it)
        state = await it.page.state()
        assert rules(state) == sorted(f"Rule {n}" for n in range(RULES))
        marked = [m for m in incidents(state) if "Not delivered by Azure, found at" in text_of(m["card"])]
        assert len(marked) == len(missed)
        over = saying("Azure says it is over")(state)
        assert "Rule 1 " in text_of(over["card"])
        database = kept(it.process.folder / "auditor.db")
        assert len(database["incidents"]) == RULES
        assert len(database["alerts"]) == RULES + 1


async def test_old_alerts_of_the_subscription_are_not_posted_at_a_first_start(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        await it.see(lambda _: reads(it) > 0 or None, "the first comparison")
        for body in bodies(it, 5):
            fire(it, body)
        long_ago = iso(it.clock.now() - timedelta(days=3))
        for item in it.site.alerts.items():
            item["properties"]["essentials"] |= {"startDateTime": long_ago, "lastModifiedDateTime": long_ago}
        await catch_up(it)
        await catch_up(it)
        assert incidents(await it.page.state()) == []


async def test_an_end_that_was_never_delivered_ends_the_incident(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        await it.site.alarm.fire()
        await it.see(lambda state: incidents(state) or None)
        it.site.alerts.resolved(it.site.alerts.items()[0]["id"])
        it.clock.pass_time(minutes=6)
        await catch_up(it)
        await it.see(saying("Azure says it is over"))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("forbidden", "give the bot's identity the role Monitoring Reader on /subscriptions/"),
        ("down", "could not be read: unreachable"),
        ("garbage", "could not be read: garbage"),
    ],
)
async def test_status_says_why_nothing_can_be_found_and_once_it_can_all_is_found(
    tmp_path: Path, fault: str, says: str
) -> None:
    async with laptop(tmp_path) as it:
        await it.see(lambda _: reads(it) > 0 or None, "the first comparison")
        it.site.alerts_faults.set(fault)
        for body in bodies(it, 2):
            fire(it, body)
        await catch_up(it, minutes=11)
        await say(it, "Alice", "status")
        await it.see(saying(says))
        it.site.alerts_faults.set(None)
        await catch_up(it, minutes=11)
        await it.see(all_of(2))

"""A button's data comes from the client: whatever it is, nothing changes and nothing is shown that must not be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.check import actions_of
from sandbox.room import Message
from tests.flows.forger import Forger
from tests.flows.laptop import Json, Laptop, laptop
from tests.flows.reading import incident
from tests.flows.wire import INSIDES, nothing_comes_of_it, settled

NOT_KNOWN = "This incident is not known here"

#: What may stand anywhere in a button's data.
ODD: tuple[Any, ...] = (
    None, False, 0, -1, 1.5, 10**30, 1e300, "", " ", "1", "acknowledge", "x" * 100_000, "\0", "\u202e",
    "' or 1=1 --", "../../etc/passwd", "0" * 32, "F" * 32, [], [1], {}, {"a": {}}, [[[[]]]], {"$ne": None},
)  # fmt: skip

PAGES: tuple[Any, ...] = (-1, 1000, "0", None, [], 1e9)


def forged(key: str) -> Iterator[Any]:
    """Yield data of an acknowledgement that was tampered with: none of it is one any more."""
    good = {"v": 1, "k": key}
    for name, value in good.items():
        for odd in ODD:
            if odd != value:
                yield good | {name: odd}
        yield {k: v for k, v in good.items() if k != name}
    yield from (
        good | {"k": k} for k in (key[:-1], key + "0", key.upper(), f" {key}", f"{key}\n", [key], {key: 1})
    )
    yield from ODD
    yield {"data": good}
    yield [good]
    yield json.dumps(good)
    yield {str(n): n for n in range(1000)}
    deep: Any = good
    for _ in range(200):
        deep = {"v": 1, "k": deep}
    yield deep


async def the_card(bot: Laptop) -> tuple[Message, str]:
    """Fire the alert, wait until its card stands and is written down, and return it with its key."""
    await bot.page.call("fire")
    message = await bot.see(incident)
    await settled(bot)
    key = next(a["data"]["k"] for a in actions_of(message["card"]) if a["title"] == "Acknowledge")
    return bot.site.room.message(message["id"]), str(key)


def execute(data: Any, verb: Any = "acknowledge") -> Json:
    return {"action": {"type": "Action.Execute", "verb": verb, "data": data}, "trigger": "manual"}


async def test_forged_data_of_a_button_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with laptop(tmp_path) as bot:
        teams = Forger(bot)
        message, key = await the_card(bot)
        values = [execute(data) for data in forged(key)]
        values += [execute({"v": 1, "k": key}, verb) for verb in ODD if verb != "acknowledge"]
        values += [*ODD, {"action": {"type": "Action.Submit", "data": {"v": 1, "k": key}}}]
        assert len(values) >= 100
        with nothing_comes_of_it(bot, caplog):
            for value in values:
                status, text = await teams.send(teams.invoke("adaptiveCard/action", message, value))
                assert status == 200 or 400 <= status < 500, value
                assert not INSIDES.search(text), value
                assert "Acknowledged by" not in text, value


async def test_forged_data_of_a_dialog_opens_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with laptop(tmp_path) as bot:
        teams = Forger(bot)
        message, key = await the_card(bot)
        values = [{"data": {"a": "raw", "p": 0, **data}} for data in forged(key) if isinstance(data, dict)]
        values = [value for value in values if value["data"].get("k") != key or value["data"].get("v") != 1]
        values += [{"data": {"v": 1, "k": key, "a": "raw", "p": p}} for p in PAGES]
        values += [*ODD, *({"data": odd} for odd in ODD)]
        assert len(values) >= 100
        with nothing_comes_of_it(bot, caplog):
            for number, value in enumerate(values):
                name = ("task/fetch", "task/submit")[number % 2]
                status, text = await teams.send(teams.invoke(name, message, value))
                assert status == 200 or 400 <= status < 500, value
                assert "auditID" not in text, value
                assert not INSIDES.search(text), value


async def test_a_page_past_the_last_is_the_last(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        teams = Forger(bot)
        message, key = await the_card(bot)
        value = {"data": {"v": 1, "k": key, "a": "raw", "p": 999}}
        _, text = await teams.send(teams.invoke("task/submit", message, value))
        assert "6 of 6" in text


async def test_a_key_from_another_channel_opens_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with laptop(tmp_path) as bot:
        teams = Forger(bot)
        _, key = await the_card(bot)
        room, bob = bot.site.room, teams.person("Bob")
        ops = next(channel for channel in room.channels if channel.name == "ops")
        for where in (ops, room.personal(bob)):
            elsewhere = bot.site.bot.write(bob, where, "a message that a card can be clicked on")
            click = teams.invoke("adaptiveCard/action", elsewhere, execute({"v": 1, "k": key}), "Bob")
            # The first click tells the bot of the conversation, which it may keep.
            await teams.send(click)
            with nothing_comes_of_it(bot, caplog):
                _, text = await teams.send(click)
                assert json.loads(text)["value"].startswith(NOT_KNOWN)
                raw = {"data": {"v": 1, "k": key, "a": "raw", "p": 0}}
                _, text = await teams.send(teams.invoke("task/fetch", elsewhere, raw, "Bob"))
                assert NOT_KNOWN in text
                assert "auditID" not in text


@pytest.mark.parametrize(
    "sender",
    [
        {"aadObjectId": None},
        {"aadObjectId": ""},
        {"aadObjectId": "11111111-2222-4333-8444-555555555555"},
        {"aadObjectId": ["11111111-2222-4333-8444-555555555555"]},
        {"id": "29:nobody"},
        {"id": ""},
        {"id": "../../../v3/teams/x"},
        {"id": None},
    ],
)
async def test_who_is_not_in_the_roster_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sender: Json
) -> None:
    async with laptop(tmp_path) as bot:
        teams = Forger(bot)
        message, key = await the_card(bot)
        click = teams.invoke("adaptiveCard/action", message, execute({"v": 1, "k": key}))
        click["from"] = click["from"] | sender
        with nothing_comes_of_it(bot, caplog):
            status, text = await teams.send(click)
            assert status == 200
            assert "Nothing was changed or shown" in text

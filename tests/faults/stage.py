"""The bot under a light load of alerts, messages and clicks, while something that it stands on is broken."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp

from sandbox.check import actions_of, text_of
from sandbox.room import Message, Person
from tests.flows.laptop import ALERT, Laptop

#: How long an answer is waited for, in seconds; Azure and Teams wait less.
LONGEST_ANSWER = 30.0
FIRST = "rule-of-the-first-alert"
EVIDENCE = "workspace returned"
#: "#12", or "#12–#40" for all from the one to the other; and the line that an incident's own card ends with.
_NUMBERS = re.compile("#([0-9]+)(?:\N{EN DASH}#([0-9]+))?")
_OWN = re.compile(r"#[0-9]+ · rule-")
#: What a request may be answered, whatever is broken.
ALLOWED = frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.SERVICE_UNAVAILABLE})


def alert(rule: str, number: int = 0) -> bytes:
    """Return the sample as an alert of another rule, which opens an incident of its own.

    `number` makes its window another one, that many milliseconds longer: equal questions are asked once.
    """
    body = json.loads(ALERT.read_bytes())
    essentials, condition = body["data"]["essentials"], body["data"]["alertContext"]["condition"]
    essentials |= {"alertRule": rule, "alertId": f"{essentials['alertId']}-{rule}"}
    start = datetime.fromisoformat(condition["windowStartTime"]) - timedelta(milliseconds=number)
    condition["windowStartTime"] = start.isoformat().replace("+00:00", "Z")
    return json.dumps(body).encode()


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An alert that the bot has taken."""

    sent_at: float
    #: The incident's number.
    number: int

    def is_told(self, rule: str, text: str) -> bool:
        """Tell whether a card's text is this incident's own, or a digest's that has its number."""
        return rule in text or (not _OWN.search(text) and self.number in numbers_in(text))


def numbers_in(text: str) -> set[int]:
    """Return the incidents' numbers in a card's text; a range stands for all that lie in it."""
    found: set[int] = set()
    for first, last in _NUMBERS.findall(text):
        found.update(range(int(first), int(last or first) + 1))
    return found


@dataclass(kw_only=True)
class Tally:
    """What the load came to so far. Times are of time.perf_counter."""

    #: The alerts that were answered 202, by rule.
    accepted: dict[str, Taken] = field(default_factory=dict)
    #: Messages and clicks that were answered with success: when they were sent.
    answered: list[float] = field(default_factory=list)
    refused: int = 0
    #: Nobody answered, or not in time: the caller tries again.
    unanswered: int = 0
    #: What there must never be.
    wrong: list[str] = field(default_factory=list)

    def count(self, what: str, status: int, text: str, *, allowed: frozenset[int]) -> None:
        """Count an answer; a status of 0 is none."""
        if not status:
            self.unanswered += 1
        elif status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.refused += 1
        elif status not in allowed:
            self.wrong.append(f"{what} was answered {status}: {text[:200]}")


@dataclass(kw_only=True)
class Stage:
    """The bot, its sandbox and the load."""

    it: Laptop
    #: Seconds between two alerts; as many messages or clicks come in between.
    pause: float = 1.0
    #: What messages and clicks may be answered.
    allowed: frozenset[int] = ALLOWED
    #: An alert stands when its evidence does.
    with_evidence: bool = True
    tally: Tally = field(default_factory=Tally)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _sent: int = 0
    _enough: bool = False
    _button: Mapping[str, Any] = field(default_factory=dict)

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Send alerts, messages and clicks until left; then wait for the answers."""
        sending = asyncio.create_task(self._send())
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, *self._tasks, return_exceptions=True)

    async def first_card(self, patience: float = 20) -> None:
        """Fire an alert and wait until its card stands with its evidence: what clicks are made on."""
        await self._alert(FIRST)
        async with asyncio.timeout(patience):
            while not self.stands(FIRST):
                await asyncio.sleep(0.05)

    def cards(self) -> list[Message]:
        """Return the bot's messages with a card in the channel that it was installed for, oldest first."""
        room = self.it.site.room
        here = [m for m in room.messages if m.conversation.id == room.team_id and m.said.card]
        return [message for message in here if message.sender_id == room.bot_id]

    def texts(self) -> list[str]:
        return [text_of(message.said.card) for message in self.cards()]

    def stands(self, rule: str) -> bool:
        """Tell whether an alert of this rule was taken and is told, with its evidence on its own card."""
        return rule in self.tally.accepted and not self._untold([rule], with_evidence=self.with_evidence)

    def missing(self, before: float) -> list[str]:
        """Return the rules whose alerts were taken before the moment and that do not stand."""
        sent = [rule for rule, taken in self.tally.accepted.items() if taken.sent_at < before]
        return self._untold(sent, with_evidence=self.with_evidence)

    def lost(self) -> list[str]:
        """Return the rules whose alerts were taken and of which nothing is to be seen."""
        return self._untold(list(self.tally.accepted), with_evidence=False)

    def _untold(self, rules: Sequence[str], *, with_evidence: bool) -> list[str]:
        texts = self.texts()
        if with_evidence:
            # A digest tells no evidence.
            texts = [text for text in texts if EVIDENCE in text or not _OWN.search(text)]
        accepted = self.tally.accepted
        return [rule for rule in rules if not any(accepted[rule].is_told(rule, text) for text in texts)]

    def doubles(self) -> int:
        """Return how many cards stand that need not."""
        seen = Counter(rule for text in self.texts() for rule in self.tally.accepted if rule in text)
        return sum(count - 1 for count in seen.values())

    def is_well_since(self, moment: float) -> bool:
        """Tell whether an alert that was sent after the moment stands, and a person was answered since."""
        sent = [rule for rule, taken in self.tally.accepted.items() if taken.sent_at >= moment]
        answered = any(at >= moment for at in self.tally.answered)
        return answered and len(self._untold(sent, with_evidence=self.with_evidence)) < len(sent)

    def enough(self) -> None:
        """Send nothing more: what waits for room within Teams' limits shall have it."""
        self._enough = True

    async def _send(self) -> None:
        while not self._enough:
            self._sent += 1
            self._begin(self._alert(f"rule-{self._sent:04}-of-the-load", self._sent))
            await asyncio.sleep(self.pause / 2)
            self._begin(self._message() if self._sent % 2 else self._click())
            await asyncio.sleep(self.pause / 2)

    def _begin(self, call: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _alert(self, rule: str, number: int = 0) -> None:
        sent = time.perf_counter()
        try:
            async with asyncio.timeout(LONGEST_ANSWER):
                answer = await self.it.post_alert(alert(rule, number))
                status, text = answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            status, text = 0, ""
        if status == HTTPStatus.ACCEPTED:
            self.tally.accepted[rule] = Taken(sent_at=sent, number=json.loads(text)["incident"])
        self.tally.count("an alert", status, text, allowed=ALLOWED)

    async def _message(self) -> None:
        alice = self._alice
        sent = time.perf_counter()
        result = await self.it.site.bot.say(alice, self.it.site.room.personal(alice), "help")
        self._heard("a message", result.status, result.text, sent)

    async def _click(self) -> None:
        card = next(message for message in self.cards() if FIRST in text_of(message.said.card))
        sent = time.perf_counter()
        result = await self.it.site.bot.click(self._alice, card.id, self._acknowledge(card))
        self._heard("a click", result.status, result.text, sent)

    def _heard(self, what: str, status: int, text: str, sent: float) -> None:
        if status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            self.tally.answered.append(sent)
        self.tally.count(what, status, text, allowed=self.allowed)

    def _acknowledge(self, card: Message) -> Mapping[str, Any]:
        """Return the button as it was on the card at first: others see it until theirs is updated."""
        if not self._button:
            self._button = next(a for a in actions_of(card.said.card) if a.get("title") == "Acknowledge")
        return self._button

    @property
    def _alice(self) -> Person:
        return self.it.site.room.people[0]

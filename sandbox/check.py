"""`--check`: the main job once, over the same HTTP as the page, one line a step with what was seen."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit.alert import Alert, AlertKind, Condition
from audit.filter import Window
from sandbox.check_story import StoryCheck, says
from sandbox.page_client import Json, PageClient, actions_of, one_line, text_of, texts_of
from sandbox.sight import OK, Red, Sight, all_answered, cards_of_bot, message_of, queries
from sandbox.yardstick import HOUR, READ_LIMIT, Absent, Counted, Yardstick

__all__ = ["Check", "PageClient", "actions_of", "text_of", "texts_of"]

#: How long a step waits for what it wants to see.
PATIENCE = 15.0
#: The same where a killed replica's lease has to end before.
TAKE_OVER = 45.0
ACCEPTED = 202
#: What a card may weigh, in bytes of JSON.
LARGEST_CARD = 20_000
#: Files of the page, and what each must at least weigh for a browser to draw cards with.
FILES = {"/": 500, "/npm/adaptivecards.min.js": 50_000, "/npm/markdown-it.min.js": 50_000}
#: Asked for by chat where the events of the last hour name nothing.
ANY_WORD = "coredns"
ALICE, BOB, GINA = "Alice Weber", "Bob Lee", "Gina Guest"
#: Kinds of alert that are over at some time; the others Azure never resolves.
_STATEFUL = frozenset({AlertKind.LOG_V2, AlertKind.METRIC})
_TICK = timedelta(microseconds=1)


class Skipped(Exception):
    """A step does not apply to these files; the text says why."""


@dataclass
class Check:
    """Runs the steps in order; what one saw, the next uses."""

    page: PageClient
    alert: Alert
    #: The alert is of the common alert schema.
    is_common: bool
    yardstick: Yardstick
    is_ready: Callable[[], Awaitable[bool]]
    #: Stops the bot and returns its exit code.
    stop: Callable[[], Awaitable[int | None]]
    say: Callable[[str], None]
    #: Ends one of several replicas, by its number, as a power cut would; None where there is but one.
    kill: Callable[[int], Awaitable[bool]] | None = None
    story: StoryCheck | None = None
    patience: float = PATIENCE
    _absent: Absent | None = None
    _counted: Counted = field(default_factory=Counted)
    #: Number of the incident that the alert opened.
    _incident: int | None = None
    #: The incident's message as it stood first.
    _card: Json = field(default_factory=dict)
    _acknowledged_at: datetime | None = None

    async def run(self) -> bool:
        """Return whether every step was green; ends at the first that is not."""
        self._sight = Sight(page=self.page, patience=lambda: self.patience)
        for name, step in self._steps():
            started = time.perf_counter()
            try:
                seen = await step()
            except Skipped as why:
                self._tell("-", name, f"skipped: {why}")
            except Red as red:
                self._tell("RED", name, str(red))
                return False
            except Exception as unexpected:  # noqa: BLE001 - an answer of any other shape is not what it must be
                self._tell("RED", name, f"{type(unexpected).__name__}: {unexpected}")
                return False
            else:
                self._tell("ok", name, f"{seen} · {(time.perf_counter() - started) * 1000:,.0f} ms")
        return True

    def _tell(self, colour: str, name: str, said: str) -> None:
        self.say(f"{colour:<5} {name:<13} {one_line(said, 400)}")

    def _steps(self) -> Iterator[tuple[str, Callable[[], Awaitable[str]]]]:
        yield "ready", self._ready
        yield "page", self._page
        yield "installed", self._installed
        yield "webhook", self._webhook
        yield "evidence", self._evidence
        yield "card", self._card_posted
        if self.story:
            yield "story", self._story
        if self.kill:
            yield "killed", self._replica_killed
        if self._card:
            yield "guest", self._guest
            yield "acknowledge", self._acknowledge
            yield "second click", self._second_click
            yield "copies", self._copies
            yield "raw log", self._raw_log
        yield "chat", self._chat
        if self._card:
            yield "resolved", self._resolved
        yield "stopped", self._stopped

    # --- before the alert --------------------------------------------------------------------------

    async def _ready(self) -> str:
        if not await self.is_ready():
            raise Red("the bot's /readyz does not answer 200")
        return "the bot answers 200 on /readyz"

    async def _page(self) -> str:
        sizes = []
        for path, least in FILES.items():
            got = await self.page.get(path)
            if got.status != OK or len(got.body) < least:
                raise Red(f"{path} is answered {got.status} with {len(got.body):,} bytes: {got.body[:80]!r}")
            sizes.append(f"{path} {len(got.body):,} bytes")
        return f"200 for {', '.join(sizes)}"

    async def _installed(self) -> str:
        message = await self._sight.wait("a welcome in General", lambda s: next(cards_of_bot(s), None))
        return f"welcome in General, card of {_size(message['card'])}: {_first_line(message['card'])}"

    # --- the alert ---------------------------------------------------------------------------------

    async def _webhook(self) -> str:
        sent = await self.page.call("fire")
        if sent.get("status") != ACCEPTED:
            raise Red(f"the webhook answered {sent.get('status')}: {sent.get('text', '')}")
        self._incident = json.loads(sent["text"])["incident"]
        if self._incident is None and self.alert.condition is not Condition.RESOLVED:
            raise Red("the webhook answered 202, but the alert opened no incident")
        opened = (
            f"incident {self._incident}" if self._incident else "no incident, for nobody has seen it fire"
        )
        return f"answered {sent['status']} in {sent['ms']:.0f} ms: {opened}"

    async def _evidence(self) -> str:
        if self._incident is None:
            raise Skipped("no incident was opened")
        window, self._absent = self.yardstick.window, await self.yardstick.absent(await self._sight.now())
        if self._absent or window is None:
            raise Skipped(self._absent.why if self._absent else "the alert has no window")
        self._counted = await self.yardstick.behind(window)
        asked = await self._sight.wait("the workspace asked", self._asked)
        took, numbers, sent = all_answered(asked), [entry["rows"] for entry in asked], 0
        for rows in self._counted.rows:
            number = next((n for n in numbers if self._is_sent(rows, n)), None)
            if number is None:
                raise Red(f"the workspace sent {max(numbers)} rows, but the alert's own query has {rows:,}")
            sent += number
        return (
            f"{len(asked)} queries answered 200 in {took}; {_rows(sent)} sent,"
            f" and the alert's own query finds {self._counted.total:,}"
        )

    def _asked(self, state: Json) -> list[Json] | None:
        """Return the queries once the rows have been sent, one failed, or the card shows that it was all."""
        asked = queries(state)
        sent = all(any(self._is_sent(n, e["rows"]) for e in asked) for n in self._counted.rows)
        failed = any(entry["status"] != OK for entry in asked)
        return asked if asked and (sent or failed or self._posted(state)) else None

    def _is_sent(self, rows: int, sent: int) -> bool:
        """Whether an answer has all rows, those of one cluster of several, or as many as the bot reads of very many."""
        of_one = self._several_clusters and sent in self._counted.by_cluster.values()
        return sent == rows or of_one or READ_LIMIT <= sent < rows

    async def _card_posted(self) -> str:
        if self._incident is None:
            raise Skipped("no incident was opened")
        self._card = await self._sight.wait(f"a card of incident {self._incident} in General", self._posted)
        weight, said = len(json.dumps(self._card["card"])), text_of(self._card["card"])
        if weight > LARGEST_CARD:
            raise Red(f"the card has {weight:,} bytes, more than {LARGEST_CARD:,}")
        words = self._absent.says if self._absent else tuple(self._totals())
        found = next((word for word in words if says(said, word)), None)
        if found is None:
            raise Red(f"the card does not say “{'” or “'.join(words)}”: {said}")
        asked = queries(await self._sight.state())
        if self._absent and not self._absent.asked and asked:
            raise Red(f"the workspace was asked {len(asked)} times, for nothing")
        return f"card of {_size(self._card['card'])}, says “{found}”: {self._card['summary']}"

    def _totals(self) -> Iterator[str]:
        """Give what the card may say that the workspace has: all, or what is of one cluster where there are several."""
        yield f"workspace returned {self._counted.total:,}"
        if self._several_clusters:
            yield from (f"workspace returned {rows:,}" for rows in self._counted.by_cluster.values())

    @property
    def _several_clusters(self) -> bool:
        return len(self._counted.by_cluster) > 1

    def _posted(self, state: Json) -> Json | None:
        def is_it(message: Json) -> bool:
            return says(text_of(message["card"]), f"#{self._incident} ·")

        return next((message for message in cards_of_bot(state) if is_it(message)), None)

    async def _story(self) -> str:
        if self.story is None:
            raise Skipped("no story is told")
        return await self.story.cards(self._sight)

    async def _replica_killed(self) -> str:
        if self.kill is None or not await self.kill(1):
            raise Red("replica 1 did not run any more")
        # What it held is taken over when its lease ends.
        self.patience = max(self.patience, TAKE_OVER)
        return "kill -9 of replica 1; from here on replica 2 is alone"

    # --- clicks ------------------------------------------------------------------------------------

    async def _guest(self) -> str:
        answer = await self._sight.click(GINA, "Acknowledge", self._card, kind="message")
        if "Guests cannot" not in answer["text"]:
            raise Red(f"{GINA}'s click was answered: {answer['text']}")
        return f"{GINA}'s click was refused: {one_line(answer['text'], 80)}"

    async def _acknowledge(self) -> str:
        self._acknowledged_at = await self._sight.now()
        answer = await self._sight.click(ALICE, "Acknowledge", self._card)
        if f"Acknowledged by {ALICE}" not in text_of(answer["card"]):
            raise Red(f"the answer does not name {ALICE}: {text_of(answer['card'])}")
        return f"by {ALICE}, card of {_size(answer['card'])} in {answer['milliseconds']:.0f} ms"

    async def _second_click(self) -> str:
        answer = await self._sight.click(BOB, "Acknowledge", self._card)
        said = text_of(answer["card"])
        if f"Acknowledged by {ALICE}" not in said or f"Acknowledged by {BOB}" in said:
            raise Red(f"{BOB} was not shown that {ALICE} was first: {said}")
        return f"{BOB} was shown in {answer['milliseconds']:.0f} ms that {ALICE} was first"

    async def _copies(self) -> str:
        window, wanted = self.yardstick.window, [f"Acknowledged by {ALICE}"]
        goes_on = not self._absent and window and self._acknowledged_at and self._acknowledged_at > window.end
        wanted += ["Since then, until"] if goes_on else []

        def updated(state: Json) -> Json | None:
            message = message_of(state, self._card)
            said = text_of(message["card"]) if message else ""
            return message if all(words in said for words in wanted) else None

        message = await self._sight.wait(f"everybody's card saying “{'” and “'.join(wanted)}”", updated)
        line = next(text for text in texts_of(message["card"]) if wanted[-1] in text)
        if goes_on:
            await self._check_since(line)
        return f"everybody's card, {_size(message['card'])}, was updated: {line}"

    async def _check_since(self, line: str) -> None:
        """Compare what the card says went on after the window with what the alert's own query finds there."""
        window, clicked = self.yardstick.window, self._acknowledged_at
        if window is None or clicked is None or self._several_clusters:
            return
        said = sum(int(number.replace(",", "")) for number in re.findall(r"([\d,]+) more by", line))
        least, most = [
            (await self.yardstick.behind(Window(start=window.end + _TICK, end=end))).total
            for end in (clicked, await self._sight.now())
        ]
        if not least <= said <= most:
            raise Red(
                f"the alert's own query finds {least:,} to {most:,} since then, but the card says: {line}"
            )

    async def _raw_log(self) -> str:
        if not self._counted.audit_ids:
            raise Skipped("the card shows no event with an audit id")
        answer = await self._sight.click(ALICE, "Show raw log", self._card, kind="dialog")
        said = text_of(answer["card"])
        shown = next((audit_id for audit_id in self._counted.audit_ids if audit_id in said), None)
        page = re.search(r"Event 1 of [\d,]+", said)
        if shown is None or page is None:
            raise Red(f"the dialog shows none of the alert's events: {said}")
        return (
            f"dialog “{answer['title']}”, {page[0]}, auditID {shown},"
            f" {_size(answer['card'])} in {answer['milliseconds']:.0f} ms"
        )

    # --- chat, and the end -------------------------------------------------------------------------

    async def _chat(self) -> str:
        began = await self._sight.now()
        named = self.yardstick.word(began)
        term, asked = named or ANY_WORD, len(queries(await self._sight.state()))
        answer = await self._sight.say(ALICE, f"audits {term} last 1h")
        # The alert's own query may be asked meanwhile, of what went on since, and be refused again.
        since = queries(await self._sight.state())[asked:]
        all_answered([entry for entry in since if term in entry["detail"]["kql"]])
        said, (least, most) = text_of(answer["card"]), await self._mentions(term, began)
        found = next((w for n in range(least, most + 1) for w in _numbers(n) if says(said, w)), None)
        if found is None or term not in said:
            wanted = _numbers(least)[0] if least == most else f"{least:,} to {most:,} events"
            raise Red(f"counted here are {wanted}, but the answer to “audits {term} last 1h” is: {said}")
        why = "most events of that hour are about it" if named else "the events of that hour name nothing"
        return f"“audits {term} last 1h” ({why}): “{found}”, as counted here; card of {_size(answer['card'])}"

    async def _mentions(self, term: str, began: datetime) -> tuple[int, int]:
        """Return how many must and may be found: the bot's hour ended some time between then and now."""
        now = await self._sight.now()
        surely = await self.yardstick.mentions(term, Window(start=now - HOUR, end=began))
        perhaps = await self.yardstick.mentions(term, Window(start=began - HOUR, end=now))
        if perhaps.rows > READ_LIMIT:
            return surely.requests, perhaps.requests
        return surely.events, perhaps.events

    async def _resolved(self) -> str:
        if self.alert.is_test or self.alert.kind not in _STATEFUL:
            what = "test notification" if self.alert.is_test else f"“{self.alert.kind}”"
            raise Skipped(f"Azure never sends the Resolved of a {what}")
        if not self.is_common:
            raise Skipped("the sandbox writes a Resolved in the common alert schema only")
        if self.alert.fired_at and await self._sight.now() < self.alert.fired_at:
            raise Skipped("by the clock, the alert has not even fired yet")
        sent = await self.page.call("resolve")
        if sent.get("status") != ACCEPTED:
            raise Red(f"the webhook answered {sent.get('status')}: {sent.get('text', sent.get('error', ''))}")
        wanted = ("Azure says it is over", f"acknowledged by {ALICE}")

        def over(state: Json) -> Json | None:
            message = message_of(state, self._card)
            said = text_of(message["card"]) if message else ""
            return message if all(words in said for words in wanted) else None

        message = await self._sight.wait(f"the card saying “{'” and “'.join(wanted)}”", over)
        return (
            f"answered {sent['status']} in {sent['ms']:.0f} ms; the card says: {_first_line(message['card'])}"
        )

    async def _stopped(self) -> str:
        if (code := await self.stop()) != 0:
            raise Red(f"the bot ended with exit code {code}")
        return "the bot ended with exit code 0"


def _numbers(count: int) -> tuple[str, ...]:
    """How an answer to a question may say this number."""
    if not count:
        return ("Nothing found.",)
    return f"{count:,} event{'s' if count > 1 else ''}", f"{count:,} rows, of which"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _first_line(card: Any) -> str:
    return one_line(next(texts_of(card), ""), 140)


def _size(card: Any) -> str:
    return f"{len(json.dumps(card)):,} bytes"

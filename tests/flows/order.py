"""Deliveries, clicks, restarts and failures in any order, against the model: one machine, run for long or short."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bot.asked import Acknowledge
from bot.errors import Reason, Unavailable
from bot.inquiry import Inquiry
from bot.notifier import Notifier
from bot.ports import Dossier, Member, Message, Store
from bot.store import open_store
from bot.worker import Worker
from tests.bot.desk import Desk
from tests.bot.office import ALICE, Office, asking
from tests.bot.stage import GENERAL, OPS, PROD, a_row, delivery, window
from tests.bot.workspace import Row, failing, holding
from tests.cards.checks import text
from tests.fakes import FakeAuditLog, FakeClock, FakeConversations, FakeMeter
from tests.flows.order_model import Case, Model, Told, all_told
from tests.flows.order_teams import PEOPLE, Posted, Teams

CHANNELS = (GENERAL, OPS)
#: More than any incident takes to come to rest.
TURNS = 400
#: Chooses from what there is by then. What is drawn must not depend on that: the store's threads are not the same twice.
ANY = st.integers(0, 1000)
#: Nothing here asks whether the disk keeps what it was given.
IN_MEMORY = Path("/dev/shm")
Result = TypeVar("Result")


def sequences(count: int) -> settings:
    """Return how many sequences to try, and how long each is at most."""
    return settings(
        max_examples=count,
        stateful_step_count=25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


class Bot:
    """One life of the bot: the real store, notifier, worker and responder."""

    def __init__(self, store: Store, teams: Teams, log: FakeAuditLog, clock: FakeClock, owner: str) -> None:
        inquiry = Inquiry(log=log, workspaces=(PROD,), clock=clock)
        self.notifier = Notifier(
            store=store,
            inquiry=inquiry,
            conversations=teams,
            clock=clock,
            zone=ZoneInfo("UTC"),
            logs_url=lambda _evidence: "",
            meter=FakeMeter(),
        )
        self.worker = Worker(
            work=store,
            look=self.notifier.look,
            notify=self.notifier.notify,
            chores={},
            clock=clock,
            meter=FakeMeter(),
            owner=owner,
        )
        desk = Desk(store=store, log=log, teams=cast("FakeConversations", teams), clock=clock)
        self.responder = Office(desk).responder()

    async def step(self) -> int:
        """Do what is due now, to its end."""
        count = await self.worker.step()
        await self.worker.idle()
        return count

    async def cut(self, teams: Teams, moment: int) -> None:
        """Begin what is due, and be cut off when it comes to that moment of its calls of Teams."""
        teams.hang_at(moment)
        await self.worker.step()
        idle, hanging = asyncio.create_task(self.worker.idle()), asyncio.create_task(teams.hanging.wait())
        await asyncio.wait({idle, hanging}, return_when=asyncio.FIRST_COMPLETED)
        await self.worker.stop(0)
        teams.hang_at(None)
        for task in (idle, hanging):
            task.cancel()


class Order(RuleBasedStateMachine):
    """Each rule is one thing that happens; `settled` compares."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = Path(tempfile.mkdtemp(prefix="order-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self._opened = AsyncExitStack()
        self.clock = FakeClock()
        self.model = Model()
        self.teams = Teams()
        self.rows: list[Row] = [a_row()]
        self.log = FakeAuditLog(answering=holding(self.rows))
        self._lives = 0
        self.store: Store
        self.bot: Bot

    def _do(self, doing: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(doing)

    @initialize(days=st.sampled_from([0, 3]))
    def begin(self, days: int) -> None:
        """Begin on the day itself, or when all that Azure will ever say can come in any order."""
        self.clock.pass_time(days=days)
        self._do(self._born())
        for channel in CHANNELS:
            self._do(self.store.remember(channel, self.clock.now()))
            self._do(self.store.subscribe(channel.id, self.clock.now()))

    async def _born(self) -> None:
        self._lives += 1
        self.store = await self._opened.enter_async_context(open_store(f"sqlite:///{self._folder / 'a.db'}"))
        # As the application does it: of an SQLite file there is one process.
        await self.store.release(None)
        self.bot = Bot(self.store, self.teams, self.log, self.clock, f"life-{self._lives}")

    async def _again(self) -> None:
        await self._opened.aclose()
        self._opened = AsyncExitStack()
        await self._born()

    # --- what Azure says ---------------------------------------------------------------------------

    def _told(self, which: int) -> Told:
        """Return one of what Azure may have said by now."""
        now = self.clock.now()
        said = [told for told in all_told() if (told.resolved_at or told.fired_at) <= now]
        return said[which % len(said)]

    async def _record(self, told: Told) -> int | None:
        sent = told_as(told)
        recorded = await self.store.record(sent.alert, sent.body, self.clock.now())
        return recorded.incident.number if recorded.incident else None

    @rule(which=ANY)
    def delivered_alone(self, which: int) -> None:
        self.delivered([which])

    @rule(which=st.lists(ANY, min_size=1, max_size=6))
    def delivered(self, which: list[int]) -> None:
        """Some at the same moment, which one transaction takes."""
        told = [self._told(number) for number in which]

        async def together() -> list[int | None]:
            return await asyncio.gather(*(self._record(one) for one in told))

        numbers = self._do(together())
        assert numbers == [self.model.deliver(one, self.clock.now()) for one in told]

    # --- what people do ----------------------------------------------------------------------------

    def _card(self, which: int) -> tuple[str, Posted] | None:
        """Return one of the cards of incidents that stand, copies among them; None where none does."""
        cards = [
            (id_, posted) for id_, posted in self.teams.posts.items() if posted.number and not posted.gone
        ]
        return cards[which % len(cards)] if cards else None

    @rule(card=ANY, names=st.sampled_from([["29:alice"], ["29:bob"], ["29:alice", "29:bob"]]))
    def acknowledged(self, card: int, names: list[str]) -> None:
        """One person clicks, or both at once; on any copy that stands."""
        found = self._card(card)
        if found is None:
            return
        id_, posted = found
        number = posted.number
        before = self.model.cases[number - 1].by

        async def clicks() -> list[Message]:
            answers = await asyncio.gather(*(self._click(id_, posted, PEOPLE[name]) for name in names))
            await self.bot.responder.close()
            return answers

        answers = self._do(clicks())
        winner = before or self._do(self._winner(number))
        assert winner in {before, *(PEOPLE[name].name for name in names)}
        self.model.acknowledge(number, winner, self.clock.now())
        for answer in answers:
            assert f"cknowledged by {winner}" in text(dict(answer.card))

    async def _click(self, id_: str, posted: Posted, member: Member) -> Message:
        channel = next(channel for channel in CHANNELS if channel.id == posted.where)
        asker = asking(member, where=channel, clicked=id_)
        key = (await self._dossier(posted.number)).incident.key
        answer = await self.bot.responder.respond(Acknowledge(key=key), asker)
        assert answer is not None
        return answer

    async def _winner(self, number: int) -> str:
        taken = (await self._dossier(number)).incident.acknowledgement
        assert taken is not None
        return taken.by.name

    async def _dossier(self, number: int) -> Dossier:
        key = await self.store.key_of(number)
        dossier = await self.store.dossier(key) if key else None
        assert dossier is not None
        return dossier

    @rule(card=ANY)
    def deleted_by_somebody(self, card: int) -> None:
        if found := self._card(card):
            found[1].gone = "somebody"

    # --- what goes on in between -------------------------------------------------------------------

    @rule()
    def worked(self) -> None:
        self._do(self.bot.step())

    @rule(which=ANY, card=ANY)
    def all_at_once(self, which: int, card: int) -> None:
        """A delivery and a click while the worker is at it: what comes of them does not depend on who is first."""
        told = self._told(which)
        id_, posted = self._card(card) or ("", None)

        async def together() -> None:
            clicking = [self._click(id_, posted, ALICE)] if posted else []
            await asyncio.gather(self.bot.step(), self._record(told), *clicking)
            await self.bot.responder.close()

        self._do(together())
        if posted:
            self.model.acknowledge(posted.number, ALICE.name, self.clock.now())
        self.model.deliver(told, self.clock.now())

    @rule(minutes=st.sampled_from([1, 15, 65, 25 * 60, 49 * 60]))
    def time_passed(self, minutes: int) -> None:
        self.clock.pass_time(minutes=minutes)

    @rule(moment=st.integers(0, 8))
    def killed(self, moment: int) -> None:
        """The bot ends in the middle of its work, and begins again on the same file."""

        async def restarted() -> None:
            await self.bot.cut(self.teams, moment)
            await self._again()

        self._do(restarted())

    @rule(fault=st.sampled_from(["", "", "down", "throttled", "cut off"]))
    def teams_is(self, fault: str) -> None:
        self.teams.fault = fault

    @rule(down=st.booleans(), more=st.booleans())
    def workspace_is(self, down: bool, more: bool) -> None:
        if more:
            self.rows.append(a_row(f"a-{len(self.rows) + 1}"))
        self.log.answering = failing(Unavailable(Reason.SERVER_ERROR)) if down else holding(self.rows)

    # --- in the end --------------------------------------------------------------------------------

    @rule()
    def settled(self) -> None:
        """Mend everything, let all come to rest, and compare."""
        self.teams.fault = ""
        self.log.answering = holding(self.rows)
        self._do(self._come_to_rest())
        self._do(self._compare())

    async def _come_to_rest(self) -> None:
        for _ in range(TURNS):
            if await self.bot.step():
                continue
            due = await self.store.next_due(self.clock.now())
            if due is None:
                return
            self.clock.at = max(self.clock.at, due)
        raise AssertionError("it never comes to rest")

    async def _compare(self) -> None:
        for case in self.model.cases:
            dossier = await self._dossier(case.number)
            assert seen_as(dossier) == case_as(case), (seen_as(dossier), case)
            for channel in CHANNELS:
                self._compare_cards(dossier, case, channel.id)
        assert await self.store.key_of(len(self.model.cases) + 1) is None
        load = await self.store.load(self.clock.now())
        assert {kind: (of.due, of.failed) for kind, of in load.items() if kind != "chore"} == {
            "look": (0, 0),
            "notification": (0, 0),
        }

    def _compare_cards(self, dossier: Dossier, case: Case, where: str) -> None:
        number = case.number
        known = [id_ for id_, channel in dossier.posted.items() if channel == where]
        assert len(known) == 1, (case, where, known)
        posted = self.teams.posts[known[0]]
        assert posted.gone in {"", "somebody"}, "the bot took away the copy that it keeps up to date"
        standing = {id_ for id_, one in self.teams.standing(where).items() if one.number == number}
        assert len(standing - set(known)) <= self.teams.unknown[where, number], (
            "a double that nothing explains"
        )
        if posted.gone:
            return
        assert posted.message == self.bot.notifier.message(dossier)
        said = text(dict(posted.message.card)).lower()
        assert all(words in said for words in case.words), (case, said)

    def teardown(self) -> None:
        try:
            if hasattr(self, "bot"):
                self.settled()
        finally:
            self.close()

    def close(self) -> None:
        """End the bot and take its file away."""
        self._do(self._opened.aclose())
        self._runner.close()
        shutil.rmtree(self._folder)


def told_as(told: Told) -> Any:
    """Return the alert and its body."""
    written: dict[str, Any] = {
        "alertRule": told.rule,
        "firedDateTime": iso(told.fired_at),
        "monitorCondition": "Resolved" if told.resolved_at else "Fired",
    }
    if told.resolved_at:
        written["resolvedDateTime"] = iso(told.resolved_at)
    start = told.fired_at - timedelta(minutes=6)
    return delivery(
        context=window(start, start + timedelta(minutes=5)),
        alert_id=f"/subscriptions/x/providers/Microsoft.AlertsManagement/alerts/{told.alert_id}",
        **written,
    )


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def seen_as(dossier: Dossier) -> dict[str, object]:
    incident = dossier.incident
    taken = incident.acknowledgement
    return {
        "number": incident.number,
        "rule": incident.rule,
        "alerts": incident.alert_count,
        "state": incident.state.value,
        "resolved_at": incident.resolved_at,
        "by": taken.by.name if taken else "",
        "by_at": taken.at if taken else None,
    }


def case_as(case: Case) -> dict[str, object]:
    state = "resolved" if case.resolved_at else "acknowledged" if case.by else "fired"
    return {
        "number": case.number,
        "rule": case.rule,
        "alerts": case.alerts,
        "state": state,
        "resolved_at": case.resolved_at,
        "by": case.by,
        "by_at": case.by_at,
    }

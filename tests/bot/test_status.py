from __future__ import annotations

from datetime import timedelta

import pytest

from bot.asked import ShowStatus
from bot.errors import OutsideError, Reason, Unavailable
from bot.ports import ConversationKind, Load
from bot.status import StatusReport
from cards.status import Watching
from tests.bot.office import ALICE, GINA, Office, asking, everything, read
from tests.bot.stage import GENERAL, OPS
from tests.fakes import NOW, FakeClock, a_conversation


async def test_the_status_tells_what_is_watched_and_who_gets_incidents(office: Office) -> None:
    await office.incident()
    answer = await office.ask(ShowStatus())
    assert "Workspaces: prod" in read(answer)
    assert "Incidents come to: General" in read(answer)
    assert "All that was due is done or in hand" in answer.summary
    assert answer.sentence == ""
    assert GENERAL.id not in everything(answer)


async def test_the_status_is_told_in_the_askers_zone(office: Office) -> None:
    await office.incident()
    answer = await office.ask(ShowStatus(), asking(time_zone="Asia/Kolkata"))
    assert "2026-03-04 15:08:59 (UTC+05:30)" in answer.summary


async def test_only_members_are_told_the_status(office: Office) -> None:
    await office.incident()
    assert "Guests cannot do this" in read(await office.ask(ShowStatus(), asking(GINA)))
    chat = a_conversation(id="a:1", kind=ConversationKind.PERSONAL)
    await office.desk.store.unsubscribe(GENERAL.id, NOW)
    answer = await office.ask(ShowStatus(), asking(ALICE, where=chat))
    assert "This is for people who get the incidents" in read(answer)


async def test_it_counts_what_waits_and_what_was_given_up() -> None:
    class Told:
        async def load(self, now: object) -> dict[str, Load]:
            cards = Load(due=7, held=2, failed=1, oldest_due_at=NOW - timedelta(minutes=3))
            return {"notification": cards, "chore": Load(due=1, held=0, failed=0, oldest_due_at=NOW)}

        async def subscribed(self) -> list[object]:
            return [OPS, a_conversation(id="19:x@thread.v2", kind=ConversationKind.GROUP, name="")]

    clock = FakeClock()
    report = StatusReport(
        store=Told(),  # type: ignore[arg-type]  # what it needs of a store
        clock=clock,
        workspaces=["prod"],
        watching=lambda: Watching(problem="Monitoring Reader is missing."),
    )
    clock.pass_time(hours=2)
    status = await report.now()
    assert (status.at - status.since) == timedelta(hours=2)
    cards, questions = status.waiting
    assert (cards.what[1], cards.due, cards.held, cards.failed) == ("cards", 7, 2, 1)
    assert (questions.due, questions.oldest_due_at) == (0, None)
    assert list(status.conversations) == ["Ops", "a conversation without a name (groupChat)"]
    assert status.watching == Watching(problem="Monitoring Reader is missing.")


async def test_a_store_that_is_away_is_not_hidden() -> None:
    class Away:
        async def load(self, now: object) -> dict[str, Load]:
            raise Unavailable(Reason.STORE)

        async def subscribed(self) -> list[object]:
            return []

    report = StatusReport(store=Away(), clock=FakeClock(), workspaces=[])  # type: ignore[arg-type]  # what it needs of a store
    with pytest.raises(OutsideError):
        await report.now()

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.errors import Reason, Rejected, Unavailable
from bot.notifier import SMALL_BUDGET
from bot.ports import LookKind, Notification, Store
from bot.store.digests import MOST_WAITING
from tests.bot.desk import (
    ZOE,
    Desk,
    refusing,
    where_and_how,
)
from tests.bot.stage import (
    ALICE,
    GENERAL,
    OPS,
    a_row,
    an_incident,
    at,
    delivery,
    dossier_of,
)
from tests.fakes import NOW

# --- from a look to a card -------------------------------------------------------------------------


async def test_a_look_is_kept_and_lets_the_card_out(desk: Desk) -> None:
    incident = await desk.opened()
    assert await desk.notifications_due() == 0
    assert await desk.look() is LookKind.ALERT
    assert (await desk.evidence(incident)).by_people == 1
    await desk.notify()
    assert where_and_how(desk.teams.said[0]) == (GENERAL.id, "activity-1", False)
    assert ALICE in desk.says()
    assert f"{ALICE} patched configmap kube-system/coredns-custom" in desk.teams.texts()[0]
    assert await desk.notifications_due() == 0
    assert (await dossier_of(desk.store, incident)).posted == {"activity-1": GENERAL.id}


async def test_what_changes_is_shown_in_the_place_of_the_same_card(desk: Desk) -> None:
    incident = await desk.posted()
    await desk.store.acknowledge(incident.key, ZOE, NOW)
    await desk.notify()
    assert where_and_how(desk.teams.said[1]) == (GENERAL.id, "activity-1", True)
    assert "Acknowledged by Zoe Zed" in desk.says()


async def test_the_card_is_that_of_the_moment_it_is_sent(desk: Desk) -> None:
    incident = await desk.opened()
    await desk.look()
    claimed = await desk.claimed()
    await desk.store.acknowledge(incident.key, ZOE, NOW)
    await desk.notifier.notify(claimed)
    assert "Acknowledged by Zoe Zed" in desk.says()
    assert await desk.notifications_due() == 0


async def test_a_click_while_the_card_is_on_its_way_is_shown_by_an_update(desk: Desk) -> None:
    incident = await desk.opened()
    await desk.look()

    async def meanwhile() -> None:
        desk.teams.meanwhile = None
        await desk.store.acknowledge(incident.key, ZOE, NOW)

    desk.teams.meanwhile = meanwhile
    await desk.notify()
    assert "Acknowledged" not in desk.says()
    await desk.notify()
    assert where_and_how(desk.teams.said[-1]) == (GENERAL.id, "activity-1", True)
    assert "Acknowledged by Zoe Zed" in desk.says()
    assert await desk.notifications_due() == 0


async def test_a_deleted_message_is_posted_anew_once(desk: Desk) -> None:
    incident = await desk.posted()
    await desk.store.acknowledge(incident.key, ZOE, NOW)
    desk.teams.fail = refusing({"update": Rejected(Reason.NOT_FOUND)})
    await desk.notify()
    assert [where_and_how(said)[1:] for said in desk.teams.said] == [
        ("activity-1", False),
        ("activity-2", False),
    ]
    assert await desk.notifications_due() == 0
    desk.teams.fail = refusing({})
    await desk.look()
    desk.clock.pass_time(minutes=11)
    desk.holds(a_row(), a_row("a-2"))
    await desk.look()
    await desk.notify()
    assert where_and_how(desk.teams.said[-1])[1:] == ("activity-2", True)


async def test_a_notification_whose_incident_is_gone_is_given_up(desk: Desk) -> None:
    await desk.opened()
    await desk.look()
    claimed = await desk.claimed()
    nowhere = Notification(**{**vars(claimed), "incident_key": "f" * 32})
    await desk.notifier.notify(nowhere)
    assert desk.teams.said == []
    assert await desk.notifications_due() == 0


# --- when Teams does not take it -------------------------------------------------------------------


@pytest.mark.parametrize("reason", [Reason.FORBIDDEN, Reason.NOT_FOUND])
async def test_a_conversation_that_is_gone_gets_nothing_more(desk: Desk, reason: Reason) -> None:
    await desk.opened()
    await desk.look()
    desk.teams.fail = refusing({"post": Rejected(reason)})
    await desk.notify()
    assert await desk.store.subscribed() == []
    assert await desk.store.conversation(GENERAL.id) is None
    await an_incident(desk.store, delivery(alert_id="/another", alertRule="Another"))
    await desk.look()
    assert await desk.notifications_due() == 0


async def test_a_conversation_that_is_gone_with_its_card_is_ended_by_the_update(desk: Desk) -> None:
    incident = await desk.posted()
    await desk.store.acknowledge(incident.key, ZOE, NOW)
    gone = Rejected(Reason.NOT_FOUND)
    desk.teams.fail = refusing({"update": gone, "post": gone})
    await desk.notify()
    assert await desk.store.conversation(GENERAL.id) is None


@pytest.mark.parametrize("reason", [Reason.TOO_LARGE, Reason.BAD_REQUEST])
async def test_a_card_that_is_not_taken_ends_itself_and_not_the_conversation(
    desk: Desk, reason: Reason
) -> None:
    await desk.opened()
    await desk.look()
    desk.teams.fail = refusing({"post": Rejected(reason)})
    await desk.notify()
    assert [c.id for c in await desk.store.subscribed()] == [GENERAL.id]
    desk.clock.pass_time(days=1)
    assert await desk.notifications_due() == 0


async def test_whoever_lost_the_row_does_not_end_the_conversation(desk: Desk) -> None:
    await desk.opened()
    await desk.look()
    stale = await desk.claimed()
    await desk.store.release(None)
    current = await desk.claimed()
    desk.teams.fail = refusing({"post": Rejected(Reason.FORBIDDEN)})
    await desk.notifier.notify(stale)
    assert await desk.store.conversation(GENERAL.id) is not None
    desk.teams.fail = refusing({})
    await desk.notifier.notify(stale)
    assert desk.teams.said == []
    await desk.notifier.notify(current)
    assert len(desk.teams.said) == 1


async def test_a_card_that_another_says_by_now_is_taken_away_again(desk: Desk) -> None:
    await desk.opened()
    await desk.look()

    async def frozen() -> None:
        desk.teams.meanwhile = None
        await desk.store.release(None)

    desk.teams.meanwhile = frozen
    await desk.notify()
    assert desk.teams.deleted == ["activity-1"]
    await desk.notify()
    assert [said.activity_id for said in desk.teams.said] == ["activity-1", "activity-2"]


async def test_a_card_that_was_clicked_before_its_post_was_known_is_the_one_that_stays(desk: Desk) -> None:
    incident = await desk.opened()
    await desk.look()
    desk.teams.fail = refusing({"post": Unavailable(Reason.UNKNOWN)})
    await desk.notify()
    desk.teams.fail = refusing({})
    assert await desk.store.adopt(incident.key, GENERAL.id, "the-one-that-came", NOW) == ""
    desk.clock.pass_time(seconds=5)
    await desk.notify()
    assert where_and_how(desk.teams.said[-1]) == (GENERAL.id, "the-one-that-came", True)


async def test_a_card_that_is_too_large_is_tried_smaller(desk: Desk) -> None:
    desk.holds(*(a_row(f"a-{n}", user=f"user-{n}@contoso.com") for n in range(40)))
    await desk.opened()
    await desk.look()
    sizes: list[int] = []

    def too_large(call: str, _where: str) -> None:
        if call == "post" and not sizes:
            sizes.append(0)
            raise Rejected(Reason.TOO_LARGE)

    desk.teams.fail = too_large
    await desk.notify()
    assert len(json.dumps(desk.teams.said[0].message.card)) <= SMALL_BUDGET
    assert await desk.store.dead_letters() == []


async def test_what_teams_does_not_take_is_a_dead_letter_with_its_card(desk: Desk) -> None:
    await desk.opened()
    await desk.look()
    desk.teams.fail = refusing({"post": Rejected(Reason.BAD_REQUEST, "HTTP 400 BadSyntax")})
    await desk.notify()
    (letter,) = await desk.store.dead_letters()
    assert (letter.reason, letter.detail) == (Reason.BAD_REQUEST, "HTTP 400 BadSyntax")
    assert letter.card is not None
    assert letter.card["type"] == "AdaptiveCard"
    assert ("gave up", "bad request") in desk.meter.counted
    desk.teams.fail = refusing({})
    await desk.store.retry(letter.id, NOW)
    await desk.notify()
    assert len(desk.teams.said) == 1


async def test_the_end_of_a_channel_is_told_in_the_others(desk: Desk) -> None:
    await desk.opened()
    await desk.look()
    await desk.store.remember(OPS, NOW)
    await desk.store.subscribe(OPS.id, NOW)

    def gone(_call: str, where: str) -> None:
        if where == GENERAL.id:
            raise Rejected(Reason.FORBIDDEN)

    desk.teams.fail = gone
    await desk.notify()
    assert [said.where for said in desk.teams.said] == [OPS.id]
    assert "General gets no more incidents" in desk.says()


async def test_a_card_is_recorded_though_the_store_stumbles_for_a_moment(desk: Desk) -> None:
    class Stumbling:
        """The real store, whose first record of a post fails."""

        def __init__(self) -> None:
            self.failures = 1

        def __getattr__(self, name: str) -> Any:
            return getattr(desk.store, name)

        async def posted(self, *told: Any) -> bool:
            if self.failures:
                self.failures -= 1
                raise Unavailable(Reason.STORE)
            return await desk.store.posted(*told)

    await desk.opened()
    await desk.look()
    claimed = await desk.claimed()
    await desk.notifier_over(cast("Store", Stumbling())).notify(claimed)
    assert len(desk.teams.said) == 1
    assert await desk.notifications_due() == 0
    assert (await desk.store.load(NOW))["notification"].held == 0


async def test_a_storm_is_told_by_one_card_that_changes_in_place(desk: Desk) -> None:
    await desk.opened()
    for n in range(MOST_WAITING):
        await an_incident(desk.store, delivery(alert_id=f"/alerts/{n}", alertRule=f"rule {n}"))
    claimed = await desk.claimed()
    assert claimed.is_digest
    await desk.notifier.notify(claimed)
    key = await desk.store.key_of(1)
    assert key is not None
    await desk.store.acknowledge(key, ZOE, NOW)
    desk.clock.pass_time(seconds=10)
    await desk.notify()
    assert [where_and_how(said) for said in desk.teams.said] == [
        (GENERAL.id, "activity-1", False),
        (GENERAL.id, "activity-1", True),
    ]


async def test_what_teams_puts_off_comes_back_when_teams_says(desk: Desk) -> None:
    await desk.opened()
    await desk.look()
    asked = timedelta(seconds=90)
    desk.teams.fail = refusing({"post": Unavailable(Reason.THROTTLED, retry_after=asked)})
    await desk.notify()
    assert await desk.store.next_due(NOW) == NOW + asked
    desk.teams.fail = refusing({})
    desk.clock.pass_time(seconds=89)
    assert await desk.notifications_due() == 0
    desk.clock.pass_time(seconds=1)
    await desk.notify()
    assert len(desk.teams.said) == 1


async def test_teams_is_tried_again_and_again_with_growing_waits(desk: Desk) -> None:
    desk.clock.at = at(10)
    await desk.opened()
    await desk.look()
    desk.teams.fail = refusing({"post": Unavailable(Reason.UNREACHABLE)})
    waits = []
    for _ in range(12):
        await desk.notify()
        due = await desk.store.next_due(desk.clock.now())
        assert due is not None
        waits.append((due - desk.clock.now()).total_seconds())
        desk.clock.at = due
    assert 1 <= waits[0] <= 2
    assert waits[0] < waits[2] < waits[5]
    assert all(22 <= wait <= 45 for wait in waits[-3:])
    desk.teams.fail = refusing({})
    await desk.notify()
    assert len(desk.teams.said) == 1

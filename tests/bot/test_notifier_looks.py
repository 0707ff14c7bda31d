from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.evidence import Arriving, Missing
from audit.filter import Window
from audit.incident import Incident, Why
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.notifier import KEEP_ASKING, SECOND_LOOK_AFTER
from bot.ports import Answer, Dossier, LookKind, Query
from tests.audit.bodies import SUBSCRIPTION
from tests.bot.desk import (
    DOWN,
    ZOE,
    Desk,
    where_and_how,
)
from tests.bot.stage import (
    ALICE,
    END,
    FOREIGN_ROW,
    GENERAL,
    OPS,
    START,
    a_row,
    at,
    delivery,
    dossier_of,
    window,
)
from tests.bot.workspace import Question, failing, holding, is_of_evidence, question
from tests.fakes import NOW

# --- when the workspace does not answer ------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "missing"),
    [
        (Unavailable(Reason.TIMED_OUT), Missing.TIMED_OUT),
        (Unavailable(Reason.THROTTLED), Missing.THROTTLED),
        (Unavailable(Reason.UNREACHABLE), Missing.UNAVAILABLE),
        (Unavailable(Reason.GARBAGE), Missing.GARBAGE),
    ],
)
async def test_without_the_workspace_the_card_goes_out_and_the_evidence_comes_later(
    desk: Desk, failure: OutsideError, missing: Missing
) -> None:
    desk.fails(failure)
    incident = await desk.posted()
    evidence = await desk.evidence(incident)
    assert evidence.missing is missing
    assert evidence.again_until == NOW + KEEP_ASKING
    assert f"Trying again until {NOW + KEEP_ASKING:%H:%M:%S}" in desk.says()
    assert "Alert counted 6" in desk.says()
    assert await desk.looks_due() == 0
    again_at = await desk.store.next_due(NOW)
    assert again_at is not None
    assert timedelta(seconds=4) <= again_at - NOW <= timedelta(seconds=8)
    desk.holds(a_row())
    desk.clock.at = again_at
    assert await desk.look() is LookKind.ALERT
    await desk.notify()
    assert where_and_how(desk.teams.said[-1])[1:] == ("activity-1", True)
    assert "Trying again" not in desk.says()
    assert ALICE in desk.says()


async def tries(desk: Desk) -> list[timedelta]:
    """Ask, and bring the card up to date, until it is given up; return when each try was, from the first."""
    began = desk.clock.now()
    tried: list[timedelta] = []
    due: datetime | None = began
    while due is not None and len(tried) < 200:
        desk.clock.at = due
        await desk.look()
        tried.append(due - began)
        # The card says until when, so it changes at the first try and at the last.
        for notification in await desk.store.claim_notifications("w1", due, 10):
            await desk.notifier.notify(notification)
        due = await desk.store.next_due(due)
    return tried


async def test_a_workspace_that_stays_away_is_asked_for_an_hour_and_then_given_up(desk: Desk) -> None:
    desk.fails()
    incident = await desk.opened()
    tried = await tries(desk)
    assert timedelta(minutes=50) < tried[-1] <= KEEP_ASKING
    assert 60 <= len(tried) <= 120
    evidence = await desk.evidence(incident)
    assert (evidence.missing, evidence.again_until) == (Missing.UNAVAILABLE, None)
    assert "Ask by chat in a few minutes, or look in the portal." in desk.says()
    assert "Trying again" not in desk.says()


@pytest.mark.parametrize("reason", [Reason.BAD_REQUEST, Reason.TOO_LARGE])
async def test_what_would_only_fail_again_is_not_asked_again(desk: Desk, reason: Reason) -> None:
    desk.fails(Rejected(reason))
    incident = await desk.posted()
    assert (await desk.evidence(incident)).again_until is None
    assert await desk.store.next_due(NOW) is None


async def test_what_is_known_is_kept_while_the_workspace_is_away_and_the_card_left_alone(desk: Desk) -> None:
    incident = await desk.posted()
    known = await desk.evidence(incident)
    desk.fails()
    desk.clock.at = at(10)
    assert await desk.look() is LookKind.LATE
    assert await desk.evidence(incident) == known
    assert await desk.notifications_due() == 0
    again_at = await desk.store.next_due(desk.clock.now())
    assert again_at is not None
    assert again_at - desk.clock.now() < timedelta(minutes=1)
    desk.holds(a_row(), a_row("a-2"))
    desk.clock.at = again_at
    assert await desk.look() is LookKind.LATE
    await desk.notify()
    assert (await desk.evidence(incident)).returned == 2


@pytest.mark.parametrize("reason", [Reason.BAD_REQUEST, Reason.TOO_LARGE, Reason.FORBIDDEN])
async def test_what_is_known_is_kept_when_it_may_not_be_asked_again(desk: Desk, reason: Reason) -> None:
    incident = await desk.posted()
    desk.fails(Rejected(reason))
    desk.clock.at = at(10)
    await desk.look()
    evidence = await desk.evidence(incident)
    assert (evidence.missing, evidence.by_people) == (None, 1)


async def test_an_acknowledgement_days_later_does_not_take_the_evidence_away(desk: Desk) -> None:
    incident = await desk.posted()
    desk.clock.pass_time(days=3)
    await desk.look()
    await desk.store.acknowledge(incident.key, ZOE, desk.clock.now())
    await desk.look()
    evidence = await desk.evidence(incident)
    assert (evidence.missing, evidence.by_people) == (None, 1)
    assert evidence.since is not None
    assert evidence.since.until - END < timedelta(days=1, seconds=1)


async def test_of_a_window_of_48_hours_too_what_is_known_is_kept(desk: Desk) -> None:
    incident = await desk.posted(context=window(END - timedelta(hours=48), END))
    desk.clock.pass_time(days=3)
    await desk.look()
    assert (await desk.evidence(incident)).missing is None


async def test_what_is_known_of_an_older_window_does_not_stand_for_a_newer_one(desk: Desk) -> None:
    incident = await desk.posted()
    desk.fails()
    desk.clock.pass_time(minutes=5)
    joined = delivery(alert_id="/joined", firedDateTime="2026-03-04T09:43:30Z", context=window(START, at(5)))
    await desk.store.record(joined.alert, joined.body, desk.clock.now())
    await desk.look()
    assert (await desk.evidence(incident)).missing is Missing.UNAVAILABLE


# --- looks that come again -------------------------------------------------------------------------


async def test_after_the_logs_delay_the_same_window_is_asked_exactly_once_more(desk: Desk) -> None:
    await desk.posted()
    due = END + SECOND_LOOK_AFTER
    assert await desk.store.next_due(NOW) == due
    desk.clock.at = due - timedelta(seconds=1)
    assert await desk.looks_due() == 0
    desk.clock.at = due
    asked = [query.window for query in filter(is_of_evidence, desk.log.asked)]
    assert await desk.look() is LookKind.LATE
    assert [query.window for query in filter(is_of_evidence, desk.log.asked)] == 2 * asked
    await desk.notify()
    assert await desk.store.next_due(due) is None


async def test_a_second_look_that_finds_the_same_tells_only_that_nothing_more_is_to_come(desk: Desk) -> None:
    incident = await desk.posted()
    assert "still arriving" in desk.says()
    desk.clock.at = at(10)
    await desk.look()
    await desk.notify()
    dossier = await dossier_of(desk.store, incident)
    assert (dossier.evidence.arriving, dossier.evidence.asked_at) == (Arriving.SETTLED, at(10))
    assert "still arriving" not in desk.says()
    assert [said.updated for said in desk.teams.said] == [False, True]


async def test_a_second_look_that_finds_more_updates_the_card(desk: Desk) -> None:
    await desk.posted()
    desk.holds(a_row(), a_row("a-2"))
    desk.clock.at = at(10)
    await desk.look()
    await desk.notify()
    assert "workspace returned 2" in desk.says()


async def test_an_alert_that_comes_after_the_logs_delay_is_asked_once(desk: Desk) -> None:
    desk.clock.at = at(10)
    await desk.posted()
    assert await desk.store.next_due(desk.clock.now()) is None


async def test_what_is_not_asked_for_at_all_is_not_asked_again(desk: Desk) -> None:
    incident = await desk.posted(
        alertTargetIDs=[], configurationItems=[], firedDateTime="2026-03-01T00:00:00Z"
    )
    assert (await desk.evidence(incident)).missing is Missing.TOO_OLD
    assert desk.log.asked == []
    assert await desk.store.next_due(NOW) is None


async def test_rows_that_are_no_events_are_said_and_not_asked_for_again(desk: Desk) -> None:
    desk.holds(FOREIGN_ROW)
    await desk.posted()
    assert "The alert's query does not return audit events" in desk.says()
    assert await desk.store.next_due(NOW) is None


async def test_an_acknowledgement_asks_what_went_on_since(desk: Desk) -> None:
    incident = await desk.posted()
    await desk.store.acknowledge(incident.key, ZOE, NOW)
    assert await desk.look() is LookKind.SINCE
    await desk.notify()
    assert "Since then, until 09:38:59: 1 more by people" in desk.says()
    assert await desk.store.next_due(NOW) == END + SECOND_LOOK_AFTER


async def test_after_an_acknowledgement_every_look_tells_what_went_on_since(desk: Desk) -> None:
    incident = await desk.posted()
    await desk.store.acknowledge(incident.key, ZOE, NOW)
    await desk.look()
    desk.clock.at = at(10)
    await desk.look()
    since = (await desk.evidence(incident)).since
    assert since is not None
    assert since.until == at(10)
    assert await desk.store.next_due(desk.clock.now()) is not None  # the card, which says so
    assert await desk.looks_due() == 0


async def test_what_went_on_since_is_asked_again_when_only_that_question_failed(desk: Desk) -> None:
    incident = await desk.posted()
    await desk.store.acknowledge(incident.key, ZOE, NOW)
    first = holding([a_row()])
    desk.log.answering = lambda query: (
        first(query) if "09:37:52.000000Z))" in query.kql else failing(DOWN)(query)
    )
    await desk.look()
    assert (await desk.evidence(incident)).since is None
    await desk.notify()
    again_at = await desk.store.next_due(NOW)
    assert again_at is not None
    assert again_at - NOW < timedelta(seconds=20)
    desk.holds(a_row())
    desk.clock.at = again_at
    assert await desk.look() is LookKind.SINCE
    assert (await desk.evidence(incident)).since is not None


async def test_what_was_known_since_is_kept_when_the_question_fails_later(desk: Desk) -> None:
    incident = await desk.posted()
    await desk.store.acknowledge(incident.key, ZOE, NOW)
    await desk.look()
    known = (await desk.evidence(incident)).since
    assert known is not None
    desk.fails()
    desk.clock.at = at(10)
    await desk.look()
    assert (await desk.evidence(incident)).since == known


async def test_after_a_late_acknowledgement_too_an_hour_is_asked(desk: Desk) -> None:
    incident = await desk.posted()
    desk.clock.pass_time(hours=5)
    await desk.look()
    await desk.store.acknowledge(incident.key, ZOE, desk.clock.now())
    desk.fails()
    await desk.look()
    await desk.notify()
    assert await desk.store.next_due(desk.clock.now()) is not None


async def test_a_look_that_somebody_else_took_over_keeps_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    incident = await desk.opened()
    (mine,) = await desk.store.claim_looks("w1", NOW, 10)
    await desk.store.release(None)
    (others,) = await desk.store.claim_looks("w2", desk.clock.now(), 10)
    await desk.notifier.look(mine)
    assert (await desk.evidence(incident)).missing is Missing.NOT_ASKED_YET
    assert "evidence not kept" in caplog.text
    await desk.notifier.look(others)
    assert (await desk.evidence(incident)).by_people == 1


async def test_a_look_at_an_incident_that_is_gone_asks_nothing(desk: Desk) -> None:
    await desk.opened()
    (look,) = await desk.store.claim_looks("w1", NOW, 10)
    await desk.notifier.look(type(look)(**{**vars(look), "incident_key": "f" * 32}))
    assert desk.log.asked == []


async def test_one_card_is_the_same_for_every_conversation(desk: Desk) -> None:
    await desk.store.remember(OPS, NOW)
    await desk.store.subscribe(OPS.id, NOW)
    incident = await desk.opened()
    await desk.look()
    for notification in await desk.store.claim_notifications("w1", NOW, 10):
        await desk.notifier.notify(notification)
    assert {said.where for said in desk.teams.said} == {GENERAL.id, OPS.id}
    dossier: Dossier = await dossier_of(desk.store, incident)
    assert all(said.message == desk.notifier.message(dossier) for said in desk.teams.said)


# --- several clusters -------------------------------------------------------------------------------

WORKSPACE = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/log"
WEU = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/weu".lower()
NEU = WEU.replace("weu", "neu")


async def of_the_workspace(desk: Desk) -> Incident:
    """An alert of a rule that is about all that the workspace holds."""
    about: dict[str, Any] = {"alertTargetIDs": [WORKSPACE], "configurationItems": []}
    return await desk.opened(**about, unsplit=True)


async def test_an_alert_about_two_clusters_becomes_an_incident_for_each(desk: Desk) -> None:
    desk.holds(a_row(), clusters=[NEU, WEU])
    incident = await of_the_workspace(desk)
    await desk.look()
    assert (await dossier_of(desk.store, incident)).cluster == NEU
    asked = [query.kql for query in filter(is_of_evidence, desk.log.asked)]
    assert asked
    assert all(f'=~ "{NEU}"' in kql for kql in asked)
    desk.log.asked.clear()
    await desk.look()
    assert all(f'=~ "{WEU}"' in query.kql for query in filter(is_of_evidence, desk.log.asked))
    assert await desk.looks_due() == 0


async def test_a_further_alert_about_the_other_cluster_alone_is_that_ones(desk: Desk) -> None:
    desk.holds(a_row(), clusters=[NEU])
    incident = await of_the_workspace(desk)
    await desk.look()
    assert (await dossier_of(desk.store, incident)).cluster == NEU
    desk.holds(a_row(), clusters=[WEU])
    desk.clock.pass_time(minutes=5)
    about: dict[str, Any] = {"alertTargetIDs": [WORKSPACE], "configurationItems": []}
    again = delivery(alert_id="/again", **about, unsplit=True)
    await desk.store.record(again.alert, again.body, desk.clock.now())
    await desk.look()
    other = await desk.store.key_of(incident.number + 1)
    assert other is not None
    dossier = await desk.store.dossier(other)
    assert dossier is not None
    assert dossier.cluster == WEU


async def test_what_fires_while_an_alert_is_asked_takes_no_clusters_window_from_it(desk: Desk) -> None:
    first, second = window(START, END), window(START + timedelta(minutes=5), END + timedelta(minutes=5))
    about: dict[str, Any] = {"alertTargetIDs": [WORKSPACE], "configurationItems": []}
    fires = delivery(
        alert_id="/a2", context=second, firedDateTime="2026-03-04T09:43:24Z", **about, unsplit=True
    )
    asked_of_both = holding([a_row()], clusters=[NEU, WEU])

    async def joined_meanwhile(query: Query) -> Answer:
        if question(query) is Question.CLUSTERS:
            recorded = await desk.store.record(fires.alert, fires.body, NOW)
            assert recorded.why is Why.JOINED
        return await asked_of_both(query)

    desk.log.answering = joined_meanwhile
    incident = await desk.opened(context=first, **about, unsplit=True)
    await desk.look()
    key = await desk.store.key_of(incident.number + 1)
    assert key is not None
    own, other = await dossier_of(desk.store, incident), await desk.store.dossier(key)
    assert other is not None
    assert (own.cluster, own.alert.window) == (NEU, fires.alert.window)
    assert (other.cluster, other.alert.window) == (WEU, Window(start=START, end=END))
    # The first's own rows of that window are asked for too, before the newer alert's take their place.
    assert own.evidence.window == Window(start=START, end=END)


async def test_an_alert_that_names_its_cluster_is_asked_of_no_other(desk: Desk) -> None:
    desk.holds(a_row(), clusters=[NEU, WEU])
    incident = await desk.posted()
    assert (await dossier_of(desk.store, incident)).cluster == ""
    assert Question.CLUSTERS not in {question(query) for query in desk.log.asked}

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audit.alert import Alert
from audit.evidence import Missing
from audit.filter import Window
from audit.origin import Origin, workspace_target
from bot.ports import Workspace
from bot.scope import clamped, why_not_asked, workspace_for
from tests.audit.bodies import SUBSCRIPTION, a_body, parse
from tests.bot.stage import FIRED, PROD, TEST, about, an_alert, an_inquiry, asked_for, at, behind, window
from tests.bot.workspace import holding, is_count
from tests.fakes import NOW, FakeAuditLog


def holder(name: str, *holds: str, resource_id: str = "") -> Workspace:
    return Workspace(name=name, id=f"id-of-{name}", holds=holds, resource_id=resource_id)


def chosen(alert: Alert, *workspaces: Workspace) -> str:
    found = workspace_for(alert, workspaces)
    return found.name if found else ""


def test_the_longest_entry_wins_whatever_the_order_and_the_case() -> None:
    wide, narrow = (
        holder("wide", SUBSCRIPTION.upper()),
        holder("narrow", f"{SUBSCRIPTION}/resourceGroups/RG-Platform"),
    )
    assert chosen(an_alert(), wide, narrow) == "narrow"
    assert chosen(an_alert(), narrow, wide) == "narrow"
    assert chosen(an_alert(), wide) == "wide"


def test_an_entry_ends_at_the_end_of_a_segment() -> None:
    one = holder("one", "/subscriptions/1", "/subscriptions/2/")
    assert chosen(about("/subscriptions/1/resourceGroups/a"), one) == "one"
    assert chosen(about("/Subscriptions/1"), one) == "one"
    assert chosen(about("/subscriptions/2/x"), one) == "one"
    assert chosen(about("/subscriptions/12/resourceGroups/a"), one) == ""
    assert chosen(about("/subscriptions/3", "/subscriptions/2"), one) == "one"


def test_an_alert_about_the_workspace_itself_is_asked_there() -> None:
    its_id = f"{SUBSCRIPTION}/resourceGroups/logs/providers/Microsoft.OperationalInsights/workspaces/Prod"
    assert chosen(about(its_id.lower()), holder("a", "/subscriptions/x", resource_id=its_id)) == "a"
    assert chosen(about("/anything"), holder("a", "/subscriptions/x", resource_id="")) == ""


async def test_the_payload_only_selects_from_the_settings() -> None:
    log = FakeAuditLog()
    body = a_body()
    body["data"]["essentials"]["alertTargetIDs"] = ["/subscriptions/elsewhere/workspaces/w"]
    body["data"]["essentials"]["configurationItems"] = []
    body["data"]["alertContext"]["condition"]["allOf"][0]["dimensions"] = []
    evidence = await an_inquiry(log, PROD, TEST).behind(parse(body))
    assert (evidence.missing, log.asked) == (Missing.NO_WORKSPACE, [])


def whole(name: str) -> Alert:
    return replace(parse(a_body(name)), fired_at=FIRED)


NOT_ASKED: dict[str, tuple[Alert, Missing]] = {
    "a test notification": (whole("test-action-group.json"), Missing.TEST),
    "a metric alert": (whole("metric.json"), Missing.NOT_A_LOG_ALERT),
    "an activity log alert": (whole("activity-log.json"), Missing.NOT_A_LOG_ALERT),
    "rows inside": (whole("log-v1-with-results.json"), Missing.INSIDE_THE_ALERT),
    "no window": (an_alert(context={"windowStartTime": "", "windowEndTime": ""}), Missing.NO_WINDOW),
    "no criteria": (replace(an_alert(), criteria=()), Missing.NO_WINDOW),
    "too old": (an_alert(firedDateTime="2026-03-03T09:38:58.999Z"), Missing.TOO_OLD),
    "in the future": (an_alert(firedDateTime="2026-03-04T09:48:59.001Z"), Missing.IN_THE_FUTURE),
    "the first minutes of the calendar": (
        an_alert(
            context=window(datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, 0, 5, tzinfo=UTC)),
        ),
        Missing.TOO_OLD,
    ),
    "the last minutes of the calendar": (
        an_alert(
            context=window(
                datetime(9999, 12, 31, 23, 50, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
            )
        ),
        Missing.IN_THE_FUTURE,
    ),
    "nobody's": (about("/subscriptions/elsewhere"), Missing.NO_WORKSPACE),
}


@pytest.mark.parametrize("name", NOT_ASKED)
async def test_nothing_is_asked_and_the_evidence_says_why(name: str) -> None:
    alert, missing = NOT_ASKED[name]
    log = FakeAuditLog()
    evidence = await behind(log, alert)
    assert (evidence.missing, log.asked) == (missing, [])
    assert evidence.asked_at == NOW
    assert (evidence.returned, evidence.groups, evidence.window) == (0, (), alert.window)


@pytest.mark.parametrize("fired", ["2026-03-03T09:38:59Z", "2026-03-04T09:48:59Z"])
async def test_at_the_very_edges_of_old_and_future_it_is_still_asked(fired: str) -> None:
    log = FakeAuditLog(answering=holding([]))
    assert (await behind(log, an_alert(firedDateTime=fired))).missing is None
    assert log.asked


@pytest.mark.parametrize("minutes", [-2000, 20])
async def test_a_window_that_does_not_fit_the_firing_is_asked_for_as_stated(minutes: float) -> None:
    log = FakeAuditLog(answering=holding([]))
    evidence = await behind(log, an_alert(context=window(at(minutes), at(minutes + 5))))
    assert evidence.missing is None
    assert {asked_for(q) for q in log.asked if is_count(q)} == {evidence.window}


async def test_an_alert_without_a_time_is_judged_by_its_window() -> None:
    log = FakeAuditLog(answering=holding([]))
    untimed = replace(an_alert(), fired_at=None)
    assert (await behind(log, untimed)).missing is None
    assert (await behind(log, untimed, now=at(24 * 60 + 1))).missing is Missing.TOO_OLD


async def test_a_query_that_we_do_not_run_is_not_asked() -> None:
    log = FakeAuditLog()
    body = a_body()
    criterion = body["data"]["alertContext"]["condition"]["allOf"][0]
    criterion["searchQuery"] = "workspace('other').AzureDiagnostics"
    evidence = await behind(log, parse(body))
    assert (evidence.missing, log.asked) == (Missing.REFUSED_QUERY, [])
    assert evidence.detail
    criterion["searchQuery"] = "AzureDiagnostics"
    criterion["dimensions"] = [{"name": "ResourceId\n| take 1", "value": "x"}]
    evidence = await behind(log, parse(body))
    assert (evidence.missing, log.asked) == (Missing.REFUSED_QUERY, [])


def own(*targets: str, start: float = -15, end: float = 0) -> Alert:
    return replace(
        an_alert(), origin=Origin.RAISED, targets=targets, window=Window(start=at(start), end=at(end))
    )


def test_an_alert_of_our_own_is_asked_where_it_says_whatever_else_it_is_about() -> None:
    wide, narrow = holder("wide", SUBSCRIPTION), holder("narrow", "/subscriptions/other")
    about_both = own(f"{SUBSCRIPTION}/resourceGroups/a", workspace_target(narrow.id.upper(), "narrow"))
    assert chosen(about_both, wide, narrow) == "narrow"
    assert chosen(about_both, wide) == ""
    assert chosen(own(SUBSCRIPTION), wide) == ""


def test_a_workspace_target_in_an_alert_of_azures_chooses_nothing() -> None:
    wide = holder("wide", SUBSCRIPTION)
    assert chosen(about(workspace_target(wide.id, "wide")), wide) == ""


def test_what_was_asked_by_a_person_is_not_too_old() -> None:
    week = 7 * 24 * 60
    old = own(SUBSCRIPTION, start=-2 * week, end=-week)
    assert why_not_asked(replace(old, fired_at=at(-week)), NOW) is None
    assert old.window is not None
    assert clamped(old.window, old.origin) == (old.window, "")
    assert why_not_asked(replace(old, origin=Origin.AZURE, fired_at=at(-week)), NOW) is Missing.TOO_OLD

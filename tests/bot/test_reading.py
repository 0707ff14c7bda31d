from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from audit.evidence import Missing
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Answer, Query
from bot.reading import FEW, MARGIN, READ_LIMIT
from tests.bot.stage import ALICE, END, START, a_row, an_alert, behind
from tests.bot.workspace import Question, holding, question
from tests.fakes import FakeAuditLog

Answering = Callable[[Query], Awaitable[Answer]]
GROUP = {
    "User": ALICE,
    "Impersonated": "",
    "Verb": "patch",
    "ApiGroup": "",
    "Resource": "configmaps",
    "Subresource": "",
    "Namespace": "kube-system",
    "Name": "coredns-custom",
    "Path": "",
    "Code": 200,
    "Reason": "",
    "Decision": "",
    "Count": 900,
    "First": START.isoformat(),
    "Last": END.isoformat(),
    "Cut": 0,
    "Kind": 0,
    "Groups": 612,
    "Events": 4000,
}


def many(*, groups: Answer | OutsideError) -> Answering:
    """A workspace with far more rows than are read."""
    whole = holding([a_row()], 4000)

    async def answer(query: Query) -> Answer:
        if question(query) is Question.GROUPS:
            if isinstance(groups, OutsideError):
                raise groups
            return groups
        return await whole(query)

    return answer


def refusing_rows(reason: Reason, few: bool) -> Answering:
    """A workspace whose rows are refused, or only many of them at once."""
    whole = holding([a_row()])

    async def answer(query: Query) -> Answer:
        if question(query) is Question.ROWS and not (few and f"| take {FEW}\n" in query.kql):
            raise Rejected(reason, "too much")
        return await whole(query)

    return answer


def an_alert_that_summarizes() -> Answering:
    whole = holding([a_row()], 2)

    async def answer(query: Query) -> Answer:
        if "summarize count() by Verb" in query.kql:
            if "Total" in query.kql:
                return Answer(rows=[{"Total": 2}])
            return Answer(rows=[{"Verb": "patch", "count_": 7}, {"Verb": "delete", "count_": 1}])
        return await whole(query)

    return answer


async def test_of_more_than_is_read_the_workspace_says_who_did_the_rest() -> None:
    evidence = await behind(FakeAuditLog(answering=many(groups=Answer(rows=[GROUP]))))
    assert [(group.user, group.count, len(group.events)) for group in evidence.groups] == [(ALICE, 900, 1)]
    assert (evidence.returned, evidence.groups_left) == (4000, 611)


@pytest.mark.parametrize(
    "groups",
    [
        Unavailable(Reason.TIMED_OUT),
        Rejected(Reason.BAD_REQUEST),
        Answer(rows=[{"User": "x"}]),
        Answer(rows=[GROUP | {"Count": "many"}]),
    ],
)
async def test_without_its_groups_the_rest_of_the_card_stands(groups: Answer | OutsideError) -> None:
    evidence = await behind(FakeAuditLog(answering=many(groups=groups)))
    assert evidence.missing is None
    assert (evidence.returned, [group.count for group in evidence.groups]) == (4000, [1])
    assert "did not say who did the rest" in evidence.detail


async def test_rows_that_are_too_large_at_once_are_read_in_a_smaller_number() -> None:
    log = FakeAuditLog(answering=refusing_rows(Reason.TOO_LARGE, few=True))
    evidence = await behind(log)
    assert evidence.missing is None
    assert (evidence.returned, len(evidence.groups)) == (1, 1)
    assert f"{FEW} of them were read" in evidence.detail
    asked = [query.kql for query in log.asked if question(query) is Question.ROWS]
    assert [f"| take {READ_LIMIT}\n" in kql for kql in asked] == [True, False]


async def test_rows_that_are_always_too_large_are_said_to_be() -> None:
    evidence = await behind(FakeAuditLog(answering=refusing_rows(Reason.TOO_LARGE, few=False)))
    assert evidence.missing is Missing.TOO_LARGE


async def test_a_query_that_reshapes_is_shown_as_its_table_beside_the_events_before() -> None:
    alert = an_alert()
    query = f"{alert.criteria[0].query} | summarize count() by Verb = tostring(parse_json(log_s).verb)"
    query = query.replace("summarize count() by Verb =", "extend Verb =") + " | summarize count() by Verb"
    asked = replace(alert, criteria=(replace(alert.criteria[0], query=query),))
    evidence = await behind(FakeAuditLog(answering=an_alert_that_summarizes()), asked)
    assert evidence.table is not None
    assert evidence.table.rows == (("patch", "7"), ("delete", "1"))
    assert (evidence.table.total, evidence.table.because) == (2, "summarize")
    assert evidence.missing is None
    assert len(evidence.groups) == 1


async def test_a_table_that_cannot_be_had_does_not_take_the_events_with_it() -> None:
    alert = an_alert()
    query = f"{alert.criteria[0].query} | extend Verb = 1 | summarize count() by Verb"
    asked = replace(alert, criteria=(replace(alert.criteria[0], query=query),))
    whole = an_alert_that_summarizes()

    async def answer(query: Query) -> Answer:
        if "summarize count() by Verb" in query.kql:
            raise Rejected(Reason.BAD_REQUEST, "no such column")
        return await whole(query)

    evidence = await behind(FakeAuditLog(answering=answer), asked)
    assert evidence.missing is None
    assert evidence.table is None
    assert len(evidence.groups) == 1
    assert "could not be had: bad request" in evidence.detail


async def test_a_query_of_another_table_is_shown_as_a_table_alone() -> None:
    alert = an_alert()
    query = "AKSControlPlane | where Category == 'guard'"
    asked = replace(alert, criteria=(replace(alert.criteria[0], query=query, dimensions=()),))

    async def answer(query: Query) -> Answer:
        if "Total" in query.kql:
            return Answer(rows=[{"Total": 31}])
        return Answer(rows=[{"Message": "denied", "Level": "Error"}] * 20)

    evidence = await behind(FakeAuditLog(answering=answer), asked)
    assert evidence.missing is Missing.NOT_EVENTS
    assert evidence.table is not None
    assert (len(evidence.table.rows), evidence.table.total) == (20, 31)
    assert evidence.groups == ()


async def test_where_the_window_cannot_be_put_into_the_query_the_timespan_is_exactly_it() -> None:
    alert = an_alert()
    log = FakeAuditLog(answering=holding([]))
    query = "search 'coredns'"
    await behind(log, replace(alert, criteria=(replace(alert.criteria[0], query=query, dimensions=()),)))
    windows = {query.window for query in log.asked if "search" in query.kql}
    assert windows == {alert.window}
    assert MARGIN

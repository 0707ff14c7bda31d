"""Azure's list is read to its end and no further, with our token going nowhere else; each failure has its name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from aiohttp.typedefs import Handler

from audit.alert import Condition, parse_alert
from bot import azure_alerts
from bot.azure_alerts import MAX_PAGES, PAGE, AzureAlerts, scopes
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Workspace
from sandbox.alerts_management import AlertsList, alerts_management_app
from sandbox.issuer import InvalidToken
from sandbox.workspace_faults import Faults
from tests.fakes import NOW, FakeClock
from tests.samples import sample

SUBSCRIPTION = "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourcegroups/rg-platform"
BODY: dict[str, Any] = orjson.loads(sample("alerts/coredns-changed.json").read_bytes())


@dataclass
class FakeTokens:
    """Gives "old" until that is refused."""

    asked: list[str] = field(default_factory=list)

    async def token(self, *, instead_of: str = "") -> str:
        self.asked.append(instead_of)
        return "new" if instead_of else "old"


@dataclass
class Azure:
    """The sandbox's list on a loopback port."""

    url: str
    alerts: AlertsList
    clock: FakeClock
    faults: Faults
    tokens: FakeTokens
    session: aiohttp.ClientSession
    good: set[str]
    #: HTTP statuses, one for each page that was asked for.
    pages: list[int]
    slept: list[float] = field(default_factory=list)

    def client(self, scope: str = SUBSCRIPTION, **options: Any) -> AzureAlerts:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        return AzureAlerts(
            session=self.session, tokens=self.tokens, scope=scope, endpoint=self.url, sleep=sleep, **options
        )

    def fire(self, name: str, target: str = "") -> str:
        body: dict[str, Any] = orjson.loads(orjson.dumps(BODY))
        essentials = body["data"]["essentials"]
        essentials["alertId"] = f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/{name}"
        if target:
            essentials["alertTargetIDs"] = [target]
        self.alerts.fired(body)
        return str(essentials["alertId"])


@asynccontextmanager
async def azure() -> AsyncIterator[Azure]:
    clock, faults, pages, good = FakeClock(), Faults(), list[int](), {"old", "new"}

    def check(authorization: str | None, audience: str) -> None:
        assert audience == "https://management.azure.com"
        if (authorization or "").removeprefix("Bearer ") not in good:
            raise InvalidToken("The token is not valid.")

    alerts = AlertsList(clock)

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        answered = await handler(request)
        pages.append(answered.status)
        return answered

    app = web.Application(middlewares=[count])
    app.add_subapp(
        "/management",
        alerts_management_app(
            alerts,
            tokens=check,
            clock=clock,
            faults=faults,
            heard=lambda _title, _status: None,
        ),
    )
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/management"))
        yield Azure(url, alerts, clock, faults, FakeTokens(), session, good, pages)


@asynccontextmanager
async def answering(
    handler: Callable[[web.Request], web.Response], **options: Any
) -> AsyncIterator[AzureAlerts]:
    """Give a client of a server that answers everything like this."""

    async def answer(request: web.Request) -> web.Response:
        return handler(request)

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield AzureAlerts(
            session=session,
            tokens=FakeTokens(),
            scope=SUBSCRIPTION,
            endpoint=str(server.make_url("")).rstrip("/"),
            **options,
        )


def an_hour_ago() -> datetime:
    return NOW - timedelta(hours=1)


async def test_every_page_is_read_and_what_fired_first_stands_in_front() -> None:
    async with azure() as it:
        ids = []
        for n in range(3 * PAGE + 1):
            it.clock.pass_time(seconds=1)
            ids.append(it.fire(f"{n}"))
        found = await it.client().since(an_hour_ago())
        assert [one.alert_id for one in found] == ids
        assert [parse_alert(one.fired).alert_id for one in found] == ids
        assert it.pages == [200] * 4


async def test_it_reads_no_further_than_it_must() -> None:
    async with azure() as it:
        for n in range(4 * PAGE):
            it.fire(f"old {n}")
        it.clock.pass_time(days=1)
        new = it.fire("new")
        found = await it.client().since(it.clock.at - timedelta(minutes=5))
        assert [one.alert_id for one in found] == [new]
        assert len(it.pages) == 2


async def test_what_fired_long_ago_and_was_resolved_since_is_found() -> None:
    async with azure() as it:
        old = it.fire("old")
        for n in range(2 * PAGE):
            it.fire(f"{n}")
        it.clock.pass_time(days=20)
        it.alerts.resolved(old)
        found = await it.client().since(it.clock.at - timedelta(minutes=5))
        assert [one.alert_id for one in found] == [old]
        assert found[0].resolved is not None
        resolved = parse_alert(found[0].resolved)
        assert (resolved.condition, resolved.resolved_at) == (Condition.RESOLVED, it.clock.at)


async def test_a_resource_group_lists_its_own_alerts() -> None:
    async with azure() as it:
        inside = it.fire("inside")
        it.fire("outside", f"{SUBSCRIPTION}/resourceGroups/other/providers/x/y/z")
        found = await it.client(GROUP).since(an_hour_ago())
        assert [one.alert_id for one in found] == [inside]
        assert len(await it.client().since(an_hour_ago())) == 2


async def test_what_a_processing_rule_keeps_back_was_not_to_be_delivered() -> None:
    async with azure() as it:
        it.fire("kept back")
        it.alerts.items()[0]["properties"]["essentials"]["actionStatus"]["isSuppressed"] = True
        assert await it.client().since(an_hour_ago()) == []


async def test_a_refused_token_is_replaced_once() -> None:
    async with azure() as it:
        it.fire("one")
        it.good.remove("old")
        assert len(await it.client().since(an_hour_ago())) == 1
        assert it.tokens.asked == ["", "old"]
        it.good.clear()
        await failing(it.client(), Unavailable, Reason.UNAUTHORIZED)


async def failing(client: AzureAlerts, kind: type[OutsideError], reason: Reason) -> OutsideError:
    with pytest.raises(OutsideError) as failed:
        await client.since(an_hour_ago())
    assert (type(failed.value), failed.value.reason) == (kind, reason)
    return failed.value


async def test_without_the_role_it_is_rejected() -> None:
    async with azure() as it:
        it.faults.set("forbidden")
        failure = await failing(it.client(), Rejected, Reason.FORBIDDEN)
        assert "access" in failure.detail


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "down"}, Reason.UNREACHABLE),
        ({"kind": "down", "status": 503}, Reason.SERVER_ERROR),
        ({"kind": "timeout"}, Reason.TIMED_OUT),
        ({"kind": "garbage"}, Reason.GARBAGE),
        ({"kind": "unauthorized"}, Reason.UNAUTHORIZED),
        ({"kind": "empty", "status": 200}, Reason.GARBAGE),
        ({"kind": "empty"}, Reason.SERVER_ERROR),
    ],
)
async def test_what_may_pass_is_unavailable(fault: dict[str, Any], reason: Reason) -> None:
    async with azure() as it:
        it.faults.set(**fault)
        await failing(it.client(), Unavailable, reason)
        it.faults.set(None)
        assert await it.client().since(an_hour_ago()) == []


async def test_being_asked_to_wait_is_obeyed_and_the_page_asked_for_again() -> None:
    async with azure() as it:
        it.fire("one")
        it.faults.queue("throttled", "throttled", seconds=7)
        assert len(await it.client().since(an_hour_ago())) == 1
        assert it.slept == [7, 7]


async def test_being_asked_to_wait_too_often_or_too_long_is_left_to_the_next_run() -> None:
    async with azure() as it:
        it.faults.set("throttled", seconds=7)
        failure = await failing(it.client(), Unavailable, Reason.THROTTLED)
        assert isinstance(failure, Unavailable)
        assert failure.retry_after == timedelta(seconds=7)
        assert it.slept == [7, 7, 7]
        it.faults.set("throttled", seconds=3600)
        await failing(it.client(), Unavailable, Reason.THROTTLED)
        assert it.slept == [7, 7, 7]


async def test_a_list_that_takes_too_long_is_given_up() -> None:
    async with azure() as it:
        it.faults.set("slow", seconds=5)
        await failing(it.client(deadline=timedelta(milliseconds=50)), Unavailable, Reason.TIMED_OUT)


async def test_nobody_there_is_unreachable() -> None:
    async with aiohttp.ClientSession() as session:
        client = AzureAlerts(
            session=session,
            tokens=FakeTokens(),
            scope=SUBSCRIPTION,
            endpoint=f"http://127.0.0.1:{unused_port()}",
        )
        await failing(client, Unavailable, Reason.UNREACHABLE)


@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"value": {}}', b"{}", b'{"value": [', b"\xff", b'{"value": [], "nextLink": "http://[x"}'],
)
async def test_an_answer_of_another_shape_is_garbage(body: bytes) -> None:
    async with answering(lambda _request: web.Response(body=body)) as client:
        await failing(client, Unavailable, Reason.GARBAGE)


async def test_items_that_are_no_alerts_are_passed_over() -> None:
    listed = {"value": [None, 7, {}, {"id": "x", "properties": []}], "nextLink": None}
    async with answering(lambda _request: web.json_response(listed)) as client:
        assert await client.since(an_hour_ago()) == []


@pytest.mark.parametrize(
    "link", ["http://evil.example/next", "https://127.0.0.1/next", "/next", "file:///etc/passwd"]
)
async def test_the_token_goes_to_no_other_address(link: str) -> None:
    async with answering(lambda _request: web.json_response({"value": [], "nextLink": link})) as client:
        await failing(client, Unavailable, Reason.GARBAGE)


async def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    def redirect(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with answering(redirect) as client:
        await failing(client, Unavailable, Reason.SERVER_ERROR)
    assert len(seen) == 1


async def test_a_list_without_end_is_read_as_far_as_is_sensible(caplog: pytest.LogCaptureFixture) -> None:
    pages: list[str] = []

    def endless(request: web.Request) -> web.Response:
        pages.append(request.path_qs)
        return web.json_response({"value": [], "nextLink": str(request.url)})

    async with answering(endless) as client:
        assert await client.since(an_hour_ago()) == []
    assert len(pages) == MAX_PAGES
    assert "more alerts than are read" in caplog.text


async def test_a_page_without_end_is_not_read_to_its_end() -> None:
    large = b" " * (azure_alerts.MAX_BYTES + 1)
    async with answering(lambda _request: web.Response(body=large)) as client:
        await failing(client, Unavailable, Reason.GARBAGE)


def test_the_scopes_are_subscriptions_and_resource_groups_of_others() -> None:
    def held(*holds: str, resource_id: str = "") -> Workspace:
        return Workspace(name="w", id="i", holds=holds, resource_id=resource_id)

    cluster = "/providers/Microsoft.ContainerService/managedClusters/prod"
    assert scopes([]) == ()
    assert scopes([held("/subscriptions/A")]) == ("/subscriptions/a",)
    assert scopes([held("/subscriptions/A/", f"/subscriptions/a/resourceGroups/RG{cluster}")]) == (
        "/subscriptions/a",
    )
    assert scopes(
        [
            held(
                f"/subscriptions/a/resourceGroups/RG{cluster}",
                f"/subscriptions/a/resourcegroups/rg{cluster}2",
            ),
            held(
                "/subscriptions/b/resourceGroups/x",
                resource_id="/subscriptions/a/resourceGroups/logs/providers/w",
            ),
        ]
    ) == (
        "/subscriptions/a/resourcegroups/logs",
        "/subscriptions/a/resourcegroups/rg",
        "/subscriptions/b/resourcegroups/x",
    )


async def test_a_caller_that_gives_up_leaves_nothing_behind() -> None:
    async with azure() as it:
        it.faults.set("slow", seconds=5)
        task = asyncio.create_task(it.client().since(an_hour_ago()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

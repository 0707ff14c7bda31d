"""The real client against a local server that answers as the query API does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from audit.filter import Window
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.log_analytics import MOST_IN_SPAN, LogAnalytics
from bot.ports import Query, Workspace
from tests.fakes import NOW, FakeMeter

TABLE = {
    "tables": [
        {
            "name": "PrimaryResult",
            "columns": [{"name": "a", "type": "string"}, {"name": "b", "type": "long"}],
            "rows": [["x", 1], ["y", None]],
        }
    ]
}


class NoCredential:
    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        raise AssertionError("the test's policy needs no token")

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None: ...


class LocalPolicy(SansIOHTTPPolicy[Any, Any]):
    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = "Bearer local"


@dataclass
class Service:
    """Answers in turn, the last one for ever, and keeps what was asked."""

    answers: list[Callable[[web.Request], Awaitable[web.StreamResponse]]]
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.asked.append(await request.json())
        return await self.answers[min(len(self.asked), len(self.answers)) - 1](request)


def says(
    body: Any = None, *, status: int = 200, text: str | None = None, headers: dict[str, str] | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_request: web.Request) -> web.StreamResponse:
        if text is not None:
            return web.Response(text=text, status=status, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return answer


@asynccontextmanager
async def asking(
    *answers: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[tuple[Service, LogAnalytics]]:
    service = Service(list(answers))
    app = web.Application()
    app.router.add_post("/{path:.*}", service.handle)
    async with TestServer(app) as server:
        log = LogAnalytics(
            credential=NoCredential(),
            endpoint=f"http://127.0.0.1:{server.port}/workspace",
            authentication_policy=LocalPolicy(),
            meter=FakeMeter(),
        )
        yield service, log
        await log.close()


def query(deadline: float = 5) -> Query:
    return Query(
        workspace=Workspace(name="prod", id="7d3c1c52-9a3e-4c88-8f0e-0a4a4c0d7e11", holds=()),
        kql="AzureDiagnostics",
        window=Window(start=NOW - timedelta(minutes=5), end=NOW),
        deadline=timedelta(seconds=deadline),
    )


async def test_rows_come_by_name_and_the_window_goes_with_the_query() -> None:
    async with asking(says(TABLE)) as (service, log):
        answer = await log.ask(query())
    assert list(answer.rows) == [{"a": "x", "b": 1}, {"a": "y", "b": None}]
    assert answer.partial == ""
    assert service.paths == ["/workspace/v1/workspaces/7d3c1c52-9a3e-4c88-8f0e-0a4a4c0d7e11/query"]
    assert service.asked[0] == {
        "query": "AzureDiagnostics",
        "timespan": "2026-03-04T09:33:59.000000Z/2026-03-04T09:38:59.000000Z",
    }


async def test_a_partial_answer_says_so() -> None:
    error = {
        "code": "PartialError",
        "message": "There were some errors",
        "details": [{"innererror": {"message": "too big"}}],
    }
    async with asking(says(TABLE | {"error": error})) as (_, log):
        assert (await log.ask(query())).partial == "too big"


@pytest.mark.parametrize("answer", [says(text="", status=204), says(text="")], ids=["204", "200 empty"])
async def test_an_empty_body_is_an_empty_answer(answer: Any) -> None:
    async with asking(answer) as (_, log):
        assert not (await log.ask(query())).rows


@pytest.mark.parametrize(
    ("answer", "reason", "kind", "calls"),
    [
        (
            says({"error": {"message": "x", "innererror": {"message": "no such table"}}}, status=400),
            Reason.BAD_REQUEST,
            Rejected,
            1,
        ),
        (says({"error": {}}, status=401), Reason.UNAUTHORIZED, Unavailable, 1),
        (says({"error": {}}, status=403), Reason.FORBIDDEN, Rejected, 1),
        (says({"error": {}}, status=404), Reason.NOT_FOUND, Rejected, 1),
        (says({}, status=429, headers={"Retry-After": "0"}), Reason.THROTTLED, Unavailable, 2),
        (says(text="<html>", status=502), Reason.UNREACHABLE, Unavailable, 1),
        (says({}, status=503), Reason.SERVER_ERROR, Unavailable, 2),
        (says({"error": {}}, status=504), Reason.TIMED_OUT, Unavailable, 1),
        (says(text="<html>sorry</html>"), Reason.GARBAGE, Unavailable, 1),
        (says(text='{"tables": ['), Reason.GARBAGE, Unavailable, 1),
        (says({"tables": []}), Reason.GARBAGE, Unavailable, 1),
        (says({"tables": [{"columns": [{"name": "a"}], "rows": [[1, 2]]}]}), Reason.GARBAGE, Unavailable, 1),
        (says(["x"]), Reason.GARBAGE, Unavailable, 1),
    ],
    ids=["400", "401", "403", "404", "429", "502", "503", "504", "html", "cut", "no table", "ragged", "list"],
)
async def test_every_failure_has_its_reason(
    answer: Any, reason: Reason, kind: type[OutsideError], calls: int
) -> None:
    async with asking(answer) as (service, log):
        with pytest.raises(kind) as caught:
            await log.ask(query())
    assert caught.value.reason is reason
    assert len(service.asked) == calls


async def test_the_innermost_message_of_an_error_is_kept() -> None:
    async with asking(
        says({"error": {"message": "x", "innererror": {"message": "no such table"}}}, status=400)
    ) as (_, log):
        with pytest.raises(Rejected, match="no such table"):
            await log.ask(query())


async def test_throttling_is_waited_out_once() -> None:
    async with asking(says({}, status=429, headers={"Retry-After": "0"}), says(TABLE)) as (service, log):
        assert len((await log.ask(query())).rows) == 2
    assert len(service.asked) == 2


async def test_an_answer_that_does_not_come_ends_at_the_deadline() -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1.5)
        return web.json_response(TABLE)

    async with asking(hang) as (_, log):
        with pytest.raises(Unavailable) as caught:
            await log.ask(query(deadline=0.2))
    assert caught.value.reason is Reason.TIMED_OUT


async def test_an_endless_answer_is_cut_off() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(40):
                await response.write(b" " * 2**20)
        except ConnectionError:
            pass
        return response

    async with asking(endless) as (_, log):
        with pytest.raises(Rejected) as caught:
            await log.ask(query())
    assert caught.value.reason is Reason.TOO_LARGE


async def test_a_refused_connection_is_told_as_unreachable() -> None:
    log = LogAnalytics(
        credential=NoCredential(),
        endpoint="http://127.0.0.1:9",
        authentication_policy=LocalPolicy(),
        meter=FakeMeter(),
    )
    with pytest.raises(Unavailable) as caught:
        await log.ask(query())
    await log.close()
    assert caught.value.reason is Reason.UNREACHABLE


async def test_four_questions_run_at_once_and_no_more() -> None:
    now_running = most = 0

    async def slow(_request: web.Request) -> web.StreamResponse:
        nonlocal now_running, most
        now_running += 1
        most = max(most, now_running)
        await asyncio.sleep(0.05)
        now_running -= 1
        return web.json_response(TABLE)

    async with asking(slow) as (_, log):
        await asyncio.gather(*(log.ask(query()) for _ in range(10)))
    assert most == 4


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (
            {
                "code": "UnsupportedApiQueryValidationError",
                "message": "Query of Basic Logs table is not supported with the API",
            },
            Reason.BASIC_PLAN,
        ),
        (
            {"code": "X", "message": "The query should contain a single Basic or Auxiliary Logs table."},
            Reason.BASIC_PLAN,
        ),
        (
            {"code": "SEM0100", "message": "Failed to resolve table or column expression named 'AKSAudit'"},
            Reason.NO_TABLE,
        ),
    ],
)
async def test_a_400_that_has_a_reason_of_its_own_is_told_by_it(inner: Any, reason: Reason) -> None:
    body = {"error": {"message": "invalid properties", "code": "BadArgumentError", "innererror": inner}}
    async with asking(says(body, status=400)) as (service, log):
        with pytest.raises(Rejected) as caught:
            await log.ask(query())
    assert (caught.value.reason, caught.value.detail) == (reason, inner["message"])
    assert len(service.asked) == 1


async def test_what_is_only_nice_to_know_is_not_asked_while_all_places_are_taken() -> None:
    free = asyncio.Event()

    async def waiting(_request: web.Request) -> web.StreamResponse:
        await free.wait()
        return web.json_response(TABLE)

    aside = replace(query(), is_aside=True)
    async with asking(waiting) as (service, log):
        asked = [asyncio.create_task(log.ask(query())) for _ in range(4)]
        while len(service.asked) < 4:
            await asyncio.sleep(0.01)
        with pytest.raises(Unavailable) as caught:
            await log.ask(aside)
        free.set()
        await asyncio.gather(*asked)
        assert (await log.ask(aside)).rows
    assert caught.value.reason is Reason.THROTTLED
    assert len(service.asked) == 5


async def test_what_is_only_nice_to_know_leaves_half_of_what_the_service_takes() -> None:
    async with asking(says(TABLE)) as (service, log):
        for _ in range(MOST_IN_SPAN // 2):
            await log.ask(query())
        with pytest.raises(Unavailable):
            await log.ask(replace(query(), is_aside=True))
        await log.ask(query())
    assert len(service.asked) == MOST_IN_SPAN // 2 + 1

"""Log Analytics' query API over the stand-in engine.

Requests, answers and errors are the service's own; see `sandbox.wire`. Mounted anywhere: the paths below are
relative (`/v1/workspaces/{id}/query`, `/v1/subscriptions/…/query`, `/v1/$batch`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any, Final

import orjson
from aiohttp import web

from sandbox.engine import BadQuery, Engine, TimedOut
from sandbox.issuer import InvalidToken
from sandbox.kql_guard import tables_read
from sandbox.run import Clock
from sandbox.tables import AUDIT_TABLES, CAN_BE_BASIC
from sandbox.wire import (
    Failure,
    bad_request,
    encode,
    not_found,
    on_basic_plan,
    render,
    statistics,
    timed_out,
)
from sandbox.workspace_faults import Fault, Faults
from sandbox.workspace_questions import Question, json_body, read_batch, read_question, unresolved
from sandbox.workspace_replies import Reply, failed, meet, response_of, send, unauthorized

#: What a token for the query API is for.
AUDIENCE: Final = "https://api.loganalytics.io"
#: Takes the Authorization header (None: there was none) and the audience; raises InvalidToken.
TokenCheck = Callable[[str | None, str], object]


@dataclass(frozen=True, kw_only=True)
class AskedQuery:
    """One question that was asked, and what became of it."""

    at: datetime
    #: The workspace's name, or the resource id that was asked.
    workspace: str
    #: "" for a request that was turned away before it was read.
    kql: str
    #: As it was sent; "" for none.
    timespan: str
    #: HTTP status; 0 for a connection that was cut.
    status: int
    rows: int
    milliseconds: float
    #: The innermost message of an error, or "".
    error: str = ""


def workspace_app(
    engine: Engine,
    *,
    workspaces: Mapping[str, str],
    tokens: TokenCheck | None,
    clock: Clock,
    on_query: Callable[[AskedQuery], None],
    faults: Faults | None = None,
) -> web.Application:
    """Make the application. `workspaces` is GUID -> name; all of them hold the engine's rows.

    `tokens` None takes any bearer token. `on_query` hears of every query just before its answer is sent.
    """
    api = _QueryApi(
        engine=engine,
        workspaces={guid.lower(): name for guid, name in workspaces.items()},
        tokens=tokens or _any_token,
        clock=clock,
        on_query=on_query,
        faults=faults or Faults(),
    )
    app = web.Application()
    for path, handler in (
        ("/v1/workspaces/{id}/query", api.of_workspace),
        (r"/v1/{resource:(?i:subscriptions)/.+}/query", api.of_resource),
    ):
        app.router.add_get(path, handler, allow_head=False)
        app.router.add_post(path, handler)
    app.router.add_post("/v1/$batch", api.batch)
    app.router.add_route("*", "/{tail:.*}", api.nothing)
    return app


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """One request on its way: what is known of it so far."""

    #: Name of the workspace, or what stands in its place.
    target: str
    started: float = field(default_factory=perf_counter)


@dataclass(frozen=True, kw_only=True)
class _QueryApi:
    engine: Engine
    #: GUID in lower case -> name.
    workspaces: Mapping[str, str]
    tokens: TokenCheck
    clock: Clock
    on_query: Callable[[AskedQuery], None]
    faults: Faults

    # --- paths -----------------------------------------------------------------------------------

    async def of_workspace(self, request: web.Request) -> web.StreamResponse:
        guid = request.match_info["id"]
        return await self._respond(request, self._name(guid), guid)

    async def of_resource(self, request: web.Request) -> web.StreamResponse:
        resource = "/" + request.match_info["resource"]
        return await self._respond(request, resource, resource, resource=resource)

    async def nothing(self, _request: web.Request) -> web.Response:
        return response_of(failed(not_found()))

    async def batch(self, request: web.Request) -> web.StreamResponse:
        try:
            self._authorize(request)
            items = read_batch(await json_body(request))
            fault = self.faults.take()
            early = await meet(fault)
        except Failure as failure:
            return response_of(failed(failure), request)
        if early is not None:
            return await send(request, early)
        # In the order in which they are done, as the service has them.
        asking = asyncio.as_completed([self._one_of_batch(item, fault) for item in items])
        done = [await one for one in asking]
        return response_of(Reply(status=200, body=orjson.dumps({"responses": done})), request)

    async def _one_of_batch(self, item: Mapping[str, Any], fault: Fault | None) -> dict[str, Any]:
        guid = str(item.get("workspace", ""))
        asking = _Asking(target=self._name(guid) or guid[:80])
        headers = item.get("headers")
        prefer = headers.get("Prefer") if isinstance(headers, dict) else None
        question = None
        try:
            if self._name(guid) is None:
                raise unresolved(guid)
            question = self._question(item.get("body"), prefer)
            reply = await self._run(question, "", fault)
        except Failure as failure:
            reply = failed(failure)
        self._tell(asking, question, reply)
        return {
            "id": item.get("id"),
            "status": reply.status,
            "headers": {"Content-Type": reply.content_type},
            "body": orjson.Fragment(reply.body),
        }

    # --- one question ----------------------------------------------------------------------------

    async def _respond(
        self, request: web.Request, name: str | None, asked: str, *, resource: str = ""
    ) -> web.StreamResponse:
        asking, question = _Asking(target=name or asked), None
        try:
            self._authorize(request)
            if name is None:
                raise not_found()
            if request.method == "POST" and "json" not in request.content_type:
                # Documented: an empty 200 for a body that is not said to be JSON.
                reply = Reply(status=200)
            else:
                question = await self._read(request)
                fault = self.faults.take()
                reply = await meet(fault) or await self._run(question, resource, fault)
        except Failure as failure:
            reply = failed(failure)
        self._tell(asking, question, reply)
        return await send(request, reply)

    async def _read(self, request: web.Request) -> Question:
        url, prefer = request.query, request.headers.get("Prefer")
        if request.method == "GET":
            return self._question({"query": url.get("query"), "timespan": url.get("timespan")}, prefer)
        return self._question(await json_body(request), prefer, url.get("timespan"))

    def _question(self, body: Any, prefer: Any, url_timespan: str | None = None) -> Question:
        known = {*self.workspaces, *(name.lower() for name in self.workspaces.values())}
        return read_question(body, prefer, known=known, now=self.clock.now(), url_timespan=url_timespan)

    async def _run(self, question: Question, resource: str, fault: Fault | None) -> Reply:
        started, kind = perf_counter(), fault.kind if fault else ""
        if kind == "basic" and tables_read(question.kql, CAN_BE_BASIC):
            raise on_basic_plan()
        try:
            result = await self.engine.ask(
                question.kql,
                window=question.window,
                resource=resource,
                seconds=question.wait,
                without=AUDIT_TABLES if kind == "missing-table" else (),
            )
        except BadQuery as error:
            what = "semantic" if error.kind == "SemanticError" else "syntax"
            raise bad_request(error.kind, f"A {what} error occurred.", (error.code, str(error))) from None
        except TimedOut:
            failure = timed_out()
            failure.headers["Preference-Applied"] = f"wait={question.wait:g}"
            raise failure from None
        table = await asyncio.to_thread(encode, result, self.engine.limits.bytes)
        if kind == "partial":
            table = table.half()
        more: dict[str, Any] = {}
        if question.prefer.get("include-statistics") == "true":
            more["statistics"] = statistics(perf_counter() - started, len(table.rows), table.size)
        if question.prefer.get("include-render") == "true":
            more["render"] = render(question.kql)
        body = table.body(more)
        if kind == "garbage":
            body = body[: len(body) // 2]
        return Reply(status=200, body=body, rows=len(table.rows), error=table.why_cut)

    # --- the rest --------------------------------------------------------------------------------

    def _name(self, guid: str) -> str | None:
        return self.workspaces.get(guid.lower())

    def _authorize(self, request: web.Request) -> None:
        try:
            self.tokens(request.headers.get("Authorization"), AUDIENCE)
        except InvalidToken as error:
            raise unauthorized(error.reason) from None

    def _tell(self, asking: _Asking, question: Question | None, reply: Reply) -> None:
        self.on_query(
            AskedQuery(
                at=self.clock.now(),
                workspace=asking.target,
                kql=question.kql if question else "",
                timespan=question.timespan if question else "",
                status=reply.status,
                rows=reply.rows,
                milliseconds=(perf_counter() - asking.started) * 1000,
                error=reply.error,
            )
        )


def _any_token(authorization: str | None, _audience: str) -> None:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken("A bearer token is missing.")

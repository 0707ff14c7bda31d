"""What the page asks of the sandbox: the state, a stream of what changes, and everything that a person does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.alarm import Alarm, Sent
from sandbox.bot_client import BotClient
from sandbox.feed import Feed
from sandbox.package import Suggestion
from sandbox.page_guard import Bad, guard, number_of, object_of, text_of
from sandbox.replicas import Replica, Replicas
from sandbox.room import Conversation, Kind, Message, Person, Room
from sandbox.run import Clock, Run, iso
from sandbox.run import Kind as EntryKind
from sandbox.tale import Teller
from sandbox.trails import Trails

#: Seconds between two comments on a silent stream.
HEARTBEAT = 15.0
#: Longest line that can be said, in characters: what Teams takes.
LONGEST_LINE = 28_000
#: What can be broken, and what the injected callables are told; for Teams the names of its faults.
WORKSPACE_FAULTS = (
    "down",
    "slow",
    "throttled",
    "partial",
    "garbage",
    "timeout",
    "forbidden",
    "basic",
    "missing-table",
    "wrong-workspace",
)
TEAMS_FAULTS = {"throttled": "throttled", "down": "unavailable", "slow": "slow"}

Break = Callable[[str | None], object]


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the page's API stands on.

    `break_workspace` is told one of WORKSPACE_FAULTS, `break_teams` a value of TEAMS_FAULTS; None mends.
    """

    room: Room
    run: Run
    bot: BotClient
    alarm: Alarm
    clock: Clock
    break_workspace: Break
    break_teams: Break
    #: What *Fire* does; None: fires the alarm's alert.
    fire: Callable[[], Awaitable[Sent]] | None = None
    teller: Teller | None = None
    replicas: Replicas | None = None
    trails: Trails | None = None
    #: What the app's manifest suggests to ask.
    suggestions: Sequence[Suggestion] = ()
    heartbeat: float = HEARTBEAT


def page_api(page: Page) -> web.Application:
    """Return the routes, to be mounted at /sandbox."""
    api = _PageApi(page)
    app = web.Application(middlewares=[guard()])
    app.router.add_get("/state", api.state)
    app.router.add_get("/events", api.events)
    app.router.add_get("/trail", api.trail)
    for name, handler in (
        ("say", api.say),
        ("click", api.click),
        ("dialog", api.dialog),
        ("fire", api.fire),
        ("story", api.story),
        ("resolve", api.resolve),
        ("break", api.break_),
        ("replica", api.replica),
    ):
        app.router.add_post(f"/{name}", handler)
    app.on_shutdown.append(api.close)
    return app


class _PageApi:
    def __init__(self, page: Page) -> None:
        self._page = page
        self._feed = Feed(page.room, page.run)
        self._deliveries: set[asyncio.Task[object]] = set()
        self._faults: dict[str, str | None] = {"workspace": None, "teams": None}
        if page.replicas:
            page.replicas.subscribe(lambda shown: self._feed.publish("replicas", _replicas(shown)))

    async def close(self, _app: web.Application) -> None:
        self._feed.close()
        for delivery in self._deliveries:
            delivery.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)

    async def state(self, _request: web.Request) -> web.Response:
        """All there is; `seq` is where the stream of events goes on from it."""
        page = self._page
        return web.json_response(
            {
                "seq": self._feed.seq,
                "people": [_person(person) for person in page.room.people],
                "conversations": [_conversation(where) for where in page.room.conversations],
                "messages": [message.to_json() for message in page.room.messages],
                "run": [entry.to_json() for entry in page.run.entries],
                "faults": self._faults,
                "replicas": _replicas(page.replicas.shown if page.replicas else ()),
                "now": iso(page.clock.now()),
                "stories": page.teller.to_json() if page.teller else [],
                "suggestions": [each.to_json() for each in page.suggestions],
                "alert": {"rule": page.alarm.rule, "title": page.alarm.title},
            }
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events after `?after=` (default: from now on). Ends when something was missed: read the state."""
        seq = number_of(request.query.get("after", str(self._feed.seq)), "after")
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await stream.prepare(request)
        try:
            await self._stream(stream, seq)
        except ConnectionError:
            # The page was closed; there is nobody to tell.
            return stream
        return stream

    async def trail(self, request: web.Request) -> web.Response:
        """What the bot keeps of the way of the incident `?number=`, as it tells it; with its status."""
        if self._page.trails is None:
            raise Bad("Nobody can be asked for it here.", 503)
        told = await self._page.trails.of(number_of(request.query.get("number", "")))
        return web.json_response(told.body, status=told.status)

    async def say(self, request: web.Request) -> web.Response:
        """Say a line; the bot is told off this call's path, as in Teams."""
        body = await object_of(request)
        person, where = self._person(body), self._page.room.conversation(text_of(body, "conversation"))
        text = text_of(body, "text").strip()
        if not text or len(text) > LONGEST_LINE:
            raise Bad(f"text must have 1 to {LONGEST_LINE} characters.")
        message = self._page.bot.write(person, where, text, text_of(body, "thread", ""))
        self._deliver(message)
        return web.json_response({"message": message.to_json()}, status=202)

    async def click(self, request: web.Request) -> web.Response:
        body = await object_of(request)
        action = body.get("action")
        if not isinstance(action, dict):
            raise Bad("action must be an object.")
        try:
            result = await self._page.bot.click(self._person(body), text_of(body, "message"), action)
        except ValueError as problem:
            raise Bad(str(problem)) from problem
        return web.json_response(result.to_json())

    async def dialog(self, request: web.Request) -> web.Response:
        body = await object_of(request)
        data = body.get("data")
        result = await self._page.bot.dialog_submit(self._person(body), text_of(body, "message"), data)
        return web.json_response(result.to_json())

    async def fire(self, _request: web.Request) -> web.Response:
        fire = self._page.fire or self._page.alarm.fire
        return web.json_response((await fire()).to_json())

    async def story(self, request: web.Request) -> web.Response:
        """Tell the story of this name, as if it happened now."""
        name = text_of(await object_of(request), "name")
        if self._page.teller is None:
            raise Bad("There are no stories here.")
        return web.json_response((await self._page.teller.tell(name)).to_json())

    async def resolve(self, _request: web.Request) -> web.Response:
        return web.json_response((await self._page.alarm.resolve()).to_json())

    async def break_(self, request: web.Request) -> web.Response:
        """Break one side and leave the other as it is; "nothing" mends both."""
        what = text_of(await object_of(request), "what")
        side, _, fault = what.partition("-")
        if what == "nothing":
            self._break("workspace", None)
            self._break("teams", None)
        elif side in self._faults and fault in {"workspace": WORKSPACE_FAULTS, "teams": TEAMS_FAULTS}[side]:
            self._break(side, fault)
        else:
            raise Bad("what must be nothing or one of the known faults.")
        self._page.run.add(EntryKind.NOTE, "All mended" if what == "nothing" else f"Broken: {what}")
        self._feed.publish("faults", dict(self._faults))
        return web.json_response({"faults": self._faults})

    async def replica(self, request: web.Request) -> web.Response:
        """Kill one of several replicas, as a power cut would, or start it again; how it is comes as an event."""
        body, replicas = await object_of(request), self._page.replicas
        number, do = body.get("number"), text_of(body, "do")
        if replicas is None or type(number) is not int or do not in {"kill", "start"}:
            raise Bad("number must be a replica's, and do must be kill or start.")
        done = await (replicas.kill_one(number) if do == "kill" else replicas.start_one(number))
        if not done:
            raise Bad(f"There is no replica {number}, or it was done already.", 409)
        return web.json_response({"replicas": _replicas(replicas.shown)}, status=202)

    def _break(self, side: str, fault: str | None) -> None:
        if side == "workspace":
            self._page.break_workspace(fault)
        else:
            self._page.break_teams(None if fault is None else TEAMS_FAULTS[fault])
        self._faults[side] = fault

    def _deliver(self, message: Message) -> None:
        delivery: asyncio.Task[object] = asyncio.create_task(self._page.bot.deliver(message))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)

    def _person(self, body: dict[str, Any]) -> Person:
        return self._page.room.person(text_of(body, "person"))

    async def _stream(self, stream: web.StreamResponse, seq: int) -> None:
        await stream.write(b": hello\n\n")
        while not self._feed.closed:
            events = self._feed.after(seq)
            if events is None:
                return
            for event in events:
                data = json.dumps(event.data)
                await stream.write(f"id: {event.seq}\nevent: {event.name}\ndata: {data}\n\n".encode())
                seq = event.seq
            if not events:
                await stream.write(b": still here\n\n")
            await self._feed.wait(seq, self._page.heartbeat)


def _person(person: Person) -> dict[str, str]:
    return {"id": person.id, "name": person.name, "role": person.role, "object_id": person.object_id}


def _replicas(shown: Sequence[Replica]) -> list[dict[str, str | int]]:
    return [replica.to_json() for replica in shown]


def _conversation(where: Conversation) -> dict[str, Any]:
    """Describe a conversation, with who is in it, for the page shows it to nobody else."""
    person = where.people[0].id if where.kind is Kind.PERSONAL else None
    people = [each.id for each in where.people]
    return {
        "id": where.id,
        "name": where.name,
        "kind": where.kind.value,
        "person": person,
        "people": people,
    }

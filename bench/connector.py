"""The Bot Connector at load: takes cards, remembers them by conversation and by incident, and counts the limits."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from bench.part import Part, refusal
from bench.windows import PER_CONVERSATION, PER_TENANT, Windows
from sandbox.room import TENANT

_KEY = re.compile(rb'"k":"([0-9a-f]{32})"')
#: What the data of an answer's buttons has besides: such a card is no copy of the channel's.
_ANSWER = b'"c":1'
_TENANT = re.compile(rb'"tenantId":"([^"]*)"')
#: In bytes; Teams counts about 100 KB of UTF-16.
LONGEST = 100 * 1024
#: How many answered posts are remembered with their time.
REMEMBERED = 20_000
#: The id of the message that a call posted.
_POSTED = web.RequestKey("posted", str)
_SPOKEN = ("text", "title", "value")


@dataclass(slots=True, kw_only=True)
class Message:
    """One message that stands, or stood, in a conversation. Times are of the machine's monotonic clock."""

    id: str
    conversation: str
    tenant: str
    #: The opaque key of the incident whose buttons the card has; "" for none.
    key: str
    body: bytes
    posted_at: float
    changed_at: float
    updates: int = 0
    deleted_at: float = 0.0

    def told(self) -> dict[str, Any]:
        """Return it as JSON; `text` is all that can be read on the card as it is now."""
        return {
            "id": self.id,
            "conversation": self.conversation,
            "tenant": self.tenant,
            "key": self.key,
            "text": _text(self.body),
            "posted_at": self.posted_at,
            "changed_at": self.changed_at,
            "updates": self.updates,
            "deleted": bool(self.deleted_at),
        }


class Connector:
    """The state of Teams, and its handlers. A message stands from the moment that its call was taken."""

    def __init__(self, *, limited: bool = False) -> None:
        #: Refuse what is over a limit; it is counted in any case.
        self.limited = limited
        self.part = Part()
        self.messages: dict[str, Message] = {}
        self._calls: dict[str, Counter[str]] = defaultdict(Counter)
        self._over: Counter[str] = Counter()
        self._conversation = Windows(PER_CONVERSATION)
        self._tenant = Windows(PER_TENANT)
        self._tenants: dict[str, str] = {}
        #: Posts whose answer is on its way, by message id: when they came.
        self._posting: dict[str, float] = {}
        self._answered: deque[tuple[float, str]] = deque(maxlen=REMEMBERED)
        self._cut = 0

    def app(self) -> web.Application:
        """Return the routes, to be mounted at /teams."""
        app = web.Application(client_max_size=4 * LONGEST)
        at = "/v3/conversations/{conversation}"
        app.router.add_post(f"{at}/activities", self._post)
        app.router.add_post(f"{at}/activities/{{activity}}", self._post)
        app.router.add_put(f"{at}/activities/{{activity}}", self._update)
        app.router.add_delete(f"{at}/activities/{{activity}}", self._delete)
        app.router.add_get(f"{at}/members/{{member}}", self._member)
        app.router.add_post("/v3/conversations", self._create)
        return app

    async def serve(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Serve a call as a part does, and note whether the caller of a post was still there for the answer."""
        response = await self.part.serve(request, handler)
        if id_ := request.get(_POSTED):
            self._posting.pop(id_, None)
            if request.transport is None or request.transport.is_closing():
                self._cut += 1
            else:
                self._answered.append((time.perf_counter(), id_))
        return response

    def counts(self) -> dict[str, Any]:
        """Return the counters; see bench.world_process.Counts for what they mean."""
        total: Counter[str] = sum(self._calls.values(), Counter())
        return self.part.counts() | {
            "posts": total["posts"],
            "updates": total["updates"],
            "deletes": total["deletes"],
            "refused": total["refused"],
            "over_conversation": self._over["conversation"],
            "over_tenant": self._over["tenant"],
            "posts_in_flight": len(self._posting),
            "cut": self._cut,
            "conversations": {name: dict(counted) for name, counted in self._calls.items()},
            "keys": self._by_key(),
        }

    def flight(self, seconds: float) -> dict[str, Any]:
        """Return the ids of posts that wait for their answer, and of those answered within the last seconds."""
        since = time.perf_counter() - seconds
        recent = [id_ for at, id_ in reversed(self._answered) if at >= since]
        return {"in_flight": list(self._posting), "answered": recent, "cut": self._cut}

    def told(self) -> Iterator[dict[str, Any]]:
        """Yield every message that was ever posted, oldest first."""
        for message in self.messages.values():
            yield message.told()

    def _by_key(self) -> dict[str, dict[str, int]]:
        """Return for each incident in how many messages it stands, by conversation; deleted ones do not count."""
        keys: dict[str, Counter[str]] = defaultdict(Counter)
        for message in self.messages.values():
            if message.key and not message.deleted_at:
                keys[message.key][message.conversation] += 1
        return {key: dict(counted) for key, counted in keys.items()}

    def _spend(self, conversation: str, tenant: str) -> web.Response | None:
        """Count a call; return the refusal of one that is over a limit, where limits are on."""
        now = time.perf_counter()
        waits = (self._conversation.wait(conversation, now), self._tenant.wait(tenant, now))
        self._over["conversation"] += waits[0] > 0
        self._over["tenant"] += waits[1] > 0
        if self.limited and max(waits) > 0:
            self._calls[conversation]["refused"] += 1
            return refusal(429, "Throttled", retry_after=self.part.retry_after)
        self._conversation.spend(conversation, now)
        self._tenant.spend(tenant, now)
        return None

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.read()
        conversation = _conversation(request)
        tenant = self._tenant_of(conversation, body)
        if len(body) > LONGEST:
            return refusal(413, "MessageSizeTooBig")
        if refused := self._spend(conversation, tenant):
            return refused
        now = time.perf_counter()
        id_ = str(1_700_000_000_000 + len(self.messages))
        self.messages[id_] = Message(
            id=id_,
            conversation=conversation,
            tenant=tenant,
            key=_key(body),
            body=body,
            posted_at=now,
            changed_at=now,
        )
        self._calls[conversation]["posts"] += 1
        self._posting[id_] = now
        request[_POSTED] = id_
        return _json({"id": id_}, 201)

    async def _update(self, request: web.Request) -> web.Response:
        body = await request.read()
        message = self._standing(request)
        if message is None:
            return refusal(404, "ActivityNotFoundInConversation")
        if len(body) > LONGEST:
            return refusal(413, "MessageSizeTooBig")
        if refused := self._spend(message.conversation, message.tenant):
            return refused
        self._calls[message.conversation]["updates"] += 1
        message.body, message.key = body, _key(body) or message.key
        message.changed_at = time.perf_counter()
        message.updates += 1
        return _json({"id": message.id}, 200)

    async def _delete(self, request: web.Request) -> web.Response:
        message = self._standing(request)
        if message is None:
            return refusal(404, "ActivityNotFoundInConversation")
        if refused := self._spend(message.conversation, message.tenant):
            return refused
        self._calls[message.conversation]["deletes"] += 1
        message.deleted_at = time.perf_counter()
        return web.Response()

    async def _member(self, request: web.Request) -> web.Response:
        """Take everybody for a member of the conversation's tenant, which is the bot's own until something else is heard."""
        id_ = unquote(request.match_info["member"])
        tenant = self._tenants.get(_conversation(request), TENANT)
        person = {"id": id_, "aadObjectId": id_.removeprefix("29:"), "name": "Ada", "tenantId": tenant}
        return _json(person | {"userRole": "user"}, 200)

    async def _create(self, request: web.Request) -> web.Response:
        wanted = orjson.loads(await request.read())
        id_ = f"a:{wanted['members'][0]['id']}"
        self._tenants[id_] = wanted["tenantId"]
        return _json({"id": id_}, 201)

    def know(self, conversation: str, tenant: str) -> None:
        """Remember whose conversation it is, for calls that do not say so."""
        self._tenants[conversation] = tenant

    def _tenant_of(self, conversation: str, body: bytes) -> str:
        if found := _TENANT.search(body):
            self._tenants[conversation] = found[1].decode()
        return self._tenants.get(conversation, "")

    def _standing(self, request: web.Request) -> Message | None:
        message = self.messages.get(request.match_info["activity"])
        gone = message is None or message.deleted_at or message.conversation != _conversation(request)
        return None if gone else message


def _conversation(request: web.Request) -> str:
    return request.match_info["conversation"].partition(";messageid=")[0]


def _key(body: bytes) -> str:
    found = _KEY.search(body)
    return found[1].decode() if found and _ANSWER not in body else ""


def _json(value: Any, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _text(body: bytes) -> str:
    return "\n".join(_spoken(orjson.loads(body)))


def _spoken(node: Any) -> Iterator[str]:
    """Yield what can be read, in the card's order."""
    if isinstance(node, list):
        for each in node:
            yield from _spoken(each)
    elif isinstance(node, dict):
        yield from (node[key] for key in _SPOKEN if isinstance(node.get(key), str))
        for value in node.values():
            yield from _spoken(value)

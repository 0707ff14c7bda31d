"""POST /api/messages: what Teams tells the bot. Nothing of it is believed before its token is checked."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from api.body import DEADLINE, BodyRefused, authorization, read_body, refusal
from api.entra import BotFrameworkTokens, KeysUnavailable, Unauthorized
from bot.errors import OutsideError
from bot.teams import ServiceHosts, Turn
from bot.teams.activity import tenants_of, text_at

log = logging.getLogger(__name__)

#: Of what the bot reads, what must have which type if it is there at all.
_TEXTS = ("id", "name", "text", "channelId", "serviceUrl", "action", "replyToId", "locale")
_OBJECTS = ("conversation", "from", "recipient", "channelData")
_LISTS = ("entities", "membersAdded", "membersRemoved", "attachments")
_TYPES: tuple[tuple[tuple[str, ...], type, str], ...] = (
    (_TEXTS, str, "text"),
    (_OBJECTS, dict, "an object"),
    (_LISTS, list, "a list"),
)

#: Other channels let their clients say more than Teams does: a tenant, a team.
CHANNEL = "msteams"
Handler = Callable[[web.Request], Awaitable[web.Response]]


class BadActivity(ValueError):
    """The body is not an activity; the message is one sentence for whoever sent it."""


class Forbidden(Exception):
    """The activity is authentic, but from where this bot does not work."""


def messages_handler(
    *,
    tokens: BotFrameworkTokens,
    turn: Turn,
    hosts: ServiceHosts,
    tenants: Collection[str],
    deadline: float = DEADLINE,
) -> Handler:
    """Return the route's handler. `turn` is that of `bot.teams`, `tenants` the Entra tenants that may use the bot."""
    allowed = frozenset(tenant.lower() for tenant in tenants)

    async def handle(request: web.Request) -> web.Response:
        try:
            activity = parse_activity(await read_body(request, deadline=deadline, json_only=True))
            claims = await tokens.check(authorization(request), activity)
            _check_origin(activity, hosts, allowed)
        except BodyRefused as refused:
            return refusal(refused.status, refused.reason)
        except BadActivity as bad:
            return refusal(400, str(bad))
        except Unauthorized as unknown:
            log.info("an activity was not authenticated", extra={"reason": unknown.reason})
            return refusal(401, "This needs a valid bearer token.", WWW_Authenticate="Bearer")
        except KeysUnavailable:
            return refusal(503, "Tokens cannot be checked at the moment.", Retry_After="30")
        except Forbidden as elsewhere:
            log.warning("an activity was refused", extra={"reason": str(elsewhere)})
            return refusal(403, str(elsewhere))
        return await _answered(turn, activity, claims.all)

    return handle


def parse_activity(body: bytes) -> dict[str, Any]:
    """Return the activity as plain JSON whose outermost types are right. Raises BadActivity."""
    try:
        activity = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadActivity("The body is not JSON.") from None
    if not isinstance(activity, dict):
        raise BadActivity("The body must be a JSON object.")
    if not isinstance(activity.get("type"), str) or not activity["type"]:
        raise BadActivity("An activity needs a type.")
    for names, kind, words in _TYPES:
        for name in names:
            if activity.get(name) is not None and not isinstance(activity[name], kind):
                raise BadActivity(f"{name} must be {words}.")
    if not text_at(activity, "conversation", "id"):
        raise BadActivity("An activity needs a conversation with an id.")
    return activity


def _check_origin(activity: Mapping[str, Any], hosts: ServiceHosts, tenants: frozenset[str]) -> None:
    if activity.get("channelId") != CHANNEL:
        raise Forbidden("This bot works in Teams alone.")
    if not hosts.allows(activity["serviceUrl"]):
        raise Forbidden("This service URL is not allowed.")
    named = tenants_of(activity)
    if not named or not named <= tenants:
        raise Forbidden("This bot does not work in this tenant.")


async def _answered(turn: Turn, activity: Mapping[str, Any], claims: Mapping[str, Any]) -> web.Response:
    """Run the turn; what fails in it is ours, so it is logged once, with its traceback unless the outside failed."""
    try:
        status, body = await turn(activity, claims)
    except OutsideError as failure:
        log.error("a turn failed", extra={"type": activity["type"], "reason": failure.reason})
        return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "This cannot be done at the moment.", Retry_After="30")
    except Exception:
        log.exception("a turn failed", extra={"type": activity["type"]})
        return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "This did not work; it has been logged.")
    if body is None:
        return web.Response(status=status)
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")

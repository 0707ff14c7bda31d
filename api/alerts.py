"""POST /api/alerts: what an action group calls. Authenticate, read, parse, commit, 202; nothing else.

Azure tries again only after 408, 429, 503, 504 and network errors, for about 75 seconds, and then calls nobody for
15 minutes; so what cannot be stored is answered 503, and never 500.
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#webhook
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import web

from api.body import DEADLINE, BodyRefused, authorization, read_body
from api.settings import Secret
from audit.alert import InvalidAlert, parse_alert
from audit.origin import Origin
from bot.errors import OutsideError
from bot.ports import Clock, Incidents, Meter

log = logging.getLogger(__name__)

OURS = "The id of this alert is one of those that the bot gives its own; send it as Azure Monitor wrote it."
NOT_STORED = "The alert could not be stored; send it again."


class CallerCheck(Protocol):
    """Decides whether a webhook call comes from our action group; Entra tokens will be another one of these."""

    async def __call__(self, request: web.Request) -> bool: ...


def shared_secret(secrets: Sequence[Secret]) -> CallerCheck:
    """Accept HTTP Basic with one of the secrets as password: what a URL `https://azure:SECRET@host/…` sends.

    Every secret is compared, each in constant time, so that the time taken tells nothing.
    """
    wanted = [secret.reveal().encode() for secret in secrets]

    async def check(request: web.Request) -> bool:
        given = _basic_password(authorization(request) or "")
        return sum(hmac.compare_digest(given, secret) for secret in wanted) > 0

    return check


def _basic_password(header: str) -> bytes:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def alerts_handler(
    *,
    allowed: CallerCheck,
    incidents: Incidents,
    clock: Clock,
    wake: Callable[[], None],
    meter: Meter,
    failed: Callable[[OutsideError], None] = lambda _failure: None,
    deadline: float = DEADLINE,
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the route's handler. `failed` is told why the store failed; a body may take `deadline` seconds to come."""

    async def handle(request: web.Request) -> web.Response:
        result, response = await taken(request)
        meter.accepted(result)
        return response

    async def taken(request: web.Request) -> tuple[str, web.Response]:
        if not await allowed(request):
            return _refused(401, "The password in the webhook's address is not the configured one.")
        try:
            body = await read_body(request, deadline=deadline)
            alert = parse_alert(body)
            if alert.origin is not Origin.AZURE:
                return _refused(400, OURS)
            recorded = await incidents.record(alert, body, clock.now())
        except BodyRefused as refused:
            return _refused(refused.status, refused.reason)
        except InvalidAlert as invalid:
            return _refused(400, invalid.reason)
        except OutsideError as failure:
            log.error("alert not stored", extra={"reason": failure.reason, "detail": failure.detail})
            failed(failure)
            return _not_stored()
        except Exception:
            # A mistake of ours: Azure would not send it again after a 500, and the alert would be lost at once.
            log.exception("alert not stored")
            return _not_stored()
        wake()
        number = recorded.incident.number if recorded.incident else None
        log.info(
            "alert accepted",
            extra={
                "incident": number,
                "why": recorded.why,
                "repeated": recorded.repeated,
                "alert_kind": alert.kind,
            },
        )
        answer = web.json_response({"incident": number, "repeated": recorded.repeated}, status=202)
        return "repeated" if recorded.repeated else "accepted", answer

    return handle


def _refused(status: int, reason: str) -> tuple[str, web.Response]:
    log.info("alert refused", extra={"status": status, "reason": reason})
    headers = {"WWW-Authenticate": 'Basic realm="alerts"'} if status == 401 else None  # noqa: PLR2004
    response = web.json_response({"error": reason}, status=status, headers=headers)
    if status in {401, 408, 413, 415}:
        # The rest of the body is unread; the connection cannot be used again.
        response.force_close()
    return "refused", response


def _not_stored() -> tuple[str, web.Response]:
    return "not stored", web.json_response({"error": NOT_STORED}, status=503)

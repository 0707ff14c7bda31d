"""Who a bearer token is from, checked before anything else of a request is looked at.

The SDK's own check fetches keys blocking and without a timeout, answers 500 to most bad tokens, accepts tokens
that never end, and lets activities through that name no service URL.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeGuard

import jwt

from api.keys import ALGORITHM, Key, KeyCache, KeysUnavailable
from bot.ports import Clock

__all__ = ["BotFrameworkTokens", "Claims", "KeyCache", "KeysUnavailable", "Reason", "Unauthorized", "signed"]

BOT_FRAMEWORK = "https://api.botframework.com"
LONGEST = 8 * 1024
LEEWAY = timedelta(minutes=5)
#: Seconds since 1970 that can be a time at all.
LATEST = 10**11


class Reason(StrEnum):
    """Why a token is refused: for logs and metrics, never for the answer."""

    MISSING = "missing"
    NOT_BEARER = "not bearer"
    TOO_LONG = "too long"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown key"
    SIGNATURE = "signature"
    CLAIM_MISSING = "claim missing"
    EXPIRED = "expired"
    NOT_YET = "not yet valid"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SERVICE_URL = "service url"
    CHANNEL = "channel"


class Unauthorized(Exception):
    """The request is from nobody we know."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a token says, every signature and time in it checked."""

    issuer: str
    audience: str
    all: Mapping[str, Any]


class BotFrameworkTokens:
    """Checks what the Bot Connector sends to this bot."""

    def __init__(self, keys: KeyCache, app_id: str, clock: Clock, *, issuer: str = BOT_FRAMEWORK) -> None:
        self._keys = keys
        self._app_id = app_id
        self._clock = clock
        self._issuer = issuer

    async def check(self, authorization: str | None, activity: Mapping[str, Any]) -> Claims:
        """Return the claims if the token is the Connector's, for this bot and for this activity.

        Raises Unauthorized or KeysUnavailable.
        """
        token = bearer(authorization)
        service_url, channel = activity.get("serviceUrl"), activity.get("channelId")
        # Without these two there is nothing to hold the token's own claims against.
        if not _is_text(service_url):
            raise Unauthorized(Reason.SERVICE_URL)
        if not _is_text(channel):
            raise Unauthorized(Reason.CHANNEL)
        found, key = await signed(token, self._keys, self._clock)
        if found["iss"] != self._issuer:
            raise Unauthorized(Reason.ISSUER)
        # A list would let a token meant for several be used at each of them.
        if not _is_text(found["aud"]) or found["aud"] != self._app_id:
            raise Unauthorized(Reason.AUDIENCE)
        if found.get("serviceurl") != service_url:
            raise Unauthorized(Reason.SERVICE_URL)
        if key.endorsements and channel not in key.endorsements:
            raise Unauthorized(Reason.CHANNEL)
        return Claims(issuer=found["iss"], audience=found["aud"], all=found)


def bearer(authorization: str | None) -> str:
    """Return the token of an Authorization header. Raises Unauthorized."""
    if not authorization:
        raise Unauthorized(Reason.MISSING)
    if len(authorization) > LONGEST:
        raise Unauthorized(Reason.TOO_LONG)
    scheme, _, token = authorization.partition(" ")
    if scheme != "Bearer":
        raise Unauthorized(Reason.NOT_BEARER)
    if not token or not token.isascii() or " " in token:
        raise Unauthorized(Reason.MALFORMED)
    return token


async def signed(token: str, keys: KeyCache, clock: Clock) -> tuple[dict[str, Any], Key]:
    """Return a token's claims and the key behind them: signature, algorithm, presence and times are checked.

    Whose token it is and whom it is for is the caller's to check: this is shared by everything that takes tokens
    of Microsoft's. Raises Unauthorized or KeysUnavailable.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise Unauthorized(Reason.MALFORMED) from None
    if header.get("alg") != ALGORITHM or "crit" in header:
        raise Unauthorized(Reason.ALGORITHM)
    kid = header.get("kid")
    key = await keys.key(kid) if _is_text(kid) else None
    if key is None:
        raise Unauthorized(Reason.UNKNOWN_KEY)
    # PyJWT's own checks of times are off: it reads the wall clock, and there is no telling it another.
    options: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "iss", "aud", "sub", "jti")}
    try:
        claims: dict[str, Any] = jwt.decode(token, key.public.key, algorithms=[ALGORITHM], options=options)
    except jwt.InvalidSignatureError:
        raise Unauthorized(Reason.SIGNATURE) from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Unauthorized(Reason.MALFORMED) from None
    _check_times(claims, clock.now().timestamp())
    return claims, key


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Require exp, nbf, iss and aud, and hold the times against `now`.

    `iat` only where there is one: the Connector's tokens have none (see the example in Microsoft's document).
    """
    if any(claims.get(name) in (None, "") for name in ("exp", "nbf", "iss", "aud")):
        raise Unauthorized(Reason.CLAIM_MISSING)
    times = [claims[name] for name in ("exp", "nbf", "iat") if name in claims]
    if not all(_is_time(time) for time in times):
        raise Unauthorized(Reason.MALFORMED)
    leeway = LEEWAY.total_seconds()
    if claims["exp"] + leeway <= now:
        raise Unauthorized(Reason.EXPIRED)
    if max(claims["nbf"], claims.get("iat", claims["nbf"])) - leeway > now:
        raise Unauthorized(Reason.NOT_YET)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LATEST

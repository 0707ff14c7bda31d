"""The public keys that tokens are signed with, fetched without blocking and kept while their source is down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import orjson

from bot.ports import Clock

log = logging.getLogger(__name__)

ALGORITHM = "RS256"
#: Microsoft asks for a daily look; keys are published days before they are used.
#: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
TTL = timedelta(hours=6)
STALE = timedelta(hours=24)
#: Between two fetches that were not due: a flood of forged key ids must not become a flood of fetches.
PAUSE = timedelta(minutes=5)
#: The same after a fetch that failed: who signs with new keys by then waits for us.
PAUSE_AFTER_FAILURE = timedelta(seconds=30)
#: And while there are no keys that are young enough, when nobody can be let in.
PAUSE_WITHOUT_KEYS = timedelta(seconds=10)
DEADLINE = 5.0
LONGEST_ANSWER = 512 * 1024
MOST_KEYS = 100
LEAST_BITS = 2048


class KeysUnavailable(Exception):
    """No keys that are young enough, so nobody can be told apart; it may work later."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """A public key, and the channels that its owner may speak for; none named means any."""

    public: jwt.PyJWK
    endorsements: frozenset[str]


class KeyCache:
    """Keys of one issuer, found through its OpenID metadata."""

    def __init__(
        self, session: aiohttp.ClientSession, metadata_url: str, clock: Clock, *, deadline: float = DEADLINE
    ) -> None:
        self._session = session
        self._metadata_url = metadata_url
        self._clock = clock
        self._deadline = deadline
        self._keys: Mapping[str, Key] = {}
        self._fetched: datetime | None = None
        self._tried: datetime | None = None
        self._failed = False
        self._fetching = asyncio.Lock()

    async def key(self, kid: str) -> Key | None:
        """Return the key with this id; None if the issuer has none such. Raises KeysUnavailable."""
        if not (self._within(self._fetched, TTL) and kid in self._keys):
            await self._refresh(kid)
        if not self._within(self._fetched, STALE):
            raise KeysUnavailable
        return self._keys.get(kid)

    async def _refresh(self, kid: str) -> None:
        # A known key is good enough while somebody else is fetching; an unknown one has to wait for the answer.
        if self._fetching.locked() and kid in self._keys and self._within(self._fetched, STALE):
            return
        async with self._fetching:
            due = not self._within(self._fetched, TTL) or kid not in self._keys
            if not due or self._within(self._tried, self._pause()):
                return
            self._tried, self._failed = self._clock.now(), True
            try:
                async with asyncio.timeout(self._deadline):
                    self._keys = await self._fetch()
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
                log.warning("signing keys not fetched", extra={"reason": type(failure).__name__})
            else:
                self._fetched, self._failed = self._clock.now(), False

    def _pause(self) -> timedelta:
        if not self._within(self._fetched, STALE):
            return PAUSE_WITHOUT_KEYS
        return PAUSE_AFTER_FAILURE if self._failed else PAUSE

    async def _fetch(self) -> Mapping[str, Key]:
        metadata = await self._json(self._metadata_url)
        url = metadata.get("jwks_uri")
        if not isinstance(url, str) or urlsplit(url).scheme != urlsplit(self._metadata_url).scheme:
            raise ValueError("the metadata names no key document")
        found = (await self._json(url)).get("keys")
        keys = dict(_keys(found if isinstance(found, list) else []))
        if not keys:
            raise ValueError("the key document has no usable key")
        return keys

    async def _json(self, url: str) -> Mapping[str, Any]:
        async with self._session.get(url, allow_redirects=False, raise_for_status=True) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    raise ValueError("the answer is too long")
        value = orjson.loads(body)
        return value if isinstance(value, dict) else {}

    def _within(self, since: datetime | None, span: timedelta) -> bool:
        """Tell whether `since` is at most `span` ago; a clock that was put back counts as too long ago."""
        return since is not None and timedelta() <= self._clock.now() - since < span


def _keys(items: list[Any]) -> list[tuple[str, Key]]:
    found = []
    for item in items[:MOST_KEYS]:
        if not isinstance(item, dict) or not isinstance(item.get("kid"), str) or item.get("kty") != "RSA":
            continue
        try:
            public = jwt.PyJWK(item, ALGORITHM)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if public.key.key_size >= LEAST_BITS:
            named = item.get("endorsements")
            endorsements = (
                frozenset(e for e in named if isinstance(e, str)) if isinstance(named, list) else ()
            )
            found.append((item["kid"], Key(public=public, endorsements=frozenset(endorsements))))
    return found

"""The token that the bot proves itself with to the Bot Connector: one, cached, refreshed before it ends."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError

from bot.errors import Reason, Unavailable
from bot.ports import Clock

#: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
SCOPE = "https://api.botframework.com/.default"
#: Refreshed this long before the end, so that no token runs out on its way.
EARLY = timedelta(minutes=5)
DEADLINE = timedelta(seconds=10)


class TokenSource(Protocol):
    async def token(self, *, instead_of: str = "") -> str:
        """Return a token; if it would be `instead_of`, which was refused, ask for a new one.

        Raises Unavailable when there is none to be had.
        """
        ...


class AppToken:
    """The bot's token from an azure.core credential, whose `expires_on` must be by the same clock as ours."""

    def __init__(self, credential: AsyncTokenCredential, clock: Clock, *, scope: str = SCOPE) -> None:
        self._credential = credential
        self._clock = clock
        self._scope = scope
        self._token = ""
        self._ends = datetime.min.replace(tzinfo=UTC)
        self._asking = asyncio.Lock()

    async def token(self, *, instead_of: str = "") -> str:
        if not self._good(instead_of):
            # Whoever waits here finds the token that the first one brought.
            async with self._asking:
                if not self._good(instead_of):
                    await self._ask()
        return self._token

    def _good(self, instead_of: str) -> bool:
        fresh = self._clock.now() + EARLY < self._ends
        return fresh and bool(self._token) and self._token != instead_of

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                answer = await self._credential.get_token(self._scope)
        except TimeoutError:
            raise Unavailable(Reason.TIMED_OUT, "no token in time") from None
        except AzureError as failure:
            raise Unavailable(Reason.UNAUTHORIZED, _words(failure)) from None
        self._token = answer.token
        self._ends = datetime.fromtimestamp(answer.expires_on, UTC)


def _words(failure: AzureError) -> str:
    """Name the failure without its text, which may quote what was sent; Entra's code says enough to mend it."""
    code = re.search(r"AADSTS\d+", str(failure))
    return f"no token: {type(failure).__name__}" + (f" {code[0]}" if code else "")

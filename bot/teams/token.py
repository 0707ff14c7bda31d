"""The token that the bot proves itself with to the Bot Connector: one, cached, refreshed before it ends."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError

from bot.errors import Reason, Unavailable
from bot.ports import Clock

log = logging.getLogger(__name__)

#: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
SCOPE = "https://api.botframework.com/.default"
#: Refreshed this long before the end, so that no token runs out on its way.
EARLY = timedelta(minutes=5)
#: And asked for in the background this long before the end, as the SDKs of Azure do.
AHEAD = timedelta(minutes=10)
DEADLINE = timedelta(seconds=10)
#: Between two tries in the background.
PAUSE = timedelta(seconds=30)


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
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = self._ends

    async def token(self, *, instead_of: str = "") -> str:
        if not self._good(instead_of, EARLY):
            # Everybody who comes meanwhile waits for the same answer, or the same failure.
            await asyncio.shield(self._ask())
        elif not self._good(instead_of, AHEAD) and self._asked_at + PAUSE < self._clock.now():
            # Well before it ends a new one is asked for while the old one still serves.
            self._ask()
        return self._token

    def _good(self, instead_of: str, margin: timedelta) -> bool:
        fresh = self._clock.now() + margin < self._ends
        return fresh and bool(self._token) and self._token != instead_of

    def _ask(self) -> asyncio.Task[None]:
        if self._asking is None or self._asking.done():
            self._asked_at = self._clock.now()
            self._asking = asyncio.create_task(self._ask_now())
            self._asking.add_done_callback(_told)
        return self._asking

    async def _ask_now(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                answer = await self._credential.get_token(self._scope)
        except TimeoutError:
            raise Unavailable(Reason.TIMED_OUT, "no token in time") from None
        except (AzureError, OSError, ValueError) as failure:
            # OSError: the file with a workload's own token is missing or cannot be read.
            raise Unavailable(Reason.UNAUTHORIZED, _words(failure)) from None
        self._token = answer.token
        self._ends = datetime.fromtimestamp(answer.expires_on, UTC)


def _told(asked: asyncio.Task[None]) -> None:
    if not asked.cancelled() and (failure := asked.exception()):
        log.warning("no new token yet", extra={"reason": str(failure)})


def _words(failure: Exception) -> str:
    """Name the failure without its text, which may quote what was sent; Entra's code says enough to mend it."""
    code = re.search(r"AADSTS\d+", str(failure))
    return f"no token: {type(failure).__name__}" + (f" {code[0]}" if code else "")

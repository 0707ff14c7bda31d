"""How the process proves itself to Azure and to Teams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import AsyncHTTPPolicy
from azure.identity.aio import (
    ClientSecretCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from api.settings import Bot, Settings
from bot.log_analytics import LogAnalytics
from bot.ports import Clock, Meter
from bot.teams import AppToken, TokenSource

MANAGEMENT_SCOPE = "https://management.azure.com/.default"
LOG_ANALYTICS_SCOPE = "https://api.loganalytics.io/.default"


def bot_credential(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> AsyncTokenCredential:
    """Return the credential of the bot's Entra application, for the Bot Connector."""
    bot = settings.bot
    if settings.sandbox:
        return SandboxCredential(session, f"{settings.sandbox.url}/login/token", bot, clock)
    if bot.app_type == "SingleTenant":
        return ClientSecretCredential(bot.tenant_id, bot.app_id, bot.password.reveal())
    if bot.app_type == "WorkloadIdentity":
        return WorkloadIdentityCredential(tenant_id=bot.tenant_id, client_id=bot.app_id)
    return ManagedIdentityCredential(client_id=bot.app_id)


@asynccontextmanager
async def open_audit_log(
    settings: Settings, session: aiohttp.ClientSession, clock: Clock, meter: Meter
) -> AsyncIterator[LogAnalytics]:
    """Open the way to the workspaces: by managed identity, workload identity or `az login`; closed at the end."""
    url, most = settings.log_analytics_url, settings.queries_in_half_a_minute
    if settings.sandbox:
        credential: AsyncTokenCredential = bot_credential(settings, session, clock)
        plain = PlainBearer(AppToken(credential, clock, scope=LOG_ANALYTICS_SCOPE))
        opened = LogAnalytics(
            credential=credential, endpoint=url, meter=meter, most_in_span=most, authentication_policy=plain
        )
    else:
        credential = DefaultAzureCredential()
        opened = LogAnalytics(credential=credential, endpoint=url, meter=meter, most_in_span=most)
    try:
        yield opened
    finally:
        await opened.close()
        await credential.close()


@asynccontextmanager
async def open_management_tokens(
    settings: Settings, session: aiohttp.ClientSession, clock: Clock
) -> AsyncIterator[TokenSource]:
    """Open the way to tokens for Azure Resource Manager, by the same identity as for the workspaces; closed at the end."""
    if settings.sandbox:
        credential: AsyncTokenCredential = bot_credential(settings, session, clock)
        scope = MANAGEMENT_SCOPE
    else:
        credential = DefaultAzureCredential()
        # In each of Azure's clouds a token is for the address that it is sent to.
        scope = f"{settings.management_url}/.default"
    try:
        yield AppToken(credential, clock, scope=scope)
    finally:
        await credential.close()


class SandboxCredential:
    """A token of the sandbox's own issuer, over http on loopback: what azure-identity rightly refuses to ask for."""

    def __init__(self, session: aiohttp.ClientSession, url: str, bot: Bot, clock: Clock) -> None:
        self._session = session
        self._url = url
        self._bot = bot
        self._clock = clock

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Ask for a token by the client credentials grant."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._bot.app_id,
            "client_secret": self._bot.password.reveal(),
            "scope": " ".join(scopes),
        }
        try:
            async with self._session.post(self._url, data=form) as response:
                response.raise_for_status()
                answer = await response.json()
        except aiohttp.ClientError as failure:
            raise ClientAuthenticationError(f"the sandbox gave no token: {failure}") from failure
        return AccessToken(
            answer["access_token"], int(self._clock.now().timestamp()) + int(answer["expires_in"])
        )

    async def close(self) -> None:
        """The session is its owner's."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


class PlainBearer(AsyncHTTPPolicy[Any, Any]):
    """Sends the sandbox's token over http; azure-core's own policy insists on https, as it should elsewhere."""

    def __init__(self, tokens: TokenSource) -> None:
        super().__init__()
        self._tokens = tokens

    async def send(self, request: PipelineRequest[Any]) -> Any:
        request.http_request.headers["Authorization"] = f"Bearer {await self._tokens.token()}"
        return await self.next.send(request)

"""The SDK's adapter with authentication before it and our own way in.

Its own `process` answers 500 to every successful Action.Execute and reads bodies before it knows who sent them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from types import SimpleNamespace
from typing import Any, NoReturn

from botbuilder.core import Bot, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity, ChannelAccount, ConversationAccount
from botframework.connector.auth import (
    AuthenticateRequestResult,
    ClaimsIdentity,
    ConnectorFactory,
    ServiceClientCredentialsFactory,
)

from bot.teams.activity import text_at

log = logging.getLogger(__name__)

#: Under which a turn's context has the activity as it came.
RAW = "raw activity"
#: How long `close` waits for turns that are being answered.
PATIENCE = 10.0


class Credentials(ServiceClientCredentialsFactory):
    """Says that authentication is on, and gives the SDK no credentials: it never sends anything itself."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id

    async def is_valid_app_id(self, app_id: str) -> bool:
        return app_id == self._app_id

    async def is_authentication_disabled(self) -> bool:
        return False

    async def create_credentials(self, *_args: Any, **_more: Any) -> NoReturn:
        raise PermissionError("the SDK's own way out is closed; everything leaves by the sender")


class NoWayOut(ConnectorFactory):
    """Gives turns a client that can nothing: what is said goes out by bot.teams.sender."""

    async def create(self, service_url: str, audience: str) -> object:  # noqa: ARG002 - the SDK's signature
        # The SDK does not run a turn without one.
        return object()


class Authentication(ConfigurationBotFrameworkAuthentication):
    """Takes over the claims that api.entra checked; the SDK's own doors, which check less, stay closed."""

    def __init__(self, *, app_id: str) -> None:
        self.credentials = Credentials(app_id)
        super().__init__(SimpleNamespace(), credentials_factory=self.credentials)

    def accept(self, claims: Mapping[str, Any]) -> AuthenticateRequestResult:
        """Build the SDK's result from claims that were checked before."""
        result = AuthenticateRequestResult()
        result.claims_identity = ClaimsIdentity(dict(claims), True)
        result.connector_factory = NoWayOut()
        return result

    async def authenticate_request(self, activity: Activity, auth_header: str) -> NoReturn:  # noqa: ARG002 - the SDK's signature
        raise PermissionError("requests are authenticated before they come here")

    async def authenticate_streaming_request(self, auth_header: str, channel_id_header: str) -> NoReturn:  # noqa: ARG002
        raise PermissionError("streaming is not offered")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:  # noqa: ARG002
        return NoWayOut()

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """Make none: the SDK's fetches a token for every turn, and nobody signs in here."""


class TeamsAdapter(CloudAdapter):
    """Runs turns on authenticated activities."""

    def __init__(self, *, authentication: Authentication, bot: Bot) -> None:
        super().__init__(authentication)
        self._authentication = authentication
        self._bot = bot
        self._running: set[asyncio.Task[None]] = set()
        # It warns of every field of Teams that its models do not know.
        logging.getLogger("msrest.serialization").setLevel(logging.ERROR)

    async def turn(
        self, activity: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, Any] | None]:
        """Run one turn; return the HTTP status and the body, if there is one.

        A typed message is answered 202 at once and runs on its own: its answer is a message, not this body, and
        Teams would send it again after a few seconds. Everything else is waited for and may raise.
        """
        if activity["type"] == "message":
            self._start(self._logged(activity, claims))
            return 202, None
        answer = await self._run(activity, claims)
        return (answer.status, answer.body) if answer else (200, None)

    async def close(self, patience: float = PATIENCE) -> None:
        """Wait for running turns, then cut off what is left."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=patience)
        left = set(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _start(self, turn: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(turn, name="turn")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _logged(self, activity: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
        try:
            await self._run(activity, claims)
        except Exception:
            log.exception("a turn failed", extra={"conversation": text_at(activity, "conversation", "id")})

    async def _run(self, activity: Mapping[str, Any], claims: Mapping[str, Any]) -> Any:
        async def logic(context: TurnContext) -> None:
            context.set(RAW, activity)
            await self._bot.on_turn(context)

        return await self.process_activity(self._authentication.accept(claims), _model(activity), logic)


def _model(activity: Mapping[str, Any]) -> Activity:
    """Give the SDK what it needs to route a turn and address an answer; the rest is read from the raw activity.

    Not `deliveryMode`: with "expectReplies" the SDK would answer into a body that nobody reads.
    """
    return Activity(
        type=activity["type"],
        id=text_at(activity, "id") or None,
        name=text_at(activity, "name") or None,
        channel_id=text_at(activity, "channelId"),
        service_url=text_at(activity, "serviceUrl"),
        locale=text_at(activity, "locale") or None,
        conversation=ConversationAccount(id=text_at(activity, "conversation", "id")),
        from_property=_account(activity, "from"),
        recipient=_account(activity, "recipient"),
    )


def _account(activity: Mapping[str, Any], key: str) -> ChannelAccount:
    return ChannelAccount(id=text_at(activity, key, "id"), name=text_at(activity, key, "name"))

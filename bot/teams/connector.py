"""The SDK's outgoing side over our own sender: no new connection, token or thread for every message."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botframework.connector import BotFrameworkConnectorConfiguration
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import ConnectorFactory
from msrest.pipeline import Response, SansIOHTTPPolicy
from msrest.pipeline.async_abc import AsyncHTTPSender, AsyncPipeline
from msrest.pipeline.universal import RawDeserializer

from bot.teams.sender import Sender

#: There are about ten service URLs in the world; more than this would be somebody's doing.
MOST_CLIENTS = 32


class SenderFactory(ConnectorFactory):
    """Gives the SDK one client per service URL; all of them send through our sender."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._clients: dict[str, ConnectorClient] = {}

    async def create(self, service_url: str, audience: str) -> ConnectorClient:  # noqa: ARG002 - the SDK's signature
        client = self._clients.get(service_url)
        if client is None:
            if len(self._clients) >= MOST_CLIENTS:
                self._clients.clear()
            client = self._clients[service_url] = _client(self._sender, service_url)
        return client


def _client(sender: Sender, service_url: str) -> ConnectorClient:
    # The configuration insists on credentials; ours are in the sender, so it gets a policy that does nothing.
    configuration = BotFrameworkConnectorConfiguration(SansIOHTTPPolicy(), service_url)
    configuration.custom_pipeline = AsyncPipeline([], _PipelineEnd(sender, service_url))
    return ConnectorClient(None, custom_configuration=configuration)


class _PipelineEnd(AsyncHTTPSender[Any, Any]):
    """The last member of msrest's pipeline. Failures leave it as Unavailable or Rejected, through the SDK."""

    def __init__(self, sender: Sender, service_url: str) -> None:
        self._sender = sender
        self._service_url = service_url

    async def __aexit__(self, *_exc: object) -> None:
        return None

    async def send(self, request: Any, **_config: Any) -> Any:
        asked = request.http_request
        # The SDK joins the URL itself; only the path below the service URL is taken from it.
        base = urlsplit(self._service_url).path.rstrip("/")
        path = urlsplit(asked.url).path.removeprefix(base)
        body = asked.data.encode() if isinstance(asked.data, str) else asked.data
        answer = await self._sender.send(asked.method, self._service_url, path, body)
        context = {RawDeserializer.CONTEXT_NAME: dict(answer)}
        return Response(request, SimpleNamespace(status_code=200), context)

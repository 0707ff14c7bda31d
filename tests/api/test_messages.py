"""The whole token matrix over real HTTP, and everything else that is refused before a turn."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from api.entra import BotFrameworkTokens, Claims
from api.messages import messages_handler
from bot.teams import ServiceHosts
from tests.fakes import TENANT, FakeClock
from tests.issuer import DROP, Issuer, tampered
from tests.teams_world import APP_ID, World, an_activity, open_world

OTHER_TENANT = "11111111-2222-4333-8444-555555555555"
BOTS_TENANT = "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as opened:
        yield opened


Authorization = Callable[[Issuer], str | None]


def minted(**changes: Any) -> Authorization:
    return lambda issuer: f"Bearer {issuer.token(**changes)}"


@dataclass(frozen=True, kw_only=True)
class Case:
    status: int
    authorization: Authorization = field(default_factory=minted)
    activity: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str | None = "application/json"


def fixed(value: str | None) -> Authorization:
    return lambda _issuer: value


CASES: dict[str, Case] = {
    "valid": Case(status=202),
    "expired 4 min ago": Case(status=202, authorization=minted(exp=-240)),
    "nbf in 4 min": Case(status=202, authorization=minted(nbf=240)),
    "no header": Case(status=401, authorization=fixed(None)),
    "empty header": Case(status=401, authorization=fixed("")),
    "Basic": Case(status=401, authorization=fixed("Basic dXNlcjpwYXNz")),
    "lower-case bearer": Case(status=401, authorization=lambda i: f"bearer {i.token()}"),
    "upper-case bearer": Case(status=401, authorization=lambda i: f"BEARER {i.token()}"),
    "Bearer alone": Case(status=401, authorization=fixed("Bearer")),
    "three parts": Case(status=401, authorization=lambda i: f"Bearer {i.token()} x"),
    "garbage": Case(status=401, authorization=fixed("Bearer garbage")),
    "three garbage segments": Case(status=401, authorization=fixed("Bearer a.b.c")),
    "Latin-1": Case(status=401, authorization=fixed("Bearer \xe9\xe9.\xe9.\xe9")),
    "too long": Case(status=401, authorization=fixed("Bearer " + "a" * 8000)),
    "forged: other key, same kid": Case(
        status=401, authorization=minted(key="evil", header={"kid": "key-1"})
    ),
    "tampered payload": Case(status=401, authorization=lambda i: f"Bearer {tampered(i.token(), aud='x')}"),
    "signature cut off": Case(status=401, authorization=lambda i: f"Bearer {i.token().rpartition('.')[0]}."),
    "unknown kid": Case(status=401, authorization=minted(header={"kid": "nobody's"})),
    "no kid": Case(status=401, authorization=minted(header={"kid": DROP})),
    "empty kid": Case(status=401, authorization=minted(header={"kid": ""})),
    "alg none": Case(status=401, authorization=minted(algorithm="none")),
    "HS256 with the public key": Case(status=401, authorization=minted(algorithm="HS256")),
    "RS384": Case(status=401, authorization=minted(algorithm="RS384")),
    "RS512": Case(status=401, authorization=minted(algorithm="RS512")),
    "PS256": Case(status=401, authorization=minted(algorithm="PS256")),
    "critical header": Case(status=401, authorization=minted(header={"crit": ["exp"]})),
    "expired 1 h ago": Case(status=401, authorization=minted(exp=-3600)),
    "expired 6 min ago": Case(status=401, authorization=minted(exp=-360)),
    "nbf in 6 min": Case(status=401, authorization=minted(nbf=360)),
    "iat in 10 min": Case(status=401, authorization=minted(iat=600)),
    "no exp": Case(status=401, authorization=minted(exp=DROP)),
    "no nbf": Case(status=401, authorization=minted(nbf=DROP)),
    "exp is text": Case(status=401, authorization=minted(exp="4102444800")),
    "wrong aud": Case(status=401, authorization=minted(aud=OTHER_TENANT)),
    "aud is a list": Case(status=401, authorization=minted(aud=[APP_ID])),
    "no aud": Case(status=401, authorization=minted(aud=DROP)),
    "empty aud": Case(status=401, authorization=minted(aud="")),
    "wrong issuer": Case(status=401, authorization=minted(iss="https://evil.example")),
    "no issuer": Case(status=401, authorization=minted(iss=DROP)),
    "no serviceurl claim": Case(status=401, authorization=minted(serviceurl=DROP)),
    "other serviceurl claim": Case(status=401, authorization=minted(serviceurl="https://evil.example/")),
    "serviceurl in other case": Case(
        status=401, authorization=lambda i: f"Bearer {i.token(serviceurl=i.service_url.upper())}"
    ),
    "activity without serviceUrl": Case(status=401, activity={"serviceUrl": None}),
    "activity with empty serviceUrl": Case(status=401, activity={"serviceUrl": ""}),
    "activity without channelId": Case(status=401, activity={"channelId": None}),
    "channel not endorsed": Case(status=401, activity={"channelId": "webchat"}),
    "the bot's own token": Case(
        status=401,
        authorization=minted(iss=BOTS_TENANT, aud="https://api.botframework.com", appid=APP_ID),
    ),
    "emulator token": Case(
        status=401,
        authorization=minted(iss=BOTS_TENANT, appid=APP_ID, ver="1.0", serviceurl=DROP),
        activity={"serviceUrl": "https://evil.example/"},
    ),
    "skill token": Case(
        status=401, authorization=minted(iss=BOTS_TENANT, appid=OTHER_TENANT, azp=OTHER_TENANT, ver="2.0")
    ),
    "no Content-Type": Case(status=415, content_type=None),
    "text/plain": Case(status=415, content_type="text/plain"),
    "a form": Case(status=415, content_type="application/x-www-form-urlencoded"),
    "bad JSON": Case(status=400, authorization=fixed(None), body=b'{"type": '),
    "JSON array": Case(status=400, authorization=fixed(None), body=b"[]"),
    "empty body": Case(status=400, authorization=fixed(None), body=b""),
    "bad UTF-8": Case(status=400, authorization=fixed(None), body=b'{"type": "\xff"}'),
    "NaN": Case(status=400, authorization=fixed(None), body=b'{"type": NaN}'),
    "deep nesting": Case(status=400, authorization=fixed(None), body=b"[" * 100_000),
    "a million digits": Case(status=401, authorization=fixed(None), activity={"value": 10**300}),
    "no type": Case(status=400, authorization=fixed(None), activity={"type": None}),
    "type is a number": Case(status=400, authorization=fixed(None), activity={"type": 1}),
    "conversation is text": Case(status=400, authorization=fixed(None), activity={"conversation": "x"}),
    "from is a list": Case(status=400, authorization=fixed(None), activity={"from": []}),
    "entities is an object": Case(status=400, authorization=fixed(None), activity={"entities": {}}),
    "membersAdded is text": Case(status=400, authorization=fixed(None), activity={"membersAdded": "x"}),
    "channelData is a number": Case(status=400, authorization=fixed(None), activity={"channelData": 1}),
}


def test_the_matrix_is_whole() -> None:
    assert len(CASES) >= 43
    assert [name for name, case in CASES.items() if case.status == 202] == [
        "valid",
        "expired 4 min ago",
        "nbf in 4 min",
    ]


@pytest.mark.parametrize("name", CASES)
async def test_the_token_matrix(world: World, caplog: pytest.LogCaptureFixture, name: str) -> None:
    caplog.set_level(logging.DEBUG)
    case = CASES[name]
    body = case.body if case.body is not None else _body(world.activity(**case.activity))
    headers: CIMultiDict[str] = CIMultiDict()
    authorization = case.authorization(world.issuer)
    if authorization is not None:
        headers["Authorization"] = authorization
    if case.content_type:
        headers["Content-Type"] = case.content_type
    skip = {"Content-Type"} if case.content_type is None else set()
    async with world.client.post(
        "/api/messages", data=body, headers=headers, skip_auto_headers=skip
    ) as response:
        text = await response.text()
    await world.settled()

    assert response.status == case.status
    if case.status == 202:
        assert world.connector.said() == ["Help"]
        return
    assert list(orjson.loads(text)) == ["error"]
    assert "\n" not in text
    assert (response.headers.get("WWW-Authenticate") == "Bearer") == (case.status == 401)
    assert world.responder.asked == []
    assert world.connector.sent == []
    assert not [record for record in caplog.records if record.exc_info]
    assert "eyJ" not in caplog.text


def _body(activity: Mapping[str, Any]) -> bytes:
    return json.dumps(activity).encode()


@pytest.mark.parametrize(
    "service_url",
    [
        "https://evil.example/",
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net:8443/",
        "https://smba.trafficmanager.net@evil.example/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://127.0.0.1/",
        "http://169.254.169.254/metadata",
        "file:///etc/passwd",
        "//smba.trafficmanager.net/",
        "x",
    ],
)
async def test_a_service_url_off_the_list_is_refused_and_never_spoken_to(
    world: World, service_url: str
) -> None:
    token = world.issuer.token(serviceurl=service_url)
    activity = world.activity() | {"serviceUrl": service_url}
    status, body = await world.send(activity, Authorization=f"Bearer {token}")
    assert (status, body) == (403, {"error": "This service URL is not allowed."})
    await world.settled()
    assert world.responder.asked == []
    assert world.connector.sent == []


@pytest.mark.parametrize(
    ("conversation", "channel"),
    [
        (OTHER_TENANT, OTHER_TENANT),
        (None, OTHER_TENANT),
        (OTHER_TENANT, TENANT),
        (TENANT, OTHER_TENANT),
        (None, None),
    ],
)
async def test_another_tenant_or_none_is_refused(
    world: World, conversation: str | None, channel: str | None
) -> None:
    activity = world.activity()
    activity["conversation"] = activity["conversation"] | {"tenantId": conversation}
    activity["channelData"] = activity["channelData"] | {"tenant": {"id": channel}}
    status, body = await world.send(activity)
    assert (status, body) == (403, {"error": "This bot does not work in this tenant."})
    await world.settled()
    assert world.responder.asked == []
    assert world.connector.sent == []


async def test_a_body_too_large_is_refused_whether_announced_or_not(world: World) -> None:
    big = b'{"type":"' + b"x" * 262_144 + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    for data in (big, chunks()):
        async with world.client.post(
            "/api/messages", data=data, headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 413
            assert response.headers["Connection"] == "close"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity", ""])
async def test_any_content_encoding_is_refused_unread(world: World, encoding: str) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    async with world.client.post("/api/messages", data=bomb, headers=headers) as response:
        assert response.status == 415
        assert response.headers["Connection"] == "close"


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async with open_world(deadline=0.1) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
        writer.write(
            b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
        )
        try:
            answer = await asyncio.wait_for(reader.readuntil(b"}"), timeout=5)
        finally:
            writer.close()
            await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'{"error":"The body did not arrive within 0.1 seconds."}' in answer


async def test_a_client_that_breaks_off_leaves_no_traceback(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
    writer.write(
        b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    )
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    await asyncio.sleep(0.1)
    assert not [record for record in caplog.records if record.exc_info]


async def test_two_authorization_headers_are_refused(world: World) -> None:
    token = f"Bearer {world.issuer.token()}"
    headers = CIMultiDict([("Authorization", token), ("Authorization", token)])
    async with world.client.post("/api/messages", json=world.activity(), headers=headers) as response:
        assert response.status == 401


async def test_without_keys_nobody_is_turned_away_for_good(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.issuer.status = 500
    status, body = await world.send(world.activity())
    assert (status, body) == (503, {"error": "Tokens cannot be checked at the moment."})
    assert not [record for record in caplog.records if record.exc_info]
    world.issuer.status = 200
    world.clock.pass_time(seconds=10)
    assert (await world.send(world.activity()))[0] == 202


async def test_a_get_is_not_answered(world: World) -> None:
    async with world.client.get("/api/messages") as response:
        assert response.status == 405


async def test_a_turn_that_fails_is_logged_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Believing(BotFrameworkTokens):
        async def check(self, authorization: str | None, activity: Mapping[str, Any]) -> Claims:
            return Claims(issuer="x", audience="x", all={})

    async def turn(_activity: Mapping[str, Any], _claims: Mapping[str, Any]) -> tuple[int, None]:
        raise RuntimeError("a bug")

    app = web.Application()
    tokens = Believing(None, "x", FakeClock())  # type: ignore[arg-type]
    app.router.add_post(
        "/", messages_handler(tokens=tokens, turn=turn, hosts=ServiceHosts(), tenants=[TENANT])
    )
    async with TestClient(TestServer(app)) as client, client.post("/", json=an_activity()) as response:
        assert response.status == 500
        assert await response.json() == {"error": "This did not work; it has been logged."}
    assert len([record for record in caplog.records if record.exc_info]) == 1

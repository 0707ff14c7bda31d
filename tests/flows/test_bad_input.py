"""Everything that is wrong with a webhook call: its answer is one sentence, and nothing else comes of it."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from api.app import Deadlines
from api.body import LIMIT
from api.settings import Secret, Settings, Webhook
from tests.flows.laptop import ALERT, Laptop, laptop
from tests.flows.wire import INSIDES, basic, break_off, exchange, is_one_sentence, nothing_comes_of_it

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The other secret that is valid while one is changed.
PREVIOUS = "9f2c7b1e6a5d4830c1b2a3948576e0df"
BODY = ALERT.read_bytes()
BODY_DEADLINE = 0.2

WRONG_PASSWORD = "The password in the webhook's address is not the configured one."
NOT_JSON = "The body is not JSON that can be read; send an alert as Azure Monitor writes it, whole."
EMPTY = "The body is empty; send an alert as JSON."
NOT_UTF_8 = "The body is not UTF-8; send an alert as JSON in UTF-8."
NOT_AN_OBJECT = "The body is JSON, but not an object; send one alert as Azure Monitor writes it."
ENABLE_COMMON = "enable the common alert schema for this webhook in its action group."
TOO_LARGE = "The body may have at most 262144 bytes."
ENCODED = "Send the body without a Content-Encoding."
NO_ESSENTIALS = "data.essentials is missing; send the alert as Azure Monitor writes it, whole."
NO_TIME = "data.essentials.firedDateTime is missing or not a time; send it as 2026-03-04T09:38:24Z."

Authorization = Callable[[str], str | None]


def with_password(secret: str) -> str:
    return basic("azure", secret)


def always(value: str | None) -> Authorization:
    return lambda _secret: value


def alert(**essentials: Any) -> bytes:
    """Return the sample with other essentials; None takes one away."""
    body = json.loads(BODY)
    changed = body["data"]["essentials"] | essentials
    body["data"]["essentials"] = {name: value for name, value in changed.items() if value is not None}
    return json.dumps(body).encode()


@dataclass(frozen=True, kw_only=True)
class Call:
    body: bytes = BODY
    authorization: Authorization = with_password
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/api/alerts"
    chunked: bool = False

    @property
    def data(self) -> bytes | AsyncIterator[bytes]:
        return _chunks(self.body) if self.chunked else self.body


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]


def encoded(name: str, body: bytes = BODY) -> Call:
    return Call(body=body, headers={"Content-Encoding": name})


def password(authorization: Authorization) -> Call:
    return Call(authorization=authorization)


REFUSED: dict[str, tuple[Call, int, str]] = {
    # --- who calls
    "no password": (password(always(None)), 401, WRONG_PASSWORD),
    "an empty header": (password(always("")), 401, WRONG_PASSWORD),
    "another password": (password(always(with_password("x" * 64))), 401, WRONG_PASSWORD),
    "an empty password": (password(always(with_password(""))), 401, WRONG_PASSWORD),
    "the password's beginning": (password(lambda s: with_password(s[:-1])), 401, WRONG_PASSWORD),
    "the password's end": (password(lambda s: with_password(s[1:])), 401, WRONG_PASSWORD),
    "the password and more": (password(lambda s: with_password(s + "0")), 401, WRONG_PASSWORD),
    "the password in capitals": (password(lambda s: with_password(s.upper())), 401, WRONG_PASSWORD),
    "the password and a line break": (password(lambda s: with_password(s + "\n")), 401, WRONG_PASSWORD),
    "the password and a NUL": (password(lambda s: with_password(s + "\0")), 401, WRONG_PASSWORD),
    "a Latin-1 password": (password(always(basic("azure", b"\xe9" * 32))), 401, WRONG_PASSWORD),
    "a very long password": (password(always(with_password("x" * 5500))), 401, WRONG_PASSWORD),
    "the password as the user": (password(lambda s: basic(s, "")), 401, WRONG_PASSWORD),
    "the password without a colon": (
        password(lambda s: f"Basic {base64.b64encode(s.encode()).decode()}"),
        401,
        WRONG_PASSWORD,
    ),
    "the password not encoded": (password(lambda s: f"Basic azure:{s}"), 401, WRONG_PASSWORD),
    "the password as a bearer token": (password(lambda s: f"Bearer {s}"), 401, WRONG_PASSWORD),
    "Bearer with what Basic sends": (
        password(lambda s: with_password(s).replace("Basic", "Bearer")),
        401,
        WRONG_PASSWORD,
    ),
    "Basic without anything": (password(always("Basic")), 401, WRONG_PASSWORD),
    "Basic that is not base64": (password(always("Basic %%%")), 401, WRONG_PASSWORD),
    "Basic with letters of no alphabet of base64": (
        password(always("Basic \u0141\u00e9")),
        401,
        WRONG_PASSWORD,
    ),
    "the password in the address": (
        Call(authorization=always(None), path=f"/api/alerts?code={PREVIOUS}"),
        401,
        WRONG_PASSWORD,
    ),
    "no password and a body too large": (
        Call(authorization=always(None), body=b" " * (LIMIT + 1)),
        401,
        WRONG_PASSWORD,
    ),
    # --- what is no JSON
    "an empty body": (Call(body=b""), 400, EMPTY),
    "white space": (Call(body=b" \r\n\t "), 400, EMPTY),
    "not JSON": (Call(body=b"alert!"), 400, NOT_JSON),
    "a form": (Call(body=b"a=1&b=2"), 400, NOT_JSON),
    "XML": (Call(body=b"<?xml version='1.0'?><alert/>"), 400, NOT_JSON),
    "an alert that ends in the middle": (Call(body=BODY[: len(BODY) // 2]), 400, NOT_JSON),
    "two alerts in one body": (Call(body=BODY + BODY), 400, NOT_JSON),
    "NaN": (Call(body=b'{"a": NaN}'), 400, NOT_JSON),
    "Infinity": (Call(body=b'{"a": -Infinity}'), 400, NOT_JSON),
    "bad UTF-8": (Call(body=b'{"a": "\xff\xfe"}'), 400, NOT_UTF_8),
    "UTF-8 with a byte order mark": (Call(body=b"\xef\xbb\xbf" + BODY), 400, NOT_JSON),
    "UTF-16": (Call(body=BODY.decode().encode("utf-16")), 400, NOT_UTF_8),
    "a lone surrogate": (Call(body=rb'{"a": "\ud800"}'), 400, NOT_JSON),
    "100,000 open lists": (Call(body=b"[" * 100_000), 400, NOT_JSON),
    "100,000 lists": (Call(body=b"[" * 100_000 + b"]" * 100_000), 400, NOT_JSON),
    "30,000 objects": (Call(body=b'{"a":' * 30_000 + b"1" + b"}" * 30_000), 400, NOT_JSON),
    # --- what is no alert
    "a list": (Call(body=b"[" + BODY + b"]"), 400, NOT_AN_OBJECT),
    "null": (Call(body=b"null"), 400, NOT_AN_OBJECT),
    "a text": (Call(body=b'"alert"'), 400, NOT_AN_OBJECT),
    "a number": (Call(body=b"1e308"), 400, NOT_AN_OBJECT),
    "an empty object": (
        Call(body=b"{}"),
        400,
        f"The body's schemaId is not one of an alert; {ENABLE_COMMON}",
    ),
    "another schema": (
        Call(body=b'{"schemaId": "https://x/y.json", "data": {}}'),
        400,
        f"The body's schemaId is not one of an alert; {ENABLE_COMMON}",
    ),
    "no data": (Call(body=b'{"schemaId": "azureMonitorCommonAlertSchema"}'), 400, NO_ESSENTIALS),
    "data that is a list": (
        Call(body=b'{"schemaId": "azureMonitorCommonAlertSchema", "data": []}'),
        400,
        NO_ESSENTIALS,
    ),
    "no alertId": (
        Call(body=alert(alertId=None)),
        400,
        "data.essentials.alertId is missing; send the id of the alert as text.",
    ),
    "an alertId that is an object": (
        Call(body=alert(alertId={"a": 1})),
        400,
        "data.essentials.alertId is missing; send the id of the alert as text.",
    ),
    "no alertRule": (
        Call(body=alert(alertRule=None, monitoringService=None)),
        400,
        "data.essentials.alertRule is missing; send the name of the rule as text.",
    ),
    "no firedDateTime": (Call(body=alert(firedDateTime=None)), 400, NO_TIME),
    "a firedDateTime of the year 10000": (Call(body=alert(firedDateTime="10000-01-01")), 400, NO_TIME),
    "a firedDateTime that is a number": (Call(body=alert(firedDateTime=1772617104)), 400, NO_TIME),
    # --- size and encoding
    "a byte too much, announced": (Call(body=b" " * (LIMIT + 1)), 413, TOO_LARGE),
    "a byte too much, in chunks": (Call(body=b" " * (LIMIT + 1), chunked=True), 413, TOO_LARGE),
    "megabytes in chunks": (Call(body=b" " * 5_000_000, chunked=True), 413, TOO_LARGE),
    "gzip": (encoded("gzip", gzip.compress(BODY)), 415, ENCODED),
    "gzip that is none": (encoded("gzip"), 415, ENCODED),
    "a gzip bomb": (encoded("gzip", gzip.compress(b"0" * 50_000_000)), 415, ENCODED),
    "deflate": (encoded("deflate", zlib.compress(BODY)), 415, ENCODED),
    "br": (encoded("br"), 415, ENCODED),
    "zstd": (encoded("zstd"), 415, ENCODED),
    "identity": (encoded("identity"), 415, ENCODED),
    "two encodings": (encoded("gzip, br"), 415, ENCODED),
    # --- method and path
    "GET": (Call(method="GET", body=b""), 405, "Method Not Allowed."),
    "PUT": (Call(method="PUT"), 405, "Method Not Allowed."),
    "DELETE": (Call(method="DELETE", body=b""), 405, "Method Not Allowed."),
    "OPTIONS": (Call(method="OPTIONS", body=b""), 405, "Method Not Allowed."),
    "a method for files": (Call(method="PROPFIND", body=b""), 405, "Method Not Allowed."),
    "a slash too much": (Call(path="/api/alerts/"), 404, "Not Found."),
    "no path": (Call(method="GET", path="/", body=b""), 404, "Not Found."),
    "health, which is on another port": (Call(method="GET", path="/readyz", body=b""), 404, "Not Found."),
}

TAKEN: dict[str, Call] = {
    "as Azure sends it": Call(),
    "with the secret that is being replaced": Call(authorization=always(with_password(PREVIOUS))),
    "with any user": Call(authorization=lambda s: basic("", s)),
    "with the scheme in small letters": Call(
        authorization=lambda s: basic("azure", s).replace("Basic", "basic")
    ),
    "in chunks": Call(chunked=True),
    "as text/plain": Call(headers={"Content-Type": "text/plain"}),
    "as large as may be": Call(body=BODY + b" " * (LIMIT - len(BODY))),
    "with a query in the address": Call(path="/api/alerts?a=%00%ff&b"),
}


def rotating(settings: Settings) -> Settings:
    return replace(settings, webhook=Webhook(secrets=(*settings.webhook.secrets, Secret(PREVIOUS))))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Laptop]:
    folder = tmp_path_factory.mktemp("bad-input")
    async with laptop(folder, before=rotating, deadlines=Deadlines(body=BODY_DEADLINE)) as opened:
        yield opened


async def answer_to(bot: Laptop, call: Call) -> tuple[int, str, Mapping[str, str]]:
    headers = {"Content-Type": "application/json", **call.headers}
    if (authorization := call.authorization(bot.process.secret)) is not None:
        headers["Authorization"] = authorization
    url = f"{bot.process.url}{call.path}"
    async with bot.session.request(call.method, url, data=call.data, headers=headers) as response:
        return response.status, await response.text(), response.headers


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_call_is_refused_in_one_sentence(
    bot: Laptop, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO)
    call, wanted, reason = REFUSED[name]
    with nothing_comes_of_it(bot, caplog):
        status, text, headers = await answer_to(bot, call)
    assert status == wanted
    is_one_sentence(text, reason)
    assert ("WWW-Authenticate" in headers) == (wanted == 401)
    assert ("Allow" in headers) == (wanted == 405)


async def test_a_good_call_is_taken_however_it_is_written(tmp_path: Path) -> None:
    async with laptop(tmp_path, before=rotating) as bot:
        for name, call in TAKEN.items():
            status, text, _ = await answer_to(bot, call)
            assert (status, json.loads(text)["incident"]) == (202, 1), name


def request_of(bot: Laptop, *lines: str, body: bytes = b"") -> bytes:
    """Return an authorised POST with these header lines, as bytes."""
    head = ("POST /api/alerts HTTP/1.1", "Host: bot", f"Authorization: {with_password(bot.process.secret)}")
    return "\r\n".join((*head, *lines, "", "")).encode() + body


async def test_a_body_that_never_comes_is_given_up(bot: Laptop, caplog: pytest.LogCaptureFixture) -> None:
    for body in (b"", BODY[:100]):
        with nothing_comes_of_it(bot, caplog):
            status, text = await exchange(
                bot.settings.server.port, request_of(bot, f"Content-Length: {len(BODY)}", body=body)
            )
        assert status == 408
        is_one_sentence(text, f"The body did not arrive within {BODY_DEADLINE:g} seconds.")


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ((f"Content-Length: {len(BODY)}",), BODY[:100]),
        (("Transfer-Encoding: chunked",), b'5\r\n{"a":\r\n'),
        (("Content-Length: 300000",), b" " * 100_000),
        (("Content-Encoding: gzip", "Content-Length: 1000"), b"\x1f\x8b"),
    ],
)
async def test_a_client_that_goes_away_in_the_middle_leaves_no_trace(
    bot: Laptop, caplog: pytest.LogCaptureFixture, lines: tuple[str, ...], body: bytes
) -> None:
    with nothing_comes_of_it(bot, caplog):
        whole = request_of(bot, *lines, body=body)
        await break_off(bot.settings.server.port, whole)
        await break_off(bot.settings.server.port, whole.replace(b"Basic", b"Bearer"))
        status, _, _ = await answer_to(bot, Call(method="GET", path="/"))
    assert status == 404


MALFORMED: dict[str, bytes] = {
    "not HTTP": b"hello\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 32 + b"\r\n\r\n",
    "a bad request line": b"POST /api alerts HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method of nobody's": b"BREW /api/alerts HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/99.9": b"POST /api/alerts HTTP/99.9\r\nHost: x\r\n\r\n",
    "a control character in the path": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    "a header with a NUL": b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
    "a header over 8 KiB": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n",
    "a request line over 8 KiB": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a password over 8 KiB": b"POST /api/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
    + b"YTph" * 2500
    + b"\r\nContent-Length: 0\r\n\r\n",
    "both lengths": b"POST /api/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /api/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "a length below nothing": b"POST /api/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length that is none": b"POST /api/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_http_is_answered_400_and_no_reason_for_a_traceback(
    bot: Laptop, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with nothing_comes_of_it(bot, caplog):
        status, text = await exchange(bot.settings.server.port, MALFORMED[name])
    assert status == 400
    assert not INSIDES.search(text)


async def test_a_chunk_that_is_none_is_a_body_that_broke_off(
    bot: Laptop, caplog: pytest.LogCaptureFixture
) -> None:
    for chunk in (b"zz\r\nab\r\n", b"-1\r\n", b"5\r\nabcdefgh\r\n"):
        with nothing_comes_of_it(bot, caplog):
            status, text = await exchange(
                bot.settings.server.port, request_of(bot, "Transfer-Encoding: chunked", body=chunk)
            )
        assert status == 400
        assert not INSIDES.search(text)


async def test_two_passwords_are_none(bot: Laptop, caplog: pytest.LogCaptureFixture) -> None:
    second = f"Authorization: {with_password('x' * 32)}"
    with nothing_comes_of_it(bot, caplog):
        status, text = await exchange(bot.settings.server.port, request_of(bot, second, "Content-Length: 0"))
    assert status == 401
    is_one_sentence(text, WRONG_PASSWORD)


async def test_an_expectation_that_there_is_not_is_not_met(
    bot: Laptop, caplog: pytest.LogCaptureFixture
) -> None:
    with nothing_comes_of_it(bot, caplog):
        status, text, _ = await answer_to(bot, Call(headers={"Expect": "200-ok"}))
    assert status == 417
    assert not INSIDES.search(text)

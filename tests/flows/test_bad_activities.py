"""Everything that is wrong with what Teams sends, or with what somebody sends in its name, over the whole bot."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from api.app import Deadlines
from tests.flows.forger import Forger
from tests.flows.laptop import laptop
from tests.flows.wire import basic, is_one_sentence, nothing_comes_of_it

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
STRANGE = "11111111-2222-4333-8444-555555555555"
NOBODY = "This needs a valid bearer token."
OFF_LIST = "This service URL is not allowed."
ELSEWHERE = "This bot does not work in this tenant."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def teams(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Forger]:
    async with laptop(tmp_path_factory.mktemp("teams"), deadlines=Deadlines(body=0.2)) as opened:
        yield Forger(opened)


# --- what does not come from our Teams ---------------------------------------------------------------

Spoilt = Callable[[Forger], tuple[Json | bytes, dict[str, str]]]


def with_header(change: Callable[[Forger], str]) -> Spoilt:
    return lambda teams: (teams.typed("subscribe"), {"Authorization": change(teams)})


def with_activity(**changes: Any) -> Spoilt:
    return lambda teams: (teams.typed("subscribe") | changes, {})


def from_service(url: str) -> Spoilt:
    return lambda teams: (
        teams.typed("subscribe") | {"serviceUrl": url},
        {"Authorization": teams.token(serviceurl=url)},
    )


def as_body(body: bytes, **headers: str) -> Spoilt:
    return lambda _teams: (body, headers)


def of_tenant(tenant: str | None, conversation: str | None) -> Spoilt:
    def spoilt(teams: Forger) -> tuple[Json, dict[str, str]]:
        activity = teams.typed("subscribe")
        activity["conversation"] = activity["conversation"] | {"tenantId": conversation}
        activity["channelData"] = activity["channelData"] | {"tenant": {"id": tenant}}
        return activity, {}

    return spoilt


def unsigned(teams: Forger) -> str:
    header, payload, _ = teams.token().split(".")
    return f"{header}.{payload}."


REFUSED: dict[str, tuple[Spoilt, int, str]] = {
    "no token": (with_header(lambda _: ""), 401, NOBODY),
    "the webhook's password": (with_header(lambda t: basic("azure", t.bot.process.secret)), 401, NOBODY),
    "a token that is none": (with_header(lambda _: "Bearer a.b.c"), 401, NOBODY),
    "a token without its signature": (with_header(unsigned), 401, NOBODY),
    "a token with another's signature": (
        with_header(lambda t: t.token(aud="x").rpartition(".")[0] + "." + t.token().rpartition(".")[2]),
        401,
        NOBODY,
    ),
    "a token for another bot": (with_header(lambda t: t.token(aud=STRANGE)), 401, NOBODY),
    "a token of another issuer": (with_header(lambda t: t.token(iss="https://evil.example")), 401, NOBODY),
    "a token that is over": (with_header(lambda t: t.token(exp=1_000_000_000)), 401, NOBODY),
    "a token that never ends": (with_header(lambda t: t.token(exp=None)), 401, NOBODY),
    "a token of tomorrow": (with_header(lambda t: t.token(nbf=9_999_999_999)), 401, NOBODY),
    "a token for another service URL": (
        with_header(lambda t: t.token(serviceurl="https://evil.example/")),
        401,
        NOBODY,
    ),
    "no service URL": (with_activity(serviceUrl=None), 401, NOBODY),
    "a channel that is not endorsed": (with_activity(channelId="directline"), 401, NOBODY),
    "a foreign service URL": (from_service("https://evil.example/"), 403, OFF_LIST),
    "an http service URL": (from_service("http://smba.trafficmanager.net/emea/"), 403, OFF_LIST),
    "this machine on another port": (from_service("http://127.0.0.1:1/teams/"), 403, OFF_LIST),
    "Azure's metadata as service URL": (from_service("http://169.254.169.254/metadata"), 403, OFF_LIST),
    "a foreign tenant": (of_tenant(STRANGE, STRANGE), 403, ELSEWHERE),
    "a foreign tenant in one of two places": (of_tenant(STRANGE, None), 403, ELSEWHERE),
    "no tenant": (of_tenant(None, None), 403, ELSEWHERE),
    "an empty body": (as_body(b""), 400, "The body is not JSON."),
    "bad UTF-8": (as_body(b'{"type":"\xff"}'), 400, "The body is not JSON."),
    "100,000 open lists": (as_body(b"[" * 100_000), 400, "The body is not JSON."),
    "a list": (as_body(b"[]"), 400, "The body must be a JSON object."),
    "no type": (with_activity(type=None), 400, "An activity needs a type."),
    "no conversation": (with_activity(conversation={}), 400, "An activity needs a conversation with an id."),
    "a sender that is a text": (with_activity(**{"from": "Alice"}), 400, "from must be an object."),
    "a body too large": (as_body(b" " * 262_145), 413, "The body may have at most 262144 bytes."),
    "a form": (
        as_body(b"a=1", **{"Content-Type": "application/x-www-form-urlencoded"}),
        415,
        "Send the body as Content-Type: application/json.",
    ),
    "gzip": (
        as_body(b"\x1f\x8b", **{"Content-Encoding": "gzip"}),
        415,
        "Send the body without a Content-Encoding.",
    ),
    "an invoke of nobody's": (
        with_activity(type="invoke", name="composeExtension/query", value={}),
        400,
        "This bot does not know this kind of invoke.",
    ),
    "an invoke without a name": (
        with_activity(type="invoke", name=None),
        400,
        "This bot does not know this kind of invoke.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_from_our_teams_is_refused_in_one_sentence(
    teams: Forger, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO)
    spoilt, wanted, reason = REFUSED[name]
    activity, headers = spoilt(teams)
    with nothing_comes_of_it(teams.bot, caplog):
        status, text = await teams.send(activity, **headers)
    assert status == wanted
    is_one_sentence(text, reason)


@pytest.mark.parametrize(
    "kind",
    ["event", "typing", "messageReaction", "messageUpdate", "endOfConversation", "trace", "handoff",
     "command", "commandResult", "deleteUserData", "contactRelationUpdate", "suggestion", "Message",
     "INVOKE", "nobody's", "x" * 10_000, "\u0000", "../../etc/passwd"],
)  # fmt: skip
async def test_an_activity_of_a_kind_that_means_nothing_here_changes_nothing(
    teams: Forger, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    with nothing_comes_of_it(teams.bot, caplog):
        status, _ = await teams.send(teams.typed("subscribe") | {"type": kind, "value": {"a": 1}})
    assert status in {200, 202, 400}

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from api.entra import BotFrameworkTokens, KeyCache, KeysUnavailable, Reason, Unauthorized
from tests.fakes import FakeClock
from tests.issuer import DROP, Issuer, open_issuer, tampered

APP_ID = "0f3c6a3e-7d0b-4d52-8a52-5a35c0a3a2d1"
SERVICE_URL = "https://smba.trafficmanager.net/emea/"
ACTIVITY = {"type": "message", "serviceUrl": SERVICE_URL, "channelId": "msteams"}


@dataclass
class Checked:
    issuer: Issuer
    tokens: BotFrameworkTokens
    clock: FakeClock

    async def accepts(self, token: str) -> bool:
        try:
            await self.tokens.check(f"Bearer {token}", ACTIVITY)
        except Unauthorized:
            return False
        return True

    async def reason(self, authorization: str | None, **activity: Any) -> Reason:
        with pytest.raises(Unauthorized) as refused:
            await self.tokens.check(authorization, ACTIVITY | activity)
        return refused.value.reason


@pytest.fixture
async def checked() -> AsyncIterator[Checked]:
    clock = FakeClock()
    async with open_issuer(clock, APP_ID, SERVICE_URL) as issuer, aiohttp.ClientSession() as session:
        keys = KeyCache(session, issuer.metadata_url, clock)
        yield Checked(issuer, BotFrameworkTokens(keys, APP_ID, clock), clock)


async def test_a_valid_token_gives_its_claims(checked: Checked) -> None:
    claims = await checked.tokens.check(f"Bearer {checked.issuer.token()}", ACTIVITY)
    assert claims.audience == APP_ID
    assert claims.all["serviceurl"] == SERVICE_URL


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": -3600}, Reason.EXPIRED),
        ({"exp": -300}, Reason.EXPIRED),
        ({"nbf": 360}, Reason.NOT_YET),
        ({"iat": 600}, Reason.NOT_YET),
        ({"exp": DROP}, Reason.CLAIM_MISSING),
        ({"nbf": DROP}, Reason.CLAIM_MISSING),
        ({"iss": DROP}, Reason.CLAIM_MISSING),
        ({"aud": ""}, Reason.CLAIM_MISSING),
        ({"exp": "tomorrow"}, Reason.MALFORMED),
        ({"exp": True}, Reason.MALFORMED),
        ({"exp": float("nan")}, Reason.MALFORMED),
        ({"exp": float("inf")}, Reason.MALFORMED),
        ({"exp": [1]}, Reason.MALFORMED),
        ({"exp": 10**400}, Reason.MALFORMED),
        ({"iat": None}, Reason.MALFORMED),
        ({"iss": "https://sts.windows.net/x/"}, Reason.ISSUER),
        ({"iss": "https://api.botframework.com/"}, Reason.ISSUER),
        ({"iss": ["https://api.botframework.com"]}, Reason.ISSUER),
        ({"aud": [APP_ID]}, Reason.AUDIENCE),
        ({"aud": APP_ID.upper()}, Reason.AUDIENCE),
        ({"serviceurl": DROP}, Reason.SERVICE_URL),
        ({"serviceurl": SERVICE_URL.rstrip("/")}, Reason.SERVICE_URL),
    ],
)
async def test_each_defect_has_its_reason(checked: Checked, changes: dict[str, Any], reason: Reason) -> None:
    assert await checked.reason(f"Bearer {checked.issuer.token(**changes)}") is reason


@pytest.mark.parametrize("changes", [{}, {"exp": -240}, {"nbf": 240}, {"iat": 0}, {"iat": 240}])
async def test_five_minutes_of_difference_between_clocks_are_tolerated(
    checked: Checked, changes: dict[str, Any]
) -> None:
    assert await checked.accepts(checked.issuer.token(**changes))


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, Reason.MISSING),
        ("", Reason.MISSING),
        ("Bearer", Reason.MALFORMED),
        ("Bearer ", Reason.MALFORMED),
        ("Basic YTpi", Reason.NOT_BEARER),
        ("bearer a.b.c", Reason.NOT_BEARER),
        ("Bearer a b", Reason.MALFORMED),
        ("Bearer a.b.c", Reason.MALFORMED),
        ("Bearer é.é.é", Reason.MALFORMED),
        ("Bearer " + "a" * 8192, Reason.TOO_LONG),
    ],
)
async def test_headers_that_are_no_bearer_token_are_told_apart(
    checked: Checked, authorization: str | None, reason: Reason
) -> None:
    assert await checked.reason(authorization) is reason
    assert checked.issuer.fetches == 0


async def test_two_thousand_bit_flips_of_a_valid_token_are_all_refused(checked: Checked) -> None:
    token = checked.issuer.token()
    chance = random.Random(7)
    for _ in range(2000):
        place = chance.randrange(len(token))
        flipped = token[:place] + chr(ord(token[place]) ^ (1 << chance.randrange(7))) + token[place + 1 :]
        assert not await checked.accepts(flipped), flipped
    assert await checked.accepts(token)


@pytest.mark.parametrize("endorsements", [None, [], ["msteams", "webchat"]])
async def test_a_key_without_endorsements_speaks_for_every_channel(
    checked: Checked, endorsements: list[str] | None
) -> None:
    checked.issuer.endorsements = endorsements
    assert await checked.accepts(checked.issuer.token())


async def test_a_key_endorsed_for_another_channel_is_refused(checked: Checked) -> None:
    checked.issuer.endorsements = ["webchat"]
    assert await checked.reason(f"Bearer {checked.issuer.token()}") is Reason.CHANNEL


async def test_a_token_with_critical_headers_is_refused(checked: Checked) -> None:
    token = checked.issuer.token(header={"crit": ["b64"], "b64": True})
    assert not await checked.accepts(token)


async def test_changed_claims_break_the_signature(checked: Checked) -> None:
    token = tampered(checked.issuer.token(), aud="somebody else")
    assert await checked.reason(f"Bearer {token}") is Reason.SIGNATURE


async def test_keys_are_fetched_once_for_many(checked: Checked) -> None:
    token = checked.issuer.token()
    assert all(await asyncio.gather(*(checked.accepts(token) for _ in range(50))))
    assert checked.issuer.fetches == 1


async def test_two_hundred_forged_key_ids_cause_no_further_fetch(checked: Checked) -> None:
    assert await checked.accepts(checked.issuer.token())
    for n in range(200):
        assert not await checked.accepts(checked.issuer.token(header={"kid": f"forged-{n}"}))
        checked.clock.pass_time(seconds=1)
    assert checked.issuer.fetches == 1
    checked.clock.pass_time(seconds=100)
    for n in range(200):
        assert not await checked.accepts(checked.issuer.token(header={"kid": f"forged-{n}"}))
    assert checked.issuer.fetches == 2


async def test_a_new_key_is_accepted_within_five_minutes_and_the_old_one_still(checked: Checked) -> None:
    assert await checked.accepts(checked.issuer.token())
    checked.issuer.published.append("key-2")
    assert not await checked.accepts(checked.issuer.token(key="key-2"))
    checked.clock.pass_time(minutes=5)
    assert await checked.accepts(checked.issuer.token(key="key-2"))
    assert await checked.accepts(checked.issuer.token())
    assert checked.issuer.fetches == 2


async def test_a_withdrawn_key_is_refused_after_six_hours(checked: Checked) -> None:
    assert await checked.accepts(checked.issuer.token())
    checked.issuer.published = ["key-2"]
    checked.clock.pass_time(hours=6)
    assert not await checked.accepts(checked.issuer.token())


async def test_keys_outlive_their_source_by_a_day_and_no_longer(checked: Checked) -> None:
    assert await checked.accepts(checked.issuer.token())
    checked.issuer.status = 503
    for hours in (7, 10, 6.9):
        checked.clock.pass_time(hours=hours)
        assert await checked.accepts(checked.issuer.token())
    checked.clock.pass_time(hours=1)
    with pytest.raises(KeysUnavailable):
        await checked.accepts(checked.issuer.token())
    checked.issuer.status = 200
    checked.clock.pass_time(seconds=10)
    assert await checked.accepts(checked.issuer.token())


async def test_a_new_key_is_accepted_half_a_minute_after_its_source_is_back(checked: Checked) -> None:
    assert await checked.accepts(checked.issuer.token())
    checked.issuer.status, checked.issuer.published = 503, ["key-1", "key-2"]
    checked.clock.pass_time(minutes=5)
    for _ in range(20):
        assert not await checked.accepts(checked.issuer.token(key="key-2"))
        assert await checked.accepts(checked.issuer.token())
    checked.issuer.status = 200
    checked.clock.pass_time(seconds=30)
    assert await checked.accepts(checked.issuer.token(key="key-2"))
    assert checked.issuer.fetches == 2


async def test_a_source_that_is_down_is_not_asked_for_every_request(
    checked: Checked, caplog: pytest.LogCaptureFixture
) -> None:
    checked.issuer.status = 503
    for _ in range(20):
        with pytest.raises(KeysUnavailable):
            await checked.accepts(checked.issuer.token())
    assert len(caplog.records) == 1
    checked.issuer.status = 200
    checked.clock.pass_time(seconds=10)
    assert await checked.accepts(checked.issuer.token())


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"keys": "x"},
        {"keys": []},
        {"keys": [None, 1, {"kid": "key-1"}, {"kid": "key-1", "kty": "RSA", "n": "!", "e": "AQAB"}]},
        {"keys": [{"kid": "key-1", "kty": "oct", "k": "c2VjcmV0"}]},
    ],
)
async def test_a_key_document_without_a_usable_key_counts_as_none(checked: Checked, document: Any) -> None:
    checked.issuer.document = document
    with pytest.raises(KeysUnavailable):
        await checked.accepts(checked.issuer.token())


async def test_a_hanging_source_is_given_up_and_blocks_nobody() -> None:
    asked = 0

    async def hang(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        await asyncio.sleep(60)
        return web.Response()

    app = web.Application()
    app.router.add_get("/metadata", hang)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        cache = KeyCache(session, str(server.make_url("/metadata")), FakeClock(), deadline=0.1)
        results = await asyncio.gather(*(cache.key(f"k{n}") for n in range(20)), return_exceptions=True)
    assert all(isinstance(result, KeysUnavailable) for result in results)
    assert asked == 1

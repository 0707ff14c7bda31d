from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from sandbox.issuer import BOT_FRAMEWORK, CONNECTOR_AUDIENCE, InvalidToken
from tests.fakes import FakeClock
from tests.sandbox.stage import APP_ID, SECRET, Stage, key, stage

GOOD = {
    "grant_type": "client_credentials",
    "client_id": APP_ID,
    "client_secret": SECRET,
    "scope": "https://api.loganalytics.io/.default",
}


async def ask(on: Stage, **form: str) -> tuple[int, dict[str, Any]]:
    async with on.session.post(f"{on.url}/login/token", data=GOOD | form) as response:
        return response.status, await response.json()


async def test_a_token_is_for_the_scope_without_default_and_good_for_an_hour() -> None:
    async with stage() as on:
        status, answer = await ask(on)
        claims = on.issuer.check(f"Bearer {answer['access_token']}", "https://api.loganalytics.io")
    assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 3600)
    assert (claims["aud"], claims["appid"]) == ("https://api.loganalytics.io", APP_ID)
    assert claims["exp"] == on.clock.now().timestamp() + 3600


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_secret": "sécret"}, 401, "invalid_client"),
        ({"client_id": "someone-else"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "/.default"}, 400, "invalid_scope"),
    ],
)
async def test_who_is_not_the_bot_gets_no_token(wrong: dict[str, str], status: int, error: str) -> None:
    async with stage() as on:
        answered, body = await ask(on, **wrong)
    assert (answered, body["error"]) == (status, error)
    assert "access_token" not in body
    assert SECRET not in str(on.run.entries)


async def test_the_published_key_verifies_what_is_sent_to_the_bot() -> None:
    async with stage() as on:
        async with on.session.get(f"{on.url}/login/.well-known/openidconfiguration") as response:
            about = await response.json()
        async with on.session.get(about["jwks_uri"]) as response:
            published = (await response.json())["keys"]
        token = on.issuer.mint_for_bot("http://127.0.0.1/teams/")
    assert about["issuer"] == "https://api.botframework.com"
    assert about["id_token_signing_alg_values_supported"] == ["RS256"]
    assert [(k["endorsements"], k["use"], k["kty"]) for k in published] == [(["msteams"], "sig", "RSA")]
    assert "d" not in published[0]
    assert published[0]["kid"] == jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(
        token, jwt.PyJWK(published[0], "RS256"), ["RS256"], {"verify_exp": False}, audience=APP_ID
    )
    assert (claims["iss"], claims["serviceurl"]) == (
        "https://api.botframework.com",
        "http://127.0.0.1/teams/",
    )


async def test_times_are_those_of_the_sandbox_s_clock_and_not_of_the_wall() -> None:
    async with stage(clock=FakeClock(datetime(2022, 5, 19, 9, 39, tzinfo=UTC))) as on:
        authorization = f"Bearer {await on.token()}"
        on.issuer.check(authorization, CONNECTOR_AUDIENCE)
        on.clock.pass_time(minutes=64)
        on.issuer.check(authorization, CONNECTOR_AUDIENCE)
        on.clock.pass_time(minutes=2)
        with pytest.raises(InvalidToken, match="expired"):
            on.issuer.check(authorization, CONNECTOR_AUDIENCE)
        on.clock.pass_time(minutes=-80)
        with pytest.raises(InvalidToken, match="not valid yet"):
            on.issuer.check(authorization, CONNECTOR_AUDIENCE)


async def test_what_proves_nothing_is_refused() -> None:
    async with stage() as on:
        good = await on.token()
        own = on.issuer.mint_for_bot("http://x/")
        head, body, signature = good.split(".")
        claims = jwt.decode(good, options={"verify_signature": False})
        forged = [
            None,
            "",
            "Bearer",
            "Bearer ",
            "Basic Zm9vOmJhcg==",
            "Bearer junk",
            "Bearer a.b.c",
            "Bearer ü",
            f"Bearer {good} more",
            f"Bearer {head}.{body}.",
            f"Bearer {head}.{body}.{signature[::-1]}",
            f"Bearer {jwt.encode(claims, 'k' * 32, 'HS256')}",
            f"Bearer {jwt.encode(claims, '', 'none')}",
            f"Bearer {jwt.encode(claims, key(), 'RS512')}",
            # The token that the bot is sent does not open the door in the other direction.
            f"Bearer {own}",
            f"Bearer {on.issuer.sign({'iss': BOT_FRAMEWORK, 'aud': CONNECTOR_AUDIENCE, 'appid': APP_ID})}",
        ]
        for authorization in forged:
            with pytest.raises(InvalidToken):
                on.issuer.check(authorization, CONNECTOR_AUDIENCE)
        with pytest.raises(InvalidToken):
            on.issuer.check(f"Bearer {good}", "https://api.loganalytics.io")
        on.issuer.check(f"Bearer {good}", CONNECTOR_AUDIENCE)

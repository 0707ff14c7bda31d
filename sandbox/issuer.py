"""The sandbox's token issuer: stands in for Entra ID and for the Bot Framework's keys, with real RS256 JWTs."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from sandbox.run import Clock, Kind, Run

#: Who signs what Teams sends to a bot.
#: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
BOT_FRAMEWORK = "https://api.botframework.com"
#: What a bot's own token must be for when it calls the connector.
CONNECTOR_AUDIENCE = "https://api.botframework.com"
LIFETIME = 3600
#: Clock skew that the real services allow, in seconds.
LEEWAY = 300


class InvalidToken(Exception):
    """The Authorization header does not prove who calls. `reason` is one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Issuer:
    """One key, one bot. `url` is where `app` is mounted: `{SANDBOX_URL}/login`.

    Use `check` for what the bot sends, `mint_for_bot` for what is sent to the bot.
    """

    def __init__(
        self,
        *,
        url: str,
        app_id: str,
        secret: str,
        tenant_id: str,
        clock: Clock,
        run: Run,
        key: rsa.RSAPrivateKey | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._secret = secret
        self._tenant_id = tenant_id
        self._clock = clock
        self._run = run
        self._key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = uuid.uuid4().hex

    @property
    def app_id(self) -> str:
        return self._app_id

    def app(self) -> web.Application:
        """Return the routes: OpenID configuration, keys, token."""
        app = web.Application()
        app.router.add_get("/.well-known/openidconfiguration", self._configuration)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        return app

    def mint_for_bot(self, service_url: str) -> str:
        """Sign a token as it comes with every activity from Teams: for this bot, from `service_url`, good for 1 h."""
        return self.sign({"iss": BOT_FRAMEWORK, "aud": self._app_id, "serviceurl": service_url})

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign claims with the published key; the times are the sandbox's now unless `claims` has them."""
        now = int(self._clock.now().timestamp())
        times = {"iat": now, "nbf": now, "exp": now + LIFETIME}
        return jwt.encode({**times, **claims}, self._key, "RS256", headers={"kid": self._key_id})

    def check(self, authorization: str | None, audience: str) -> Mapping[str, Any]:
        """Return the claims of a bearer token that this issuer gave the bot for `audience`; else raise InvalidToken."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken("A bearer token is missing.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                audience=audience,
                issuer=self._token_issuer,
                # Times are checked below: PyJWT only knows the wall clock, and the sandbox's may be of 2022.
                options={
                    "require": ["exp", "nbf", "aud", "iss"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidTokenError as problem:
            raise InvalidToken(f"The token is not valid: {problem}.") from problem
        self._check_times(claims)
        return claims

    @property
    def _token_issuer(self) -> str:
        return f"https://sts.windows.net/{self._tenant_id}/"

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        if claims["exp"] + LEEWAY <= now:
            raise InvalidToken("The token has expired.")
        if claims["nbf"] - LEEWAY > now:
            raise InvalidToken("The token is not valid yet.")

    async def _configuration(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": BOT_FRAMEWORK,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{self._url}/keys",
                "token_endpoint": f"{self._url}/token",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        published = {"kty": key["kty"], "n": key["n"], "e": key["e"], "use": "sig"}
        named = {"kid": self._key_id, "x5t": self._key_id, "endorsements": ["msteams"]}
        return web.json_response({"keys": [published | named]})

    async def _token(self, request: web.Request) -> web.Response:
        """OAuth 2.0 client credentials, form-encoded (RFC 6749 §4.4)."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        refusal = self._refusal(form)
        if refusal:
            error, said, status = refusal
            self._run.add(Kind.TOKEN, f"Token refused: {said}", status=status)
            return web.json_response({"error": error, "error_description": said}, status=status)
        audience = form["scope"].removesuffix("/.default")
        token = self.sign(
            {
                "iss": self._token_issuer,
                "aud": audience,
                "appid": self._app_id,
                "tid": self._tenant_id,
                "ver": "1.0",
            }
        )
        self._run.add(Kind.TOKEN, f"Token for {audience}", status=200)
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": LIFETIME,
                "ext_expires_in": LIFETIME,
                "access_token": token,
            },
            headers={"Cache-Control": "no-store"},
        )

    def _refusal(self, form: Mapping[str, str]) -> tuple[str, str, int] | None:
        if form.get("grant_type") != "client_credentials":
            return "unsupported_grant_type", "grant_type must be client_credentials.", 400
        # Both are compared in full, so that the answer takes as long for a wrong id as for a wrong secret.
        known = _same(form.get("client_id", ""), self._app_id)
        if not _same(form.get("client_secret", ""), self._secret) or not known:
            return "invalid_client", "client_id or client_secret is wrong.", 401
        if not form.get("scope", "").removesuffix("/.default"):
            return "invalid_scope", "scope is missing.", 400
        return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())

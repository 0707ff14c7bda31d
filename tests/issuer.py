"""A local issuer: publishes keys over real HTTP on loopback and mints tokens with any defect."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from bot.ports import Clock

ISSUER = "https://api.botframework.com"
DROP = object()


@functools.cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """Return the key of that name: made once a run, because making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """`published` are the key ids in the key document, `fetches` how often that was asked for."""

    clock: Clock
    audience: str
    service_url: str
    published: list[str] = field(default_factory=lambda: ["key-1"])
    endorsements: list[str] | None = field(default_factory=lambda: ["msteams"])
    fetches: int = 0
    status: int = 200
    document: Any = None
    url: str = ""

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/.well-known/openidconfiguration"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return valid claims with the changes; times are given relative to now, in seconds."""
        now = int(self.clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": self.audience,
            "serviceurl": self.service_url,
            "nbf": now - 60,
            "exp": now + 3600,
        }
        for name, value in changes.items():
            if value is DROP:
                claims.pop(name, None)
            elif name in {"exp", "nbf", "iat"} and isinstance(value, int) and not isinstance(value, bool):
                claims[name] = now + value
            else:
                claims[name] = value
        return claims

    def token(
        self,
        *,
        key: str = "key-1",
        header: Mapping[str, Any] | None = None,
        algorithm: str = "RS256",
        **changes: Any,
    ) -> str:
        """Mint a token signed with `key`; its `kid` is the key's name unless `header` says otherwise."""
        headers = {"kid": key} | dict(header or {})
        headers = {name: value for name, value in headers.items() if value is not DROP}
        return sign(self.claims(**changes), key, headers, algorithm)

    async def serve_metadata(self, _request: web.Request) -> web.Response:
        return web.json_response({"issuer": ISSUER, "jwks_uri": f"{self.url}/keys"}, status=self.status)

    async def serve_keys(self, _request: web.Request) -> web.Response:
        self.fetches += 1
        keys = []
        for kid in self.published:
            jwk = RSAAlgorithm.to_jwk(private_key(kid).public_key(), as_dict=True) | {"kid": kid}
            keys.append(jwk | ({} if self.endorsements is None else {"endorsements": self.endorsements}))
        return web.json_response(
            {"keys": keys} if self.document is None else self.document, status=self.status
        )


@asynccontextmanager
async def open_issuer(clock: Clock, audience: str, service_url: str) -> AsyncIterator[Issuer]:
    issuer = Issuer(clock=clock, audience=audience, service_url=service_url)
    app = web.Application()
    app.router.add_get("/.well-known/openidconfiguration", issuer.serve_metadata)
    app.router.add_get("/keys", issuer.serve_keys)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("")).rstrip("/")
        yield issuer


def sign(claims: Mapping[str, Any], key: str, headers: Mapping[str, Any], algorithm: str) -> str:
    """Sign like an issuer, or like a forger: "none", and HS256 with the public key as the secret."""
    if algorithm == "none":
        return f"{_part({'alg': 'none', 'typ': 'JWT'} | dict(headers))}.{_part(claims)}."
    if algorithm == "HS256":
        secret = private_key(key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signing = f"{_part({'alg': 'HS256', 'typ': 'JWT'} | dict(headers))}.{_part(claims)}"
        return f"{signing}.{_b64(hmac.new(secret, signing.encode(), hashlib.sha256).digest())}"
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, private_key(key), algorithm=algorithm, headers=dict(headers))


def tampered(token: str, **changes: Any) -> str:
    """Return the token with other claims under the same signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{_part(claims | changes)}.{signature}"


def _part(value: Mapping[str, Any]) -> str:
    return _b64(json.dumps(value).encode())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

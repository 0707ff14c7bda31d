from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from bot.errors import Reason, Rejected, Unavailable
from bot.teams import AppToken, Sender, ServiceHosts
from bot.teams.failures import wait_asked
from tests.fakes import NOW, FakeClock, FakeMeter
from tests.teams_world import Connector, FakeCredential, hosts_of, open_connector


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    async with open_connector() as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def credential() -> FakeCredential:
    return FakeCredential(FakeClock())


@pytest.fixture
def sender(connector: Connector, session: aiohttp.ClientSession, credential: FakeCredential) -> Sender:
    clock = credential.clock
    return Sender(
        session=session,
        tokens=AppToken(credential, clock),
        hosts=hosts_of(connector),
        clock=clock,
        meter=FakeMeter(),
    )


async def test_a_hundred_messages_need_one_token(
    sender: Sender, connector: Connector, credential: FakeCredential
) -> None:
    credential.slow = 0.02
    await asyncio.gather(*(sender.send("POST", connector.service_url, "x", b"{}") for _ in range(100)))
    assert credential.given == 1
    assert credential.scopes == ["https://api.botframework.com/.default"]
    assert {sent.authorization for sent in connector.sent} == {"Bearer token-1"}


async def test_a_token_is_refreshed_before_it_ends(
    sender: Sender, connector: Connector, credential: FakeCredential
) -> None:
    clock = credential.clock
    assert isinstance(clock, FakeClock)
    for minutes in (0, 54, 1):
        clock.pass_time(minutes=minutes)
        await sender.send("POST", connector.service_url, "x", b"{}")
    assert [sent.authorization for sent in connector.sent] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]


async def test_a_refused_token_is_replaced_once(
    sender: Sender, connector: Connector, credential: FakeCredential
) -> None:
    connector.faults = [(401, {}, b"")]
    await sender.send("POST", connector.service_url, "x", b'{"a":1}')
    assert [sent.authorization for sent in connector.sent] == ["Bearer token-1", "Bearer token-2"]
    assert [sent.body for sent in connector.sent] == [{"a": 1}, {"a": 1}]


async def test_a_second_refusal_is_final_but_may_be_mended(sender: Sender, connector: Connector) -> None:
    connector.faults = [(401, {}, b""), (401, {}, b"")]
    with pytest.raises(Unavailable) as failure:
        await sender.send("POST", connector.service_url, "x", b"{}")
    assert failure.value.reason is Reason.UNAUTHORIZED
    assert len(connector.sent) == 2


async def test_no_token_sends_nothing_and_tells_no_secret(
    sender: Sender, connector: Connector, credential: FakeCredential
) -> None:
    credential.refuse = "AADSTS7000222: the secret s3cr3t~value has expired"
    with pytest.raises(Unavailable) as failure:
        await sender.send("POST", connector.service_url, "x", b"{}")
    assert failure.value.reason is Reason.UNAUTHORIZED
    assert failure.value.detail == "no token: ClientAuthenticationError AADSTS7000222"
    assert connector.sent == []


async def test_a_redirect_is_not_followed(sender: Sender, connector: Connector) -> None:
    connector.faults = [(307, {"Location": "https://evil.example/"}, b"")]
    with pytest.raises(Rejected):
        await sender.send("POST", connector.service_url, "x", b"{}")
    assert len(connector.sent) == 1


@pytest.mark.parametrize("url", ["https://evil.example/", "http://localhost:1/", "https://127.0.0.1/", ""])
async def test_the_token_goes_to_allowed_hosts_only(
    sender: Sender, credential: FakeCredential, url: str
) -> None:
    with pytest.raises(Rejected) as failure:
        await sender.send("POST", url, "x", b"{}")
    assert failure.value.reason is Reason.HOST
    assert credential.given == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net:443/emea",
        "https://SMBA.trafficmanager.net/",
        "https://webchat.botframework.com/",
        "https://smba.infra.gcc.teams.microsoft.com/gcc",
        "https://smba.infra.gov.teams.microsoft.us/gcch",
    ],
)
def test_teams_own_hosts_are_allowed(url: str) -> None:
    assert ServiceHosts().allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://smba.trafficmanager.net/",
        "https://botframework.com/",
        "https://evilbotframework.com/",
        "https://smba.trafficmanager.net./",
        "https://smba.trafficmanager.net:444/",
        "https://smba.trafficmanager.net:x/",
        "https://smba.trafficmanager.net:99999/",
        "https://user@smba.trafficmanager.net/",
        "https://evil.example\\@smba.trafficmanager.net/",
        "https://evil.example#@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net/?x=",
        "https://smba.trafficmanager.net/#",
        "https://smba.trafficmanager.net%2eevil.example/",
        "https://smba.traffic\tmanager.net/",
        "https://smba.trafficmanager.net/\r\nX: y",
        "https://smba.trafficmanager。net/",
        "https://[::1/",
        "https:///x",
        "javascript:1",
        "http://127.0.0.1:8100/teams/",
        "",
    ],
)
def test_what_only_looks_like_teams_is_refused(url: str) -> None:
    assert not ServiceHosts().allows(url)


def test_plain_http_is_for_the_sandbox_alone() -> None:
    hosts = ServiceHosts(sandbox="127.0.0.1:8100")
    assert hosts.allows("http://127.0.0.1:8100/teams/")
    assert not hosts.allows("http://127.0.0.1:8101/teams/")
    assert not hosts.allows("http://smba.trafficmanager.net/")


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("2", timedelta(seconds=2)),
        (" 0 ", timedelta()),
        ("Wed, 04 Mar 2026 09:39:29 GMT", timedelta(seconds=30)),
        ("Wed, 04 Mar 2026 09:00:00 GMT", timedelta()),
        ("86400", timedelta(minutes=15)),
        ("9" * 400, timedelta(minutes=15)),
        ("Wed, 04 Mar 2099 09:00:00 GMT", timedelta(minutes=15)),
        ("-1", None),
        ("soon", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date_and_capped(header: str, wait: timedelta | None) -> None:
    assert wait_asked(header, NOW) == wait

"""Which service URLs activities may name: the bot's own token is sent there."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

#: Bot Connector of the public cloud, of GCC and of GCC High, and what Bot Framework itself runs.
#: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
TEAMS_HOSTS = (
    "smba.trafficmanager.net",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
    "*.botframework.com",
)
HTTPS_PORT = 443


class ServiceHosts:
    """The allow-list. `*.example.com` means any host below example.com, not example.com itself."""

    def __init__(self, hosts: Iterable[str] = TEAMS_HOSTS, *, sandbox: str = "") -> None:
        """`sandbox` is the one host:port that may be spoken to over plain http; "" (production) is none."""
        names = [host.lower() for host in hosts]
        self._exact = frozenset(name for name in names if not name.startswith("*."))
        self._below = tuple(name.removeprefix("*") for name in names if name.startswith("*."))
        self._sandbox = sandbox.lower()

    def allows(self, url: str) -> bool:
        """Tell whether the bot's token may be sent to this base URL. Never raises, whatever the text."""
        # Parsers disagree about these characters; a URL that two of them read differently is refused.
        if not url.isascii() or any(c.isspace() or not c.isprintable() or c in "\\@?#%" for c in url):
            return False
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if self._sandbox and parts.scheme == "http":
            return parts.netloc.lower() == self._sandbox
        if parts.scheme != "https" or port not in {None, HTTPS_PORT}:
            return False
        return host in self._exact or host.endswith(self._below)

"""What a setting's text may be: each check answers for whatever text it is given, and raises nothing."""

from __future__ import annotations

import ipaddress
import re
import uuid
from typing import Any
from urllib.parse import SplitResult, urlsplit

_PORT = re.compile(r"[0-9]{1,5}")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.IGNORECASE)
#: At least two labels below a star: `*.com` would hand the bot's token to anybody.
_HOSTS = re.compile(r"(\*\.[a-z0-9-]+\.[a-z0-9.-]+|[a-z0-9-]+(\.[a-z0-9-]+)+)")
_LONGEST_NAME = 253


def url(text: str) -> SplitResult | None:
    """Return the parts of a URL with a host, without a user and with a port that is one, if it has one; else None."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return None
    return parts if parts.hostname and parts.username is None else None


def database(text: str) -> bool:
    """Tell whether this may be the URL of an SQLite file or a PostgreSQL database."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return False
    return parts.scheme.split("+")[0] in {"sqlite", "postgresql"}


def port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and 0 < int(text) < 65536  # noqa: PLR2004 - TCP's range


def guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def host(text: str) -> bool:
    """Tell whether this can be the address or the name of a machine."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None
    return True


def loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return text == "localhost"


def service_host(text: str) -> bool:
    """Tell whether this names a host of the Bot Connector, or with `*.` in front all hosts below a name."""
    return _HOSTS.fullmatch(text) is not None


def resource_list(value: Any) -> bool:
    """Tell whether this is a list of Azure resource ids, or leading parts of them."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(v, str) and v.lower().startswith("/subscriptions/") for v in value)
    )

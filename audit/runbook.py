"""The team's runbook for an alert, where the rule's custom properties give a link to one."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from audit.alert import Alert
from audit.secrets import Tally, without_secrets
from audit.uris import without_uri_secrets

LONGEST_URL = 2000
#: Names of a custom property that give the link, without case, "_", "-" and spaces; the first that may be opened counts.
NAMES = ("runbookurl", "runbook", "runbooklink", "playbookurl", "playbook", "playbooklink")
_IN_NAMES = str.maketrans("", "", " _-.")
#: What may stand in a URL as it is: https://www.rfc-editor.org/rfc/rfc3986#section-2
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_HTTPS = 443


def runbook_url(alert: Alert, allowed_hosts: Collection[str]) -> str:
    """Return the link that the alert's custom properties give, or "".

    An alert is hostile text, so the link must be https, lead to exactly one of `allowed_hosts` (lower case), be at most
    LONGEST_URL characters of plain ASCII, and carry no credentials: neither a user nor what looks like a secret.
    """
    given = {name.translate(_IN_NAMES).lower(): value for name, value in alert.custom_properties.items()}
    links = (given[name].strip() for name in NAMES if name in given)
    return next((link for link in links if is_link(link, allowed_hosts)), "")


def is_link(url: str, allowed_hosts: Collection[str]) -> bool:
    """Tell whether `runbook_url` would return it."""
    if len(url) > LONGEST_URL or not _PLAIN.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_ours = parts.scheme == "https" and parts.hostname in allowed_hosts and port in {None, _HTTPS}
    return is_ours and "@" not in parts.netloc and not _has_secret(parts)


def _has_secret(parts: SplitResult) -> bool:
    tally = Tally()
    without_secrets(parts.path, tally)
    without_uri_secrets(f"?{parts.query}&{parts.fragment}", tally)
    return tally.count > 0

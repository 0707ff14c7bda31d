"""The buttons of our cards. Their data holds an opaque key and an action's name: all else is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from cards.elements import Execute, OpenUrl, Submit, ToggleVisibility

#: The only hosts that a card of ours opens. https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
PORTALS = frozenset({"portal.azure.com", "portal.azure.us", "portal.azure.cn"})
_LONGEST_URL = 2500
#: What the data of a button on an answer holds besides: a click on it does not tell where the incident's card stands.
ANSWER = {"c": 1}


def acknowledge(key: str) -> Execute:
    return Execute(title="Acknowledge", verb="acknowledge", data={"v": 1, "k": key})


def show_raw_log(key: str) -> Submit:
    data = {"msteams": {"type": "task/fetch"}, "v": 1, "a": "raw", "k": key, "p": 0}
    return Submit(title="Show raw log", data=data)


def raw_log_page(title: str, key: str, page: int) -> Submit:
    return Submit(title=title, data={"v": 1, "a": "raw", "k": key, "p": page})


def open_in_logs(url: str) -> Sequence[OpenUrl]:
    """Return the button, or none for what is not an address in the Azure portal."""
    return [OpenUrl(title="Open in Logs", url=url)] if _is_portal(url) else []


def _is_portal(url: str) -> bool:
    if not url or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and parts.netloc in PORTALS


def toggle(title: str, targets: Sequence[str]) -> ToggleVisibility:
    return ToggleVisibility(title=title, targets=list(targets))

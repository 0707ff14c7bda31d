"""The buttons of our cards. Their data holds an opaque key and an action's name: all else is looked up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cards.elements import Execute, OpenUrl, Submit, ToggleVisibility

#: The only hosts that a card of ours opens. https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
PORTALS = frozenset({"portal.azure.com", "portal.azure.us", "portal.azure.cn"})
_LONGEST_URL = 2500
#: Printable ASCII without spaces, backslashes and quotes.
_PLAIN_URL = re.compile(r"[!#-\[\]-~]+")
#: What the data of a button on an answer holds besides: a click on it does not tell where the incident's card stands.
ANSWER = {"c": 1}


def acknowledge(key: str) -> Execute:
    return Execute(title="Acknowledge", verb="acknowledge", data={"v": 1, "k": key})


def show_raw_log(key: str) -> Submit:
    data = {"msteams": {"type": "task/fetch"}, "v": 1, "a": "raw", "k": key, "p": 0}
    return Submit(title="Show raw log", data=data)


def raw_log_page(title: str, key: str, page: int) -> Submit:
    return Submit(title=title, data={"v": 1, "a": "raw", "k": key, "p": page})


def _dialog(title: str, key: str, what: str, **more: Any) -> Submit:
    data = {"msteams": {"type": "task/fetch"}, "v": 1, "a": what, "k": key} | more
    return Submit(title=title, data=data)


def what_else(key: str, row: str) -> Submit:
    """Ask what else the actor of a group did. `row` is the group's mark: its place changes while rows arrive."""
    return _dialog("What else did they do", key, "else", g=row)


def seven_answers(key: str, row: str, *, of: int = 1) -> Submit:
    """Ask for the seven answers of a group's event. `row` is the group's mark: its place changes while rows arrive.

    `of`: for how many groups the line stands; those of the first are given.
    """
    title = "Seven answers" if of == 1 else "Seven answers of the first"
    return _dialog(title, key, "seven", g=row)


def seen_before(key: str) -> Submit:
    return _dialog("Seen before", key, "before")


def runbook(url: str) -> Sequence[OpenUrl]:
    """Return the button, or none for what is no plain https address. Which hosts may be linked the caller decides."""
    parts = _https(url)
    return [OpenUrl(title="Runbook", url=url)] if parts and parts.hostname and "@" not in parts.netloc else []


def open_in_logs(url: str) -> Sequence[OpenUrl]:
    """Return the button, or none for what is not an address in the Azure portal."""
    return [OpenUrl(title="Open in Logs", url=url)] if _is_portal(url) else []


def _is_portal(url: str) -> bool:
    parts = _https(url)
    return parts is not None and parts.netloc in PORTALS


def _https(url: str) -> SplitResult | None:
    """Take an address apart; None for what a client might read otherwise than we do."""
    if not url or len(url) > _LONGEST_URL or not _PLAIN_URL.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        # A port that is none raises only when it is asked for.
        parts.port  # noqa: B018
    except ValueError:
        return None
    return parts if parts.scheme == "https" else None


def toggle(title: str, targets: Sequence[str]) -> ToggleVisibility:
    return ToggleVisibility(title=title, targets=list(targets))

"""The buttons of our cards. Their data holds an opaque key and an action's name: all else is looked up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cards.elements import Execute, OpenUrl, Submit, ToggleVisibility
from cards.text import plain

#: The only hosts that a card of ours opens. https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
PORTALS = frozenset({"portal.azure.com", "portal.azure.us", "portal.azure.cn"})
_LONGEST_URL = 4500
#: Printable ASCII without spaces, backslashes and quotes.
_PLAIN_URL = re.compile(r"[!#-\[\]-~]+")
_LONGEST_TITLE = 120
#: A line that no client draws as markup: words as the grammar writes them.
_PLAIN_LINE = re.compile(rf"(?!.*(?://|www\.|mailto:))[A-Za-z][A-Za-z0-9 ./:@-]{{0,{_LONGEST_TITLE - 1}}}")
#: What the data of a button on an answer holds besides: a click on it does not tell where the incident's card stands.
ANSWER = {"c": 1}


def acknowledge(key: str) -> Execute:
    return Execute(title="Acknowledge", verb="acknowledge", data={"v": 1, "k": key})


def show_raw_log(key: str, row: str = "", *, question: bool = False, of: int = 1) -> Submit:
    """Open the raw log of an incident; of a `question`, whose rows differ, that of the row with this mark.

    `of`: for how many groups the row's line stands; the first is shown.
    """
    titles = {True: "Raw log" if of == 1 else "Raw log of the first", False: "Show raw log"}
    more = {"g": row} if row else {}
    return _dialog(titles[question], key, "raw", question=question, p=0, **more)


def raw_log_page(
    title: str, key: str, page: int, row: str = "", *, question: bool = False, opens: bool = False
) -> Submit:
    """Turn to a page within the dialog, or open one with it. Of a question it is the raw log of one `row`."""
    more = {"g": row} if row else {}
    if opens:
        return _dialog(title, key, "raw", question=question, p=page, **more)
    return Submit(title=title, data={"v": 1, "a": "raw", _named(question): key, "p": page} | more)


def list_events(key: str, page: int = 0, *, title: str = "List all") -> Submit:
    """Open the list of all events of a question, one line each; `page` counts from 0."""
    return _dialog(title, key, "list", question=True, p=page)


def list_page(title: str, key: str, page: int) -> Submit:
    """Turn to a page of that list within the dialog."""
    return Submit(title=title, data={"v": 1, "a": "list", "q": key, "p": page})


def show_query(key: str) -> Submit:
    """Open the query that ran for a question."""
    return _dialog("KQL", key, "kql", question=True)


def _named(question: bool) -> str:
    """Return what a button's data calls its key: a question's, or an incident's."""
    return "q" if question else "k"


def _dialog(title: str, key: str, what: str, *, question: bool = False, **more: Any) -> Submit:
    data = {"msteams": {"type": "task/fetch"}, "v": 1, "a": what, _named(question): key} | more
    return Submit(title=title, data=data)


def what_else(key: str, row: str, *, question: bool = False) -> Submit:
    """Ask what else the actor of a group did. `row` is the group's mark: its place changes while rows arrive."""
    return _dialog("What else did they do", key, "else", question=question, g=row)


def seven_answers(key: str, row: str, *, of: int = 1, question: bool = False) -> Submit:
    """Ask for the seven answers of a group's event. `row` is the group's mark: its place changes while rows arrive.

    `of`: for how many groups the line stands; those of the first are given.
    """
    title = "Seven answers" if of == 1 else "Seven answers of the first"
    return _dialog(title, key, "seven", question=question, g=row)


def watch(key: str) -> Execute:
    """Make a question one that is asked again and again for the conversation."""
    return Execute(title="Watch this", verb="watch", data={"v": 1, "q": key})


def raise_(key: str) -> Execute:
    """Make an incident of what a question found."""
    return Execute(title="Raise", verb="raise", data={"v": 1, "q": key})


def ask(text: str, title: str = "") -> Submit:
    """Say a line, as if it had been typed: the client sends it as an ordinary message.

    Without a `title` of our own the line is the title, as far as it has no character that a client may draw as anything
    else; then it is "Ask this", and the line has to stand beside the button.
    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-actions#adaptive-cards-with-messageback-action
    """
    said = {"type": "messageBack", "text": text, "displayText": plain(text, _LONGEST_TITLE)}
    shown = title or (text if _PLAIN_LINE.fullmatch(text) else "Ask this")
    return Submit(title=shown, data={"msteams": said})


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

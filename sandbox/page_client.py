"""What `--check` sees: the page and its API over HTTP, and what a reader reads on a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Got:
    """One answer to GET."""

    status: int
    body: bytes


class PageClient:
    """The page's own API, as the page uses it. Raises aiohttp.ClientError and ValueError for what is no answer."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, path: str) -> Got:
        """Get a file of the page."""
        async with self._session.get(f"{self._url}{path}") as answer:
            return Got(status=answer.status, body=await answer.read())

    async def state(self) -> Json:
        async with self._session.get(f"{self._url}/sandbox/state") as answer:
            return dict(await answer.json())

    async def call(self, name: str, /, **body: Any) -> Json:
        async with self._session.post(f"{self._url}/sandbox/{name}", json=body) as answer:
            return dict(await answer.json())


def actions_of(part: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every action of a card, wherever it stands."""
    if isinstance(part, dict):
        if str(part.get("type", "")).startswith("Action."):
            yield part
        for value in part.values():
            yield from actions_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from actions_of(value)


def texts_of(part: Any) -> Iterator[str]:
    """Yield what a reader of the card reads, paragraph by paragraph."""
    if isinstance(part, dict):
        if part.get("type") == "RichTextBlock":
            yield "".join(
                run if isinstance(run, str) else str(run.get("text", "")) for run in part["inlines"]
            )
            return
        if part.get("type") == "TextBlock":
            yield str(part.get("text", ""))
        for value in part.values():
            yield from texts_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from texts_of(value)


def text_of(card: Any) -> str:
    """Return the whole text of a card in one line."""
    return one_line(" ".join(texts_of(card)))


def one_line(text: str, limit: int = 0) -> str:
    """Return the text with every run of white space as one blank; shortened to `limit` characters if that is given."""
    line = " ".join(text.split())
    return line if not limit or len(line) <= limit else f"{line[: limit - 1]}…"

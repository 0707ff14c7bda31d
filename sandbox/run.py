"""The run: what happened, in order, as the page shows it and `--out DIR` keeps it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


class Clock(Protocol):
    """The sandbox's time: what the bot's clock says too."""

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        ...


class Kind(StrEnum):
    WEBHOOK = "webhook"
    QUERY = "query"
    POST = "post"
    UPDATE = "update"
    DELETE = "delete"
    INVOKE = "invoke"
    MESSAGE = "message"
    TOKEN = "token"  # noqa: S105  (a word, not a secret)
    FAULT = "fault"
    NOTE = "note"


#: What `--out` keeps: activities that the bot sent or was answered, and the queries it asked.
KEPT = frozenset({Kind.QUERY, Kind.POST, Kind.UPDATE, Kind.DELETE, Kind.INVOKE, Kind.MESSAGE})
#: Longest readable part of a file's name, in characters.
_NAME = 60
#: Longest title, in characters: chat lines come as titles, too.
_TITLE = 200


def iso(at: datetime) -> str:
    """Write a time as Teams does: UTC to the millisecond, ending in Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened. `at` is the sandbox's time (ISO, UTC), `ms` what it took, `bytes` of JSON."""

    seq: int
    at: str
    kind: str
    title: str
    detail: Any = None
    ms: float | None = None
    status: int | None = None
    bytes: int | None = None
    rows: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all fields by name; None where there is nothing to say."""
        return asdict(self)


class Run:
    """Append-only. `out` is written as things happen, so that a killed sandbox leaves what it saw."""

    def __init__(self, clock: Clock, out: Path | None = None) -> None:
        self._clock = clock
        self._entries: list[Entry] = []
        self._subscribers: list[Callable[[Entry], None]] = []
        self._keeper = None if out is None else _Keeper(out)

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries)

    def subscribe(self, hear: Callable[[Entry], None]) -> None:
        """Call `hear` with every entry from now on."""
        self._subscribers.append(hear)

    def add(
        self,
        kind: str,
        title: str,
        *,
        detail: Any = None,
        ms: float | None = None,
        status: int | None = None,
        bytes: int | None = None,  # noqa: A002  (the page's word)
        rows: int | None = None,
    ) -> Entry:
        """Append an entry. `detail` is any JSON; it must not change afterwards."""
        entry = Entry(
            seq=len(self._entries) + 1,
            at=iso(self._clock.now()),
            kind=Kind(kind).value,
            title=title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…",
            detail=detail,
            ms=None if ms is None else round(ms, 1),
            status=status,
            bytes=bytes,
            rows=rows,
        )
        self._append(entry)
        self._keep(entry)
        return entry

    def write(self, out: Path) -> None:
        """Write what `--out` keeps of all entries so far. Raises OSError."""
        keeper = _Keeper(out)
        for entry in self._entries:
            keeper.keep(entry)

    def _append(self, entry: Entry) -> None:
        self._entries.append(entry)
        for hear in self._subscribers:
            hear(entry)

    def _keep(self, entry: Entry) -> None:
        if self._keeper is None:
            return
        try:
            self._keeper.keep(entry)
        except OSError as problem:
            # A full disk must not look like a fault of Teams: say it once and go on without files.
            self._keeper = None
            self.add(Kind.NOTE, f"Files are no longer written: {problem.strerror or problem}")


class _Keeper:
    """Writes kept entries as numbered files, the queries once more as text that the portal takes."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._count = 0

    def keep(self, entry: Entry) -> None:
        if entry.kind not in KEPT:
            return
        self._out.mkdir(parents=True, exist_ok=True)
        self._count += 1
        name = file_name(self._count, entry.kind, entry.title)
        body = {key: value for key, value in entry.to_json().items() if value is not None}
        (self._out / name).write_text(
            json.dumps(body, indent=2, ensure_ascii=False) + "\n", "utf-8", "replace"
        )
        if entry.kind == Kind.QUERY:
            self._keep_kql(name, entry)

    def _keep_kql(self, name: str, entry: Entry) -> None:
        detail = entry.detail if isinstance(entry.detail, dict) else {}
        kql = detail.get("kql") or detail.get("query")
        if not isinstance(kql, str):
            return
        with (self._out / "queries.kql").open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"// {name}, {entry.at}\n{kql.strip()}\n\n")


def file_name(number: int, kind: str, title: str) -> str:
    """Return a name that is one harmless path segment, whatever ids or chat texts the title holds."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower())[:_NAME].strip("-")
    return f"{number:04d}-{kind}{f'-{words}' if words else ''}.json"

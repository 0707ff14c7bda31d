"""Posts bodies over keep-alive connections, flat out or at a rate, and takes the time of every answer.

A client of its own, as small as one can be: aiohttp's costs as much as the server that it measures, on a machine
that both share.
"""

from __future__ import annotations

import asyncio
import base64
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

#: How long an answer is waited for, in seconds.
PATIENCE = 30.0
CONNECTIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What became of one request."""

    index: int
    #: HTTP status; 0: no answer.
    status: int
    #: From when it was due (at a rate) or sent (flat out) until its answer was whole.
    seconds: float
    body: bytes = b""
    #: When it was sent, by time.perf_counter; 0.0 for one that never left, because nobody listened.
    sent_at: float = 0.0


@dataclass(kw_only=True)
class Report:
    """All shots of a run, in the order in which they ended."""

    shots: list[Shot] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def statuses(self) -> Counter[int]:
        return Counter(shot.status for shot in self.shots)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.shots) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Return the latency in seconds that this share (0 to 1) of the answers did not exceed."""
        return percentile([shot.seconds for shot in self.shots if shot.status], share)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all does not exceed; NaN for none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


async def fire(
    url: str,
    bodies: Sequence[bytes],
    *,
    secret: str,
    rate: float | None = None,
    connections: int = CONNECTIONS,
    heard: Callable[[Shot], None] | None = None,
) -> Report:
    """Post every body once, in order, over up to `connections`; `rate` is a second, None flat out.

    At a rate every request has its moment, and its latency counts from then, whether a connection was free or not.
    `heard` is called with every shot as it ends. Never raises for what the server does.
    """
    report = Report()
    queue = _Queue(len(bodies), rate)
    started = time.perf_counter()
    queue.begin(started)
    request = _Requests(url, secret)

    async def one_after_another() -> None:
        line = _Line(request.host, request.port)
        try:
            while (index := await queue.take()) is not None:
                shot = await _shoot(line, request.of(bodies[index]), index, queue.due(index))
                report.shots.append(shot)
                if heard is not None:
                    heard(shot)
        finally:
            line.close()

    await asyncio.gather(*(one_after_another() for _ in range(min(connections, len(bodies)))))
    report.seconds = time.perf_counter() - started
    return report


class _Queue:
    """Whose turn it is, and when."""

    def __init__(self, count: int, rate: float | None) -> None:
        self._count = count
        self._gap = 1 / rate if rate else 0.0
        self._next = 0
        self._began = 0.0

    def begin(self, now: float) -> None:
        self._began = now

    def due(self, index: int) -> float | None:
        return self._began + index * self._gap if self._gap else None

    async def take(self) -> int | None:
        if self._next >= self._count:
            return None
        index, self._next = self._next, self._next + 1
        due = self.due(index)
        if due is not None and (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        return index


class _Requests:
    """Writes requests with HTTP Basic, as an action group's address has it."""

    def __init__(self, url: str, secret: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        credentials = base64.b64encode(f"azure:{secret}".encode()).decode()
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Basic {credentials}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def of(self, body: bytes) -> bytes:
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)


async def _shoot(line: _Line, request: bytes, index: int, due: float | None) -> Shot:
    began = time.perf_counter() if due is None else due
    sent_at = 0.0
    try:
        async with asyncio.timeout(PATIENCE):
            await line.open()
            sent_at = time.perf_counter()
            status, body = await line.exchange(request)
    except (OSError, TimeoutError, ValueError):
        line.close()
        status, body = 0, b""
    return Shot(index=index, status=status, seconds=time.perf_counter() - began, body=body, sent_at=sent_at)


class _Line:
    """One connection after another, one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._wire: _Wire | None = None

    async def open(self) -> None:
        """Make a connection, where there is none that lives. Raises OSError."""
        if self._wire is None or not self._wire.is_open:
            loop = asyncio.get_running_loop()
            _, self._wire = await loop.create_connection(_Wire, *self._address)

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send and return status and body. Raises OSError if the connection ends first."""
        if self._wire is None:
            raise ConnectionError("not open")
        return await self._wire.exchange(request)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None


class _Wire(asyncio.Protocol):
    """Reads answers that state their length, as aiohttp's do."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        if self._transport is None:
            raise ConnectionError("closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        head = bytes(self._buffer[:end]).lower()
        whole = end + 4 + _length(head)
        if len(self._buffer) < whole:
            return
        self._answer.set_result((int(head[9:12]), bytes(self._buffer[end + 4 : whole])))
        del self._buffer[:whole]
        if b"\r\nconnection: close" in head:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed before the answer"))


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError("an answer without a length")
    return int(rest.partition(b"\r\n")[0])

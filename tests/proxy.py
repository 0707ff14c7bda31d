"""A TCP proxy that breaks what goes through it, on demand: by the part that an HTTP request is for, or altogether.

With `parts` it reads the head of each request and lets every connection carry one request alone, so that a fault
meets the requests of its part and no others. Without, the bytes are nobody's business: PostgreSQL's, for one.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

LOOPBACK = "127.0.0.1"
CHUNK = 64 * 1024
LONGEST_HEAD = 64 * 1024
#: The bytes of an answer that arrive before it is cut.
HALF = 40
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
_PAGE = b"<html><h1>Bad day</h1></html>"
_BROKEN = b'{"tables": [{"co'
#: In turns: no HTTP at all, a page where JSON is due, and JSON that ends in the middle.
GARBAGE = (
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03 this is no answer \xff\xfe\r\n\r\n",
    _ANSWER % (b"text/html", len(_PAGE), _PAGE),
    _ANSWER % (b"application/json", len(_BROKEN), _BROKEN),
)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r\n]*", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Kind(StrEnum):
    PASS = "pass"
    #: Nobody there: without parts the port is closed, with parts the connection is reset where the head ends.
    DOWN = "down"
    #: Taken, and never answered.
    HANG = "hang"
    #: Every answer begins `seconds` late.
    SLOW = "slow"
    #: Answers that nobody can read; what was asked goes no further.
    GARBAGE = "garbage"
    #: Up and down, `seconds` each, down first.
    FLAPPING = "flapping"
    #: The request arrives, and its answer is cut off in the middle.
    HALF = "half"


@dataclass(frozen=True, kw_only=True)
class Fault:
    kind: Kind
    #: Of SLOW and FLAPPING.
    seconds: float = 10.0


WELL = Fault(kind=Kind.PASS)


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """Where the connections go: a port on loopback, or a socket in the file system."""

    port: int = 0
    path: Path | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError."""
        if self.path is not None:
            return await asyncio.open_unix_connection(self.path)
        return await asyncio.open_connection(LOOPBACK, self.port)


@dataclass(kw_only=True, eq=False)
class _Link:
    """One client's connection and where it leads."""

    client: asyncio.StreamWriter
    part: str = ""
    #: The client has asked since the last bytes of an answer.
    asked: bool = True


@dataclass(kw_only=True)
class Proxy:
    """Opened by `open_proxy`."""

    port: int
    upstream: Upstream
    #: The beginning of a path -> the part that it belongs to; the first one that fits counts.
    parts: Mapping[str, str]
    #: How many requests (without parts: connections) of each part met a fault.
    met: dict[str, int] = field(default_factory=dict)
    _faults: dict[str, Fault] = field(default_factory=dict)
    _flapping: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _links: set[_Link] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def set(self, fault: Fault, part: str = "") -> None:
        """Let this part (without parts: everything) fail like that from now on; WELL mends it."""
        await self._end_flapping(part)
        if fault.kind is Kind.FLAPPING:
            await self._put(Fault(kind=Kind.DOWN), part)
            self._flapping[part] = asyncio.create_task(self._flap(part, fault.seconds))
        else:
            await self._put(fault, part)

    async def close(self) -> None:
        for part in list(self._flapping):
            await self._end_flapping(part)
        await self._refuse()
        for task in (running := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def listen(self) -> None:
        """Take connections, if none are taken."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._taken, LOOPBACK, self.port, reuse_port=True, limit=LONGEST_HEAD
            )

    async def _refuse(self) -> None:
        """Close the port, and cut what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in list(self._links):
            link.client.transport.abort()

    async def _flap(self, part: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._put(WELL, part)
            await asyncio.sleep(seconds)
            await self._put(Fault(kind=Kind.DOWN), part)

    async def _end_flapping(self, part: str) -> None:
        if (task := self._flapping.pop(part, None)) is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _put(self, fault: Fault, part: str) -> None:
        self._faults[part] = fault
        if self.parts:
            return
        if fault.kind is Kind.DOWN:
            await self._refuse()
        else:
            await self.listen()

    def _fault(self, part: str) -> Fault:
        return self._faults.get(part, WELL)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio's would tell the loop's handler of every connection that is cut.
        task = asyncio.ensure_future(self._served(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(client=writer)
        self._links.add(link)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._pass_on(link, reader)
        finally:
            self._links.discard(link)
            writer.close()

    async def _pass_on(self, link: _Link, reader: asyncio.StreamReader) -> None:
        head = b""
        if self.parts:
            head, link.part = self._understood(await reader.readuntil(b"\r\n\r\n"))
        fault = self._fault(link.part)
        if fault.kind is not Kind.PASS:
            self.met[link.part] = self.met.get(link.part, 0) + 1
        match fault.kind:
            case Kind.DOWN:
                link.client.transport.abort()
            case Kind.GARBAGE:
                # Read first: closing on what was not read would be a reset.
                await _rest(head, reader)
                link.client.write(self._garbage(link.part))
                await link.client.drain()
            case Kind.HANG:
                while await reader.read(CHUNK):
                    pass
            case _:
                await self._relayed(link, head, reader)

    def _understood(self, head: bytes) -> tuple[bytes, str]:
        """Return the head of a request that asks for its connection to be closed, and the part that it is for."""
        path = head.split(b" ", 2)[1].decode("latin-1")
        part = next((part for start, part in self.parts.items() if path.startswith(start)), "")
        line, _, rest = head.partition(b"\r\n")
        return line + b"\r\nConnection: close" + _CONNECTION.sub(b"", b"\r\n" + rest), part

    def _garbage(self, part: str) -> bytes:
        return GARBAGE[(self.met[part] - 1) % len(GARBAGE)] if self.parts else GARBAGE[0]

    async def _relayed(self, link: _Link, head: bytes, reader: asyncio.StreamReader) -> None:
        answers, upstream = await self.upstream.connect()
        try:
            upstream.write(head)
            asking = asyncio.create_task(_ask(link, reader, upstream))
            try:
                await self._answer(link, answers)
            finally:
                asking.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await asking
        finally:
            upstream.close()

    async def _answer(self, link: _Link, answers: asyncio.StreamReader) -> None:
        while chunk := await answers.read(CHUNK):
            fault = self._fault(link.part)
            if link.asked and fault.kind is Kind.SLOW:
                await asyncio.sleep(fault.seconds)
            link.asked = False
            match fault.kind:
                case Kind.HALF:
                    link.client.write(chunk[:HALF])
                    await link.client.drain()
                    link.client.transport.abort()
                    return
                case Kind.GARBAGE if not self.parts:
                    link.client.write(GARBAGE[0])
                case Kind.HANG if not self.parts:
                    continue
                case _:
                    link.client.write(chunk)
            await link.client.drain()


async def _rest(head: bytes, reader: asyncio.StreamReader) -> None:
    """Read the body that the head announces; of what is no HTTP, what the client says first."""
    if not head:
        await reader.read(CHUNK)
    elif length := _LENGTH.search(head):
        await reader.readexactly(int(length[1]))


async def _ask(link: _Link, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
    """Carry what the client says; once it says no more, so does the other side."""
    while chunk := await reader.read(CHUNK):
        link.asked = True
        upstream.write(chunk)
        await upstream.drain()
    with suppress(OSError):
        upstream.write_eof()


@asynccontextmanager
async def open_proxy(upstream: Upstream, parts: Mapping[str, str] | None = None) -> AsyncIterator[Proxy]:
    """Serve on a free port of loopback until left; the port stays ours while it is closed."""
    with socket.socket() as held:
        # Bound and never listening: connections are refused while our server is closed, and nobody else gets the port.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((LOOPBACK, 0))
        proxy = Proxy(port=held.getsockname()[1], upstream=upstream, parts=parts or {})
        await proxy.listen()
        try:
            yield proxy
        finally:
            await proxy.close()

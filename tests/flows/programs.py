"""The sandbox as a program of its own, as `make demo` starts it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.samples import ROOT

#: What a person waits for at most, in seconds, on a busy machine.
PATIENCE = 60.0


def three_ports() -> int:
    """Return the first of three ports in a row that nobody listens on."""
    return ports_in_a_row(3)


def ports_in_a_row(count: int) -> int:
    """Return the first of so many ports in a row that nobody listens on."""
    for _ in range(100):
        first = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            for port in range(first, first + count):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError(f"no {count} free ports in a row")


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until_closed(port: int, patience: float = 15) -> bool:
    """Wait until nobody listens there any more; tell whether that came true."""
    ends = time.monotonic() + patience
    while is_open(port) and time.monotonic() < ends:
        time.sleep(0.05)
    return not is_open(port)


@dataclass(kw_only=True)
class Program:
    port: int
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def read_until(self, words: str) -> None:
        """Read its lines until one of them has the words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return
        raise AssertionError(f"it never said {words!r} but {self.lines} {self.errors()}")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal to its process group, as the terminal does, and return the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE)

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()


@contextmanager
def demo(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Start `python -m sandbox` in a process group of its own; whatever becomes of it, nothing stays behind."""
    # The page's, and two for each of two replicas.
    port = ports_in_a_row(5)
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port), *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    with process:
        try:
            yield Program(port=port, process=process)
        finally:
            # The bot ends with it: its standard input is a pipe that closes now.
            process.kill()

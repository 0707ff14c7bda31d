"""Ports on loopback: taking one, and saying in one sentence why it cannot be had."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

from sandbox.given import CannotStart
from sandbox.options import PORT

LOOPBACK = "127.0.0.1"


def bound(port: int, whose: str = "the page") -> socket.socket:
    """Return a socket bound to the port on loopback; 0 takes a free one. Raises CannotStart."""
    listening = socket.socket()
    # A demo that has just ended leaves connections behind, which are no reason to wait.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
    except OSError as error:
        listening.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise CannotStart(
            f"Port {port}, for {whose}, {why}; end what uses it, or choose other ports:"
            f' make demo ARGS="--port {_other(port)}".'
        ) from None
    return listening


def check_free(ports: dict[str, int]) -> None:
    """Raise CannotStart for the first port that is taken; keys say whose it is to be."""
    for whose, port in ports.items():
        bound(port, whose).close()


def free_ports(count: int) -> list[int]:
    """Return different ports that nobody listens on at this moment."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind((LOOPBACK, 0))
        return [int(one.getsockname()[1]) for one in taken]


def _other(port: int) -> int:
    """Suggest a port away from the one that is taken, and from those just after it."""
    return PORT + 100 if abs(port - PORT) < 100 else PORT  # noqa: PLR2004 - as far as the suggestion lies away

"""In sandbox mode the bot belongs to whoever started it, and ends with that, however that ends."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable

_STDIN = 0


def end_with_parent(stop: Callable[[], None]) -> None:
    """Call `stop` once standard input ends, if it is a pipe: its other end closes even when its holder is killed.

    Anything else (a terminal, /dev/null, a file) says nothing about who started us, and is not read.
    """
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(_STDIN).st_mode)
    except OSError:
        return
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(_STDIN, 4096):
            loop.remove_reader(_STDIN)
            stop()

    if is_pipe:
        loop.add_reader(_STDIN, readable)

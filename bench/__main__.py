"""python -m bench NAME [--scale 0.1]: run one row, print its notes and its line; exit 1 when it missed its bar."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import cast

from bench.result import Result

#: Each is a module of this package with `async def measure(scale: float) -> Result`.
ROWS = (
    "accept",
    "send",
    "latency",
    "storm",
    "kill",
    "replicas",
    "faults",
    "order",
    "missed",
    "soak",
    "stop",
    "start",
    "claim",
    "decode",
    "growth",
    "header",
    "hostile",
    "chat",
)
Measure = Callable[[float], Coroutine[None, None, Result]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the row that the command line names."""
    row, scale = _read(arguments)
    measure = cast("Measure", importlib.import_module(f"bench.{row}").measure)
    result = asyncio.run(measure(scale))
    for note in result.notes:
        print(note)
    print(result, flush=True)
    return 0 if result.held else 1


def _read(arguments: Sequence[str] | None) -> tuple[str, float]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("row", choices=ROWS, metavar="NAME", help=", ".join(ROWS))
    parser.add_argument("--scale", type=_scale, default=1.0, help="1 is the recorded run, 0.1 a tenth of it")
    read = parser.parse_args(arguments)
    return read.row, read.scale


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale <= 100:
        raise argparse.ArgumentTypeError("must be above 0 and at most 100")
    return scale


if __name__ == "__main__":
    sys.exit(main())

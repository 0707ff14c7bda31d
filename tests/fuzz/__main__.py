"""python -m tests.fuzz [LINES] [--seed N]: many damaged lines through the grammar; exit 1 at the first that is wrong."""

from __future__ import annotations

import argparse
import time
from random import Random

from tests.fuzz.lines import check, mutated, noise


def main() -> None:
    """Try as many lines as the command line says, one in five of them noise."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("lines", type=int, nargs="?", default=50_000, metavar="LINES")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    random, understood, began = Random(asked.seed), 0, time.perf_counter()
    for number in range(asked.lines):
        line = noise(random) if number % 5 == 0 else mutated(random)
        try:
            understood += check(line)
        except BaseException:
            print(f"line {number} of seed {asked.seed}: {line!r}")
            raise
    took = time.perf_counter() - began
    print(f"{asked.lines} lines in {took:.1f} s: {understood} understood, the others told why; none raised")


if __name__ == "__main__":
    main()

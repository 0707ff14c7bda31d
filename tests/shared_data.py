"""Real input that lies beside the repository where it is there: extra for the tests, never part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environment import environment

SHARED = Path(__file__).parents[1] / "../shared/data"


def shared_data_missing() -> str | None:
    """Say why tests on real input did not run; None where it is there."""
    return (
        None if SHARED.is_dir() else "the tests on real captured input, which does not lie beside this clone."
    )


def shared_data(name: str = "") -> Path:
    """Return a file or folder of the shared data; skip the test without it, or fail it where CI is set."""
    path = (SHARED / name).resolve()
    if not path.exists():
        reason = f"no shared data here: {name or SHARED}"
        if environment().ci:
            pytest.fail(reason)
        pytest.skip(reason)
    return path

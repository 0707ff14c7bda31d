"""The project's own samples, by name."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]


def sample(name: str) -> Path:
    """Return the path of a sample such as "alerts/coredns-changed.json"."""
    path = ROOT / "samples" / name
    if not path.is_file():
        raise FileNotFoundError(f"there is no sample {name}")
    return path

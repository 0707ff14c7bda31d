"""The process: its two ports, its settings, its commands."""

from __future__ import annotations

#: As in pyproject.toml.
VERSION = "0.1.0"

"""In which zone times are told to somebody."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str, default: ZoneInfo) -> ZoneInfo:
    """Return the asker's zone as Teams names it, if that is a name we know."""
    try:
        return ZoneInfo(name) if name else default
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return default

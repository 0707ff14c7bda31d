"""All that is kept, in one database: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

from bot.store.store import open_store

__all__ = ["open_store"]

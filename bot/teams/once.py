"""Tells an activity that was delivered twice; over replicas the store's admission of questions does."""

from __future__ import annotations

from bot.teams.activity import Activity, text_at

#: Teams delivers again within seconds, if it does at all.
MOST = 4096


class Once:
    """Remembers the last activities of this process."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seen: dict[tuple[str, str], None] = {}

    def first(self, activity: Activity) -> bool:
        """Tell whether this is the first time; one without an id always is."""
        id_ = text_at(activity, "id")
        if not id_:
            return True
        key = (text_at(activity, "conversation", "id"), id_)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]
        return True

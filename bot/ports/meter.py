"""What is counted."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Where what happens is counted, for /metrics. Never raises; labels come from closed lists."""

    def accepted(self, result: str) -> None:
        """An alert came in: "accepted", "repeated", "refused" or "not stored"."""
        ...

    def claimed(self, kind: str, rows: int, taken_over: int) -> None:
        """Rows were claimed; kind: "look", "notification" or "chore"."""
        ...

    def sent(self, operation: str, reason: str, seconds: float) -> None:
        """A call of the Bot Connector ended; operation: "post", "update", "delete", …; reason: "ok" or a Reason."""
        ...

    def asked(self, reason: str, seconds: float) -> None:
        """A question to a workspace ended; reason: "ok", "partial" or a Reason."""
        ...

    def put_off(self, kind: str, reason: str) -> None:
        """A try failed and will be made again."""
        ...

    def gave_up(self, reason: str) -> None:
        """A notification became a dead letter."""
        ...

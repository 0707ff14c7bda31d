"""How the stand-in workspace fails on demand."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

FAULT_KINDS: Final = (
    "down",
    "slow",
    "partial",
    "garbage",
    "throttled",
    "forbidden",
    "unauthorized",
    "timeout",
    "empty",
    "huge",
    "basic",
    "missing-table",
    "wrong-workspace",
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to fail, a `kind` of FAULT_KINDS.

    * down: the connection is reset; with `status` (such as 503) that is answered instead.
    * slow: waits `seconds`, then answers.
    * partial: half of the rows, and an error beside them.
    * garbage: 200 with a page of HTML, or with `cut` JSON that ends in the middle.
    * throttled: 429 with Retry-After `seconds`.
    * forbidden: 403. unauthorized: 401. timeout: the service's own 504.
    * empty: 204, or with `status` (such as 200) that and no body.
    * huge: rows without end.
    * basic: the tables that can be on a Basic plan are, and a query of one of them is refused: 400.
    * missing-table: no table of audit events is there.
    * wrong-workspace: 404, for nobody has such a workspace.
    """

    kind: str
    seconds: float = 5
    status: int = 0
    cut: bool = False

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"no such fault: {self.kind}")


class Faults:
    """Which fault the next request meets: a queued one first, else the standing one."""

    def __init__(self) -> None:
        self._standing: Fault | None = None
        self._queued: deque[Fault | None] = deque()

    def set(self, kind: str | None, *, seconds: float = 5, status: int = 0, cut: bool = False) -> None:
        """Fail like that until told otherwise; None: work again, and forget what is queued.

        Raises ValueError for a kind that there is not.
        """
        self._standing = None if kind is None else Fault(kind=kind, seconds=seconds, status=status, cut=cut)
        if kind is None:
            self._queued.clear()

    def queue(self, *kinds: str | None, seconds: float = 5, status: int = 0, cut: bool = False) -> None:
        """Fail once for each, in this order, before the standing fault counts again; None works once.

        Raises ValueError for a kind that there is not.
        """
        self._queued.extend(
            [
                None if kind is None else Fault(kind=kind, seconds=seconds, status=status, cut=cut)
                for kind in kinds
            ]
        )

    @property
    def standing(self) -> Fault | None:
        """The fault that lasts."""
        return self._standing

    def take(self) -> Fault | None:
        """Return what the request that has come meets, and count it as met."""
        return self._queued.popleft() if self._queued else self._standing

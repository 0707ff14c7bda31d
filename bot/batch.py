"""Group commit: what comes while one group is being written is the next group, written as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


class Batch(Generic[Item, Done]):
    """Gathers items and hands them over in groups, one group at a time, in the order in which they came."""

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Done]]], *, most: int) -> None:
        """`write` returns one result per item; what it raises, everybody in the group gets. `most`: of a group."""
        self._write = write
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Done]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Done:
        """Return the item's result once its group is written. Whoever is cancelled meanwhile stops nothing."""
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await future

    async def _write_all(self) -> None:
        try:
            # What else is ready to come in this turn of the loop belongs to the first group.
            await asyncio.sleep(0)
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._write_group(group)
        finally:
            self._writing = None

    async def _write_group(self, group: Sequence[tuple[Item, asyncio.Future[Done]]]) -> None:
        try:
            results = await self._write([item for item, _ in group])
        except BaseException as failure:
            for _, future in group:
                if not future.done():
                    future.set_exception(_for_each(failure))
            if not isinstance(failure, Exception):
                raise
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)


def _for_each(failure: BaseException) -> BaseException:
    # A cancelled writer must not look as if each caller had been cancelled.
    return failure if isinstance(failure, Exception) else RuntimeError("the group was not written")

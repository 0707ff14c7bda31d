"""One question asked once: incidents of a storm whose windows and queries agree share an answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ports import Answer, AuditLog, Clock, Query

#: How long an answer serves for the same question again: incidents of one storm are looked at within seconds.
FRESH = timedelta(seconds=5)
#: Answers kept: at most 8 MiB each, and seldom a hundredth of that.
MOST_KEPT = 32


@dataclass(eq=False)
class _Question:
    """A question under way or answered a moment ago."""

    asked_at: datetime
    task: asyncio.Task[Answer]
    waiting: int = 0


class SharedLog:
    """bot.ports.AuditLog that asks the same only once at a time, and not again at once. Only whole answers are kept."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._asked: dict[tuple[object, ...], _Question] = {}

    async def ask(self, query: Query) -> Answer:
        key = (query.workspace.id, query.kql, query.window)
        question = self._asked.get(key)
        if question is None or self._is_over(question):
            self._forget()
            question = _Question(self._clock.now(), asyncio.create_task(self._log.ask(query)))
            self._asked[key] = question
        question.waiting += 1
        try:
            # One who stops waiting does not take the answer from the others.
            return await asyncio.shield(question.task)
        finally:
            question.waiting -= 1
            if not question.waiting and not question.task.done():
                # Nobody wants it any more, and it holds a place at the workspace.
                question.task.cancel()
            if not _is_whole(question.task) and self._asked.get(key) is question:
                del self._asked[key]

    def _is_over(self, question: _Question) -> bool:
        return question.task.done() and self._clock.now() - question.asked_at > FRESH

    def _forget(self) -> None:
        for key in [key for key, question in self._asked.items() if self._is_over(question)]:
            del self._asked[key]
        done = [key for key, question in self._asked.items() if question.task.done()]
        for key in done[: max(0, len(self._asked) + 1 - MOST_KEPT)]:
            del self._asked[key]


def _is_whole(task: asyncio.Task[Answer]) -> bool:
    """Tell whether the answer may serve others, or may yet come."""
    if not task.done():
        return not task.cancelling()
    return not task.cancelled() and task.exception() is None and not task.result().partial

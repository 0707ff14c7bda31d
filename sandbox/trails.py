"""What the bot keeps of an incident's way, asked of its health port as whoever runs it would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

PATIENCE = aiohttp.ClientTimeout(total=10, sock_connect=2)


@dataclass(frozen=True, kw_only=True)
class Told:
    """The bot's answer: its HTTP status and JSON; 503 where nobody answered."""

    status: int
    body: dict[str, Any]


class Trails:
    """`health_ports` are those of the bot's processes; the first one that answers is asked."""

    def __init__(self, health_ports: Callable[[], Sequence[int]]) -> None:
        self._health_ports = health_ports

    async def of(self, number: int) -> Told:
        """Return the run trail of the incident of this number. Never raises."""
        for port in self._health_ports():
            url = f"http://127.0.0.1:{port}/incidents/{number}/trail"
            try:
                async with aiohttp.ClientSession(timeout=PATIENCE) as session, session.get(url) as answer:
                    body = await answer.json()
            except (aiohttp.ClientError, TimeoutError, ValueError):
                continue
            if isinstance(body, dict):
                return Told(status=answer.status, body=body)
        return Told(status=503, body={"error": "The bot does not answer."})

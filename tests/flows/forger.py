"""Activities and tokens as the sandbox's Teams makes them, for tests that spoil them before they are sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sandbox.activities import Activities
from sandbox.room import Kind, Message, Person
from tests.flows.laptop import Json, Laptop


@dataclass(frozen=True)
class Forger:
    """Writes activities and tokens as the sandbox's Teams does, to be spoilt before they are sent."""

    bot: Laptop

    @property
    def service_url(self) -> str:
        return f"{self.bot.settings.sandbox.url if self.bot.settings.sandbox else ''}/teams/"

    @property
    def activities(self) -> Activities:
        return Activities(room=self.bot.site.room, clock=self.bot.clock, service_url=self.service_url)

    def person(self, name: str) -> Person:
        return next(p for p in self.bot.site.room.people if p.name.startswith(name))

    def invoke(self, name: str, message: Message, value: Any, person: str = "Alice") -> Json:
        return self.activities.invoke(name, message, self.person(person), {}) | {"value": value}

    def typed(self, text: str) -> Json:
        """Return a line in General that is not in the room."""
        room = self.bot.site.room
        general = next(m for m in room.messages if m.conversation.kind is Kind.CHANNEL)
        activity = self.activities.submitted(general, self.person("Alice"), None)
        return {k: v for k, v in activity.items() if k != "value"} | {"text": text}

    def token(self, **claims: Any) -> str:
        issuer = self.bot.site.issuer
        whose = {"iss": "https://api.botframework.com", "aud": issuer.app_id, "serviceurl": self.service_url}
        return f"Bearer {issuer.sign(whose | claims)}"

    async def send(self, activity: Json | bytes, **headers: str) -> tuple[int, str]:
        """Post it, with a valid token unless told otherwise; a header that is "" is left out."""
        body = activity if isinstance(activity, bytes) else json.dumps(activity).encode()
        given = {"Content-Type": "application/json", "Authorization": self.token()} | headers
        async with self.bot.session.post(
            f"{self.bot.process.url}/api/messages",
            data=body,
            headers={name: value for name, value in given.items() if value},
            skip_auto_headers={"Content-Type"},
        ) as response:
            return response.status, await response.text()

"""Who is there and what was said: the people, conversations and messages of the sandbox's Teams."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sandbox.run import Clock, iso

#: The tenant that the team is of, and the one that the guest comes from.
TENANT = "5f2b1c7e-0d7a-4a60-9d57-0c7f6a1e2b3c"
OTHER_TENANT = "c1a9b0de-6a53-4f0e-9f6b-2d8f7e4a1b90"
BOT_NAME = "Auditor"
TEAM_NAME = "On-call"
Card = Mapping[str, Any]


class Kind(StrEnum):
    """`conversation.conversationType`."""

    CHANNEL = "channel"
    GROUP = "groupChat"
    PERSONAL = "personal"


class Unknown(LookupError):
    """There is no such person, conversation or message. The text is one sentence."""


@dataclass(frozen=True, kw_only=True)
class Person:
    #: "29:…", which activities are addressed by.
    id: str
    name: str
    #: "member", "guest", or "outsider": of the tenant, in no channel.
    role: str
    object_id: str
    upn: str
    tenant_id: str
    locale: str = "en-GB"
    time_zone: str = "Europe/Berlin"


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A channel, a chat of some, or the chat of one person with the bot. `id` is without a thread's `;messageid=`."""

    id: str
    name: str
    kind: Kind
    #: Who may read and write there.
    people: tuple[Person, ...]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a message says: text, an Adaptive Card, and the phone's notification."""

    text: str = ""
    card: Card | None = None
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message as everybody sees it; `cards_for` is what single people see in the place of its card."""

    #: Milliseconds since 1970 as text, unique in the room and rising.
    id: str
    conversation: Conversation
    #: Id of the thread's first message, which may be this one; "" in chats, which have no threads.
    thread: str
    sender_id: str
    sender_name: str
    said: Said
    at: datetime
    edited: datetime | None = None
    cards_for: Mapping[str, Card] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the message as the page reads it."""
        return {
            "id": self.id,
            "conversation": self.conversation.id,
            "thread": self.thread,
            "from": {
                "id": self.sender_id,
                "name": self.sender_name,
                "bot": self.sender_id.startswith("28:"),
            },
            "text": self.said.text,
            "card": self.said.card,
            "summary": self.said.summary,
            "at": iso(self.at),
            "edited": None if self.edited is None else iso(self.edited),
            "cards_for": dict(self.cards_for),
        }


class Room:
    """The state. Ids are made from names, so that a bot's database stays good when the sandbox starts anew."""

    def __init__(self, *, app_id: str, clock: Clock) -> None:
        self._clock = clock
        self._last_id = 0
        self._messages: dict[str, Message] = {}
        self._subscribers: list[Callable[[str, dict[str, Any]], None]] = []
        self.bot_id = f"28:{app_id}"
        self.people = _people()
        team = tuple(person for person in self.people if person.role != "outsider")
        general, ops = (_channel(name, team) for name in ("General", "ops"))
        #: A team's id is that of its General channel.
        self.team_id = general.id
        self.team_group_id = _guid("team", TEAM_NAME)
        chats = (*(_personal(person) for person in self.people), _group("Night shift", team[:2]))
        self.conversations = (general, ops, *chats)
        #: Whether the bot is in the team. Its personal chats are always open.
        self.installed = False

    @property
    def channels(self) -> Sequence[Conversation]:
        return [c for c in self.conversations if c.kind is Kind.CHANNEL]

    @property
    def messages(self) -> Sequence[Message]:
        return list(self._messages.values())

    def subscribe(self, hear: Callable[[str, dict[str, Any]], None]) -> None:
        """Call `hear("message" | "update" | "delete", message as JSON)` with every change from now on.

        And `hear("typing", {"conversation": id, "name": who})`, which stands for a few seconds.
        """
        self._subscribers.append(hear)

    def person(self, person_id: str) -> Person:
        """Find a person by "29:…" id, Entra object id or UPN. Raises Unknown."""
        found = next((p for p in self.people if person_id in {p.id, p.object_id, p.upn}), None)
        if found is None:
            raise Unknown("There is no such person.")
        return found

    def conversation(self, conversation_id: str) -> Conversation:
        """Find a conversation by its id, with or without a thread's `;messageid=`. Raises Unknown."""
        base = conversation_id.partition(";")[0]
        found = next((c for c in self.conversations if c.id == base), None)
        if found is None:
            raise Unknown("There is no such conversation.")
        return found

    def personal(self, person: Person) -> Conversation:
        """Return the chat of a person with the bot: always the same one."""
        return next(c for c in self.conversations if c.kind is Kind.PERSONAL and c.people == (person,))

    def message(self, message_id: str) -> Message:
        """Find a message that was not deleted. Raises Unknown."""
        found = self._messages.get(message_id)
        if found is None:
            raise Unknown("There is no such message.")
        return found

    def thread_of(self, conversation: Conversation, message_id: str) -> str:
        """Return the thread that `message_id` stands in; "" for no message. Raises Unknown."""
        if not message_id:
            return ""
        message = self.message(message_id)
        if message.conversation != conversation:
            raise Unknown("There is no such message in this conversation.")
        return message.thread

    def post(self, conversation: Conversation, said: Said, *, by: Person | None, thread: str = "") -> Message:
        """Add a message by a person, or by the bot for None; without `thread` a new one begins in a channel."""
        message_id = self._next_id()
        in_thread = (thread or message_id) if conversation.kind is Kind.CHANNEL else ""
        message = Message(
            id=message_id,
            conversation=conversation,
            thread=in_thread,
            sender_id=by.id if by else self.bot_id,
            sender_name=by.name if by else BOT_NAME,
            said=said,
            at=self._clock.now(),
        )
        self._put("message", message)
        return message

    def update(self, message_id: str, said: Said) -> Message:
        """Replace what a message says, for everybody: cards for single people end here. Raises Unknown."""
        changed = replace(self.message(message_id), said=said, edited=self._clock.now(), cards_for={})
        self._put("update", changed)
        return changed

    def show_to(self, person: Person, message_id: str, card: Card) -> None:
        """Show one person another card in this message's place. Raises Unknown."""
        message = self.message(message_id)
        self._put("update", replace(message, cards_for={**message.cards_for, person.id: card}))

    def delete(self, message_id: str) -> Message:
        """Take a message away. Raises Unknown."""
        message = self.message(message_id)
        del self._messages[message_id]
        self._tell("delete", message)
        return message

    def typing(self, conversation: Conversation) -> None:
        """Tell that the bot is typing; Teams shows it in no channel."""
        if conversation.kind is not Kind.CHANNEL:
            self._say("typing", {"conversation": conversation.id, "name": BOT_NAME})

    def _next_id(self) -> str:
        self._last_id = max(self._last_id + 1, int(self._clock.now().timestamp() * 1000))
        return str(self._last_id)

    def _put(self, event: str, message: Message) -> None:
        self._messages[message.id] = message
        self._tell(event, message)

    def _tell(self, event: str, message: Message) -> None:
        self._say(event, message.to_json())

    def _say(self, event: str, data: dict[str, Any]) -> None:
        for hear in self._subscribers:
            hear(event, data)


def _people() -> tuple[Person, ...]:
    return (
        _person("Alice Weber", upn="alice@contoso.com"),
        _person("Bob Lee", upn="bob@contoso.com"),
        # A guest has an account in the team's tenant, but is at home in another.
        _person(
            "Gina Guest",
            upn="gina_fabrikam.com#EXT#@contoso.onmicrosoft.com",
            role="guest",
            tenant_id=OTHER_TENANT,
        ),
        _person("Olga Other", upn="olga@contoso.com", role="outsider"),
    )


def _person(name: str, *, upn: str, role: str = "member", tenant_id: str = TENANT) -> Person:
    object_id = _guid("person", upn)
    return Person(
        id=f"29:1{_token(upn)}", name=name, role=role, object_id=object_id, upn=upn, tenant_id=tenant_id
    )


def _channel(name: str, people: tuple[Person, ...]) -> Conversation:
    channel_id = f"19:{hashlib.sha256(name.encode()).hexdigest()[:32]}@thread.tacv2"
    return Conversation(id=channel_id, name=name, kind=Kind.CHANNEL, people=people)


def _group(name: str, people: tuple[Person, ...]) -> Conversation:
    chat_id = f"19:{hashlib.sha256(name.encode()).hexdigest()[:32]}@thread.v2"
    return Conversation(id=chat_id, name=name, kind=Kind.GROUP, people=people)


def _personal(person: Person) -> Conversation:
    chat_id = f"a:1{_token(f'chat of {person.upn}')}"
    return Conversation(id=chat_id, name=BOT_NAME, kind=Kind.PERSONAL, people=(person,))


def _guid(kind: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://sandbox.invalid/{kind}/{name}"))


def _token(text: str) -> str:
    """Return as many letters as Teams' opaque ids have; some of them need escaping in file names."""
    return base64.urlsafe_b64encode(hashlib.sha512(text.encode()).digest()).decode().rstrip("=")

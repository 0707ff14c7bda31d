"""What answers commands, and what invokes are answered with, as the plain JSON that goes on the wire.

https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots
"""

from __future__ import annotations

from typing import Any, Protocol

from bot.asked import Asker, Command
from bot.ports import Message
from bot.teams.conversations import CARD_TYPE

Answer = dict[str, Any]

LONGEST_TITLE = 60


class Responder(Protocol):
    """What answers commands: bot.responder, or a recording one in tests."""

    async def respond(self, command: Command, asker: Asker) -> Message | None:
        """Return the answer as one card; None says nothing, as to what was delivered twice."""
        ...


def card(message: Message) -> Answer:
    """Put the card in the place of the clicked one; what is only a sentence leaves that one standing."""
    if message.sentence:
        return sentence(message.sentence)
    return {"statusCode": 200, "type": CARD_TYPE, "value": message.card}


def sentence(text: str) -> Answer:
    """Say a sentence to whoever clicked; the card stays as it is."""
    return {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": text}


def malformed(text: str) -> Answer:
    """Tell the client that its action cannot be read."""
    error = {"code": "BadRequest", "message": text}
    return {"statusCode": 400, "type": "application/vnd.microsoft.error", "value": error}


def dialog(message: Message) -> Answer:
    """Open a dialog with the card, or put it in the place of the one that is open."""
    value = {
        "title": _title(message.summary.partition("\n")[0]),
        "height": "large",
        "width": "large",
        "card": {"contentType": CARD_TYPE, "content": message.card},
    }
    return {"task": {"type": "continue", "value": value}}


def _title(line: str) -> str:
    """Return as many of its parts as fit, else as many words."""
    if len(line) <= LONGEST_TITLE:
        return line
    for between, ends in ((" · ", ""), (" ", " …")):
        kept, found, _ = line[: LONGEST_TITLE + 1 - len(ends)].rpartition(between)
        if found and kept.strip():
            return kept + ends
    return f"{line[: LONGEST_TITLE - 1]}…"


def dialog_sentence(text: str) -> Answer:
    """Say a sentence in the dialog's place."""
    return {"task": {"type": "message", "value": text}}

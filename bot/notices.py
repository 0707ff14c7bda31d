"""A notice of cards.notice as something to say."""

from __future__ import annotations

from bot.ports import Message
from cards.notice import Notice, notice_card


def notice_message(said: Notice) -> Message:
    """Return a notice as an answer; to a click it is a sentence, so that the incident's card stays where it is."""
    sentence = " ".join((f"{said.title}.", *said.sentences))
    return Message(card=notice_card(said), summary=said.title, sentence=sentence)

"""What is answered to `help`: the table of commands, as cards."""

from __future__ import annotations

from bot.commands import COMMANDS, FILTERS, Spec
from bot.ports import Message
from cards.help import TITLE, HelpLine, command_card, help_card


def help_message(about: str = "") -> Message:
    """Return all commands, or the one of that name (`Spec.name`); of a name that is none, all."""
    lines = {spec.name: _line(spec) for spec in COMMANDS}
    if about in lines:
        return Message(card=command_card(lines[about]), summary=f"help {about}")
    return Message(card=help_card(list(lines.values()), how=FILTERS), summary=TITLE)


def _line(spec: Spec) -> HelpLine:
    return HelpLine(
        name=spec.name,
        usage=spec.usage,
        examples=spec.examples,
        help=spec.help,
        details=spec.details,
        menu=spec.menu,
    )

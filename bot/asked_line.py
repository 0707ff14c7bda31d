"""A question as it is kept: its line, of which everything is read again."""

from __future__ import annotations

from audit.filter import Wanted
from bot.asked import AskActivity, AskEvents, AskPerson, AskWho
from bot.grammar import from_text, line_of


def wanted_of(line: str) -> Wanted | None:
    """Return which events a kept question asks for; None for one that asks for no events."""
    command = from_text(line)
    if isinstance(command, AskEvents | AskWho | AskPerson | AskActivity):
        return command.what
    return None


def without_when(line: str) -> str:
    """Return a kept question in canonical words without its time, which a watch has not; others as they are."""
    command = from_text(line)
    if not isinstance(command, AskEvents | AskWho | AskPerson | AskActivity):
        return line
    return line_of(command).removesuffix(command.when.text).rstrip()


def reads_secrets(what: Wanted) -> bool:
    """Tell whether a question is about secrets, which may need to be among the readers."""
    return "secrets" in what.resources

"""What can be asked: all of it in one card, and one command in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cards.actions import ask
from cards.elements import FULL_WIDTH, Action, AdaptiveCard, Container, RichTextBlock
from cards.pressable import pressable, pressing
from cards.size import BUDGET, weight
from cards.text import heading, line, run

TITLE = "What you can ask"
HOW = "In a channel, mention the bot first. Case and question marks do not matter."
#: Commands whose example stands there to be run.
MOST_ASKED = 6
#: In sight; Teams folds further ones.
_MOST_BUTTONS = 4


@dataclass(frozen=True, kw_only=True)
class HelpLine:
    """One command of the table of commands; all of it is our own text."""

    name: str
    #: How it is written: capitals are to be filled in, brackets may be left out.
    usage: str
    #: Whole lines that are understood; the first is the best.
    examples: Sequence[str]
    #: What it answers, no full stop.
    help: str
    #: More sentences, for that command alone.
    details: Sequence[str] = ()
    #: Among the most asked.
    menu: bool = False


def help_card(commands: Sequence[HelpLine], *, how: Sequence[str] = ()) -> dict[str, Any]:
    """Return what is asked most, to be run by pressing it, and every other command.

    `commands` in the order of the table. `how`: sentences about how to write what, who and when.
    """
    whole = _all(commands, how, press=True)
    # Of a table twice as long as it is, what is asked less can be read and not pressed.
    return whole if weight(whole) <= BUDGET else _all(commands, how, press=False)


def _all(commands: Sequence[HelpLine], how: Sequence[str], *, press: bool) -> dict[str, Any]:
    most = [each for each in commands if each.menu and each.examples][:MOST_ASKED]
    others = [each for each in commands if each not in most]
    body: list[Any] = [
        heading(TITLE, size="medium"),
        line("Press a line to ask it, or write it with your own words in it.", spacing="none"),
        *(_asked(each) for each in most),
        *_ways(how),
        heading("Also", size="default", spacing="medium"),
        *([line("Press a line to read more about it.", spacing="none")] if press else []),
        *(_other(each, press=press) for each in others),
        line(run(HOW, subtle=True), spacing="medium"),
    ]
    return AdaptiveCard.of(body, _more(most), msteams=FULL_WIDTH).to_dict()


def command_card(about: HelpLine) -> dict[str, Any]:
    """Return all about one command, its examples to be run by pressing them."""
    body: list[Any] = [
        line(run(f"help {about.name}", weight="bolder", size="medium")),
        line(f"{about.help[:1].upper()}{about.help[1:]}.", spacing="small"),
        line("Written: ", run(about.usage, font="monospace", weight="bolder"), spacing="small"),
        *(line(sentence, spacing="small") for sentence in about.details),
    ]
    if about.examples:
        body += [
            heading("For example", size="default", spacing="medium"),
            *(pressable(example, style="emphasis", spacing="small") for example in about.examples),
        ]
    body.append(line(run("help", font="monospace"), run(" lists all commands.", subtle=True)))
    return AdaptiveCard.of(body, [], msteams=FULL_WIDTH).to_dict()


def _asked(each: HelpLine) -> Container:
    said = line(run(each.help, size="small"), spacing="none")
    return pressable(each.examples[0], said, style="emphasis", spacing="small")


def _ways(how: Sequence[str]) -> list[Any]:
    if not how:
        return []
    return [
        heading("In your own words", size="default", spacing="medium"),
        *(line(sentence, spacing="small") for sentence in how),
    ]


def _more(most: Sequence[HelpLine]) -> list[Action]:
    """Return buttons that tell all about those of the most asked about which there is more to tell."""
    told = [f"help {each.name}" for each in most if each.details]
    return [ask(said, title=said) for said in told[:_MOST_BUTTONS]]


def _other(each: HelpLine, *, press: bool) -> Container | RichTextBlock:
    """What is not most asked: its name, what it answers; pressed, it tells more."""
    color = "accent" if press else "default"
    said = line(run(each.usage, font="monospace", color=color), run(f" · {each.help}"), spacing="none")
    return pressing(f"help {each.name}", [said], spacing="small") if press else said

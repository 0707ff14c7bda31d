"""Lines like those that people type, and worse; and what must hold for each."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

from audit.kinds import KINDS
from bot.asked import AskActivity, AskCost, AskEvents, AskPerson, AskWho, Misunderstood
from bot.commands import COMMANDS
from bot.grammar import LONGEST_SAID, from_text, line_of
from bot.grammar.vocabulary import OWN
from bot.when import OutOfReach, When

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
EXAMPLES = tuple(line for each in COMMANDS for line in each.examples)
WORDS = (
    *sorted(OWN),
    *sorted(KINDS),
    *(word for each in COMMANDS for word in each.words),
    *(
        "1h",
        "90m",
        "09:00",
        "9am",
        "09:00-10:00",
        "2026-03-01",
        "2026-03-01T09:00Z",
        "march 4",
        "31 february",
    ),
    *("20.1.2.3", "::1", "fe80::1%eth0", "10.0.0.0/8", "kube-system/coredns", "deploy/x", "a/b/c/d", "///"),
    *("coredns", "alice@contoso.com", "system:node:aks-1", "aks-weu", "0", "50", "51", "999999999999", "#12"),
    *(
        '"',
        "'",
        "\u201c",
        "\u201d",
        '"the last supper"',
        "''",
        '""',
        "<at>Bob</at>",
        "&nbsp;",
        "\u00a0",
        "\n",
        "?",
    ),
    *("\u200b", "\ud800", "\x00", "\u0661\u0662", "\U0001f600", "İ", "ß", "x" * 300, "-n", "--since=1h"),
)
_ALPHABET = "abdehilnorstuvw0123456789 :/-.,?'\"\u201c\u201d#@%<>&;\u00a0\u2028"


def mutated(random: Random) -> str:
    """Return an example of the table, or words of the grammar, with some damage."""
    words = random.choice(EXAMPLES).split() if random.random() < 0.5 else []
    words += [random.choice(WORDS) for _ in range(random.randrange(8))]
    for _ in range(random.randrange(4)):
        words = random.choice(_DAMAGES)(random, words)
    return random.choice((" ", " ", "  ", "\u00a0", "\n")).join(words)


def _drop(random: Random, words: list[str]) -> list[str]:
    at = random.randrange(len(words) + 1)
    return words[:at] + words[at + 1 :]


def _swap(random: Random, words: list[str]) -> list[str]:
    return random.sample(words, len(words))


def _insert(random: Random, words: list[str]) -> list[str]:
    at = random.randrange(len(words) + 1)
    return [*words[:at], random.choice(WORDS), *words[at:]]


def _slip(random: Random, words: list[str]) -> list[str]:
    """Damage one word by a letter."""
    if not words:
        return words
    at = random.randrange(len(words))
    word, here = words[at], random.randrange(len(words[at]) + 1)
    letters = random.choice(("", *_ALPHABET))
    return [*words[:at], word[:here] + letters + word[here + random.randrange(2) :], *words[at + 1 :]]


def _shout(random: Random, words: list[str]) -> list[str]:
    return [word.upper() if random.random() < 0.5 else word.title() for word in words]


_DAMAGES = (_drop, _swap, _insert, _slip, _slip, _shout)


def noise(random: Random) -> str:
    """Return letters without any sense."""
    if random.random() < 0.5:
        return "".join(random.choice(_ALPHABET) for _ in range(random.randrange(120)))
    return "".join(chr(random.randrange(0x110000)) for _ in range(random.randrange(40)))


def check(line: str) -> bool:
    """Whether the line is understood; raises AssertionError where what is promised of every line does not hold."""
    command = from_text(line)
    if isinstance(command, Misunderstood):
        assert command.hint
        assert len(command.hint) < 400, command.hint
        assert len(command.text) <= 100
        assert len(command.instead) <= 3
        for other in command.instead:
            assert not isinstance(from_text(other), Misunderstood), (line, other)
        return False
    said = line_of(command)
    assert said
    assert len(said) <= LONGEST_SAID
    assert from_text(said) == command, (line, said)
    if isinstance(command, AskEvents | AskWho | AskPerson | AskActivity | AskCost):
        check_window(command.when)
    return True


def check_window(when: When) -> None:
    """Raise AssertionError where the window of a time is not what is promised."""
    try:
        window = when.window(NOW, BERLIN)
    except OutOfReach as out_of_reach:
        refused = out_of_reach.reason
    else:
        assert window.start <= window.end <= NOW
        return
    assert refused.endswith(".")
    assert "write" in refused

"""What may stand after a keyword: names, addresses, verbs, kinds, numbers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from audit.kinds import KINDS, resource_of
from bot.grammar import vocabulary
from bot.grammar.nearest import near
from bot.grammar.unread import Unread
from bot.grammar.words import Word, written

MOST_GROUPS = 50
_KIND = re.compile(r"[a-z0-9][a-z0-9-]{0,252}", re.ASCII)
_TOP = re.compile(r"\d{1,3}", re.ASCII)
TIMES = "write last 90m, yesterday afternoon, since monday, between 09:00 and 09:30, or around 14:05"


def value_at(words: Sequence[Word], at: int, after: int) -> str:
    """Return the name that stands at `after` for the keyword at `at`. Raises Unread where none does."""
    word = words[after] if after < len(words) else None
    if word is None or not word.text or word.said in vocabulary.OWN or word.said.startswith("-"):
        hint = f'A name is missing after "{words[at].text}"; put one that is a word of mine in quotes.'
        raise Unread(at, hint, count=after - at, quote=False)
    return word.text


def address_of(words: Sequence[Word], at: int, after: int) -> str:
    """Return an address as the audit log writes it. Raises Unread for what is none."""
    text = words[after].text if after < len(words) else ""
    try:
        found = ipaddress.ip_address(text) if "%" not in text else None
    except ValueError:
        found = None
    if found is None:
        hint = f'After "{words[at].text}" comes an address, as in from 20.1.2.3, or a time: {TIMES}.'
        instead = tuple(line_with(words, at, after, f"{word} {text}") for word in ("by", "on", "in") if text)
        raise Unread(at, hint, count=min(after + 1, len(words)) - at, instead=instead, quote=False)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def verbs_of(words: Sequence[Word], at: int, after: int) -> set[str]:
    """Return the verbs of the API that "delete" or "delete,patch" stands for. Raises Unread for what is none."""
    verbs = set[str]()
    for word in (words[after].text.lower() if after < len(words) else "").split(","):
        if word in vocabulary.API_VERBS:
            verbs.add(word)
        elif vocabulary.DEEDS.get(word):
            verbs.update(vocabulary.DEEDS[word])
        else:
            known = ", ".join(vocabulary.API_VERBS[:8])
            hint = f'"{word[:50]}" is no verb that I know; these are: {known}.'
            raise Unread(at, hint, count=min(after + 1, len(words)) - at, quote=False)
    return verbs


def kind_of(words: Sequence[Word], at: int, after: int) -> str:
    """Return the API's plural of a kind; one that is not known is taken as it is. Raises Unread for what is none."""
    word = words[after] if after < len(words) else Word(text="")
    text = word.text.lower().partition(".")[0]
    known = resource_of(word.text) or KINDS.get(text, "")
    if known and not word.quoted:
        return known
    if not _KIND.fullmatch(text) or (not word.quoted and (near(text) or text in vocabulary.OWN)):
        hint = f'"{word.text[:50]}" is no kind that I know; write it as kubectl does, or in quotes if it is right.'
        raise Unread(after if word.text else at, hint)
    return text


def top_of(words: Sequence[Word], at: int, after: int) -> int:
    """Return how many groups are to be shown. Raises Unread for what is no such number."""
    text = words[after].text if after < len(words) else ""
    number = int(text) if _TOP.fullmatch(text) else 0
    if not 0 < number <= MOST_GROUPS:
        hint = f'After "top" comes a number from 1 to {MOST_GROUPS}.'
        instead = (line_with(words, at, after, f"top {MOST_GROUPS}"),)
        raise Unread(at, hint, count=min(after + 1, len(words)) - at, instead=instead, quote=False)
    return number


def line_with(words: Sequence[Word], at: int, last: int, instead: str) -> str:
    """Return the line with other words in the place of those from `at` to `last`."""
    return " ".join((*map(written, words[:at]), instead, *map(written, words[last + 1 :])))


def no_time(words: Sequence[Word], at: int) -> Unread:
    """Say that what begins with "since", "last" … is no time."""
    said = " ".join(word.text for word in words[at : at + 2])
    return Unread(at, f'"{said[:50]}" is no time that I know; {TIMES}.', count=min(2, len(words) - at))

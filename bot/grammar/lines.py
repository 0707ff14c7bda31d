"""A line, read into a command: which command its first words are, and what may follow them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from audit.filter import Wanted
from audit.topics import TOPICS
from bot.asked import (
    AskActivity,
    AskCost,
    AskEvents,
    AskPerson,
    AskRaw,
    AskWho,
    Command,
    EndWatch,
    Help,
    ListIncidents,
    ListWatches,
    ShowBlindSpots,
    ShowClusters,
    ShowIncident,
    ShowStatus,
    ShowTrail,
    Subscribe,
    TestIncident,
    Topic,
    Unsubscribe,
)
from bot.commands import COMMANDS
from bot.grammar import vocabulary
from bot.grammar.filters import Draft, read_filters
from bot.grammar.nearest import near_command
from bot.grammar.unread import Unread
from bot.grammar.words import Word, quoted, written
from bot.when import DEFAULT, When

#: No incident has a number of more digits.
LONGEST_NUMBER = 9
LONGEST_ID = 256
#: Usage is told by the hour and late, so that the last hour alone would often be empty.
COST_DEFAULT = When(text="last 24h")
_NUMBER = re.compile(rf"#?(?P<digits>\d{{1,{LONGEST_NUMBER}}})", re.ASCII)
#: Read over after "who" and "what did alice": "who has deleted", "what has alice been doing".
_HELPERS = frozenset({"has", "have", "had", "was", "were", "is", "got", "been"})

_DOINGS = frozenset({*vocabulary.DONE, *vocabulary.SESSIONS})
#: "what happened today" asks for no person.
_HAPPENED = frozenset({"happened", "happens", "happening"})

_WHAT_DONE = "Say what was done, and to what: who deleted deploy/frontend yesterday."

_Read = Callable[[Sequence[Word], int], Command]


def read_line(words: Sequence[Word]) -> Command:
    """Read the words of a line, as `trimmed` returns them. Raises Unread."""
    if not words:
        return Help()
    if words[0].said.startswith("#"):
        return _incident(words, 0)
    found = _phrase(words)
    if found is None:
        raise Unread(0, f'"{words[0].text[:50]}" is no command that I know; help lists them all.')
    name, at = found
    return _COMMANDS[name](words, at)


def trimmed(words: Sequence[Word]) -> Sequence[Word]:
    """Return the words without "show me" before them and "please" after them."""
    start, end = 0, len(words)
    while end > start and words[end - 1].said in vocabulary.AFTER:
        end -= 1
    while start < end and words[start].said in vocabulary.BEFORE and _phrase(words[start:end]) is None:
        start += 1
    return words[start:end]


def _phrase(words: Sequence[Word]) -> tuple[str, int] | None:
    """Return which command the first words are, and how many of them; the longest phrase counts."""
    for length in range(min(vocabulary.LONGEST_PHRASE, len(words)), 0, -1):
        said = tuple(word.said.rstrip(":") for word in words[:length])
        if said in vocabulary.PHRASES:
            return vocabulary.PHRASES[said], length
    return None


def _audits(words: Sequence[Word], at: int) -> Command:
    if at == len(words):
        hint = "Say what to look for, or in which time: audits coredns last 1h."
        raise Unread(0, hint, instead=("audits last 1h", "risky last 1h"), quote=False, drop=False)
    draft = read_filters(words, at)
    return AskEvents(what=draft.wanted(), when=_when(draft), top=draft.top)


def _when(draft: Draft, default: When = DEFAULT) -> When:
    return When(text=draft.when) if draft.when else default


def _topic(topic: Topic) -> _Read:
    def read(words: Sequence[Word], at: int) -> Command:
        draft = read_filters(words, at)
        what = _narrowed(TOPICS[topic], draft.wanted(), topic)
        return AskEvents(topic=topic, what=what, when=_when(draft), top=draft.top)

    return read


def _narrowed(base: Wanted, said: Wanted, topic: Topic) -> Wanted:
    """Return what the topic stands for, narrowed by what was said. Raises Unread for what lies outside of it."""
    return replace(
        said,
        resources=_within(base.resources, said.resources, topic),
        subresources=_within(base.subresources, said.subresources, topic),
        verbs=_within(base.verbs, said.verbs, topic),
        risky=base.risky or said.risky,
    )


def _within(base: tuple[str, ...], said: tuple[str, ...], topic: Topic) -> tuple[str, ...]:
    outside = [each for each in said if each not in base]
    if base and outside:
        hint = f"{topic.title()} is about {', '.join(base)} alone, not {outside[0][:50]}; ask with audits."
        raise Unread(0, hint, quote=False, drop=False)
    return said or base


def _who(words: Sequence[Word], at: int) -> Command:
    draft, after = _done(words, at)
    if after == len(words) and not draft.verbs and not draft.subresources:
        raise Unread(0, _WHAT_DONE, instead=_examples("who"), quote=False, drop=False)
    if after < len(words) and words[after].said in {"it", "that", "this"}:
        raise Unread(after, "Say what it was done to.", instead=_examples("who"), quote=False, drop=False)
    read_filters(words, after, draft)
    return AskWho(what=draft.wanted(), when=_when(draft), top=draft.top)


def _examples(name: str) -> tuple[str, ...]:
    return next(each.examples for each in COMMANDS if each.name == name)


def _done(words: Sequence[Word], at: int) -> tuple[Draft, int]:
    """Read what was done: "deleted", "has created or changed", "did". Raises Unread for "who is alice"."""
    draft, start, is_done = Draft(), at, False
    while at < len(words):
        said = words[at].said
        joins = said in vocabulary.AND and at + 1 < len(words) and words[at + 1].said in vocabulary.DONE
        if said not in {*_HELPERS, *_DOINGS} and not joins:
            break
        is_done = is_done or said in _DOINGS
        draft.verbs.update(vocabulary.DONE.get(said, ()))
        draft.subresources += TOPICS[Topic.EXEC].subresources if said in vocabulary.SESSIONS else ()
        at += 1
    if at > start and not is_done and (at == len(words) or words[at].said not in vocabulary.OUTCOMES):
        raise Unread(start, _WHAT_DONE, instead=_examples("who"), quote=False, drop=False)
    return draft, at


def _what(words: Sequence[Word], at: int) -> Command:
    """Read "what did alice do …"."""
    draft, after = _person(words, at)
    read_filters(words, after, draft)
    if draft.top:
        raise Unread(
            draft.places["top"], "A person's timeline shows all that it can; leave top away.", count=2
        )
    return AskPerson(what=draft.wanted(), when=_when(draft))


def _person(words: Sequence[Word], at: int) -> tuple[Draft, int]:
    """Return a draft with the user and what was done, and where the rest begins. Raises Unread."""
    done = next((i for i in range(at + 1, len(words)) if words[i].said in _DOINGS), len(words))
    user = [word for word in words[at:done] if word.said not in {"been", "the"}]
    rest = " ".join(written(word) for word in words[at:])
    if at == len(words) or (user and user[0].said in {*vocabulary.OWN, *_HAPPENED}):
        instead = (
            f"audits {' '.join(written(word) for word in words[at:] if word.said not in _HAPPENED)}",
            *_examples("what"),
        )
        raise Unread(
            at if at < len(words) else 0,
            "Say whose doings you want to see: what did alice do today.",
            instead=instead,
            quote=False,
            drop=False,
        )
    if done == len(words):
        instead = (
            f"what did {written(words[at])} do {' '.join(map(written, words[at + 1 :]))}",
            f"audits {rest}",
        )
        raise Unread(at, "Write it as what did alice do today.", instead=instead, quote=False, drop=False)
    if len(user) != 1 or not user[0].text:
        name = quoted(" ".join(word.text for word in user))
        instead = (f"what did {name} {' '.join(map(written, words[done:]))}",)
        raise Unread(
            at,
            "Put a name of several words in quotes.",
            count=done - at,
            instead=instead,
            quote=False,
            drop=False,
        )
    draft, after = _done(words, done)
    draft.texts["user"], draft.places["user"] = user[0].text, at
    return draft, after


def _activity(words: Sequence[Word], at: int) -> Command:
    draft = read_filters(words, at)
    if draft.top:
        raise Unread(
            draft.places["top"], "Activity shows the busiest by itself; leave top away.", count=2, quote=False
        )
    return AskActivity(what=draft.wanted(), when=_when(draft))


def _cost(words: Sequence[Word], at: int) -> Command:
    draft = read_filters(words, at)
    if draft.wanted() != Wanted() or draft.top:
        example = f"cost {_when(draft, COST_DEFAULT).text}"
        raise Unread(
            at,
            "Cost is told of whole workspaces; only a time can follow.",
            instead=(example,),
            quote=False,
            drop=False,
        )
    return AskCost(when=_when(draft, COST_DEFAULT))


def _raw(words: Sequence[Word], at: int) -> Command:
    rest = words[at:]
    if len(rest) > 1 and rest[0].said in {"log", "event", "id"}:
        rest = rest[1:]
    text = rest[0].text if len(rest) == 1 else ""
    if not text or len(text) > LONGEST_ID or not text.isprintable() or " " in text:
        hint = "After raw comes one audit id, as a card or the raw log shows it."
        raise Unread(at, hint, instead=("help raw",), quote=False, drop=False)
    return AskRaw(audit_id=text)


def _incident(words: Sequence[Word], at: int) -> Command:
    number = _NUMBER.fullmatch(words[at].text) if at < len(words) else None
    if number is None:
        raise Unread(
            at, "Say which one by its number: incident 12", instead=("open",), quote=False, drop=False
        )
    digits = int(number["digits"])
    if [word.said for word in words[at + 1 :]] == ["trail"]:
        return ShowTrail(number=digits)
    if at + 1 < len(words):
        hint = f"After the number comes nothing, or the word trail: incident {digits} trail"
        raise Unread(
            at + 1, hint, instead=(f"incident {digits}", f"incident {digits} trail"), quote=False, drop=False
        )
    return ShowIncident(number=digits)


def _watches(words: Sequence[Word], at: int) -> Command:
    if words[0].said != "unwatch":
        return _alone("watches", ListWatches())(words, at)
    number = _NUMBER.fullmatch(words[at].text) if at + 1 == len(words) else None
    if number is None:
        raise Unread(
            at, "Say which one by its number: unwatch 3", instead=("watches",), quote=False, drop=False
        )
    return EndWatch(number=int(number["digits"]))


def _help(words: Sequence[Word], at: int) -> Command:
    if at == len(words):
        return Help()
    found = _phrase(words[at:])
    if found is None or at + found[1] != len(words):
        instead = (*(f"help {name}" for name in near_command(words[at].said)), "help")
        raise Unread(
            at, "After help comes a command's name, or nothing.", instead=instead, quote=False, drop=False
        )
    return Help(about=found[0])


def _alone(name: str, command: Command) -> _Read:
    def read(words: Sequence[Word], at: int) -> Command:
        if at < len(words):
            instead = (f"incident {words[at].text}", name) if name == "open" else (name,)
            raise Unread(at, f'"{words[0].said}" stands alone.', instead=instead, quote=False, drop=False)
        return command

    return read


_COMMANDS: Mapping[str, _Read] = {
    "audits": _audits,
    "who": _who,
    "what": _what,
    **{topic: _topic(topic) for topic in Topic if topic in TOPICS},
    "activity": _activity,
    "raw": _raw,
    "open": _alone("open", ListIncidents()),
    "mine": _alone("mine", ListIncidents(mine=True)),
    "incident": _incident,
    "clusters": _alone("clusters", ShowClusters()),
    "blindspots": _alone("blindspots", ShowBlindSpots()),
    "cost": _cost,
    "status": _alone("status", ShowStatus()),
    "watches": _watches,
    "subscribe": _alone("subscribe", Subscribe()),
    "unsubscribe": _alone("unsubscribe", Unsubscribe()),
    "test": _alone("test", TestIncident()),
    "help": _help,
}

"""Commands, written as the line that is read as the same command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from audit.filter import Wanted
from audit.kinds import CLEAR, KINDS, resource_of
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
from bot.grammar import vocabulary
from bot.grammar.nearest import near
from bot.grammar.objects import SUBRESOURCES
from bot.grammar.words import is_plain, quoted
from bot.said_spans import read_span


def line_of(command: Command) -> str:
    """Return the line that is read as this command, "" for one that nobody can type.

    `from_text(line_of(c)) == c` for whatever `from_text` returns but Misunderstood.
    """
    write = _LINES.get(type(command))
    return " ".join(part for part in write(command) if part) if write else ""


def value(text: str) -> str:
    """Write a name after a keyword: in quotes, unless it can be taken for nothing else."""
    said = text.lower()
    is_own = said in vocabulary.OWN or said in KINDS
    # "on 2026-03-04" is a day.
    is_time = bool(read_span((said,)) or read_span(("on", said)) or read_span(("from", said)))
    return text if is_plain(text) and not is_own and not is_time else quoted(text)


def _term(what: Wanted) -> str:
    # A number might be taken for the day of a month, and beside an object no word stands without quotes.
    text = what.term
    is_safe = text[:1].isalpha() and not what.name and not what.namespace and not near(text)
    return value(text) if not text or is_safe else quoted(text)


def _pieces(what: Wanted) -> Iterator[str]:
    """Yield each thing that was asked for, as words."""
    if what.term:
        yield _term(what)
    yield from _object(what)
    yield from _verbs(what.verbs)
    for subresource in what.subresources:
        yield f"subresource {subresource if subresource in SUBRESOURCES else value(subresource)}"
    for name, word in _WORDS:
        if text := getattr(what, name):
            yield f"{word} {value(text)}"
    if what.outcome:
        yield what.outcome.value
    if what.risky:
        yield "risky"


_WORDS = (("user", "by"), ("address", "from"), ("client", "client"), ("cluster", "on"))


def _object(what: Wanted) -> Iterator[str]:
    name, namespace = what.name, what.namespace
    can_slash = all(map(_is_slashable, (each for each in (name, namespace) if each)))
    if len(what.resources) == 1 and name and not namespace and can_slash and what.resources[0] in CLEAR:
        yield f"{what.resources[0]}/{name}"
        return
    yield from map(_kind, what.resources)
    if name and namespace and can_slash:
        yield f"{namespace}/{name}"
        return
    if namespace:
        yield f"namespace {value(namespace)}"
    if name:
        yield f"name {value(name)}"


def _is_slashable(name: str) -> bool:
    is_own = resource_of(name) or near(name) or name.lower() in SUBRESOURCES
    return is_plain(name) and not is_own


def _kind(resource: str) -> str:
    is_clear = resource in CLEAR and resource not in vocabulary.FILLERS and KINDS[resource] == resource
    return resource if is_clear else f"kind {quoted(resource)}"


def _verbs(verbs: tuple[str, ...]) -> Iterator[str]:
    if len(verbs) > 1 and verbs in vocabulary.DEED_WORDS:
        yield vocabulary.DEED_WORDS[verbs][0]
    else:
        yield from (f"verb {verb}" for verb in verbs)


def _top(top: int) -> str:
    return f"top {top}" if top else ""


def _events(command: AskEvents) -> Iterator[str]:
    what = command.what
    yield command.topic
    if command.topic != Topic.AUDITS:
        what = _beyond(TOPICS[command.topic], what)
    elif what == Wanted():
        # Without a time, too, the line says something.
        yield "all"
    yield from _pieces(what)
    yield _top(command.top)
    yield command.when.text


def _beyond(base: Wanted, what: Wanted) -> Wanted:
    """Return what is asked for beyond what the topic stands for anyway."""
    return replace(
        what,
        resources=() if what.resources == base.resources else what.resources,
        subresources=() if what.subresources == base.subresources else what.subresources,
        verbs=() if what.verbs == base.verbs else what.verbs,
        risky=what.risky and not base.risky,
    )


def _who(command: AskWho) -> Iterator[str]:
    word, what = _done(command.what, 0)
    yield "who"
    yield word
    if command.what == Wanted():
        yield "anything"
    yield from _pieces(what)
    yield _top(command.top)
    yield command.when.text


def _person(command: AskPerson) -> Iterator[str]:
    word, what = _done(replace(command.what, user=""), 1)
    yield f"what did {value(command.what.user)}"
    yield word
    yield from _pieces(what)
    yield command.when.text


def _done(what: Wanted, form: int) -> tuple[str, Wanted]:
    """Return what was done as one word, and what is asked for besides."""
    if what.subresources == TOPICS[Topic.EXEC].subresources and not what.verbs:
        return ("execed", "exec")[form], replace(what, subresources=())
    if what.verbs in vocabulary.DEED_WORDS:
        return vocabulary.DEED_WORDS[what.verbs][form], replace(what, verbs=())
    return ("touched", "do")[form], what


def _activity(command: AskActivity) -> Iterator[str]:
    yield "activity"
    yield from _pieces(command.what)
    yield command.when.text


def _always(line: str) -> Callable[[Command], Iterator[str]]:
    return lambda _: iter((line,))


_LINES: Mapping[type, Callable[..., Iterator[str]]] = {
    AskEvents: _events,
    AskWho: _who,
    AskPerson: _person,
    AskActivity: _activity,
    AskCost: lambda command: iter(("cost", command.when.text)),
    AskRaw: lambda command: iter(("raw", value(command.audit_id))),
    ShowIncident: lambda command: iter((f"incident {command.number}",)),
    ShowTrail: lambda command: iter((f"incident {command.number} trail",)),
    ListIncidents: lambda command: iter(("mine" if command.mine else "open",)),
    EndWatch: lambda command: iter((f"unwatch {command.number}",)),
    Help: lambda command: iter(("help", command.about)),
    ListWatches: _always("watches"),
    ShowStatus: _always("status"),
    ShowClusters: _always("clusters"),
    ShowBlindSpots: _always("blindspots"),
    Subscribe: _always("subscribe"),
    Unsubscribe: _always("unsubscribe"),
    TestIncident: _always("test"),
}

"""What narrows a question: objects, verbs, people, clusters, outcomes and a time, in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from audit.filter import Outcome, Wanted
from audit.kinds import CLEAR, KINDS
from bot.grammar import vocabulary
from bot.grammar.nearest import near
from bot.grammar.objects import SUBRESOURCES, object_of
from bot.grammar.unread import Unread
from bot.grammar.values import address_of, kind_of, no_time, top_of, value_at, verbs_of
from bot.grammar.words import Word
from bot.said_spans import OPENERS, read_span

LONGEST_TERM = 200


@dataclass(kw_only=True)
class Draft:
    """A question as far as it has been read; "" and empty say nothing."""

    texts: dict[str, str] = field(default_factory=dict)
    resources: list[str] = field(default_factory=list)
    subresources: list[str] = field(default_factory=list)
    verbs: set[str] = field(default_factory=set)
    outcome: Outcome | None = None
    risky: bool = False
    top: int = 0
    when: str = ""
    #: Where each was said.
    places: dict[str, int] = field(default_factory=dict)

    def wanted(self) -> Wanted:
        """Return what was said; verbs in the API's order."""
        said = {name: self.texts.get(name, "") for name in TEXTS}
        return Wanted(
            **said,
            resources=tuple(dict.fromkeys(self.resources)),
            subresources=tuple(dict.fromkeys(self.subresources)),
            verbs=tuple(verb for verb in vocabulary.API_VERBS if verb in self.verbs),
            outcome=self.outcome,
            risky=self.risky,
        )


#: Fields of Wanted that hold one text.
TEXTS = ("term", "namespace", "name", "user", "address", "client", "cluster")


def read_filters(words: Sequence[Word], at: int, draft: Draft | None = None) -> Draft:
    """Read all words from `at` on. Raises Unread at the first that is not understood."""
    reading = _Reading(words, draft or Draft())
    while at < len(words):
        at = reading.step(at)
    return reading.draft


class _Reading:
    """Reads one word, or one group of words, after the other; each step returns where the next begins."""

    def __init__(self, words: Sequence[Word], draft: Draft) -> None:
        self._words = words
        self._said = [word.said for word in words]
        self.draft = draft
        #: Which sort of thing was read last, and whether the term stood without quotes.
        self._last = ""
        self._has_bare_term = False

    def step(self, at: int) -> int:
        word = self._words[at]
        if word.quoted:
            return self._term(at)
        span = read_span(self._said, at)
        if span:
            self._once("when", at, span[1] - at)
            self.draft.when = span[0].text
            return self._read("when", span[1])
        for words, read in _SORTS:
            if word.said in words:
                return read(self, at)
        return self._object(at) if "/" in word.text else self._bare(at)

    def _read(self, sort: str, after: int) -> int:
        self._last = sort
        return after

    def _once(self, name: str, at: int, count: int = 1) -> None:
        if name in self.draft.places:
            said = "A time" if name == "when" else f"The {name}"
            raise Unread(at, f"{said} is said twice; ask for one at a time.", count=count, quote=False)
        self.draft.places[name] = at

    def _put(self, name: str, value: str, at: int, count: int = 1) -> None:
        self._once(name, at, count)
        self.draft.texts[name] = value

    def keyword(self, at: int) -> int:
        """Read "by alice": a word that says what the next one is."""
        name, after = vocabulary.KEYWORDS[self._said[at]], self._past_articles(at + 1)
        following = self._said[after] if after < len(self._words) else ""
        if vocabulary.KEYWORDS.get(following) in _NOUNS.get(self._said[at], ()):
            return after
        if self._said[at] in {"in", "on"} and self._is_object(after):
            return after
        return self._read(name, _READERS[name](self, at, after))

    def _past_articles(self, at: int) -> int:
        while at < len(self._said) and self._said[at] in {"the", "a", "an"}:
            at += 1
        return at

    def _is_object(self, at: int) -> bool:
        """Whether a kind, or an object with a slash, stands here: "denied on secrets", "in kube-system/coredns"."""
        return at < len(self._said) and (self._said[at] in CLEAR or "/" in self._said[at])

    def text(self, at: int, after: int) -> int:
        name = vocabulary.KEYWORDS[self._said[at]]
        self._put(name, value_at(self._words, at, after), at, after - at + 1)
        return after + 1

    def address(self, at: int, after: int) -> int:
        self._put("address", address_of(self._words, at, after), at, after - at + 1)
        return after + 1

    def verb(self, at: int, after: int) -> int:
        self.draft.verbs.update(verbs_of(self._words, at, after))
        return after + 1

    def kind(self, at: int, after: int) -> int:
        self.draft.resources.append(kind_of(self._words, at, after))
        return after + 1

    def subresource(self, at: int, after: int) -> int:
        is_known = after < len(self._said) and self._said[after] in SUBRESOURCES
        found = self._said[after] if is_known else value_at(self._words, at, after).lower()
        self.draft.subresources.append(found)
        return after + 1

    def top(self, at: int, after: int) -> int:
        self._once("top", at, 2)
        self.draft.top = top_of(self._words, at, after)
        return after + 1

    def outcome_after(self, at: int, after: int) -> int:
        if after < len(self._said) and self._said[after] in vocabulary.OUTCOMES:
            return self.outcome(after)
        raise Unread(
            at, 'After "outcome" comes denied, failed or succeeded.', count=after - at + 1, quote=False
        )

    def outcome(self, at: int) -> int:
        self._once("outcome", at)
        self.draft.outcome = vocabulary.OUTCOMES[self._said[at]]
        return self._read("outcome", at + 1)

    def deed(self, at: int) -> int:
        self.draft.verbs.update(vocabulary.DEEDS[self._said[at]])
        return self._read("verb", at + 1)

    def risky(self, at: int) -> int:
        self.draft.risky = True
        return self._read("risky", at + 1)

    def filler(self, at: int) -> int:
        return at + 1

    def both(self, at: int) -> int:
        """Read over "and" between two kinds or two verbs, of which any may be."""
        following = self._said[at + 1] if at + 1 < len(self._said) else ""
        is_kind = following in CLEAR or vocabulary.KEYWORDS.get(following) == "kind"
        is_verb = following in vocabulary.DEEDS or vocabulary.KEYWORDS.get(following) == "verb"
        if (self._last == "kind" and is_kind) or (self._last == "verb" and is_verb):
            return at + 1
        hint = f'"{self._said[at]}" can stand between two kinds or two verbs; ask for one name at a time.'
        raise Unread(at, hint, count=min(2, len(self._words) - at), quote=False)

    def several(self, at: int) -> int:
        """Read a kind alone; a name may stand after it: "deployment frontend"."""
        self.draft.resources.append(KINDS[self._said[at]])
        after = at + 1
        if not self._is_name(after):
            return self._read("kind", after)
        self._object_alone(after)
        self._slip(after)
        self._put("name", self._words[after].text, after)
        return self._read("name", after + 1)

    def _is_name(self, at: int) -> bool:
        if at >= len(self._words):
            return False
        word = self._words[at]
        is_own = word.said in vocabulary.OWN or word.said in CLEAR or word.text.startswith("-")
        return bool(word.text) and "/" not in word.said and not is_own and not read_span(self._said, at)

    def _object(self, at: int) -> int:
        self._object_alone(at)
        found = object_of(self._words[at].text)
        if found is None:
            raise Unread(at, _SLASHES)
        if found["namespace"] and near(found["namespace"]):
            raise Unread(
                at, f'I do not know "{found["namespace"]}"; if it is a namespace, write it after in.'
            )
        for name in ("namespace", "name"):
            if found[name]:
                self._put(name, found[name], at)
        self.draft.resources += [found["resource"]] if found["resource"] else []
        self.draft.subresources += [found["subresource"]] if found["subresource"] else []
        return self._read("name" if found["name"] else "kind", at + 1)

    def _object_alone(self, at: int) -> None:
        """Refuse an object beside a word that is searched for: one of the two was not understood."""
        if self._has_bare_term:
            raise _two_words(self.draft.texts["term"], self._words[at].text, self.draft.places["term"])

    def _term(self, at: int) -> int:
        text = self._words[at].text
        if not text:
            raise Unread(at, "There is nothing between the quotes.")
        if len(text) > LONGEST_TERM:
            raise Unread(at, f"Look for at most {LONGEST_TERM} characters.", quote=False)
        self._put("term", text, at)
        return self._read("term", at + 1)

    def _bare(self, at: int) -> int:
        """Read a word that is none of the grammar's: what to look for, if it can be nothing else."""
        text, said = self._words[at].text, self._said[at]
        if said in OPENERS:
            raise no_time(self._words, at)
        if said in vocabulary.LEFT_OUT:
            hint = f'A question cannot leave anything out, so "{said}" is not understood.'
            raise Unread(at, hint, quote=False, drop=False)
        if said in vocabulary.OWN or text.startswith("-"):
            raise Unread(at, f'I do not understand "{text[:50]}" there.')
        if self._last in {"user", "client"}:
            raise _name_of_words(self._words, at)
        taken = self.draft.texts.get("term") or self.draft.texts.get("name")
        if taken:
            raise _two_words(taken, text, at)
        self._slip(at)
        self._has_bare_term = True
        return self._term(at)

    def _slip(self, at: int) -> None:
        """Refuse a word that is spelt almost like one of the grammar's: looking for it would find nothing."""
        word = self._words[at]
        if not word.quoted and near(word.text):
            raise Unread(at, f'I do not know "{word.text}"; if it is a name, put it in quotes.')


_SLASHES = "Write an object as kube-system/coredns, deploy/frontend or deploy/shop/frontend."


def _two_words(one: str, other: str, at: int) -> Unread:
    said = f'I do not know whether to look for "{one[:50]}" or for "{other[:50]}"'
    return Unread(at, f"{said}; look for one, or put words that stand together in quotes.")


def _name_of_words(words: Sequence[Word], at: int) -> Unread:
    one, other = words[at - 1].text, words[at].text
    example = f'"{one[:50]} {other[:50]}"'
    return Unread(
        at, f'I do not understand "{other[:50]}" there; put a name of several words in quotes: {example}.'
    )


#: "on the cluster aks-weu": a second word that says the same.
_NOUNS: Mapping[str, frozenset[str]] = {
    "in": frozenset({"namespace", "cluster"}),
    "on": frozenset({"cluster"}),
    "by": frozenset({"user", "client"}),
    "from": frozenset({"address"}),
    "using": frozenset({"client"}),
    "via": frozenset({"client"}),
}
_READERS: Mapping[str, Callable[[_Reading, int, int], int]] = {
    **dict.fromkeys(("user", "cluster", "namespace", "name", "client"), _Reading.text),
    "address": _Reading.address,
    "verb": _Reading.verb,
    "kind": _Reading.kind,
    "subresource": _Reading.subresource,
    "top": _Reading.top,
    "outcome": _Reading.outcome_after,
}
#: What is tried in turn; kinds last, so that "events" is read over.
_SORTS: tuple[tuple[frozenset[str], Callable[[_Reading, int], int]], ...] = (
    (frozenset(vocabulary.KEYWORDS), _Reading.keyword),
    (frozenset(vocabulary.OUTCOMES), _Reading.outcome),
    (frozenset(vocabulary.DEEDS), _Reading.deed),
    (vocabulary.RISKY, _Reading.risky),
    (vocabulary.AND, _Reading.both),
    (vocabulary.FILLERS, _Reading.filler),
    (CLEAR, _Reading.several),
)

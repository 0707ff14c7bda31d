"""Questions of every shape, as the grammar may return them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from audit.filter import Outcome, Wanted
from audit.kinds import KINDS
from audit.topics import TOPICS
from bot.asked import AskActivity, AskCost, AskEvents, AskPerson, AskRaw, AskWho, Question, Topic
from bot.grammar.vocabulary import API_VERBS, DEED_WORDS, OWN
from bot.grammar.words import one_line
from bot.said_moments import UNITS
from bot.spans import MONTHS, PARTS, WEEKDAYS, length_text
from bot.when import When

_UGLY = "abz09 .,:;/?!-_@#\"'\u201c\u201d\u2018\u2019\u00ab\u00bb\u200b\u202eİß\U0001f600<>&%$"
#: Names of every sort, on one line as a client sends it.
names = st.one_of(
    st.sampled_from(
        [*sorted(OWN), *sorted(KINDS), "coredns", "alice@contoso.com", "9am", "4", "2d", "yesterdy"]
    ),
    st.text(_UGLY, min_size=1, max_size=24),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12),
).filter(lambda name: one_line(name) == name)
maybe = st.just("") | names
_clocks = st.times().map(lambda at: at.strftime("%H:%M:%S" if at.second % 2 else "%H:%M"))
_days = st.sampled_from(["today", "yesterday", *WEEKDAYS, "2026-03-04", *(f"{month} 4" for month in MONTHS)])
_lengths = st.integers(1, 999).flatmap(
    lambda n: st.sampled_from(sorted(UNITS)).map(lambda unit: n * UNITS[unit])
)


def _of(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    made = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*made).map(" ".join)


spans = st.one_of(
    _of("last", _lengths.map(lambda length: length_text(length or timedelta(minutes=1)))),
    st.sampled_from(["this week", "last week", "since last week", "since this week"]),
    _of("since", _days),
    _of("since", _clocks),
    _of("since", _days, _clocks),
    _of(_days.filter(lambda day: day != "today"), st.sampled_from(sorted(PARTS))),
    _of("this", st.sampled_from(sorted(PARTS))),
    _days,
    _of("around", _clocks),
    _of("around", _clocks, _days),
    _of("between 00:30 and", _clocks.filter(lambda clock: clock != "00:30")),
    _of("between 00:30 and", _clocks.filter(lambda clock: clock != "00:30"), _days),
    _of("between monday and", _days),
    _of("between monday", _clocks, "and 2026-03-04", _clocks),
)
zoned = st.tuples(spans, st.booleans()).map(
    lambda both: f"{both[0]} utc" if both[1] and not both[0].startswith("last ") else both[0]
)
whens = zoned.map(lambda text: When(text=text))
_ordered = st.sets(st.sampled_from(API_VERBS), max_size=3).map(
    lambda some: tuple(verb for verb in API_VERBS if verb in some)
)
verbs = st.sampled_from(sorted(DEED_WORDS)) | _ordered
resources = st.lists(
    st.sampled_from(sorted(KINDS.values())) | st.from_regex(r"[a-z][a-z0-9-]{0,8}s", fullmatch=True),
    max_size=3,
    unique=True,
).map(tuple)
subresources = st.lists(st.from_regex("[a-z]{2,12}", fullmatch=True), max_size=2, unique=True).map(tuple)
addresses = (
    st.just("") | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6, network="2001:db8::/32").map(str)
)


def _fields(**others: st.SearchStrategy[Any]) -> st.SearchStrategy[Wanted]:
    texts = dict.fromkeys(("term", "namespace", "name", "user", "client", "cluster"), maybe)
    rest = {
        "resources": resources,
        "subresources": subresources | st.just(TOPICS["exec"].subresources),
        "verbs": verbs,
        "address": addresses,
        "outcome": st.none() | st.sampled_from(Outcome),
        "risky": st.booleans(),
    }
    return st.builds(Wanted, **{**texts, **rest, **others})


_all_of = {"rbac": TOPICS["rbac"].resources, "exec": ("pods",), "secrets": ("secrets",)}
tops = st.integers(0, 50)
topics = st.one_of(
    st.builds(
        AskEvents,
        topic=st.just(Topic.RBAC),
        what=_fields(
            resources=st.just(_all_of["rbac"]) | st.just(("roles",)), verbs=st.just(TOPICS["rbac"].verbs)
        ),
        when=whens,
        top=tops,
    ),
    st.builds(
        AskEvents,
        topic=st.just(Topic.EXEC),
        what=_fields(
            resources=st.just(("pods",)),
            subresources=st.just(TOPICS["exec"].subresources) | st.just(("exec",)),
        ),
        when=whens,
        top=tops,
    ),
    st.builds(
        AskEvents,
        topic=st.just(Topic.SECRETS),
        what=_fields(resources=st.just(("secrets",))),
        when=whens,
        top=tops,
    ),
    st.builds(AskEvents, topic=st.just(Topic.RISKY), what=_fields(risky=st.just(True)), when=whens, top=tops),
)
_ids = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=256)
questions: st.SearchStrategy[Question] = st.one_of(
    st.builds(AskEvents, what=_fields(), when=whens, top=tops),
    topics,
    st.builds(AskWho, what=_fields(), when=whens, top=tops),
    st.builds(AskPerson, what=_fields(user=names), when=whens),
    st.builds(AskActivity, what=_fields(), when=whens),
    st.builds(AskCost, when=whens),
    st.builds(AskRaw, audit_id=_ids.filter(lambda audit_id: one_line(audit_id) == audit_id)),
)

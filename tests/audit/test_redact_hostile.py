from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.command_lines import without_line_secrets
from audit.redact import MAX_EVENT, TOO_DEEP, TOO_LARGE, redact, redact_uri
from audit.secrets import CUT, MARKS, MAX_TEXT, Tally, without_secrets
from tests.audit.test_redact import CANARY, EXEC, JWT, PEM, an_event, as_text, asking, leaks, saying

# --- URIs ------------------------------------------------------------------------------------------


def test_a_uri_for_a_card_is_redacted_like_that_of_an_event() -> None:
    uri = f"{EXEC}&command=mysql&command=-p{CANARY}"
    assert redact_uri(uri) == f"{EXEC}&command=mysql&command=-p[redacted: argument]"
    assert redact_uri(redact_uri(uri)) == redact_uri(uri)


@pytest.mark.parametrize(
    "uri", ["", "/", "?", "&&&", "/x?=&=", "/a%zz?%", "/x?a=%00", "//@:/", "\ud800", "/proxy", "/proxy/"]
)
def test_an_odd_uri_is_no_reason_to_fail(uri: str) -> None:
    assert isinstance(redact_uri(uri), str)


def test_a_long_uri_is_cut_before_what_hides_behind_its_end() -> None:
    uri = "/x?" + "password=a&" * 100 + "x=" + "y" * 3000 + f"&token={CANARY}"
    assert not leaks(redact_uri(uri))
    assert len(redact_uri(uri)) <= MAX_TEXT


# --- what is cut -----------------------------------------------------------------------------------


def test_a_long_string_is_cut_and_says_so() -> None:
    text = redact(saying("word " * 1000)).event["responseStatus"]["message"]
    assert len(text) <= MAX_TEXT
    assert text.endswith(CUT)


def test_a_long_string_without_spaces_is_cut_and_not_dropped() -> None:
    assert redact(saying("x" * 5000)).event["responseStatus"]["message"] == "x" * (MAX_TEXT - len(CUT)) + CUT


def test_a_secret_at_the_place_of_the_cut_does_not_survive_in_part() -> None:
    for room in range(MAX_TEXT - 80, MAX_TEXT + 1):
        text = without_secrets("x" * (room - 1) + " ghp_" + CANARY * 3, Tally())
        assert not leaks(text)
        assert "ghp_" not in text


def test_a_deep_event_is_cut_and_says_so() -> None:
    deep: Any = CANARY
    for step in range(500):
        deep = [{"password": deep}] if step % 2 else {"a": deep}
    text = as_text(redact(asking(deep)).event)
    assert TOO_DEEP in text
    assert not leaks(text)


def test_a_large_event_is_cut_after_what_identifies_it_and_says_so() -> None:
    body = {f"field-{n}": "x" * 100 for n in range(10_000)}
    event = {"requestObject": body, **an_event(), "responseObject": body}
    cleaned = redact(event).event
    text = as_text(cleaned)
    assert len(text) < MAX_EVENT * 1.2
    assert TOO_LARGE in text
    assert cleaned["user"]["username"] == "alice@contoso.com"
    assert next(iter(cleaned)) == "requestObject"
    assert redact(cleaned).event == cleaned


def nested(wrap: Callable[[Any], Any]) -> Any:
    inner: Any = "x"
    for _ in range(400):
        inner = wrap(inner)
    return inner


@pytest.mark.parametrize(
    "hostile",
    [
        {},
        {"": ""},
        {"user": "bob", "objectRef": [], "requestURI": 5, "annotations": None},
        {"user": {"extra": 5}, "impersonatedUser": []},
        {"requestObject": float("nan"), "responseObject": float("inf")},
        {"requestObject": 10**5000},
        {
            "requestObject": {
                "env": [None, 1, [], {"value": None}],
                "args": [None, 1, {}],
                "command": {"a": 1},
            }
        },
        {"requestObject": nested(lambda inner: {"env": [inner]})},
        {"requestObject": nested(lambda inner: {"args": [inner]})},
        {"requestObject": nested(lambda inner: {"token": [inner]})},
        {"requestObject": nested(lambda inner: [inner])},
        {"requestObject": {"args": [1] * 100_000}},
        {"requestObject": {"env": [{}] * 100_000}},
        {"requestObject": {"op": [], "path": {}, "value": 1, "kind": {}, "name": []}},
        {"requestObject": {"\ud800": "\udfff"}, "x\ud800": 1},
        {"requestObject": "[" * 100_000},
        {"requestObject": '{"a":' * 50_000},
        {"requestObject": "[1e999, 1" + "0" * 5000 + "]"},
        {"requestObject": '{"a":"\\ud800"}'},
        {"requestObject": {JWT: 1, JWT + "x": 2}},
        {"objectRef": {"resource": [], "subresource": {}}, "requestObject": {"a": 1}},
        {"requestObject": {"x": b"bytes", "y": {1, 2}, 5: "five"}},
    ],
)
def test_hostile_json_is_no_reason_to_fail(hostile: dict[str, Any]) -> None:
    once = redact(hostile).event
    assert len(json.dumps(once, ensure_ascii=False).encode("utf-8")) < 2 * MAX_EVENT
    assert json.dumps(redact(once).event) == json.dumps(once)


# --- properties ------------------------------------------------------------------------------------

_WORD = st.text(string.ascii_lowercase, min_size=1, max_size=6)
_SECRET_NAME = st.sampled_from(
    ["password", "apiToken", "CLIENT_SECRET", "connectionString", "x-api-key", "dsn", "pwd"]
)


def _plant(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Put a canary where one of the rules must find it."""
    return st.one_of(
        st.builds(lambda k, v: {"data": {k: v}}, _WORD, leaf),
        st.builds(lambda k, v: {"stringData": {k: v}}, _WORD, leaf),
        st.builds(lambda v: {"metadata": {"managedFields": [v]}}, leaf),
        st.builds(lambda v: {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": v}}, leaf),
        st.builds(lambda k, v: {"env": [{"name": k, "value": v}]}, _WORD, leaf),
        st.builds(lambda v: {"args": ["--password", v, "x"]}, st.just(CANARY)),
        st.builds(lambda n: {"command": ["sh", "-c", f"{n} --token={CANARY} x"]}, _WORD),
        st.builds(lambda n: {"command": f"{n} -p{CANARY}"}, _WORD),
        st.builds(lambda k, v: {k: v}, _SECRET_NAME, st.just(CANARY)),
        st.builds(lambda k, v: {k: [v, v]}, _SECRET_NAME, st.just(CANARY)),
        st.builds(
            lambda k, v: {"op": "add", "path": f"/spec/{k}/0", "value": v},
            st.sampled_from(["env", "data"]),
            leaf,
        ),
        st.builds(lambda n: f"{n} https://{n}:{CANARY}@host/ {n}", _WORD),
        st.builds(lambda n, k: f"{n} {k}={CANARY} {n}", _WORD, _SECRET_NAME),
        st.builds(lambda n: f"{n} Bearer {CANARY} {n}", _WORD),
        st.builds(lambda n: f"{n} {JWT} {n}", _WORD),
        st.builds(lambda n: f"{n}\n{PEM}\n{n}", _WORD),
    )


_LEAF = st.one_of(st.just(CANARY), st.just({"a": CANARY}), st.just([CANARY, {"b": CANARY}]))
_PLANTED = st.recursive(
    _plant(_LEAF),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(_WORD, inner, min_size=1, max_size=3),
        inner.map(json.dumps),
    ),
    max_leaves=6,
)


@given(body=_PLANTED)
@settings(max_examples=300, deadline=None)
def test_no_planted_canary_survives_wherever_it_is(body: Any) -> None:
    once = redact(an_event(requestObject=body, annotations={"note": json.dumps(body)})).event
    assert not leaks(as_text(once)), body
    assert redact(once).event == once


_JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=30),
        st.text(alphabet=" -=:\"'\\{}[]pPaswordtkenBr://@&?", max_size=40), st.sampled_from(sorted(MARKS)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=8), st.sampled_from(["env", "args", "data", "token", "key", "kind", "op", "path", "value", "name"])), inner, max_size=4),
    ),
    max_leaves=15,
)  # fmt: skip


@given(
    event=st.dictionaries(
        st.one_of(st.text(max_size=8), st.sampled_from(sorted(an_event()))), _JSON, max_size=6
    )
)
@settings(max_examples=300, deadline=None)
def test_any_json_is_redacted_without_failing_and_only_once(event: dict[str, Any]) -> None:
    once = redact(event).event
    assert redact(once).event == once


# --- cost ------------------------------------------------------------------------------------------

ADVERSARIAL = [
    "a", "-p", "-p ", "--password ", "password=", "a=", "a:", "://", "://a:", "://@", "-----BEGIN ", "-----BEGIN A-----",
    "eyJ", "eyJa.", "x-x-x-", "Authorization: ", "Bearer ", "basic aaaaaaaa ", "\\", '\\"', '"', "'", "{", "[", '{"a":',
    " ", "\n", "ghp_", "8Q~", "aaa8Q~", "[redacted: ", "[cut: ", "é", "--env a=", "x.-", "=", "%25", "&command=-p",
]  # fmt: skip


def answer_to(text: str) -> int:
    """Return how long the answer to an event is that holds the text five times."""
    return len(as_text(redact(asking({"x": text, "args": [text], "y": [text] * 3})).event))


@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_hostile_repetition_costs_no_more_than_a_bounded_answer(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    assert answer_to(text) < 2 * 5 * MAX_TEXT + 2_000
    assert len(redact_uri(text)) <= MAX_TEXT
    assert len(without_line_secrets(text, Tally())) <= MAX_TEXT


def test_an_event_full_of_hostile_strings_ends() -> None:
    chance = random.Random(20260304)
    body = ["".join(chance.choices(ADVERSARIAL, k=800))[:MAX_TEXT] for _ in range(100)]
    once = redact(an_event(requestObject={"args": body, "x": body}))
    assert len(as_text(once.event)) < MAX_EVENT * 1.5

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.event import AuditEvent, Unreadable, parse_event
from audit.recover import MAX_DEPTH, recover, recover_value
from tests.audit.cutting import Written
from tests.samples import sample
from tests.shared_data import shared_data


def check_every_cut(event: dict[str, Any]) -> None:
    """Cut the event behind each byte: all that is whole is there, and nothing else is."""
    written = Written().write(event)
    assert json.loads(written.text.decode()) == event
    for kept, whole, lost in written.states():
        for errors in ("replace", "ignore"):
            found = recover(bytes(written.text[:kept]).decode(errors=errors))
            assert found is not None, kept
            assert (dict(found.value), set(found.lost)) == (whole, lost), kept


def test_a_cut_keeps_what_is_whole_and_names_the_rest() -> None:
    found = recover('{"verb":"get","objectRef":{"resource":"pods","name":"we')
    assert found is not None
    assert found.value == {"verb": "get", "objectRef": {"resource": "pods"}}
    assert found.lost == {"objectRef", "objectRef.name"}


@pytest.mark.parametrize(
    ("text", "value", "lost"),
    [
        ("{", {}, set()),
        ('{"a', {}, set()),
        ('{"a"', {}, {"a"}),
        ('{"a":', {}, {"a"}),
        ('{"a":12', {}, {"a"}),
        ('{"a":12 \n', {}, {"a"}),
        ('{"a":12,', {"a": 12}, set()),
        ('{"a":-', {}, {"a"}),
        ('{"a":1e', {}, {"a"}),
        ('{"a":true', {"a": True}, set()),
        ('{"a":tru', {}, {"a"}),
        ('{"a":null', {"a": None}, set()),
        ('{"a":"x"', {"a": "x"}, set()),
        ('{"a":"x', {}, {"a"}),
        ('{"a":"x\\', {}, {"a"}),
        ('{"a":"x\\"', {}, {"a"}),
        ('{"a":"\\u12', {}, {"a"}),
        ('{"a":"\\ud83d', {}, {"a"}),
        ('{"a":"\ufffd', {}, {"a"}),
        ('{"a":"x\n', {}, {"a"}),
        ('{"a":[1,2', {"a": [1]}, {"a"}),
        ('{"a":[[1],["x', {"a": [[1], []]}, {"a", "a.1"}),
        ('{"a":{}', {"a": {}}, set()),
        ('{"a":1,"a":', {}, {"a"}),
        ('{"a":1,"a":{"b":2', {"a": {}}, {"a", "a.b"}),
        ('{"a":1,"a":2,', {"a": 2}, set()),
        ('{"a":1,"\\u0061":2', {}, {"a"}),
        ('{"a":1,"\\ud800"', {"a": 1}, set()),
        ('{"a":1,"b\n', {"a": 1}, set()),
    ],
)
def test_what_the_cut_went_through_is_cut_off(text: str, value: dict[str, Any], lost: set[str]) -> None:
    found = recover(text)
    assert found is not None
    assert (dict(found.value), set(found.lost)) == (value, lost)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        '{"a":1}',
        '{"a":1} x',
        '{"a":}',
        '{"a":1,}',
        "{]",
        "I0304 09:37:25 not json",
        "[1,",
        '"x',
        '{"a":NaN,"b',
        '{"a":"\\ud800","b',
        '{"a":"x\ny","b',
        '{"\\ud800":[',
        "\ud800",
        '{"a":"\ud800","b',
        "}",
        ",",
    ],
)
def test_what_is_whole_or_no_json_is_not_recovered(text: str) -> None:
    assert recover(text) is None


def test_a_list_is_recovered_as_a_value() -> None:
    found = recover_value('["10.0.0.1","10.0.')
    assert found is not None
    assert (found.value, set(found.lost)) == (["10.0.0.1"], {""})


# --- at every byte -----------------------------------------------------------------------------------


def test_real_events_cut_at_every_byte() -> None:
    for line in shared_data("audit/events.jsonl").read_text().splitlines():
        check_every_cut(json.loads(line)["event"])


def test_the_events_of_the_sample_cut_at_every_byte() -> None:
    for line in sample("events/coredns-changed.jsonl").read_text().splitlines()[:3]:
        check_every_cut(json.loads(line))


#: An empty key or a dot in one is no step of a dotted path that can be told from another.
KEYS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="."), min_size=1, max_size=8)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
    | st.sampled_from(['"', "\\", '\\"', "{[,:]}", "é\U0001f600", "\u2028", "\x00\x1f\x7f"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_object_cut_at_every_byte(value: dict[str, Any]) -> None:
    check_every_cut(value)


def test_a_cut_row_is_an_event_with_nothing_invented() -> None:
    event = json.loads(sample("events/coredns-changed.jsonl").read_text().splitlines()[7])
    log = json.dumps(event)
    whole = parse_event({"log_s": log, "TimeGenerated": "2026-03-04T09:37:25Z"})
    assert isinstance(whole, AuditEvent)
    for kept in range(1, len(log)):
        found = parse_event({"log_s": log[:kept], "TimeGenerated": "2026-03-04T09:37:25Z"})
        if isinstance(found, Unreadable):
            assert found.reason == "cut"
            assert kept < log.index('"auditID"') + 60
            continue
        assert found.is_cut
        for name in ("audit_id", "verb", "uri", "username", "user_agent", "resource", "name", "reason"):
            assert getattr(found, name) in {"", getattr(whole, name)}
        assert found.code in {None, whole.code}
        assert found.time in {whole.time, whole.generated}


# --- hostile -----------------------------------------------------------------------------------------


@given(st.text() | st.text(alphabet='{}[]",:\\u0 1eE+-.truefalsn\ud800\ufffd').map(lambda text: "{" + text))
def test_no_text_raises(text: str) -> None:
    found = recover(text)
    assert found is None or isinstance(found.value, dict)


def hostile() -> Iterable[str]:
    size = 1_000_000
    yield '{"a":' * (size // 5)
    yield "[" * size
    yield '{"a":"' + "x" * size
    yield '{"a":"' + "\\" * size
    yield '{"' + "k" * size
    yield '{"' + "k" * size + '":{"'
    yield '{"a":[' + "1," * (size // 10)
    yield '{"a":[' + '"",' * (size // 20)
    yield "{" + " " * size
    yield '{"a":' + "1" * size
    yield '{"a":' + "{}" * (size // 20)


@pytest.mark.parametrize("text", list(hostile()), ids=lambda text: f"{text[:6]}…{text[-6:]}")
def test_a_megabyte_of_anything_ends(text: str) -> None:
    found = recover(text)
    assert found is None or sum(map(len, found.lost)) < 10_000


def test_what_is_lost_deep_down_is_told_by_what_it_lies_in() -> None:
    found = recover('{"a":' * (MAX_DEPTH - 1))
    assert found is not None
    assert max(path.count(".") for path in found.lost) == 31
    assert recover('{"a":' * (MAX_DEPTH + 1)) is None

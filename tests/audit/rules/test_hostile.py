"""Whatever stands in an event, no rule raises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.rules import judge
from audit.rules.bodies import as_object
from tests.audit.rules.requests import EXAMPLES

_KEYS = st.sampled_from(
    [
        "spec",
        "template",
        "jobTemplate",
        "containers",
        "initContainers",
        "ephemeralContainers",
        "securityContext",
        "capabilities",
        "add",
        "volumes",
        "hostPath",
        "path",
        "rules",
        "verbs",
        "resources",
        "apiGroups",
        "roleRef",
        "name",
        "kind",
        "subjects",
        "command",
        "data",
        "metadata",
        "annotations",
        "type",
        "signerName",
        "expirationSeconds",
        "username",
        "groups",
        "tls",
        "op",
        "value",
        "service.beta/load-balancer-internal",
    ]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["*", "-", "/spec/-/a", "add"])
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=25,
)
_FIELDS = st.sampled_from(["requestObject", "responseObject", "user", "impersonatedUser", "requestURI"])


@given(st.dictionaries(_FIELDS, _JSON, min_size=1))
def test_no_rule_raises_on_any_json(fields: dict[str, Any]) -> None:
    events = [replace(one, raw={**one.raw, **fields}) for one in EXAMPLES.values()]

    assert len(judge(events).of_event) == len(EXAMPLES)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_rule_raises_on_any_text(one: str, two: str, three: str) -> None:
    events = [
        replace(
            found,
            namespace=one,
            name=two,
            username=three,
            user_agent=one,
            uri=two,
            source_ips=(three,),
            raw={},
        )
        for found in EXAMPLES.values()
    ]

    assert len(judge(events).of_event) == len(EXAMPLES)


@given(_JSON)
def test_reading_a_patch_leaves_the_event_as_it_is(value: Any) -> None:
    before = repr(value)

    as_object(
        [{"op": "add", "path": "/spec", "value": value}, {"op": "add", "path": "/spec/a/0/b", "value": 1}]
    )

    assert repr(value) == before


def test_a_long_command_and_a_deep_body_are_judged_all_the_same() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"spec": deep}
    long = EXAMPLES["exec-in-pod"]
    lines = [
        "socket " * 20_000,
        "nc " * 50_000,
        "curl " * 40_000,
        "http://" * 40_000,
        "bash " * 40_000,
        "tar - " * 40_000,
    ]
    events = [replace(long, raw={"requestObject": {"command": [line]}}) for line in lines]
    events += [replace(one, raw={"requestObject": deep}) for one in EXAMPLES.values()]

    assert len(judge(events).of_event) == len(events)

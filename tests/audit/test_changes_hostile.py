"""Bodies that nobody vouches for: nothing raises, nothing grows without end, no secret is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.changes import previous_body, wants_previous, what_changed
from audit.changes_corefile import corefile_lines
from audit.deeds import describe
from tests.audit.change_events import KINDS, changed, whole

SECRET = "zq7Hunter2Canary"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
_WORDS = """
metadata spec template containers name image env value rules subjects roleRef webhooks clientConfig url service ports
data Corefile labels annotations $patch $setElementOrder/containers $deleteFromPrimitiveList/x replicas status
conditions type op path from kind apiVersion finalizers
"""
KEYS = st.sampled_from(_WORDS.split()) | st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["add", "/a/0"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "odd"]),
            "path": st.sampled_from(["", "/", "/spec/x", "/spec/containers/0/env/-", "/a~2", "/metadata/0"])
            | st.text(),
            "from": st.sampled_from(["", "/spec", "/metadata/labels"]) | ANYTHING,
            "value": ANYTHING,
        }
    )
    | ANYTHING,
    max_size=5,
)


@given(
    verb=st.sampled_from(["create", "update", "patch", "delete", "get"]),
    resource=st.sampled_from(sorted(KINDS)),
    subresource=st.sampled_from(["", "scale", "status", "approval", "binding", "exec"]),
    body=ANYTHING | OPERATIONS,
    answer=ANYTHING,
    before=ANYTHING,
    query=st.sampled_from(["", "force=true", "fieldManager=kubectl-set", "command=%ff"])
    | st.text(max_size=9),
)
def test_no_json_makes_it_raise(
    verb: str, resource: str, subresource: str, body: Any, answer: Any, before: Any, query: str
) -> None:
    event = changed(verb, resource, body, subresource=subresource, answer=answer, query=query)
    state = before if isinstance(before, dict) else None
    change = what_changed(event, state)
    assert change.lines or change.why_not
    assert len(change.lines) <= 40
    assert all(len(line) <= 200 and line[:2] in {"+ ", "- ", "~ "} for line in change.lines)
    wants_previous(event)
    previous_body(event)
    assert describe(event).done


def bodies_with(secret: str) -> dict[str, dict[str, Any]]:
    """Return objects with a secret in each of the places that secrets stand in."""
    container = {
        "name": "web",
        "image": "web:1",
        "env": [{"name": "PLAIN", "value": secret}, {"name": "DB_PASSWORD", "value": secret}],
        "args": ["serve", secret, f"--password={secret}"],
        "command": ["sh", "-c", secret],
    }
    annotations = {
        "password": secret,
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": secret}),
        "json": json.dumps({"token": secret}),
    }
    spec = {
        "containers": [container],
        "template": {"spec": {"initContainers": [container]}},
        "clientSecret": secret,
        "parameters": [{"name": "DB_PASSWORD", "value": secret}, {"name": "api-key", "value": secret}],
        "unnamed": [{"password": secret}, {"deep": {"token": secret}}],
        "dsn": [secret],
        "connection": f"postgres://bob:{secret}@db/x",
    }
    data: dict[str, Any] = {
        "data": {"x": secret, "Corefile": secret, "y": {"z": secret}},
        "stringData": {"x": secret},
    }
    return {
        resource: whole(resource, metadata={"annotations": annotations}, spec=spec, **data)
        for resource in KINDS
    }


@pytest.mark.parametrize("resource", sorted(KINDS))
@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete"])
def test_no_secret_is_told(resource: str, verb: str) -> None:
    body, before = bodies_with(SECRET)[resource], bodies_with(f"{SECRET}Before")[resource]
    patch = {key: child for key, child in body.items() if key not in {"kind", "apiVersion"}}
    for sent in (body, patch):
        for query in ("", "force=true", "fieldManager=kubectl-set"):
            for state in (None, before, {}):
                told = what_changed(changed(verb, resource, sent, query=query), state)
                assert SECRET not in "\n".join(told.lines)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/data/x", SECRET),
        ("/stringData", {"x": SECRET}),
        ("/spec/template/spec/containers/0/env/0/value", SECRET),
        ("/spec/template/spec/containers/0/env/0", {"name": "A", "value": SECRET}),
        ("/spec/template/spec/containers/0/env/-", {"name": "A", "value": SECRET}),
        ("/spec/template/spec/containers/0/env", [{"name": "A", "value": SECRET}]),
        ("/spec/template/spec/containers/0/args/1", SECRET),
        ("/spec/template/spec/containers/0/args", [SECRET]),
        ("/spec/template/spec/containers/-", {"name": "x", "env": [{"name": "A", "value": SECRET}]}),
        ("/spec/password", SECRET),
        ("/metadata/annotations/api-token", SECRET),
        ("/webhooks/0/clientConfig/url", f"https://x.example/{SECRET}"),
        ("/webhooks/0/clientConfig/caBundle", SECRET),
        ("", {"data": {"x": SECRET}, "spec": {"password": SECRET}}),
    ],
)
@pytest.mark.parametrize("resource", ["deployments", "secrets", "mutatingwebhookconfigurations"])
def test_no_operation_of_a_json_patch_tells_a_secret(path: str, value: Any, resource: str) -> None:
    for state in (None, bodies_with("other")[resource]):
        for op in ("add", "replace"):
            event = changed("patch", resource, [{"op": op, "path": path, "value": value}])
            assert SECRET not in "\n".join(what_changed(event, state).lines)


def test_what_has_a_tokens_form_is_not_told_wherever_it_stands() -> None:
    body = whole(
        "services", metadata={"labels": {JWT: JWT}}, spec={JWT: 1, "x": JWT, "list": [JWT, {"y": JWT}]}
    )
    assert JWT not in "\n".join(what_changed(changed("create", "services", body), None).lines)
    corefile = f"forward . 10.0.0.1\nauth {JWT}\n"
    event = changed(
        "create", "configmaps", {"data": {"Corefile": corefile}}, name="coredns", namespace="kube-system"
    )
    lines = what_changed(event, None).lines
    assert lines[0] == "+ forward . 10.0.0.1"
    assert JWT not in "\n".join(lines)


def test_what_is_nested_without_end_is_left_alone() -> None:
    deep: Any = "x"
    for _ in range(3000):
        deep = {"a": [deep]}
    for body in (
        {"spec": deep},
        [{"op": "add", "path": "/spec", "value": deep}],
        [{"op": "add", "path": "/a" * 900}],
    ):
        event = changed("patch", "deployments", body)
        assert len(what_changed(event, {"spec": deep}).lines) <= 40
        assert describe(event).done


def test_two_long_corefiles_are_compared_in_time_and_not_by_their_order() -> None:
    old, new = ("\n".join(f"line {number % 7} {side}" for number in range(20_000)) for side in "ab")
    assert len(list(corefile_lines("Corefile", old, new))) == 8000


def test_many_operations_are_said_to_be_too_many() -> None:
    ops = [{"op": "add", "path": f"/metadata/labels/l{n}", "value": "x"} for n in range(1001)]
    assert (
        what_changed(changed("patch", "services", ops), whole("services")).why_not
        == "too many fields to compare"
    )


HIDDEN = "hunter2"
OLD = "old-s3cret"


def _with(content: str) -> dict[str, Any]:
    return {
        "spec": {
            "files": [{"name": "a", "content": content}, {"name": "b", "contents": {"inline": content}}],
            "writeFiles": {"/etc/x": content},
            "passwords": [{"name": "db", "value": content}],
            "tokens": [content],
            "auth": {"admin": {"value": content}},
        }
    }


def test_what_is_hidden_in_a_list_is_hidden_in_a_change_of_it() -> None:
    event = changed("update", "gateways", _with(HIDDEN))
    told = what_changed(event, _with(OLD))

    assert told.lines
    assert not [line for line in told.lines if HIDDEN in line or OLD in line]


@pytest.mark.parametrize(
    "path",
    [
        "/spec/files/0/content",
        "/spec/files/0/contents/inline",
        "/spec/writeFiles/x",
        "/spec/tokens/0",
        "/spec/tokens/-",
        "/spec/passwords/0/value",
        "/spec/template/spec/containers/0/env/0/value",
        "/spec/template/spec/containers/0/args/0",
        "/spec/containers/0/livenessProbe/httpGet/httpHeaders/0/value",
    ],
)
@pytest.mark.parametrize("op", ["add", "replace"])
def test_what_is_hidden_is_hidden_in_a_patch_by_places(path: str, op: str) -> None:
    event = changed("patch", "gateways", [{"op": op, "path": path, "value": HIDDEN}])
    told = what_changed(event, None)

    assert told.lines
    assert HIDDEN not in str(told.lines)


def test_a_merge_patch_of_named_files_hides_them() -> None:
    told = what_changed(changed("patch", "gateways", _with(HIDDEN)), None)

    assert told.lines
    assert HIDDEN not in str(told.lines)

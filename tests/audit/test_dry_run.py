"""Deeds that were only tried out, and bodies that were cut: neither is told as more than it is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from audit.deeds import describe, describe_request
from audit.dry_run import is_dry_run
from audit.event import AuditEvent, parse_event
from tests.audit.change_events import changed

BINDING = {"roleRef": {"name": "view"}, "subjects": []}


@pytest.mark.parametrize(
    ("verb", "resource", "body", "lost", "said"),
    [
        (
            "create",
            "clusterrolebindings",
            BINDING,
            "requestObject",
            "created cluster role binding shop/web-1",
        ),
        (
            "update",
            "rolebindings",
            {"roleRef": {"name": "x"}, "subjects": [{"kind": "User", "name": "a"}]},
            "requestObject.subjects",
            "updated role binding shop/web-1",
        ),
        (
            "patch",
            "deployments",
            {"spec": {"replicas": 0}},
            "requestObject.spec",
            "patched deployment shop/web-1",
        ),
        (
            "patch",
            "deployments",
            {"spec": {"replicas": 0}},
            "responseObject",
            "scaled deployment shop/web-1 to 0",
        ),
    ],
)
def test_a_body_that_was_cut_says_nothing_of_the_deed(
    verb: str, resource: str, body: Any, lost: str, said: str
) -> None:
    event = changed(verb, resource, body, name="web-1")
    event = replace(event, is_cut=True, lost=frozenset({lost, "annotations"}))
    assert describe(event).done == said


def test_of_a_row_that_was_cut_at_any_place_no_half_truth_is_told() -> None:
    subjects = [{"kind": "User", "name": "a"}, {"kind": "Group", "name": "system:masters"}]
    body = {"roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": subjects}
    whole = changed("create", "clusterrolebindings", body, name="x")
    log = json.dumps(whole.raw)
    said = set()
    for at in range(log.index("requestObject"), len(log)):
        event = parse_event({"log_s": log[:at], "TimeGenerated": "2026-03-04T09:35:03Z"})
        assert isinstance(event, AuditEvent)
        said.add(describe(event).done)
    assert said <= {describe(whole).done, "created cluster role binding shop/x"}


@pytest.mark.parametrize(
    ("verb", "resource", "query", "body", "is_dry"),
    [
        ("delete", "namespaces", "dryRun=All", None, True),
        ("delete", "namespaces", "", {"kind": "DeleteOptions", "dryRun": ["All"]}, True),
        ("delete", "namespaces", "dryRun=All", {"kind": "DeleteOptions"}, False),
        ("patch", "deployments", "fieldManager=a&%64ryRun=All", {"spec": {"replicas": 0}}, True),
        ("patch", "deployments", "x=dryRun=All", {"spec": {"replicas": 0}}, False),
        ("patch", "deployments", "fieldManager=dryRun%3DAll", {"spec": {"replicas": 0}}, False),
        ("patch", "deployments", "dryrun=all", {"spec": {"replicas": 0}}, False),
        ("list", "secrets", "dryRun=All", None, False),
        ("create", "pods/exec", "command=sh&dryRun=All", None, False),
        ("create", "serviceaccounts/token", "dryRun=All", None, False),
        ("create", "selfsubjectaccessreviews", "dryRun=All", None, False),
        ("create", "pods/eviction", "", {"deleteOptions": {"dryRun": ["All"]}}, True),
    ],
)
def test_a_dry_run_is_told_from_the_deed(
    verb: str, resource: str, query: str, body: Any, is_dry: bool
) -> None:
    resource, _, sub = resource.partition("/")
    event = changed(verb, resource, body, subresource=sub, name="x", query=query)
    action = describe(event)
    assert action.done.endswith(" (dry run)") is is_dry
    assert action.base.endswith(" (dry run)") is is_dry
    assert is_dry_run(event) is is_dry
    parts = describe_request(
        verb=verb, resource=resource, subresource=sub, namespace="shop", name="x", uri=event.uri, body=body
    )
    assert parts == action


def test_a_deletion_whose_body_the_log_does_not_show_is_taken_for_done() -> None:
    event = changed("delete", "secrets", name="x", query="dryRun=All")
    assert is_dry_run(event)
    assert not is_dry_run(replace(event, level="Metadata"))
    assert not is_dry_run(replace(event, lost=frozenset({"requestObject"})))

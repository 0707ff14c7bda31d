"""Rows that are cut, escaped or odd are wanted as far as they say what is wanted."""

from __future__ import annotations

import json

import pytest

from audit.filter import EventFilter, Outcome, Wanted
from audit.kql import (
    Totals,
    events_asked,
)
from tests.audit.asked_model import (
    START,
    WINDOW,
)
from tests.audit.audit_rows import log_row
from tests.audit.test_kql_chat import FULL, a_row, count, of, workspace_of


@pytest.mark.parametrize(
    "before", ["&", "<", ">", "\n", "\t", "\r", '"', "\\", "/", " ", "=", "\N{EM DASH}", ""]
)
def test_a_word_is_found_behind_what_json_writes_with_letters(before: str) -> None:
    as_go_writes = json.dumps(
        {"auditID": "a", "userAgent": f"x {before}needle-1", "stage": "S"}, ensure_ascii=False
    )
    for character in "&<>":
        as_go_writes = as_go_writes.replace(character, f"\\u{ord(character):04x}")
    workspace = workspace_of([("AzureDiagnostics", log_row(as_go_writes, START))])
    assert count(workspace, of(term="needle-1")) == 1
    assert count(workspace, of(client="needle")) == 1
    # Behind a backslash, what is left of a word may pass for one.
    assert count(workspace, of(term="eedle-1")) == (before == "\\")
    assert count(workspace, of(client="eedle-1")) == 0


@pytest.mark.parametrize(
    "term", ['say "hi"', "a\\b", "R&D", "<x>", "Zoë", "\N{GRINNING FACE}", "a\tb", ">", '"']
)
def test_a_term_that_json_escapes_is_found_however_it_is_escaped(term: str) -> None:
    event = {"auditID": "a", "stage": "S", "user": {"username": f"- {term} -"}}
    go = json.dumps(event, ensure_ascii=False)
    for character in "&<>":
        go = go.replace(character, f"\\u{ord(character):04x}")
    texts = (go, json.dumps(event), json.dumps(event, ensure_ascii=False))
    workspace = workspace_of([("AzureDiagnostics", log_row(text, START)) for text in texts])
    assert count(workspace, of(term=term)) == count(workspace, of(user=term)) == len(texts)


def test_a_row_that_azure_cut_is_wanted_as_far_as_it_is_there() -> None:
    whole = a_row(
        user={"username": "alice@contoso.com"},
        impersonatedUser=None,
        objectRef={"resource": "pods", "namespace": "shop", "name": "web-1", "subresource": "exec"},
        responseStatus={"code": 403},
        verb="create",
        requestObject={"x": "y"},
    )
    cut = whole | {"log_s": whole["log_s"].partition('"requestObject"')[0]}
    workspace = workspace_of([("AzureDiagnostics", cut)])
    there = {"namespace": "shop", "name": "web-1", "resources": ("pods",), "subresources": ("exec",)}
    for what in (
        {**there, "user": "alice", "address": "203.0.113.9", "client": "kubectl", "outcome": Outcome.DENIED},
        {"risky": True, "verbs": ("create",), "term": "web-1"},
    ):
        assert count(workspace, of(**what)) == 1, what
    assert count(workspace, of(address="03.0.113.9")) == 0
    earlier = whole | {"log_s": whole["log_s"].partition('"responseStatus"')[0]}
    workspace = workspace_of([("AzureDiagnostics", earlier)])
    assert count(workspace, of(**there)) == 1
    assert [count(workspace, of(outcome=outcome)) for outcome in Outcome] == [0, 0, 0]


@pytest.mark.parametrize(
    ("code", "decision", "outcomes"),
    [
        (200, "allow", {Outcome.SUCCEEDED}),
        (101, "allow", {Outcome.SUCCEEDED}),
        (401, "", {Outcome.DENIED, Outcome.FAILED}),
        (403, "allow", {Outcome.DENIED, Outcome.FAILED}),
        (0, "forbid", {Outcome.DENIED, Outcome.FAILED}),
        (200, "forbid", {Outcome.DENIED, Outcome.FAILED}),
        (409, "allow", {Outcome.FAILED}),
        (503, "", {Outcome.FAILED}),
        (0, "allow", set()),
        (None, "", set()),
    ],
)
def test_an_outcome_is_what_the_status_and_the_decision_say(
    code: int | None, decision: str, outcomes: set[Outcome]
) -> None:
    row = a_row(responseStatus={"code": code}, annotations={"authorization.k8s.io/decision": decision})
    workspace = workspace_of([("AzureDiagnostics", row)])
    assert {outcome for outcome in Outcome if count(workspace, of(outcome=outcome))} == outcomes


def test_a_user_is_found_who_acts_and_as_whom_somebody_acts_but_not_in_part() -> None:
    row = a_row(user={"username": "bob@contoso.com"}, impersonatedUser={"username": "alice@contoso.com"})
    workspace = workspace_of([("AzureDiagnostics", row)])
    found = {
        user: count(workspace, of(user=user)) for user in ("bob", "ALICE@contoso.com", "alice", "ali", "web")
    }
    assert found == {"bob": 1, "ALICE@contoso.com": 1, "alice": 1, "ali": 0, "web": 0}


def test_an_address_is_a_member_of_the_list_whole() -> None:
    row = a_row(sourceIPs=["203.0.113.9", "2001:DB8::1"], userAgent="198.51.100.7")
    workspace = workspace_of([("AzureDiagnostics", row)])
    for address, found in (
        *(("203.0.113.9", 1), ("2001:db8::1", 1), ("203.0.113.90", 0), ("3.0.113.9", 0), ("198.51.100.7", 0)),
        ('203.0.113.9","2001:DB8::1', 0),
    ):
        assert count(workspace, of(address=address)) == found, address


def test_rows_that_are_no_event_are_no_event_of_anybody() -> None:
    logs = ("", "hello needle", "[]", "null", '{"needle":1}', '{"a":', "needle")
    workspace = workspace_of([("AzureDiagnostics", log_row(log, START)) for log in logs])
    for what in (FULL, Wanted(user="needle"), Wanted(outcome=Outcome.FAILED), Wanted(risky=True)):
        assert count(workspace, EventFilter(window=WINDOW, what=what)) == 0
    (totals,) = workspace.run(events_asked(of(term="needle"), limit=5).totals)
    assert (totals[Totals.EVENTS], totals[Totals.UNREADABLE]) == (0, 3)

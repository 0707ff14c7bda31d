from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.event import AuditEvent, parse_event
from audit.questions import MAX_LINE, MAX_LINES, Answered, Mark, answers
from tests.audit.test_event import JSON, NESTED, a_row, a_typed_row, an_event, read
from tests.samples import sample
from tests.shared_data import shared_data

ORDER = ["What happened", "When", "Who", "On what", "Where it was observed", "From where", "To where"]


def asked(row: dict[str, Any]) -> dict[str, Answered]:
    return {answer.question: answer for answer in answers(read(row))}


def test_all_seven_are_answered_from_a_row_of_azure_diagnostics() -> None:
    found = asked(a_row(an_event(userAgent="kubectl/v1.31.4 (linux/amd64)"), Category="kube-audit"))
    assert list(found) == ORDER
    assert found["What happened"].lines == ("create", "HTTP 409 AlreadyExists", "allowed")
    assert found["When"].lines[0] == "2026-03-04T09:33:31.891110+00:00 received by the API server"
    assert found["Who"].lines == ("aksService (platform)", "groups: system:masters")
    assert found["Who"].mark is Mark.KNOWN
    assert found["On what"].lines == ("configmaps kube-system/coredns-custom",)
    assert found["Where it was observed"].lines[:3] == (
        "cluster aks-prod-weu",
        "API server pod api-1",
        "category kube-audit",
    )
    assert found["From where"].lines == (
        "172.31.37.156 (private, seen by the API server)",
        "kubectl 1.31: kubectl/v1.31.4 (linux/amd64)",
    )
    assert found["To where"].lines == (
        "/api/v1/namespaces/kube-system/configmaps?fieldManager=kubectl-create",
    )


def test_a_typed_row_cannot_say_whom_one_acted_as() -> None:
    assert asked(a_typed_row())["Who"].mark is Mark.NOT_IN_TABLE


def test_who_acted_as_somebody_else_is_said_with_the_real_actor_first() -> None:
    event = an_event(
        user={"username": "masterclient", "groups": ["system:masters"]},
        impersonatedUser={"username": "system:serviceaccount:payments:deployer", "groups": ["ops"]},
    )
    assert asked(a_row(event))["Who"].lines == (
        "masterclient (local admin)",
        "groups: system:masters",
        "acted as payments/deployer (service account)",
        "groups: ops",
    )


def test_a_body_that_the_level_left_out_is_said() -> None:
    found = asked(a_row(an_event(level="Metadata", verb="patch")))["What happened"]
    assert found.mark is Mark.NOT_LOGGED
    reading = asked(a_row(an_event(level="Metadata", verb="get")))["What happened"]
    assert reading.mark is Mark.KNOWN
    big = asked(a_typed_row(RequestObject="skipped-too-big-size-object"))["What happened"]
    assert "request body left out: too large" in big.lines


def test_what_was_cut_off_is_said_where_it_is_missing() -> None:
    whole = json.dumps(an_event())
    found = asked(a_row(0, log_s=whole[: whole.index('"responseStatus"')]))
    marks = {question: answer.mark for question, answer in found.items()}
    assert {question for question, mark in marks.items() if mark is Mark.CUT_OFF} == {
        "What happened",
        "When",
    }
    early = asked(a_row(0, log_s=whole[: whole.index('"sourceIPs"') + 14]))
    assert early["From where"].mark is Mark.CUT_OFF
    assert early["On what"].mark is Mark.CUT_OFF


def test_of_a_cut_list_of_addresses_none_is_taken_for_the_last() -> None:
    row = a_typed_row(SourceIps='["1.2.3.4","10.0.0')
    assert asked(row)["From where"].lines[0] == "1.2.3.4 (said by the client, can be forged)"
    assert asked(row)["From where"].mark is Mark.CUT_OFF


def test_addresses_that_can_be_forged_are_told_apart() -> None:
    lines = asked(a_typed_row(SourceIps='["8.8.8.8","20.1.2.3"]', UserAgent=""))["From where"].lines
    assert lines == (
        "20.1.2.3 (public, seen by the API server)",
        "8.8.8.8 (said by the client, can be forged)",
    )


def test_to_where_names_what_stands_behind_the_object() -> None:
    uri = "/api/v1/namespaces/shop/pods/web-1/exec?command=sh&command=--password&command=c4nary"
    reference = {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web-1"}
    found = asked(a_row(an_event(requestURI=uri, verb="get", objectRef=reference)))["To where"]
    assert found.lines[1] == "a process in pod shop/web-1"
    assert "c4nary" not in found.lines[0]
    node = {"resource": "nodes", "subresource": "proxy", "name": "vmss000001"}
    path = "/api/v1/nodes/vmss000001/proxy/run/shop/web-1/web"
    lines = asked(a_row(an_event(requestURI=path, objectRef=node)))["To where"].lines
    assert lines[1] == "the kubelet of node vmss000001"
    hook = {"mutation.webhook.admission.k8s.io/round_0_index_0": '{"configuration":"istio","mutated":true}'}
    lines = asked(a_row(an_event(annotations=hook)))["To where"].lines
    assert lines[1].startswith('by way of an admission webhook: {"configuration":"istio"')


def test_a_request_that_names_no_object_is_on_its_path() -> None:
    event = an_event(objectRef=None, requestURI="/healthz?token=c4nary")
    found = asked(a_row(event))["On what"]
    assert (found.lines, found.mark) == (("/healthz?token=[redacted: value of that name]",), Mark.KNOWN)


def test_real_events_are_answered() -> None:
    for line in shared_data("audit/events.jsonl").read_text().splitlines():
        found = asked(a_row(json.loads(line)["event"]))
        assert list(found) == ORDER
        assert all(answer.mark is not Mark.CUT_OFF for answer in found.values())


def test_the_rows_of_the_sample_are_answered() -> None:
    for line in sample("events/table-rows.jsonl").read_text().splitlines():
        found = asked(json.loads(line))
        assert found["Who"].lines


FIELDS = [*sorted(an_event()), "impersonatedUser", "requestObject"]


@given(st.dictionaries(st.sampled_from(FIELDS), NESTED | JSON))
def test_anything_in_any_field_is_answered_within_bounds(changes: dict[str, Any]) -> None:
    event = parse_event(a_row({**an_event(), **changes}))
    if isinstance(event, AuditEvent):
        for answer in answers(event):
            assert len(answer.lines) <= MAX_LINES
            assert all(len(line) <= MAX_LINE for line in answer.lines)

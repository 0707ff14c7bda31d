from __future__ import annotations

from dataclasses import replace

import pytest

from audit.event import ActorKind
from cards import words
from tests.cards import material as m

AT = m.at("09:35:02")


@pytest.mark.parametrize(
    ("verb", "resource", "namespace", "name", "said"),
    [
        ("create", "configmaps", "kube-system", "x", "created configmap kube-system/x"),
        ("patch", "deployments/scale", "shop", "api", "patched the scale of deployment shop/api"),
        ("update", "nodes/status", "", "n1", "updated the status of node n1"),
        ("delete", "networkpolicies", "shop", "deny", "deleted network policy shop/deny"),
        ("get", "secrets", "shop", "db", "read secret shop/db"),
        ("list", "secrets", "", "", "listed secrets cluster-wide"),
        ("watch", "secrets", "shop", "", "watched secrets in shop"),
        ("deletecollection", "pods", "shop", "", "deleted a collection of pods in shop"),
        ("create", "pods/exec", "shop", "api-7f", "opened a session in pod shop/api-7f"),
        ("get", "pods/exec", "shop", "api-7f", "opened a session in pod shop/api-7f"),
        ("create", "pods/attach", "shop", "api-7f", "attached to pod shop/api-7f"),
        ("create", "pods/portforward", "shop", "api-7f", "forwarded ports of pod shop/api-7f"),
        ("get", "pods/log", "shop", "api-7f", "read the log of pod shop/api-7f"),
        ("create", "pods/eviction", "shop", "api-7f", "evicted pod shop/api-7f"),
        ("create", "serviceaccounts/token", "shop", "ci", "issued a token for service account shop/ci"),
        ("create", "pods", "shop", "", "created a pod in shop"),
        ("create", "ingresses", "shop", "", "created an ingress in shop"),
        ("create", "storageclasses", "", "fast", "created storage class fast"),
        ("update", "endpoints", "shop", "x", "updated endpoints shop/x"),
        ("frobnicate", "pods", "shop", "x", "did frobnicate on pod shop/x"),
        ("", "pods", "shop", "x", "acted on pod shop/x"),
    ],
)
def test_a_request_reads_as_a_deed(verb: str, resource: str, namespace: str, name: str, said: str) -> None:
    group = m.by_alice(AT, verb=verb, resource=resource, namespace=namespace, name=name)
    assert f"{words.did(group, 80)} {words.thing(group, 80)}" == said


def test_a_request_without_an_object_names_its_path() -> None:
    group = m.by_alice(AT, verb="get", resource="", namespace="", name="", uri="/metrics")
    assert words.sentence(group, 80) == "alice@contoso.com read /metrics; succeeded"
    assert words.thing(replace(group, uri=""), 80) == "(no object named)"


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (200, "", "succeeded"),
        (101, "", "succeeded"),
        (201, "", "succeeded"),
        (403, "", "refused 403"),
        (409, "AlreadyExists", "refused 409 AlreadyExists"),
        (500, "InternalError", "failed 500 InternalError"),
        (304, "", "answered 304"),
        (0, "", "answered 0"),
        (None, "", "outcome not logged"),
    ],
)
def test_an_outcome_is_a_word_with_its_status(code: int | None, reason: str, said: str) -> None:
    assert words.outcome(code, reason, 80) == said


def test_a_refusal_of_authorization_is_said_where_the_status_does_not() -> None:
    assert words.outcome(404, "NotFound", 80, "forbid") == "refused 404 NotFound (authorization: forbid)"
    assert words.outcome(403, "Forbidden", 80, "forbid") == "refused 403 Forbidden"


@pytest.mark.parametrize(
    ("count", "code", "said"),
    [
        (1, 200, "alice@contoso.com patched configmap kube-system/coredns-custom; succeeded"),
        (2, 200, "alice@contoso.com patched configmap kube-system/coredns-custom twice; both succeeded"),
        (3, 200, "alice@contoso.com patched configmap kube-system/coredns-custom 3 times; all 3 succeeded"),
        (
            2,
            403,
            "alice@contoso.com tried to patch configmap kube-system/coredns-custom twice; both refused 403",
        ),
        (
            1,
            None,
            "alice@contoso.com asked to patch configmap kube-system/coredns-custom; outcome not logged",
        ),
    ],
)
def test_a_group_is_one_sentence_and_claims_no_more_than_its_outcome(
    count: int, code: int | None, said: str
) -> None:
    assert words.sentence(m.by_alice(AT, count=count, code=code), 80) == said


def test_whom_somebody_acted_as_is_said() -> None:
    assert (
        words.who(m.by_alice(AT, impersonated="system:admin"), 80)
        == "alice@contoso.com acting as system:admin"
    )
    assert words.who(m.by_alice(AT, user=""), 80) == "(no user named)"


def test_outcomes_of_several_groups_add_up() -> None:
    one, two = m.by_alice(AT, AT, AT), m.by_alice(AT, AT, code=403)
    assert words.outcomes([one, one], 80) == "all 6 succeeded"
    assert words.outcomes([one, two], 80) == "3 succeeded, 2 refused 403"
    many = [one, *(replace(two, code=code) for code in (403, 404, 409, 500))]
    assert words.outcomes(many, 80) == "3 succeeded, 6 refused, 2 failed"


def test_users_and_actors_are_counted_exactly() -> None:
    people = [m.by_alice(AT, user=f"p{n}") for n in (1, 1, 2, 3, 4, 5)]
    assert words.users(people, 80) == "p1, p2, p3 and 2 more"
    assert words.actors(people[:1]) == "1 person"
    workload = m.a_group(AT, actor=ActorKind.WORKLOAD)
    assert words.actors([*people, workload, m.RECONCILER]) == "5 people, 1 workload and the platform"
    assert words.actors([]) == ""


def test_severities_are_azures_words() -> None:
    assert [words.severity(f"Sev{n}", 80) for n in range(5)] == [
        "Critical",
        "Error",
        "Warning",
        "Informational",
        "Verbose",
    ]
    assert words.severity("P1", 80) == "P1"
    assert words.severity("", 80) == ""


def test_a_session_that_is_logged_as_it_starts_and_ends_is_one_request() -> None:
    started = m.A_SHELL.events[0]
    both = replace(m.A_SHELL, count=2, events=(started, started))
    assert words.sentence(both, 80) == (
        "masterclient (local admin) opened a shell in pod shop/web-1; succeeded"
    )
    assert (words.how_often(both), words.outcomes([both], 80)) == ("1× in 2 events", "succeeded")


def test_events_of_another_time_or_without_an_id_are_requests_of_their_own() -> None:
    one = m.A_SHELL.events[0]
    later = replace(one, time=m.at("09:36:59"))
    nameless = replace(one, audit_id="")
    for events in ((one, later), (nameless, nameless), (one,), ()):
        assert words.how_often(replace(m.A_SHELL, count=2, events=events)) == "2×"

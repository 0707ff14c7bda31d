from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.kinds import CLEAR, KINDS, resource_of
from audit.resources import RESOURCES


@pytest.mark.parametrize(
    ("word", "resource"),
    [
        *((word, "deployments") for word in ("deploy", "deployment", "Deployments", "deployments.apps")),
        *((word, "configmaps") for word in ("cm", "configmap", "configmaps")),
        *((word, "services") for word in ("svc", "service")),
        *((word, "ingresses") for word in ("ing", "ingress", "ingresses.networking.k8s.io")),
        *((word, "networkpolicies") for word in ("netpol", "networkpolicy")),
        *((word, "endpoints") for word in ("ep", "endpoint", "endpoints")),
        *((word, "certificatesigningrequests") for word in ("csr", "certificatesigningrequest")),
        *((word, "certificaterequests") for word in ("cr", "certificaterequest")),
        ("po", "pods"),
        ("no", "nodes"),
        ("crd", "customresourcedefinitions"),
        ("clusterrolebinding", "clusterrolebindings"),
        ("spc", "secretproviderclasses"),
        ("secretproviderclass", "secretproviderclasses"),
        ("scaledobject", "scaledobjects"),
        ("prometheus", "prometheuses"),
        ("httproute", "httproutes"),
    ],
)
def test_a_kind_is_known_however_it_is_called(word: str, resource: str) -> None:
    assert resource_of(word) == resource


@pytest.mark.parametrize(
    "word",
    [
        "",
        ".",
        "coredns",
        "deploy.",
        ".apps",
        "deploy.apps/x",
        "deploy.\u0661",
        "kube-system",
        "users",
        "x" * 10**6,
    ],
)
def test_what_is_no_kind_is_none(word: str) -> None:
    assert not resource_of(word)


def test_every_resource_of_kubernetes_is_its_own_kind() -> None:
    for resource in set(RESOURCES) - {
        "groups",
        "nodemetrics",
        "podmetrics",
        "signers",
        "uids",
        "userextras",
        "users",
    }:
        assert resource_of(resource) == resource
        assert resource in CLEAR


def test_every_word_leads_to_a_plural_that_leads_to_itself() -> None:
    for word, resource in KINDS.items():
        assert word == word.lower()
        assert KINDS[resource] == resource


@pytest.mark.parametrize("word", ["app", "no", "so", "am", "we", "es", "hr", "limits"])
def test_a_short_name_that_is_a_word_too_is_not_clear(word: str) -> None:
    assert resource_of(word)
    assert word not in CLEAR


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert resource_of(text) in {"", *KINDS.values()}

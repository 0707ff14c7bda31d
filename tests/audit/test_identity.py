from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.actor import (
    ANONYMOUS_USERS,
    LOCAL_ADMINS,
    PLATFORM_NAMESPACES,
    PLATFORM_PREFIXES,
    PLATFORM_USERS,
    SERVICE_ACCOUNT,
    ActorKind,
    account,
    classify,
    kind_of,
)
from audit.event import AuditEvent, parse_event
from audit.identity import MOST_GROUPS, Identity, IdentityKind, identify

OID = "d2d2d2d2-0000-4000-8000-000000000001"


def who(user: object, impersonated: object = None) -> Identity:
    event = parse_event(
        {
            "log_s": {"verb": "get", "user": user, "impersonatedUser": impersonated},
            "TimeGenerated": "2026-03-04T09:37:25Z",
        }
    )
    assert isinstance(event, AuditEvent)
    identity = identify(event)
    assert not event.impersonated or identity.acted_as is not None
    return identity


@pytest.mark.parametrize(
    ("username", "kind", "namespace", "name"),
    [
        ("alice@contoso.com", "person", "", "alice@contoso.com"),
        (OID, "person", "", OID),
        ("", "person", "", ""),
        ("masterclient", "local admin", "", "masterclient"),
        ("system:serviceaccount:payments:deployer", "service account", "payments", "deployer"),
        ("system:serviceaccount:", "service account", "", "system:serviceaccount:"),
        ("system:serviceaccount:kube-system:replicaset-controller", "controller", "kube-system", None),
        ("system:serviceaccount:kube-system:generic-garbage-collector", "controller", "kube-system", None),
        ("system:serviceaccount:payments:a-controller", "service account", "payments", "a-controller"),
        ("system:kube-controller-manager", "controller", "", "system:kube-controller-manager"),
        ("system:kube-scheduler", "controller", "", "system:kube-scheduler"),
        ("system:node:aks-nodepool1-12345678-vmss000000", "node", "", "aks-nodepool1-12345678-vmss000000"),
        ("system:bootstrap:abcdef", "node", "", "abcdef"),
        ("aksService", "platform", "", "aksService"),
        ("hcpService", "platform", "", "hcpService"),
        ("readinessChecker", "platform", "", "readinessChecker"),
        ("system:serviceaccount:kube-system:coredns", "platform", "kube-system", "coredns"),
        ("system:serviceaccount:gatekeeper-system:gatekeeper-admin", "platform", "gatekeeper-system", None),
        ("system:anonymous", "anonymous", "", "system:anonymous"),
        ("system:unauthenticated", "anonymous", "", "system:unauthenticated"),
        ("system:admin", "person", "", "system:admin"),
        ("masterclient ", "person", "", "masterclient "),
        ("MASTERCLIENT", "person", "", "MASTERCLIENT"),
    ],
)
def test_who_a_user_name_is(username: str, kind: str, namespace: str, name: str | None) -> None:
    identity = who({"username": username})
    assert (identity.kind, identity.namespace) == (kind, namespace)
    assert identity.name == (username.rsplit(":", 1)[-1] if name is None else name)


def test_a_person_of_entra_has_an_object_id_or_a_upn() -> None:
    assert who({"username": "alice@contoso.com", "extra": {"oid": [OID]}}).entra == OID
    assert who({"username": OID}).entra == OID
    guest = "bob_example.org#EXT#@contoso.onmicrosoft.com"
    assert who({"username": guest}).entra == guest
    assert who({"username": OID, "extra": {"upn": ["alice@contoso.com"]}}).entra == "alice@contoso.com"
    odd: list[Any] = [{"oid": ["x" * 500]}, {"oid": [7]}, {"oid": OID}, {"oid": []}, ["oid"], "oid", None]
    for extra in odd:
        assert who({"username": "carol", "extra": extra}).entra == ""
    assert who({"username": "system:serviceaccount:a:b", "extra": {"oid": [OID]}}).entra == ""


def test_only_groups_that_matter_are_named() -> None:
    groups = ["system:authenticated", OID, "ops", "system:serviceaccounts", "system:masters", "ops"]
    assert who({"username": "x", "groups": groups}).groups == ("system:masters", OID, "ops")
    many = [f"g{n}" for n in range(300)]
    assert who({"username": "x", "groups": [*many, "system:masters"]}).groups == (
        "system:masters",
        *many[: MOST_GROUPS - 1],
    )


def test_a_certificate_of_the_admins_group_is_a_local_admin_whatever_its_name() -> None:
    masters = ["system:masters", "system:authenticated"]
    assert who({"username": "someone", "groups": masters}).kind is IdentityKind.LOCAL_ADMIN
    assert who({"username": "aksService", "groups": masters}).kind is IdentityKind.PLATFORM
    assert who({"username": "alice@contoso.com", "groups": masters}).kind is IdentityKind.PERSON
    assert who({"username": "x", "groups": ["system:unauthenticated"]}).kind is IdentityKind.ANONYMOUS


def test_the_real_actor_stays_in_front_of_who_they_act_as() -> None:
    identity = who(
        {"username": "masterclient", "groups": ["system:masters"]},
        {"username": "system:serviceaccount:payments:deployer", "groups": ["system:masters", 7]},
    )
    assert (identity.kind, identity.name) == (IdentityKind.LOCAL_ADMIN, "masterclient")
    assert identity.acted_as == Identity(
        kind=IdentityKind.SERVICE_ACCOUNT, name="deployer", namespace="payments", groups=("system:masters",)
    )
    # The groups that one asks for prove nothing about who one asks to be.
    other = who({"username": "alice@contoso.com"}, {"username": "bob", "groups": ["system:masters"]}).acted_as
    assert other is not None
    assert other.kind is IdentityKind.PERSON
    assert who({"username": "x"}, {"username": ""}).acted_as is None


NAMES = st.text() | st.sampled_from(
    [
        *PLATFORM_USERS,
        *LOCAL_ADMINS,
        *ANONYMOUS_USERS,
        *(f"{prefix}x" for prefix in PLATFORM_PREFIXES),
        *(f"{SERVICE_ACCOUNT}{namespace}:x-controller" for namespace in [*PLATFORM_NAMESPACES, "shop"]),
    ]
)


@given(NAMES, st.lists(NAMES, max_size=3))
def test_the_kind_of_identity_and_the_order_of_folding_never_contradict(
    username: str, groups: list[str]
) -> None:
    identity = who({"username": username, "groups": groups})
    assert identity.kind.actor is classify(username.replace("\0", "\ufffd")[:4096])


@given(NAMES)
def test_the_platform_is_what_the_public_tables_say_so_that_kql_can_say_it_too(username: str) -> None:
    by_tables = (
        username in PLATFORM_USERS
        or username.startswith(PLATFORM_PREFIXES)
        or (username.startswith(SERVICE_ACCOUNT) and account(username)[0] in PLATFORM_NAMESPACES)
    )
    assert (kind_of(username).actor is ActorKind.PLATFORM) == by_tables
    assert (kind_of(username).actor is ActorKind.WORKLOAD) == (
        username.startswith(SERVICE_ACCOUNT) and not by_tables
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["username", "groups", "extra", "oid", "upn"]) | st.text(), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(JSON, JSON)
def test_any_user_is_somebody(user: Any, impersonated: Any) -> None:
    assert isinstance(who(user, impersonated).kind, IdentityKind)

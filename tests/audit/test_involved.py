from __future__ import annotations

import pytest

from audit.involved import actors, deeds, object_of
from tests.contracts.test_facts import group


@pytest.mark.parametrize(
    ("changes", "thing"),
    [
        ({}, "configmaps kube-system/coredns"),
        ({"resource": "pods/exec", "namespace": "shop", "name": "web-1"}, "pods shop/web-1"),
        ({"resource": "secrets", "namespace": "shop", "name": ""}, "secrets shop"),
        ({"resource": "nodes", "namespace": "", "name": ""}, "nodes"),
        ({"resource": "", "namespace": "", "name": "", "uri": "/healthz?verbose"}, "/healthz"),
        ({"resource": "", "namespace": "", "name": "", "uri": ""}, ""),
    ],
)
def test_an_object_is_the_same_for_all_that_is_done_to_it(changes: dict[str, str], thing: str) -> None:
    assert object_of(group(**changes)) == thing


def test_both_who_asks_and_who_is_acted_as_are_actors() -> None:
    assert actors(group(impersonated="root")) == ("alice@contoso.com", "root")
    assert actors(group(impersonated="alice@contoso.com")) == ("alice@contoso.com",)
    assert actors(group(user="")) == ()


def test_deeds_come_once_in_the_order_of_the_groups_and_only_where_there_is_an_object() -> None:
    nothing = group(resource="", namespace="", name="", uri="")
    assert deeds([group(name="b"), group(name="a"), group(name="b"), nothing]) == (
        ("alice@contoso.com", "configmaps kube-system/b"),
        ("alice@contoso.com", "configmaps kube-system/a"),
    )

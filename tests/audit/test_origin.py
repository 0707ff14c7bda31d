"""Alerts of our own are told from Azure's by their id, in whatever case that is written."""

from __future__ import annotations

import pytest

from audit.origin import Origin, origin_of, own_alert_id, target_workspace_id, workspace_target

GUID = "0c0c0c0c-0000-4000-8000-00000000000A"


@pytest.mark.parametrize("origin", [Origin.RAISED, Origin.WATCH, Origin.TEST])
def test_an_own_id_tells_its_origin_in_any_case(origin: Origin) -> None:
    alert_id = own_alert_id(origin, "a" * 32, GUID)
    assert origin_of(alert_id) is origin
    assert origin_of(alert_id.upper()) is origin


@pytest.mark.parametrize(
    "alert_id",
    [
        "",
        "/subscriptions/x/providers/Microsoft.AlertsManagement/alerts/a1",
        "/subscriptions/kubernetes-auditor/raised/a",
        " /kubernetes-auditor/raised/a",
        "/kubernetes-auditor/azure/a",
        "/kubernetes-auditor/raised",
        "x" * 100_000,
    ],
)
def test_any_other_id_is_azures(alert_id: str) -> None:
    assert origin_of(alert_id) is Origin.AZURE


def test_what_lower_case_makes_the_same_is_the_same_origin() -> None:
    # Ids are compared in lower case, where the Kelvin sign is a k.
    assert origin_of("/\N{KELVIN SIGN}ubernetes-auditor/raised/a") is Origin.RAISED


def test_the_workspace_is_found_among_the_targets() -> None:
    target = workspace_target(GUID, "prod/eu")
    assert target_workspace_id(("/subscriptions/x", target)) == GUID.lower()


def test_no_workspace_is_found_where_none_is_named() -> None:
    assert target_workspace_id(()) == ""
    assert target_workspace_id(("/subscriptions/x", "")) == ""

from __future__ import annotations

from datetime import timedelta

from audit.asked import ClusterSeen
from audit.evidence import Source
from bot.clusters_told import blind_spots_of, with_configured
from bot.ports import Workspace
from bot.sources import Known
from tests.audit.bodies import CLUSTER, SUBSCRIPTION
from tests.fakes import NOW

ID = CLUSTER.lower()
GUARDED = Known(at=NOW, sources=(Source(table="AzureDiagnostics", category="guard"),))


def seen(*logged: str, rows: int = 1) -> ClusterSeen:
    return ClusterSeen(
        id=ID, name="prod", workspace="w", rows=rows, first=NOW - timedelta(hours=1), last=NOW, logged=logged
    )


def a_workspace(*holds: str) -> Workspace:
    return Workspace(name="w", id="0", holds=holds)


def test_a_cluster_that_the_settings_name_is_there_though_it_logs_nothing() -> None:
    (one,) = with_configured((), a_workspace(SUBSCRIPTION, CLUSTER + "/"))
    assert (one.id, one.name.lower(), one.workspace) == (ID, ID.rsplit("/", 1)[1], "w")
    assert (one.rows, one.logged) == (0, ())


def test_a_cluster_that_is_seen_is_not_named_twice() -> None:
    assert with_configured((seen(),), a_workspace(CLUSTER)) == (seen(),)


def test_what_is_no_cluster_is_none() -> None:
    holds = ("", "/", "managedClusters", f"{CLUSTER}/agentPools/one", "/subscriptions/1")
    assert with_configured((), a_workspace(*holds)) == ()


def test_a_cluster_that_logs_nothing_says_that_alone() -> None:
    name, (said,) = blind_spots_of(seen(rows=0), GUARDED)
    assert name == "prod"
    assert said.startswith("Nothing of this cluster was logged")


def test_what_a_cluster_logs_decides_what_is_not_known_of_it() -> None:
    _, admin = blind_spots_of(seen("AzureDiagnostics kube-audit-admin"), GUARDED)
    _, whole = blind_spots_of(
        seen("AzureDiagnostics kube-audit", "AzureDiagnostics kube-audit-admin"), GUARDED
    )
    assert any("reads and lists" in said for said in admin)
    assert not any("reads and lists" in said for said in whole)
    assert any("once a shell" in said for said in whole)
    assert not any("guard" in said for said in whole)


def test_a_typed_table_does_not_say_whom_somebody_acted_as() -> None:
    _, typed = blind_spots_of(seen("AKSAudit"), GUARDED)
    assert any("impersonation" in said for said in typed)


def test_a_workspace_without_guard_says_so_once_it_told_what_it_has() -> None:
    unguarded = Known(at=NOW, sources=(Source(table="AKSAudit"),))
    assert any("guard" in said for said in blind_spots_of(seen("AKSAudit"), unguarded)[1])
    assert not any("guard" in said for said in blind_spots_of(seen("AKSAudit"), Known(at=NOW))[1])


def test_a_table_on_a_basic_plan_is_named() -> None:
    _, said = blind_spots_of(seen("AKSAudit"), Known(at=NOW, basic=("AKSAuditAdmin",)))
    assert "Not asked: AKSAuditAdmin, on a Basic plan." in said

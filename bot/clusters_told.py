"""What is said of a cluster: that the settings name it, and what its log cannot show. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from audit.alert import resource_name
from audit.asked import ClusterSeen
from audit.blind_spots import BLIND_SPOTS, Facts, blind_spots
from audit.evidence import Source
from audit.kql import TYPED
from bot.ports import Workspace
from bot.sources import Known

_CLUSTER = "/providers/microsoft.containerservice/managedclusters/"
_SAID = {spot.name: spot.sentence for spot in BLIND_SPOTS}
_GUARD = "guard"


def with_configured(seen: Sequence[ClusterSeen], workspace: Workspace) -> tuple[ClusterSeen, ...]:
    """Return them with those that the settings say are logged here, and of which there is no row."""
    ids = {each.id for each in seen}
    named = dict.fromkeys(held.lower().rstrip("/") for held in workspace.holds)
    missing = [each for each in named if _is_cluster(each) and each not in ids]
    return (
        *seen,
        *(ClusterSeen(id=each, name=resource_name(each), workspace=workspace.name) for each in missing),
    )


def blind_spots_of(cluster: ClusterSeen, known: Known) -> tuple[str, tuple[str, ...]]:
    """Return the cluster's name, and a sentence for each thing that its log cannot show.

    `known` is what its workspace has rows of.
    """
    if not cluster.rows:
        return cluster.name, ("Nothing of this cluster was logged in the time that was looked at.",)
    sources = tuple(_source(each) for each in cluster.logged)
    facts = Facts(sources=sources, events=(), basic_tables=known.basic, is_one_cluster=True)
    always = {
        "sessions-unseen": True,
        "guard-off": bool(known.sources) and not any(each.category == _GUARD for each in known.sources),
        "impersonation-unseen": any(each.table in TYPED for each in sources),
    }
    more = (_SAID[name](facts) for name, applies in always.items() if applies)
    return cluster.name, tuple(dict.fromkeys((*blind_spots(facts), *more)))


def _source(logged: str) -> Source:
    table, _, category = logged.partition(" ")
    return Source(table=table, category=category)


def _is_cluster(resource_id: str) -> bool:
    before, found, name = resource_id.partition(_CLUSTER)
    return bool(before and found and name) and "/" not in name

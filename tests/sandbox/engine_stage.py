"""Rows for an engine, and short ways to ask it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from sandbox.engine import BadQuery, Engine
from sandbox.rows import rows_of
from sandbox.tables import Rows
from tests.fakes import NOW

CLUSTER = "/subscriptions/s1/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/prod"
OTHER = "/subscriptions/s1/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/prod2"


def event(name: str = "coredns", at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": f"id-{name}",
        "stage": "ResponseComplete",
        "verb": "create",
        "objectRef": {"resource": "configmaps", "name": name},
        "stageTimestamp": at.isoformat(),
    } | more


def rows(*documents: Any, cluster: str = CLUSTER) -> Rows:
    return rows_of(list(documents), cluster_id=cluster, default_time=NOW)


async def values(engine: Engine, query: str, **options: Any) -> list[Any]:
    """Return the first column."""
    return [row[0] for row in (await engine.ask(query, **options)).rows]


async def refusal(engine: Engine, query: str) -> BadQuery:
    with pytest.raises(BadQuery) as error:
        await engine.ask(query)
    return error.value

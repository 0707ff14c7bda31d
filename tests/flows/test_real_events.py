"""All captured audit events, through the workspace, onto cards."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.check import text_of
from tests.flows.laptop import Json, laptop
from tests.flows.reading import incidents
from tests.samples import sample
from tests.shared_data import shared_data

#: As many as a card shows one by one, so that every event can be looked for.
BATCH = 4
#: Incidents at once that are said one by one.
A_FEW = 5


def alert_for(number: int) -> bytes:
    """An alert over everything in its own cluster, so that each batch has its incident."""
    alert: dict[str, Any] = json.loads(sample("alerts/coredns-changed.json").read_text())
    criterion = alert["data"]["alertContext"]["condition"]["allOf"][0]
    criterion["searchQuery"] = 'AzureDiagnostics | where Category in ("kube-audit", "kube-audit-admin")'
    cluster = f"/subscriptions/6b1e/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c{number}"
    criterion["dimensions"] = [{"name": "ResourceId", "value": cluster}]
    criterion["metricValue"] = None
    essentials = alert["data"]["essentials"]
    essentials["alertTargetIDs"] = [cluster]
    essentials["configurationItems"] = []
    essentials["alertId"] = f"/subscriptions/6b1e/providers/Microsoft.AlertsManagement/alerts/{number}"
    return json.dumps(alert).encode()


def rows_for(number: int, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events as AKS writes them, inside the window of the alert."""
    cluster = f"/subscriptions/6b1e/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c{number}"
    return [
        {
            "TimeGenerated": f"2026-03-04T09:35:{second:02}Z",
            "Category": "kube-audit",
            # What rules are tested with shares one id here and there, as no two requests to a cluster do.
            "log_s": json.dumps(event | {"auditID": f"{event.get('auditID', 'none')}-{second}"}),
            "ResourceId": cluster.upper(),
            "_ResourceId": cluster.lower(),
            "Type": "AzureDiagnostics",
        }
        for second, event in enumerate(events)
    ]


def has_cards(count: int, state: Json) -> Json | None:
    return state if len(incidents(state)) == count else None


async def test_all_captured_events_come_onto_cards(tmp_path: Path) -> None:
    lines = shared_data("audit/events.jsonl").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert len(events) == 157
    batches = [events[at : at + BATCH] for at in range(0, len(events), BATCH)]
    file = tmp_path / "rows.jsonl"
    file.write_text(
        "\n".join(json.dumps(row) for n, batch in enumerate(batches) for row in rows_for(n, batch))
    )
    async with laptop(tmp_path, events=file, holds=("/subscriptions/6b1e",)) as it:
        for number in range(len(batches)):
            assert (await it.post_alert(alert_for(number))).status == 202
            if (number + 1) % A_FEW == 0 or number + 1 == len(batches):
                # Not a storm: that would be told by one digest.
                state = await it.see(partial(has_cards, number + 1), "a card a batch", 30)
                it.clock.pass_time(seconds=10)
    told = {text.split("· aks")[0]: text for text in (text_of(m["card"]) for m in incidents(state))}
    for number, batch in enumerate(batches):
        said = next(text for text in told.values() if f" c{number} " in text or f"· c{number}" in text)
        assert f"workspace returned {len(batch)}" in said, said
        for event in batch:
            for part in (event.get("user", {}).get("username"), (event.get("objectRef") or {}).get("name")):
                assert not part or str(part)[:40] in said, f"{part} is not in: {said}"

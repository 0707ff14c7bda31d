from __future__ import annotations

import json
from typing import Any

import pytest

from audit.redact import redact
from tests.audit.test_redact import CANARY, asking, of, of_container, saying


@pytest.mark.parametrize(
    "event",
    [
        of("secrets", responseStatus={"code": 422, "message": f'data.x: Invalid value: "{CANARY}"'}),
        of("secrets", responseStatus={"code": 422, "details": {"causes": [{"message": CANARY}]}}),
        of("serviceaccounts", "token", responseStatus={"code": 400, "Message": CANARY}),
        asking({"spec": {"password": {"value": CANARY}}}),
        asking({"spec": {"adminPassword": {"Value": CANARY, "type": "x"}}}),
        asking({"spec": {"items": [{"key": "password", "val": CANARY}]}}),
        asking({"spec": {"items": [{"Name": "password", "Value": CANARY}]}}),
        asking({"spec": {"Env": [{"Name": "HARMLESS", "Value": CANARY}]}}),
        asking({"spec": {"Args": ["--password", CANARY]}}),
        asking({"spec": {"ENV": {"HARMLESS": CANARY}}}),
        of_container(args=["curl", f"-uadmin:{CANARY}", "https://example.org"]),
        of_container(command=["sh", "-c", f"curl -uadmin:{CANARY} https://example.org"]),
        asking({"spec": {"PGPASS": CANARY}}),
        asking({"spec": {"dbpass": CANARY, "MYSQLPASS": CANARY}}),
        saying(f"PGPASS={CANARY}"),
        asking({"spec": {"userData": CANARY}}),
        asking({"spec": {"userData": {"cloudInit": CANARY}}}),
        asking({"spec": {"files": [{"path": "/etc/kubernetes/azure.json", "content": CANARY}]}}),
        asking({"spec": {"write_files": [{"path": "/x", "contents": {"inline": CANARY}}]}}),
        asking({"spec": {"files": {"a": {"content": CANARY}, "b": CANARY}}}),
        asking({"spec": {"files": {"path": "/x", "content": CANARY}}}),
        asking({"spec": {"passwords": {"db": {"value": CANARY}}}}),
        asking({"spec": {"tokens": {"0": CANARY}}}),
        asking([{"op": "add", "path": "/spec/files/0/content", "value": CANARY}]),
        asking([{"op": "add", "path": "/spec/files", "value": [{"path": "/x", "content": CANARY}]}]),
        asking([{"op": "replace", "path": "/spec/userData", "value": CANARY}]),
    ],
)
def test_a_secret_is_found_where_it_hides(event: dict[str, Any]) -> None:
    redacted = redact(event)
    assert CANARY not in json.dumps(redacted.event)
    assert redacted.count
    assert redact(redacted.event).event == redacted.event


@pytest.mark.parametrize(
    "event",
    [
        of("secrets", responseStatus={"code": 409, "reason": "AlreadyExists"}),
        asking({"spec": {"tolerations": [{"key": "token", "operator": "Equal", "value": "x"}]}}),
        asking({"spec": {"items": [{"name": "colour", "val": "blue"}]}}),
        asking({"spec": {"bypass": "no", "compass": "north"}}),
        asking({"spec": {"files": ["a", "b"], "volume": {"files": 3}}}),
        asking({"spec": {"files": {"a": {"path": "/x", "mode": 420}}}}),
        asking([{"op": "replace", "path": "/spec/files/0/path", "value": "/x"}]),
        of_container(args=["sort", "-u", "file"], command=["id", "-un"]),
    ],
)
def test_what_only_looks_like_one_stays(event: dict[str, Any]) -> None:
    assert redact(event).event == event

"""Where an alert comes from: Azure Monitor, or the bot itself on somebody's word."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

#: No id of Azure's begins so: those are resource ids, "/subscriptions/…" or "/providers/…".
_ROOT = "/kubernetes-auditor/"
_WORKSPACE = f"{_ROOT}workspaces/"


class Origin(StrEnum):
    """Who says so. The value is a part of the alert's id."""

    AZURE = "azure"
    #: Somebody made an incident of what a question found.
    RAISED = "raised"
    #: A watch found something.
    WATCH = "watch"
    #: Somebody tries whether incidents arrive.
    TEST = "test"


_OURS = {f"{_ROOT}{origin}/": origin for origin in Origin if origin is not Origin.AZURE}


def own_alert_id(origin: Origin, *names: str) -> str:
    """Return the id of an alert of ours; `names` are words without "/" that tell it from others of its origin."""
    return "/".join((f"{_ROOT}{origin}", *names))


def origin_of(alert_id: str) -> Origin:
    """Tell by its id where an alert comes from; case does not matter, as ids are compared (audit.incident)."""
    lower = alert_id.lower()
    return next((origin for prefix, origin in _OURS.items() if lower.startswith(prefix)), Origin.AZURE)


def workspace_target(workspace_id: str, name: str) -> str:
    """Return the target by which an alert of ours names the workspace that it is about."""
    return f"{_WORKSPACE}{workspace_id}/{name}"


def target_workspace_id(targets: Sequence[str]) -> str:
    """Return the id (its GUID, lower case) of the workspace that an alert of ours names; "" for none."""
    found = (target.lower() for target in targets if target.lower().startswith(_WORKSPACE))
    return next((target.removeprefix(_WORKSPACE).partition("/")[0] for target in found), "")

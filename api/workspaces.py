"""The setting WORKSPACES: which workspaces may be asked, and what each holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from api import checks
from bot.ports import Workspace

#: key -> what its value must be, as a check and in words.
_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda v: isinstance(v, str) and bool(v), "a name for people"),
    "id": (lambda v: isinstance(v, str) and checks.guid(v), "the workspace's GUID"),
    "holds": (
        checks.resource_list,
        "a list of resource ids (or leading parts of them) that begin with /subscriptions/",
    ),
    "resource_id": (lambda v: isinstance(v, str), "the workspace's resource id"),
}


def read_workspaces(text: str) -> tuple[tuple[Workspace, ...], tuple[str, ...]]:
    """Read the JSON; return the workspaces, and a sentence for each thing to mend. Of "" nothing comes."""
    if not text:
        return (), ()
    try:
        items = orjson.loads(text)
    except orjson.JSONDecodeError as bad:
        return (), (f"WORKSPACES is not JSON: {bad.msg} at position {bad.pos}.",)
    if not isinstance(items, list) or not items:
        return (), ("WORKSPACES must be a JSON list with at least one workspace.",)
    problems = [
        problem for place, item in enumerate(items) for problem in _problems(f"WORKSPACES[{place}]", item)
    ]
    workspaces = tuple(_workspace(item) for item in items if not _problems("", item))
    names = [workspace.name for workspace in workspaces]
    problems += [
        f"WORKSPACES has two workspaces named {name!r}; people could not tell them apart."
        for name in dict.fromkeys(name for name in names if names.count(name) > 1)
    ]
    return workspaces, tuple(problems)


def _problems(where: str, item: Any) -> list[str]:
    """Check one element; a misspelt key is an error, because a workspace that holds nothing is never asked."""
    if not isinstance(item, dict):
        return [f"{where} must be an object with name, id and holds."]
    problems = [f"{where} has the unknown key {key!r}." for key in item if key not in _KEYS]
    for key, (check, what) in _KEYS.items():
        if key not in item and key != "resource_id":
            problems.append(f"{where} has no {key}; it must be {what}.")
        elif key in item and not check(item[key]):
            problems.append(f"{where}.{key} must be {what}.")
    return problems


def _workspace(item: dict[str, Any]) -> Workspace:
    return Workspace(
        name=item["name"],
        id=item["id"],
        holds=tuple(item["holds"]),
        resource_id=item.get("resource_id", ""),
    )

"""What the place of a value tells about it: under which key it stands, beside which name, at which path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.secrets import MAX_TEXT, Why, is_reference_name, is_secret_name

DATA = frozenset(("data", "stringdata", "binarydata"))
COMMANDS = frozenset(("args", "command"))
LAST_APPLIED = "last-applied-configuration"
#: Scripts and files that a machine gets when it is made.
USER_DATA = frozenset(("userdata", "user-data", "user_data", "customdata", "custom_data", "cloudinit"))
FILES = frozenset(("files", "writefiles", "write_files"))
#: What is said of a file beside what it holds.
_OF_A_FILE = frozenset(("path", "name", "owner", "permissions", "mode", "encoding"))
#: R7: a JSON patch that goes through one of these sets a value that the other rules know by its place.
_SENSITIVE_STEPS = DATA | COMMANDS | USER_DATA | {"env", "managedfields"}
#: What a `key` stands beside when it names a label, a taint or an entry of a secret.
_BESIDE_A_LABEL = frozenset(("name", "operator", "effect", "path", "values", "optional", "timeadded"))
#: Under what a value stands beside its name, or under a secret name.
VALUES = frozenset(("value", "val"))
#: Of "name", "key", "path" and "op".
_LONGEST_NAME = 4


def names_a_label(parent: Mapping[Any, Any]) -> bool:
    return any(str(key).casefold() in _BESIDE_A_LABEL for key in parent)


def is_place(key: str) -> bool:
    """Whether a key is an item's place in a list, as JSON patches (RFC 6902) name it."""
    return key == "-" or key.isdecimal()


def has_value(value: Any) -> bool:
    return isinstance(value, Mapping) and any(str(key).casefold() in VALUES for key in value)


def why_secret(value: Mapping[Any, Any]) -> tuple[str, Why] | None:
    """Tell why the "value" of an object is a secret, if what stands beside it says so."""
    beside = {str(key).casefold(): child for key, child in value.items() if len(str(key)) <= _LONGEST_NAME}
    path = beside.get("path")
    if isinstance(beside.get("op"), str) and isinstance(path, str) and is_sensitive_path(path):
        return "R7", Why.PATCH
    # A `key` beside an operator or effect is a label's or a taint's.
    names = [beside.get("name")] if names_a_label(value) else [beside.get("name"), beside.get("key")]
    return ("R6", Why.NAME) if any(isinstance(name, str) and is_secret_name(name) for name in names) else None


def is_sensitive_path(path: str) -> bool:
    """Whether an operation of a JSON patch (RFC 6902) sets what other rules would know by its place."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path[:MAX_TEXT].split("/")]
    if any(step.casefold() in _SENSITIVE_STEPS or step.endswith(LAST_APPLIED) for step in steps):
        return True
    if any(step.casefold() in FILES for step in steps) and steps[-1].casefold() not in _OF_A_FILE:
        return True
    return not is_reference_name(steps[-1]) and any(map(is_secret_name, steps))

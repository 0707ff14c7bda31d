"""Parts of objects that read better as a whole: a rule, a subject, a port. All of it is foreign text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.untyped import items, mapping, text

MAX_PART = 253
MAX_PARTS = 8


def rule(value: Mapping[str, Any]) -> str:
    """Return a rule of a role or of a webhook: "verbs get, list on secrets in core"."""
    if "operations" in value:
        return f"{_joined(value.get('operations'))} of {_resources(value)}"
    verbs = f"verbs {_joined(value.get('verbs'))}"
    urls = value.get("nonResourceURLs")
    if items(urls) and not items(value.get("resources")):
        return f"{verbs} on {_joined(urls)}"
    names = items(value.get("resourceNames"))
    return f"{verbs} on {_resources(value)}{f' named {_joined(names)}' if names else ''}"


def _resources(value: Mapping[str, Any]) -> str:
    groups = [group or "core" for group in items(value.get("apiGroups")) if isinstance(group, str)]
    return f"{_joined(value.get('resources'))} in {_joined(groups)}"


def subject(value: Mapping[str, Any]) -> str:
    """Return whom a binding binds: "User alice", "ServiceAccount shop/web"."""
    name, namespace = _part(value.get("name")), _part(value.get("namespace"))
    kind = _part(value.get("kind")) or "subject"
    is_account = kind == "ServiceAccount" and namespace
    return f"{kind} {namespace}/{name}" if is_account else f"{kind} {name or '(no name)'}"


def reference(value: Mapping[str, Any]) -> str:
    """Return a role that is bound: "ClusterRole cluster-admin"."""
    return f"{_part(value.get('kind')) or 'role'} {_part(value.get('name')) or '(no name)'}"


def port(value: Mapping[str, Any]) -> str:
    """Return a port of a container ("8080/TCP") or of a service ("80/TCP to 8080, node port 30080")."""
    number = _number(value.get("containerPort")) or _number(value.get("port")) or "(no number)"
    said = f"{number}/{_part(value.get('protocol')) or 'TCP'}"
    for key, words in (
        ("targetPort", " to {}"),
        ("hostPort", ", host port {}"),
        ("nodePort", ", node port {}"),
    ):
        if target := _number(value.get(key)):
            said += words.format(target)
    name = _part(value.get("name"))
    return f"{said} ({name})" if name else said


def source(value: Mapping[str, Any]) -> str:
    """Return where an environment comes from: "secret db"."""
    for key, word in (("secretRef", "secret"), ("configMapRef", "configmap")):
        if isinstance(value.get(key), Mapping):
            return f"{word} {_part(mapping(value[key]).get('name')) or '(no name)'}"
    return "elsewhere"


def endpoint(value: Mapping[str, Any]) -> str:
    """Return the service that a webhook calls: "hooks/injector/mutate, port 8443"."""
    path = _part(value.get("path")).lstrip("/")
    said = f"{_part(value.get('namespace'))}/{_part(value.get('name'))}{f'/{path}' if path else ''}"
    number = _number(value.get("port"))
    return f"{said}, port {number}" if number else said


def _joined(value: object) -> str:
    parts = [_part(item) for item in items(value)[: MAX_PARTS + 1]]
    more = len(items(value)) - MAX_PARTS
    said = ", ".join(parts[:MAX_PARTS]) or "nothing"
    return f"{said} and {more:,} more" if more > 0 else said


def _number(value: object) -> str:
    return (
        str(value)[:MAX_PART]
        if isinstance(value, int | float) and not isinstance(value, bool)
        else _part(value)
    )


def _part(value: object) -> str:
    return text(value, MAX_PART)

"""CoreDNS' configuration line by line: the one ConfigMap whose body AKS logs."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from audit.changes_tree import Path
from audit.event import AuditEvent
from audit.secrets import Tally, without_secrets

#: difflib's time grows with the square of the lines; past this they are compared without their order.
MAX_COMPARED = 400
MAX_LINES = 4000
COREFILE = "Corefile"
#: https://learn.microsoft.com/azure/aks/coredns-custom
_CONFIGMAPS = frozenset({"coredns", "coredns-custom"})
_ENDINGS = (".override", ".server")


def is_coredns(event: AuditEvent) -> bool:
    """Whether an event is about one of CoreDNS' ConfigMaps."""
    return (
        event.resource == "configmaps"
        and event.namespace == "kube-system"
        and event.name in _CONFIGMAPS
        and not event.api_group
    )


def is_corefile(event: AuditEvent, path: Path) -> bool:
    """Whether a path of this event's object holds configuration of CoreDNS."""
    is_key = len(path) == 2 and path[0] == "data"  # noqa: PLR2004
    return is_key and is_coredns(event) and (path[1] == COREFILE or path[1].endswith(_ENDINGS))


def corefile_lines(key: str, old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield "+" or "-" with each line that came or went, without secrets; keys but Corefile stand before theirs."""
    before, after = _lines(old), _lines(new)
    is_short = max(len(before), len(after)) <= MAX_COMPARED
    for sign, line in _in_order(before, after) if is_short else _as_sets(before, after):
        said = without_secrets(line, Tally())
        yield sign, said if key == COREFILE else f"{key}: {said}"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()][:MAX_LINES]


def _in_order(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    for line in difflib.unified_diff(before, after, n=0, lineterm=""):
        if line[:1] in {"+", "-"} and line not in {"+++ ", "--- "}:
            yield line[0], line[1:]


def _as_sets(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    was, now = Counter(before), Counter(after)
    yield from (("-", line) for line in (was - now).elements())
    yield from (("+", line) for line in (now - was).elements())

"""The only door through which a whole audit event leaves: what it says of secrets stays behind.

Keys, names and identities are kept; values are replaced in place by `[redacted: <why>]`:
R1 bodies of secrets, configmaps, reviews, token and signing requests; R2 data of any object; R3 copies of
whole objects in metadata; R4 environments; R5 arguments (audit.command_lines); R6 values under secret
names; R7 JSON patches to such places; R8 request URIs (audit.uris); R9 users' extra; R10 what has a
secret's form (audit.secrets); R11 JSON within strings; R12 bounds of size and depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from audit.command_lines import without_arguments, without_line_secrets
from audit.redact_places import (
    COMMANDS,
    DATA,
    FILES,
    LAST_APPLIED,
    USER_DATA,
    VALUES,
    has_value,
    is_place,
    names_a_label,
    why_secret,
)
from audit.secrets import (
    MARKS,
    MAX_TEXT,
    Tally,
    Why,
    is_secret_name,
    without_secrets,
    without_tokens,
)
from audit.uris import without_uri_secrets

MAX_DEPTH = 40
MAX_EVENT = 200 * 1024
TOO_DEEP = "[cut: nested deeper than 40]"
TOO_LARGE = "[cut: the event is larger than 200 KiB]"
#: JSON's readers agree on numbers of 64 bits only.
TOO_LONG = "[cut: a number of more than 64 bits]"
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_CUTS = frozenset((TOO_DEEP, TOO_LARGE, TOO_LONG))
_REST = "[cut]"

#: R1: their bodies are secrets, or may carry tokens and certificates.
_REVIEWS = ("subjectaccessreview", "selfsubjectaccessreview", "localsubjectaccessreview", "selfsubjectreview")
_SENSITIVE_KINDS = frozenset(
    (
        "secret",
        "configmap",
        "tokenrequest",
        "certificatesigningrequest",
        "tokenreview",
        "selfsubjectrulesreview",
        *_REVIEWS,
    )
)
_SENSITIVE_RESOURCES = frozenset(f"{kind}s" for kind in _SENSITIVE_KINDS)
_BODIES = ("requestObject", "responseObject")
#: What an object has and a mere reference to one has not.
_PAYLOAD = DATA | {"stringData", "binaryData", "spec", "status"}
_CONTENTS = frozenset(("content", "contents"))
_WHO = ("user", "impersonatedUser", "sourceIPs")
_WHO_AND_WHAT = ("kind", "apiVersion", "level", "auditID", "stage", "verb", "objectRef", *_WHO)
_TIMES = ("requestReceivedTimestamp", "stageTimestamp")
#: Read first, so that a large body cannot crowd them out.
_IDENTIFYING = (*_WHO_AND_WHAT, "requestURI", "userAgent", "responseStatus", *_TIMES)
#: Only what has a token's own form may be taken out of these.
_NAMES = frozenset(_WHO_AND_WHAT)


@dataclass(frozen=True, kw_only=True)
class Redacted:
    """An event that may leave. `rules` are those that took something out ("R4"); cuts are not counted."""

    event: dict[str, Any]
    count: int
    rules: frozenset[str]


def redact(raw: Mapping[str, Any]) -> Redacted:
    """Return the event (audit.k8s.io/v1's own keys) without its secrets, at most about 200 KiB of it.

    Takes any JSON without raising; redacting twice changes nothing more. It costs some milliseconds per
    event of 10 KiB: many of them do not belong on an event loop.
    """
    walk = _Walk()
    first = [key for key in _IDENTIFYING if key in raw]
    rest = [key for key in raw if key not in {*_IDENTIFYING, *_BODIES, _REST}]
    cleaned: dict[str, Any] = {}
    for key in (*first, *rest, *(key for key in (*_BODIES, _REST) if key in raw)):
        if walk.left <= 0:
            cleaned[_REST] = TOO_LARGE
            break
        cleaned[walk.key(key, cleaned)] = _part(walk, raw, key)
    event = {key: cleaned[key] for key in raw if key in cleaned} | cleaned
    return Redacted(event=event, count=walk.tally.count, rules=frozenset(walk.tally.rules))


def redact_uri(uri: str) -> str:
    """Return a request's URI without what may be secret in it (rule R8); what is harmless stays as written."""
    return without_uri_secrets(_printable(uri), Tally())


def _part(walk: _Walk, raw: Mapping[str, Any], key: str) -> Any:
    value = raw[key]
    if key in _BODIES and value is not None and _is_sensitive(raw):
        return walk.body(value)
    if key == "responseStatus" and isinstance(value, Mapping) and _is_sensitive(raw) and _may_repeat(value):
        return walk.status(value)
    if key == "requestURI" and isinstance(value, str):
        return walk.spend(without_uri_secrets(_printable(value), walk.tally))
    if key in {"user", "impersonatedUser"} and isinstance(value, Mapping) and value.get("extra"):
        value = {**value, "extra": walk.mark(value["extra"], "R9", Why.EXTRA)}
    return walk.value(value, 1, without_tokens if key in _NAMES else without_secrets)


def _is_sensitive(raw: Mapping[str, Any]) -> bool:
    """R1, by the object's reference or, where there is none, by the path."""
    reference = raw.get("objectRef")
    named = (
        [reference.get("resource"), reference.get("subresource")] if isinstance(reference, Mapping) else []
    )
    uri = raw.get("requestURI")
    path = unquote(uri).partition("?")[0].split("/") if isinstance(uri, str) else []
    steps = {step.casefold() for step in (*named, *path) if isinstance(step, str)}
    return bool(steps & _SENSITIVE_RESOURCES) or "token" in steps


def _may_repeat(status: Mapping[Any, Any]) -> bool:
    """Whether a refusal may repeat what was sent, as validation and admission do; the API server's own does not."""
    return status.get("code") not in (401, 403, 404, 409) or "denied" in str(status.get("message"))


#: How a string without structure is redacted; it depends on where the string stands.
_Clean = Callable[[str, Tally], str]


class _Walk:
    """One pass over one event, with what it may still cost."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.left = MAX_EVENT

    def value(self, value: Any, depth: int, clean: _Clean = without_secrets) -> Any:
        if isinstance(value, str):
            return self.text(value, depth, clean)
        if depth > MAX_DEPTH and isinstance(value, (Mapping, list, tuple)):
            return self.spend(TOO_DEEP)
        if isinstance(value, Mapping):
            return self.mapping(value, depth, clean)
        if isinstance(value, (list, tuple)):
            return [self.value(child, depth + 1, clean) for child in self.affordable(value)]
        if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
            return self.spend(TOO_LONG)
        if value is None or isinstance(value, (bool, int, float)):
            self.left -= 8
            return value
        return self.text(str(value), depth, clean)

    def mapping(
        self, value: Mapping[Any, Any], depth: int, clean: _Clean = without_secrets
    ) -> dict[str, Any]:
        if str(value.get("kind", "")).casefold() in _SENSITIVE_KINDS and not _PAYLOAD.isdisjoint(value):
            return dict(self.body(value))
        secret = why_secret(value)

        def member(key: str, child: Any) -> Any:
            if secret and key.casefold() in VALUES:
                return self.mark(child, *secret)
            return self.member(key, child, value, depth + 1, clean)

        return self.members(value, member)

    def members(self, value: Mapping[Any, Any], member: Callable[[str, Any], Any]) -> dict[str, Any]:
        """Redact each member in turn, for as long as there is room."""
        cleaned: dict[str, Any] = {}
        for key, child in value.items():
            if self.left <= 0:
                cleaned[_REST] = TOO_LARGE
                break
            cleaned[self.key(str(key), cleaned)] = member(str(key), child)
        return cleaned

    def affordable(self, values: Iterable[Any]) -> Iterator[Any]:
        """Yield the items of a list for as long as there is room, then say that there were more."""
        for value in values:
            if self.left <= 0:
                yield TOO_LARGE
                return
            yield value

    def member(self, key: str, child: Any, parent: Mapping[Any, Any], depth: int, clean: _Clean) -> Any:
        """Redact what stands under a key; which rule it is depends on the key."""
        if depth > MAX_DEPTH and isinstance(child, (Mapping, list, tuple)):
            return self.spend(TOO_DEEP)
        name = key.casefold()
        if name in DATA:
            return self.data(child)
        if name == "managedfields":
            return self.mark(child, "R3", Why.MANAGED_FIELDS)
        if name.endswith(LAST_APPLIED):
            return self.mark(child, "R3", Why.LAST_APPLIED)
        if name == "env":
            return self.environment(child, depth)
        if name in COMMANDS:
            return self.command(child, depth)
        if name in FILES:
            return self.files(child, depth)
        if name in USER_DATA:
            return self.mark(child, "R6", Why.NAME)
        if is_secret_name(key) and not (name == "key" and names_a_label(parent)):
            return self.secret(child, depth)
        return self.value(child, depth, clean)

    def body(self, body: Any) -> Any:
        """R1: of an object whose kind is sensitive only what it is called is kept."""
        if not isinstance(body, Mapping):
            return self.mark(body, "R1", Why.BODY)
        kept: dict[str, Any] = self.names(body, ("kind", "apiVersion"))
        if isinstance(body.get("metadata"), Mapping):
            kept["metadata"] = self.names(body["metadata"], ("name", "namespace", "generateName"))
        if body.keys() - {"kind", "apiVersion", "metadata"}:
            kept["body"] = self.mark(body.get("body", body), "R1", Why.BODY)
        return kept

    def names(self, value: Mapping[Any, Any], keys: Iterable[str]) -> dict[str, Any]:
        return {
            key: self.text(value[key], 0, without_tokens) for key in keys if isinstance(value.get(key), str)
        }

    def data(self, value: Any) -> Any:
        """R2: the keys of a secret are kept, the values are not."""
        if not isinstance(value, Mapping):
            return self.mark(value, "R2", Why.DATA)
        return self.members(value, lambda _, child: self.mark(child, "R2", Why.DATA))

    def environment(self, value: Any, depth: int) -> Any:
        """R4: every value of an environment, whatever its name; references to values are kept."""
        if isinstance(value, Mapping):
            return self.members(value, lambda _, child: self.mark(child, "R4", Why.ENVIRONMENT))
        if not isinstance(value, (list, tuple)):
            return self.mark(value, "R4", Why.ENVIRONMENT)
        return [self.variable(entry, depth + 1) for entry in self.affordable(value)]

    def variable(self, entry: Any, depth: int) -> Any:
        if not isinstance(entry, Mapping):
            return self.mark(entry, "R4", Why.ENVIRONMENT)

        def member(key: str, child: Any) -> Any:
            if key.casefold() in VALUES:
                return self.mark(child, "R4", Why.ENVIRONMENT)
            return self.member(key, child, entry, depth + 1, without_secrets)

        return self.members(entry, member)

    def command(self, value: Any, depth: int) -> Any:
        """R5, for a command line in pieces or in one."""
        if not isinstance(value, (list, tuple)):
            return self.value(value, depth, without_line_secrets)

        def clean(piece: Any) -> Any:
            return self.value(piece, depth + 1, without_line_secrets)

        return list(without_arguments(self.affordable(value), self.tally, clean))

    def secret(self, value: Any, depth: int) -> Any:
        """R6: scalars, also in a list; an object under such a name has names of its own."""
        if isinstance(value, Mapping):
            return self.holder(value, depth)
        if isinstance(value, (list, tuple)) and depth <= MAX_DEPTH:
            return [self.secret(child, depth + 1) for child in self.affordable(value)]
        return self.mark(value, "R6", Why.NAME)

    def holder(self, value: Mapping[Any, Any], depth: int) -> Any:
        """R6: {"password": {"value": …}}; also a list that is told as an object, by its items' places or names."""
        if depth > MAX_DEPTH:
            return self.spend(TOO_DEEP)
        if value and all(is_place(str(key)) for key in value):
            return self.members(value, lambda _, child: self.secret(child, depth + 1))
        if not has_value(value) and not any(map(has_value, value.values())):
            return self.value(value, depth)

        def member(key: str, child: Any) -> Any:
            if key.casefold() in VALUES:
                return self.mark(child, "R6", Why.NAME)
            if has_value(child):
                return self.holder(child, depth + 1)
            return self.member(key, child, value, depth + 1, without_secrets)

        return self.members(value, member)

    def files(self, value: Any, depth: int) -> Any:
        """R6: what a file that is to be written holds, as cloud-init's write_files; where it goes is kept.

        Also of one file, and of files by their names or places.
        """
        if isinstance(value, Mapping) and depth <= MAX_DEPTH:
            if any(str(key).casefold() in _CONTENTS for key in value):
                return self.file(value, depth)
            return self.members(value, lambda _, child: self.named_file(child, depth + 1))
        if not isinstance(value, (list, tuple)):
            return self.value(value, depth)
        return [self.file(entry, depth + 1) for entry in self.affordable(value)]

    def named_file(self, entry: Any, depth: int) -> Any:
        return self.mark(entry, "R6", Why.NAME) if isinstance(entry, str) else self.file(entry, depth)

    def file(self, entry: Any, depth: int) -> Any:
        if not isinstance(entry, Mapping) or depth > MAX_DEPTH:
            return self.value(entry, depth)

        def member(key: str, child: Any) -> Any:
            if key.casefold() in _CONTENTS:
                return self.mark(child, "R6", Why.NAME)
            return self.member(key, child, entry, depth + 1, without_secrets)

        return self.members(entry, member)

    def status(self, status: Mapping[Any, Any]) -> dict[str, Any]:
        """R1: why a sensitive object was refused may repeat what is in it; the reason and the code do not."""

        def member(key: str, child: Any) -> Any:
            if key.casefold() in {"message", "details"}:
                return self.mark(child, "R1", Why.BODY)
            return self.member(key, child, status, 2, without_secrets)

        return self.members(status, member)

    def text(self, value: str, depth: int, clean: _Clean) -> str:
        """R10 to R12, for any string."""
        value = _printable(value)
        if value in MARKS or value in _CUTS:
            return self.spend(value)
        # Names are no JSON: what a person is called is not to be written anew.
        if clean is not without_tokens and value.lstrip()[:1] in {"{", "[", '"'}:
            return self.embedded(value, depth, clean)
        return self.spend(clean(value, self.tally))

    def embedded(self, value: str, depth: int, clean: _Clean) -> str:
        """R11: a string that is JSON is read, redacted and written again; a key said twice is then said once."""
        if depth > MAX_DEPTH:
            return self.spend(TOO_DEEP)
        try:
            inner = json.loads(value[: MAX_EVENT + 1])
        except (ValueError, RecursionError):
            return self.spend(clean(value, self.tally))
        return json.dumps(self.value(inner, depth + 1, clean), ensure_ascii=False, separators=(",", ":"))

    def key(self, key: str, taken: Mapping[str, Any]) -> str:
        """Return what a key is called in the answer: short, without tokens, and not twice the same."""
        name = base = self.spend(without_tokens(_printable(key), self.tally)[:MAX_TEXT])
        number = 1
        while name in taken:
            number += 1
            name = f"{base} ({number})"
        return name

    def mark(self, value: Any, rule: str, why: Why) -> Any:
        """Put a mark in the place of a value, unless there is nothing to hide or it is a mark already."""
        if value is None or isinstance(value, bool) or value in ("", [], {}):
            return self.value(value, 0, without_tokens)
        if isinstance(value, str) and (value in MARKS or value in _CUTS):
            return self.spend(value)
        return self.spend(self.tally.mark(rule, why))

    def spend(self, text: str) -> str:
        self.left -= len(text) + 8
        return text


_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def _printable(text: str) -> str:
    """Replace what cannot be encoded; JSON may say it, and no UTF-8 can."""
    return _LONE_SURROGATES.sub("\ufffd", text)

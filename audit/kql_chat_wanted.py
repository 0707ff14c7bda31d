"""Which rows somebody asks for: Wanted as lines of KQL, for each shape of table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from audit.actor import ActorKind
from audit.filter import EventFilter, Outcome, Wanted
from audit.kql_around import as_written, table_legs
from audit.kql_events import RISKY_WORDS, Leg, rank
from audit.kql_shapes import DIAGNOSTICS, IS_AUDIT, Shape, fields, kind, prepared
from audit.kql_text import lines, literal, literals

#: What JSON may put right in front of a word, so that it is no longer one: Go writes line breaks so, and & < >.
#: https://pkg.go.dev/encoding/json#Marshal
_BEFORE = ("\\n", "\\r", "\\t", "\\u0026", "\\u003c", "\\u003e")
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})
_OF_HTML = {ord(character): f"\\u{ord(character):04x}" for character in "&<>"}

#: Typed columns that hold text, and those that hold JSON.
_TEXTS = ("AuditId", "Stage", "Level", "Verb", "RequestUri", "UserAgent")
_JSONS = (
    *("User", "SourceIps", "ObjectRef", "ResponseStatus", "RequestObject", "ResponseObject"),
    "Annotations",
)
_TIMES = ("RequestReceivedTime", "StageReceivedTime")
#: What an event in `log_s` has beside its values, and the typed column that says whether it is there; "" for always.
_KEYS = {
    **dict.fromkeys(("kind", "Event", "apiVersion", "audit.k8s.io/v1", "level", "auditID", "stage"), ""),
    **dict.fromkeys(("requestURI", "verb", "user", "requestReceivedTimestamp", "stageTimestamp"), ""),
    "sourceIPs": "SourceIps",
    "userAgent": "UserAgent",
    "objectRef": "ObjectRef",
    "responseStatus": "ResponseStatus",
    "requestObject": "RequestObject",
    "responseObject": "ResponseObject",
    "annotations": "Annotations",
}
#: What may stand in a time of an event: 2026-03-04T09:32:52.123456Z.
_TIME = re.compile(r"[0-9TtZz:.+-]{1,32}")

#: A code of 0, where none is known (a row that was cut, or of a request's beginning), is neither.
_OUTCOMES = {
    Outcome.SUCCEEDED: 'Code_ between (100 .. 399) and Decision_ != "forbid"',
    Outcome.DENIED: 'Code_ in (401, 403) or Decision_ == "forbid"',
    Outcome.FAILED: 'Code_ >= 400 or Decision_ == "forbid"',
}
_ENDED = ("Code", "Decision")
_DOERS = ("User", "Impersonated")
#: Some words of `log_s` without one of which nothing was denied.
_DENIED = ("401", "403", "forbid")


def wanted_legs(wanted: EventFilter, tables: Sequence[str], *where: str) -> list[Leg]:
    """Return a leg for each table: the audit events of the window that are wanted, after the lines `where`.

    Raises InvalidTerm.
    """
    legs = table_legs(wanted.window, tables, _of_clusters(wanted), *where)
    return [replace(leg, text=lines(leg.text, *_where(leg.shape, wanted.what))) for leg in legs]


def wanted_rows(wanted: EventFilter, table: str) -> str:
    """Return the lines that yield the wanted rows of a table, whatever the window. Raises InvalidTerm."""
    is_audit = IS_AUDIT if table == DIAGNOSTICS else ""
    return lines(table, is_audit, _of_clusters(wanted), *_where(Shape.of([table]), wanted.what))


def _of_clusters(wanted: EventFilter) -> str:
    return f"| where _ResourceId in~ {literals(wanted.clusters)}" if wanted.clusters else ""


def _where(shape: Shape, what: Wanted) -> Iterator[str]:
    """Yield lines that keep what is wanted: those that an index answers first."""
    if what.term:
        yield _mentioning(what.term) if shape.has_log else _mentioned(what.term)
    if shape.has_log:
        yield from _quick(what)
    names, conditions = _exact(what)
    if conditions:
        known = fields(shape, {})
        yield prepared(shape, {})
        yield "| extend " + ", ".join(f"{name}_ = {known[name]}" for name in dict.fromkeys(names))
        yield from (f"| where {condition}" for condition in conditions)


# --- a word anywhere -------------------------------------------------------------------------------


def _mentioning(term: str) -> str:
    return f"| where log_s has_any {literals(in_json(term))}"


def _mentioned(term: str) -> str:
    """Return the line that finds in typed columns what `log_s` would have: all of the event, bodies included."""
    written = literals(in_json(term))
    return "| where " + " or ".join(
        (
            *(f"{column} has {literal(term)}" for column in _TEXTS),
            # The index knows the words of dynamic columns, too: https://learn.microsoft.com/kusto/query/best-practices
            *(f"{column} has_any {written}" for column in _JSONS),
            *(_time_has(column, term) for column in _TIMES if _TIME.fullmatch(term)),
            *(_has_key(column) for key, column in _KEYS.items() if _is_word_of(term, key)),
        )
    )


def _time_has(column: str, term: str) -> str:
    parts = f'format_datetime({column}, "yyyy-MM-dd"), "T", format_datetime({column}, "HH:mm:ss.ffffff"), "Z"'
    return f"strcat({parts}) has {literal(term)}"


def _has_key(column: str) -> str:
    return f"isnotempty(tostring({column}))" if column else "true"


def _is_word_of(term: str, key: str) -> bool:
    """Tell whether a key of JSON has the term, as KQL's `has` judges."""
    return bool(re.search(rf"(?<![^\W_]){re.escape(term)}(?![^\W_])", key, re.IGNORECASE))


def in_json(text: str) -> tuple[str, ...]:
    """Return how JSON may write a text of one or more words, so that `has_any` finds each of them in JSON.

    Without regard to control characters in front of it, and to JSON in a string of JSON. What is behind a backslash
    may be found without its first letter.
    """
    escaped = (json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (False, True))
    forms = (text, *(form for each in escaped for form in (each, each.translate(_OF_HTML))))
    before = ("", *_BEFORE) if text[:1].isalnum() else ("",)
    return tuple(dict.fromkeys(f"{prefix}{form}" for form in forms for prefix in before))


# --- fields ----------------------------------------------------------------------------------------


def _quick(what: Wanted) -> Iterator[str]:
    """Yield lines that the index of `log_s` answers, which leave out no row that is wanted."""
    for word in filter(None, (what.namespace, what.name, what.address)):
        yield as_written((word,))
    for words in filter(None, (what.resources, what.subresources, what.verbs)):
        yield as_written(words)
    for text in (what.user, what.client):
        if text:
            yield _mentioning(text)
    if what.outcome is Outcome.DENIED:
        yield as_written(_DENIED)
    if what.risky:
        yield as_written(RISKY_WORDS)


def _exact(what: Wanted) -> tuple[list[str], list[str]]:
    """Return the names of audit.kql_shapes.fields that are needed, and conditions on them with `_` behind."""
    names: list[str] = []
    conditions: list[str] = []
    for needed, condition in _conditions(what):
        names += needed
        conditions.append(condition)
    return names, conditions


def _conditions(what: Wanted) -> Iterator[tuple[Sequence[str], str]]:
    for name, text in (("Namespace", what.namespace), ("Name", what.name)):
        if text:
            yield (name,), f"{name}_ =~ {literal(text)}"
    for name, words in (
        ("Resource", what.resources),
        ("Subresource", what.subresources),
        ("Verb", what.verbs),
    ):
        if words:
            yield (name,), f"{name}_ in~ {literals(words)}"
    if what.user:
        user = literal(what.user)
        yield _DOERS, f"User_ has {user} or Impersonated_ has {user}"
    if what.address:
        # A member of the list is what stands between two quotes that are not escaped.
        member = f'"{what.address.translate(_QUOTED)}"'
        yield ("Addresses",), f"Addresses_ contains {literal(member)}"
    if what.client:
        yield ("UserAgent",), f"UserAgent_ has {literal(what.client)}"
    if what.outcome:
        yield _ENDED, _OUTCOMES[what.outcome]
    if what.risky:
        risk = rank("Verb_", "Resource_", "Subresource_")
        yield ("Verb", "Resource", "Subresource"), f"{risk} < 2"
        yield _DOERS, f"{kind('User_', 'Impersonated_')} < {ActorKind.PLATFORM:d}"

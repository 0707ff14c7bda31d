"""JSON that somebody cut off: what stood whole before the cut, and what the cut went through.

Own code, for no reader of broken JSON that we know tells both: jiter's and pydantic's partial modes keep a
number that may have been longer, and none says where the cut went through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

#: Deeper than orjson reads; nothing real is.
MAX_DEPTH = 1000
#: Deeper, or past a longer key, what is lost is told by what it lies in.
_MOST_STEPS, _LONGEST_STEP = 32, 256

_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
        (?P<open>[{\[])
      | (?P<close>[}\]])
      | (?P<comma>,)
      | (?P<colon>:)
      | (?P<string>"(?:[^"\\]++|\\.)*+")
      | (?P<scalar>[-+.\w]++)
    )""",
    re.VERBOSE | re.DOTALL,
)
#: What a token that is not there to its end may look like.
_HALF_STRING = re.compile(r'[ \t\r\n]*+(?:"(?:[^"\\]++|\\.)*+\\?)?', re.DOTALL)
_LITERALS = frozenset(("true", "false", "null"))
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """An object as far as it is there. `lost` are the dotted paths of what the cut went through.

    An object or array in `lost` has its whole members in `value`; anything else in `lost` is not in it.
    """

    value: Mapping[str, Any]
    lost: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class RecoveredValue:
    """As Recovered, for a text that need not be an object; "" in `lost` is the text's own value."""

    value: Any
    lost: frozenset[str]


@dataclass
class _Container:
    """An object or array that is not over yet, and which member of it we are at."""

    opener: str
    #: As it is written, quotes included; "" between members.
    key: str = ""
    place: int = 0

    def step(self) -> str:
        return str(self.place) if self.opener == "[" else _decoded(self.key)


def recover(text: str) -> Recovered | None:
    """Return the object that `text` is the beginning of; None where it is whole, none, or no JSON before the cut.

    No value is invented: a number that stands last may have been longer and is lost, as is half a string. A key
    that the cut left without its value has none. Of a key said twice the last one counts, as in whole JSON.
    Linear in time, never raises.
    """
    found = recover_value(text)
    if found is None or not isinstance(found.value, Mapping):
        return None
    return Recovered(value=found.value, lost=found.lost - {""})


def recover_value(text: str) -> RecoveredValue | None:
    """As recover, for an object or an array."""
    text = text.rstrip()
    open_, whole = _scan(text)
    if not open_ or len(open_) > MAX_DEPTH:
        return None
    try:
        value = orjson.loads(text[:whole] + "".join(_CLOSING[each.opener] for each in reversed(open_)))
    except ValueError:
        return None
    _forget(value, open_)
    return RecoveredValue(value=value, lost=_lost(open_))


def _scan(text: str) -> tuple[Sequence[_Container], int]:
    """Return what is open where the text ends, and up to where all values are whole; nothing where it is not cut."""
    open_: list[_Container] = []
    at = whole = 0
    while token := _TOKEN.match(text, at):
        at = token.end()
        match token.lastgroup:
            case "open":
                open_.append(_Container(opener=token["open"]))
                whole = at
                if len(open_) > MAX_DEPTH:
                    return open_, whole
                continue
            case "close" if open_:
                open_.pop()
            case "comma" if open_:
                open_[-1].place += 1
                open_[-1].key = ""
                continue
            case "colon":
                continue
            case "string" if open_ and open_[-1].opener == "{" and not open_[-1].key:
                open_[-1].key = token["string"]
                continue
            case "scalar" if at == len(text) and token["scalar"] not in _LITERALS:
                return open_, whole
        if not open_:
            return (), 0
        open_[-1].key = ""
        whole = at
    return (open_, whole) if _HALF_STRING.fullmatch(text, at) else ((), 0)


def _forget(value: Any, open_: Sequence[_Container]) -> None:
    """Take out an earlier value of the key that the cut left without one: which it has is not known."""
    for container in open_[:-1]:
        value = value[container.place if container.opener == "[" else _decoded(container.key)]
    if open_[-1].key:
        value.pop(_decoded(open_[-1].key), None)


def _lost(open_: Sequence[_Container]) -> frozenset[str]:
    paths = {""}
    steps: list[str] = []
    for container in open_[:_MOST_STEPS]:
        step = container.step()
        # Nothing is known of a member whose key is not there.
        if not step or len(step) > _LONGEST_STEP:
            break
        steps.append(step)
        if container is not open_[-1] or container.opener == "{":
            paths.add(".".join(steps))
    return frozenset(paths)


def _decoded(key: str) -> str:
    try:
        return str(orjson.loads(key)) if key else ""
    except ValueError:  # what was read before the cut is checked, a key that it left alone is not
        return ""

"""Secrets among a command's arguments (rule R5): what names them may be an argument of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from audit.secrets import MARKS, MAX_TEXT, Tally, Why, always, is_secret_name, without_secrets, without_values

_FLAG = re.compile(r"""(?<![^\s"'])(--?[A-Za-z][\w.-]*+)\s{1,4}""")
_GLUED = re.compile(r"""(?<![^\s"'])(-[pu])(?=[^\s"'-])""")
_ASSIGNED = re.compile(r"""(?<![^\s"'])(?:--from-literal|--env|-e)[=\s]{1,4}[\w.-]++=""")
_IS_FLAG = re.compile(r"--?[A-Za-z][\w.-]*+")
#: What else follows -p in other programs: ports and paths, and the rest of a flag as Go has them.
_OTHER_VALUES = r"[\d:.,/-]++|[./~].*|[a-z-]++=.*|(?:orts?|ath|rofile|refix|olicy|rotocol|rovider|od)\b.*"
_ASSIGNMENT = re.compile(r"[^=]*+=.*", re.DOTALL)
_USER_AND_PASSWORD = re.compile(r"[^:]*+:.*", re.DOTALL)
#: Flags that a secret may follow but need not: what it then looks like.
_VALUES = {
    "-p": re.compile(rf"(?!(?:{_OTHER_VALUES})\Z).+", re.DOTALL),
    "-u": _USER_AND_PASSWORD,
    "--user": _USER_AND_PASSWORD,
    "-e": _ASSIGNMENT,
    "--env": _ASSIGNMENT,
    "--from-literal": _ASSIGNMENT,
}


def without_arguments(arguments: Iterable[Any], tally: Tally, clean: Callable[[Any], Any]) -> Iterator[Any]:
    """Yield each argument with a mark in the place of what the flag before it tells to be secret.

    The others go through `clean`, which is to redact what one argument may hold by itself.
    """
    flag = ""
    for argument in arguments:
        if flag and isinstance(argument, (str, int)) and _is_secret(flag, str(argument)):
            yield clean(argument if argument in MARKS else tally.mark("R5", Why.ARGUMENT))
        else:
            yield clean(argument)
        flag = argument if isinstance(argument, str) and _names_secret(argument) else ""


def without_line_secrets(line: str, tally: Tally) -> str:
    """Redact the secrets of one command line, or of one argument that may hold one (`sh -c "…"`)."""
    mark = partial(tally.mark, "R5", Why.ARGUMENT)
    line = without_values(line, _ASSIGNED, always, mark)
    for flag in (_FLAG, _GLUED):
        line = without_values(
            line,
            flag,
            lambda m: _names_secret(m[1]),
            mark,
            is_secret=lambda m, value: _is_secret(m[1], value),
        )
    return without_secrets(line, tally)


def _names_secret(flag: str) -> bool:
    """Whether it is a flag that a secret may follow."""
    if not _IS_FLAG.fullmatch(flag[:MAX_TEXT]):
        return False
    return flag in _VALUES or is_secret_name(flag)


def _is_secret(flag: str, value: str) -> bool:
    """Whether this value, after a flag that a secret may follow, is one."""
    if value.startswith("--"):
        return False
    return flag not in _VALUES or bool(_VALUES[flag].fullmatch(value[:MAX_TEXT]))

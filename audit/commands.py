"""What `kubectl exec` was asked to run, and of which class that is; a command line itself may hold secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl

from audit.deed_table import deed
from audit.evidence import Action
from audit.untyped import items, mapping

#: Longer lines are not read to their end; an audit event of AKS is cut at 16 KiB.
MAX_QUERY = 32 * 1024
MAX_WORDS = 4096
#: A wrapper's own words before the program that it runs.
_MOST_BEFORE = 64

#: Programs that wait for what is typed.
_SHELLS = frozenset(
    "sh bash rbash ash dash zsh ksh mksh csh tcsh fish pwsh powershell cmd".split()  # noqa: SIM905 - to be read
)
#: Programs that run another one, which may be a shell.
_WRAPPERS = frozenset(
    "env sudo su doas busybox toybox nsenter chroot unshare setsid nohup nice ionice time timeout stdbuf script exec tini dumb-init".split()  # noqa: SIM905
)
#: Of those, the ones whose `-c` is a line for a shell.
_TAKES_LINE = frozenset({"su", "script"})
_GIVES_LINE = re.compile(r"-[a-z]{0,6}c|--command", re.IGNORECASE)
_DURATION = re.compile(r"\d+(?:\.\d+)?[smhd]?")
#: A shell within a shell's script: `sh -c "clear; (bash || ash || sh)"`, as dashboards open one.
_SHELL_IN_SCRIPT = re.compile(
    r"(?:^|[;&|(\s/])(?:bash|ash|sh|zsh|dash)(?:\s+(?:-[il]{1,2}|--login))?\s*(?=$|[;&|)])"
)
_COPY_OUT = re.compile(r"-?c[a-z]*f?|--create")
_COPY_INTO = re.compile(r"-?x[a-z]*f?|--extract|--get")
#: kubectl cp sends and fetches by tar, over standard input and output.
#: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_cp/
_TAR_OUT_IN_SCRIPT = re.compile(r"^tar c[a-z]*f - ")


class CommandClass(Enum):
    """What a command line is, as far as its words tell."""

    #: A shell that waits for what is typed.
    SHELL = auto()
    #: A shell that runs what it was given.
    SCRIPT = auto()
    COPY_OUT = auto()
    COPY_INTO = auto()
    OTHER = auto()


_DEEDS = {
    CommandClass.SHELL: deed("opened a shell in {object}", "open a shell in {object}"),
    CommandClass.SCRIPT: deed("ran a shell command in {object}", "run a shell command in {object}"),
    CommandClass.COPY_OUT: deed("copied files out of {object}", "copy files out of {object}"),
    CommandClass.COPY_INTO: deed("copied files into {object}", "copy files into {object}"),
    CommandClass.OTHER: deed("ran a command in {object}", "run a command in {object}"),
}


def command_of(uri: str, body: Any = None) -> tuple[str, ...]:
    """Return the command line of an exec, word by word: from its URI, else from its body. It may hold secrets."""
    found = exec_command(uri) or items(mapping(body).get("command"))
    return tuple(word[:MAX_QUERY] for word in found[:MAX_WORDS] if isinstance(word, str))


def exec_command(uri: str) -> tuple[str, ...]:
    """Return the command line in the URI of an exec or attach: its `command` parameters, decoded, in order.

    At most 4,096 words of the first 32 KiB; empty where the URI has none. It may hold secrets.
    https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.33/#create-connect-exec-pod-v1-core
    """
    query = uri[:MAX_QUERY].partition("?")[2]
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    except ValueError:
        return ()
    return tuple([value for name, value in pairs if name == "command"][:MAX_WORDS])


def deed_of(words: Sequence[str]) -> Action:
    """Say what a command line did by its class, with `{object}` for where it ran."""
    return _DEEDS[class_of(words)]


def class_of(words: Sequence[str]) -> CommandClass:
    """Tell of which class a command line is; a shell is found behind env, sudo, nohup, nsenter and such too."""
    words = _unwrapped(words)
    if not words:
        return CommandClass.OTHER
    program, rest = _program(words[0]), words[1:]
    if program == "tar" and rest:
        return _copied(rest)
    if program not in _SHELLS:
        return CommandClass.OTHER
    script = next((rest[at + 1 :] for at, word in enumerate(rest) if _runs_script(word)), None)
    if script is None:
        # A shell that is given a file to run waits for nobody.
        is_given = any(not word.startswith(("-", "/c")) for word in rest)
        return CommandClass.SCRIPT if is_given else CommandClass.SHELL
    return _of_script(script[0] if script else "")


def _of_script(line: str) -> CommandClass:
    if _TAR_OUT_IN_SCRIPT.search(line):
        return CommandClass.COPY_OUT
    return CommandClass.SHELL if _SHELL_IN_SCRIPT.search(line) else CommandClass.SCRIPT


def _unwrapped(words: Sequence[str]) -> Sequence[str]:
    """Return the command line that wrappers run: `env A=b sudo bash` is `bash`, `script -c bash` is `sh -c bash`."""
    start = 0
    while start < min(len(words), _MOST_BEFORE) and (wrapper := _program(words[start])) in _WRAPPERS:
        found = _wrapped(words, start + 1, wrapper)
        if found is None:
            # A login shell is what these two run by themselves.
            return ("sh",) if wrapper in _TAKES_LINE else ()
        if isinstance(found, str):
            return ("sh", "-c", found)
        start = found
    return words[start:]


def _wrapped(words: Sequence[str], start: int, wrapper: str) -> int | str | None:
    """Return where the program stands that a wrapper runs, or the line it gives to a shell; None for neither."""
    takes_line, maybe = wrapper in _TAKES_LINE, None
    for at in range(start, min(len(words), start + _MOST_BEFORE)):
        word, before = words[at], words[at - 1]
        if takes_line and _GIVES_LINE.fullmatch(word) and at + 1 < len(words):
            return words[at + 1]
        program = _program(word)
        if program in _SHELLS or program in _WRAPPERS:
            return at
        if word.startswith("-") or "=" in word or _DURATION.fullmatch(word) or takes_line:
            continue
        # After an option it may be the option's own: `sudo -u postgres bash`; chroot has a directory first.
        if not before.startswith("-") and not (wrapper == "chroot" and at == start):
            return at
        maybe = maybe or at
    return maybe


def _program(word: str) -> str:
    """Return the name of a program: its path, and what Windows adds, left out."""
    name = re.split(r"[/\\]", word.strip())[-1].casefold()
    return name.removesuffix(".exe")


def _runs_script(word: str) -> bool:
    """Whether a script follows: -c, also among other letters ("-lc"), and what Windows has for it."""
    is_short = len(word) < 8 and word.startswith("-") and not word.startswith("--")  # noqa: PLR2004
    return (is_short and "c" in word) or word.casefold() in {"/c", "-command"}


def _copied(arguments: Sequence[str]) -> CommandClass:
    by_pipe = "-" in arguments or arguments[0].endswith("f-")
    if by_pipe and _COPY_OUT.fullmatch(arguments[0]):
        return CommandClass.COPY_OUT
    return CommandClass.COPY_INTO if by_pipe and _COPY_INTO.fullmatch(arguments[0]) else CommandClass.OTHER

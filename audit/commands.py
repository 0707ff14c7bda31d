"""What `kubectl exec` was asked to run: told by its class alone, because a command line may hold secrets."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from audit.deed_table import deed
from audit.evidence import Action

MAX_QUERY = 16_384
MAX_WORDS = 64
MAX_WORD = 1024

#: Programs that wait for what is typed.
_SHELLS = frozenset(
    "sh bash ash dash zsh ksh mksh csh tcsh fish pwsh powershell cmd".split()  # noqa: SIM905 - to be read
)
#: Programs that run another one, which may be a shell.
_WRAPPERS = frozenset(
    "env sudo su doas busybox toybox nsenter chroot unshare setsid nice timeout stdbuf script tini".split()  # noqa: SIM905
)
#: A shell within a shell's script: `sh -c "clear; (bash || ash || sh)"`, as dashboards open one.
_SHELL_IN_SCRIPT = re.compile(r"(?:^|[;&|(\s/])(?:bash|ash|sh|zsh|dash)\s*(?=$|[;&|)])")
_COPY_OUT = re.compile(r"-?c[a-z]*f?|--create")
_COPY_INTO = re.compile(r"-?x[a-z]*f?|--extract|--get")
#: kubectl cp sends and fetches by tar, over standard input and output.
#: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_cp/
_TAR_OUT_IN_SCRIPT = re.compile(r"^tar c[a-z]*f - ")

_SHELL = deed("opened a shell in {object}", "open a shell in {object}")
_SCRIPT = deed("ran a shell command in {object}", "run a shell command in {object}")
_OUT = deed("copied files out of {object}", "copy files out of {object}")
_INTO = deed("copied files into {object}", "copy files into {object}")
_OTHER = deed("ran a command in {object}", "run a command in {object}")


def exec_command(uri: str) -> tuple[str, ...]:
    """Return the command line in the URI of an exec or attach: its `command` parameters, decoded, in order.

    At most 64 words of 1,024 characters of the first 16 KiB; empty where the URI has none. It may hold secrets.
    https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.33/#create-connect-exec-pod-v1-core
    """
    query = uri[:MAX_QUERY].partition("?")[2]
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    except ValueError:
        return ()
    words = [value[:MAX_WORD] for name, value in pairs if name == "command"]
    return tuple(words[:MAX_WORDS])


def kind_of_command(words: tuple[str, ...]) -> Action:
    """Say of which class a command line is, with `{object}` for where it ran: a shell, a copy, another."""
    words = words[_wrapped(words) :]
    if not words:
        return _OTHER
    program, rest = _program(words[0]), words[1:]
    if program == "tar" and rest:
        return _copied(rest)
    if program not in _SHELLS:
        return _OTHER
    script = next((rest[at + 1 :] for at, word in enumerate(rest) if _runs_script(word)), None)
    if script is None:
        # A shell that is given a file to run waits for nobody.
        return _SCRIPT if any(not word.startswith(("-", "/c")) for word in rest) else _SHELL
    if script and _TAR_OUT_IN_SCRIPT.search(script[0]):
        return _OUT
    return _SHELL if script and _SHELL_IN_SCRIPT.search(script[0]) else _SCRIPT


def _wrapped(words: tuple[str, ...]) -> int:
    """Return where a shell stands behind programs that run others, else 0."""
    if not words or _program(words[0]) not in _WRAPPERS:
        return 0
    return next((at for at, word in enumerate(words) if _program(word) in _SHELLS), 0)


def _program(word: str) -> str:
    """Return the name of a program: its path, and what Windows adds, left out."""
    name = re.split(r"[/\\]", word.strip())[-1].casefold()
    return name.removesuffix(".exe")


def _runs_script(word: str) -> bool:
    """Whether a script follows: -c, also among other letters ("-lc"), and what Windows has for it."""
    is_short = len(word) < 8 and word.startswith("-") and not word.startswith("--")  # noqa: PLR2004
    return (is_short and "c" in word) or word.casefold() in {"/c", "-command"}


def _copied(arguments: tuple[str, ...]) -> Action:
    by_pipe = "-" in arguments or arguments[0].endswith("f-")
    if by_pipe and _COPY_OUT.fullmatch(arguments[0]):
        return _OUT
    return _INTO if by_pipe and (_COPY_INTO.fullmatch(arguments[0])) else _OTHER

"""What a request's URI may give away: exec's command line, a proxied request, secrets in the query (rule R8)."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from audit.command_lines import without_arguments, without_line_secrets
from audit.secrets import MARKS, Tally, Why, cut, is_secret_name, without_secrets

#: What follows goes to the proxied service; only its own developers know what is secret there.
_PROXY = re.compile(r"(.*?/proxy)(/.*)?", re.DOTALL)
_LAYERS = 3


def without_uri_secrets(uri: str, tally: Tally) -> str:
    """Return the URI without secrets; what is harmless stays as written, at most 2 KiB of it.

    Marks stand in it unescaped, for people to read: what comes back is no URI to call.
    """
    path, question, query = cut(uri).partition("?")
    plain = _decoded(path)
    proxied = _PROXY.fullmatch(plain)
    if proxied and (question or (proxied[2] or "/") != "/"):
        is_done = proxied[2] == f"/{Why.PROXY.mark}" and not question
        rest = Why.PROXY.mark if is_done else tally.mark("R8", Why.PROXY)
        return f"{without_secrets(proxied[1], tally)}/{rest}"
    cleaned = without_secrets(plain, tally)
    return cut((path if cleaned == plain else cleaned) + question + _query(query, tally))


def _query(query: str, tally: Tally) -> str:
    pieces = query.split("&")
    names = [_decoded(piece.partition("=")[0]) for piece in pieces]
    values = [_decoded(piece.partition("=")[2]) for piece in pieces]
    # exec and attach say their command line word by word, so that a flag and its value are two pieces.
    commands = [at for at, name in enumerate(names) if name == "command"]
    words = without_arguments(
        [values[at] for at in commands], tally, lambda word: without_line_secrets(word, tally)
    )
    cleaned = dict(zip(commands, words, strict=True))
    for at, (name, value) in enumerate(zip(names, values, strict=True)):
        if at not in cleaned:
            cleaned[at] = _parameter(name, value, tally)
    return "&".join(
        piece if cleaned[at] == values[at] else f"{piece.partition('=')[0]}={cleaned[at]}"
        for at, piece in enumerate(pieces)
    )


def _parameter(name: str, value: str, tally: Tally) -> str:
    if not value or value in MARKS:
        return value
    return tally.mark("R8", Why.NAME) if is_secret_name(name) else without_secrets(value, tally)


def _decoded(text: str) -> str:
    """Undo percent-encoding, also that of an encoded text: a secret is one behind two layers too."""
    for _ in range(_LAYERS):
        plain = unquote_plus(text)
        if plain == text:
            break
        text = plain
    return text

"""A file of lines of JSON, or of one JSON document, read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

_MOST_BYTES: Final = 256 * 1024 * 1024


class UnreadableFile(Exception):
    """The file cannot be read as audit data. The text is one sentence, with file name and place."""


def documents(path: Path, changed: Callable[[str], str] | None = None) -> Iterator[tuple[str, Any]]:
    """Yield every JSON document of a file, with where it stands: ", line 3", or "" where there is but one.

    `changed` makes another text of the file's first. Raises UnreadableFile.
    """
    text = _text(path)
    if changed is not None:
        text = changed(text.decode(errors="surrogateescape")).encode(errors="surrogateescape")
    lines = text.splitlines() if b"\r" in text else text.split(b"\n")
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise UnreadableFile(f"{path.name}: the file is empty.")
    if len(numbered) > 1 and not _is_json(numbered[0][1]):
        yield "", _whole(path.name, text)
        return
    for number, line in numbered:
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UnreadableFile(f"{path.name}, line {number}: not JSON ({error.msg}).") from None
        yield f", line {number}", document


def _text(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UnreadableFile(f"{path.name}: larger than {_MOST_BYTES >> 20} MiB.")
        text = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror}).") from None
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        # What a shell's redirection writes on Windows.
        return text.decode("utf-16", errors="replace").encode()
    return text.removeprefix(b"\xef\xbb\xbf")


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _whole(name: str, text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableFile(f"{name}, line {error.lineno}: not JSON ({error.msg}).") from None

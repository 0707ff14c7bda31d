"""An oracle for JSON that is cut: what is whole at each byte, told by whoever wrote it and not by a reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Written:
    """A JSON text and, for each byte it may be cut behind, the change that this byte brings to what is whole."""

    whole: dict[str, Any] = field(default_factory=dict)
    #: Paths of what is begun and not over, as dotted paths.
    begun: set[str] = field(default_factory=set)
    text: bytearray = field(default_factory=bytearray)
    changes: list[tuple[int, Callable[[], object]]] = field(default_factory=list)

    def states(self) -> Iterator[tuple[int, dict[str, Any], set[str]]]:
        """Yield (bytes kept, what is whole of the object, what is lost) for each cut within the object."""
        never: tuple[int, Callable[[], object]] = (len(self.text) + 1, lambda: None)
        changes = iter(self.changes)
        at, change = next(changes, never)
        for kept in range(1, len(self.text)):
            while at <= kept:
                change()
                at, change = next(changes, never)
            yield kept, self.whole, self.begun

    def write(self, value: dict[str, Any]) -> Written:
        self._object(value, self.whole, "")
        return self

    def _say(self, text: str) -> None:
        self.text += text.encode("utf-8", errors="surrogatepass")

    def _then(self, change: Callable[[], object], later: int = 0) -> None:
        self.changes.append((len(self.text) + later, change))

    def _object(self, value: dict[str, Any], whole: dict[str, Any], path: str) -> None:
        self._say("{")
        for number, (key, child) in enumerate(value.items()):
            self._say(", " if number % 3 == 1 else "," if number else "")
            self._say(json.dumps(key, ensure_ascii=len(key) % 2 == 0))
            inner = f"{path}.{key}" if path else key
            self._then(lambda inner=inner: self.begun.add(inner))  # type: ignore[misc]  # bound now
            self._say(" : " if number % 4 == 1 else ":")
            self._value(child, lambda new, key=key: whole.__setitem__(key, new), inner)  # type: ignore[misc]  # bound now
        self._say("}")

    def _value(self, value: Any, put: Callable[[Any], object], path: str) -> None:
        done: Callable[[], object] = lambda: self.begun.discard(path)  # noqa: E731
        if isinstance(value, dict):
            inner: dict[str, Any] = {}
            self._then(lambda: put(inner), later=1)
            self._object(value, inner, path)
        elif isinstance(value, list):
            self._list(value, put, path)
        else:
            self._say(json.dumps(value, ensure_ascii=len(str(value)) % 2 == 0))
            is_number = not isinstance(value, str | bool | None)
            # What follows a number is its end: 12 may have been 123.
            self._then(lambda: (put(value), done()), later=int(is_number))
            return
        self._then(done)

    def _list(self, value: list[Any], put: Callable[[Any], object], path: str) -> None:
        items: list[Any] = []
        self._then(lambda: put(items), later=1)
        self._say("[")
        for place, child in enumerate(value):
            self._say(", " if place % 3 == 1 else "," if place else "")
            inner = f"{path}.{place}"
            if isinstance(child, dict | list):
                self._then(lambda inner=inner: self.begun.add(inner), later=1)  # type: ignore[misc]  # bound now
            self._value(child, items.append, inner)
        self._say("]")

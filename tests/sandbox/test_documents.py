from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.documents import UnreadableFile, documents


def test_the_text_can_be_changed_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a": "x"}\n\n{"a": "xx"}\n')
    assert list(documents(path, lambda text: text.replace("x", "y"))) == [
        (", line 1", {"a": "y"}),
        (", line 3", {"a": "yy"}),
    ]


def test_bytes_that_are_no_text_are_told_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{}\n{"a": "\xff"}\n')
    with pytest.raises(UnreadableFile, match=r"events\.jsonl, line 2: not JSON"):
        list(documents(path, str))

"""What a clicked button and a dialog are answered with."""

from __future__ import annotations

import pytest

from bot.ports import Message
from bot.teams.answers import LONGEST_TITLE, dialog


@pytest.mark.parametrize(
    ("summary", "title"),
    [
        ("Raw log\nEvent 1 of 6", "Raw log"),
        ("", ""),
        (
            "audits coredns top 1 last 1h · 09:39:06–10:39:06 (Europe/Berlin, UTC+01:00)",
            "audits coredns top 1 last 1h",
        ),
        (
            "alice@contoso.com patched configmap kube-system/coredns-custom twice; both succeeded",
            "alice@contoso.com patched configmap …",
        ),
        ("x" * 200, "x" * (LONGEST_TITLE - 1) + "…"),
    ],
)
def test_a_dialogs_title_is_cut_between_its_parts_or_words(summary: str, title: str) -> None:
    made = dialog(Message(card={}, summary=summary))["task"]["value"]["title"]
    assert made == title
    assert len(made) <= LONGEST_TITLE

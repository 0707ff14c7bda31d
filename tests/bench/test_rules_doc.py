"""docs/rules.md says what the table says."""

from __future__ import annotations

import pytest

from audit.rules import RULES, Rule
from bench.rules_doc import PATH, document


def test_the_document_is_that_of_the_table() -> None:
    assert PATH.read_text(encoding="utf-8") == document(), "python -m bench.rules_doc writes it anew"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_has_its_words(rule: Rule) -> None:
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert rule.innocent.endswith(".")
    assert rule.next_step.endswith(".")


def test_what_is_blind_follows_from_the_verbs() -> None:
    assert RULES["secret-read"].needs == ("kube-audit",)
    assert RULES["secret-read"].blind_under_admin == "all of it"
    assert "WebSockets" in RULES["exec-in-pod"].blind_under_admin
    assert RULES["secret-changed"].blind_under_admin == ""
    assert RULES["secret-sweep"].needs == ("kube-audit",)

"""What is risky about audit events, and how much: the rules, and judging by them. docs/rules.md is made from them."""

from __future__ import annotations

from audit.rules.judging import RULES, Judgement, judge, judge_request
from audit.rules.rule import Body, Rule

__all__ = ["RULES", "Body", "Judgement", "Rule", "judge", "judge_request"]

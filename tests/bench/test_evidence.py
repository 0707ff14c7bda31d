"""The comparison with other vendors' samples, and what it comes to on real ones."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from audit.rules import RULES
from bench.evidence import FALSE_ALARM_BAR, RECALL_BAR, Outcome, main, read_labels, read_samples, score
from tests.shared_data import shared_data


def test_our_rules_hold_the_bars_on_real_samples() -> None:
    result = score(read_samples(shared_data("audit/events.jsonl")), read_labels())

    assert result.recall >= RECALL_BAR
    assert result.false_alarms <= FALSE_ALARM_BAR
    assert not result.unknown


def test_every_label_means_rules_that_there_are_or_says_why_not() -> None:
    labels = read_labels()

    assert {rule for rules in labels.rules.values() for rule in rules} <= set(RULES)
    assert all(why.startswith("not ours: ") for why in labels.not_ours.values())


def test_a_recorded_event_that_a_label_names_is_found() -> None:
    labels = read_labels()
    recorded = [one for one in read_samples(shared_data("audit/events.jsonl")) if one.should_fire is None]

    missed = [
        one.label
        for one in recorded
        if one.label in labels.rules
        and labels.rules[one.label].isdisjoint(found.rule for found in one.findings)
    ]

    assert missed == []


def sample(test: str, code: int, should_fire: bool, verb: str = "create") -> dict[str, object]:
    target = {"resource": "daemonsets", "namespace": "shop"}
    event = {
        "verb": verb,
        "user": {"username": "dana"},
        "objectRef": target,
        "responseStatus": {"code": code},
    }
    return {
        "label": "Kubernetes.DaemonSet.Created",
        "test": test,
        "rule_should_fire": should_fire,
        "event": event,
    }


def written(path: Path, *rows: dict[str, object]) -> Path:
    file = path / "events.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows) + b"\n")
    return file


def test_refused_attempts_are_a_class_of_their_own(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        sample("done", 201, should_fire=True),
        sample("refused", 403, should_fire=False),
        sample("read", 200, should_fire=False, verb="get"),
        sample("missed", 200, should_fire=True, verb="get"),
        sample("false", 201, should_fire=False),
    )

    result = score(read_samples(path), read_labels())

    assert result.refused == {Outcome.SHOWN_REFUSED: 1}
    assert {outcome: result.done[outcome] for outcome in Outcome} == {
        Outcome.HIT: 1,
        Outcome.MISS: 1,
        Outcome.QUIET: 1,
        Outcome.FALSE_ALARM: 1,
        Outcome.SHOWN_REFUSED: 0,
    }
    assert result.recall == 0.5
    assert result.false_alarms == pytest.approx(1 / 3)
    assert [one.test for one, _ in result.disagreements] == ["missed", "false"]


def test_the_report_ends_with_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(written(tmp_path, sample("done", 201, should_fire=True)))]) == 0

    assert capsys.readouterr().out.splitlines()[-1] == (
        "evidence: recall 1.000, false alarms 0.000 · bar 0.95, 0.05 · held"
    )


def test_a_missed_bar_and_an_unknown_label_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = {**sample("new", 201, should_fire=True), "label": "Somebody.Else"}

    assert main([str(written(tmp_path, sample("missed", 200, should_fire=True, verb="get"), unknown))]) == 1

    said = capsys.readouterr().out
    assert "not explained yet" in said
    assert "Unknown label, left out: Somebody.Else (1)" in said


def test_without_samples_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.jsonl")]) == 2

    assert "no samples to compare with" in capsys.readouterr().out

"""python -m bench.evidence [PATH]: compare our risk rules with what other vendors' samples say should fire.

PATH has one JSON object a line: `label` and `event`, and `rule_should_fire` and `test` where the vendor says so.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from audit.event import AuditEvent, parse_event
from audit.evidence import Finding
from audit.rules import judge

DEFAULT = Path(__file__).parents[1] / "../shared/data/audit/events.jsonl"
_LABELS = Path(__file__).with_name("labels.toml")
#: Some samples have no time; the rules for single events do not look at it.
_SOME_TIME = "2026-01-01T00:00:00Z"

RECALL_BAR = 0.95
FALSE_ALARM_BAR = 0.05


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What bench/labels.toml says."""

    rules: Mapping[str, frozenset[str]]
    #: Label → why no rule of ours is meant.
    not_ours: Mapping[str, str]
    #: (label, test) → why we differ from the vendor there.
    explained: Mapping[tuple[str, str], str]
    #: Where we differ on purpose, whatever the sample.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One event with what a vendor says of it; `should_fire` is None where he says nothing."""

    label: str
    test: str
    should_fire: bool | None
    event: AuditEvent
    findings: tuple[Finding, ...]


class Outcome(StrEnum):
    HIT = "fires, as the vendor says"
    MISS = "silent, and the vendor says it should fire"
    QUIET = "silent, as the vendor says"
    FALSE_ALARM = "fires, and the vendor says it should not"
    #: The vendor leaves failed attempts out; we show them as refused.
    SHOWN_REFUSED = "shown as a refused attempt, where the vendor is silent"


@dataclass(kw_only=True)
class Score:
    """Outcomes of all samples that a vendor judged, by kind of request and by rule of ours."""

    done: Counter[Outcome] = field(default_factory=Counter)
    refused: Counter[Outcome] = field(default_factory=Counter)
    by_label: defaultdict[str, Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))
    by_rule: defaultdict[str, Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))
    disagreements: list[tuple[Sample, Outcome]] = field(default_factory=list)
    #: Labels that bench/labels.toml does not know.
    unknown: Counter[str] = field(default_factory=Counter)

    def count(self, outcome: Outcome) -> int:
        return self.done[outcome] + self.refused[outcome]

    @property
    def recall(self) -> float:
        return _share(self.count(Outcome.HIT), self.count(Outcome.MISS))

    @property
    def false_alarms(self) -> float:
        return _share(
            self.count(Outcome.FALSE_ALARM), self.count(Outcome.QUIET) + self.count(Outcome.SHOWN_REFUSED)
        )

    @property
    def held(self) -> bool:
        return self.recall >= RECALL_BAR and self.false_alarms <= FALSE_ALARM_BAR


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else 0.0


def read_labels(path: Path = _LABELS) -> Labels:
    """Read which of our rules a vendor's label means."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    labels: Mapping[str, list[str] | str] = found["labels"]
    return Labels(
        rules={label: frozenset(says) for label, says in labels.items() if not isinstance(says, str)},
        not_ours={label: says for label, says in labels.items() if isinstance(says, str)},
        explained={(one["label"], one["test"]): one["why"] for one in found.get("explained", [])},
        notes=tuple(found.get("notes", ())),
    )


def read_samples(path: Path) -> Iterator[Sample]:
    """Yield the samples of a file, judged; what is no audit event is left out."""
    for line in path.read_bytes().splitlines():
        if line.strip():
            row: Mapping[str, Any] = orjson.loads(line)
            event = parse_event({"log_s": orjson.dumps(row["event"]).decode(), "TimeGenerated": _SOME_TIME})
            if isinstance(event, AuditEvent):
                yield Sample(
                    label=row.get("label", ""),
                    test=row.get("test", ""),
                    should_fire=row.get("rule_should_fire"),
                    event=event,
                    findings=judge([event]).of_event[0],
                )


def score(samples: Iterable[Sample], labels: Labels) -> Score:
    """Compare findings with the vendors' own words; samples without such words are left out."""
    result = Score()
    for sample in samples:
        if sample.should_fire is None or sample.label in labels.not_ours:
            continue
        if sample.label not in labels.rules:
            result.unknown[sample.label] += 1
            continue
        _add(result, sample, labels.rules[sample.label])
    return result


def _add(result: Score, sample: Sample, ours: frozenset[str]) -> None:
    fired = [finding for finding in sample.findings if finding.rule in ours]
    outcome = _outcome(sample, fired)
    (result.refused if _was_refused(sample.event) else result.done)[outcome] += 1
    result.by_label[sample.label][outcome] += 1
    for rule in {finding.rule for finding in fired} or {"(none)"}:
        result.by_rule[rule][outcome] += 1
    if outcome in (Outcome.MISS, Outcome.FALSE_ALARM):
        result.disagreements.append((sample, outcome))


def _outcome(sample: Sample, fired: Sequence[Finding]) -> Outcome:
    if sample.should_fire:
        return Outcome.HIT if fired else Outcome.MISS
    if not fired:
        return Outcome.QUIET
    return Outcome.SHOWN_REFUSED if all(finding.refused for finding in fired) else Outcome.FALSE_ALARM


def _was_refused(event: AuditEvent) -> bool:
    return event.decision == "forbid" or (event.code is not None and 400 <= event.code < 500)


def lines(result: Score, samples: Sequence[Sample], labels: Labels) -> Iterator[str]:
    """Yield the report, line by line."""
    yield from _matrix("Requests that were done", result.done)
    yield from _matrix("Requests that were refused", result.refused)
    yield from _counts("By label", result.by_label)
    yield from _counts("By rule of ours that fired", result.by_rule)
    yield from _others(samples, labels)
    yield "On purpose"
    yield from (f"  {note}" for note in labels.notes)
    yield ""
    yield "Disagreements" + ("" if result.disagreements else ": none")
    for sample, outcome in result.disagreements:
        yield f"  {sample.label} · {sample.test}: {outcome}"
        yield f"    {labels.explained.get((sample.label, sample.test), 'not explained yet')}"
    yield from (f"Unknown label, left out: {label} ({count})" for label, count in result.unknown.items())
    held = "held" if result.held else "missed"
    yield (
        f"evidence: recall {result.recall:.3f}, false alarms {result.false_alarms:.3f}"
        f" · bar {RECALL_BAR}, {FALSE_ALARM_BAR} · {held}"
    )


def _matrix(title: str, outcomes: Counter[Outcome]) -> Iterator[str]:
    yield title
    yield f"  {'':24}{'ours fires':>12}{'says refused':>14}{'silent':>8}"
    yield f"  {'vendor fires':24}{outcomes[Outcome.HIT]:>12}{'':>14}{outcomes[Outcome.MISS]:>8}"
    alarms, shown, quiet = (
        outcomes[one] for one in (Outcome.FALSE_ALARM, Outcome.SHOWN_REFUSED, Outcome.QUIET)
    )
    yield f"  {'vendor does not fire':24}{alarms:>12}{shown:>14}{quiet:>8}"
    yield ""


def _counts(title: str, counts: Mapping[str, Counter[Outcome]]) -> Iterator[str]:
    yield f"{title:47}{'hit':>5}{'miss':>6}{'quiet':>7}{'refused':>9}{'false':>7}"
    for name, found in sorted(counts.items()):
        yield (
            f"  {name:45}{found[Outcome.HIT]:>5}{found[Outcome.MISS]:>6}{found[Outcome.QUIET]:>7}"
            f"{found[Outcome.SHOWN_REFUSED]:>9}{found[Outcome.FALSE_ALARM]:>7}"
        )
    yield ""


def _others(samples: Sequence[Sample], labels: Labels) -> Iterator[str]:
    """Yield what our rules say of samples that no vendor judged."""
    yield "Recorded events without a vendor's word"
    found: defaultdict[str, list[bool | None]] = defaultdict(list)
    for sample in samples:
        if sample.should_fire is None:
            ours = labels.rules.get(sample.label)
            found[sample.label].append(
                None if ours is None else any(one.rule in ours for one in sample.findings)
            )
    for label, fired in sorted(found.items()):
        word = labels.not_ours.get(label) or f"{fired.count(True)} of {len(fired)} found"
        yield f"  {label:68}{word}"
    yield ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; 0 where both bars are held, 1 where not, 2 where there is nothing to compare with."""
    parser = argparse.ArgumentParser(prog="python -m bench.evidence", description=__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=DEFAULT)
    path: Path = parser.parse_args(arguments).path
    if not path.is_file():
        print(f"There are no samples to compare with: {path} is not here. Give the path of your own.")
        return 2
    labels, samples = read_labels(), list(read_samples(path))
    result = score(samples, labels)
    for line in lines(result, samples, labels):
        print(line)
    return 0 if result.held else 1


if __name__ == "__main__":
    sys.exit(main())

"""docs/reliability.md and the README say what the program does, in its own words."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from api.commands import _parser
from api.metrics import Metrics
from bot.ports import Load
from tests.fakes import NOW
from tests.readme import table
from tests.samples import ROOT

TEXT = (ROOT / "docs/reliability.md").read_text()
#: What a family of each type is asked for by.
ENDINGS = {
    "counter": ("_total",),
    "histogram": ("", "_bucket", "_count", "_sum"),
    "gauge": ("",),
    "info": ("_info",),
}


def counted() -> dict[str, tuple[str, ...]]:
    """Return the name of each of our metrics, as the document has it -> all names that rules may use."""
    load = {"look": Load(due=0, held=0, failed=0, oldest_due_at=None)}
    found = {}
    for family in text_string_to_metric_families(Metrics().text(load, NOW).decode()):
        if family.name.startswith("auditor_") and not family.name.endswith("_created"):
            name = family.name.removesuffix("_info")
            kind = "info" if family.name.endswith("_info") else family.type
            names = tuple(name + ending for ending in ENDINGS[kind])
            found[names[0]] = names
    return found


def test_every_metric_is_in_the_table_and_no_other() -> None:
    told = re.findall(r"^\| `(auditor_[a-z_]+)` \|", TEXT, re.MULTILINE)
    assert sorted(told) == sorted(counted())


def test_the_alert_rules_ask_for_metrics_that_there_are() -> None:
    known = {name for names in counted().values() for name in names}
    (rules,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    asked = set(
        re.findall(r"auditor_[a-z_]+", "\n".join(line for line in rules.splitlines() if "#" not in line))
    )
    assert len(asked) >= 7
    assert asked <= known


def test_the_readmes_commands_are_those_of_the_program() -> None:
    told = {row[0].strip("`").split()[3]: row[1] for row in table("command")}
    listed = _parser().format_help()
    commands = re.search(r"^  COMMAND\n((?:    .*\n)+)", listed, re.MULTILINE)
    assert commands
    assert set(re.findall(r"^    ([a-z]+)", commands[1], re.MULTILINE)) == set(told)

"""Every id that a rule names is known and leads somewhere."""

from __future__ import annotations

from audit.rules import RULES
from audit.threats import THREATS, technique_link, threat_link


def test_every_rule_names_a_threat_and_a_technique_that_are_known() -> None:
    assert all(threat_link(rule.threat) and technique_link(rule.technique) for rule in RULES.values())


def test_links_are_those_of_the_sources() -> None:
    assert threat_link("MS-TA9006") == (
        "https://microsoft.github.io/Threat-Matrix-for-Kubernetes/techniques/Exec%20into%20container/"
    )
    assert technique_link("T1552.007") == "https://attack.mitre.org/techniques/T1552/007/"
    assert THREATS["MS-TA9007"] == "Bash or cmd inside container"


def test_an_id_that_is_not_known_leads_nowhere() -> None:
    assert threat_link("MS-TA0000") == technique_link("T0000") == ""

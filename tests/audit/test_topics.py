from __future__ import annotations

from audit.filter import Wanted
from audit.kinds import KINDS
from audit.topics import TOPICS


def test_each_topic_stands_for_less_than_everything() -> None:
    assert set(TOPICS) == {"exec", "rbac", "secrets", "risky"}
    assert all(what != Wanted() for what in TOPICS.values())


def test_topics_name_kinds_as_the_api_does() -> None:
    assert all(KINDS[resource] == resource for what in TOPICS.values() for resource in what.resources)


def test_rbac_is_about_changes_and_secrets_about_reads_as_well() -> None:
    assert "get" not in TOPICS["rbac"].verbs
    assert not TOPICS["secrets"].verbs

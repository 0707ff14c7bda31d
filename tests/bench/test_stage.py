from __future__ import annotations

from bench.load import Shot
from bench.stage import incidents_of, numbers_in, shown


def test_numbers_are_read_alone_and_in_ranges() -> None:
    assert numbers_in("#7 · opened 09:38\n#41\N{EN DASH}#44, #52") == {7, 41, 42, 43, 44, 52}


def test_what_is_no_number_of_an_incident_is_not_read() -> None:
    assert numbers_in("4 actions, C# and 5\N{EN DASH}6") == set()


def test_a_deleted_message_shows_nothing() -> None:
    messages = [
        {"conversation": "a", "text": "#1", "deleted": False},
        {"conversation": "a", "text": "#2", "deleted": True},
        {"conversation": "b", "text": "#3", "deleted": False},
    ]
    assert shown(messages) == {"a": {1}, "b": {3}}


def test_only_accepted_alerts_have_an_incident() -> None:
    shots = [
        Shot(index=0, status=202, seconds=0.1, body=b'{"incident": 5, "repeated": false}'),
        Shot(index=1, status=202, seconds=0.1, body=b'{"incident": null, "repeated": false}'),
        Shot(index=2, status=503, seconds=0.1, body=b'{"error": "no"}'),
        Shot(index=3, status=0, seconds=0.1),
    ]
    assert incidents_of(shots) == {5}

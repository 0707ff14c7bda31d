from __future__ import annotations

from bot.digest import digest_message
from tests.bot.office import read
from tests.cards import around
from tests.cards import material as m


def test_a_digest_is_one_card_for_all_and_a_line_for_the_phone() -> None:
    said = digest_message(around.a_storm(20), m.BERLIN, m.at("10:02:11"))
    assert said.summary.startswith("Storm: 20 incidents, ")
    assert said.summary.splitlines() == read(said).splitlines()[:2]
    assert "incident 41" in read(said)
    assert said.sentence == ""

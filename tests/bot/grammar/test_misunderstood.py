from __future__ import annotations

import pytest

from bot.asked import Misunderstood
from bot.grammar import from_text


def misunderstood(line: str) -> Misunderstood:
    command = from_text(line)
    assert isinstance(command, Misunderstood), command
    for other in command.instead:
        assert not isinstance(from_text(other), Misunderstood), other
    return command


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("audit's coredns", "audits coredns last 1h"),
        ("adits coredns today", "audits coredns today"),
        ("statsu", "status"),
        ("hlep", "help"),
        ("help adits", "help audits"),
        ("coredns today", "audits coredns today"),
        ("12", "incident 12"),
        ("incidents 12", "incident 12"),
        ("deleted deploy/x", "who deleted deployments/x last 1h"),
        ("audits coredns yesterdy", "audits coredns yesterday"),
        ("audits yesterdy", "audits all yesterday"),
        ("audits deploymnts today", "audits deployments today"),
        ("audits deploymnt/x", "audits deployments/x last 1h"),
        ("audits tue", "audits all tuesday"),
        ("audits pods yesterdy", "audits pods yesterday"),
        ("audits coredns kube-proxy today", 'audits "coredns kube-proxy" today'),
        ("audits by alice smith today", 'audits by "alice smith" today'),
        ("audits by alice and bob", "audits by alice last 1h"),
        ("audits web shop/api", 'audits "web" shop/api last 1h'),
        ("audits top 99 today", "audits all top 50 today"),
        ("audits from hell", "audits by hell last 1h"),
        ("audits may today", 'audits "may" today'),
        ('audits "coredns last 1h', "audits coredns last 1h"),
        ("what did Alice Lee do today", 'what did "Alice Lee" do today'),
        ("what did alice today", "what did alice do today"),
        ("what happened today", "audits all today"),
        ("what changed in shop today", "audits namespace shop changed today"),
        ("who did it", "who deleted deployments/frontend yesterday afternoon"),
        ("cost by alice last 7d", "cost last 7d"),
        ("activity top 5 today", "activity today"),
        ("status now", "status"),
        ("unwatch", "watches"),
        ("audits", "audits all last 1h"),
        ("audits coredns since forever", "audits coredns last 1h"),
        ("audits last 1h last 2h", "audits all last 1h"),
    ],
)
def test_what_may_have_been_meant_is_offered_first(line: str, instead: str) -> None:
    assert misunderstood(line).instead[0] == instead


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("incident", "by its number: incident 12"),
        ("incident twelve", "by its number: incident 12"),
        ("incident \u0661\u0662", "by its number: incident 12"),
        ("incident -1", "by its number: incident 12"),
        ("incident 1.5", "by its number: incident 12"),
        ("incident ##12", "by its number: incident 12"),
        ("incident 1000000000", "by its number: incident 12"),
        ("incident " + "9" * 500, "by its number: incident 12"),
        ("# 12", "by its number: incident 12"),
        ("#general", "by its number: incident 12"),
        ("incident 12 now", "incident 12 trail"),
        ("status now", '"status" stands alone'),
        ("unwatch x", "by its number: unwatch 3"),
        ("unwatch 1 2", "by its number: unwatch 3"),
        ("audits coredns last 0h", '"last 0h" is no time'),
        ("audits coredns last 1x", '"last 1x" is no time'),
        ("audits coredns last 30s", '"last 30s" is no time'),
        ("audits coredns since forever", '"since forever" is no time'),
        ("audits the last supper", '"last supper" is no time'),
        ("audits coredns tomorrow", '"tomorrow"'),
        ("audits not by alice", 'cannot leave anything out, so "not"'),
        ("audits coredns except by alice", '"except"'),
        ("audits coredns by alice without pods", '"without"'),
        ("audits by", 'after "by"'),
        ("audits by last 1h", 'after "by"'),
        ("audits by -n", 'after "by"'),
        ("audits by alice by bob", "The user is said twice"),
        ("audits denied failed", "The outcome is said twice"),
        ("audits today yesterday", "A time is said twice"),
        ("audits top 0", "a number from 1 to 50"),
        ("audits top five", "a number from 1 to 50"),
        ("audits top", "a number from 1 to 50"),
        ("audits from 10.0.0.0/8", "an address"),
        ("audits from fe80::1%eth0", "an address"),
        ("audits verb frobnicate", '"frobnicate" is no verb'),
        ("audits verb", "is no verb"),
        ("audits kind deploymnt", '"deploymnt" is no kind'),
        ("audits kind", "is no kind"),
        ("audits outcome maybe", 'After "outcome"'),
        ("audits coredns --since=1h", '"--since=1h"'),
        ("audits a/b/c", "kube-system/coredns"),
        ("audits ///", "kube-system/coredns"),
        ('audits ""', "nothing between the quotes"),
        ('audits "coredns', "opened and not closed"),
        ("audits " + "x" * 300, "at most 200 characters"),
        ("x " * 600, "too long"),
        ("x" * 100_000, "too long"),
        ("audits co\x07redns", "U+0007"),
        ("audits co\ud800redns", "U+D800"),
        ("rbac pods", "Rbac is about roles"),
        ("rbac read", "ask with audits"),
        ("raw", "one audit id"),
        ("raw a b", "one audit id"),
        ("raw 'a b'", "one audit id"),
        ("raw " + "x" * 257, "one audit id"),
        ("what", "whose doings"),
        ("what did I do today", "whose doings"),
        ("who is alice", "what was done"),
        ("who can delete pods", '"can"'),
        ("help me out", "After help comes a command's name"),
        ("frobnicate", '"frobnicate" is no command'),
    ],
)
def test_what_is_not_understood_is_told_in_a_sentence(line: str, hint: str) -> None:
    command = misunderstood(line)
    assert hint in command.hint
    assert len(command.text) <= 100


@pytest.mark.parametrize(
    "line", ["audits not by alice", "audits coredns without pods", "who deleted no pods"]
)
def test_a_line_that_says_the_opposite_is_never_offered(line: str) -> None:
    assert all("alice" not in other and "pods" not in other for other in misunderstood(line).instead)


def test_a_question_that_is_too_long_in_its_own_words_is_refused() -> None:
    line = (
        "audits " + " ".join(f"{kind}/" for kind in ["ccnp"] * 5 + ["spcps"]) + " " + 'by "' + "x" * 480 + '"'
    )
    assert "at most 500" in misunderstood(line).hint

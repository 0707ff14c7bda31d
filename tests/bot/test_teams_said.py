from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.asked import AskEvents
from bot.grammar import from_text
from bot.teams.activity import asker_of
from bot.teams.said import LONGEST_TEXT, said_to_bot
from tests.teams_world import BOT_ID, an_activity


def mention(text: str | None = "<at>Audit</at>", **changes: Any) -> dict[str, Any]:
    entity = {"type": "mention", "text": text, "mentioned": {"id": BOT_ID, "name": "Audit"}} | changes
    return {name: value for name, value in entity.items() if value is not None}


BOB = mention("<at>Bob Lee</at>", mentioned={"id": "29:bob", "name": "Bob Lee"})


@pytest.mark.parametrize(
    ("text", "entities", "said"),
    [
        ("<at>Audit</at> Audits coredns last 1h", [mention()], "Audits coredns last 1h"),
        ("Audits Audit <at>Audit</at>", [mention()], "Audits Audit"),
        ("audits<at>Audit</at>coredns", [mention()], "audits coredns"),
        ("<at>Audit</at>&nbsp;help&nbsp;", [mention()], "help"),
        ("<at>Audit</at>\u00a0help", [mention()], "help"),
        ("<at>Audit</at>\r\nhelp<br/>\n", [mention()], "help"),
        ("<at>Audit</at> a <at>Audit</at> b", [mention(), mention()], "a b"),
        ("<at>Audit</at> a <at>Audit</at> b <at>Audit</at>", [mention()], "a b"),
        ("<at>Audit</at> help", [mention(mentioned=None)], "help"),
        ("<at>Audit</at> help", [mention(text=None)], "help"),
        ("<at>Audit</at> help", [{"type": "mention"}], "help"),
        ("<at>Audit</at> help", [], "help"),
        ('<at id="0">Audit</at> help', [mention('<at id="0">Audit</at>')], "help"),
        ('<at id="0">Audit</at> help', [mention()], "help"),
        ('<AT ID="0"><b>Audit</b></AT > help', [mention()], "help"),
        ("<at>Audit</at> help", [mention('<at id="0"><span>Audit</span></at>')], "help"),
        ("<at>R&amp;D</at> help", [mention("<at>R&amp;D</at>", mentioned={"id": BOT_ID})], "help"),
        ("audits coredns", [mention("audits")], "audits coredns"),
        ("audits coredns", [mention("")], "audits coredns"),
        ("help", [None, 1, {"type": 5}, mention(mentioned="x")], "help"),
        ("", [mention()], ""),
        ("a" * 100_000, [], "a" * LONGEST_TEXT),
    ],
)
def test_the_bots_own_mention_is_taken_off(text: str, entities: list[Any], said: str) -> None:
    assert said_to_bot(an_activity(text=text, entities=entities)) == said


@pytest.mark.parametrize(
    ("text", "entities", "said"),
    [
        ("what did <at>Bob Lee</at> do", [BOB], "what did Bob Lee do"),
        ("<at>Audit</at> what did<at>Bob Lee</at>do", [mention(), BOB], "what did Bob Lee do"),
        ("what did <at>Bob Lee</at> do", [], "what did Bob Lee do"),
        ("what did <at><b>Bob</b> Lee</at> do", [BOB], "what did Bob Lee do"),
        ("by <at>Bob</at", [], "by Bob</at"),
        ("by <at>Bob", [], "by Bob"),
        ("by Bob</at>", [], "by Bob"),
        ("<at><at>Audit</at></at> help", [mention()], "help"),
    ],
)
def test_other_peoples_mentions_become_their_names(text: str, entities: list[Any], said: str) -> None:
    assert said_to_bot(an_activity(text=text, entities=entities)) == said


def test_a_person_who_has_the_bots_name_is_told_from_it_by_the_order() -> None:
    namesake = mention(mentioned={"id": "29:x", "name": "Audit"})
    text = "<at>Audit</at> what did <at>Audit</at> do"
    assert said_to_bot(an_activity(text=text, entities=[mention(), namesake])) == "what did Audit do"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<p>audits</p><p>coredns</p>", "audits coredns"),
        ("<div>audits co<b>re</b>dns<br>last&nbsp;1h</div>", "audits coredns last 1h"),
        ('audits <a href="http://kube.io" title="x">kube.io</a>', "audits kube.io"),
        ("audits &lt;at&gt;Audit&lt;/at&gt;", "audits <at>Audit</at>"),
        ("audits &amp;lt;b&amp;gt;", "audits &lt;b&gt;"),
        ("audits &quot;kube system&quot; &#39;x&#39; &#x41;", "audits \"kube system\" 'x' A"),
        ("audits a&copy=1 & &nothing; &#99999999;", "audits a&copy=1 & &nothing; &#99999999;"),
        ("audits a<b <script>x</script>", "audits a<b <script>x</script>"),
        ("audits <pod> <name>", "audits <pod> <name>"),
    ],
)
def test_html_is_read_once_and_after_the_mention_is_gone(text: str, said: str) -> None:
    assert said_to_bot(an_activity(text=text, entities=[mention()])) == said


def test_smart_quotes_reach_the_command_as_plain_ones() -> None:
    activity = an_activity(text="<at>Audit</at> audits “kube system” last 1h")
    command = from_text(said_to_bot(activity))
    assert isinstance(command, AskEvents)
    assert command.what.term == "kube system"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from(
    [
        "<at>",
        "</at>",
        '<at id="0">',
        "<at ",
        "Audit",
        "<b>",
        "</p",
        "&",
        "&lt;",
        "&amp;",
        ";",
        "<",
        ">",
        " ",
        "\u00a0",
    ]
)
TEXT = st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join)
ENTITY = st.fixed_dictionaries(
    {"type": st.just("mention") | JSON},
    optional={
        "text": TEXT | JSON,
        "mentioned": st.fixed_dictionaries({"id": st.just(BOT_ID) | JSON, "name": JSON}) | JSON,
    },
)


@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "text": TEXT | JSON,
            "entities": st.lists(ENTITY | JSON, max_size=4) | JSON,
            "recipient": JSON,
            "conversation": JSON,
            "from": JSON,
            "channelData": JSON,
            "id": JSON,
            "localTimezone": JSON,
        },
    )
)
def test_any_json_is_one_line_without_tags_of_mentions(changes: dict[str, Any]) -> None:
    activity = an_activity() | changes
    said = said_to_bot(activity)
    assert said == " ".join(said.split())
    assert asker_of(activity).object_id is not None
    if "&" not in json.dumps(changes.get("text"), ensure_ascii=False, default=str):
        assert "<at>" not in said
        assert "</at>" not in said


@pytest.mark.parametrize(
    "piece", ["<at>", "</at>", "<at ", "<p ", "<", "&", "&lt;", "<at>Audit</at>", "<b><at>"]
)
def test_a_long_line_of_anything_is_read(piece: str) -> None:
    said_to_bot(an_activity(text=piece * 50_000, entities=[mention(piece * 50_000)] * 5000))

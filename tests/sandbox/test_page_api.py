from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from yarl import URL

from sandbox.alarm import Alarm, CannotResolve
from sandbox.feed import Feed
from sandbox.room import Room
from sandbox.run import Run
from tests.fakes import FakeClock
from tests.sandbox.stage import ALERT, APP_ID, CARD_ANSWER, DIALOG, EXECUTE, RAW_LOG, Stage, stage


@asynccontextmanager
async def stream(on: Stage, after: object = "") -> AsyncIterator[aiohttp.StreamReader]:
    query = f"?after={after}" if after != "" else ""
    async with on.session.get(f"{on.url}/sandbox/events{query}") as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield response.content


async def next_event(content: aiohttp.StreamReader) -> tuple[str, Any]:
    """Return the name and data of the next event; comments are passed over."""
    name = ""
    while True:
        line = (await asyncio.wait_for(content.readline(), 5)).decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: "):
            return name, json.loads(line.removeprefix("data: "))


async def test_the_state_tells_all_there_is() -> None:
    async with stage() as on:
        _, posted = await on.post(on.general)
        status, state = await on.page("state")
    assert status == 200
    assert [(p["name"], p["role"]) for p in state["people"]] == [
        ("Alice Weber", "member"),
        ("Bob Lee", "member"),
        ("Gina Guest", "guest"),
        ("Olga Other", "outsider"),
    ]
    assert [(c["name"], c["kind"]) for c in state["conversations"][:2]] == [
        ("General", "channel"),
        ("ops", "channel"),
    ]
    olga = state["people"][3]["id"]
    assert [olga in where["people"] for where in state["conversations"]] == [*[False] * 5, True, False]
    assert state["suggestions"] == []
    *chats, group = state["conversations"][2:]
    assert [c["person"] for c in chats] == [p["id"] for p in state["people"]]
    assert (group["kind"], group["people"]) == ("groupChat", [p["id"] for p in state["people"][:2]])
    assert [m["id"] for m in state["messages"]] == [posted["id"]]
    assert state["messages"][0]["summary"] == "DNS was rewritten"
    assert state["run"][-1]["kind"] == "post"
    assert state["faults"] == {"workspace": None, "teams": None}
    assert state["now"] == "2026-03-04T09:38:59.000Z"
    assert state["alert"] == {"rule": "CoreDNS-Create", "title": "CoreDNS-Create · prod-weu"}


async def test_nothing_is_missed_between_the_state_and_the_stream() -> None:
    async with stage() as on:
        seq = (await on.page("state"))[1]["seq"]
        _, posted = await on.post(on.general)
        async with stream(on, seq) as content:
            heard = [await next_event(content) for _ in range(3)]
            assert [name for name, _ in heard] == ["run", "message", "run"]
            assert heard[0][1]["kind"] == "token"
            assert heard[1][1]["id"] == posted["id"]
            path = f"conversations/{on.general}/activities/{posted['id']}"
            await on.call("PUT", path, {"type": "message", "text": "line\nbreak\r\u2028"})
            await on.call("DELETE", path)
            later = [await next_event(content) for _ in range(6)]
        changed = [(name, data["text"]) for name, data in later if name != "run"]
        assert changed == [("update", "line\nbreak\r\u2028"), ("delete", "line\nbreak\r\u2028")]


async def test_a_silent_stream_has_a_heartbeat_and_ends_with_the_sandbox() -> None:
    async with asyncio.timeout(5), stage(heartbeat=0.05) as on:
        # Not closed by us: an open page must not hold up the end.
        content = (await on.session.get(f"{on.url}/sandbox/events")).content
        lines = [await content.readline() for _ in range(6)]
        assert lines[::2] == [b": hello\n", b": still here\n", b": still here\n"]


@pytest.mark.parametrize("after", [999, -1, "x", "9" * 5000, "1.5"])
async def test_a_stream_from_where_nothing_is_known_ends_at_once(after: object) -> None:
    async with (
        stage() as on,
        on.session.get(f"{on.url}/sandbox/events?after={after}") as response,
    ):
        if response.status == 200:
            assert await asyncio.wait_for(response.read(), 5) == b": hello\n\n"
        else:
            assert (response.status, await response.json()) == (400, {"error": "after must be a number."})


async def test_a_feed_that_forgot_says_so() -> None:
    clock = FakeClock()
    run = Run(clock)
    feed = Feed(Room(app_id=APP_ID, clock=clock), run, keep=2)
    for number in range(3):
        run.add("note", str(number))
    assert feed.after(0) is None
    assert [event.data["title"] for event in feed.after(1) or ()] == ["1", "2"]
    assert feed.after(4) is None


async def test_a_line_is_answered_before_the_bot_has_heard_it_out() -> None:
    async with stage() as on:
        on.tiny_bot.go = asyncio.Event()
        alice = on.room.people[0].id
        line = {"person": alice, "conversation": on.general, "text": " help "}
        status, answer = await on.page("say", line)
        assert (status, answer["message"]["text"]) == (202, "help")
        root = answer["message"]["id"]
        on.tiny_bot.go.set()
        _, reply = await on.page("say", line | {"thread": root})
        assert reply["message"]["thread"] == root
        while len(on.tiny_bot.heard) < 2:
            await asyncio.sleep(0.01)
    assert on.tiny_bot.heard[0]["text"] == "<at>Auditor</at> help"


async def test_a_click_and_a_dialog_come_back_as_results() -> None:
    async with stage() as on:
        _, posted = await on.post(on.general)
        click = {"person": on.room.people[1].id, "message": posted["id"], "action": EXECUTE}
        on.tiny_bot.answer = CARD_ANSWER
        status, card = await on.page("click", click)
        on.tiny_bot.answer = DIALOG
        _, dialog = await on.page("click", click | {"action": {"type": "Action.Submit", "data": RAW_LOG}})
        del click["action"]
        _, page = await on.page("dialog", click | {"data": {"p": 1}})
        _, state = await on.page("state")
    assert (status, card["kind"], card["card"]) == (200, "card", CARD_ANSWER["value"])
    assert set(card) >= {"kind", "card", "title", "text", "status", "milliseconds", "bytes"}
    assert (dialog["kind"], dialog["title"], page["kind"]) == ("dialog", "Raw log", "dialog")
    assert state["messages"][0]["cards_for"] == {on.room.people[1].id: CARD_ANSWER["value"]}


async def test_the_alert_fires_anew_each_time_and_all_of_them_are_resolved() -> None:
    async with stage() as on:
        early = await on.page("resolve", {})
        first = await on.page("fire", {})
        await on.page("fire", {})
        resolved = await on.page("resolve", {})
    assert early == (409, {"error": "Nothing is firing."})
    assert (first[0], first[1]["status"], first[1]["text"]) == (200, 202, "recorded")
    assert resolved[1]["status"] == 202
    [(authorization, one), (_, two), (_, first_end), (_, end)] = on.tiny_bot.alerts
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == "azure:sécret:1"
    ids = [a["data"]["essentials"]["alertId"] for a in (one, two, first_end, end)]
    assert ids[0] != ids[1]
    assert ids[2:] == ids[:2]
    assert ids[0].startswith("/subscriptions/S/providers/Microsoft.AlertsManagement/alerts/")
    one["data"]["essentials"]["alertId"] = json.loads(ALERT)["data"]["essentials"]["alertId"]
    assert one == json.loads(ALERT)
    assert end["data"]["essentials"]["monitorCondition"] == "Resolved"
    assert end["data"]["essentials"]["resolvedDateTime"] == "2026-03-04T09:38:59.000Z"
    [criterion] = end["data"]["alertContext"]["condition"]["allOf"]
    assert criterion["metricValue"] is None
    assert criterion["dimensions"] == [{"name": "ResourceId", "value": "prod"}]
    assert [e.kind for e in on.run.entries] == ["webhook"] * 4


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b'{"data": 1}', b'{"data": {"essentials": {"a": 1}}}']
)
async def test_any_body_can_be_fired_and_a_bot_that_is_away_is_no_exception(body: bytes) -> None:
    clock = FakeClock()
    async with aiohttp.ClientSession() as session:
        alarm = Alarm(
            session=session,
            alerts_url="http://127.0.0.1:1/api/alerts",
            secret="s",
            body=body,
            run=Run(clock),
            clock=clock,
        )
        with pytest.raises(CannotResolve):
            await alarm.resolve()
        sent = await alarm.fire()
    assert (sent.status, alarm.title) == (0, "Alert")
    assert "cannot be reached" in sent.text


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("workspace-down", ("workspace", "down")),
        ("workspace-slow", ("workspace", "slow")),
        ("workspace-throttled", ("workspace", "throttled")),
        ("workspace-partial", ("workspace", "partial")),
        ("workspace-garbage", ("workspace", "garbage")),
        ("teams-throttled", ("teams", "throttled")),
        ("teams-down", ("teams", "unavailable")),
        ("teams-slow", ("teams", "slow")),
    ],
)
async def test_either_side_breaks_alone_and_nothing_mends_both(what: str, told: tuple[str, str]) -> None:
    async with stage() as on:
        seq = (await on.page("state"))[1]["seq"]
        status, answer = await on.page("break", {"what": what})
        side, _, fault = what.partition("-")
        assert (status, answer["faults"][side]) == (200, fault)
        async with stream(on, seq) as content:
            await next_event(content)
            assert await next_event(content) == ("faults", answer["faults"])
        await on.page("break", {"what": "nothing"})
        assert (await on.page("state"))[1]["faults"] == {"workspace": None, "teams": None}
    assert on.broken == [told, ("workspace", None), ("teams", None)]


async def test_bad_input_gets_one_sentence() -> None:
    async with stage() as on:
        alice = on.room.people[0].id
        _, posted = await on.post(on.general)
        line = {"person": alice, "conversation": on.general, "text": "x"}
        click = {"person": alice, "message": posted["id"], "action": EXECUTE}
        chat = on.room.personal(on.room.people[1]).id
        wrong: list[tuple[str, Any]] = [
            ("say", []),
            ("say", {}),
            ("say", line | {"person": "29:nobody"}),
            ("say", line | {"person": 1}),
            ("say", line | {"conversation": "19:nowhere"}),
            ("say", line | {"conversation": chat}),
            ("say", line | {"text": " "}),
            ("say", line | {"text": "x" * 28_001}),
            ("say", line | {"thread": "1"}),
            ("click", click | {"action": "x"}),
            ("click", click | {"action": {"type": "Action.OpenUrl"}}),
            ("click", click | {"message": "1"}),
            ("dialog", {"person": alice}),
            ("break", {"what": "everything"}),
            ("break", {"what": "workspace-"}),
            ("break", {"what": "teams-garbage"}),
            ("break", {}),
        ]
        for path, body in wrong:
            status, answer = await on.page(path, body)
            assert (status, list(answer)) == (400, ["error"]), (path, body, answer)
            assert answer["error"].endswith(".")
        for raw in (b"{", b"\xff", b"[" * 5000):
            headers = {"Content-Type": "application/json"}
            async with on.session.post(f"{on.url}/sandbox/say", data=raw, headers=headers) as response:
                assert response.status == 400
    assert on.tiny_bot.heard == []


async def test_no_website_reads_or_drives_the_sandbox() -> None:
    async with stage() as on:
        own = str(URL(on.url).origin())
        port = URL(on.url).port
        assert (await on.page("fire", {}, Origin=own))[0] == 200
        for origin in ("https://evil.example", "null", "", f"https://127.0.0.1:{port}", "http://127.0.0.1"):
            assert (await on.page("fire", {}, Origin=origin))[0] == 403
        for host in ("evil.example", f"evil.example:{port}", "10.0.0.1", "127.0.0.1.evil.example", "[", ""):
            assert (await on.page("state", Host=host))[0] == 403
            assert (await on.page("fire", {}, Host=host))[0] == 403
        for host in (f"localhost:{port}", f"[::1]:{port}", "127.0.0.2"):
            assert (await on.page("state", Host=host))[0] == 200
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            headers = {"Content-Type": kind}
            async with on.session.post(f"{on.url}/sandbox/fire", data=b"{}", headers=headers) as response:
                assert response.status == 415
    assert len(on.tiny_bot.alerts) == 1


async def test_without_stories_there_is_no_menu_and_nothing_to_tell() -> None:
    async with stage() as on:
        assert (await on.page("state"))[1]["stories"] == []
        assert await on.page("story", {"name": "x"}) == (400, {"error": "There are no stories here."})
        assert (await on.page("story", {}))[0] == 400


async def test_the_page_hears_who_types_but_not_in_a_channel() -> None:
    async with stage() as on:
        chat = on.room.personal(on.room.people[0]).id
        seq = (await on.page("state"))[1]["seq"]
        for where in (on.general, chat):
            path = f"conversations/{where}/activities"
            assert await on.call("POST", path, {"type": "typing"}) == (201, {})
        async with stream(on, seq) as content:
            heard: list[tuple[str, Any]] = []
            while not heard or heard[-1][0] != "typing":
                heard.append(await next_event(content))
    assert [name for name, _ in heard].count("typing") == 1
    assert heard[-1][1] == {"conversation": chat, "name": "Auditor"}
    noted = [entry.title for entry in on.run.entries if entry.kind == "note"]
    assert noted == [
        "Typing shown in General, which nobody sees in a channel",
        "Typing shown in the chat of Alice Weber",
    ]
    assert on.room.messages == []

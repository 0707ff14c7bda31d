from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.room import TENANT
from sandbox.run import Run, file_name
from sandbox.teams_faults import RateLimits, TeamsError
from tests.fakes import FakeClock
from tests.sandbox.stage import CARD, Stage, a_message, stage


def a_new_chat(member_id: str, **changes: Any) -> dict[str, Any]:
    return {"members": [{"id": member_id}], "tenantId": TENANT, "isGroup": False} | changes


async def test_a_posted_card_stands_in_the_channel_as_a_thread_of_its_own() -> None:
    async with stage() as on:
        status, answer = await on.post(on.general)
        assert status == 201
        message = on.room.message(answer["id"])
    assert message.thread == message.id
    assert (message.said.card, message.said.summary) == (CARD, "DNS was rewritten")
    assert message.to_json()["from"] == {"id": on.room.bot_id, "name": "Auditor", "bot": True}
    posted = [e for e in on.run.entries if e.kind == "post"]
    assert [(e.title, e.status) for e in posted] == [("Card posted in General", 201)]
    assert posted[0].bytes == len(json.dumps(a_message()))


async def test_message_ids_are_milliseconds_and_rise_within_one_millisecond() -> None:
    async with stage() as on:
        ids = [(await on.post(on.general))[1]["id"] for _ in range(3)]
    first = int(on.clock.now().timestamp() * 1000)
    assert ids == [str(first), str(first + 1), str(first + 2)]


async def test_a_conversation_id_with_a_root_posts_into_that_thread_and_so_does_a_reply() -> None:
    async with stage() as on:
        _, root = await on.post(on.general)
        _, inside = await on.post(f"{on.general};messageid={root['id']}")
        path = f"conversations/{on.general}/activities/{inside['id']}"
        status, reply = await on.call("POST", path, a_message(text="and this", attachments=[]))
        assert status == 201
    threads = [on.room.message(m["id"]).thread for m in (root, inside, reply)]
    assert threads == [root["id"]] * 3


async def test_an_update_replaces_the_message_for_everybody() -> None:
    async with stage() as on:
        _, answer = await on.post(on.general)
        on.room.show_to(on.room.people[0], answer["id"], CARD)
        on.clock.pass_time(seconds=5)
        path = f"conversations/{on.general}/activities/{answer['id']}"
        status, updated = await on.call("PUT", path, a_message(summary="Acknowledged"))
        assert (status, updated) == (200, answer)
        message = on.room.message(answer["id"])
        assert (message.said.summary, message.cards_for) == ("Acknowledged", {})
        assert message.to_json()["edited"] == "2026-03-04T09:39:04.000Z"
        status, nothing = await on.call("DELETE", path)
        assert (status, nothing, on.room.messages) == (200, None, [])
        status, gone = await on.call("PUT", path, a_message())
    assert (status, gone["error"]["code"]) == (404, "ActivityNotFoundInConversation")


async def test_the_same_person_always_gets_the_same_chat() -> None:
    async with stage() as on:
        alice, bob = on.room.people[:2]
        _, first = await on.call("POST", "conversations", a_new_chat(alice.id))
        status, again = await on.call("POST", "conversations", a_new_chat(alice.object_id))
        _, other = await on.call("POST", "conversations", a_new_chat(bob.id, activity=a_message()))
        assert (status, first) == (201, again)
        assert first["id"].startswith("a:")
        assert first["id"] != other["id"]
        said = on.room.message(other["activityId"])
        assert (said.conversation.people, said.thread) == ((bob,), "")


async def test_a_new_thread_can_be_opened_as_a_conversation() -> None:
    async with stage() as on:
        body = {
            "isGroup": True,
            "channelData": {"channel": {"id": on.general}},
            "activity": a_message(),
        }
        status, answer = await on.call("POST", "conversations", body)
        assert (status, answer["id"]) == (201, f"{on.general};messageid={answer['activityId']}")
        del body["activity"]
        status, _ = await on.call("POST", "conversations", body)
        assert status == 400


async def test_the_roster_tells_members_and_guests_apart() -> None:
    async with stage() as on:
        status, members = await on.call("GET", f"conversations/{on.general}/members")
        _, page = await on.call("GET", f"conversations/{on.general}/pagedmembers?pageSize=50")
        gina = on.room.people[2]
        found = await on.call("GET", f"conversations/{on.general}/members/{gina.object_id}")
        chat = on.room.personal(gina).id
        _, alone = await on.call("GET", f"conversations/{chat}/members")
        missing = await on.call("GET", f"conversations/{chat}/members/{on.room.people[0].id}")
    assert status == 200
    assert page == {"members": members}
    assert [(m["name"], m["userRole"], m["tenantId"] == TENANT) for m in members] == [
        ("Alice Weber", "user", True),
        ("Bob Lee", "user", True),
        ("Gina Guest", "guest", False),
    ]
    assert found == (200, members[2])
    assert alone == [members[2]]
    assert (missing[0], missing[1]["error"]["code"]) == (404, "MemberNotFoundInConversation")


async def test_the_team_and_its_channels_are_told_as_teams_does() -> None:
    async with stage() as on:
        _, team = await on.call("GET", f"teams/{on.room.team_id}")
        _, channels = await on.call("GET", f"teams/{on.room.team_id}/conversations")
        status, _ = await on.call("GET", "teams/19:other@thread.tacv2")
    assert (team["name"], team["channelCount"], team["memberCount"]) == ("On-call", 2, 3)
    assert [c["name"] for c in channels["conversations"]] == [None, "ops"]
    assert status == 404


async def test_without_a_token_for_the_connector_nothing_is_done() -> None:
    async with stage() as on:
        path = f"{on.url}/teams/v3/conversations/{on.general}/activities"
        tokens = [None, "Bearer a.b.c", f"Bearer {await on.token('https://api.loganalytics.io/.default')}"]
        for token in tokens:
            headers = {"Authorization": token} if token else {}
            async with on.session.post(path, json=a_message(), headers=headers) as response:
                assert response.status == 401
                assert (await response.json())["error"]["code"] == "Unauthorized"
    assert on.room.messages == []


async def test_a_bot_that_is_not_installed_is_refused_in_channels_only() -> None:
    async with stage(installed=False) as on:
        status, answer = await on.post(on.general)
        chat = on.room.personal(on.room.people[0]).id
        personal, _ = await on.post(chat)
    assert (status, answer["error"]["subCode"]) == (403, "MessageWritesBlocked")
    assert answer["error"]["code"] == "BotNotInConversationRoster"
    assert personal == 201


async def test_only_the_bot_s_own_messages_can_be_changed() -> None:
    async with stage() as on:
        typed = on.bot.write(on.room.people[0], on.room.channels[0], "hello")
        _, posted = await on.post(on.general)
        ops = on.room.channels[1].id
        foreign = await on.call("PUT", f"conversations/{on.general}/activities/{typed.id}", a_message())
        elsewhere = await on.call("DELETE", f"conversations/{ops}/activities/{posted['id']}")
    assert (foreign[0], elsewhere[0]) == (403, 404)
    assert len(on.room.messages) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 5000,
        b'"text"',
        b"{}",
        b'{"type": "event"}',
        b'{"type": "message"}',
        b'{"type": "message", "text": 1}',
        b'{"type": "message", "attachments": {}}',
        b'{"type": "message", "attachments": ["card"]}',
        b'{"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive"}]}',
        b'{"type": "message", "attachments": [{"contentType": "text/html", "content": {}}]}',
    ],
)
async def test_what_is_not_a_message_is_refused_with_a_reason(body: bytes) -> None:
    async with stage() as on:
        status, answer = await on.call("POST", f"conversations/{on.general}/activities", body)
    assert status == 400
    assert set(answer["error"]) == {"code", "message"}
    assert on.room.messages == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        a_new_chat("29:nobody"),
        a_new_chat("x") | {"members": []},
        a_new_chat("x") | {"members": "x"},
        a_new_chat("x") | {"members": [{"id": 1}]},
        a_new_chat("x") | {"tenantId": None},
    ],
)
async def test_a_chat_needs_one_known_member_and_a_tenant(body: dict[str, Any]) -> None:
    async with stage() as on:
        status, _ = await on.call("POST", "conversations", body)
    assert status == 400


async def test_unknown_places_are_not_found() -> None:
    async with stage() as on:
        assert (await on.post("19:nowhere@thread.tacv2"))[0] == 404
        assert (await on.post(f"{on.general};messageid=1"))[0] == 404
        # Teams lists no messages.
        status, *_ = await plain(on, "GET", f"conversations/{on.general}/activities")
    assert status == 405


async def plain(on: Stage, method: str, path: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {await on.token()}"}
    async with on.session.request(method, f"{on.url}/teams/v3/{path}", headers=headers) as response:
        return response.status, await response.text()


async def test_a_message_above_100_kb_of_utf_16_is_too_big() -> None:
    async with stage() as on:
        frame = len(json.dumps(a_message(text="")))
        fits = "x" * (50 * 1024 - frame)
        assert (await on.post(on.general, text=fits))[0] == 201
        status, answer = await on.post(on.general, text=fits + "x")
        assert (status, answer["error"]["code"]) == (413, "MessageSizeTooBig")
        assert (await on.post(on.general, text="x" * 3_000_000))[0] == 413
    assert len(on.room.messages) == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("throttled", 429),
        ("precondition_failed", 412),
        ("server_error", 500),
        ("bad_gateway", 502),
        ("unavailable", 503),
        ("timeout", 504),
        ("forbidden", 403),
        ("not_found", 404),
    ],
)
async def test_a_fault_stays_until_it_is_taken_back(fault: Any, status: int) -> None:
    async with stage() as on:
        on.faults.set(fault)
        path = f"conversations/{on.general}/activities"
        for _ in range(2):
            answered, _, headers = await on.call_for_headers("POST", path, a_message())
            assert answered == status
            assert headers.get("Retry-After") == ("3" if status == 429 else None)
        on.faults.set(None)
        assert (await on.post(on.general))[0] == 201
    assert len(on.room.messages) == 1
    assert [e.status for e in on.run.entries if e.kind == "fault"] == [status] * 2


async def test_queued_faults_happen_once_each_and_in_order() -> None:
    async with stage() as on:
        on.faults.queue("bad_gateway", "throttled")
        assert [(await on.post(on.general))[0] for _ in range(3)] == [502, 429, 201]
    with pytest.raises(ValueError, match="no fault"):
        on.faults.set("nonsense")  # type: ignore[arg-type]  # what a page may send


async def test_a_connection_breaks_before_or_after_the_message_stands() -> None:
    async with stage() as on:
        # With the token already in hand, so that only the post meets the fault.
        on.faults.queue("reset", "reset_after")
        for standing in (0, 1):
            with pytest.raises(aiohttp.ClientError):
                await on.post(on.general)
            assert len(on.room.messages) == standing


async def test_a_slow_teams_answers_late_and_well() -> None:
    async with stage() as on:
        on.faults.queue("slow")
        status, _ = await on.post(on.general)
    assert status == 201


async def test_the_limits_of_a_thread_say_when_to_come_back() -> None:
    async with stage(limits=True) as on:
        path = f"conversations/{on.general}/activities"
        assert [(await on.post(on.general))[0] for _ in range(7)] == [201] * 7
        status, answer, headers = await on.call_for_headers("POST", path, a_message())
        assert (status, answer["error"]["code"], headers["Retry-After"]) == (429, "Throttled", "1")
        assert (await on.call("GET", f"conversations/{on.general}/members"))[0] == 200
        ops = on.room.channels[1].id
        assert (await on.post(ops))[0] == 201
        on.clock.pass_time(seconds=1)
        assert [(await on.post(on.general))[0] for _ in range(2)] == [201, 429]


def test_the_longer_windows_count_too_and_rosters_may_be_asked_twice_as_often() -> None:
    limits, clock = RateLimits(), FakeClock()
    for _ in range(60):
        limits.spend("19:general", clock.now(), reading=False)
        clock.pass_time(seconds=0.4)
    with pytest.raises(TeamsError) as refused:
        limits.spend("19:general", clock.now(), reading=False)
    assert (refused.value.status, refused.value.retry_after) == (429, 6)
    for _ in range(14):
        limits.spend("19:general", clock.now(), reading=True)
    with pytest.raises(TeamsError):
        limits.spend("19:general", clock.now(), reading=True)
    clock.pass_time(seconds=6)
    limits.spend("19:general", clock.now(), reading=False)


async def test_out_keeps_one_file_per_activity_and_the_queries(tmp_path: Path) -> None:
    clock = FakeClock()
    run = Run(clock, out=tmp_path / "out")
    async with stage(run=run, clock=clock) as on:
        await on.post(on.general)
        run.add("query", "../../etc: events of / rule", detail={"kql": "T\n| take 1\n"}, rows=1)
        run.add("note", "not kept")
    run.write(tmp_path / "later")
    for out in (tmp_path / "out", tmp_path / "later"):
        names = sorted(f.name for f in out.iterdir())
        assert names == [
            "0001-post-card-posted-in-general.json",
            "0002-query-etc-events-of-rule.json",
            "queries.kql",
        ]
        kept = json.loads((out / names[0]).read_text())
        assert kept["detail"]["activity"]["attachments"][0]["content"] == CARD
        assert (out / "queries.kql").read_text().endswith("T\n| take 1\n\n")


async def test_a_full_disk_is_said_once_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    run = Run(FakeClock(), out=tmp_path / "out")
    run.add("post", "one")
    run.add("post", "two")
    assert [e.kind for e in run.entries] == ["post", "note", "post"]


def test_a_title_is_short_however_long_the_line() -> None:
    assert len(Run(FakeClock()).add("message", "x" * 28_000).title) == 200


def test_file_names_are_one_harmless_segment() -> None:
    assert file_name(7, "post", "19:AB_c@thread.tacv2;messageid=1") == (
        "0007-post-19-ab-c-thread-tacv2-messageid-1.json"
    )
    for title in ("", "../..", "\0\n\u202e", "é" * 500, "con", "a" * 500):
        name = file_name(1, "post", title)
        assert name.isascii()
        assert len(name) < 100
        assert not set(name) & set('/\\:*?"<>|\0\n')

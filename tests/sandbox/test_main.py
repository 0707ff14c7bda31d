"""What `python -m sandbox` says when it cannot start: one sentence, and no traceback."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.bot_process import BotFailed, BotProcess
from sandbox.desktop import has_desktop
from sandbox.given import CannotStart, cluster_of, read_files, read_given
from sandbox.options import Options, read_options
from sandbox.ports import bound, free_ports
from sandbox.program import check_out, main
from tests.flows.programs import three_ports
from tests.samples import sample
from tests.shared_data import shared_data


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run it with these arguments, which cannot work, and return its one sentence."""
    assert main(list(arguments)) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("sandbox: ")
    return printed.err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Read these options, which are wrong, and return the one sentence about them."""
    with pytest.raises(SystemExit) as ended:
        read_options(list(arguments))
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    return printed


@pytest.mark.parametrize("text", ["0", "65534", "65535", "70000", "-1", "x", "", "８８００", "9" * 5000])
def test_a_port_leaves_room_for_the_two_after_it(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "must be a port from 1 to 65533" in refused(capsys, f"--port={text}")
    assert read_options(["--port", "65533"]).port == 65533


@pytest.mark.parametrize("text", ["0", "5", "-1", "x", "", "２", "1.5"])
def test_replicas_are_a_few(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "must be a number from 1 to 4" in refused(capsys, f"--replicas={text}")
    assert read_options(["--replicas", "2"]).replicas == 2


def test_the_port_leaves_room_for_every_replica(capsys: pytest.CaptureFixture[str]) -> None:
    assert "must leave room for the 4 ports after it" in refused(capsys, "--port=65532", "--replicas=2")
    assert read_options(["--port=65531", "--replicas=2"]).port == 65531


def test_a_database_that_cannot_be_had_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "must be postgresql://" in said(capsys, "--check", "--database-url=sqlite:///x.db")
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    assert "cannot be reached" in said(capsys, "--check", "--replicas=2", f"--database-url={url}")


@pytest.mark.parametrize(
    "text", ["yesterday", "", "2026-13-01", "1979-12-31", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+10:00"]
)
def test_a_time_that_no_clock_can_show_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--now: must be a time" in refused(capsys, f"--now={text}")


def test_a_time_without_an_offset_is_utc() -> None:
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    for text in ("2026-03-04T12:00", "2026-03-04 13:00+01:00", "2026-03-04T12:00:00Z"):
        assert read_options(["--now", text]).now == noon


def test_an_option_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unrecognized arguments: --alarm x" in refused(capsys, "--alarm", "x")


BAD_FILES = {
    "missing": (None, "cannot be read: No such file or directory.", "cannot be opened (No such file"),
    "empty": (b"", "The body is empty", "the file is empty"),
    "not JSON": (b"hello", "not JSON", "not JSON"),
    "cut": (b'{"schemaId": ', "not JSON", "not JSON"),
    "no text": (b"\xff\xfe\x00\x01\x02", "not UTF-8", "not JSON"),
    "a list": (b"[1, 2]", "not an object", "not an object"),
    "something else": (b'{"hello": 1}', "is no alert that can be read", "neither an audit.k8s.io Event nor"),
    "NaN": (b'{"a": NaN}', "not JSON", "not JSON"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, of_alert, of_events = BAD_FILES[kind]
    path = tmp_path / "given.json"
    if content is not None:
        path.write_bytes(content)
    alert, events = (said(capsys, option, str(path)) for option in ("--alert", "--events"))
    assert of_alert in alert
    assert of_events in events
    assert "given.json" in alert
    assert "given.json" in events


def test_a_folder_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Is a directory" in said(capsys, "--alert", str(tmp_path))
    assert "Is a directory" in said(capsys, "--events", str(tmp_path))
    assert "cannot be read" in said(capsys, "--alert", "a\0b")


def test_an_endless_file_is_not_read_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert "larger than 4 MiB" in said(capsys, "--alert", "/dev/zero")


def test_the_folder_to_keep_things_in_is_new_or_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full, file = tmp_path / "full", tmp_path / "file"
    full.mkdir()
    (full / "0001-post.json").touch()
    file.touch()
    assert "is not empty" in said(capsys, "--out", str(full))
    assert "is a file" in said(capsys, "--out", str(file))
    assert "cannot be written to" in said(capsys, "--out", str(file / "below"))
    assert "cannot be written to" in said(capsys, "--out", "/proc/nowhere")
    check_out(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    assert not list((tmp_path / "new" / "folder").iterdir())


@pytest.mark.parametrize(
    ("place", "whose"), [(0, "for the page"), (1, "for the bot,"), (2, "for the bot's health")]
)
def test_a_busy_port_is_named_with_what_to_do(
    place: int, whose: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = three_ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", first + place))
        other.listen()
        sentence = said(capsys, "--port", str(first))
    assert f"Port {first + place}, {whose}" in sentence
    assert "is in use" in sentence
    assert 'make demo ARGS="--port 8800"' in sentence


def test_the_usual_port_in_use_leads_to_another_one() -> None:
    with bound(0) as held:
        port = held.getsockname()[1]
        held.listen()
        with pytest.raises(CannotStart, match=r"--port 8\d00"):
            bound(port)


def test_free_ports_are_different_ones() -> None:
    assert len(set(free_ports(20))) == 20


def test_the_page_needs_a_desktop() -> None:
    assert not has_desktop("linux", {})
    assert not has_desktop("linux", {"DISPLAY": ""})
    assert has_desktop("linux", {"WAYLAND_DISPLAY": "wayland-0"})
    assert has_desktop("linux", {"DISPLAY": ":0"})
    assert has_desktop("darwin", {})


def options(*arguments: str) -> Options:
    return read_options(list(arguments))


def test_the_clock_shows_half_a_minute_after_the_alert_unless_told_otherwise() -> None:
    given = read_files(options())
    assert given.alert.fired_at is not None
    assert (given.now - given.alert.fired_at).total_seconds() == 35
    assert read_files(options("--now", "2026-03-06")).now == datetime(2026, 3, 6, tzinfo=UTC)


def test_an_alert_of_another_age_of_the_world_needs_a_clock(tmp_path: Path) -> None:
    body = sample("alerts/coredns-changed.json").read_text().replace("2026-03-04", "0001-03-04")
    (tmp_path / "old.json").write_text(body)
    with pytest.raises(CannotStart, match="fired in 1; give another time with --now"):
        read_files(options("--alert", str(tmp_path / "old.json")))
    assert read_files(options("--alert", str(tmp_path / "old.json"), "--now", "2026-03-04")).rows


@pytest.mark.parametrize("name", ["coredns-changed", "legacy-metric", "metric"])
def test_only_the_common_schema_can_be_resolved_here(name: str) -> None:
    given = read_files(options("--alert", str(sample(f"alerts/{name}.json"))))
    assert given.is_common is (name != "legacy-metric")


def test_raw_events_belong_to_the_cluster_of_the_captured_alert() -> None:
    path = shared_data("alerts/kubernetes-auditor/sample-alert-post-request.json")
    assert "/managedclusters/" in cluster_of(read_files(options("--alert", str(path))).alert).lower()


@pytest.mark.demo
async def test_a_bot_that_cannot_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    first, second = free_ports(2)
    bot = BotProcess(
        sandbox_url="http://192.0.2.1:80",
        port=first,
        health_port=second,
        clock_offset=0,
        holds=(),
        folder=tmp_path,
    )
    with pytest.raises(BotFailed, match=r"ended while it started: .*SANDBOX_URL must be http"):
        await bot.start()
    await bot.stop()


def test_last_words_are_words(tmp_path: Path) -> None:
    bot = BotProcess(sandbox_url="", port=1, health_port=2, clock_offset=0, holds=(), folder=tmp_path)
    assert bot.last_words() == "it said nothing."
    bot.log.write_text(
        '{"at": "2026-01-01", "level": "INFO", "name": "api", "message": "serving", "port": 1}\nplain\n[1]\n'
    )
    assert bot.last_words() == "serving (port 1) / plain / [1]"


def test_a_story_that_there_is_not_is_answered_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments in (["--story"], ["--story="], ["--story", "x"]):
        assert "--story is one of corefile-edit, cluster-admin, " in said(capsys, *arguments)


@pytest.mark.parametrize("other", ["--alert=x.json", "--events=x.jsonl", "--now=2026-03-04"])
def test_a_story_brings_its_own_files(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "brings its own alert, events and time" in refused(capsys, "--story=cluster-admin", other)


def test_a_told_story_is_what_the_sandbox_starts_with() -> None:
    given = read_given(read_options(["--story", "two-clusters"]))
    assert (given.now, given.alert) == (datetime(2026, 5, 2, 12, 9, 8, tzinfo=UTC), given.steps[0].alert)
    assert len(given.steps) == 2
    assert len(given.rows) == 7
    assert {target.rpartition("/")[2] for target in given.holds} >= {"aks-east-eus", "aks-west-wus"}


def test_stories_are_offered_unless_files_of_ones_own_are_given() -> None:
    assert (
        len(read_given(read_options([])).stories)
        == len(read_given(read_options(["--story=late-rows"])).stories)
        > 7
    )
    alert = str(sample("alerts/coredns-changed.json"))
    assert read_given(read_options(["--alert", alert])).stories == ()

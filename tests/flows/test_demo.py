"""`make demo` as a program: what it prints, how it ends, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.flows.checking import STEPS
from tests.flows.programs import PATIENCE, demo, is_open, until_closed
from tests.postgres import needs_postgres
from tests.samples import ROOT, sample

pytestmark = pytest.mark.demo


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)


def post(url: str, name: str, **body: object) -> None:
    request = urllib.request.Request(
        f"{url}/sandbox/{name}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=20).close()


def test_the_check_ends_green_by_itself_and_keeps_what_was_sent(tmp_path: Path) -> None:
    started, out = time.monotonic(), tmp_path / "out"
    done = run("--check", "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 60
    lines = done.stdout.splitlines()
    assert [line[6:19].strip() for line in lines] == STEPS
    assert all(line.startswith("ok    ") for line in lines)
    assert not done.stderr
    files = sorted(path.name for path in out.glob("*.json"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    assert {re.split("[-.]", name)[1] for name in files} >= {"query", "post", "update", "invoke", "message"}
    assert "AzureDiagnostics" in (out / "queries.kql").read_text()


@pytest.mark.postgres
def test_the_check_of_two_replicas_goes_on_without_the_one_that_is_killed() -> None:
    needs_postgres()
    done = run("--check", "--replicas", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line[6:19].strip() for line in done.stdout.splitlines()]
    assert [step for step in steps if step != "killed"] == STEPS
    assert steps.index("killed") == steps.index("card") + 1
    assert not done.stderr


@pytest.mark.postgres
def test_a_killed_sandbox_leaves_neither_replica_nor_server_behind() -> None:
    needs_postgres()
    with demo("--no-open", "--replicas", "2") as it:
        it.read_until("Ctrl-C")
        assert all(is_open(it.port + n) for n in range(1, 5))
        assert it.end(signal.SIGKILL) == -signal.SIGKILL
        assert all(until_closed(it.port + n) for n in range(1, 5))


def test_a_red_step_is_the_last_line_and_the_exit_code_is_1(tmp_path: Path) -> None:
    alert = json.loads(sample("alerts/coredns-changed.json").read_text())
    alert["data"]["essentials"]["description"] = "x" * 300_000
    (tmp_path / "large.json").write_text(json.dumps(alert))
    done = run("--check", "--alert", str(tmp_path / "large.json"))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("RED   webhook       the webhook answered 413")
    assert done.stderr.startswith("The bot's last words: ")
    assert "Traceback" not in done.stdout + done.stderr


def test_ctrl_c_ends_the_demo_in_seconds_though_a_page_is_open_and_the_workspace_slow() -> None:
    with demo("--no-open") as it:
        it.read_until("Ctrl-C")
        assert any(f"{it.url}/" in line for line in it.lines)
        assert len(it.lines) < 10
        with urllib.request.urlopen(f"{it.url}/sandbox/events", timeout=20) as page:
            assert page.readline().startswith(b":")
            post(it.url, "break", what="workspace-slow")
            post(it.url, "fire")
            pressed = time.monotonic()
            assert it.end(signal.SIGINT) == 0
        assert time.monotonic() - pressed < 13
        assert not is_open(it.port + 1)
        assert not is_open(it.port + 2)
        assert it.errors() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_ends_stop_the_bot_too_and_are_told_by_the_exit_code(number: signal.Signals) -> None:
    with demo("--no-open") as it:
        it.read_until("Ctrl-C")
        assert it.end(number) == 128 + number
        assert not is_open(it.port + 1)
        assert it.errors() == ""


def test_a_check_that_is_interrupted_has_not_passed() -> None:
    with demo("--check") as it:
        it.read_until("ok    ready")
        assert it.end(signal.SIGINT) == 130
        assert it.errors() == ""


def test_a_killed_sandbox_leaves_no_bot_behind() -> None:
    with demo("--no-open") as it:
        it.read_until("Ctrl-C")
        assert is_open(it.port + 1)
        assert it.end(signal.SIGKILL) == -signal.SIGKILL
        assert until_closed(it.port + 1)
        assert until_closed(it.port + 2)


def test_a_reader_of_the_lines_that_goes_away_is_no_traceback() -> None:
    with demo("--check") as it:
        it.read_until("ok    ready")
        assert it.process.stdout is not None
        it.process.stdout.close()
        assert it.process.wait(PATIENCE) == 128 + signal.SIGPIPE
        assert it.errors() == ""


@pytest.mark.parametrize(("desktop", "opened"), [({"DISPLAY": ":99"}, True), ({}, False)])
def test_the_page_opens_only_where_there_is_a_desktop(
    desktop: dict[str, str], opened: bool, tmp_path: Path
) -> None:
    browser, told = tmp_path / "browser", tmp_path / "told"
    # A browser that stays open: neither the demo nor its end may wait for it.
    browser.write_text(f'#!/bin/sh\necho "$1" > {told}.new && mv {told}.new {told}\nexec sleep 3\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    environment = {"BROWSER": f"{browser} %s", "PATH": os.defpath, **desktop}
    with demo(environment=environment) as it:
        it.read_until("Ctrl-C")
        ends = time.monotonic() + (10 if opened else 1)
        while not told.exists() and time.monotonic() < ends:
            time.sleep(0.05)
        assert told.exists() is opened
        if opened:
            assert told.read_text().strip() == f"{it.url}/"
        assert it.end() == 0

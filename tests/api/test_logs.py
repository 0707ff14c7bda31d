"""What the process writes: tried in a process of its own, because it takes the root logger for itself."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

from tests.samples import ROOT

SCRIPT = """
import logging
from aiohttp.http_exceptions import BadHttpMessage, BadStatusLine
from api.logs import configure_logs

configure_logs()
api, server, library = logging.getLogger("api.alerts"), logging.getLogger("aiohttp.server"), logging.getLogger("x")
api.info("accepted", extra={"incident": 7, "why": None})
api.info("hostile", extra={"text": 'a\\nb\\r\\u2028"} {"level": "ERROR"}\\x1b[31m'})
api.debug("too fine")
library.info("chatter")
library.warning("odd")
for error in (BadHttpMessage("no HTTP"), BadStatusLine(b"x"), RuntimeError("a\\nbug")):
    try:
        raise error
    except Exception as raised:
        server.exception("Error handling request from %s", "127.0.0.1", exc_info=raised)
server.error("without an exception")
api.info("odd value", extra={"value": object, "bytes": b"x"})
"""


@cache
def lines() -> list[dict[str, Any]]:
    """Run the script and return its lines; a line that is not one JSON object fails here."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout == ""
    # Not splitlines(): a reader of the log breaks at line feeds alone.
    return [json.loads(line) for line in done.stderr.removesuffix("\n").split("\n")]


def line(message: str) -> dict[str, Any]:
    (found,) = [line for line in lines() if line["message"] == message]
    return found


def test_every_line_is_one_object_with_its_fields_beside_the_text() -> None:
    accepted = line("accepted")
    assert (accepted["level"], accepted["name"], accepted["incident"]) == ("INFO", "api.alerts", 7)
    assert accepted["at"]


def test_hostile_text_stays_in_its_field() -> None:
    hostile = line("hostile")
    assert hostile["text"].startswith("a\nb")
    assert hostile["level"] == "INFO"


def test_libraries_speak_up_from_warning_on() -> None:
    told = [found["message"] for found in lines()]
    assert "odd" in told
    assert "chatter" not in told
    assert "too fine" not in told


def test_a_client_that_does_not_speak_http_is_no_reason_for_a_traceback() -> None:
    (told,) = [found for found in lines() if found["message"].startswith("Error handling request")]
    assert "RuntimeError: a\nbug" in told["exc_info"]
    assert "BadHttpMessage" not in json.dumps(lines())
    assert line("without an exception")["level"] == "ERROR"


def test_what_is_no_json_is_written_anyway() -> None:
    assert "object" in line("odd value")["value"]

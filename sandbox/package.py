"""The app package, as an administrator uploads it to Teams: what the box to write in suggests comes out of it.

The sandbox knows nothing of the bot's commands; like Teams it reads them in the manifest's command list:
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/create-a-bot-commands-menu
"""

from __future__ import annotations

import asyncio
import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.bot_process import APP_ID, ROOT

#: How long building it may take, in seconds.
PATIENCE = 30.0
#: What a manifest holds at most.
MOST = 10


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A line that can be said, and what it answers."""

    line: str
    note: str = ""

    def to_json(self) -> dict[str, str]:
        return {"line": self.line, "note": self.note}


async def suggestions_of_app(folder: Path) -> Sequence[Suggestion]:
    """Build the app package in `folder` and read its command list; nothing where that fails: a demo goes on without."""
    path = folder / "app.zip"
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "appmanifest",
            "--bot-id",
            APP_ID,
            "--zip",
            str(path),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await _ended(process)
        with zipfile.ZipFile(path) as package:
            return suggestions_of(json.loads(package.read("manifest.json")))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return ()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for it; one that does not end in time, or that nobody waits for any more, is ended."""
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        return
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def suggestions_of(manifest: Any) -> Sequence[Suggestion]:
    """Return the commands of the manifest's first list for teams; nothing for what is no manifest."""
    try:
        lists = [each for bot in manifest["bots"] for each in bot["commandLists"] if "team" in each["scopes"]]
        commands = lists[0]["commands"][:MOST]
        return tuple(Suggestion(line=str(each["title"]), note=str(each["description"])) for each in commands)
    except (KeyError, IndexError, TypeError):
        return ()

"""python -m tests.flows.chat_doc: ask every line again, keep the cards in samples/chat, and write docs/chat.md."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.commands import COMMANDS, FILTERS
from tests.flows.chat import ask, kept, office
from tests.flows.chat_lines import FOLDER, LINES, Line
from tests.samples import ROOT

PATH = ROOT / "docs" / "chat.md"
PICTURES = ROOT / "docs" / "pictures"

_HEAD = """# Asking in the channel

Made by `python -m tests.flows.chat_doc` from the answers that the bot gives in its tests: typed over HTTP, answered
from the sandbox's workspace with `samples/events/two-days.jsonl`, at 09:39 UTC on Wednesday 4 March 2026, by
somebody in Berlin. The cards are in `samples/chat`.

Mention the bot first in a channel or group chat; in a personal chat just type. The answer comes into the same thread.
What it asked of the workspace is behind *KQL* on every answer, and *Open in Logs* opens it in the portal.

| line | what it answers |
|---|---|
"""


def document() -> str:
    """Return docs/chat.md as the kept cards make it."""
    parts = [_HEAD + "".join(_row(spec.usage, spec.help) for spec in COMMANDS)]
    parts.append("\nFilters and times, for every question:\n\n" + "".join(f"- {each}\n" for each in FILTERS))
    for chapter in dict.fromkeys(line.chapter for line in LINES):
        parts.append(f"\n## {chapter}\n")
        parts += [_section(line) for line in LINES if line.chapter == chapter]
    return "".join(parts)


def _row(usage: str, answers: str) -> str:
    return f"| `{usage.replace('|', chr(92) + '|')}` | {answers} |\n"


def _section(line: Line) -> str:
    card = json.loads(line.file.read_text(encoding="utf-8"))
    note = f"{line.note}\n\n" if line.note else ""
    where = "" if line.where == "General" else f" ({line.where})"
    shown = _pictures(line) if line.picture else ""
    read = "\n".join(_read(card["body"], 0))
    buttons = " ".join(f"[{action['title']}]" for action in card.get("actions", ()))
    return f"\n### `{line.text}`{where}\n\n{note}```\n{read}\n{buttons}".rstrip() + f"\n```\n{shown}"


def _pictures(line: Line) -> str:
    found = [PICTURES / f"chat-{line.picture}-{size}.png" for size in ("wide", "phone")]
    drawn = [
        f"![Such an answer as the page draws it](pictures/{each.name})" for each in found if each.is_file()
    ]
    return "".join(f"\n{each}\n" for each in drawn)


def _read(elements: list[dict[str, Any]], depth: int) -> Iterator[str]:
    """Yield what is open on the card, line by line; what opens is told by the line that opens it."""
    for element in elements:
        if element.get("isVisible") is False:
            continue
        match element["type"]:
            case "TextBlock":
                yield f"{'  ' * depth}{element['text']}"
            case "RichTextBlock":
                yield "  " * depth + "".join(run["text"] for run in element["inlines"])
            case "ActionSet":
                yield "  " * depth + " ".join(f"[{action['title']}]" for action in element["actions"])
            case "Container":
                yield from _read(element["items"], depth + (element.get("style") == "emphasis" and depth > 0))
            case _ if isinstance(element.get("fallback"), dict):
                yield from _read([element["fallback"]], depth)


async def _write(names: set[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for line in LINES:
        if names and line.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            async with office(Path(folder)) as it:
                card = kept((await ask(it, line))["card"])
        line.file.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(line.name)


if __name__ == "__main__":
    asyncio.run(_write(set(sys.argv[1:])))
    PATH.write_text(document(), encoding="utf-8")

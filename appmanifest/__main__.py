"""python -m appmanifest --bot-id GUID: write the Teams app package.

https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

from bot.commands import COMMANDS, Spec

HERE = Path(__file__).parent
DEFAULT_ZIP = Path("build/kubernetes-auditor.zip")
#: Stands for a bot that is not registered yet, so that the package can be looked at.
NO_BOT = "00000000-0000-0000-0000-000000000000"
WEBSITE = "https://example.com/kubernetes-auditor"
#: https://learn.microsoft.com/microsoftteams/platform/resources/schema/manifest-schema#botscommandlists
LONGEST_TITLE = 32
#: The app's own id is made from the bot's, so that two builds update one app.
APP_NAMESPACE = uuid.UUID("6f0d9a52-3f5e-4f0f-9d2b-0f6c1f4e7a11")


def manifest(*, bot_id: str, website: str) -> dict[str, Any]:
    """Return the manifest for this bot. Its command list is made from the table of commands."""
    text = (HERE / "manifest.json").read_text(encoding="utf-8")
    text = text.replace("{{BOT_ID}}", bot_id).replace("{{WEBSITE}}", website)
    made: dict[str, Any] = json.loads(text.replace("{{APP_ID}}", str(uuid.uuid5(APP_NAMESPACE, bot_id))))
    made["bots"][0]["commandLists"][0]["commands"] = [
        {"title": _title(each), "description": f"{each.help[0].upper()}{each.help[1:]}"}
        for each in COMMANDS
        if each.menu
    ]
    return made


def _title(spec: Spec) -> str:
    """Return the first example that Teams shows whole; choosing it in the menu writes it."""
    return next(example for example in spec.examples if len(example) <= LONGEST_TITLE)


def write_zip(path: Path, made: dict[str, Any]) -> None:
    """Write manifest and icons; the same input gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as package:
        parts = {"manifest.json": json.dumps(made, indent=2).encode()}
        parts |= {name: (HERE / name).read_bytes() for name in ("color.png", "outline.png")}
        for name, content in parts.items():
            package.writestr(zipfile.ZipInfo(name), content, compress_type=zipfile.ZIP_DEFLATED)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make appmanifest", description="Write the Teams app package.")
    parser.add_argument("--bot-id", default=NO_BOT, help="the bot's application (client) id")
    parser.add_argument(
        "--website", default=WEBSITE, help="your page about the bot, with privacy and terms (https)"
    )
    parser.add_argument("--zip", type=Path, default=DEFAULT_ZIP, help="where to write it")
    options = parser.parse_args(arguments)
    try:
        bot_id = str(uuid.UUID(options.bot_id))
    except ValueError:
        print("--bot-id must be a GUID: the application (client) id of the bot.", file=sys.stderr)  # noqa: T201
        return 2
    if not options.website.startswith("https://"):
        print("--website must begin with https://.", file=sys.stderr)  # noqa: T201
        return 2
    write_zip(options.zip, manifest(bot_id=bot_id, website=options.website))
    print(f"{options.zip} written ({options.zip.stat().st_size} bytes).")  # noqa: T201
    if bot_id == NO_BOT:
        print('It names no bot yet: make appmanifest ARGS="--bot-id <application id>"')  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())

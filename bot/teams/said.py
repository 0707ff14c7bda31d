"""What somebody typed, out of the text that Teams makes of it: mentions as tags, entities, now and then HTML.

Our own, because the SDK's `remove_recipient_mention` takes the bot's name out of the middle of words.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations
"""

from __future__ import annotations

import html
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from html.entities import html5
from typing import Any

from bot.teams.activity import Activity, objects_at, text_at

#: Far more than a command needs; what is longer is not read to its end.
LONGEST_TEXT = 4000
#: Mentions of one message that are read; Teams itself takes fewer.
MOST_MENTIONS = 100
_AT = re.compile(r"<at\b[^<>]*>|</at\s*>", re.IGNORECASE)
_BLOCKS = r"p|div|br|li|ul|ol|pre|blockquote|h[1-6]|table|tbody|tr|td"
_INLINE = r"span|b|strong|i|em|u|s|strike|code|a|font"
#: What Teams' own box to write in makes; any other tag is something that was typed.
_TAG = re.compile(rf"</?(?:(?P<block>{_BLOCKS})|{_INLINE})(?:\s[^<>]*)?/?>", re.IGNORECASE)
#: Only with its semicolon: "a&copy=1" was typed like that.
_ENTITY = re.compile(r"&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)


def said_to_bot(activity: Activity) -> str:
    """Return what was typed, on one line, without mentions of the bot; other people's are their names.

    Only mentions go: the bot's name alone may be part of a command ("Audits" to a bot named "Audit"). Total over any
    JSON.
    """
    text = text_at(activity, "text")[:LONGEST_TEXT]
    named = _named(activity)
    own_name = _plain(text_at(activity, "recipient", "name"))
    parts = []
    for words, is_mention in _parted(text):
        said = _plain(words)
        if is_mention and said:
            known = named[said]
            # The same name twice: Teams lists its mentions in the order in which they stand.
            is_bot = (known.popleft() if len(known) > 1 else known[0]) if known else said == own_name
            parts.append(" " if is_bot else f" {said} ")
        else:
            parts.append(_decoded(words))
    return " ".join("".join(parts).split())


def _parted(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the text between and inside the tags of mentions, and whether it was inside; the tags are gone."""
    end, is_open = 0, False
    for tag in _AT.finditer(text):
        closes = tag[0].startswith("</")
        yield text[end : tag.start()], is_open and closes
        end, is_open = tag.end(), not closes
    yield text[end:], False


def _named(activity: Activity) -> Mapping[str, deque[bool]]:
    """Return, by name, whether it is the bot that is mentioned: for each mention of that name in turn."""
    bot_id, bot_name = text_at(activity, "recipient", "id"), _plain(text_at(activity, "recipient", "name"))
    named: defaultdict[str, deque[bool]] = defaultdict(deque)
    for _, entity in zip(range(MOST_MENTIONS), _mentions(activity), strict=False):
        name = _plain(text_at(entity, "text")) or _plain(text_at(entity, "mentioned", "name"))
        mentioned = text_at(entity, "mentioned", "id")
        # Some clients leave `mentioned` out; then it is the bot's if it has the bot's name.
        named[name].append(mentioned == bot_id if mentioned else name == bot_name)
    return named


def _mentions(activity: Activity) -> Iterator[Mapping[str, Any]]:
    return (each for each in objects_at(activity, "entities") if text_at(each, "type").lower() == "mention")


def _plain(text: str) -> str:
    """Return a name as it reads, without the tags around and in it."""
    return " ".join(_decoded(_AT.sub("", text[:LONGEST_TEXT])).split())


def _decoded(text: str) -> str:
    """Take tags away, then read entities, each once: "&amp;lt;" is "&lt;"."""
    text = _TAG.sub(lambda tag: " " if tag["block"] else "", text)
    return _ENTITY.sub(_character, text)


def _character(entity: re.Match[str]) -> str:
    if entity[1].startswith("#"):
        return html.unescape(entity[0])
    # `html.unescape` would find "&not" in "&nothing;".
    return html5.get(f"{entity[1]};", entity[0])

"""The digest of a storm as something to say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from audit.incident import Incident
from bot.ports import Message
from cards.digest import digest_card, digest_summary


def digest_message(incidents: Sequence[Incident], zone: ZoneInfo, now: datetime) -> Message:
    """Return one card for all of these incidents as they are `now`: the same for its post and every update."""
    return Message(
        card=digest_card(incidents, zone=zone, at=now), summary=digest_summary(incidents, zone=zone, at=now)
    )

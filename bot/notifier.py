"""From an incident to its card in a conversation: look at the evidence, then post or update."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from audit.evidence import Evidence, Missing
from bot.errors import Reason, Rejected, Unavailable
from bot.inquiry import Inquiry
from bot.ports import Clock, Conversations, Dossier, Look, LookKind, Message, Notification, Store
from bot.retry import wait_before
from cards.incident import incident_card, incident_summary

log = logging.getLogger(__name__)

#: The log's rows come 3 to 10 minutes late, so the same window is asked once more.
#: https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time
SECOND_LOOK_AFTER = timedelta(minutes=10)
#: How long an unreachable workspace is asked again, counted from the alert or the acknowledgement.
KEEP_ASKING = timedelta(hours=1)
#: A workspace is given more time at first than Teams: 4 to 8 seconds, since the client has tried again already.
TRIES_SKIPPED = 2
#: Failures of the workspace that may pass; the others would only repeat themselves. A role that was forgotten is
#: granted while people look at the card that says so.
PASSING = frozenset(
    {Missing.TIMED_OUT, Missing.THROTTLED, Missing.UNAVAILABLE, Missing.GARBAGE, Missing.FORBIDDEN}
)
#: A conversation that answers so is gone for us; Teams says it for good.
GONE = frozenset({Reason.FORBIDDEN, Reason.NOT_FOUND})


class Notifier:
    """Does the work of one claimed row: a look at the evidence, or a notification."""

    def __init__(
        self,
        *,
        store: Store,
        inquiry: Inquiry,
        conversations: Conversations,
        clock: Clock,
        zone: ZoneInfo,
        logs_url: Callable[[Evidence], str],
    ) -> None:
        self._store = store
        self._inquiry = inquiry
        self._conversations = conversations
        self._clock = clock
        self._zone = zone
        self._logs_url = logs_url

    async def look(self, look: Look) -> None:
        """Ask the workspace and keep the answer, which makes the incident's notifications due."""
        dossier = await self._store.dossier(look.incident_key)
        if dossier is None:
            return
        evidence, again_at = await self._evidence(dossier, look)
        now = self._clock.now()
        kept = await self._store.save_evidence(look, evidence, now, again_at)
        log.info(
            "evidence kept" if kept else "evidence not kept: the look is somebody else's by now",
            extra={
                "incident": dossier.incident.number,
                "missing": evidence.missing,
                "returned": evidence.returned,
            },
        )

    async def _evidence(self, dossier: Dossier, look: Look) -> tuple[Evidence, datetime | None]:
        """Return what the card shall show, and when to ask again."""
        known = dossier.evidence
        found = await self._inquiry.behind(dossier.alert)
        if found.missing in PASSING:
            again_at = self._next_try(dossier, look)
            until = _keep_asking_until(dossier) if again_at else None
            return (known if _is_worth_more(known, found) else replace(found, again_until=until)), again_at
        evidence = known if _is_worth_more(known, found) else found
        if look.kind is not LookKind.SINCE and dossier.incident.acknowledgement is None:
            return evidence, self._second_look(dossier, look, found)
        since = await self._inquiry.since(dossier.alert, evidence)
        if since is None and _same_window(known, evidence):
            since = known.since
        is_open = since is None and evidence.missing is None and _is_over(evidence, self._clock.now())
        again_at = self._next_try(dossier, look) if is_open else self._second_look(dossier, look, found)
        return replace(evidence, since=since), again_at

    def _second_look(self, dossier: Dossier, look: Look, found: Evidence) -> datetime | None:
        """Return when more can be known: soon after a part, else when the rows that come late will be there."""
        if found.missing or found.window is None:
            return None
        if found.partial and (again_at := self._next_try(dossier, look)):
            return again_at
        due = found.window.end + SECOND_LOOK_AFTER
        return due if self._clock.now() < due else None

    def _next_try(self, dossier: Dossier, look: Look) -> datetime | None:
        """Return when to ask again after a failure; None once that has gone on for long enough."""
        again_at = self._clock.now() + wait_before(look.attempt + TRIES_SKIPPED, None)
        return again_at if again_at <= _keep_asking_until(dossier) else None

    async def notify(self, notification: Notification) -> None:
        """Bring the conversation into line with the incident as it is now: post, or update what stands there.

        A send that was cut off is tried again though it may have arrived: a card twice harms less than none.
        """
        dossier = await self._store.dossier(notification.incident_key)
        if dossier is None:
            await self._store.fail(notification, "no such incident")
            return
        message = self.message(dossier)
        try:
            activity_id = await self._say(notification, message)
        except Unavailable as failure:
            wait = wait_before(notification.attempt, failure.retry_after)
            await self._store.put_off(notification, self._clock.now() + wait, failure.reason)
            log.warning("card put off", extra=_fields(dossier, notification, failure.reason))
        except Rejected as failure:
            await self._give_up(notification, failure)
            log.error("card given up", extra=_fields(dossier, notification, failure.reason))
        else:
            await self._store.posted(notification, activity_id, dossier.incident.version)
            log.info("card stands", extra=_fields(dossier, notification, "ok"))

    def message(self, dossier: Dossier) -> Message:
        """Return the incident's card as it must look now: the same for a post, an update and a click's answer."""
        return Message(
            card=incident_card(
                dossier.incident,
                dossier.alert,
                dossier.evidence,
                zone=self._zone,
                logs_url=self._logs_url(dossier.evidence),
            ),
            summary=incident_summary(dossier.incident, dossier.alert, dossier.evidence, zone=self._zone),
        )

    async def _say(self, notification: Notification, message: Message) -> str:
        where = notification.conversation
        if not notification.activity_id:
            return await self._conversations.post(where, message)
        try:
            await self._conversations.update(where, notification.activity_id, message)
        except Rejected as failure:
            if failure.reason is not Reason.NOT_FOUND:
                raise
            # The message was deleted: people still must see the incident. A conversation that is gone says so again.
            return await self._conversations.post(where, message)
        return notification.activity_id

    async def _give_up(self, notification: Notification, failure: Rejected) -> None:
        # Where the row is no longer ours, somebody may have installed the bot again meanwhile.
        held = await self._store.fail(notification, failure.reason)
        if held and failure.reason in GONE:
            await self._store.end(self._clock.now(), conversation_id=notification.conversation.id)


def _keep_asking_until(dossier: Dossier) -> datetime:
    incident = dossier.incident
    acknowledged_at = incident.acknowledgement.at if incident.acknowledgement else None
    times = (incident.opened_at, dossier.alert.fired_at, acknowledged_at)
    return max(filter(None, times)) + KEEP_ASKING


def _is_worth_more(known: Evidence, found: Evidence) -> bool:
    """Tell whether what is known of the window is worth more than the news that it cannot be asked now."""
    return found.missing is not None and known.missing is None and _same_window(known, found)


def _same_window(one: Evidence, other: Evidence) -> bool:
    """Compare the ends: of a long window what was asked for begins later than what the alert says."""
    return one.window is not None and other.window is not None and one.window.end == other.window.end


def _is_over(evidence: Evidence, now: datetime) -> bool:
    return evidence.window is not None and evidence.window.end < now


def _fields(dossier: Dossier, notification: Notification, reason: str) -> dict[str, object]:
    return {
        "incident": dossier.incident.number,
        "conversation": notification.conversation.id,
        "attempt": notification.attempt,
        "reason": str(reason),
    }

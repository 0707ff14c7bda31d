"""From an incident to its card in a conversation: look at the evidence, then post or update."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from audit.alert import Alert
from audit.earlier import carried
from audit.evidence import SETTLED_AFTER, Evidence, Missing
from audit.origin import Origin
from bot.digest import digest_message
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.inquiry import Inquiry
from bot.notices import notice_message
from bot.ports import (
    Clock,
    Conversation,
    Conversations,
    Dossier,
    Look,
    LookKind,
    Message,
    Meter,
    Notification,
    Store,
)
from bot.retry import wait_before
from cards.incident import incident_card, incident_summary
from cards.notice import route_ended
from cards.size import BUDGET

log = logging.getLogger(__name__)

#: When the same window is asked once more; cards say so.
SECOND_LOOK_AFTER = SETTLED_AFTER
#: How long an unreachable workspace is asked again, counted from the alert or the acknowledgement.
KEEP_ASKING = timedelta(hours=1)
#: A workspace is given more time at first than Teams: 4 to 8 seconds, since the client has tried again already.
TRIES_SKIPPED = 2
#: Failures of the workspace that may pass; the others would only repeat themselves. A role that was forgotten is
#: granted while people look at the card that says so.
PASSING = frozenset(
    {
        Missing.TIMED_OUT,
        Missing.THROTTLED,
        Missing.UNAVAILABLE,
        Missing.GARBAGE,
        Missing.FORBIDDEN,
        Missing.WRONG_WORKSPACE,
    }
)
#: A conversation that answers so is gone for us; Teams says it for good.
GONE = frozenset({Reason.FORBIDDEN, Reason.NOT_FOUND})


#: Groups of events from which on a card is drawn off the loop.
LARGE = 20
#: Of the card that is tried after one that Teams found too large, in bytes.
SMALL_BUDGET = 8_000
#: Seconds between tries to record what stands in Teams.
RECORD_WAITS = (0.2, 1.0, 2.0, 4.0, 8.0)
#: Tries of a card whose failure is taken for the conversation's.
TRIES_FOR_ALL = 5
#: Tries of a card that we cannot draw.
TRIES_OF_OURS = 5


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What is to be said, and of which version of the incident."""

    message: Message
    version: int = 0
    #: None for a digest.
    dossier: Dossier | None = None


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
        meter: Meter,
        runbook: Callable[[Alert], str] = lambda _: "",
    ) -> None:
        self._store = store
        self._inquiry = inquiry
        self._conversations = conversations
        self._clock = clock
        self._zone = zone
        self._logs_url = logs_url
        self._meter = meter
        self._runbook = runbook

    async def look(self, look: Look) -> None:
        """Ask the workspace and keep the answer, which makes the incident's notifications due."""
        try:
            dossier = await self._store.dossier(look.incident_key)
        except Rejected as failure:
            # What is kept cannot be read by this version: new evidence takes its place.
            log.error("incident not readable", extra={"reason": failure.detail})
            now = self._clock.now()
            unknown = Evidence(asked_at=now, missing=Missing.GARBAGE)
            await self._store.save_evidence(look, unknown, now, None)
            return
        if dossier is None:
            return
        try:
            evidence, again_at = await self._of_one_cluster(dossier, look)
        except OutsideError:
            raise
        except Exception:
            # A mistake of ours must not keep the alert itself from people.
            log.exception("look failed", extra={"incident": dossier.incident.number})
            evidence, again_at = self._nothing(dossier), None
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

    def _nothing(self, dossier: Dossier) -> Evidence:
        known = dossier.evidence
        asked_at = self._clock.now()
        found = Evidence(asked_at=asked_at, window=dossier.alert.window, missing=Missing.GARBAGE)
        return known if _is_worth_more(known, found) else found

    async def _of_one_cluster(self, dossier: Dossier, look: Look) -> tuple[Evidence, datetime | None]:
        """Return what the card shall show, and when to ask again; what other clusters did gets incidents of its own."""
        if (
            not dossier.alert.cluster_id
            and look.kind is LookKind.ALERT
            and not _is_one_for_all(dossier.alert)
        ):
            dossier = await self._split(dossier, look)
        evidence, again_at = await self._evidence(dossier, look)
        known = dossier.evidence
        return replace(evidence, earlier=carried(known, evidence, known.counted)), again_at

    async def _split(self, dossier: Dossier, look: Look) -> Dossier:
        """Make an incident for each cluster of an alert that names none; return the look's own, narrowed to its one."""
        clusters = await self._inquiry.clusters(dossier.alert)
        if all(cluster == dossier.cluster for cluster in clusters):
            return dossier
        await self._store.split(look, dossier.alert.key, clusters, self._clock.now())
        narrowed = await self._store.dossier(look.incident_key) or dossier
        # An alert that fired meanwhile has a look of its own, which would leave this one's window unasked.
        return replace(narrowed, alert=dossier.alert, found_at=dossier.found_at)

    async def _evidence(self, dossier: Dossier, look: Look) -> tuple[Evidence, datetime | None]:
        """Return what the log says of the alert's window, and when to ask again."""
        known = dossier.evidence
        found = await self._inquiry.behind(dossier.alert, dossier.cluster)
        if found.missing in PASSING:
            again_at = self._next_try(dossier, look)
            until = _keep_asking_until(dossier) if again_at else None
            return (known if _is_worth_more(known, found) else replace(found, again_until=until)), again_at
        evidence = known if _is_worth_more(known, found) else found
        if look.kind is not LookKind.SINCE and dossier.incident.acknowledgement is None:
            return evidence, self._second_look(dossier, look, found)
        since = await self._inquiry.since(dossier.alert, evidence, dossier.cluster)
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
        """Bring the conversation into line with what is now: post, or update what stands there.

        A send that was cut off is tried again though it may have arrived: a card twice harms less than none.
        """
        try:
            drawn = await self._drawn(notification)
            if drawn is None:
                # Nothing is left to say; what stands there stays.
                await self._store.posted(notification, notification.activity_id, 0, self._clock.now())
                return
            # Whoever was frozen for longer than his lease must not say what another has said meanwhile.
            if await self._store.holds(notification):
                await self._deliver(notification, drawn)
        except Unavailable:
            raise
        except Exception:
            # Among them a row that cannot be read: tried again for ever, it would stand before all others.
            log.exception("card not drawn", extra={"incident": notification.incident_key})
            await self._our_mistake(notification)

    async def _deliver(self, notification: Notification, drawn: Drawn) -> None:
        try:
            activity_id = await self._say(notification, drawn)
        except Unavailable as failure:
            wait = wait_before(notification.attempt, failure.retry_after)
            if failure.reason is Reason.PACED:
                wait = failure.retry_after or wait
            await self._put_off(notification, wait, failure.reason)
        except Rejected as failure:
            await self._give_up(notification, failure, drawn)
        else:
            await self._stands(notification, activity_id, drawn)

    async def _drawn(self, notification: Notification) -> Drawn | None:
        """Return what to say; None if what it is about is gone."""
        if notification.is_digest:
            incidents = await self._store.digest(notification)
            if not incidents:
                return None
            message = await asyncio.to_thread(digest_message, incidents, self._zone, self._clock.now())
            return Drawn(message=message)
        dossier = await self._store.dossier(notification.incident_key)
        if dossier is None:
            return None
        if len(dossier.evidence.groups) > LARGE:
            # Drawing and weighing takes a tenth of a second then, which belongs to everybody on the loop.
            message = await asyncio.to_thread(self.message, dossier)
        else:
            message = self.message(dossier)
        return Drawn(message=message, version=dossier.incident.version, dossier=dossier)

    def message(self, dossier: Dossier, *, budget: int = BUDGET) -> Message:
        """Return the incident's card as it must look now: the same for a post, an update and a click's answer."""
        return Message(
            card=incident_card(
                dossier.incident,
                dossier.alert,
                dossier.evidence,
                zone=self._zone,
                logs_url=self._logs_url(dossier.evidence),
                found_at=dossier.found_at,
                runbook_url=self._runbook(dossier.alert),
                budget=budget,
            ),
            summary=incident_summary(
                dossier.incident,
                dossier.alert,
                dossier.evidence,
                zone=self._zone,
                found_at=dossier.found_at,
            ),
        )

    async def _say(self, notification: Notification, drawn: Drawn) -> str:
        try:
            return await self._say_once(notification, drawn.message)
        except Rejected as failure:
            if failure.reason is not Reason.TOO_LARGE or drawn.dossier is None:
                raise
            # Teams' limit is far above our budget; if it ever shrinks, a shorter card is worth more than none.
            return await self._say_once(notification, self.message(drawn.dossier, budget=SMALL_BUDGET))

    async def _say_once(self, notification: Notification, message: Message) -> str:
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

    async def _stands(self, notification: Notification, activity_id: str, drawn: Drawn) -> None:
        if await self._recorded(notification, activity_id, drawn.version):
            log.info("card stands", extra=_fields(notification, "ok"))
        elif activity_id != notification.activity_id:
            # Another replica says it, or somebody clicked another copy: ours is one too many.
            log.warning("card was somebody else's by now", extra=_fields(notification, "not held"))
            with suppress(OutsideError):
                await self._conversations.delete(notification.conversation, activity_id)

    async def _recorded(self, notification: Notification, activity_id: str, version: int) -> bool:
        """Record that it stands, trying for a while: a card that nobody knows of would be posted twice."""
        for wait in RECORD_WAITS:
            try:
                return await self._store.posted(notification, activity_id, version, self._clock.now())
            except Unavailable:
                await asyncio.sleep(wait)
        return await self._store.posted(notification, activity_id, version, self._clock.now())

    async def _put_off(self, notification: Notification, wait: timedelta, reason: Reason) -> None:
        now = self._clock.now()
        # What Teams or we ask for is for the whole conversation; a card that fails on its own silences no other.
        whole = reason in {Reason.THROTTLED, Reason.PACED} or notification.attempt <= TRIES_FOR_ALL
        await self._store.put_off(notification, now + wait, reason, now, whole=whole)
        self._meter.put_off("notification", reason)
        log.warning("card put off", extra=_fields(notification, reason))

    async def _our_mistake(self, notification: Notification) -> None:
        """Try again, for it may have been a moment's; a card that can never be drawn becomes a dead letter."""
        now = self._clock.now()
        if notification.attempt < TRIES_OF_OURS:
            wait = wait_before(notification.attempt + TRIES_SKIPPED, None)
            await self._store.put_off(notification, now + wait, Reason.MISTAKE, now)
            self._meter.put_off("notification", Reason.MISTAKE)
        else:
            await self._store.fail(notification, Reason.MISTAKE, now)
            self._meter.gave_up(Reason.MISTAKE)

    async def _give_up(self, notification: Notification, failure: Rejected, drawn: Drawn) -> None:
        """Keep a dead letter, with the card: what Teams refuses once it refuses again."""
        log.error("card given up", extra=_fields(notification, failure.reason))
        self._meter.gave_up(failure.reason)
        now = self._clock.now()
        gone = failure.reason in GONE
        card = None if gone else drawn.message.card
        # Where the row is no longer ours, somebody may have installed the bot again meanwhile.
        held = await self._store.fail(notification, failure.reason, now, detail=failure.detail, card=card)
        if held and gone:
            await self._store.end(now, conversation_id=notification.conversation.id)
            await self._tell_others(notification.conversation)

    async def _tell_others(self, gone: Conversation) -> None:
        """Say in the channels that are left that one of them is gone: nobody there would miss its cards."""
        message = notice_message(route_ended(gone.name or gone.id))
        others = [one for one in await self._store.subscribed() if one.id != gone.id]
        for other in others:
            try:
                await self._conversations.post(other, message)
            except OutsideError as failure:
                log.error("a channel's end was not told", extra={"reason": failure.reason})
        if not others:
            log.error("no conversation is left that gets incidents", extra={"ended": gone.id})


def _is_one_for_all(alert: Alert) -> bool:
    """Tell whether it is one incident whatever clusters it is about: a test shows the way, once."""
    return alert.origin is Origin.TEST


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


def _fields(notification: Notification, reason: str) -> dict[str, object]:
    return {
        "incident": notification.incident_key or "digest",
        "conversation": notification.conversation.id,
        "attempt": notification.attempt,
        "reason": str(reason),
    }

"""One alert, several clusters: an incident for each, so that what people work on is about one cluster.

The incident that the alert opened keeps its number, key and cards, and from then on is about the first cluster; it
alone goes on taking in alerts of the rule that name no cluster, for only what they bring tells whose they are. Each
further cluster has an incident of its own under rule and cluster, with a copy of the alert: so it is looked at, counted
and ended as if Azure had delivered the alert for it. A copy has the alert's identity, by which its Resolved finds all.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from audit import incident as transitions
from audit.alert import Alert, Condition, resource_name
from audit.incident import Transition, Why
from bot.ports import Look, LookKind
from bot.store import due
from bot.store.codec import alert_of, digest, incident_of, incident_values
from bot.store.database import OnDatabase, advisory_locks, writes
from bot.store.in_hand import InHand, incident_hash
from bot.store.recording import INCIDENTS, insert_incidents
from bot.store.tables import alerts, incidents, looks

#: More than anybody runs behind one rule; what an answer full of invented ids may open at most.
MOST_CLUSTERS = 50
FIRED = Condition.FIRED.value
_CLUSTER = "/managedclusters/"


class SqlSplitting(OnDatabase):
    """Implements the splitting of bot.ports.Incidents."""

    @writes
    def split(
        self, connection: Connection, look: Look, alert_key: str, clusters: Sequence[str], now: datetime
    ) -> Sequence[str]:
        """See bot.ports.Incidents."""
        wanted = list(dict.fromkeys(one.strip().lower() for one in clusters if one.strip()))[:MOST_CLUSTERS]
        original = connection.execute(select(incidents).where(incidents.c.key == look.incident_key)).first()
        fired = _locked(connection, original, alert_key, wanted) if original is not None and wanted else None
        if original is None or fired is None:
            return ()
        alert = alert_of(fired.body)
        takers = _takers(connection, original, alert, wanted)
        original = takers.pop(original.id)
        held = select(looks.c.id).where(due.held_by(looks, look)).with_for_update(key_share=True)
        if connection.execute(held).first() is None:
            return ()
        if original.cluster and original.identity == _identity(alert, original.cluster, original.only_for):
            # A further cluster's own incident: what else its copy of the alert is about has been told already.
            return (original.key,)
        return _Split(connection, original, fired, alert, takers, now).among(wanted)


class _Split:
    """The work of one call, everything that it touches locked."""

    def __init__(
        self,
        connection: Connection,
        original: Row[Any],
        fired: Row[Any],
        alert: Alert,
        takers: Mapping[int, Row[Any]],
        now: datetime,
    ) -> None:
        self._connection = connection
        self._original = original
        self._fired = fired
        self._alert = alert
        self._now = now
        #: By identity; of several the newest, as in recording.
        self._takers = {
            row.identity: row for row in takers.values() if transitions.takes_in(incident_of(row), now)
        }

    def among(self, wanted: Sequence[str]) -> Sequence[str]:
        own = self._own(wanted)
        self._narrow(own)
        keys = self._copied(wanted) | {own: self._original.key}
        missing = [cluster for cluster in wanted if cluster not in keys]
        joined = [self._joined(cluster) for cluster in missing if self._taker(cluster) is not None]
        opened = [self._opened(cluster) for cluster in missing if self._taker(cluster) is None]
        insert_incidents(self._connection, opened)
        self._give_alert(joined, opened)
        keys |= {one.cluster: one.now.key for one in (*joined, *opened)}
        return [keys[cluster] for cluster in wanted]

    def _own(self, wanted: Sequence[str]) -> str:
        """Return the cluster that the original is about; at first one that no open incident is about."""
        if self._original.cluster:
            return str(self._original.cluster)
        if _CLUSTER in self._original.subject_id:
            return str(self._original.subject_id)
        return next((one for one in wanted if self._taker(one) is None), wanted[0])

    def _narrow(self, own: str) -> None:
        row = self._original
        if row.cluster == own:
            return
        values: dict[str, Any] = {"cluster": own}
        if row.subject_id != own:
            values |= {
                "subject_id": own,
                "subject_name": resource_name(own),
                "version": row.version + 1,
            }
            due.make_stale(self._connection, [row.id], self._now)
            due.change_digests(self._connection, [row.id], self._now)
        self._connection.execute(update(incidents).where(incidents.c.id == row.id).values(**values))
        due.announce(self._connection)

    def _copied(self, wanted: Sequence[str]) -> dict[str, str]:
        """Return the keys of the incidents that have their copy of the alert already, by cluster."""
        clusters = {_copy_key(self._fired.key, cluster): cluster for cluster in wanted}
        statement = (
            select(alerts.c.key, incidents.c.key.label("incident_key"))
            .join(incidents, incidents.c.id == alerts.c.incident_id)
            .where(alerts.c.key.in_(list(clusters)))
        )
        return {clusters[row.key]: row.incident_key for row in self._connection.execute(statement).all()}

    def _taker(self, cluster: str) -> Row[Any] | None:
        return self._takers.get(self._identity(cluster))

    def _identity(self, cluster: str) -> str:
        return _identity(self._alert, cluster, self._original.only_for)

    def _joined(self, cluster: str) -> InHand:
        row = self._taker(cluster)
        if row is None:
            raise AssertionError("asked for one that is there")
        joined = transitions.join(incident_of(row))
        return InHand(
            id=row.id, identity=row.identity, now=joined.incident, cluster=cluster, changed=joined.changed
        )

    def _opened(self, cluster: str) -> InHand:
        opened = self._transition()
        return InHand(
            id=None,
            identity=self._identity(cluster),
            now=replace(opened.incident, subject_id=cluster, subject_name=resource_name(cluster)),
            cluster=cluster,
            only_for=self._original.only_for,
            also_for=self._original.also_for,
        )

    def _transition(self) -> Transition:
        over_at = self._over_at() if self._fired.over else None
        key = secrets.token_hex(16)
        return transitions.open_from(self._alert, number=0, key=key, now=self._now, over_at=over_at)

    def _over_at(self) -> datetime:
        """Return when the alert was over, whose Resolved came before it was known whose it is."""
        over = select(alerts.c.resolved_at).where(
            alerts.c.identity == self._fired.identity, alerts.c.condition != FIRED
        )
        told = transitions.over_since(self._fired.fired_at, self._connection.execute(over).scalars())
        return told or self._original.resolved_at or self._now

    def _give_alert(self, joined: Sequence[InHand], opened: Sequence[InHand]) -> None:
        """Write a copy of the alert for each, and make due what recording would."""
        if not joined and not opened:
            return
        for one in joined:
            values = incident_values(one.now) | {"cluster": one.cluster}
            self._connection.execute(update(incidents).where(incidents.c.id == one.id).values(**values))
        self._connection.execute(alerts.insert(), [self._copy(one) for one in (*joined, *opened)])
        older, all_ = _ids(joined), _ids((*joined, *opened))
        due.make_stale(self._connection, older, self._now)
        due.change_digests(self._connection, older, self._now)
        if not self._original.only_for:
            due.notify_subscribed(self._connection, all_, self._now)
        due.revive(self._connection, older, self._now)
        besides = [name for name in (self._original.only_for, self._original.also_for) if name]
        pairs = [(id_, name) for id_ in all_ for name in besides]
        due.notify_besides(self._connection, pairs, self._now)
        due.want_looks(self._connection, dict.fromkeys(all_, 1), LookKind.ALERT, self._now)
        due.announce(self._connection)

    def _copy(self, one: InHand) -> dict[str, Any]:
        fired = self._fired
        kept = ("identity", "condition", "fired_at", "resolved_at", "happened_at", "received_at")
        why = Why.JOINED if one.changed else Why.ALREADY_OVER if fired.over else Why.OPENED
        return {name: getattr(fired, name) for name in (*kept, "recorded_at", "found_at", "over", "body")} | {
            "key": _copy_key(fired.key, one.cluster),
            "incident_id": one.id,
            "why": why.value,
            "copied": True,
        }


def _locked(
    connection: Connection, original: Row[Any], alert_key: str, wanted: Sequence[str]
) -> Row[Any] | None:
    """Lock as recording does whatever may meet the alert, and return it; None if it is not the incident's."""
    # Where the incident has a copy of the alert, that has a key of its own.
    keys = (alert_key, _copy_key(alert_key, original.cluster))
    own = alerts.c.incident_id == original.id
    asked = select(alerts).where(own, alerts.c.condition == FIRED, alerts.c.key.in_(keys))
    fired = connection.execute(asked).first()
    if fired is None:
        return None
    alert = alert_of(fired.body)
    identities = {original.identity, *(_identity(alert, one, original.only_for) for one in wanted)}
    incident_locks = (f"incident {identity}" for identity in identities)
    advisory_locks(connection, shared="routes", own=(f"alert {fired.identity}", *incident_locks))
    # Whether it is over may have changed while this waited.
    return connection.execute(asked).first()


def _takers(
    connection: Connection, original: Row[Any], alert: Alert, wanted: Iterable[str]
) -> dict[int, Row[Any]]:
    """Lock and return the original and what is open of the clusters, by id, oldest first."""
    identities = [_identity(alert, cluster, original.only_for) for cluster in wanted]
    told = {"identities": identities, "ids": [original.id]}
    return {row.id: row for row in connection.execute(INCIDENTS, told).all()}


def _identity(alert: Alert, cluster: str, only_for: str) -> str:
    """As recording hashes it for an alert that names the cluster."""
    rule, _ = transitions.identity(alert)
    return incident_hash(rule, cluster, only_for=only_for)


def _copy_key(key: str, cluster: str) -> str:
    return digest("copy", key, cluster)


def _ids(those: Iterable[InHand]) -> list[int]:
    return [one.id for one in those if one.id is not None]

"""Rows to the domain's dataclasses and back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row

from audit.alert import Alert, InvalidAlert, parse_alert
from audit.evidence import Evidence, Missing
from audit.incident import Acknowledgement, Incident, Person, State
from bot.errors import Reason, Rejected
from bot.ports import (
    Chore,
    ChoreKind,
    Conversation,
    ConversationKind,
    Look,
    LookKind,
    Notification,
    NotificationState,
)


def digest(*parts: str) -> str:
    """Return a hash over the parts that no other parts share: what long hostile text is looked up by."""
    joined = "\x00".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def incident_of(row: Row[Any]) -> Incident:
    """Return the incident of a row of `incidents`."""
    acknowledgement = None
    if row.acknowledged_at is not None:
        by = Person(id=row.acknowledged_by, name=row.acknowledged_name)
        acknowledgement = Acknowledgement(by=by, at=row.acknowledged_at)
    return Incident(
        number=row.number,
        key=row.key,
        rule=row.rule,
        severity=row.severity,
        subject_id=row.subject_id,
        subject_name=row.subject_name,
        opened_at=row.opened_at,
        state=State(row.state),
        version=row.version,
        alert_count=row.alert_count,
        acknowledgement=acknowledgement,
        resolved_at=row.resolved_at,
    )


def incident_values(incident: Incident) -> dict[str, Any]:
    """Return the columns of `incidents` that a transition may change."""
    given = incident.acknowledgement
    return {
        "state": incident.state.value,
        "version": incident.version,
        "alert_count": incident.alert_count,
        "acknowledged_by": given.by.id if given else None,
        "acknowledged_name": given.by.name if given else None,
        "acknowledged_at": given.at if given else None,
        "resolved_at": incident.resolved_at,
    }


def new_incident_values(incident: Incident) -> dict[str, Any]:
    """Return all columns of `incidents` but id and identity."""
    return incident_values(incident) | {
        "number": incident.number,
        "key": incident.key,
        "rule": incident.rule,
        "severity": incident.severity,
        "subject_id": incident.subject_id,
        "subject_name": incident.subject_name,
        "opened_at": incident.opened_at,
    }


def alert_of(body: bytes) -> Alert:
    """Read a stored body again. Raises Rejected(Reason.STORE) where another version of ours no longer can."""
    try:
        return parse_alert(body)
    except InvalidAlert as error:
        raise Rejected(Reason.STORE, f"a stored alert cannot be read any more: {error.reason}") from error


def json_body(value: Any) -> bytes:
    """Return a dataclass of ours as JSON, whatever characters are in it."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(msgspec.to_builtins(value)))


def encodable(value: str) -> str:
    """Return the text as it can be read back: a lone surrogate is none in UTF-8."""
    return value.encode("utf-8", "replace").decode()


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, (list, tuple)) else value


def same_evidence(one: bytes, other: bytes) -> bool:
    """Tell whether two stored evidences say the same, whenever that was asked.

    They are compared as written: one that an older version of ours wrote is another, and no error.
    """
    told = [msgspec.json.decode(body) | {"asked_at": None} for body in (one, other)]
    return bool(told[0] == told[1])


def evidence_of(body: bytes | None, opened_at: datetime) -> Evidence:
    """Return the stored evidence; without any, that of an incident that has not been asked about."""
    if body is None:
        return Evidence(asked_at=opened_at, missing=Missing.NOT_ASKED_YET)
    try:
        return msgspec.json.decode(body, type=Evidence)
    except msgspec.DecodeError as error:
        raise Rejected(Reason.STORE, "stored evidence cannot be read any more") from error


def conversation_of(row: Row[Any]) -> Conversation:
    """Return the conversation reference of a row with the columns of `conversations`."""
    return Conversation(
        id=row.teams_id,
        kind=ConversationKind(row.conversation_kind),
        service_url=row.service_url,
        tenant_id=row.tenant_id,
        bot_id=row.bot_id,
        team_id=row.team_id,
        user_object_id=row.user_object_id,
        name=row.name,
    )


def notification_of(row: Row[Any], owner: str, now: datetime) -> Notification:
    """Return the notification as it stands after the claim of a row read before it."""
    return Notification(
        incident_key=row.incident_key or "",
        conversation=conversation_of(row),
        state=NotificationState(row.state),
        activity_id=row.activity_id,
        **_claim_of(row, owner, now),
    )


def look_of(row: Row[Any], owner: str, now: datetime) -> Look:
    """Return the look as it stands after the claim of a row read before it."""
    return Look(incident_key=row.incident_key, kind=LookKind(row.kind), **_claim_of(row, owner, now))


def chore_of(row: Row[Any], owner: str, now: datetime) -> Chore:
    """Return the chore as it stands after the claim of a row read before it."""
    return Chore(kind=ChoreKind(row.kind), **_claim_of(row, owner, now))


def _claim_of(row: Row[Any], owner: str, now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "attempt": row.attempt + 1,
        "owner": owner,
        "claim": row.claims + 1,
        "due_at": row.due_at,
        "claimed_at": now,
        "taken_over": row.owner is not None,
    }

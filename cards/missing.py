"""Why there is no evidence, in one calm sentence each: what is known, what is not, what happens next."""

from __future__ import annotations

from audit.evidence import Evidence, Missing
from cards.text import Times

#: What is not known, and what to do about it where nobody will ask again.
SENTENCES: dict[Missing, tuple[str, str]] = {
    Missing.NOT_ASKED_YET: (
        "The audit log has not been asked yet.",
        "This card will be updated.",
    ),
    Missing.TEST: (
        "This is a test notification from Azure: nothing happened on a cluster, so there is nothing to ask the audit log for.",
        "If you can read this, alerts arrive here.",
    ),
    Missing.NOT_A_LOG_ALERT: (
        "This alert does not come from a log query, so the audit log was not asked.",
        "What the alert itself says stands below.",
    ),
    Missing.INSIDE_THE_ALERT: (
        "This alert brought its rows with it, so the audit log was not asked.",
        "The rows stand below.",
    ),
    Missing.NO_WORKSPACE: (
        "No configured workspace holds the audit log of what this alert is about, so it was not asked.",
        "Add the workspace to the bot's settings, or look in the portal.",
    ),
    Missing.TOO_OLD: (
        "The alert fired too long ago for the audit log to be asked.",
        "Run the alert's query in the portal.",
    ),
    Missing.IN_THE_FUTURE: (
        "The alert says that it fired in the future, so the audit log was not asked.",
        "Check the clock of what sent it.",
    ),
    Missing.NO_WINDOW: (
        "The alert does not say which window of time it is about, so the audit log was not asked.",
        "Run the alert's query in the portal.",
    ),
    Missing.REFUSED_QUERY: (
        "The alert's query is not one that this bot runs, so the audit log was not asked.",
        "Run the alert's query in the portal.",
    ),
    Missing.NOT_EVENTS: (
        "The alert's query does not return audit events, so who did what cannot be shown.",
        "Run the alert's query in the portal.",
    ),
    Missing.TIMED_OUT: (
        "The audit log did not answer in time.",
        "Ask by chat, or look in the portal.",
    ),
    Missing.THROTTLED: (
        "The audit log turned the question away: it is being asked too much at the moment.",
        "Ask by chat in a few minutes.",
    ),
    Missing.UNAVAILABLE: (
        "The audit log could not be reached.",
        "Ask by chat in a few minutes, or look in the portal.",
    ),
    Missing.FORBIDDEN: (
        "The bot may not read this workspace, or it does not exist.",
        "Give the bot's identity the role Log Analytics Reader on it.",
    ),
    Missing.BAD_QUERY: (
        "The workspace did not accept the question.",
        "Run the alert's query in the portal.",
    ),
    Missing.GARBAGE: (
        "The audit log answered something that could not be understood.",
        "Look in the portal.",
    ),
    Missing.TOO_LARGE: (
        "The audit log's answer was too large to be read.",
        "Ask by chat for a shorter time, or look in the portal.",
    ),
    Missing.BASIC_PLAN: (
        "The table that holds the audit log is on a Basic plan, which this bot cannot ask.",
        "Set the table to the Analytics plan, or search it in the portal.",
    ),
    Missing.NO_TABLE: (
        "The workspace does not have the table, or the column, that the alert's query names.",
        "Run the alert's query in the portal. Audit events come with a cluster's diagnostic setting for kube-audit-admin.",
    ),
    Missing.WRONG_WORKSPACE: (
        "The workspace that is configured for this alert was not found.",
        "Correct its id in the bot's settings.",
    ),
}
_BELOW = "What the query returns stands below."


def not_known(missing: Missing) -> str:
    """Say what is not known."""
    return SENTENCES[missing][0]


def what_next(evidence: Evidence, times: Times) -> str:
    """Say what happens next: asked again until a time, or what there is to do."""
    advice = SENTENCES[evidence.missing][1] if evidence.missing else ""
    if evidence.missing is Missing.NOT_EVENTS and evidence.table is not None:
        advice = _BELOW
    if not evidence.again_until:
        return advice
    again = f"Trying again until {times.at(evidence.again_until)}; this card will be updated."
    # Time alone does not grant a role: somebody has to be told.
    return f"{advice} {again}" if evidence.missing is Missing.FORBIDDEN else again

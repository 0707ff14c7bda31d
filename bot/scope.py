"""What may be asked of which workspace: the settings decide, an alert only selects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from audit.alert import Alert, AlertKind
from audit.evidence import Missing
from audit.filter import Window
from audit.origin import Origin, target_workspace_id
from bot.ports import Workspace

#: Alerts outside these two are shown but nothing is asked for them: a replayed body must not cost a query.
OLDEST_ALERT = timedelta(hours=24)
FUTURE_ALERT = timedelta(minutes=10)
#: No workspace keeps rows for longer; a window at the very ends of the calendar could not even be widened.
#: https://learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure
RETENTION = timedelta(days=12 * 366)
#: What is asked for of a longer window is its end.
LONGEST_WINDOW = timedelta(hours=24)


def workspace_for(alert: Alert, workspaces: Sequence[Workspace]) -> Workspace | None:
    """Pick from the configured workspaces the one that holds the log of what the alert is about.

    The payload only selects from that list. The longest matching entry wins; case does not matter. An alert of our own
    names its workspace.
    """
    if alert.origin is not Origin.AZURE:
        named = target_workspace_id(alert.targets)
        return next((each for each in workspaces if named and each.id.lower() == named), None)
    best: tuple[int, Workspace] | None = None
    for target in alert.targets:
        path = target.lower().rstrip("/") + "/"
        for workspace in workspaces:
            for held in (*workspace.holds, workspace.resource_id):
                prefix = held.lower().rstrip("/") + "/"
                if held and path.startswith(prefix) and (best is None or len(prefix) > best[0]):
                    best = len(prefix), workspace
    return best[1] if best else None


def why_not_asked(alert: Alert, now: datetime) -> Missing | None:
    """Decide by the alert alone whether there is anything to ask, and why not."""
    if alert.is_test:
        return Missing.TEST
    if alert.results:
        return Missing.INSIDE_THE_ALERT
    if alert.kind not in {AlertKind.LOG_V1, AlertKind.LOG_V2}:
        return Missing.NOT_A_LOG_ALERT
    if not alert.window or not alert.criteria:
        return Missing.NO_WINDOW
    # Some kinds do not say when they fired; their window then tells how old they are.
    fired = alert.fired_at or alert.window.end
    if alert.origin is not Origin.AZURE:
        # Nobody can replay it: it came from somebody who may ask, and its window from a question that was answered.
        fired = now
    if fired < now - OLDEST_ALERT or alert.window.end < now - RETENTION:
        return Missing.TOO_OLD
    if fired > now + FUTURE_ALERT or alert.window.end > now + RETENTION:
        return Missing.IN_THE_FUTURE
    return None


def clamped(window: Window, origin: Origin = Origin.AZURE) -> tuple[Window, str]:
    """Return the end of a window that would cost the workspace too much, and a sentence that says so.

    The window of a question was allowed when that was asked.
    """
    if window.length <= LONGEST_WINDOW or origin is not Origin.AZURE:
        return window, ""
    cut = Window(start=window.end - LONGEST_WINDOW, end=window.end)
    return (
        cut,
        f"The alert's window is {window.length / timedelta(hours=1):g} hours long; its last 24 hours were asked for.",
    )

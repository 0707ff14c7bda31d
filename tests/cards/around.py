"""Storms, trails, the bot's own state and answers to make cards of, beside the material of incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.incident import Incident, State
from cards.before import SeenBefore
from cards.status import Status, Waiting, Watching
from cards.trail import TrailLine
from tests.cards import material as m


def a_storm(count: int, *, rules: int = 4, clusters: int = 7, first: int = 41) -> list[Incident]:
    """Return so many incidents in the order of their numbers; a sixth of them acknowledged, a sixth over."""
    become: dict[int, dict[str, object]] = {
        3: {"state": State.ACKNOWLEDGED, "acknowledgement": m.BOB},
        5: {"state": State.RESOLVED, "resolved_at": m.at("09:58:00")},
    }
    return [
        m.an_incident(
            number=first + n,
            key=f"{n:032x}",
            rule=f"AKS-Rule-{n % rules}",
            severity=f"Sev{(n * 2 + 1) % rules % 5}",
            subject_id=f"{m.CLUSTER}-{n % clusters}",
            subject_name=f"prod-{n % clusters}",
            opened_at=m.FIRED + timedelta(seconds=n),
            alert_count=1 + n % 3,
            **become.get(n % 6, {}),
        )
        for n in range(count)
    ]


def a_step(clock: str, step: str, subject: str = "", seconds: float | None = None, **more: Any) -> TrailLine:
    return TrailLine(at=m.at(clock), step=step, subject=subject, seconds=seconds, **more)


TRAIL = (
    a_step("09:38:59", "received", "Fired", 0.0121, reason="opened"),
    a_step("09:38:59", "claimed", "alert", 0.004, attempt=1),
    a_step("09:39:29", "asked", "alert", 30.0, attempt=1, reason="timed out"),
    a_step("09:39:29", "claimed", "General", 0.003, attempt=1),
    a_step("09:39:30", "put off", "General", 0.21, attempt=1, reason="throttled"),
    a_step("09:39:33", "taken over", "General", 1.2, attempt=2),
    a_step("09:39:33", "posted", "General", 0.31, attempt=2, reason="ok"),
    a_step("09:41:07", "acknowledged", "Bob Lee"),
    a_step("09:41:08", "updated", "General", 0.18, attempt=1, reason="ok"),
    a_step("09:44:10", "failed", "ops", 0.1, attempt=1, reason="forbidden"),
)


def waiting(what: str, due: int = 0, *, since: datetime | None = None, **more: int) -> Waiting:
    fields = {"held": 0, "failed": 0} | more
    return Waiting(what=(what, f"{what}s"), due=due, oldest_due_at=since, **fields)


def a_status(**changes: object) -> Status:
    fields: dict[str, object] = {
        "at": m.at("10:02:11"),
        "since": m.at("06:00:00"),
        "workspaces": ("prod-law", "test-law"),
        "conversations": ("General", "ops"),
        "waiting": (waiting("card", 2, since=m.at("10:02:10"), held=1), waiting("question")),
        "watching": Watching(last=m.at("10:00:00")),
    }
    return Status(**(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


IN_TROUBLE = a_status(
    conversations=(),
    waiting=(
        waiting("card", 12, since=m.at("09:40:00"), failed=3),
        waiting("question", 1, since=m.at("10:02:00")),
    ),
    watching=Watching(problem="The bot's identity needs the role Monitoring Reader to look for them."),
)


@dataclass(frozen=True, kw_only=True)
class Answered:
    question: str
    lines: tuple[str, ...] = ()
    mark: str = "known"


ANSWERS = (
    Answered(question="What happened", lines=("opened a shell in pod shop/web-1", "succeeded 101")),
    Answered(question="When", lines=("2022-05-19 09:36:40.114 UTC",)),
    Answered(question="Who", lines=("masterclient, local admin",), mark="not in this table"),
    Answered(question="On what", mark="cut off"),
)
SEEN = (
    SeenBefore(
        number=9,
        opened_at=m.FIRED - timedelta(days=3),
        what="Cluster DNS was rewritten",
        state="resolved",
        acknowledged_by="Bob Lee",
        acknowledged_at=m.FIRED - timedelta(days=3) + timedelta(minutes=2),
    ),
    SeenBefore(
        number=4, opened_at=m.FIRED - timedelta(days=12), what="Cluster DNS was rewritten", state="fired"
    ),
)

"""The sandbox's action group: posts the sample alert to the bot, and the Resolved that belongs to it."""

from __future__ import annotations

import copy
import json
import time
import uuid
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp

from sandbox.alerts_management import AlertsList
from sandbox.run import Clock, Kind, Run, iso

#: How long an action group's first call waits, in seconds.
PATIENCE = 10.0
_TEXT = 300


class CannotResolve(Exception):
    """There is nothing that a Resolved would belong to. The text is one sentence."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the bot answered: HTTP's status (0 for no answer), how long it took, and its own words, shortened."""

    status: int
    ms: float
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return all fields by name."""
        return asdict(self)


class Alarm:
    """Sends `body` as Azure Monitor does: times as in the file, so that its evidence is found; a fresh id each time.

    `alerts_url` is the bot's webhook without credentials. A body that is not of the common alert schema is sent as
    it is. `listed` has what was fired, whether or not anybody answered. https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        alerts_url: str,
        secret: str,
        body: bytes,
        run: Run,
        clock: Clock,
        listed: AlertsList | None = None,
    ) -> None:
        self._session = session
        self._alerts_url = alerts_url
        self._secret = secret
        self._body = body
        self._run = run
        self._clock = clock
        self._listed = listed or AlertsList(clock)
        self._sample = _common(body)
        self._firing: list[dict[str, Any]] = []

    @property
    def rule(self) -> str:
        """The alert rule's name; "" where the body has none."""
        return str(_essentials(self._sample).get("alertRule") or "")

    @property
    def title(self) -> str:
        """The rule and the first resource that it is about, for a button or a line."""
        return _title(self._sample)

    async def fire(self, body: bytes | None = None) -> Sent:
        """Post the alert, or another `body`, as a new one."""
        alert = copy.deepcopy(self._sample) if body is None else _common(body)
        if alert is None:
            return await self._post(body or self._body, f"Alert fired: {self.title}")
        essentials = _essentials(alert)
        origin = str(essentials.get("alertId") or "").rpartition("/")[0]
        essentials["alertId"] = f"{origin}/{uuid.uuid4()}" if origin else str(uuid.uuid4())
        essentials["monitorCondition"] = "Fired"
        self._firing.append(alert)
        self._listed.fired(alert)
        return await self._post(json.dumps(alert).encode(), f"Alert fired: {_title(alert)}")

    async def resolve(self) -> Sent:
        """Post the Resolved of every alert that is firing; return the last answer. Raises CannotResolve."""
        if not self._firing:
            why = "Nothing is firing."
            if self._sample is None:
                why = "Only an alert of the common alert schema can be resolved here."
            raise CannotResolve(why)
        for alert in self._firing:
            self._listed.resolved(str(_essentials(alert)["alertId"]))
        sent = [
            await self._post(self._resolved(alert), f"Alert resolved: {_title(alert)}")
            for alert in self._firing
        ]
        self._firing.clear()
        return sent[-1]

    def _resolved(self, fired: dict[str, Any]) -> bytes:
        alert = copy.deepcopy(fired)
        essentials = _essentials(alert)
        essentials["monitorCondition"] = "Resolved"
        essentials["resolvedDateTime"] = iso(self._clock.now())
        for criterion in _criteria(alert):
            # By Azure's design: a log alert is resolved by time, not by a measurement.
            criterion["metricValue"] = None
        return json.dumps(alert).encode()

    async def _post(self, body: bytes, title: str) -> Sent:
        started = time.perf_counter()
        status, text = 0, ""
        credentials = aiohttp.encode_basic_auth("azure", self._secret, "utf-8")
        try:
            async with self._session.post(
                self._alerts_url,
                data=body,
                headers={"Content-Type": "application/json; charset=utf-8", "Authorization": credentials},
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
            ) as response:
                text = (await response.text(errors="replace"))[:_TEXT]
                status = response.status
        except TimeoutError:
            text = f"The bot did not answer within {PATIENCE:g} s."
        except aiohttp.ClientError as error:
            text = f"The bot cannot be reached: {type(error).__name__}."
        ms = round((time.perf_counter() - started) * 1000, 1)
        self._run.add(Kind.WEBHOOK, title, detail={"answer": text}, ms=ms, status=status, bytes=len(body))
        return Sent(status=status, ms=ms, text=text)


def _common(body: bytes) -> dict[str, Any] | None:
    """Return the body if its essentials are where the common alert schema has them."""
    try:
        alert = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return alert if isinstance(alert, dict) and _essentials(alert) else None


def _title(alert: dict[str, Any] | None) -> str:
    rule, targets = _essentials(alert).get("alertRule"), _essentials(alert).get("alertTargetIDs")
    target = str(targets[0]).rstrip("/").rpartition("/")[2] if isinstance(targets, list) and targets else ""
    return " · ".join(part for part in (str(rule or ""), target) if part) or "Alert"


def _essentials(alert: dict[str, Any] | None) -> dict[str, Any]:
    data = alert.get("data") if alert else None
    essentials = data.get("essentials") if isinstance(data, dict) else None
    return essentials if isinstance(essentials, dict) else {}


def _criteria(alert: dict[str, Any]) -> list[dict[str, Any]]:
    found: Any = alert
    for key in ("data", "alertContext", "condition", "allOf"):
        found = found.get(key) if isinstance(found, dict) else None
    return (
        [criterion for criterion in found if isinstance(criterion, dict)] if isinstance(found, list) else []
    )

"""Azure Monitor's own list of fired alerts: what was fired stands there, whether or not the bot could be reached.

https://learn.microsoft.com/rest/api/monitor/alertsmanagement/alerts/get-all
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from sandbox.issuer import InvalidToken
from sandbox.run import Clock, iso
from sandbox.tally import Tally
from sandbox.wire import Failure
from sandbox.workspace_faults import Faults
from sandbox.workspace_replies import failed, meet, send, unauthorized

#: What a token for Azure Resource Manager is for.
AUDIENCE: Final = "https://management.azure.com"
#: Alerts a page: at most, at most with their context, and where nothing is said.
_MOST, _MOST_WITH_CONTEXT, _USUAL = 250, 25, 25
_SPANS: Final = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
_RULES: Final = {"Platform": "metricalerts", "Activity Log": "activitylogalerts"}

#: Takes the Authorization header (None: there was none) and the audience; raises InvalidToken.
TokenCheck = Callable[[str | None, str], object]
Heard = Callable[[str, int], object]
_ASKED: Final = "Azure's list of alerts was asked for"


class AlertsList:
    """Every alert that was fired, by its id; Azure forgets one after 30 days, this list does not."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: dict[str, dict[str, Any]] = {}

    def fired(self, body: Mapping[str, Any]) -> None:
        """List what fires with this webhook body of the common alert schema: as of now, whatever it says."""
        item = _item(body["data"], iso(self._clock.now()))
        self._items[_name(item["id"])] = item

    def resolved(self, alert_id: str) -> None:
        """Let the alert with this id, as the webhook writes it, be resolved now."""
        item, now = self._items[_name(alert_id)], iso(self._clock.now())
        changes = {
            "monitorCondition": "Resolved",
            "lastModifiedDateTime": now,
            "monitorConditionResolvedDateTime": now,
        }
        item["properties"]["essentials"] = item["properties"]["essentials"] | changes

    def items(self) -> list[dict[str, Any]]:
        """Return everything as the service lists it, last changed first."""
        return sorted(self._items.values(), key=_changed, reverse=True)


def alerts_management_app(
    alerts: AlertsList,
    *,
    tokens: TokenCheck,
    clock: Clock,
    faults: Faults,
    heard: Heard = lambda _title, _status: None,
) -> web.Application:
    """Make the application, to be mounted in the place of Azure Resource Manager's address.

    `faults` are those of sandbox.workspace_faults. `heard` is told of every call: a sentence and its status.
    """
    api = _Api(alerts, tokens, clock, faults, heard)
    app = web.Application()
    app.router.add_get(
        "/{scope:.+}/providers/Microsoft.AlertsManagement/alerts", api.answer, allow_head=False
    )
    return app


class _Api:
    def __init__(
        self, alerts: AlertsList, tokens: TokenCheck, clock: Clock, faults: Faults, heard: Heard
    ) -> None:
        self._alerts = alerts
        self._tokens = tokens
        self._clock = clock
        self._faults = faults
        self._heard = heard
        # One question of the bot is several calls: one for each scope and page.
        self._answered = Tally(self._say_answered)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one page."""
        try:
            self._authorize(request)
            fault = await meet(self._faults.take())
            if fault is not None:
                self._heard(_ASKED, fault.status)
                return await send(request, fault)
            page = self._page(request)
        except Failure as failure:
            self._heard(f"{_ASKED}: {failure}", failure.status)
            return await send(request, failed(failure))
        self._answered.add(len(page["value"]))
        return web.json_response(page, dumps=lambda value: orjson.dumps(value).decode())

    def _say_answered(self, times: int, alerts: int) -> None:
        often = "" if times == 1 else f" {times} times"
        listed = "none" if not alerts else f"{alerts} alert{'' if alerts == 1 else 's'}"
        self._heard(f"{_ASKED}{often}: {listed} listed", HTTPStatus.OK)

    def _authorize(self, request: web.Request) -> None:
        try:
            self._tokens(request.headers.get("Authorization"), AUDIENCE)
        except InvalidToken as error:
            raise unauthorized(error.reason) from None

    def _page(self, request: web.Request) -> dict[str, Any]:
        query = request.query
        if not query.get("api-version"):
            raise _bad("MissingApiVersionParameter", "The api-version query parameter is required.")
        with_context = query.get("includeContext", "false").lower() == "true"
        size, skip = _size(query, with_context=with_context), _number(query.get("ctoken", "0"))
        found = self._found(request)
        page: dict[str, Any] = {"value": [_shown(item, with_context) for item in found[skip : skip + size]]}
        if skip + size < len(found):
            page["nextLink"] = str(request.url.update_query(ctoken=str(skip + size)))
        return page

    def _found(self, request: web.Request) -> list[dict[str, Any]]:
        scope, query = f"/{request.match_info['scope']}/".lower(), request.query
        # The least that the documents promise: a range of time is one of when an alert fired.
        start = iso(self._clock.now() - _span(query))
        found = [
            item
            for item in self._alerts.items()
            if item["id"].lower().startswith(scope)
            and item["properties"]["essentials"]["startDateTime"] >= start
        ]
        by = query.get("sortBy", "lastModifiedDateTime")
        if by not in {"lastModifiedDateTime", "startDateTime"}:
            raise _bad("BadRequest", f"The sandbox cannot sort by {by}.")
        found.sort(
            key=lambda item: str(item["properties"]["essentials"][by]),
            reverse=query.get("sortOrder", "desc") == "desc",
        )
        return found


def _item(data: Mapping[str, Any], now: str) -> dict[str, Any]:
    essentials = data["essentials"]
    targets = essentials.get("alertTargetIDs") or [""]
    target, alert_id = str(targets[0]), str(essentials["alertId"])
    service, rule = str(essentials.get("monitoringService") or ""), str(essentials.get("alertRule") or "")
    group = re.match(r"/subscriptions/[^/]+/resourcegroups/[^/]+", target, re.IGNORECASE)
    kind = next((path for name, path in _RULES.items() if service.startswith(name)), "scheduledqueryrules")
    return {
        # The list has the resource in the id, the webhook has not.
        "id": f"{target}/providers/Microsoft.AlertsManagement/alerts/{_name(alert_id)}"
        if group
        else alert_id,
        "type": "Microsoft.AlertsManagement/alerts",
        "name": rule,
        "properties": {
            "essentials": {
                "severity": essentials.get("severity"),
                "signalType": essentials.get("signalType"),
                "alertState": "New",
                "monitorCondition": "Fired",
                "monitorService": service.replace("Activity Log - ", "ActivityLog "),
                "targetResource": target,
                "targetResourceName": target.rpartition("/")[2],
                "alertRule": f"{group[0] if group else ''}/providers/microsoft.insights/{kind}/{rule.lower()}",
                "sourceCreatedId": essentials.get("originAlertId"),
                "startDateTime": now,
                "lastModifiedDateTime": now,
                "monitorConditionResolvedDateTime": "",
                "lastModifiedUserName": "System",
                "actionStatus": {"isSuppressed": False},
                "description": essentials.get("description"),
            },
            "context": _context(service, data.get("alertContext") or {}),
            "customProperties": data.get("customProperties"),
        },
    }


def _context(service: str, context: Mapping[str, Any]) -> Mapping[str, Any]:
    """Wrap the context as the list has it: as in a webhook without the common schema; V1's log alerts are plain."""
    if service.startswith("Activity Log"):
        return {"status": "Activated", "context": {"activityLog": context}}
    if "SearchQuery" in context:
        return context
    return {
        "version": "2.0",
        "status": "Activated",
        "properties": context.get("properties"),
        "context": context,
    }


def _name(alert_id: str) -> str:
    return alert_id.rpartition("/")[2]


def _changed(item: Mapping[str, Any]) -> str:
    return str(item["properties"]["essentials"]["lastModifiedDateTime"])


def _shown(item: Mapping[str, Any], with_context: bool) -> Mapping[str, Any]:
    if with_context:
        return item
    return {**item, "properties": {"essentials": item["properties"]["essentials"]}}


def _span(query: Mapping[str, str]) -> timedelta:
    if "customTimeRange" in query:
        raise _bad("BadRequest", "The sandbox knows timeRange only.")
    span = _SPANS.get(query.get("timeRange", "1d"))
    if span is None:
        raise _bad("BadRequest", f"timeRange must be one of {', '.join(_SPANS)}.")
    return span


def _size(query: Mapping[str, str], *, with_context: bool) -> int:
    most = _MOST_WITH_CONTEXT if with_context else _MOST
    size = _number(query.get("pageCount", str(_USUAL)))
    if not 1 <= size <= most:
        raise _bad("BadRequest", f"Page count filter has to be between 1 and {most}.")
    return size


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise _bad("BadRequest", f"{text[:20]!r} is not a number.")
    return int(text)


def _bad(code: str, message: str) -> Failure:
    return Failure(400, code, message)

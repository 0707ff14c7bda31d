"""Azure Monitor's own list of fired alerts, read page by page.

https://learn.microsoft.com/rest/api/monitor/alertsmanagement/alerts/get-all
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import orjson
from yarl import URL

from audit.listed_alert import Listed, read_listed
from audit.untyped import at, items, text
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import ListedAlert, Workspace
from bot.teams import TokenSource

log = logging.getLogger(__name__)

#: What a token for Azure Resource Manager is for; other clouds have other addresses.
SCOPE = "https://management.azure.com/.default"
API_VERSION = "2019-03-01"
#: Alerts a page, at most, where their context comes along.
PAGE = 25
#: 10,000 alerts of one scope: beyond that the newest are read, and the log says so.
MAX_PAGES = 400
#: A page is 25 alerts of at most 256 KB.
MAX_BYTES = 8 * 1024 * 1024
DEADLINE = timedelta(minutes=5)
PAGE_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
#: How often one page is asked for again when there was too much to do, and how long is waited at most.
TRIES = 4
LONGEST_WAIT = timedelta(minutes=1)
DETAIL_LENGTH = 300
_LASTING = {
    400: Reason.BAD_REQUEST,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
}

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    body: bytes
    retry_after: str


class AzureAlerts:
    """FiredAlerts of one scope: a subscription, or a resource group of one.

    `endpoint` is Azure Resource Manager's address, without a slash at its end. Alerts whose actions a processing
    rule keeps back are left out: Azure was not to deliver them.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        tokens: TokenSource,
        scope: str,
        endpoint: str = "https://management.azure.com",
        deadline: timedelta = DEADLINE,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._scope = scope
        self._endpoint = URL(endpoint)
        self._deadline = deadline
        self._sleep = sleep

    async def since(self, start: datetime) -> Sequence[ListedAlert]:
        """Return what fired or was resolved since `start` (at most 30 days ago), what fired first in front.

        Raises Unavailable, or Rejected: FORBIDDEN without the role, NOT_FOUND for a scope that there is not.
        """
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                found = await self._changed_since(start)
        except TimeoutError:
            raise Unavailable(Reason.TIMED_OUT, "Azure's list of alerts took too long") from None
        wanted = sorted((one for one in found if not one.is_suppressed), key=lambda one: one.started_at)
        return [ListedAlert(alert_id=one.alert_id, fired=one.fired, resolved=one.resolved) for one in wanted]

    async def _changed_since(self, start: datetime) -> list[Listed]:
        """Read pages, last changed first, until one has nothing new.

        By the time of the last change rather than the API's ranges of time: those may go by the firing alone, and
        what fired before and was resolved since must be found too.
        """
        found: dict[str, Listed] = {}
        url: URL | None = self._first()
        for _ in range(MAX_PAGES):
            if url is None:
                break
            page = await self._page(url)
            read = [one for one in map(read_listed, items(page["value"])) if one is not None]
            new = [one for one in read if one.changed_at >= start]
            found.update((one.alert_id.lower(), one) for one in new)
            if read and not new:
                break
            url = self._next(page)
        else:
            log.error(
                "Azure lists more alerts than are read", extra={"scope": self._scope, "read": len(found)}
            )
        return list(found.values())

    def _first(self) -> URL:
        path = f"{self._endpoint.path.rstrip('/')}{self._scope}/providers/Microsoft.AlertsManagement/alerts"
        return self._endpoint.with_path(path).with_query(
            {
                "api-version": API_VERSION,
                "timeRange": "30d",
                "includeContext": "true",
                "pageCount": str(PAGE),
                "sortBy": "lastModifiedDateTime",
                "sortOrder": "desc",
            }
        )

    def _next(self, page: Mapping[str, Any]) -> URL | None:
        """Return the next page's address; our token goes there, so it must be where we asked first."""
        link = text(page.get("nextLink"))
        if not link:
            return None
        try:
            url = URL(link, encoded=True)
        except ValueError:
            raise _garbage() from None
        if (url.scheme, url.host, url.port) != (
            self._endpoint.scheme,
            self._endpoint.host,
            self._endpoint.port,
        ):
            raise Unavailable(Reason.GARBAGE, "the next page of Azure's list lies at another address")
        return url

    async def _page(self, url: URL) -> Mapping[str, Any]:
        for attempt in range(1, TRIES + 1):
            try:
                return _read(await self._ask(url))
            except Unavailable as failure:
                if failure.reason is not Reason.THROTTLED or attempt == TRIES:
                    raise
                asked = timedelta(seconds=2**attempt) if failure.retry_after is None else failure.retry_after
                if asked > LONGEST_WAIT:
                    raise
                await self._sleep(asked.total_seconds())
        raise AssertionError("the last try returns or raises")

    async def _ask(self, url: URL) -> _Answer:
        token = await self._tokens.token()
        answer = await self._once(url, token)
        if answer.status == 401:  # noqa: PLR2004 - the one code that a new token may mend
            answer = await self._once(url, await self._tokens.token(instead_of=token))
        return answer

    async def _once(self, url: URL, token: str) -> _Answer:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            async with self._session.get(
                url, headers=headers, timeout=PAGE_TIMEOUT, allow_redirects=False
            ) as response:
                body = await _bounded(response)
                return _Answer(
                    status=response.status, body=body, retry_after=response.headers.get("Retry-After", "")
                )
        except TimeoutError:
            raise Unavailable(Reason.TIMED_OUT, "Azure's list of alerts does not answer") from None
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            raise Unavailable(Reason.UNREACHABLE, type(failure).__name__) from None


def scopes(workspaces: Sequence[Workspace]) -> tuple[str, ...]:
    """Return where alerts of these workspaces can fire: subscriptions, and resource groups of other ones.

    In small letters. A role on the resource group is enough where a workspace's `holds` names nothing wider.
    """
    found = {
        "/".join(part.split("/")[: 5 if "/resourcegroups/" in part else 3])
        for workspace in workspaces
        for part in (f"{held}/".lower() for held in (*workspace.holds, workspace.resource_id) if held)
        if part.startswith("/subscriptions/")
    }
    whole = {scope for scope in found if scope.count("/") == 2}  # noqa: PLR2004 - /subscriptions/<id>
    return tuple(sorted(whole | {scope for scope in found if "/".join(scope.split("/")[:3]) not in whole}))


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unavailable(
                Reason.GARBAGE, f"a page of Azure's list is larger than {MAX_BYTES // 2**20} MiB"
            )
    return bytes(body)


def _read(answer: _Answer) -> Mapping[str, Any]:
    """Return the page of a success; raise what a failure means."""
    if answer.status != 200:  # noqa: PLR2004 - the one code with a page
        raise _failure(answer)
    try:
        page = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise _garbage() from None
    if not isinstance(page, dict) or not isinstance(page.get("value"), list):
        raise _garbage()
    return page


def _garbage() -> Unavailable:
    return Unavailable(Reason.GARBAGE, "the answer is not Azure's list of alerts")


def _failure(answer: _Answer) -> OutsideError:
    detail = _words(answer.body)
    if answer.status in _LASTING:
        return Rejected(_LASTING[answer.status], detail)
    wait = re.fullmatch(r"[0-9]{1,5}", answer.retry_after)
    reasons = {401: Reason.UNAUTHORIZED, 429: Reason.THROTTLED, 504: Reason.TIMED_OUT}
    return Unavailable(
        reasons.get(answer.status, Reason.SERVER_ERROR),
        detail,
        retry_after=timedelta(seconds=int(wait[0])) if wait else None,
    )


def _words(body: bytes) -> str:
    """Return Azure's own sentence, shortened; "" where it has none."""
    try:
        return text(at(orjson.loads(body), "error", "message"), DETAIL_LENGTH)
    except orjson.JSONDecodeError:
        return ""

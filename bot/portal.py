"""Links into the Azure portal, of our own making: links out of an alert's payload are never shown."""

from __future__ import annotations

import base64
import gzip
from urllib.parse import quote

from audit.filter import Window

#: A query over three tables makes 2,700 characters; of these nearly all stand behind the #, which no server sees.
#: A longer one would take the place of events on the card, which has the KQL itself.
LONGEST = 4000


def logs_url(*, tenant_id: str, workspace_resource_id: str, kql: str, window: Window) -> str:
    """Return a link that opens this very query and window in Logs, or "" where no such link can be made.

    Form: https://learn.microsoft.com/azure/azure-monitor/logs/queries?tabs=share - the query is
    gzipped, base64, percent-encoded.
    """
    if not workspace_resource_id or not kql:
        return ""
    packed = base64.b64encode(gzip.compress(kql.encode(), mtime=0)).decode()
    span = f"{window.start:%Y-%m-%dT%H:%M:%S.%fZ}/{window.end:%Y-%m-%dT%H:%M:%S.%fZ}"
    link = (
        f"https://portal.azure.com/#@{quote(tenant_id, safe='')}/blade/Microsoft_Azure_Monitoring_Logs/LogsBlade"
        f"/resourceId/{quote(workspace_resource_id, safe='')}/source/LogsBlade.AnalyticsShareLinkToQuery"
        f"/q/{quote(packed, safe='')}/timespan/{quote(span, safe='')}"
    )
    return link if len(link) <= LONGEST else ""

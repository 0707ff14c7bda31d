from __future__ import annotations

import base64
import gzip
import random
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from audit.filter import Window
from bot.portal import logs_url
from tests.fakes import NOW

WINDOW = Window(start=NOW - timedelta(minutes=5), end=NOW)
ID = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w"


def link(kql: str) -> str:
    return logs_url(tenant_id="t", workspace_resource_id=ID, kql=kql, window=WINDOW)


def test_the_link_opens_that_very_query_and_window() -> None:
    url = link('AKSAudit | where Verb == "create"')
    assert urlsplit(url).netloc == "portal.azure.com"
    fragment = urlsplit(url).fragment
    packed = unquote(fragment.split("/q/")[1].split("/")[0])
    assert gzip.decompress(base64.b64decode(packed)).decode() == 'AKSAudit | where Verb == "create"'
    assert (
        unquote(fragment.split("/timespan/")[1]) == "2026-03-04T09:33:59.000000Z/2026-03-04T09:38:59.000000Z"
    )


def test_there_is_no_link_where_none_can_work() -> None:
    assert logs_url(tenant_id="t", workspace_resource_id="", kql="x", window=WINDOW) == ""
    assert link("") == ""
    too_long_even_packed = random.Random(1).randbytes(3000).hex()
    assert link(too_long_even_packed) == ""

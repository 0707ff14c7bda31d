"""The same story on PostgreSQL: the code is one, the database is another."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.check import text_of
from tests.flows.laptop import laptop
from tests.flows.reading import click, incident, say, saying
from tests.postgres import fresh_database, needs_postgres, postgres_server


@pytest.mark.postgres
async def test_an_alert_is_told_acknowledged_and_asked_about(tmp_path: Path) -> None:
    needs_postgres()
    with postgres_server() as server:
        async with fresh_database(server) as url, laptop(tmp_path, database_url=url) as it:
            assert (await it.page.call("fire"))["status"] == 202
            message = await it.see(incident)
            assert "workspace returned 6" in text_of(message["card"])
            await click(it, "Bob", "Acknowledge", message)
            await it.see(saying("Acknowledged by Bob Lee"))
            await it.see(saying("Since then, until"))
            await say(it, "Alice", "audits coredns last 1h")
            await it.see(saying("9 events by 2 people"))

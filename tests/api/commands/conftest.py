"""A database with something due and something given up, on either engine, and the commands run on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.commands import main
from tests.api.test_settings import GOOD
from tests.environment import environment
from tests.postgres import fresh_database, postgres_missing, postgres_server


@dataclass(frozen=True, kw_only=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    if missing := postgres_missing():
        if environment().ci:
            pytest.fail(missing)
        pytest.skip(missing)
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/auditor.db"
        return
    async with fresh_database(request.getfixturevalue("server_url")) as made:
        yield made


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `python -m api` with these words on this database."""

    async def run(url: str, *words: str) -> Answer:
        capsys.readouterr()
        try:
            code = await asyncio.to_thread(main, words, GOOD | {"DATABASE_URL": url})
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        return Answer(code=code, out=told.out, err=told.err)

    return run

"""A database with something due and something given up, on either engine, and the commands run on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from api.commands import main
from tests.api.test_settings import GOOD


@dataclass(frozen=True, kw_only=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Awaitable[Answer]]


@pytest.fixture
def url(store_url: str) -> str:
    """The URL of an empty database."""
    return store_url


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

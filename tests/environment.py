"""What the tests take from the environment, read once and in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, kw_only=True)
class Environment:
    #: A PostgreSQL server whose user may create databases: each test makes its own and drops it.
    database_url: str
    #: What cannot run here is a failure there.
    ci: bool


@cache
def environment() -> Environment:
    """Return the environment as it was when first asked for."""
    variables = os.environ  # noqa: TID251 - the tests' one reader of the environment; production's is api.settings
    return Environment(
        database_url=variables.get("TEST_DATABASE_URL", ""),
        ci=variables.get("CI", "").lower() not in {"", "0", "false"},
    )

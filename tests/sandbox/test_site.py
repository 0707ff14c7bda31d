"""What stands on the sandbox's port besides its APIs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yarl

from sandbox.sight import Red, channel_id, person_id
from tests.flows.laptop import laptop


async def test_the_page_is_never_kept_and_never_framed(tmp_path: Path) -> None:
    async with (
        laptop(tmp_path, install=False) as it,
        it.session.get(it.settings.sandbox.url if it.settings.sandbox else "") as page,
    ):
        assert page.status == 200
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Content-Security-Policy"] == "frame-ancestors 'none'"


@pytest.mark.parametrize(
    "path",
    ["/npm/package.json", "/npm/..%2f..%2fpackage.json", "/page/..%2f..%2fREADME.md", "/page/", "/README.md"],
)
async def test_no_other_file_is_served(path: str, tmp_path: Path) -> None:
    async with laptop(tmp_path, install=False) as it:
        assert it.settings.sandbox is not None
        url = yarl.URL(f"{it.settings.sandbox.url}{path}", encoded=True)
        async with it.session.get(url) as answer:
            assert answer.status in {403, 404}
            assert "kubernetes-auditor" not in await answer.text()


def test_a_state_without_the_people_of_the_check_is_red() -> None:
    with pytest.raises(Red, match="lacks a person or channel"):
        person_id({"people": []}, "Alice Weber")
    with pytest.raises(Red, match="lacks a person or channel"):
        channel_id({"conversations": [{"id": "1", "name": "ops"}]}, "General")

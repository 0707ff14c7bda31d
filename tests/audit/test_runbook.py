from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.runbook import LONGEST_URL, runbook_url
from tests.bot.stage import an_alert

HOSTS = ("wiki.example.com", "docs.example.org")
URL = "https://wiki.example.com/runbooks/coredns"


def linked(properties: Mapping[str, str], hosts: tuple[str, ...] = HOSTS) -> str:
    return runbook_url(replace(an_alert(), custom_properties=properties), hosts)


@pytest.mark.parametrize(
    "name", ["runbook", "Runbook", "runbookUrl", "runbook_url", "RUNBOOK-URL", "runbook link", "playbook"]
)
def test_the_link_is_found_however_its_property_is_written(name: str) -> None:
    assert linked({"team": "platform", name: f" {URL} "}) == URL


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://WIKI.example.com:443/a?pageId=12345#Step-2",
        "https://docs.example.org/x?sourcedoc=%7B0a8f7b0e-2f57-4c0e-9f8e-3f3f6b1d2c3a%7D&action=default",
        "https://wiki.example.com/proxy/pods",
    ],
)
def test_a_link_to_a_listed_host_is_taken(url: str) -> None:
    assert linked({"runbook": url}) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "see the wiki",
        "http://wiki.example.com/",
        "javascript:alert(1)",
        "https://wiki.example.com.evil.example/",
        "https://evil.example/?https://wiki.example.com/",
        "https://sub.wiki.example.com/",
        "https://me:pw@wiki.example.com/",
        "https://wiki.example.com@evil.example/",
        "https://wiki.example.com\\@evil.example/",
        "https://wiki.example.com:8443/",
        "https://wiki.example.com:port/",
        "https://[wiki.example.com/",
        "https://wiki.example.com/a b",
        "https://wiki.example.com/\n/x",
        "https://wiki.example.com/\u202e",
        "https://wik\u0456.example.com/",
        "https://wiki.example.com/?sig=abc",
        "https://wiki.example.com/#access_token=abc",
        "https://wiki.example.com/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl",
        "https:///runbook",
        URL + "x" * LONGEST_URL,
    ],
)
def test_any_other_is_left_out(url: str) -> None:
    assert linked({"runbook": url}) == ""


def test_the_first_that_may_be_opened_counts() -> None:
    assert linked({"playbook": URL, "runbook": "https://evil.example/"}) == URL
    assert linked({"runbook": URL}, ()) == ""
    assert linked({}) == ""


@given(st.dictionaries(st.sampled_from(["runbook", "playbook", "runbook_url"]), st.text(max_size=300)))
def test_no_property_raises(properties: dict[str, str]) -> None:
    assert linked(properties) == "" or linked(properties).lower().startswith("https://")

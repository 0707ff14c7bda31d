from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from api.settings import BadSettings, Chat, Runbooks, Secret, Settings
from bot.ports import Limits
from tests.readme import table

GUID = "7d3c1c52-9a3e-4c88-8f0e-0a4a4c0d7e11"
OTHER = "1b2c3d4e-0000-4000-8000-00000000beef"
SECRET = "9f2c7b1e6a5d4830c1b2a3948576e0df"
PROD = f'{{"name": "prod", "id": "{GUID}", "holds": ["/subscriptions/{GUID}"]}}'
GOOD = {
    "BOT_APP_ID": GUID,
    "BOT_TENANT_ID": GUID,
    "BOT_APP_TYPE": "UserAssignedMSI",
    "ALERT_WEBHOOK_SECRET": SECRET,
    "WORKSPACES": f"[{PROD}]",
}


def problems(**changes: str | None) -> str:
    environ = {k: v for k, v in (GOOD | changes).items() if v is not None}
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ(environ)
    return str(caught.value)


def test_the_least_that_is_needed_is_enough() -> None:
    settings = Settings.from_environ(GOOD)
    assert settings.workspaces[0].holds == (f"/subscriptions/{GUID}",)
    assert settings.sandbox is None
    assert settings.bot.openid_metadata_url.startswith("https://login.botframework.com/")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ({})
    told = str(caught.value)
    for name in ("BOT_APP_ID", "BOT_TENANT_ID", "BOT_APP_TYPE", "ALERT_WEBHOOK_SECRET", "WORKSPACES"):
        assert name in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"BOT_APP_ID": "not-a-guid"}, "BOT_APP_ID must be a GUID"),
        ({"BOT_APP_ID": ""}, "BOT_APP_ID is not set"),
        ({"BOT_TENANT_ID": None}, "BOT_TENANT_ID is not set"),
        ({"BOT_APP_TYPE": "SingleTenent"}, "exactly one of"),
        ({"BOT_APP_TYPE": "MultiTenant"}, "exactly one of"),
        ({"BOT_APP_TYPE": "SingleTenant"}, "BOT_APP_PASSWORD"),
        ({"MicrosoftAppId": GUID}, "MicrosoftAppId is not read"),
        ({"APP_ID": GUID}, "APP_ID is not read"),
        ({"ALERT_WEBHOOK_SECRET": "short"}, "too weak"),
        ({"ALERT_WEBHOOK_SECRET": "a" * 40}, "too weak"),
        ({"ALERT_WEBHOOK_SECRET_PREVIOUS": "short"}, "ALERT_WEBHOOK_SECRET_PREVIOUS is too weak"),
        ({"PORT": "0"}, "PORT must be a port"),
        ({"PORT": "eighty"}, "PORT must be a port"),
        ({"PORT": "8081"}, "must differ"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must be sqlite:///FILE or"),
        ({"TIME_ZONE": "Mars/Olympus"}, "TIME_ZONE must be"),
        ({"TIME_ZONE": "../../etc/passwd"}, "TIME_ZONE must be"),
        ({"LOG_ANALYTICS_URL": "http://api.example.com"}, "must be an https address"),
        ({"MANAGEMENT_URL": "http://management.example.com"}, "MANAGEMENT_URL must be an https address"),
        ({"BOT_OPENID_METADATA_URL": "http://example.com"}, "must be an https address"),
        ({"WORKSPACES": "{"}, "WORKSPACES is not JSON"),
        ({"WORKSPACES": "[]"}, "at least one workspace"),
        ({"WORKSPACES": '["x"]'}, "WORKSPACES[0] must be an object"),
        ({"WORKSPACES": f'[{{"name": "a", "id": "{GUID}"}}]'}, "WORKSPACES[0] has no holds"),
        ({"WORKSPACES": f'[{{"name": "a", "id": "{GUID}", "holds": ["rg"]}}]'}, "begin with /subscriptions/"),
        ({"WORKSPACES": f'[{{"name": "a", "id": "{GUID}", "hold": []}}]'}, "unknown key 'hold'"),
        ({"RUNBOOK_HOSTS": "https://wiki.example.com"}, "RUNBOOK_HOSTS must be names of hosts"),
        ({"RUNBOOK_HOSTS": "*"}, "RUNBOOK_HOSTS must be names of hosts"),
        ({"RUNBOOK_URL": "http://wiki.example.com/x"}, "RUNBOOK_URL must be an https address"),
        ({"RUNBOOK_URL": "https://me:pw@wiki.example.com/x"}, "RUNBOOK_URL must be an https address"),
        ({"RUNBOOK_URL": "https://wiki.example.com/x?sig=abc"}, "RUNBOOK_URL must be an https address"),
        ({"RUNBOOK_URL": "wiki"}, "RUNBOOK_URL must be an https address"),
        ({"SANDBOX_CLOCK_OFFSET": "5"}, "sandbox's clock alone"),
        ({"SANDBOX_URL": "http://10.1.2.3:8800"}, "SANDBOX_URL must be http://127.0.0.1"),
        ({"SANDBOX_URL": "https://127.0.0.1:8800"}, "SANDBOX_URL must be http://127.0.0.1"),
        ({"SANDBOX_URL": "http://127.0.0.1:8800", "HOST": "0.0.0.0"}, "HOST must be 127.0.0.1"),
        ({"SANDBOX_URL": "http://127.0.0.1:8800", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "hosting platform"),
        ({"SANDBOX_URL": "http://127.0.0.1:8800", "SANDBOX_CLOCK_OFFSET": "soon"}, "number of seconds"),
        ({"SANDBOX_URL": "http://127.0.0.1:8800", "SANDBOX_CLOCK_OFFSET": "nan"}, "number of seconds"),
        ({"SANDBOX_URL": "http://127.0.0.1:8800", "SANDBOX_CLOCK_OFFSET": "1e13"}, "number of seconds"),
        ({"SANDBOX_URL": "http://[x"}, "SANDBOX_URL must be http://127.0.0.1"),
        ({"SANDBOX_URL": "http://127.0.0.1:x"}, "SANDBOX_URL must be http://127.0.0.1"),
        ({"PORT": "1" * 5000}, "PORT must be a port"),
        ({"PORT": "²"}, "PORT must be a port"),
        ({"HOST": ""}, "HOST must be"),
        ({"HOST": "."}, "HOST must be"),
        ({"HOST": "a" * 300}, "HOST must be"),
        ({"HOST": "http://0.0.0.0"}, "HOST must be"),
        ({"HOST": "[::1]"}, "HOST must be"),
        ({"DATABASE_URL": "postgresql://u:p@[h/d"}, "DATABASE_URL must be sqlite:///FILE or"),
        ({"DATABASE_URL": "postgresql://u:p@h:port/d"}, "DATABASE_URL must be sqlite:///FILE or"),
        ({"LOG_ANALYTICS_URL": "https://[x"}, "LOG_ANALYTICS_URL must be an https address"),
        ({"LOG_ANALYTICS_URL": "https://x:port"}, "LOG_ANALYTICS_URL must be an https address"),
        ({"LOG_ANALYTICS_URL": "https://user:pw@x"}, "LOG_ANALYTICS_URL must be an https address"),
        ({"BOT_OPENID_METADATA_URL": "https://[x"}, "must be an https address"),
        ({"SERVICE_HOSTS": "https://smba.example.com"}, "SERVICE_HOSTS must be"),
        ({"SERVICE_HOSTS": "*"}, "SERVICE_HOSTS must be"),
        ({"SERVICE_HOSTS": "a.example.com, *.com"}, "SERVICE_HOSTS must be"),
        ({"BOT_APP_TYPE": "WorkloadIdentity"}, "AZURE_FEDERATED_TOKEN_FILE"),
        ({"WORKSPACES": f"[{PROD}, {PROD}]"}, "two workspaces named 'prod'"),
    ],
)
def test_a_bad_value_gets_one_clear_sentence(changes: dict[str, str | None], told: str) -> None:
    assert told in problems(**changes)


def test_no_problem_shows_a_secret() -> None:
    told = problems(
        ALERT_WEBHOOK_SECRET="hunter2-hunter2", BOT_APP_ID="x", DATABASE_URL="mysql://u:hunter2@h/d"
    )
    assert "hunter2" not in told


def test_settings_print_no_secret() -> None:
    settings = Settings.from_environ(
        GOOD
        | {
            "BOT_APP_TYPE": "SingleTenant",
            "BOT_APP_PASSWORD": "pw-of-bot",
            "DATABASE_URL": "postgresql://u:pw@h/d",
        }
    )
    assert settings.bot.password.reveal() == "pw-of-bot"
    shown = f"{settings!r} {settings}"
    assert SECRET not in shown
    assert "pw" not in shown


def test_two_webhook_secrets_are_valid_while_one_is_changed() -> None:
    settings = Settings.from_environ(GOOD | {"ALERT_WEBHOOK_SECRET_PREVIOUS": SECRET[::-1]})
    assert settings.webhook.secrets == (Secret(SECRET), Secret(SECRET[::-1]))


def test_the_sandbox_binds_to_this_machine_and_moves_its_clock() -> None:
    settings = Settings.from_environ(
        GOOD | {"SANDBOX_URL": "http://127.0.0.1:8800", "SANDBOX_CLOCK_OFFSET": "-3600"}
    )
    assert settings.server.host == "127.0.0.1"
    assert settings.sandbox is not None
    assert settings.sandbox.clock_offset == timedelta(hours=-1)
    assert settings.log_analytics_url == "http://127.0.0.1:8800/workspace"
    assert settings.management_url == "http://127.0.0.1:8800/management"
    assert settings.bot.service_hosts == ("127.0.0.1:8800",)


def test_ids_are_compared_with_tokens_and_so_kept_in_small_letters() -> None:
    settings = Settings.from_environ(GOOD | {"BOT_APP_ID": GUID.upper(), "BOT_TENANT_ID": GUID.upper()})
    assert (settings.bot.app_id, settings.bot.tenant_id) == (GUID, GUID)


@pytest.mark.parametrize("host", ["127.0.0.1", "::", "::1", "localhost", "bot.example.com", "my_host-1"])
def test_a_host_is_an_address_or_a_name(host: str) -> None:
    assert Settings.from_environ(GOOD | {"HOST": host}).server.host == host


def test_further_hosts_of_the_connector_are_names_apart_by_commas_or_spaces() -> None:
    settings = Settings.from_environ(GOOD | {"SERVICE_HOSTS": "smba.Example.com,*.teams.example.us  x.y"})
    assert settings.bot.service_hosts == ("smba.example.com", "*.teams.example.us", "x.y")


def test_a_workload_identity_is_the_platforms_business() -> None:
    given = {"BOT_APP_TYPE": "WorkloadIdentity", "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/token"}
    assert Settings.from_environ(GOOD | given).bot.app_type == "WorkloadIdentity"


class Recording(Mapping[str, str]):
    """An environment that keeps what is asked of it; a mere `in` asks for no value."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self._given[name]

    def __contains__(self, name: object) -> bool:
        return name in self._given

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def test_the_readme_has_every_setting_and_no_other() -> None:
    read: set[str] = set()
    for more in ({}, {"SANDBOX_URL": "http://127.0.0.1:8800", "SANDBOX_CLOCK_OFFSET": "0"}):
        environ = Recording(GOOD | more)
        Settings.from_environ(environ)
        read |= environ.read
    assert {name for row in table("setting") for name in re.findall("`([A-Z_]+)`", row[0])} == read


def test_the_readmes_defaults_are_the_programs() -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in table("setting")}
    given = {name: value for name, value in told.items() if value and " " not in value and "'" not in value}
    assert set(given) >= {"DATABASE_URL", "TIME_ZONE", "HOST", "PORT", "HEALTH_PORT", "LOG_ANALYTICS_URL"}
    assert Settings.from_environ(GOOD | given) == Settings.from_environ(GOOD)


def test_runbooks_are_none_unless_set() -> None:
    assert Settings.from_environ(GOOD).runbooks == Runbooks()
    url = "https://Wiki.example.com/on-call?page=12#start"
    told = GOOD | {"RUNBOOK_HOSTS": "Wiki.example.com, docs.example.org", "RUNBOOK_URL": url}
    assert Settings.from_environ(told).runbooks == Runbooks(
        hosts=("wiki.example.com", "docs.example.org"), url=url
    )


def test_the_chat_is_for_every_member_unless_lists_are_set() -> None:
    assert Settings.from_environ(GOOD).chat == Chat()
    told = {"CHAT_ASKERS": f"{GUID.upper()}, {OTHER}", "CHAT_READERS": GUID, "CHAT_PER_PERSON": "1000"}
    chat = Settings.from_environ(GOOD | told).chat
    assert chat.askers == {GUID, OTHER}
    assert chat.readers == {GUID}
    assert chat.limits == Limits(per_person=1000)
    assert "CHAT_ASKERS must be object ids" in problems(CHAT_ASKERS="alice@contoso.com")
    assert "CHAT_LONGEST_DAYS must be a number from 1 to" in problems(CHAT_LONGEST_DAYS="0")

"""What the process is told from outside: read once, checked whole, frozen.

The only module that reads the environment. Every setting is in the README's table; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api import checks
from api.workspaces import read_workspaces
from audit.runbook import is_link
from bot.log_analytics import MOST_IN_SPAN
from bot.ports import Limits, Workspace
from bot.when import LONGEST_SPAN

APP_TYPES = ("SingleTenant", "UserAssignedMSI", "WorkloadIdentity")
SECRET_LENGTH = 32
#: Names of other bots' samples. Read by nobody here, they would leave people believing that they are set.
MISNAMED = {
    "MicrosoftAppId": "BOT_APP_ID",
    "MicrosoftAppPassword": "BOT_APP_PASSWORD",
    "MicrosoftAppType": "BOT_APP_TYPE",
    "MicrosoftAppTenantId": "BOT_TENANT_ID",
    "APP_ID": "BOT_APP_ID",
    "APP_PASSWORD": "BOT_APP_PASSWORD",
    "APP_TYPE": "BOT_APP_TYPE",
    "APP_TENANTID": "BOT_TENANT_ID",
}
#: Where workload identity's token lies: the platform sets it, and azure-identity reads it.
#: https://learn.microsoft.com/azure/aks/workload-identity-overview
TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - the name of a variable
#: Beyond this the sandbox's clock leaves the calendar.
FARTHEST_CLOCK = timedelta(days=36525)
#: Twelve years: what a workspace keeps at most, too.
LONGEST_KEPT = 4383
#: A question's window, and questions of a minute: beyond these a workspace is not asked by people.
MOST_DAYS = 90
MOST_QUESTIONS = 1_000_000
#: Set by the platforms on which a sandbox has no business.
HOSTED_SIGNS = ("KUBERNETES_SERVICE_HOST", "WEBSITE_INSTANCE_ID", "IDENTITY_ENDPOINT")


class BadSettings(Exception):
    """The environment cannot be worked with; `problems` has one sentence for each thing to mend."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """A string that prints as nothing; `reveal()` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where we listen. The second port has health alone and is never public."""

    host: str = "0.0.0.0"  # noqa: S104 - a container's port; the sandbox mode insists on loopback
    port: int = 8080
    health_port: int = 8081


@dataclass(frozen=True, kw_only=True)
class Bot:
    """The bot's Entra application and how it proves itself."""

    app_id: str
    tenant_id: str
    app_type: str
    #: For SingleTenant only.
    password: Secret
    openid_metadata_url: str
    #: Hosts that activities may name as their service URL; the bot's token is sent there.
    service_hosts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """What an action group must know. Two secrets are valid at once, so that one can be changed."""

    secrets: tuple[Secret, ...]


@dataclass(frozen=True, kw_only=True)
class Runbooks:
    """Where cards may lead to for what to do next."""

    #: Hosts (lower case) that a rule's custom properties may name, and the link for alerts whose rule gives none.
    hosts: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Chat:
    """Who may ask what, how far back, and how often."""

    #: Entra object ids (lower case) of those who may ask and act; empty for every member.
    askers: frozenset[str] = frozenset()
    #: Of those, who may see raw logs and ask about secrets; empty for all of them.
    readers: frozenset[str] = frozenset()
    #: The longest window of one question, and how far back it may begin.
    longest: timedelta = LONGEST_SPAN
    reach: timedelta = timedelta(days=30)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """Azure and Teams on this laptop, over http on loopback; None in production."""

    url: str
    #: What the sandbox's clock is ahead of the real one.
    clock_offset: timedelta


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole configuration."""

    server: Server
    bot: Bot
    webhook: Webhook
    database_url: Secret
    workspaces: tuple[Workspace, ...]
    log_analytics_url: str
    #: Queries that this process asks within 30 s at most, of all workspaces together.
    queries_in_half_a_minute: int
    #: Azure Resource Manager's address, where Azure Monitor lists its alerts.
    management_url: str
    #: The zone of times on shared cards.
    zone: ZoneInfo
    #: How long an incident is kept after its newest alert.
    keep: timedelta = timedelta(days=365)
    runbooks: Runbooks = Runbooks()
    chat: Chat = field(default_factory=Chat)
    sandbox: Sandbox | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check everything. Raises BadSettings with all problems at once, never a secret's value."""
        return _Reader(environ).settings()


class _Reader:
    """Reads typed values and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def settings(self) -> Settings:
        for wrong, right in MISNAMED.items():
            if wrong in self._environ:
                self._problem(f"{wrong} is not read by this program; set {right} instead.")
        sandbox = self._sandbox()
        settings = Settings(
            server=self._server(sandbox),
            bot=self._bot(sandbox),
            webhook=Webhook(secrets=self._webhook_secrets()),
            database_url=Secret(self._database_url()),
            workspaces=self._workspaces(),
            log_analytics_url=f"{sandbox.url}/workspace"
            if sandbox
            else self._https("LOG_ANALYTICS_URL", "https://api.loganalytics.io"),
            queries_in_half_a_minute=self._number("QUERIES_PER_HALF_MINUTE", MOST_IN_SPAN, MOST_QUESTIONS),
            management_url=f"{sandbox.url}/management"
            if sandbox
            else self._https("MANAGEMENT_URL", "https://management.azure.com"),
            zone=self._zone(),
            keep=timedelta(days=self._number("RETENTION_DAYS", 365, LONGEST_KEPT)),
            runbooks=self._runbooks(),
            chat=self._chat(),
            sandbox=sandbox,
        )
        if self._problems:
            raise BadSettings(tuple(self._problems))
        return settings

    def _problem(self, sentence: str) -> None:
        self._problems.append(sentence)

    def _text(self, name: str, default: str = "") -> str:
        return self._environ.get(name, default).strip()

    def _needed(self, name: str, what: str) -> str:
        value = self._text(name)
        if not value:
            self._problem(f"{name} is not set; it must be {what}.")
        return value

    def _guid(self, name: str, what: str) -> str:
        value = self._needed(name, what)
        if value and not checks.guid(value):
            self._problem(f"{name} must be a GUID, such as 00000000-0000-0000-0000-000000000000.")
        # Tokens have ids in small letters.
        return value.lower()

    def _port(self, name: str, default: int) -> int:
        value = self._text(name, str(default))
        if not checks.port(value):
            self._problem(f"{name} must be a port from 1 to 65535.")
            return default
        return int(value)

    def _number(self, name: str, default: int, most: int) -> int:
        value = self._text(name, str(default))
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= most):
            self._problem(f"{name} must be a number from 1 to {most}.")
            return default
        return int(value)

    def _https(self, name: str, default: str) -> str:
        value = self._text(name, default).rstrip("/")
        parts = checks.url(value)
        if parts is None or parts.scheme != "https":
            self._problem(f"{name} must be an https address.")
        return value

    def _server(self, sandbox: Sandbox | None) -> Server:
        host = self._text("HOST", "127.0.0.1" if sandbox else Server.host)
        if sandbox and not checks.loopback(host):
            self._problem(
                "HOST must be 127.0.0.1 while SANDBOX_URL is set: the sandbox is for this machine alone."
            )
        elif not checks.host(host):
            self._problem("HOST must be an address or a name of this machine, such as 0.0.0.0 or 127.0.0.1.")
        server = Server(
            host=host,
            port=self._port("PORT", Server.port),
            health_port=self._port("HEALTH_PORT", Server.health_port),
        )
        if server.port == server.health_port:
            self._problem("PORT and HEALTH_PORT must differ: health is never public.")
        return server

    def _bot(self, sandbox: Sandbox | None) -> Bot:
        password = Secret(self._text("BOT_APP_PASSWORD"))
        app_type = self._app_type(sandbox, has_password=bool(password))
        hosts: tuple[str, ...]
        if sandbox:
            metadata, hosts = (
                f"{sandbox.url}/login/.well-known/openidconfiguration",
                (urlsplit(sandbox.url).netloc,),
            )
        else:
            metadata = self._https(
                "BOT_OPENID_METADATA_URL", "https://login.botframework.com/v1/.well-known/openidconfiguration"
            )
            hosts = self._service_hosts()
        return Bot(
            app_id=self._guid("BOT_APP_ID", "the application (client) id of the bot"),
            tenant_id=self._guid("BOT_TENANT_ID", "the id of your Entra tenant"),
            app_type=app_type,
            password=password,
            openid_metadata_url=metadata,
            service_hosts=hosts,
        )

    def _app_type(self, sandbox: Sandbox | None, *, has_password: bool) -> str:
        """Check also that what this type proves itself with is there."""
        app_type = self._needed("BOT_APP_TYPE", f"one of {', '.join(APP_TYPES)}")
        if app_type and app_type not in APP_TYPES:
            self._problem(f"BOT_APP_TYPE must be exactly one of {', '.join(APP_TYPES)}.")
        if app_type == "SingleTenant" and not has_password:
            self._problem("BOT_APP_PASSWORD is not set; a SingleTenant bot needs its client secret.")
        if app_type == "WorkloadIdentity" and not sandbox and TOKEN_FILE not in self._environ:
            self._problem(
                f"{TOKEN_FILE} is not set; the cluster sets it for pods labelled azure.workload.identity/use."
            )
        return app_type

    def _listed(self, name: str) -> tuple[str, ...]:
        return tuple(h.lower() for h in re.split(r"[,\s]+", self._text(name)) if h)

    def _runbooks(self) -> Runbooks:
        hosts, url = self._listed("RUNBOOK_HOSTS"), self._text("RUNBOOK_URL")
        if not all(map(checks.host, hosts)):
            self._problem("RUNBOOK_HOSTS must be names of hosts apart by commas, such as wiki.example.com.")
        if url and not ((parts := checks.url(url)) and is_link(url, {parts.hostname or ""})):
            self._problem("RUNBOOK_URL must be an https address without credentials or secrets in it.")
        return Runbooks(hosts=hosts, url=url)

    def _service_hosts(self) -> tuple[str, ...]:
        hosts = self._listed("SERVICE_HOSTS")
        if not all(checks.service_host(h) for h in hosts):
            self._problem("SERVICE_HOSTS must be names of hosts apart by commas, such as smba.example.com.")
        return hosts

    def _webhook_secrets(self) -> tuple[Secret, ...]:
        self._needed("ALERT_WEBHOOK_SECRET", f"at least {SECRET_LENGTH} random characters")
        secrets = []
        for name in ("ALERT_WEBHOOK_SECRET", "ALERT_WEBHOOK_SECRET_PREVIOUS"):
            value = self._text(name)
            if value and (len(value) < SECRET_LENGTH or len(set(value)) < 8):  # noqa: PLR2004 - "xxxx…" is no secret
                self._problem(
                    f"{name} is too weak; make at least {SECRET_LENGTH} random characters, e.g. openssl rand -hex 32."
                )
            if value:
                secrets.append(Secret(value))
        return tuple(secrets)

    def _database_url(self) -> str:
        value = self._text("DATABASE_URL", "sqlite:///auditor.db")
        if not checks.database(value):
            self._problem(
                "DATABASE_URL must be sqlite:///FILE or postgresql://user:password@host/database; "
                "what is special in a password is percent-encoded."
            )
        return value

    def _zone(self) -> ZoneInfo:
        name = self._text("TIME_ZONE", "UTC")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._problem("TIME_ZONE must be a name of the IANA list, such as Europe/Berlin.")
            return ZoneInfo("UTC")

    def _workspaces(self) -> tuple[Workspace, ...]:
        text = self._needed(
            "WORKSPACES", 'JSON such as [{"name": "prod", "id": "<guid>", "holds": ["/subscriptions/…"]}]'
        )
        workspaces, problems = read_workspaces(text)
        self._problems.extend(problems)
        return workspaces

    def _chat(self) -> Chat:
        return Chat(
            askers=self._people("CHAT_ASKERS"),
            readers=self._people("CHAT_READERS"),
            longest=timedelta(days=self._number("CHAT_LONGEST_DAYS", Chat.longest.days, MOST_DAYS)),
            reach=timedelta(days=self._number("CHAT_REACH_DAYS", Chat.reach.days, LONGEST_KEPT)),
            limits=Limits(
                per_person=self._number("CHAT_PER_PERSON", Limits.per_person, MOST_QUESTIONS),
                per_conversation=self._number(
                    "CHAT_PER_CONVERSATION", Limits.per_conversation, MOST_QUESTIONS
                ),
            ),
        )

    def _people(self, name: str) -> frozenset[str]:
        people = self._listed(name)
        if not all(map(checks.guid, people)):
            self._problem(f"{name} must be object ids of people in Entra, GUIDs apart by commas.")
        return frozenset(people)

    def _sandbox(self) -> Sandbox | None:
        url = self._text("SANDBOX_URL").rstrip("/")
        offset = self._text("SANDBOX_CLOCK_OFFSET", "0")
        if not url:
            if "SANDBOX_CLOCK_OFFSET" in self._environ:
                self._problem(
                    "SANDBOX_CLOCK_OFFSET moves the sandbox's clock alone; unset it, or set SANDBOX_URL."
                )
            return None
        parts = checks.url(url)
        if parts is None or parts.scheme != "http" or not checks.loopback(parts.hostname or ""):
            self._problem("SANDBOX_URL must be http://127.0.0.1:PORT; the sandbox is for this machine alone.")
        for sign in HOSTED_SIGNS:
            if sign in self._environ:
                self._problem(f"SANDBOX_URL must not be set on a hosting platform ({sign} is set).")
        return Sandbox(url=url if parts else "", clock_offset=self._clock_offset(offset))

    def _clock_offset(self, text: str) -> timedelta:
        try:
            offset = timedelta(seconds=float(text))
        except (ValueError, OverflowError):
            offset = timedelta.max
        if abs(offset) <= FARTHEST_CLOCK:
            return offset
        self._problem("SANDBOX_CLOCK_OFFSET must be a number of seconds, of at most a hundred years.")
        return timedelta()

"""Lines that people type, and what the answers say: tested over HTTP, kept in samples/chat, shown in docs/chat.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.samples import ROOT

FOLDER = ROOT / "samples" / "chat"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line, typed by Bob, who is in Berlin, in General at 10:39 there (09:39 UTC) on Wednesday 4 March 2026 unless said otherwise."""

    #: The name of its file.
    name: str
    text: str
    #: What the answer's card says, in this order.
    says: tuple[str, ...]
    #: And what it does not say.
    never: tuple[str, ...] = ()
    who: str = "Bob"
    where: str = "General"
    #: The alert about CoreDNS fired before, and Bob acknowledged it.
    fired: bool = False
    acknowledged: bool = False
    #: The card of the answer comes to this conversation; "" for where it was asked.
    lands: str = ""
    #: A chapter of docs/chat.md, and a sentence there about this line.
    chapter: str
    note: str = ""
    #: Which of `tests.browser.pictures` shows such an answer.
    picture: str = ""

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}.json"


EVENTS = "Events"
PEOPLE = "Who did it"
NAMED = "Questions with a name"
OVERVIEW = "Overview"
INCIDENTS = "Incidents"
HELP = "Help, and when nothing is found"

LINES: tuple[Line, ...] = (
    Line(
        name="audits-term",
        text="audits coredns last 1h",
        says=("audits coredns", "09:38:59", "10:38:59", "alice@contoso.com", "coredns-custom"),
        chapter=EVENTS,
        picture="answer",
    ),
    Line(
        name="audits-narrow",
        text="audits kube-system/coredns-custom verb patch by alice on aks-prod-weu",
        says=("kube-system/coredns-custom", "alice@contoso.com", "patched configmap"),
        never=("aksService",),
        chapter=EVENTS,
    ),
    Line(
        name="audits-denied",
        text="audits pods denied since yesterday",
        says=("denied", "intern@contoso.com", "erin@contoso.com", "403"),
        never=("alice@contoso.com · person",),
        chapter=EVENTS,
        note="A kind as kubectl names it, and only what was refused.",
    ),
    Line(
        name="audits-between",
        text="audits secrets between 09:45 and 09:50 today",
        says=("09:45", "09:50", "frank@contoso.com"),
        chapter=EVENTS,
    ),
    Line(
        name="audits-around",
        text="Audits   “cart-config” around 9:05?",
        says=("cart-config", "alice@contoso.com"),
        chapter=EVENTS,
        note="Case, quotes, spaces and a question mark do not matter.",
    ),
    Line(
        name="who-deleted",
        text="who deleted the deployment frontend yesterday afternoon",
        says=("who", "frontend", "12:00", "18:00", "dana@contoso.com"),
        never=("alice",),
        chapter=PEOPLE,
        picture="who",
    ),
    Line(
        name="who-touched-secrets",
        text="who touched secrets today",
        says=("frank@contoso.com", "4", "alice@contoso.com"),
        chapter=PEOPLE,
    ),
    Line(
        name="what-did",
        text="what did alice do today",
        says=("alice", "cart", "cart-config", "coredns-custom"),
        never=("dana",),
        chapter=PEOPLE,
    ),
    Line(
        name="exec",
        text="exec last 24h",
        says=("erin@contoso.com", "shop/cart-6d5f7c9b4-q8rtz"),
        chapter=NAMED,
    ),
    Line(
        name="rbac",
        text="rbac this week",
        says=("cluster-admin", "masterclient", "bob.lee@contoso.com"),
        chapter=NAMED,
    ),
    Line(
        name="secrets",
        text="secrets last 1h",
        says=("frank@contoso.com", "payments"),
        chapter=NAMED,
    ),
    Line(
        name="risky",
        text="risky today",
        says=("alice@contoso.com",),
        never=("aks-nodepool1",),
        chapter=NAMED,
    ),
    Line(
        name="activity",
        text="activity last 24h",
        says=("activity", "people", "platform"),
        chapter=OVERVIEW,
        picture="activity",
        note="Teams draws a chart; where a client cannot, bars of text with the same numbers stand in its place.",
    ),
    Line(name="clusters", text="clusters", says=("aks-prod-weu", "kube-audit"), chapter=OVERVIEW),
    Line(name="blindspots", text="blindspots", says=("aks-prod-weu",), chapter=OVERVIEW),
    Line(name="cost", text="cost last 7d", says=("GB", "kube-audit"), chapter=OVERVIEW),
    Line(name="status", text="status", says=("Workspaces: sandbox", "General"), chapter=OVERVIEW),
    Line(name="open", text="open", says=("#1", "CoreDNS"), fired=True, chapter=INCIDENTS),
    Line(
        name="mine",
        text="mine",
        says=("#1", "Bob Lee"),
        fired=True,
        acknowledged=True,
        chapter=INCIDENTS,
    ),
    Line(name="incident", text="incident 1", says=("#1", "coredns-custom"), fired=True, chapter=INCIDENTS),
    Line(
        name="raw",
        text="raw c0ffee00-0000-4000-8000-000000000003",
        says=("auditID", "c0ffee00-0000-4000-8000-000000000003", "exec"),
        lands="Bob",
        chapter=INCIDENTS,
        note="For the asker alone: in a channel it goes to the personal chat.",
    ),
    Line(name="test", text="test", says=("This is incident #1 now",), chapter=INCIDENTS),
    Line(name="watches", text="watches", says=("watched",), chapter=INCIDENTS),
    Line(name="help", text="help", says=("audits", "who deleted"), chapter=HELP, picture="help"),
    Line(name="help-audits", text="help audits", says=("verb", "denied", "yesterday"), chapter=HELP),
    Line(
        name="nothing",
        text="audits no-such-thing last 30m",
        says=("no-such-thing", "Nothing found"),
        chapter=HELP,
    ),
    Line(
        name="did-you-mean",
        text="adits coredns last 1h",
        says=("not understood", "audits coredns last 1h"),
        chapter=HELP,
    ),
    Line(
        name="out-of-reach",
        text="audits coredns last 30d",
        says=("7 days",),
        chapter=HELP,
    ),
    Line(
        name="unknown-cluster",
        text="audits coredns on aks-prod-neu last 1h",
        says=("aks-prod-neu", "aks-prod-weu"),
        chapter=HELP,
    ),
)

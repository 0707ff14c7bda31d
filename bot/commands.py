"""The one table of what can be asked: help, the manifest's command list, README and the page are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who may use a command; guests and people of other tenants may use none that shows or changes anything."""

    ANYONE = "anyone"
    #: Members of the conversation's team, and of the list of askers where there is one.
    MEMBERS = "members"
    #: Of these, the list of readers where there is one: what they see is more than a card shows.
    READERS = "readers"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One command."""

    #: Unique; `help NAME` tells of it. The first of `words`.
    name: str
    #: What a line of it begins with, any of these, in lower case; several words stand for a phrase.
    words: tuple[str, ...]
    #: How it is written: capitals are to be filled in, brackets may be left out.
    usage: str
    #: Whole lines, each understood; the first is what help and the manifest show.
    examples: tuple[str, ...]
    #: What it answers: at most 128 characters, as the manifest takes them, no full stop.
    help: str
    #: More sentences for `help NAME`.
    details: tuple[str, ...] = ()
    who: Who = Who.MEMBERS
    #: It asks a workspace: limits and the ledger apply.
    asks: bool = False
    #: It is in the manifest's list, which holds ten.
    menu: bool = False


#: How `audits` narrows; `who`, `what`, `activity` and the named questions take the same words.
FILTERS = (
    "What: a word, kube-system/coredns, deploy/frontend, or a kind as kubectl names it: pods, cm, svc.",
    "Narrow it: verb delete · by alice · in kube-system · on aks-weu · from 20.1.2.3 · client kubectl · denied, failed or succeeded.",
    "When: last 90m, today, yesterday afternoon, since monday, between 09:00 and 09:30, around 14:05; without it, the last hour.",
    "Times are yours, in your own time zone; the answer says exactly which window was asked for.",
)
#: What shows groups takes this besides.
_TOP = "top 5 shows five rows at most."
_QUOTES = "Put a name of several words, or one that is a word of mine, in quotes."

COMMANDS: tuple[Spec, ...] = (
    Spec(
        name="audits",
        words=("audits", "audit", "events"),
        usage="audits [WHAT] [verb VERB] [by WHO] [on CLUSTER] [WHEN]",
        examples=(
            "audits coredns last 1h",
            "audits kube-system/coredns verb delete by alice denied",
            "audits cm/coredns-custom since monday",
        ),
        help="the audit events that mention something, people first",
        details=(*FILTERS, _TOP, _QUOTES),
        asks=True,
        menu=True,
    ),
    Spec(
        name="who",
        words=("who",),
        usage="who DID WHAT [on CLUSTER] [WHEN]",
        examples=(
            "who deleted deploy/frontend yesterday afternoon",
            "who touched secrets today",
            "who changed kube-system/coredns last 24h",
        ),
        help="who did something to an object, how often, and when last",
        details=("DID: created, changed, deleted, read, touched, or a verb of the API.", *FILTERS, _TOP),
        asks=True,
        menu=True,
    ),
    Spec(
        name="what",
        words=("what did", "what has", "what"),
        usage="what did WHO do [WHEN]",
        examples=("what did alice do today",),
        help="one person's timeline, by object",
        details=("Narrow it: what did alice delete in kube-system on aks-weu today.", *FILTERS[2:]),
        asks=True,
        menu=True,
    ),
    Spec(
        name="risky",
        words=("risky", "risks", "risk"),
        usage="risky [on CLUSTER] [WHEN]",
        examples=("risky today",),
        help="what the risk rules found, the riskiest first",
        details=(*FILTERS[1:], _TOP),
        asks=True,
        menu=True,
    ),
    Spec(
        name="exec",
        words=("exec", "execs", "shells"),
        usage="exec [WHAT] [by WHO] [WHEN]",
        examples=("exec last 24h",),
        help="shells, attaches and port forwards into pods",
        details=(
            "An exec of kubectl 1.30 or newer is logged in kube-audit only, not in kube-audit-admin.",
            *FILTERS,
            _TOP,
        ),
        asks=True,
    ),
    Spec(
        name="rbac",
        words=("rbac", "roles"),
        usage="rbac [WHAT] [by WHO] [WHEN]",
        examples=("rbac this week",),
        help="changes of roles and bindings",
        details=(*FILTERS, _TOP),
        asks=True,
    ),
    Spec(
        name="secrets",
        words=("secrets", "secret"),
        usage="secrets [WHAT] [by WHO] [WHEN]",
        examples=("secrets last 1h",),
        help="who read or changed secrets",
        details=("Reads are logged in kube-audit only, not in kube-audit-admin.", *FILTERS, _TOP),
        who=Who.READERS,
        asks=True,
    ),
    Spec(
        name="activity",
        words=("activity", "plot", "chart"),
        usage="activity [WHAT] [by WHO] [WHEN]",
        examples=("activity last 24h",),
        help="events over time, people against platform, and the busiest actors and objects",
        details=FILTERS,
        asks=True,
        menu=True,
    ),
    Spec(
        name="raw",
        words=("raw",),
        usage="raw AUDITID",
        examples=("raw 4d2f2b9e-7a5e-4b0e-9d0a-3d1f6a1c2b11",),
        help="one event in full, redacted, for you alone",
        details=("In a channel it comes to your personal chat.",),
        who=Who.READERS,
        asks=True,
    ),
    Spec(
        name="open",
        words=("open", "incidents", "open incidents"),
        usage="open",
        examples=("open",),
        help="incidents that are not closed",
        menu=True,
    ),
    Spec(
        name="mine",
        words=("mine", "my incidents"),
        usage="mine",
        examples=("mine",),
        help="open incidents that you acknowledged",
        menu=True,
    ),
    Spec(
        name="incident",
        words=("incident",),
        usage="incident NUMBER [trail]",
        examples=("incident 12", "incident 12 trail"),
        help="the card of incident #12 as it is now; with trail, its way to you step by step",
        details=("#12 alone does the same.",),
        menu=True,
    ),
    Spec(
        name="clusters",
        words=("clusters", "cluster"),
        usage="clusters",
        examples=("clusters",),
        help="what is watched, since when, and what of it is logged",
        asks=True,
    ),
    Spec(
        name="blindspots",
        words=("blindspots", "blind spots", "blindspot"),
        usage="blindspots",
        examples=("blindspots",),
        help="what the audit log of your clusters cannot show",
        asks=True,
    ),
    Spec(
        name="cost",
        words=("cost", "costs"),
        usage="cost [WHEN]",
        examples=("cost last 7d",),
        help="gigabytes of audit log by category, and the noisiest actors",
        details=("Of whole workspaces; without a time, of the last 24 hours.",),
        asks=True,
    ),
    Spec(
        name="status",
        words=("status",),
        usage="status",
        examples=("status",),
        help="what is watched, what waits, and what went wrong",
        menu=True,
    ),
    Spec(
        name="watches",
        words=("watches", "unwatch"),
        usage="watches, unwatch NUMBER",
        examples=("watches", "unwatch 3"),
        help="questions that are asked again and again for this conversation; unwatch ends one",
        details=("The button Watch this on an answer begins one.",),
    ),
    Spec(
        name="subscribe",
        words=("subscribe",),
        usage="subscribe",
        examples=("subscribe",),
        help="send incidents to this channel",
    ),
    Spec(
        name="unsubscribe",
        words=("unsubscribe",),
        usage="unsubscribe",
        examples=("unsubscribe",),
        help="send no more incidents to this channel",
    ),
    Spec(
        name="test",
        words=("test",),
        usage="test",
        examples=("test",),
        help="a test incident that goes the whole way, for this conversation alone",
        asks=True,
    ),
    Spec(
        name="help",
        words=("help",),
        usage="help [COMMAND]",
        examples=("help", "help audits"),
        help="what you can ask; with a command's name, all about it",
        who=Who.ANYONE,
        menu=True,
    ),
)

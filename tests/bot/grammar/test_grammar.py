from __future__ import annotations

import pytest

from audit.filter import Outcome, Wanted
from audit.topics import TOPICS
from bot.asked import (
    AskActivity,
    AskCost,
    AskEvents,
    AskPerson,
    AskRaw,
    AskWho,
    Command,
    EndWatch,
    Help,
    ListIncidents,
    ListWatches,
    ShowBlindSpots,
    ShowClusters,
    ShowIncident,
    ShowStatus,
    ShowTrail,
    Subscribe,
    Topic,
    Unsubscribe,
)
from bot.asked import (
    TestIncident as AskTest,
)
from bot.grammar import from_text
from bot.when import DEFAULT, When

DELETED = ("delete", "deletecollection")
TODAY = When(text="today")
EXEC = TOPICS["exec"]


@pytest.mark.parametrize(
    "line",
    [
        *(
            "audits coredns",
            "audits coredns last 1h",
            "AUDITS coredns LAST 60M",
            "audits coredns last 60 minutes?",
        ),
        *(
            "audits coredns last hour",
            "audits coredns last an hour",
            "  audits\u00a0coredns \n last 1 hour ",
            "audit coredns",
        ),
        *(
            "audits \u201ccoredns\u201d last 1h",
            "audits 'coredns'",
            'audits "coredns".',
            "audits coredns, last 1h!",
        ),
        *(
            "audits&nbsp;coredns",
            "<at>Auditor</at> audits coredns",
            "audits <at id='1'>Bob</at> coredns",
            "Audits: coredns",
        ),
        *(
            "show me the audits for coredns please",
            "please list all events of coredns",
            "audits coredns in the last hour",
        ),
        *(
            "audits about coredns 1h",
            "audits 1h coredns",
            "audits cored\u200bns",
            "audits \u201ecoredns\u201c",
        ),
    ],
)
def test_a_question_is_read_however_it_is_typed(line: str) -> None:
    assert from_text(line) == AskEvents(what=Wanted(term="coredns"), when=DEFAULT)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("kube-system/coredns", Wanted(namespace="kube-system", name="coredns")),
        ("in kube-system/coredns", Wanted(namespace="kube-system", name="coredns")),
        ("deploy/x", Wanted(resources=("deployments",), name="x")),
        ("Deployment/x", Wanted(resources=("deployments",), name="x")),
        ("deployments.apps/x", Wanted(resources=("deployments",), name="x")),
        ("deployments x", Wanted(resources=("deployments",), name="x")),
        ("the deployment x", Wanted(resources=("deployments",), name="x")),
        ("cm/coredns-custom", Wanted(resources=("configmaps",), name="coredns-custom")),
        ("deploy/shop/web", Wanted(resources=("deployments",), namespace="shop", name="web")),
        ("shop/deploy/web", Wanted(resources=("deployments",), namespace="shop", name="web")),
        ("shop/pods", Wanted(resources=("pods",), namespace="shop")),
        ("pods/exec", Wanted(resources=("pods",), subresources=("exec",))),
        ("pod/exec", Wanted(resources=("pods",), name="exec")),
        ("events/x", Wanted(resources=("events",), name="x")),
        ("pods and secrets", Wanted(resources=("pods", "secrets"))),
        ("web deployment", Wanted(term="web", resources=("deployments",))),
        ("in namespace shop", Wanted(namespace="shop")),
        ("in shop", Wanted(namespace="shop")),
        ("-n shop pods", Wanted(namespace="shop", resources=("pods",))),
        ("ns shop", Wanted(namespace="shop")),
        ("verb delete", Wanted(verbs=("delete",))),
        ("verb patch,delete", Wanted(verbs=("patch", "delete"))),
        ("verb patch or verb delete", Wanted(verbs=("patch", "delete"))),
        ("deleted pods", Wanted(verbs=DELETED, resources=("pods",))),
        ("delete pods", Wanted(verbs=DELETED, resources=("pods",))),
        ("created or changed", Wanted(verbs=("create", "update", "patch"))),
        ("read secrets", Wanted(verbs=("get", "list", "watch"), resources=("secrets",))),
        ("by alice", Wanted(user="alice")),
        ('by "Alice Lee"', Wanted(user="Alice Lee")),
        ("by user alice@contoso.com", Wanted(user="alice@contoso.com")),
        ("by system:serviceaccount:shop:web", Wanted(user="system:serviceaccount:shop:web")),
        ("on aks-weu", Wanted(cluster="aks-weu")),
        ("on the cluster aks-weu", Wanted(cluster="aks-weu")),
        ("in cluster aks-weu", Wanted(cluster="aks-weu")),
        ("on secrets denied", Wanted(resources=("secrets",), outcome=Outcome.DENIED)),
        ("from 20.1.2.3", Wanted(address="20.1.2.3")),
        ("from ip 20.1.2.3", Wanted(address="20.1.2.3")),
        ("from 2001:DB8:0::1", Wanted(address="2001:db8::1")),
        ("from ::ffff:20.1.2.3", Wanted(address="20.1.2.3")),
        ("client kubectl", Wanted(client="kubectl")),
        ("using kubectl/v1.31", Wanted(client="kubectl/v1.31")),
        *(
            (word, Wanted(outcome=Outcome.DENIED))
            for word in ("denied", "refused", "Forbidden", "403", "outcome denied")
        ),
        ("failed", Wanted(outcome=Outcome.FAILED)),
        ("succeeded", Wanted(outcome=Outcome.SUCCEEDED)),
        ("ok", Wanted(outcome=Outcome.SUCCEEDED)),
        ("risky", Wanted(risky=True)),
        ("kind widgets", Wanted(resources=("widgets",))),
        ("kind users", Wanted(resources=("users",))),
        ('"deploy/x"', Wanted(term="deploy/x")),
        ('"yesterday"', Wanted(term="yesterday")),
        ('"the last supper"', Wanted(term="the last supper")),
        ("alice's", Wanted(term="alice's")),
        ('"a""b"', Wanted(term='a"b')),
        ("elastic", Wanted(term="elastic")),
        ("app", Wanted(term="app")),
        (
            "kube-system/coredns verb delete by alice on aks-weu denied",
            Wanted(
                namespace="kube-system",
                name="coredns",
                verbs=("delete",),
                user="alice",
                cluster="aks-weu",
                outcome=Outcome.DENIED,
            ),
        ),
    ],
)
def test_a_question_is_narrowed_by_what_is_said(line: str, what: Wanted) -> None:
    assert from_text(f"audits {line}") == AskEvents(what=what, when=DEFAULT)
    assert from_text(f"audits {line} today") == AskEvents(what=what, when=TODAY)
    assert from_text(f"audits today {line} top 5") == AskEvents(what=what, when=TODAY, top=5)
    assert from_text(f"activity today {line}") == AskActivity(what=what, when=TODAY)
    assert from_text(f"who touched {line} today") == AskWho(what=what, when=TODAY)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (
            "who deleted the deployment frontend yesterday afternoon",
            AskWho(
                what=Wanted(verbs=DELETED, resources=("deployments",), name="frontend"),
                when=When(text="yesterday afternoon"),
            ),
        ),
        ("who touched secrets today?", AskWho(what=Wanted(resources=("secrets",)), when=TODAY)),
        (
            "Who has changed deploy/x",
            AskWho(
                what=Wanted(verbs=("update", "patch"), resources=("deployments",), name="x"), when=DEFAULT
            ),
        ),
        (
            "who patch deploy/x",
            AskWho(what=Wanted(verbs=("patch",), resources=("deployments",), name="x"), when=DEFAULT),
        ),
        (
            "who created or removed pods",
            AskWho(what=Wanted(verbs=("create", *DELETED), resources=("pods",)), when=DEFAULT),
        ),
        ("who was denied today", AskWho(what=Wanted(outcome=Outcome.DENIED), when=TODAY)),
        (
            "who exec'd into shop/web",
            AskWho(what=Wanted(subresources=EXEC.subresources, namespace="shop", name="web"), when=DEFAULT),
        ),
        ("what did alice do today", AskPerson(what=Wanted(user="alice"), when=TODAY)),
        ("what has alice been doing today", AskPerson(what=Wanted(user="alice"), when=TODAY)),
        ('what did "Alice Lee" do today', AskPerson(what=Wanted(user="Alice Lee"), when=TODAY)),
        (
            "what did alice delete in shop",
            AskPerson(what=Wanted(user="alice", verbs=DELETED, namespace="shop"), when=DEFAULT),
        ),
        ("exec last 24h", AskEvents(topic=Topic.EXEC, what=EXEC, when=When(text="last 24h"))),
        ("rbac this week", AskEvents(topic=Topic.RBAC, what=TOPICS["rbac"], when=When(text="this week"))),
        ("secrets last 1h", AskEvents(topic=Topic.SECRETS, what=TOPICS["secrets"], when=DEFAULT)),
        ("risky today", AskEvents(topic=Topic.RISKY, what=TOPICS["risky"], when=TODAY)),
        (
            "secrets db by bob",
            AskEvents(
                topic=Topic.SECRETS, what=Wanted(resources=("secrets",), term="db", user="bob"), when=DEFAULT
            ),
        ),
        (
            "rbac clusterroles deleted",
            AskEvents(
                topic=Topic.RBAC, what=Wanted(resources=("clusterroles",), verbs=DELETED), when=DEFAULT
            ),
        ),
        ("activity", AskActivity(what=Wanted(), when=DEFAULT)),
        ("cost last 7d", AskCost(when=When(text="last 7d"))),
        ("cost", AskCost(when=When(text="last 24h"))),
        ("raw 4d2f2b9e-7a5e", AskRaw(audit_id="4d2f2b9e-7a5e")),
        ("raw log AbC", AskRaw(audit_id="AbC")),
        ("raw 'a\"b?'", AskRaw(audit_id='a"b?')),
        ("raw " + "x" * 256, AskRaw(audit_id="x" * 256)),
        ("audits last 1h", AskEvents(what=Wanted(), when=DEFAULT)),
    ],
)
def test_each_question_is_read(line: str, command: Command) -> None:
    assert from_text(line) == command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        *((line, Help()) for line in ("help", "", "Help?", "?", " \u00a0 ", "hi", "please", "...")),
        ("help audits", Help(about="audits")),
        ("help blind spots?", Help(about="blindspots")),
        ("Status", ShowStatus()),
        ("status please", ShowStatus()),
        ("clusters", ShowClusters()),
        ("blind spots", ShowBlindSpots()),
        ("open", ListIncidents()),
        ("show me the open incidents", ListIncidents()),
        ("mine", ListIncidents(mine=True)),
        ("my incidents", ListIncidents(mine=True)),
        ("watches", ListWatches()),
        ("unwatch 3", EndWatch(number=3)),
        ("Unwatch #3", EndWatch(number=3)),
        ("subscribe", Subscribe()),
        ("UNSUBSCRIBE", Unsubscribe()),
        ("test", AskTest()),
        ("incident 12", ShowIncident(number=12)),
        ("Incident #12?", ShowIncident(number=12)),
        ("show incident 12", ShowIncident(number=12)),
        ("#12", ShowIncident(number=12)),
        ("  #012 ", ShowIncident(number=12)),
        ("incident 12 trail", ShowTrail(number=12)),
        ("#12\u00a0TRAIL", ShowTrail(number=12)),
        ("incident 999999999", ShowIncident(number=999_999_999)),
    ],
)
def test_a_word_alone_is_a_command(line: str, command: Command) -> None:
    assert from_text(line) == command

"""Incidents that nobody but the bot tells of, over the wire: a test, a raised answer, a watch."""

from __future__ import annotations

from pathlib import Path

import orjson

from audit.alert import parse_alert
from audit.asked_alert import AskedAlert, fired_body
from audit.filter import Window
from audit.origin import Origin, own_alert_id, workspace_target
from sandbox.check import actions_of, text_of
from sandbox.given import cluster_of
from sandbox.rows import rows_of
from tests.flows.laptop import Json, Laptop, laptop
from tests.flows.reading import click, say, saying
from tests.flows.wire import settled

QUESTION = "audits coredns last 1h"
FOUND = "alice@contoso.com"


async def asked(bot: Laptop) -> Json:
    """Ask in General; return the answer."""
    await say(bot, "Bob", QUESTION)

    def answer(state: Json) -> Json | None:
        titles = {"Raise", "Watch this"}
        answers = (m for m in state["messages"] if titles & {a["title"] for a in actions_of(m["card"])})
        return next(answers, None)

    return await bot.see(answer, "an answer that can be raised and watched")


async def test_a_test_goes_the_whole_way_for_its_conversation_alone(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        await say(bot, "Bob", "test", "ops")
        card = await bot.see(saying("This is a test by Bob", "ops"))
        await settled(bot)
        assert "ends by itself" in text_of(card["card"])
        await click(bot, "Alice", "Acknowledge", card)
        await bot.see(saying("there is nothing to do. Acknowledged by Alice", "ops"))
        state = await bot.page.state()
        assert saying("This is a test by Bob")(state) is None, "not in the channel that is subscribed"
        bot.clock.pass_time(minutes=16)
        await bot.see(saying("Ended by itself", "ops"))


async def test_a_raised_answer_is_an_incident_of_its_channel(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        answer = await asked(bot)
        await click(bot, "Bob", "Raise", answer)
        card = await bot.see(saying("Raised by Bob"))
        assert FOUND in text_of(card["card"])
        await settled(bot)
        await click(bot, "Alice", "Acknowledge", card)
        await bot.see(saying("Acknowledged by Alice"))


async def test_what_is_watched_and_happens_becomes_an_incident(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        answer = await asked(bot)
        told = await click(bot, "Bob", "Watch this", answer)
        assert "watched from now on" in str(told)
        bot.clock.pass_time(minutes=3)
        happens(bot, "carol@contoso.com")
        bot.clock.pass_time(minutes=20)
        found = await bot.see(saying("Found by watch 1"))
        said = text_of(found["card"])
        assert "Watch 1: audits coredns" in said
        assert "carol@contoso.com" in said
        assert FOUND not in said, "that was before"


def happens(bot: Laptop, user: str) -> None:
    """Somebody changes CoreDNS's configuration now."""
    at = bot.clock.now().isoformat().replace("+00:00", "Z")
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": "0d1f6a3e-0000-4000-8000-000000000001",
        "stage": "ResponseComplete",
        "verb": "patch",
        "requestURI": "/api/v1/namespaces/kube-system/configmaps/coredns-custom",
        "user": {"username": user},
        "objectRef": {"resource": "configmaps", "namespace": "kube-system", "name": "coredns-custom"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": at,
        "stageTimestamp": at,
    }
    cluster = cluster_of(parse_alert(bot.body))
    bot.engine.ingest(rows_of([event], cluster_id=cluster, default_time=bot.clock.now()))


async def test_nobody_posts_an_alert_as_if_the_bot_had_made_it(tmp_path: Path) -> None:
    async with laptop(tmp_path) as bot:
        now = bot.clock.now()
        forged = AskedAlert(
            alert_id=own_alert_id(Origin.TEST, "x", "ws"),
            rule="Test by the manager",
            description="This is a test: there is nothing to do.",
            severity="Sev4",
            kql="AKSAudit",
            window=Window(start=now, end=now),
            targets=(workspace_target("ws", "prod"),),
            fired_at=now,
            ends_at=now,
        )
        answer = await bot.post_alert(fired_body(forged))
        assert answer.status == 400
        assert "one of those that the bot gives" in orjson.loads(await answer.read())["error"]

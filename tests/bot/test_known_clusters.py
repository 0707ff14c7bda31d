from __future__ import annotations

import pytest

from bot.errors import Reason, Unavailable
from bot.known_clusters import FRESH, RETRY, KnownClusters
from bot.ports import Answer, Query, Workspace
from tests.audit.bodies import SUBSCRIPTION
from tests.bot.stage import PROD, TEST
from tests.bot.test_asking import asking
from tests.fakes import FakeAuditLog, FakeClock

GROUPS = f"{SUBSCRIPTION}/resourceGroups"


def an_id(group: str, name: str) -> str:
    return f"{GROUPS}/{group}/providers/Microsoft.ContainerService/managedClusters/{name}".lower()


class Clusters:
    """Workspaces that say which clusters they have; `silent` ones do not."""

    def __init__(self, **of_workspace: list[str]) -> None:
        self.of_workspace = of_workspace
        self.silent: set[str] = set()
        self.log = FakeAuditLog(answering=self._answer)
        self.clock = FakeClock()

    def known(self, *workspaces: Workspace) -> KnownClusters:
        asked = workspaces or (PROD, TEST)
        return KnownClusters(asking=asking(self.log, *asked), workspaces=asked, clock=self.clock)

    @property
    def asked(self) -> list[str]:
        return [query.workspace.name for query in self.log.asked if _is_about_clusters(query)]

    async def _answer(self, query: Query) -> Answer:
        if query.workspace.name in self.silent:
            raise Unavailable(Reason.TIMED_OUT)
        if not _is_about_clusters(query):
            return Answer(rows=[])
        at = self.clock.now().isoformat()
        return Answer(
            rows=[
                {"Cluster": id_, "Table": "AKSAudit", "Category": "", "Rows": 1, "First": at, "Last": at}
                for id_ in self.of_workspace.get(query.workspace.name, [])
            ]
        )


def _is_about_clusters(query: Query) -> bool:
    return "by Cluster = tolower(_ResourceId), Table" in query.kql


WEU, NEU, TWIN = an_id("one", "aks-weu"), an_id("one", "aks-neu"), an_id("two", "aks-weu")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("aks-neu", [NEU]),
        (" AKS-NEU ", [NEU]),
        ("aks-n", [NEU]),
        ("aks-weu", [WEU, TWIN]),
        ("two/aks-weu", [TWIN]),
        ("TWO/aks", [TWIN]),
        (TWIN.upper(), [TWIN]),
        ("aks", [NEU, WEU, TWIN]),
        ("neu", []),
        ("", []),
    ],
)
async def test_a_name_is_whole_or_the_beginning_of_one(said: str, wanted: list[str]) -> None:
    clusters = Clusters(prod=[WEU, NEU], test=[TWIN])
    assert [each.id for each in (await clusters.known().named(said)).clusters] == wanted


async def test_a_whole_name_wins_over_the_beginning_of_another() -> None:
    clusters = Clusters(prod=[WEU, an_id("one", "aks-weu-2")])
    assert [each.id for each in (await clusters.known().named("aks-weu")).clusters] == [WEU]


async def test_a_cluster_that_logs_into_two_workspaces_is_one() -> None:
    (one,) = (await Clusters(prod=[WEU], test=[WEU]).known().named("aks-weu")).clusters
    assert (one.full_name, one.workspaces) == ("one/aks-weu", ("prod", "test"))


async def test_an_unknown_name_is_told_with_those_that_are_near_and_all_that_are_known() -> None:
    found = await Clusters(prod=[WEU, NEU]).known().named("ask-weu")
    assert found.clusters == ()
    assert [each.name for each in found.known] == ["aks-neu", "aks-weu"]
    assert found.near[0].name == "aks-weu"


async def test_a_part_of_a_name_is_near_before_what_is_spelt_alike() -> None:
    clusters = Clusters(prod=[an_id("one", "aks-prod-weu"), an_id("one", "pod"), an_id("one", "aks-test")])
    found = await clusters.known(PROD).named("Prod")
    assert found.clusters == ()
    assert [each.name for each in found.near] == ["aks-prod-weu", "pod"]


async def test_workspaces_are_asked_once_in_a_while_and_anew_for_a_name_that_is_not_found() -> None:
    clusters = Clusters(prod=[WEU])
    known = clusters.known(PROD)
    await known.named("aks-weu")
    await known.named("aks-weu")
    assert clusters.asked == ["prod"]
    clusters.of_workspace["prod"].append(NEU)
    # A name that is not there must not cost a query each time it is asked for.
    assert (await known.named("aks-neu")).clusters == ()
    assert clusters.asked == ["prod"]
    clusters.clock.at += RETRY
    assert [each.id for each in (await known.named("aks-neu")).clusters] == [NEU]
    assert clusters.asked == ["prod", "prod"]
    clusters.clock.at += FRESH
    await known.named("aks-weu")
    assert clusters.asked == ["prod"] * 3


async def test_a_workspace_that_does_not_say_is_silent_and_its_clusters_are_those_of_before() -> None:
    clusters = Clusters(prod=[WEU], test=[NEU])
    known = clusters.known()
    await known.named("aks-weu")
    clusters.silent = {"prod"}
    clusters.clock.at += FRESH
    found = await known.named("aks-weu")
    assert [each.id for each in found.clusters] == [WEU]
    assert found.silent == ("prod",)


async def test_clusters_of_the_settings_are_known_though_nobody_answers() -> None:
    clusters = Clusters()
    clusters.silent = {"prod"}
    found = await clusters.known(Workspace(name="prod", id="0", holds=(WEU,))).named("aks-weu")
    assert [(each.id, each.workspaces) for each in found.clusters] == [(WEU, ("prod",))]
    assert (await clusters.known(PROD).named("x")).silent == ("prod",)


async def test_an_id_of_another_shape_is_its_own_full_name() -> None:
    (one,) = (await Clusters(prod=["/odd"]).known(PROD).named("/odd")).clusters
    assert one.full_name == "/odd"

"""Which clusters there are, by the names that people call them: found out from the workspaces and the settings."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.asked import ClusterSeen
from audit.filter import EventFilter, Window
from bot.asking import Asking
from bot.clusters_told import with_configured
from bot.everywhere import NoneAnswered, Subject
from bot.ports import Clock, Workspace

#: How long an answer serves.
FRESH = timedelta(minutes=10)
#: A name that is not found is looked for anew, but not more often than that.
RETRY = timedelta(minutes=1)
#: What has no rows for that long is not logged any more.
LATELY = timedelta(hours=24)
#: Names that are near to one that is not known.
_MOST_NEAR = 3
_NEAR = 0.6
#: Characters of a name that are compared; Azure's are shorter.
_LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True)
class KnownCluster:
    """A cluster, and where its log lies. Its texts come from workspaces: hostile."""

    #: Resource id, lower case.
    id: str
    name: str
    #: Names of the workspaces that have rows of it, or should.
    workspaces: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """Return "resource-group/name", as the chat's grammar takes it; the id where that cannot be told."""
        parts = self.id.strip("/").split("/")
        return f"{parts[3]}/{parts[-1]}" if len(parts) > 4 and parts[2] == "resourcegroups" else self.id  # noqa: PLR2004


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a name stands for."""

    #: The only one; or several that it may be; or none.
    clusters: tuple[KnownCluster, ...] = ()
    #: Where there is none: all that are known, by name, and those whose name is near.
    known: tuple[KnownCluster, ...] = ()
    near: tuple[KnownCluster, ...] = ()
    #: Workspaces that did not say which clusters they have.
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _OfOne:
    at: datetime
    clusters: tuple[ClusterSeen, ...]
    is_told: bool = True


class KnownClusters:
    """Asks each workspace once in a while."""

    def __init__(self, *, asking: Asking, workspaces: Sequence[Workspace], clock: Clock) -> None:
        self._asking = asking
        self._workspaces = workspaces
        self._clock = clock
        self._known: dict[str, _OfOne] = {}
        self._lock = asyncio.Lock()

    async def named(self, said: str) -> Found:
        """Return what a name stands for, case aside: a whole name, "resource-group/name" or id, else its beginning.

        Never raises what is outside: then the clusters that the settings name are known, and the rest is silent.
        """
        async with self._lock:
            await self._refresh(FRESH)
            if not _matching(self._all(), said):
                await self._refresh(RETRY)
            known, silent = self._all(), self._silent()
        found = tuple(_matching(known, said))
        if found:
            return Found(clusters=found, silent=silent)
        return Found(known=known, near=_near(known, said), silent=silent)

    async def _refresh(self, fresh: timedelta) -> None:
        now = self._clock.now()
        stale = [each for each in self._workspaces if not self._is_fresh(each, now, fresh)]
        if not stale:
            return
        names = tuple(each.name for each in stale)
        window = Window(start=now - LATELY, end=now)
        subject = Subject(line="", wanted=EventFilter(window=window), workspaces=names)
        rows: tuple[ClusterSeen, ...] = ()
        try:
            asked, found = await self._asking.clusters(subject)
            rows = found.rows
        except NoneAnswered as failure:
            asked = failure.asked
        failed = {each.workspace for each in asked.unanswered}
        for each in stale:
            of_one = tuple(row for row in rows if row.workspace == each.name)
            before = self._known.get(each.name)
            if each.name in failed:
                of_one = before.clusters if before else with_configured((), each)
            self._known[each.name] = _OfOne(at=now, clusters=of_one, is_told=each.name not in failed)

    def _is_fresh(self, workspace: Workspace, now: datetime, fresh: timedelta) -> bool:
        known = self._known.get(workspace.name)
        if known is None:
            return False
        return timedelta(0) <= now - known.at < (fresh if known.is_told else min(fresh, RETRY))

    def _all(self) -> tuple[KnownCluster, ...]:
        """Return each once, with every workspace that has it, by name."""
        rows = [row for each in self._known.values() for row in each.clusters]
        places: dict[str, dict[str, None]] = {}
        for row in rows:
            places.setdefault(row.id, {})[row.workspace] = None
        names = {row.id: row.name for row in rows}
        known = (KnownCluster(id=id_, name=names[id_], workspaces=tuple(at)) for id_, at in places.items())
        return tuple(sorted(known, key=lambda each: (each.name.lower(), each.id)))

    def _silent(self) -> tuple[str, ...]:
        return tuple(name for name, each in self._known.items() if not each.is_told)


def _matching(known: Iterable[KnownCluster], said: str) -> list[KnownCluster]:
    wanted = said.strip().lower()
    names = [(each, (each.name.lower(), each.full_name.lower(), each.id)) for each in known]
    whole = [each for each, spellings in names if wanted in spellings]
    begun = [each for each, spellings in names if any(name.startswith(wanted) for name in spellings[:2])]
    return whole or (begun if wanted else [])


def _near(known: Sequence[KnownCluster], said: str) -> tuple[KnownCluster, ...]:
    """Return those that have it in their name ("prod" of aks-prod-weu), then those that are spelt alike."""
    wanted = said.strip().lower()[:_LONGEST_NAME]
    by_name = {each.name.lower(): each for each in known}
    within = [name for name in by_name if wanted and wanted in name]
    close = difflib.get_close_matches(wanted, by_name, n=_MOST_NEAR, cutoff=_NEAR)
    return tuple(by_name[name] for name in dict.fromkeys((*within, *close)))[:_MOST_NEAR]

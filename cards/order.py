"""What a card shows in which order, and what it folds: the riskiest first, then people, workloads, the platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.event import ActorKind
from audit.evidence import Evidence, Group, Severity
from cards.alike import Placed, gathered

#: Why the platform's doings are folded, by the user's name; the first that it begins with. Those with a space or
#: colon at their end are beginnings, the others whole names.
_REASONS = (
    ("aksService", "AKS's own reconciler"),
    ("hcpService", "AKS's control plane"),
    ("readinessChecker", "AKS's health check"),
    ("aksProblemDetector", "AKS's problem detector"),
    ("system:apiserver", "the API server itself"),
    ("system:node:", "kubelets"),
    ("system:kube-controller-manager", "Kubernetes' controllers"),
    ("system:kube-scheduler", "the scheduler"),
    ("system:kube-", "Kubernetes' own components"),
    ("system:serviceaccount:kube-system:", "controllers and add-ons in kube-system"),
    ("system:serviceaccount:", "add-ons of AKS"),
)
_OTHERWISE = "the platform"


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Routine of the platform, folded into one line for one reason."""

    reason: str
    placed: tuple[Placed, ...]

    @property
    def groups(self) -> Sequence[Group]:
        return [each.group for each in self.placed]

    @property
    def count(self) -> int:
        return sum(each.group.count for each in self.placed)

    @property
    def users(self) -> Sequence[str]:
        return list(dict.fromkeys(each.group.user for each in self.placed))


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Where the events of the window are on a card; the three together are all of them."""

    #: Events of groups that have lines of their own.
    shown: int
    folded: int
    #: Neither, for there is no room for them or they were not read.
    left: int


def unfolded(evidence: Evidence) -> Sequence[Placed]:
    """Return what has lines of its own: by risk, then by actor, then as it comes; alike groups are one."""
    own = gathered(each for each in _placed(evidence) if not _is_folded(each.group))
    return sorted(own, key=lambda each: (-each.group.severity, each.group.actor, _breadth(each)))


def _breadth(placed: Placed) -> int:
    """Put a finding on many objects before the same risk on one, as the first line of the card does."""
    return -placed.of if placed.group.severity > Severity.ROUTINE else 0


def folds(evidence: Evidence) -> Sequence[Fold]:
    """Return what is folded, by reason, in the order in which the reasons come up."""
    found: dict[str, list[Placed]] = {}
    for each in _placed(evidence):
        if _is_folded(each.group):
            found.setdefault(reason(each.group.user), []).append(each)
    return [Fold(reason=why, placed=tuple(gathered(placed))) for why, placed in found.items()]


def reason(user: str) -> str:
    """Say in our own words which part of the platform a user is."""
    for begins, words in _REASONS:
        if user == begins or (begins[-1] in ":-" and user.startswith(begins)):
            return words
    return _OTHERWISE


def events_of(evidence: Evidence) -> int:
    """Return how many audit events the window has, each counted once."""
    if evidence.events is not None:
        return evidence.events
    return max(0, evidence.returned - evidence.repeated - evidence.unreadable)


def tally(evidence: Evidence, most: int) -> Tally:
    """Tell how many events stand on a card that shows the first `most` groups."""
    shown = sum(each.group.count for each in unfolded(evidence)[:most])
    folded = sum(fold.count for fold in folds(evidence))
    return Tally(shown=shown, folded=folded, left=max(0, events_of(evidence) - shown - folded))


def _placed(evidence: Evidence) -> Sequence[Placed]:
    return [Placed(index=index, group=group) for index, group in enumerate(evidence.groups)]


def _is_folded(group: Group) -> bool:
    return group.actor is ActorKind.PLATFORM and group.severity is Severity.ROUTINE

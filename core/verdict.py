"""Verdicts: the lane of an action and the rules that decided it."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from .record import Record


class Lane(StrEnum):
    """May it be done, and who must say so."""

    ALLOWED = "allowed"
    """Runs without asking."""
    REVIEWED = "reviewed"
    """A person decides first."""
    PROHIBITED = "prohibited"
    """Never runs."""

    @property
    def rank(self) -> int:
        """0, 1, 2 from the freest lane to the strictest."""
        return _RANK[self]

    def tightened(self) -> "Lane":
        """One lane up; a prohibited action stays prohibited."""
        return Lane.REVIEWED if self is Lane.ALLOWED else Lane.PROHIBITED


_RANK = {Lane.ALLOWED: 0, Lane.REVIEWED: 1, Lane.PROHIBITED: 2}


def strictest(lanes: Iterable[Lane]) -> Lane:
    """The strictest of `lanes`; allowed where there are none."""
    return max(lanes, key=lambda lane: lane.rank, default=Lane.ALLOWED)


class _RuleHit(NamedTuple):
    rule: str
    """The rule's id: `R-014`."""
    lane: Lane
    reason: str
    """Why the rule exists, for the approver."""
    field: str = ""
    """The fact it looked at first; empty for structural rules."""
    actual: str = ""
    limit: str = ""
    distance: str = ""
    """How far the actual value is past the limit: `284.50 EUR over`."""
    owner: str = ""
    source: str = ""
    """Where the rule comes from: law, contract or SOP."""


class RuleHit(_RuleHit, Record):
    """One rule that matched, with how far the case is from its limit."""

    __slots__ = ()


class _Verdict(NamedTuple):
    lane: Lane
    policy: str
    """Name and version of the policy: `house@7`."""
    policy_digest: str
    judged_at: datetime
    hits: tuple[RuleHit, ...] = ()
    """Every rule that matched, strictest first."""
    passed: tuple[str, ...] = ()
    """Ids of the rules for this action that did not match."""
    missing: tuple[str, ...] = ()
    """Facts a rule needed and nobody supplied."""
    approvals: int = 1
    """How many distinct people must approve in the reviewed lane."""
    four_eyes: bool = False
    """True where nobody who made or edited the action may approve it."""


class Verdict(_Verdict, Record):
    """The lane of one action, the rules that decided it, and the policy they come from."""

    __slots__ = ()

    def because(self) -> str:
        """The deciding rules in one line, for lists and logs."""
        deciding = [hit for hit in self.hits if hit.lane is self.lane] or list(self.hits)
        return "; ".join(f"{hit.rule}: {hit.reason}" for hit in deciding[:3])

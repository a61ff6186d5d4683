"""The lane function of a policy as formulas: exactly what judging does, for every case at once."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from ..core.verdict import Lane
from .policy import Policy
from .rules import Rule
from .solver import World


class Encoded:
    """The verdict on one kind of action as formulas over a world."""

    def __init__(self, world: World, policy: Policy, kind: str, *, without: str = "") -> None:
        self.world, self.z3 = world, world.z3
        self.policy, self.kind = policy, kind
        self.action = next((action for action in policy.actions if action.kind == kind), None)
        self.rules = [rule for rule in policy.every_rule if rule.covers(kind) and rule.id != without]

    def _matches(self, rule: Rule, *, sure: bool) -> Any:
        return self.z3.BoolVal(True) if rule.when is None else self.world.holds(rule.when, sure=sure)

    @cached_property
    def _possible(self) -> dict[str, Any]:
        return {rule.id: self._matches(rule, sure=False) for rule in self.rules}

    @cached_property
    def _sure(self) -> dict[str, Any]:
        return {rule.id: self._matches(rule, sure=True) for rule in self.rules}

    def _some(self, lane: Lane, of: Mapping[str, Any]) -> Any:
        found = [of[rule.id] for rule in self.rules if rule.lane is lane]
        return self.z3.Or(found) if found else self.z3.BoolVal(False)

    @cached_property
    def _free(self) -> Any:
        """What would run alone if the brain were sure: a rule allows, no stricter one matches, and none is undecided."""
        undecided = [self.z3.And(self._possible[rule.id], self.z3.Not(self._sure[rule.id])) for rule in self.rules]
        return self.z3.And(
            self._some(Lane.ALLOWED, self._sure),
            self.z3.Not(self._some(Lane.REVIEWED, self._possible)),
            self.z3.Not(self._some(Lane.PROHIBITED, self._possible)),
            self.z3.Not(self.z3.Or(undecided)) if undecided else True,
            self.z3.Not(self.world.negative()),
        )

    @cached_property
    def unsure(self) -> Any:
        """Whether the brain is below the action's floor, or cannot say."""
        told, low = self.world.below(self.action.min_confidence if self.action else 0.0)
        return self.z3.Or(self.z3.Not(told), low)

    @cached_property
    def allowed(self) -> Any:
        """Whether it runs without asking."""
        if self.action is None:
            return self.z3.BoolVal(False)
        return self.z3.And(self._free, self.z3.Not(self.unsure), self.z3.Not(self.world.stopped()))

    @cached_property
    def prohibited(self) -> Any:
        """Whether it never runs."""
        if self.action is None:
            return self.z3.BoolVal(True)
        told, low = self.world.below(self.action.min_confidence)
        up = self.policy.unsure == "one_lane_up"
        raised = self.z3.And(told, low, self.z3.Not(self._free)) if up else self.z3.BoolVal(False)
        return self.z3.Or(self._some(Lane.PROHIBITED, self._sure), raised, self.world.stopped())

    @cached_property
    def reviewed(self) -> Any:
        """Whether a person decides."""
        return self.z3.Not(self.z3.Or(self.allowed, self.prohibited))

    def lane(self, lane: Lane) -> Any:
        """Whether it is put into `lane`."""
        return {Lane.ALLOWED: self.allowed, Lane.REVIEWED: self.reviewed, Lane.PROHIBITED: self.prohibited}[lane]

    def approvals(self, least: int) -> Any:
        """Whether at least so many people are asked."""
        if self.action is None or self.action.approvals >= least:
            return self.z3.BoolVal(self.action is not None)
        return self._asked(lambda rule: rule.approvals >= least)

    @cached_property
    def four_eyes(self) -> Any:
        """Whether no maker may approve."""
        if self.action is None or self.action.four_eyes:
            return self.z3.BoolVal(self.action is not None)
        return self._asked(lambda rule: rule.four_eyes)

    def _asked(self, by: Callable[[Rule], bool]) -> Any:
        found = [self._possible[rule.id] for rule in self.rules if by(rule)]
        return self.z3.Or(found) if found else self.z3.BoolVal(False)

"""Which rules of a policy decide anything at all, computed for every case at once."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ..core.noun import Noun
from ..core.verdict import Lane
from .formulas import Encoded
from .policy import Policy
from .rules import Rule, built_in
from .solver import World, possible


class Remark(Noun):
    """One thing the review found."""

    serious: bool
    """True where the policy should not be used like this."""
    rule: str
    """The rule's id, or the action's kind."""
    text: str


class Coverage:
    """The rules of one policy against all of its cases. Raises PluginError without z3, Undecided where the solver gives up."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.world = World([policy])
        self.z3 = self.world.z3
        self.kinds = {action.kind: Encoded(self.world, policy, action.kind) for action in policy.actions}

    def remarks(self) -> Iterator[Remark]:
        """Rules that can never match, rules that others cover, and actions that never run alone."""
        dead = {rule.id for rule in self.written if rule.when is not None and not self._can(self._sure(rule))}
        for rule in self.written:
            if rule.id in dead:
                yield Remark(serious=True, rule=rule.id, text="can never match: no facts make its condition true")
            elif rule.id in self.idle and (by := self._covered(rule)):
                yield Remark(serious=False, rule=rule.id, text=f"never decides anything: wherever it matches, {by}")
            elif rule.id in self.idle and rule.lane is Lane.ALLOWED:
                told = "lets nothing run: wherever it matches, stricter rules match too, or another fact is missing"
                yield Remark(serious=False, rule=rule.id, text=told)
        yield from self._barred()

    @property
    def written(self) -> tuple[Rule, ...]:
        """The rules and limits that somebody wrote and could change; not those that a `max_error` adds."""
        return tuple(rule for rule in self.policy.every_rule if not built_in(rule.id))

    @cached_property
    def idle(self) -> tuple[str, ...]:
        """Rules without which every lane and everybody who is asked would be the same; they only give the reason."""
        return tuple(rule.id for rule in self.written if not any(self._decides(rule, kind) for kind in self._of(rule)))

    def _of(self, rule: Rule) -> Iterator[str]:
        return (kind for kind in self.kinds if rule.covers(kind))

    def _can(self, formula: Any) -> bool:
        return possible(self.world, formula)

    def _sure(self, rule: Rule) -> Any:
        return self.world.holds(rule.when, sure=True) if rule.when is not None else self.z3.BoolVal(True)

    def _decides(self, rule: Rule, kind: str) -> bool:
        with_it, without = self.kinds[kind], Encoded(self.world, self.policy, kind, without=rule.id)
        lanes = (with_it.allowed != without.allowed, with_it.prohibited != without.prohibited)
        asked = [with_it.approvals(least) != without.approvals(least) for least in range(2, rule.approvals + 1)]
        if rule.four_eyes:
            asked.append(with_it.four_eyes != without.four_eyes)
        people = self.z3.And(with_it.reviewed, self.z3.Or(asked)) if asked else self.z3.BoolVal(False)
        return self._can(self.z3.Or(*lanes, people))

    def _covered(self, rule: Rule) -> str:
        """The rule that matches wherever this one does and asks for no less, where there is a single one."""
        for other in self.policy.every_rule:
            if other is rule or not _asks_as_much(other, rule) or not all(other.covers(kind) for kind in self._of(rule)):
                continue
            mine, theirs = self._sure(rule), self._sure(other)
            if not self._can(self.z3.And(mine, self.z3.Not(theirs))):
                same = not self._can(self.z3.And(theirs, self.z3.Not(mine)))
                return f"{other.id} does, {'which says the same in other words' if same else 'and asks for as much'}"
        return ""

    @cached_property
    def never_alone(self) -> tuple[str, ...]:
        """Kinds of action that no facts let run without a person."""
        return tuple(kind for kind, encoded in self.kinds.items() if not self._can(encoded.allowed))

    def _barred(self) -> Iterator[Remark]:
        for kind in self.never_alone:
            if any(rule.lane is Lane.ALLOWED for rule in self.kinds[kind].rules):
                yield Remark(serious=False, rule=kind, text="never runs alone, although a rule allows it")


def _asks_as_much(other: Rule, rule: Rule) -> bool:
    if rule.lane is Lane.ALLOWED or other.lane is Lane.ALLOWED:
        return other.lane is rule.lane
    return other.lane.rank >= rule.lane.rank and other.approvals >= rule.approvals and other.four_eyes >= rule.four_eyes

"""The compiled form of a policy: for each kind of action, the rules that are about it, ready to be tested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.money import Money
from ..core.verdict import RuleHit
from .conditions import ORDERED, Compare, Condition, Op, Test, leaf_test, leaves, positive
from .facts import FactType
from .rules import KnownAction, Rule
from .sweep import Sweep, sweep
from .wording import distance, shortfall, shown, shown_limit

_FEW = frozenset({FactType.FLAG, FactType.TEXT, FactType.INTEGER, FactType.DAYS})
"""Types with few values, whose hits are worth keeping."""
_KEPT = 256


@dataclass(frozen=True, slots=True)
class Tested:
    """One comparison of a rule with its closure."""

    leaf: Compare
    test: Test
    few: bool
    limits: dict[str, str]
    """Its limit in words, for money by currency."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule, compiled."""

    rule: Rule
    id: str
    rank: int
    approvals: int
    four_eyes: bool
    leaves: tuple[Tested, ...]
    """Its comparisons, the ones with a scale first: they tell a person most."""
    bare: RuleHit
    """The hit without a comparison."""
    kept: dict[tuple[str, Any], RuleHit]

    def hit(self, facts: Mapping[str, Any]) -> RuleHit:
        """The rule as a hit, with the comparison that tells most."""
        for one in self.leaves:
            if one.test(facts):
                value = facts.get(one.leaf.field)
                return self._few(one, value) if one.few else self._told(one, value)
        return self.bare

    def _few(self, one: Tested, value: Any) -> RuleHit:
        found = self.kept.get((one.leaf.field, value))
        if found is None:
            found = self._told(one, value)
            if len(self.kept) < _KEPT:
                self.kept[one.leaf.field, value] = found
        return found

    def _told(self, one: Tested, value: Any) -> RuleHit:
        rule, leaf = self.rule, one.leaf
        return RuleHit(
            rule=rule.id,
            lane=rule.lane,
            reason=rule.reason,
            owner=rule.owner,
            source=rule.source,
            field=leaf.field,
            actual=shown(value, leaf.type),
            limit=one.limits[value.currency if isinstance(value, Money) else ""],
            distance=distance(leaf, value),
        )

    def missing(self, facts: Mapping[str, Any]) -> list[str]:
        """The facts its comparisons need and do not have."""
        return [_lack(one.leaf, facts) for one in self.leaves if one.test(facts) is None]

    def shortfalls(self, facts: Mapping[str, Any]) -> list[str]:
        """Which of its comparisons do not hold, in words."""
        return [shortfall(one.leaf, facts) for one in self.leaves if not one.test(facts)]


@dataclass(slots=True)
class Outcome:
    """What the rules say about one set of facts, before a person reads it."""

    matched: list[Step]
    """Strictest first."""
    unknown: list[Step]
    """Rules that could not be decided, because a fact is missing."""
    passed: list[str]
    rank: int
    """0 where a rule allows and nothing stricter matches or is unknown."""
    approvals: int = 1
    four_eyes: bool = False

    def missing(self, facts: Mapping[str, Any]) -> tuple[str, ...]:
        """The facts that the undecided rules need."""
        return tuple(dict.fromkeys(name for step in self.unknown for name in step.missing(facts))) if self.unknown else ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tested for one kind of action."""

    action: KnownAction
    steps: tuple[Step, ...]
    """Strictest first."""
    sweep: Sweep[Step]

    def outcome(self, facts: Mapping[str, Any]) -> Outcome:
        """Every rule tested; a rule that cannot be decided asks for a person, and for as many as it might."""
        matched, unknown, passed = self.sweep(facts)
        found = Outcome(matched=matched, unknown=unknown, passed=passed, rank=1)
        for step in (*matched, *unknown) if unknown else matched:
            if step.approvals > found.approvals:
                found.approvals = step.approvals
            found.four_eyes = found.four_eyes or step.four_eyes
        if matched:
            found.rank = max(matched[0].rank, 0 if matched[-1].rank == 0 and not unknown else 1)
        return found


def plan(action: KnownAction, rules: Sequence[Rule]) -> Plan:
    """The rules about one kind of action, compiled."""
    steps = sorted((_step(rule) for rule in rules if rule.covers(action.kind)), key=lambda step: -step.rank)
    swept = sweep([(step, step.id, step.rule.when) for step in steps])
    return Plan(action=action, steps=tuple(steps), sweep=swept)


def _step(rule: Rule) -> Step:
    when = None if rule.when is None else positive(rule.when)
    return Step(
        rule=rule,
        id=rule.id,
        rank=rule.lane.rank,
        approvals=rule.approvals,
        four_eyes=rule.four_eyes,
        leaves=tuple(_tested(leaf) for leaf in _telling(when)),
        bare=RuleHit(rule=rule.id, lane=rule.lane, reason=rule.reason, owner=rule.owner, source=rule.source),
        kept={},
    )


def _tested(leaf: Compare) -> Tested:
    by_currency = leaf.op is not Op.MISSING and leaf.type is FactType.MONEY
    limits = {code: shown_limit(leaf, code) for code in leaf.value} if by_currency else {"": shown_limit(leaf)}
    return Tested(leaf=leaf, test=leaf_test(leaf), few=leaf.type in _FEW, limits=limits)


def _telling(when: Condition | None) -> list[Compare]:
    def weight(leaf: Compare) -> int:
        return 0 if leaf.type is FactType.MONEY else 1 if leaf.op in ORDERED else 2

    return [] if when is None else sorted(leaves(when), key=weight)


def _lack(leaf: Compare, facts: Mapping[str, Any]) -> str:
    value = facts.get(leaf.field)
    return leaf.field if value is None else f"{leaf.field} (no limit in {value.currency})"

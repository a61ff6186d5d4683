"""One rule, compiled: what it compares, and how its hit is told to a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..core.money import Money
from ..core.verdict import RuleHit
from .closures import Test, condition_test, leaf_test
from .conditions import ORDERED, Compare, Condition, Op, leaves, positive
from .facts import FactType
from .rules import Rule
from .wording import AT_LIMIT, distance, minor_unit, shortfall, shown, shown_limit, written

_FEW = frozenset({FactType.FLAG, FactType.TEXT, FactType.INTEGER, FactType.DAYS})
"""Types with few values, whose words are worth keeping."""
_KEPT = 256
_format = Decimal.__format__
_new = tuple.__new__
"""A record from its fields in order, in half the time of a call of its class."""


class Kept(dict[Any, Any]):
    """Words by value, made when a value is first seen, and kept for the first values only."""

    def __init__(self, made: Callable[[Any], Any]) -> None:
        super().__init__()
        self._made = made

    def __missing__(self, value: Any) -> Any:
        found = self._made(value)
        if len(self) < _KEPT:
            self[value] = found
        return found


@dataclass(frozen=True, slots=True)
class Tested:
    """One comparison of a rule with its closure."""

    leaf: Compare
    test: Test
    hit: Callable[[Any], RuleHit]
    """The rule's hit where this comparison holds for a value."""
    shortfall: Callable[[Any], str]
    """Why it does not hold for a value, in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One rule, compiled."""

    rule: Rule
    id: str
    rank: int
    approvals: int
    four_eyes: bool
    when: Condition | None
    """Its condition without `not`."""
    test: Test
    leaves: tuple[Tested, ...]
    """Its comparisons, the ones with a scale first: they tell a person most."""
    bare: RuleHit
    """The hit without a comparison."""

    def hit(self, facts: Mapping[str, Any]) -> RuleHit:
        """The rule as a hit, with the comparison that tells most."""
        for one in self.leaves:
            if one.test(facts):
                return one.hit(facts.get(one.leaf.field))
        return self.bare

    def missing(self, facts: Mapping[str, Any]) -> list[str]:
        """The facts its comparisons need and do not have."""
        return [_lack(one.leaf, facts) for one in self.leaves if one.test(facts) is None]

    def shortfalls(self, facts: Mapping[str, Any], most: int) -> list[str]:
        """The first `most` of its comparisons that do not hold, in words."""
        found: list[str] = []
        for one in self.leaves:
            if not one.test(facts):
                found.append(one.shortfall(facts.get(one.leaf.field)))
                if len(found) == most:
                    break
        return found


def step(rule: Rule) -> Step:
    """`rule`, compiled."""
    when = None if rule.when is None else positive(rule.when)
    bare = RuleHit(rule=rule.id, lane=rule.lane, reason=rule.reason, owner=rule.owner, source=rule.source)
    return Step(
        rule=rule,
        id=rule.id,
        rank=rule.lane.rank,
        approvals=rule.approvals,
        four_eyes=rule.four_eyes,
        when=when,
        test=condition_test(when),
        leaves=tuple(_tested(leaf, bare) for leaf in _telling(when)),
        bare=bare,
    )


def _telling(when: Condition | None) -> list[Compare]:
    def weight(leaf: Compare) -> int:
        return 0 if leaf.type is FactType.MONEY else 1 if leaf.op in ORDERED else 2

    return [] if when is None else sorted(leaves(when), key=weight)


def _tested(leaf: Compare, bare: RuleHit) -> Tested:
    hit, short = _hit_teller(leaf, bare), lambda value: shortfall(leaf, value)
    if leaf.type in _FEW:
        return Tested(leaf=leaf, test=leaf_test(leaf), hit=Kept(hit).__getitem__, shortfall=Kept(short).__getitem__)
    return Tested(leaf=leaf, test=leaf_test(leaf), hit=hit, shortfall=short)


def _hit_teller(leaf: Compare, bare: RuleHit) -> Callable[[Any], RuleHit]:
    if leaf.op is not Op.MISSING and leaf.type is FactType.MONEY:
        return _money_teller(leaf, bare)
    if leaf.op is not Op.MISSING and leaf.type in (FactType.NUMBER, FactType.RATIO):
        return _number_teller(leaf, bare)
    rule, lane, reason, owner, source = bare.rule, bare.lane, bare.reason, bare.owner, bare.source
    field, kind, limit = leaf.field, leaf.type, shown_limit(leaf)

    def told(value: Any) -> RuleHit:
        return RuleHit(rule, lane, reason, field, shown(value, kind), limit, distance(leaf, value), owner, source)

    return told


def _number_teller(leaf: Compare, bare: RuleHit) -> Callable[[Any], RuleHit]:
    rule, lane, reason, owner, source = bare.rule, bare.lane, bare.reason, bare.owner, bare.source
    field, words, limit = leaf.field, shown_limit(leaf), Decimal(str(leaf.value))
    below = leaf.op in (Op.BELOW, Op.AT_MOST)
    side = " under" if below else " over"

    def told(value: Decimal | float) -> RuleHit:
        exact = Decimal(str(value))
        gap = limit - exact if below else exact - limit
        far = _format(gap, ",") + side if gap else AT_LIMIT
        return _new(RuleHit, (rule, lane, reason, field, f"{value:,}", words, far, owner, source))

    return told


def _money_teller(leaf: Compare, bare: RuleHit) -> Callable[[Any], RuleHit]:
    """Nearly every action has an amount, so these words are put together with as little as can be."""
    rule, lane, reason, owner, source = bare.rule, bare.lane, bare.reason, bare.owner, bare.source
    field, below = leaf.field, leaf.op in (Op.BELOW, Op.AT_MOST)
    known = {
        code: (limit, shown_limit(leaf, code), minor_unit(code), f" {code}", f" {code} {'under' if below else 'over'}")
        for code, limit in leaf.value.items()
    }

    def told(value: Money) -> RuleHit:
        limit, words, unit, code, side = known[value.currency]
        amount = value.amount
        if not amount.same_quantum(unit):
            amount = written(amount, unit)
        gap = limit - amount if below else amount - limit
        far = _format(gap, ",") + side if gap else AT_LIMIT
        return _new(RuleHit, (rule, lane, reason, field, _format(amount, ",") + code, words, far, owner, source))

    return told


def _lack(leaf: Compare, facts: Mapping[str, Any]) -> str:
    value = facts.get(leaf.field)
    return leaf.field if value is None else f"{leaf.field} (no limit in {value.currency})"

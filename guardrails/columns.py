"""Many cases judged at once: the facts of all of them as columns, so that another policy is tried on a year of work in a moment.

The same lanes as judging one by one, without the words: numbers are exact integers at the scale of the values, and a limit that
is finer than they are is rounded to the side that keeps every comparison true.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .conditions import AllOf, AnyOf, Compare, Condition, Op, positive
from .facts import Fact, FactType
from .policy import Policy
from .rules import KnownAction, Rule

Mask = NDArray[np.bool_]

_STEPS = frozenset({FactType.MONEY, FactType.NUMBER})
_ROOM = 2**62


class Column:
    """One fact of every case."""

    def __init__(self, fact: Fact, values: Sequence[Any]) -> None:
        self.fact = fact
        self.present: Mask = np.array([value is not None for value in values], dtype=bool)
        kind = fact.type
        self.currency: tuple[NDArray[Any], dict[str, int]] | None = None
        self.codes: dict[str, int] = {}
        self.scale = 1
        if kind is FactType.TEXT:
            self.values, self.codes = _coded(values)
        elif kind is FactType.MONEY:
            self.currency = _coded([None if value is None else value.currency for value in values])
            self.values, self.scale = _scaled([None if value is None else value.amount for value in values])
        elif kind is FactType.NUMBER:
            self.values, self.scale = _scaled(values)
        elif kind is FactType.RATIO:
            self.values = np.array([0.0 if value is None else value for value in values], dtype=float)
        else:
            self.values = _whole([0 if value is None else int(value) for value in values])

    def compared(self, op: Op, limit: Any) -> Mask:
        """Where the comparison holds, in whatever currency; what is missing may answer anything."""
        if self.fact.type is FactType.TEXT:
            found = np.isin(self.values, [self.codes.get(word, -2) for word in _listed(limit)])
            return np.asarray(found if op in (Op.IS, Op.IN) else ~found)
        if op in (Op.IN, Op.NOT_IN):
            found = np.isin(self.values, list(limit))
            return np.asarray(found if op is Op.IN else ~found)
        if self.fact.type in _STEPS:
            limit = _at_scale(op, limit, self.scale)
        return np.asarray(_SIGNS[op](self.values, limit), dtype=bool)

    def coded(self, code: str) -> Mask:
        """Where the money is in this currency."""
        assert self.currency is not None
        values, codes = self.currency
        return np.asarray(values == codes.get(code, -2))


_SIGNS: dict[Op, Any] = {
    Op.IS: np.equal,
    Op.IS_NOT: np.not_equal,
    Op.ABOVE: np.greater,
    Op.AT_LEAST: np.greater_equal,
    Op.BELOW: np.less,
    Op.AT_MOST: np.less_equal,
}


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _coded(values: Sequence[str | None]) -> tuple[NDArray[Any], dict[str, int]]:
    codes: dict[str, int] = {}
    numbers = [-1 if value is None else codes.setdefault(value, len(codes)) for value in values]
    return np.array(numbers, dtype=np.int64), codes


def _scaled(values: Sequence[Decimal | None]) -> tuple[NDArray[Any], int]:
    digits = max((-_exponent(value) for value in values if value is not None), default=0)
    scale: int = 10 ** max(digits, 0)
    return _whole([0 if value is None else int(Fraction(value) * scale) for value in values]), scale


def _exponent(value: Decimal) -> int:
    return int(value.as_tuple().exponent)


def _whole(values: Sequence[int]) -> NDArray[Any]:
    # Python's own numbers where a machine word is too small: slower, and still exact.
    small = all(-_ROOM < value < _ROOM for value in values)
    return np.array(values, dtype=np.int64 if small else object)


def _at_scale(op: Op, limit: Decimal, scale: int) -> int:
    """The whole number that a value at this scale stands to as it does to `limit`."""
    exact = Fraction(limit) * scale
    floor = exact.numerator // exact.denominator
    return floor if op in (Op.ABOVE, Op.AT_MOST) or exact == floor else floor + 1


class Columns:
    """The facts of many actions of one kind."""

    def __init__(self, facts: Sequence[Mapping[str, Any]], declared: Mapping[str, Fact]) -> None:
        """`facts` are typed; one that `declared` does not know makes its case prohibited under every policy."""
        self.count = len(facts)
        names = dict.fromkeys(name for one in facts for name in one)
        self.columns = {name: Column(declared[name], [one.get(name) for one in facts]) for name in names if name in declared}
        strange = [name for name in names if name not in declared]
        self.strange: Mask = np.array([any(one.get(name) is not None for name in strange) for one in facts], dtype=bool)

    @cached_property
    def nothing(self) -> Mask:
        """Nowhere."""
        return np.zeros(self.count, dtype=bool)

    def refused(self, policy: Policy) -> Mask:
        """Where a supplied fact is none of the policy's, so that judging fails and nothing runs."""
        found, known = self.strange, policy.known_facts
        for name, column in self.columns.items():
            fact = known.get(name)
            if fact is None or fact.type is not column.fact.type:
                found = found | column.present
            elif fact.values:
                found = found | (column.present & ~column.compared(Op.IN, fact.values))
        return found


class Lanes:
    """What one policy says about the cases of one kind: a rank, how many people, and whether makers may not approve."""

    def __init__(self, policy: Policy, kind: str, cases: Columns) -> None:
        self.cases, self.policy = cases, policy
        self._found: dict[tuple[str, Op, str, bool], Mask] = {}
        action = next((one for one in policy.actions if one.kind == kind), None)
        self.ranks: NDArray[Any] = np.full(cases.count, 2)
        self.approvals: NDArray[Any] = np.ones(cases.count, dtype=np.int64)
        self.four_eyes: Mask = cases.nothing
        if action is not None:
            self._judge(action, [rule for rule in policy.every_rule if rule.covers(kind)])

    def _judge(self, action: KnownAction, rules: Sequence[Rule]) -> None:
        free, strict, never = self.cases.nothing, self.cases.nothing, self.cases.nothing
        approvals, four_eyes = np.full(self.cases.count, action.approvals), np.full(self.cases.count, action.four_eyes)
        for rule in rules:
            sure, may = self._rule(rule, sure=True), self._rule(rule, sure=False)
            if rule.lane.rank == 0:
                free, strict = free | sure, strict | (may & ~sure)
            else:
                strict = strict | may
                never = never | sure if rule.lane.rank > 1 else never
            if rule.approvals > 1:
                approvals = np.maximum(approvals, np.where(may, rule.approvals, 1))
            if rule.four_eyes:
                four_eyes = four_eyes | may
        ranks = np.where(never, 2, np.where(free & ~strict, 0, 1))
        ranks = np.where(self._below_zero(), np.maximum(ranks, 1), ranks)
        ranks = self._unsure(ranks, action.min_confidence)
        self.ranks = np.where(self._stopped() | self.cases.refused(self.policy), 2, ranks)
        self.approvals, self.four_eyes = approvals, four_eyes

    def _rule(self, rule: Rule, *, sure: bool) -> Mask:
        return ~self.cases.nothing if rule.when is None else self._holds(positive(rule.when), sure=sure)

    def _below_zero(self) -> Mask:
        amount = self.cases.columns.get("amount")
        return self.cases.nothing if amount is None else amount.present & amount.compared(Op.BELOW, Decimal(0))

    def _stopped(self) -> Mask:
        stopped = self.cases.columns.get("stopped")
        return self.cases.nothing if stopped is None else stopped.present & (stopped.values != 0)

    def _unsure(self, ranks: NDArray[Any], floor: float) -> NDArray[Any]:
        column = self.cases.columns.get("confidence")
        told = self.cases.nothing if column is None else column.present
        low = self.cases.nothing if column is None else told & column.compared(Op.BELOW, floor)
        up = np.minimum(ranks + 1, 2) if self.policy.unsure == "one_lane_up" else np.maximum(ranks, 1)
        return np.where(low, up, np.where(told, ranks, np.maximum(ranks, 1)))

    def _holds(self, condition: Condition, *, sure: bool) -> Mask:
        if isinstance(condition, Compare):
            return self._leaf(condition, sure=sure)
        parts = condition.every if isinstance(condition, AllOf) else condition.some if isinstance(condition, AnyOf) else ()
        masks = [self._holds(part, sure=sure) for part in parts]
        found = masks[0]
        for mask in masks[1:]:
            found = found & mask if isinstance(condition, AllOf) else found | mask
        return found

    def _leaf(self, leaf: Compare, *, sure: bool) -> Mask:
        key = leaf.field, leaf.op, repr(leaf.value), sure
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._tested(leaf, sure=sure)
        return found

    def _tested(self, leaf: Compare, *, sure: bool) -> Mask:
        column = self.cases.columns.get(leaf.field)
        if column is None or column.fact.type is not leaf.type:
            return self.cases.nothing if sure and leaf.op is not Op.MISSING else ~self.cases.nothing
        if leaf.op is Op.MISSING:
            return ~column.present
        if leaf.type is not FactType.MONEY:
            holds = column.compared(leaf.op, leaf.value)
            return column.present & holds if sure else ~column.present | holds
        known, holds = self.cases.nothing, self.cases.nothing
        for code, limit in leaf.value.items():
            here = column.coded(code)
            known, holds = known | here, holds | (here & column.compared(leaf.op, limit))
        return known & holds if sure else ~known | holds

"""Conditions as closures that test typed facts one by one: True, False, or None where a fact is missing."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..core.money import Money
from .conditions import AnyOf, Compare, Condition, Not, Op, negated
from .facts import FactType

Test = Callable[[Mapping[str, Any]], bool | None]
"""Facts to True, False or None."""

_COMPARE: dict[Op, Callable[[Any, Any], bool]] = {
    Op.IS: operator.eq,
    Op.IS_NOT: operator.ne,
    Op.IN: lambda value, wanted: value in wanted,
    Op.NOT_IN: lambda value, wanted: value not in wanted,
    Op.ABOVE: operator.gt,
    Op.AT_LEAST: operator.ge,
    Op.BELOW: operator.lt,
    Op.AT_MOST: operator.le,
}


def leaf_test(leaf: Compare) -> Test:
    """The closure that tests one comparison on typed facts."""
    name, wanted = leaf.field, leaf.value
    if leaf.op is Op.MISSING:
        return lambda facts: facts.get(name) is None
    holds = _COMPARE[leaf.op]

    def test(facts: Mapping[str, Any]) -> bool | None:
        value = facts.get(name)
        return None if value is None else holds(value, wanted)

    def money(facts: Mapping[str, Any]) -> bool | None:
        value: Money | None = facts.get(name)
        limit = None if value is None else wanted.get(value.currency)
        return None if value is None or limit is None else holds(value.amount, limit)

    return money if leaf.type is FactType.MONEY else test


def _always(_: Mapping[str, Any]) -> bool:
    return True


def condition_test(condition: Condition | None) -> Test:
    """The closure that tests a whole condition by Kleene's logic; None always holds."""
    if condition is None:
        return _always
    if isinstance(condition, Compare):
        return leaf_test(condition)
    if isinstance(condition, Not):
        return condition_test(negated(condition.never))
    decisive = isinstance(condition, AnyOf)
    tests = [condition_test(part) for part in (condition.some if isinstance(condition, AnyOf) else condition.every)]

    def test(facts: Mapping[str, Any]) -> bool | None:
        found = [one(facts) for one in tests]
        return decisive if decisive in found else None if None in found else not decisive

    return test

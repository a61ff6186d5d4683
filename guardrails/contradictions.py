"""Conditions that can never be true, found by intervals and sets per fact.

A rule that can never match looks like protection and is none, so it is refused when the policy is loaded. Combinations
across several `any` in one `all` are not multiplied out.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from .conditions import ORDERED, AllOf, AnyOf, Compare, Condition, Not, Op, negated
from .facts import FactType
from .wording import described

Leaves = tuple[Compare, ...]


def contradiction(condition: Condition) -> str:
    """The comparisons that exclude each other, in words; empty where the condition can be true."""
    return _inside_not(condition) or _found([condition], ())


def _inside_not(condition: Condition) -> str:
    if isinstance(condition, Compare):
        return ""
    if isinstance(condition, Not):
        return contradiction(condition.never)
    parts = condition.every if isinstance(condition, AllOf) else condition.some
    return next((found for part in parts if (found := _inside_not(part))), "")


def _found(parts: Sequence[Condition], around: Leaves) -> str:
    """The clash in `parts` and `around`, which must all hold; one dead branch of an `any` that was written is one."""
    together = [one for part in parts for one in _conjuncts(part)]
    here = (*around, *(part for part in together if isinstance(part, Compare)))
    if clash := _clash(here):
        return clash
    for part in together:
        if isinstance(part, Compare):
            continue
        written = isinstance(part, AnyOf)
        branches = part.some if isinstance(part, AnyOf) else _branches(part)
        dead = [found for branch in branches if (found := _found([branch], here))]
        if dead and (written or len(dead) == len(branches)):
            return dead[0]
    return ""


def _conjuncts(condition: Condition) -> list[Condition]:
    if isinstance(condition, AllOf):
        return [one for part in condition.every for one in _conjuncts(part)]
    if isinstance(condition, Not):
        inner = negated(condition.never)
        return [condition] if isinstance(inner, AnyOf) else _conjuncts(inner)
    return [condition]


def _branches(condition: Condition) -> tuple[Condition, ...]:
    inner = negated(condition.never) if isinstance(condition, Not) else condition
    return inner.some if isinstance(inner, AnyOf) else (inner,)


def _clash(leaves: Sequence[Compare]) -> str:
    for _, group in groupby(sorted(leaves, key=lambda leaf: leaf.field), key=lambda leaf: leaf.field):
        same = list(group)
        if not _possible(same):
            return " and ".join(dict.fromkeys(described(leaf) for leaf in same))
    return ""


def _possible(leaves: list[Compare]) -> bool:
    if any(leaf.op is Op.MISSING for leaf in leaves):
        return all(leaf.op is Op.MISSING for leaf in leaves)
    if leaves[0].type is FactType.MONEY:
        common = set.intersection(*(set(leaf.value) for leaf in leaves))
        return bool(common) and all(_interval_open([(leaf.op, leaf.value[code]) for leaf in leaves]) for code in common)
    bounds = [(leaf.op, leaf.value) for leaf in leaves if leaf.op in ORDERED]
    if leaves[0].type is FactType.RATIO:
        bounds += [(Op.AT_LEAST, 0.0), (Op.AT_MOST, 1.0)]
    if leaves[0].type in (FactType.INTEGER, FactType.DAYS):
        bounds = [_whole(op, limit) for op, limit in bounds]
    return _set_open(leaves, bounds) and _interval_open(bounds)


def _whole(op: Op, limit: int) -> tuple[Op, int]:
    if op is Op.ABOVE:
        return Op.AT_LEAST, limit + 1
    return (Op.AT_MOST, limit - 1) if op is Op.BELOW else (op, limit)


def _interval_open(bounds: Iterable[tuple[Op, Any]]) -> bool:
    low = max(((limit, op is Op.ABOVE) for op, limit in bounds if op in (Op.ABOVE, Op.AT_LEAST)), default=None)
    high = min(((limit, op is not Op.BELOW) for op, limit in bounds if op in (Op.BELOW, Op.AT_MOST)), default=None)
    if low is None or high is None:
        return True
    return bool(low[0] < high[0] or (low[0] == high[0] and not low[1] and high[1]))


def _set_open(leaves: Iterable[Compare], bounds: list[tuple[Op, Any]]) -> bool:
    chosen: set[Any] | None = None
    barred: set[Any] = set()
    for leaf in leaves:
        values = set(leaf.value) if isinstance(leaf.value, tuple) else {leaf.value}
        if leaf.op in (Op.IS, Op.IN):
            chosen = values if chosen is None else chosen & values
        elif leaf.op in (Op.IS_NOT, Op.NOT_IN):
            barred |= values
    if chosen is None:
        return True
    return any(_interval_open([*bounds, (Op.AT_LEAST, one), (Op.AT_MOST, one)]) if bounds else True for one in chosen - barred)

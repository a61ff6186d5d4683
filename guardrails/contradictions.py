"""Conditions that can never be true, found by intervals and sets per fact.

A rule that can never match looks like protection and is none, so it is refused when the policy is loaded. The branches of
several `any` in one `all` are multiplied out as long as that gives no more than 256 combinations.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from .conditions import ORDERED, AllOf, AnyOf, Compare, Condition, Not, Op, negated, positive
from .facts import FACTS, Fact, FactType
from .wording import described

Leaves = tuple[Compare, ...]


_MOST = 256
"""How many combinations of branches are looked at."""


def contradiction(condition: Condition, facts: Mapping[str, Fact] = FACTS) -> str:
    """The comparisons that exclude each other, in words; empty where the condition can be true."""
    return _inside_not(condition, facts) or _found([condition], (), facts)


def _inside_not(condition: Condition, facts: Mapping[str, Fact]) -> str:
    if isinstance(condition, Compare):
        return ""
    if isinstance(condition, Not):
        return contradiction(condition.never, facts)
    parts = condition.every if isinstance(condition, AllOf) else condition.some
    return next((found for part in parts if (found := _inside_not(part, facts))), "")


def _found(parts: Sequence[Condition], around: Leaves, facts: Mapping[str, Fact]) -> str:
    """The clash in `parts` and `around`, which must all hold; one dead branch of an `any` that was written is one."""
    together = [one for part in parts for one in _conjuncts(part)]
    here = (*around, *(part for part in together if isinstance(part, Compare)))
    if clash := _clash(here, facts):
        return clash
    choices = [part for part in together if not isinstance(part, Compare)]
    for part in choices:
        written = isinstance(part, AnyOf)
        branches = part.some if isinstance(part, AnyOf) else _branches(part)
        others = [one for one in choices if one is not part]
        dead = [
            found for branch in branches if (found := _found([branch], here, facts) or _crossed([branch, *others], here, facts))
        ]
        if dead and (written or len(dead) == len(branches)):
            return dead[0]
    return ""


def _crossed(parts: Sequence[Condition], around: Leaves, facts: Mapping[str, Fact]) -> str:
    """The first clash where every combination of the branches in `parts` has one."""
    worlds = _worlds(AllOf(every=tuple(positive(part) for part in parts)))
    clashes = [_clash((*around, *world), facts) for world in worlds]
    return clashes[0] if clashes and all(clashes) else ""


def _worlds(condition: Condition) -> list[Leaves]:
    """The ways in which a condition without `not` can be true; none where they are too many to look at."""
    if isinstance(condition, Compare):
        return [(condition,)]
    parts = [_worlds(part) for part in (condition.some if isinstance(condition, AnyOf) else _all(condition))]
    if isinstance(condition, AnyOf):
        many = [world for part in parts for world in part]
        return many if all(parts) and len(many) <= _MOST else []
    if prod(len(part) for part in parts) > _MOST:
        return []
    return [tuple(leaf for one in chosen for leaf in one) for chosen in product(*parts)]


def _all(condition: Condition) -> tuple[Condition, ...]:
    return condition.every if isinstance(condition, AllOf) else (condition,)


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


def _clash(leaves: Sequence[Compare], facts: Mapping[str, Fact]) -> str:
    groups: dict[str, list[Compare]] = {}
    for leaf in leaves:
        groups.setdefault(leaf.field, []).append(leaf)
    for name in sorted(groups):
        if not _possible(groups[name], facts):
            return _told(groups[name])
    amount, currency = groups.get("amount", []), groups.get("currency", [])
    return _told([*amount, *currency]) if amount and currency and not _met(amount, currency, facts) else ""


def _met(amount: list[Compare], currency: list[Compare], facts: Mapping[str, Fact]) -> bool:
    """Whether the amount has its limits in a currency that it may be in; the two facts are there together or not at all."""
    gone = {leaf.op is Op.MISSING for leaf in (*amount, *currency)}
    if True in gone:
        return gone == {True}
    codes = set.intersection(*(set(leaf.value) for leaf in amount))
    chosen = (currency[0].model_copy(update={"op": Op.IS, "value": code}) for code in codes)
    return any(_possible([*currency, one], facts) for one in chosen)


def _told(leaves: Iterable[Compare]) -> str:
    return " and ".join(dict.fromkeys(described(leaf) for leaf in leaves))


def _possible(leaves: list[Compare], facts: Mapping[str, Fact]) -> bool:
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
    fact = facts.get(leaves[0].field)
    return _set_open(leaves, bounds, fact.values if fact else ()) and _interval_open(bounds)


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


def _set_open(leaves: Iterable[Compare], bounds: list[tuple[Op, Any]], known: Sequence[str]) -> bool:
    chosen: set[Any] | None = set(known) or None
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

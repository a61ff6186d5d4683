"""How facts, limits and distances are written for people."""

from decimal import Decimal
from functools import cache
from typing import Any

from ..core.money import Money, round_minor
from ..core.verdict import Lane
from .conditions import ORDERED, AllOf, AnyOf, Compare, Condition, Not, Op
from .facts import FactType

_WORDS = {
    Op.IS: "is",
    Op.IS_NOT: "is not",
    Op.IN: "is one of",
    Op.NOT_IN: "is none of",
    Op.ABOVE: "above",
    Op.AT_LEAST: "at least",
    Op.BELOW: "below",
    Op.AT_MOST: "at most",
    Op.MISSING: "is missing",
}

AT_LIMIT = "at the limit"


def shown(value: Any, kind: FactType = FactType.NUMBER) -> str:
    """One value as a person reads it: `12,480.00 EUR`, `34 days`, `yes`."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Money):
        return shown_money(value.amount, value.currency)
    if isinstance(value, tuple):
        return ", ".join(shown(one, kind) for one in value)
    if isinstance(value, int | Decimal | float):
        return f"{value:,}" + (" day" + "s" * (value != 1) if kind is FactType.DAYS else "")
    return str(value) or "empty"


def shown_lane(lane: Lane, approvals: int, *, four_eyes: bool) -> str:
    """A lane, with who is asked where that is more than anybody: `reviewed (2 approvals, four eyes)`."""
    if lane is not Lane.REVIEWED or (approvals == 1 and not four_eyes):
        return lane.value
    return f"{lane.value} ({approvals} approval{'' if approvals == 1 else 's'}{', four eyes' if four_eyes else ''})"


def shown_money(amount: Decimal, currency: str) -> str:
    """`12,480.00 EUR`: with the currency's own digits unless that would hide some."""
    return f"{written(amount, minor_unit(currency)):,} {currency}"


def written(amount: Decimal, unit: Decimal) -> Decimal:
    """`amount` with the digits of `unit`, or as it is where it has more."""
    if amount.same_quantum(unit):
        return amount
    rounded = amount.quantize(unit)
    return rounded if rounded == amount else amount


@cache
def minor_unit(currency: str) -> Decimal:
    """0.00 for EUR, 0 for JPY: a zero with the digits that amounts in this currency have."""
    return round_minor(Decimal(0), currency)


def shown_limit(leaf: Compare, currency: str = "") -> str:
    """The value a comparison holds a fact against; for money in one currency, or in all it knows."""
    if leaf.op is Op.MISSING:
        return "missing"
    if leaf.type is not FactType.MONEY:
        return shown(leaf.value, leaf.type)
    if currency:
        return shown_money(leaf.value[currency], currency) if currency in leaf.value else f"no limit in {currency}"
    return " or ".join(shown_money(amount, code) for code, amount in leaf.value.items())


def distance(leaf: Compare, value: Any) -> str:
    """How far `value` is from the limit: `7,480.00 EUR over`, `4 days under`, `at the limit`; empty where there is no scale."""
    if leaf.op not in ORDERED or value is None:
        return ""
    if isinstance(value, Money):
        limit = leaf.value.get(value.currency)
        return "" if limit is None else money_distance(value.amount - limit, value.currency)
    gap = Decimal(str(value)) - Decimal(str(leaf.value))
    size = shown(int(abs(gap)) if isinstance(value, int) else abs(gap), leaf.type)
    return AT_LIMIT if gap == 0 else f"{size} {'over' if gap > 0 else 'under'}"


def money_distance(gap: Decimal, currency: str) -> str:
    """How far an amount is from its limit, from their difference."""
    if gap > 0:
        return f"{shown_money(gap, currency)} over"
    return f"{shown_money(-gap, currency)} under" if gap else AT_LIMIT


def described(condition: Condition | None) -> str:
    """A condition as one phrase: `amount above 5,000.00 EUR and order_found is yes`."""
    if condition is None:
        return "always"
    if isinstance(condition, Compare):
        words = f"{condition.field} {_WORDS[condition.op]}"
        return words if condition.op is Op.MISSING else f"{words} {shown_limit(condition)}"
    if isinstance(condition, Not):
        return f"not ({described(condition.never)})"
    if isinstance(condition, AllOf):
        return " and ".join(_part(part) for part in condition.every)
    return " or ".join(_part(part) for part in condition.some)


def _part(condition: Condition) -> str:
    text = described(condition)
    return f"({text})" if isinstance(condition, AllOf | AnyOf) else text


def shortfall(leaf: Compare, value: Any) -> str:
    """Why a comparison does not hold: `amount is 6,200.00 EUR (1,200.00 EUR over)`, `receipt_complete is no`."""
    if value is None:
        return f"{leaf.field} is missing"
    if isinstance(value, Money) and value.currency not in leaf.value:
        return f"{leaf.field} has no limit in {value.currency}"
    gap = distance(leaf, value)
    return f"{leaf.field} is {shown(value, leaf.type)}" + (f" ({gap})" if gap else "")

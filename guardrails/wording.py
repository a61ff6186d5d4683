"""How facts, limits and distances are written for people."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..core.money import Money, round_minor
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


_UNITS: dict[str, Decimal] = {}


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


def shown_money(amount: Decimal, currency: str) -> str:
    """`12,480.00 EUR`: with the currency's own digits unless that would hide some."""
    if currency not in _UNITS:
        _UNITS[currency] = round_minor(Decimal(0), currency)
    if not amount.same_quantum(_UNITS[currency]):
        rounded = round_minor(amount, currency)
        amount = rounded if rounded == amount else amount
    return f"{amount:,} {currency}"


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
        if value.currency not in leaf.value:
            return ""
        gap = value.amount - leaf.value[value.currency]
        size = shown_money(abs(gap), value.currency)
    else:
        gap = Decimal(str(value)) - Decimal(str(leaf.value))
        size = shown(int(abs(gap)) if isinstance(value, int) else abs(gap), leaf.type)
    return "at the limit" if gap == 0 else f"{size} {'over' if gap > 0 else 'under'}"


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


def shortfall(leaf: Compare, facts: Mapping[str, Any]) -> str:
    """Why a comparison does not hold: `amount is 6,200.00 EUR (1,200.00 EUR over)`, `receipt_complete is no`."""
    value = facts.get(leaf.field)
    if value is None:
        return f"{leaf.field} is missing"
    if isinstance(value, Money) and value.currency not in leaf.value:
        return f"{leaf.field} has no limit in {value.currency}"
    gap = distance(leaf, value)
    return f"{leaf.field} is {shown(value, leaf.type)}" + (f" ({gap})" if gap else "")

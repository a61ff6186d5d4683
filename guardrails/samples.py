"""Sample values of facts: one for each stretch between the limits that rules name, as plain as a person would choose it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ..core.money import Money, round_minor
from .facts import FactType

_WHOLE = frozenset({FactType.INTEGER, FactType.DAYS})
_OTHER_CODES = ("XTS", "XXX", "ZZZ", "ZZY")
"""Currencies for "another one"; the first is ISO 4217's code for tests."""


def word(words: Sequence[str], number: int) -> str:
    """The text with this number; 0 is one that no rule mentions."""
    if number:
        return words[number - 1]
    other = "another"
    while other in words:
        other += " one"
    return other


def currency(words: Sequence[str], number: int) -> str:
    """The currency with this number; 0 is one that no rule mentions."""
    return words[number - 1] if number else next(code for code in _OTHER_CODES if code not in words)


def plainest(kind: FactType, points: Sequence[Fraction], number: Fraction, code: str = "") -> Any:
    """The plainest value that stands to each of `points`, which are in order, as `number` does."""
    place = bisect_left(points, number)
    if place < len(points) and points[place] == number:
        return typed(kind, number, code)
    low = points[place - 1] if place else None
    high = points[place] if place < len(points) else None
    return typed(kind, _between(kind, low, high, code), code)


def samples(kind: FactType, points: Sequence[Fraction], code: str = "") -> Iterator[Any]:
    """One value for each limit and for each stretch between two, in order."""
    low: Fraction | None = None
    for high in (*points, None):
        if (found := _between(kind, low, high, code)) is not None:
            yield typed(kind, found, code)
        if high is not None:
            yield typed(kind, high, code)
        low = high


def typed(kind: FactType, number: Any, code: str = "") -> Any:
    """`number` as the value of a fact; money needs its currency."""
    if kind in _WHOLE:
        return int(number)
    decimal = Decimal(number.numerator) / Decimal(number.denominator)
    if kind is FactType.RATIO:
        return float(decimal)
    return Money(amount=decimal, currency=code) if kind is FactType.MONEY else decimal


def _between(kind: FactType, low: Fraction | None, high: Fraction | None, code: str) -> Fraction | None:
    """A number above `low` and below `high`, a small step from one of them; None where there is none."""
    if kind is FactType.RATIO:
        return _ratio(low, high)
    step = _step(kind, code)
    if low is None:
        return Fraction(0) if high is None or high > 0 else high - step
    if low == 0 and (high is None or high > 1):
        return Fraction(1)
    if high is None or low + step < high:
        return low + step
    return None if kind in _WHOLE else (low + high) / 2


def _ratio(low: Fraction | None, high: Fraction | None) -> Fraction | None:
    step = Fraction(1, 100)
    if low is None:
        return max(Fraction(0), Fraction(1) if high is None else high - step) if high is None or high > 0 else None
    if high is None:
        return min(Fraction(1), low + step) if low < 1 else None
    return low + step if low + step < high else (low + high) / 2


def _step(kind: FactType, code: str) -> Fraction:
    if kind in _WHOLE:
        return Fraction(1)
    if kind is FactType.MONEY:
        digits = -int(round_minor(Decimal(0), code).as_tuple().exponent)
        return Fraction(1, 10**digits)
    return Fraction(1, 100)

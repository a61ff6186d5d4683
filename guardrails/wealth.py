"""Wealth: what a gambler would own who bets against "at least this share is wrong", as a function of two counts.

Of `n` cases `wrong` were wrong. If at least the share `limit` is wrong in truth, no gambler's wealth ever reaches `1 / alpha` with a
chance above `alpha`, however often he looks (Ville's inequality); so wealth that did reach it is evidence, at any moment. He
spreads his money over bets made for a brain that is wrong in 0, a tenth, a quarter and a half of `limit`, and lets them run: a
mixture of likelihood ratios (Robbins 1970; Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting").
"""

from math import exp, inf, log, log1p
from typing import NamedTuple


class Bet(NamedTuple):
    """One part of the gambler's money."""

    share: float
    """How much of the money."""
    fraction: float
    """The true error it is best for, as a fraction of the limit."""


BETS = (Bet(0.2, 0.0), Bet(0.3, 0.1), Bet(0.3, 0.25), Bet(0.2, 0.5))
_PRECISION = 1e-7


def log_sum(logs: list[float]) -> float:
    """The logarithm of the sum of numbers given by their logarithms; never overflows."""
    highest = max(logs)
    return highest if highest in (inf, -inf) else highest + log(sum(exp(one - highest) for one in logs))


def log_wealth(wrong: int, n: int, limit: float) -> float:
    """The logarithm of the wealth after `n` cases, `wrong` of them wrong, against "at least `limit` is wrong"; grows with `limit`."""
    right = n - wrong
    parts = []
    for share, fraction in BETS:
        if wrong and not fraction:
            continue
        lost = wrong * log(fraction) if wrong else 0.0
        parts.append(log(share) + lost + right * (log1p(-fraction * limit) - log1p(-limit)))
    return log_sum(parts)


def lowest_limit(wrong: int, n: int, log_needed: float) -> float:
    """The lowest share of errors that the wealth rules out, 1 where it rules out none: an upper confidence bound, valid at any moment."""
    low, high = 0.0, 1.0 - _PRECISION
    if log_wealth(wrong, n, high) < log_needed:
        return 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if log_wealth(wrong, n, middle) >= log_needed else (middle, high)
    return high


def clean_needed(wrong: int, n: int, limit: float, log_needed: float) -> int:
    """How many further cases without an error until the wealth suffices; 0 where it does."""
    if log_wealth(wrong, n, limit) >= log_needed:
        return 0
    low, high = 0, 1
    while log_wealth(wrong, n + high, limit) < log_needed:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_wealth(wrong, n + middle, limit) >= log_needed else (middle, high)
    return high

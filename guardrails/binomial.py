"""Binomial: exact bounds on a share of errors from counts; no approximation, so they hold at 0 errors and at 20 cases.

Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial".
"""

from math import ceil, exp, expm1, lgamma, log, log1p

from ..core.errors import BadInput
from .ranges import strictly_between

_HALVINGS = 60


def log_choose(n: int, k: int) -> float:
    """The logarithm of the number of ways to choose `k` of `n`."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def tail(most: int, n: int, share: float) -> float:
    """The chance of at most `most` errors among `n` cases that are each wrong with the chance `share`."""
    if most >= n or share <= 0:
        return 1.0
    if most < 0 or share >= 1:
        return 0.0
    mean = n * share
    if most > mean:
        return max(0.0, 1.0 - _descending(n - most - 1, n, 1 - share))
    return min(1.0, _descending(most, n, share))


def _descending(most: int, n: int, share: float) -> float:
    """The terms from the largest, at `most` below the mean, downwards until they no longer count."""
    log_first = log_choose(n, most) + most * log(share) + (n - most) * log1p(-share)
    odds_against = (1 - share) / share
    total, term = 1.0, 1.0
    for k in range(most, 0, -1):
        term *= k / (n - k + 1) * odds_against
        total += term
        if term < total * 1e-17:
            break
    return exp(log_first) * total if log_first > -745 else 0.0


def upper_bound(wrong: int, n: int, confidence: float = 0.95) -> float:
    """The one-sided upper bound: with this confidence the true share of errors is no higher; 1 where nothing was counted.

    Raises:
        BadInput: Counts that are no share, or a confidence that is none.
    """
    _counted(wrong, n, confidence)
    if wrong == n:
        return 1.0
    if wrong == 0:
        return -expm1(log1p(-confidence) / n)
    low, high = wrong / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(wrong, n, middle) > 1 - confidence else (low, middle)
    return high


def lower_bound(wrong: int, n: int, confidence: float = 0.95) -> float:
    """The one-sided lower bound: with this confidence the true share of errors is no lower; 0 where nothing was counted."""
    _counted(wrong, n, confidence)
    return 0.0 if wrong == 0 else 1 - upper_bound(n - wrong, n, confidence)


def most_wrong(n: int, target: float, confidence: float = 0.95) -> int:
    """How many of `n` cases may be wrong for the upper bound to stay at or below `target`; -1 where not even none would do."""
    strictly_between("target", target)
    _counted(0, n, confidence)
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if tail(middle, n, target) <= 1 - confidence else (low, middle)
    return low


def least_clean(target: float, confidence: float = 0.95) -> int:
    """The fewest cases, none of them wrong, that show an error of at most `target`: 149 for 2 % at 95 %."""
    strictly_between("target", target)
    strictly_between("confidence", confidence)
    n = max(1, ceil(log1p(-confidence) / log1p(-target)))
    return n if n == 1 or n * log1p(-target) <= log1p(-confidence) else n + 1


def least_cases(wrong_share: float, target: float, confidence: float = 0.95, *, most: int = 1_000_000) -> int | None:
    """The fewest cases that show an error of at most `target` where the given share of them is wrong; None where `most` do not.

    Rounds the number of errors up, so that it promises no case less than would be needed.
    """
    low, high = 0, least_clean(target, confidence)
    while tail(_rounded(wrong_share * high), high, target) > 1 - confidence:
        if high >= most or wrong_share >= target:
            return None
        low, high = high, min(most, high * 2)
    while high - low > 1:
        middle = (low + high) // 2
        enough = middle > 0 and tail(_rounded(wrong_share * middle), middle, target) <= 1 - confidence
        low, high = (low, middle) if enough else (middle, high)
    return high


def _rounded(wrong: float) -> int:
    return ceil(wrong - 1e-9)


def _counted(wrong: int, n: int, confidence: float) -> None:
    if not 0 <= wrong <= n:
        raise BadInput(f"{wrong} wrong of {n} is no share.", hint="Errors lie between 0 and the number of cases.")
    strictly_between("confidence", confidence)

"""Searches: the lowest score from which a brain may act alone, found so that the promise survives the finding.

Looking for the best of many floors on the same cases spends the confidence of a bound: the plain choice breaks its promise in a
quarter to nearly half of all draws. Each honest search here keeps "the error above the floor is at most `target`" with a chance of at
least `confidence`, whatever the scores are worth, because the chance that it accepts any floor where that is false is bounded by
construction. All but `sgr` take floors that were fixed without a look at the cases, and test them by the exact binomial tail.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, exp, log2
from typing import NamedTuple

from .binomial import least_clean, tail

GRID = tuple(round(1 / (1 + exp(1.4 - step / 10)), 7) for step in range(150))
"""Floors for scores between 0 and 1, in even steps of their log odds: from 0.2, ever denser towards 1."""
STARTS = {0.999: 0.25, 0.99: 0.25, 0.96: 0.25, 0.88: 0.25}
"""Where the searches with several starts begin where nothing is known of the scores, with each one's share of the chance."""
_ROOM = (1.6, 4.0, 7.0)
"""Where they begin otherwise: where so many times the least number of clean cases is above the floor.

The first is for few cases, the last for many; all lie in the part that a usable brain gets right, so all their shares arrive."""


class Case(NamedTuple):
    """A case that a person decided."""

    score: float
    right: bool


class Plan(NamedTuple):
    """Which floors to try and where to begin; made without the cases that it will be tried on."""

    floors: tuple[float, ...]
    starts: dict[float, float]


class Found(NamedTuple):
    """A floor with the evidence above it."""

    floor: float
    n: int
    """Cases with a score at or above the floor."""
    wrong: int


def tallied(cases: Iterable[Case], floors: Iterable[float]) -> list[Found]:
    """The evidence for each of `floors`, strictest first."""
    ascending = sorted(set(floors))
    n, wrong = [0] * (len(ascending) + 1), [0] * (len(ascending) + 1)
    for score, right in cases:
        place = bisect_right(ascending, score)
        n[place] += 1
        wrong[place] += not right
    found = []
    total = errors = 0
    for place in range(len(ascending), 0, -1):
        total, errors = total + n[place], errors + wrong[place]
        found.append(Found(ascending[place - 1], total, errors))
    return found


def planned(scores: Iterable[float], n: int, *, target: float, confidence: float = 0.95) -> Plan:
    """The plan for `n` cases, from the scores of others that came the same way."""
    known = sorted(scores, reverse=True)
    least = least_clean(target, confidence)
    shares = [room * least / n for room in _ROOM if room * least <= n] or [min(1.0, 1.1 * least / n)]
    starts: dict[float, float] = {}
    for share in shares:
        start = known[min(len(known), max(1, round(share * len(known)))) - 1]
        starts[start] = starts.get(start, 0.0) + 1 / len(shares)
    return Plan((*GRID, *known), starts)


def naive(cases: Iterable[Case], *, target: float) -> Found | None:
    """The lowest floor with at most `target` wrong in these very cases. It keeps no promise: it is here to be compared with."""
    ordered = sorted(cases, reverse=True)
    best, wrong = None, 0
    for count, (score, right) in enumerate(ordered, start=1):
        wrong += not right
        last_of_its_score = count == len(ordered) or ordered[count].score < score
        if last_of_its_score and wrong <= target * count:
            best = Found(score, count, wrong)
    return best


def bonferroni(
    cases: Iterable[Case], *, target: float, confidence: float = 0.95, floors: Sequence[float] = GRID
) -> Found | None:
    """Every floor at once, each with an equal share of the chance of a false promise."""
    rows = tallied(cases, floors)
    allowed = (1 - confidence) / len(rows)
    return next((row for row in reversed(rows) if _passes(row, target, allowed)), None)


def sgr(cases: Iterable[Case], *, target: float, confidence: float = 0.95) -> Found | None:
    """Selection with guaranteed risk: a binary search over the ranks, with the chance split over its steps.

    Geifman & El-Yaniv 2017, "Selective classification for deep neural networks", algorithm 1.
    """
    ordered = sorted(cases, reverse=True)
    steps = max(1, ceil(log2(max(2, len(ordered)))))
    sums = [0]
    for case in ordered:
        sums.append(sums[-1] + (not case.right))
    low, high = 0, len(ordered)
    best = None
    for _ in range(steps):
        count = ceil((low + high) / 2)
        if count and tail(sums[count], count, target) <= (1 - confidence) / steps:
            best, low = Found(ordered[count - 1].score, count, sums[count]), count
        else:
            high = count
    return best


def fixed_sequence(
    cases: Iterable[Case], *, target: float, confidence: float = 0.95, floors: Sequence[float] = GRID, start: float = 0.99
) -> Found | None:
    """From `start` downwards, each with the whole chance, until one fails.

    Angelopoulos, Bates, Candès, Jordan & Lei 2021, "Learn then test"; the first false floor of the order is accepted with that chance.
    """
    return fallback(cases, target=target, confidence=confidence, floors=floors, starts={start: 1.0})


def multi_start(
    cases: Iterable[Case],
    *,
    target: float,
    confidence: float = 0.95,
    floors: Sequence[float] = GRID,
    starts: Mapping[float, float] = STARTS,
) -> Found | None:
    """Several fixed sequences, each to its own first failure and with its own share only ("Learn then test", section 3)."""
    rows = tallied(cases, {*floors, *starts})
    best = None
    for start, share in starts.items():
        for row in rows:
            if row.floor > start:
                continue
            if not _passes(row, target, (1 - confidence) * share):
                break
            best = row if best is None or row.floor < best.floor else best
    return best


def fallback(
    cases: Iterable[Case],
    *,
    target: float,
    confidence: float = 0.95,
    floors: Sequence[float] = GRID,
    starts: Mapping[float, float] = STARTS,
) -> Found | None:
    """Several starts, and what is not lost is handed on: a floor that passes gives its share to the next one below.

    A sequence that reaches the next start unbroken goes on with both shares, so it arrives at the end with the whole chance, where
    `multi_start` has a fraction; one that breaks leaves the starts below it their own.
    Wiens 2003, "A fixed sequence Bonferroni procedure for testing multiple endpoints"; Wiens & Dmitrienko 2005; a graphical procedure
    in the sense of Bretz, Maurer, Brannath & Posch 2009, and so a closed test.
    """
    best, handed_down = None, 0.0
    for row in tallied(cases, {*floors, *starts}):
        share = handed_down + starts.get(row.floor, 0.0)
        passed = share > 0 and _passes(row, target, (1 - confidence) * share)
        best, handed_down = (row, share) if passed else (best, 0.0)
    return best


def _passes(row: Found, target: float, allowed: float) -> bool:
    return row.n > 0 and tail(row.wrong, row.n, target) <= allowed

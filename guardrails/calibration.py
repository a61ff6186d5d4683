"""Calibration: what a stated confidence is worth, learned from what people decided.

Nothing is taken on trust: below a minimum of reviewed outcomes there is no calibrated confidence at all, and what has none is
reviewed. It applies to every brain alike, a language model's own word included.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, Self

from ..core.errors import BadInput
from .ranges import ratio

LEAST_OUTCOMES = 100
"""Reviewed outcomes before a stated confidence is worth anything."""
EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
_LEAST_TO_TELL = 20
"""Outcomes in a bin before it is quoted."""


class Outcome(NamedTuple):
    """What a brain said of itself, and whether it was right."""

    said: float
    right: bool


class Step(NamedTuple):
    """A stretch of stated confidence with the share that was right."""

    low: float
    high: float
    right: float


class Calibrator:
    """Turns a stated confidence into the share that proved right; never falls as the stated one rises."""

    def __init__(self, steps: Sequence[Step], n: int) -> None:
        self.steps = tuple(steps)
        self.n = n
        """Outcomes that it was made from."""
        self._lows = [step.low for step in self.steps]

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, bool]], *, least: int = LEAST_OUTCOMES) -> Self | None:
        """The calibrator of these outcomes; None below `least` of them.

        Isotonic regression by pooling adjacent violators (Barlow et al. 1972; Zadrozny & Elkan 2002). One right and one wrong
        outcome are added to each pool, so that no pool is worth 1 for having been lucky.

        Raises:
            BadInput: A stated confidence outside 0 to 1.
        """
        outcomes = _checked(pairs)
        if len(outcomes) < max(least, 1):
            return None
        pools: list[_Pool] = []
        for said, right in sorted(outcomes):
            pool = _Pool(said, said, int(right), 1)
            while pools and (pools[-1].high == pool.low or pools[-1].worth >= pool.worth):
                pool = pools.pop().joined(pool)
            pools.append(pool)
        return cls([Step(pool.low, pool.high, pool.worth) for pool in pools], len(outcomes))

    def __call__(self, said: float | None) -> float | None:
        """The calibrated confidence; None where nothing was said. Between two steps it is the lower one's."""
        if said is None:
            return None
        ratio("said", said)
        index = bisect_right(self._lows, said) - 1
        return self.steps[index].right if index >= 0 else min(said, self.steps[0].right)


class _Pool(NamedTuple):
    low: float
    high: float
    right: int
    n: int

    @property
    def worth(self) -> float:
        return (self.right + 1) / (self.n + 2)

    def joined(self, other: "_Pool") -> "_Pool":
        return _Pool(self.low, other.high, self.right + other.right, self.n + other.n)


class Bin(NamedTuple):
    """A stretch of stated confidence with what came of it."""

    low: float
    high: float
    right: int
    n: int

    @property
    def share(self) -> float | None:
        """The share that was right; None where nothing was said."""
        return self.right / self.n if self.n else None


def reliability(pairs: Iterable[tuple[float, bool]], edges: Sequence[float] = EDGES) -> tuple[Bin, ...]:
    """The outcomes by stated confidence; a bin takes its lower edge, and the last one its upper edge as well.

    Raises:
        BadInput: Edges that do not ascend from 0 to 1, or a stated confidence outside them.
    """
    if len(edges) < 2 or edges[0] != 0 or edges[-1] != 1 or not all(low < high for low, high in pairwise(edges)):
        raise BadInput(f"Edges of {tuple(edges)!r} leave gaps.", hint="Give numbers that ascend from 0 to 1.")
    right, n = [0] * (len(edges) - 1), [0] * (len(edges) - 1)
    for said, was_right in _checked(pairs):
        index = min(bisect_right(edges, said), len(n)) - 1
        right[index] += was_right
        n[index] += 1
    return tuple(Bin(low, high, hits, count) for (low, high), hits, count in zip(pairwise(edges), right, n, strict=True))


def worth(confidence: float | None, bins: Sequence[Bin]) -> str:
    """One line such as "says .85–.90 → right 91 %, n = 412"; empty where fewer than 20 outcomes would back it."""
    if confidence is None or not 0 <= confidence <= 1:
        return ""
    for one in bins:
        inside = one.low <= confidence < one.high or confidence == one.high == 1
        if inside and one.n >= _LEAST_TO_TELL:
            return f"says {_short(one.low)}–{_short(one.high)} → right {100 * one.right / one.n:.0f} %, n = {one.n:,}"
    return ""


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _checked(pairs: Iterable[tuple[float, bool]]) -> list[Outcome]:
    outcomes = [Outcome(float(said), bool(right)) for said, right in pairs]
    for outcome in outcomes:
        ratio("A stated confidence", outcome.said)
    return outcomes

"""Pairs: two brains on the same decided cases, and whether one of them is at least as good.

McNemar 1947, "Note on the sampling error of the difference between correlated proportions", in its exact form: of the cases on which
only one brain was right, how often that was which. The paired bootstrap (Efron & Tibshirani 1993, chapter 13) gives the interval of the
difference; cases that were drawn for quality control count there for as many as they stand for.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from ..core.errors import BadInput
from ..core.noun import Noun
from ..guardrails.binomial import tail

LEAST = 100
"""With fewer decided cases nothing is said."""
MARGIN = 0.02
"""How much worse the other brain may be at the lower end of the interval."""
_DRAWS = 4000
_SEED = 0
_TOO_SURE = 0.05


class Pair(Noun):
    """What two brains made of one case."""

    case_id: str
    champion: bool
    """Whether the brain at work was right."""
    challenger: bool
    weight: float = 1.0
    """How many cases it stands for."""


class Comparison(Noun):
    """Two brains on the same cases."""

    n: int
    both: int
    only_champion: int
    only_challenger: int
    neither: int
    champion: float
    """Share of the cases that the brain at work had right; each counts for as many as it stands for."""
    challenger: float
    difference: float
    """The challenger's share less the champion's."""
    low: float
    """95 % interval of the difference, by the paired bootstrap."""
    high: float
    p_value: float
    """Exact, two-sided: how likely so uneven a split is where both are equally good."""

    @property
    def as_good(self) -> bool:
        """Whether the challenger is better or equal: nothing it lost shows, and what may be hidden is smaller than the margin."""
        return not self.hindrance

    @property
    def hindrance(self) -> str:
        """Why it does not count as better or equal; empty where it does."""
        if self.n < LEAST:
            return f"{self.n} decided cases with a known truth are too few: {LEAST - self.n} more are needed"
        if self.difference < 0:
            return f"it was right in {self.challenger:.1%} of {self.n} cases, the brain at work in {self.champion:.1%}"
        if self.only_champion > self.only_challenger and self.p_value < _TOO_SURE:
            return (
                f"of the cases that only one of them had right, the brain at work had {self.only_champion} and it "
                f"{self.only_challenger} (p = {self.p_value:.3f})"
            )
        if self.low < -MARGIN:
            return f"over {self.n} cases it may still be {-self.low:.1%} worse, and at most {MARGIN:.0%} is accepted; more cases tell"
        return ""


def compare(pairs: Iterable[Pair]) -> Comparison:
    """Both brains over the same cases; the same pairs always give the same numbers."""
    listed = list(pairs)
    split = Counter((one.champion, one.challenger) for one in listed)
    total = sum(one.weight for one in listed) or 1.0
    champion = sum(one.weight for one in listed if one.champion) / total
    challenger = sum(one.weight for one in listed if one.challenger) / total
    low, high = _interval(listed)
    return Comparison(
        n=len(listed),
        both=split[True, True],
        only_champion=split[True, False],
        only_challenger=split[False, True],
        neither=split[False, False],
        champion=champion,
        challenger=challenger,
        difference=challenger - champion,
        low=low,
        high=high,
        p_value=mcnemar(split[True, False], split[False, True]),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value that two brains judged on the same cases are equally often right.

    `only_first` counts the cases that only the first got right, `only_second` those that only the second did. Raises BadInput for a count
    below zero.
    """
    if only_first < 0 or only_second < 0:
        raise BadInput("A count of cases cannot be negative.", hint="Count the cases that only one of the two got right.")
    n = only_first + only_second
    return min(1.0, 2 * tail(min(only_first, only_second), n, 0.5)) if n else 1.0


def _interval(pairs: list[Pair]) -> tuple[float, float]:
    """The middle 95 % of the difference over resampled cases; equal cases are drawn together, since only their number matters."""
    if not pairs:
        return -1.0, 1.0
    kinds = Counter((int(one.challenger) - int(one.champion), one.weight) for one in pairs)
    change = np.array([key[0] for key in sorted(kinds)], dtype=np.float64)
    weight = np.array([key[1] for key in sorted(kinds)], dtype=np.float64)
    share = np.array([kinds[key] for key in sorted(kinds)], dtype=np.float64) / len(pairs)
    drawn = np.random.default_rng(_SEED).multinomial(len(pairs), share, size=_DRAWS)
    differences = (drawn @ (change * weight)) / (drawn @ weight)
    low, high = np.quantile(differences, (0.025, 0.975))
    return float(low), float(high)

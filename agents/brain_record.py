"""What a brain said about cases that its fit did not see, and how often it was right: the record behind every curve of its card."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from pydantic import Field

from ..core.noun import Noun

MOST_GROUPS = 2_000
"""With more cases than these, neighbours in confidence are counted together."""
BINS = 10


class Group(NamedTuple):
    """Cases of (nearly) one confidence."""

    confidence: float
    right: int
    """How many of them were right."""
    cases: int


class Bin(NamedTuple):
    """The cases with a confidence from `low` up to `high`; the upper end belongs to the bin, and 0 to the first."""

    low: float
    high: float
    cases: int
    confidence: float
    """Their mean; 0 where there are none."""
    right: float
    """Share of them that was right."""


class Step(NamedTuple):
    """What would happen if everything from one confidence on ran alone."""

    floor: float
    coverage: float
    """Share of all cases that is at or above the floor."""
    error: float
    """Share of those that was wrong."""


class Record(Noun):
    """Confidence and outcome of cases that the fit did not see."""

    about: str
    """Which cases, in words."""
    groups: tuple[Group, ...] = Field(default=(), max_length=MOST_GROUPS)
    """By falling confidence."""

    @classmethod
    def of(cls, about: str, pairs: Iterable[tuple[float, bool]]) -> Self:
        """The record of (confidence, right), in any order."""
        ordered = sorted(((round(sure, 4), bool(right)) for sure, right in pairs), reverse=True)
        size = -(-len(ordered) // MOST_GROUPS) or 1
        parts = [ordered[start : start + size] for start in range(0, len(ordered), size)]
        return cls(about=about, groups=tuple(_group(part) for part in parts))

    @property
    def cases(self) -> int:
        """How many there were."""
        return sum(group.cases for group in self.groups)

    @property
    def accuracy(self) -> float:
        """Share of all that was right; 0 where there are none."""
        return sum(group.right for group in self.groups) / max(self.cases, 1)

    def table(self, bins: int = BINS) -> tuple[Bin, ...]:
        """The calibration table: how often it was right when it said so, in bins of equal width."""
        sorted_in: list[list[Group]] = [[] for _ in range(bins)]
        for group in self.groups:
            # Counted from the upper end, since a confidence of exactly 1 is the most usual edge.
            sorted_in[min(max(-int(-group.confidence * bins // 1) - 1, 0), bins - 1)].append(group)
        return tuple(_bin(place / bins, (place + 1) / bins, inside) for place, inside in enumerate(sorted_in))

    @property
    def ece(self) -> float:
        """Expected calibration error over the bins of `table` (Naeini, Cooper & Hauskrecht 2015)."""
        return sum(one.cases * abs(one.confidence - one.right) for one in self.table()) / max(self.cases, 1)

    def curve(self) -> tuple[Step, ...]:
        """Risk and coverage (El-Yaniv & Wiener 2010), one step for each confidence that occurs, from the surest on."""
        seen = wrong = 0
        steps: list[Step] = []
        for group in self.groups:
            seen, wrong = seen + group.cases, wrong + group.cases - group.right
            if steps and steps[-1].floor == group.confidence:
                # Cases of one confidence run together or not at all.
                steps.pop()
            steps.append(Step(group.confidence, seen / self.cases, wrong / seen))
        return tuple(steps)

    @property
    def aurc(self) -> float:
        """Area under the risk-coverage curve, as a sum over its steps; lower is better."""
        steps = self.curve()
        before = (0.0, *(one.coverage for one in steps))
        return sum(one.error * (one.coverage - last) for one, last in zip(steps, before, strict=False))

    def coverage_at(self, error: float) -> Step | None:
        """The largest share that could have run with at most this error on these very cases; no promise for others."""
        return max((one for one in self.curve() if one.error <= error), key=lambda one: one.coverage, default=None)


def _group(part: Sequence[tuple[float, bool]]) -> Group:
    mean = sum(sure for sure, _ in part) / len(part)
    return Group(round(mean, 4), sum(right for _, right in part), len(part))


def _bin(low: float, high: float, inside: Sequence[Group]) -> Bin:
    cases = sum(group.cases for group in inside)
    if not cases:
        return Bin(low, high, 0, 0.0, 0.0)
    mean = sum(group.confidence * group.cases for group in inside) / cases
    return Bin(low, high, cases, mean, sum(group.right for group in inside) / cases)

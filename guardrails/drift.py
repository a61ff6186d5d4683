"""Drift: whether what arrives, or how often a brain is right, is still what it was; an alarm may close a lane, never open one.

`Adwin` watches a stream of numbers between 0 and 1, such as corrections. `psi` and `kolmogorov_smirnov` compare two samples of a
number; PSI on confidence was measured blind to a new kind of ticket, so keep both for numeric inputs. `mmd` compares
what texts mean by their embeddings.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ..core.errors import BadInput
from .ranges import finite, ratio, strictly_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BUCKETS = 5
"""Buckets of a size before the two oldest become one of twice the size."""
_LEAST = 5
"""Cases in each half of a window before the halves are compared."""


class Adwin:
    """A window that grows while the stream stays the same and drops its old part where it does not.

    Bifet & Gavaldà 2007, "Learning from time-changing data with adaptive windowing" (ADWIN2): buckets of powers of two, so memory
    and time per value grow with the logarithm of the window. The variance is taken as that of a rate, the largest a mean allows.
    """

    def __init__(self, *, sensitivity: float = 0.002) -> None:
        """An empty window.

        Args:
            sensitivity: The chance of a false alarm at one look, at most.

        Raises:
            BadInput: A sensitivity that is no chance.
        """
        strictly_between("sensitivity", sensitivity)
        self.sensitivity = sensitivity
        self._rows: list[list[float]] = [[]]
        self.n = 0
        """Values in the window."""
        self.total = 0.0

    @property
    def mean(self) -> float | None:
        """The mean of the window; None while it is empty."""
        return self.total / self.n if self.n else None

    def learn(self, value: float) -> bool:
        """Take in one value between 0 and 1; whether the mean has risen, in which case the old part is dropped.

        A fall drops the old part as well, silently: better than before is no alarm.
        """
        ratio("value", value)
        self._rows[0].append(float(value))
        self.n, self.total = self.n + 1, self.total + value
        self._merge()
        risen = False
        while (change := self._change()) is not None:
            risen = risen or change > 0
            self._drop()
        return risen

    def _merge(self) -> None:
        for index, row in enumerate(self._rows):
            if len(row) <= _BUCKETS:
                return
            if index + 1 == len(self._rows):
                self._rows.append([])
            self._rows[index + 1].append(row.pop(0) + row.pop(0))

    def _drop(self) -> None:
        """Forget the oldest bucket."""
        self.total -= self._rows[-1].pop(0)
        self.n -= 1 << (len(self._rows) - 1)
        while len(self._rows) > 1 and not self._rows[-1]:
            self._rows.pop()

    def _change(self) -> float | None:
        """By how much the newer part of the window lies above the older at the first cut where they differ; None where none does."""
        if self.n < 2 * _LEAST:
            return None
        mean = self.total / self.n
        spread, doubt = max(0.0, mean * (1 - mean)), log(2 * log(self.n) / self.sensitivity)
        count, total = 0, 0.0
        for index in range(len(self._rows) - 1, -1, -1):
            for part in self._rows[index]:
                count, total = count + (1 << index), total + part
                rest = self.n - count
                if count < _LEAST or rest < _LEAST:
                    continue
                change = (self.total - total) / rest - total / count
                weight = 1 / count + 1 / rest
                if abs(change) > sqrt(2 * weight * spread * doubt) + 2 / 3 * weight * doubt:
                    return change
        return None

    def to_json(self) -> str:
        """The window as compact JSON text; `from_json` goes on with it."""
        return json.dumps([self.sensitivity, self._rows], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The window that `to_json` wrote; raises BadInput where it is damaged."""
        try:
            sensitivity, rows = json.loads(text)
            window = cls(sensitivity=sensitivity)
            window._rows = [[float(part) for part in row] for row in rows]
        except (ValueError, TypeError) as error:
            raise BadInput(f"The state of a drift window cannot be read ({error}).", hint="Begin with an empty one.") from error
        window.n = sum(len(row) << index for index, row in enumerate(window._rows))
        window.total = sum(sum(row) for row in window._rows)
        return window


def psi(before: Sequence[float], now: Sequence[float], *, bins: int = 10) -> float:
    """The population stability index over bins of equal size in `before`; by custom above 0.25 is called a shift.

    Half a case is added to each bin, so that an empty one is no infinity.
    """
    _samples(before, now)
    ordered = sorted(before)
    edges = sorted({ordered[len(ordered) * step // bins] for step in range(1, bins)})
    told = 0.0
    for old, new in zip(_shares(before, edges), _shares(now, edges), strict=True):
        told += (new - old) * log(new / old)
    return told


def _shares(values: Sequence[float], edges: Sequence[float]) -> list[float]:
    counts = [0.5] * (len(edges) + 1)
    for value in values:
        counts[bisect_right(edges, value)] += 1
    return [count / (len(values) + len(counts) / 2) for count in counts]


class Shift(NamedTuple):
    """How far two samples are apart, and how often as much happens where nothing changed."""

    distance: float
    p: float


def kolmogorov_smirnov(before: Sequence[float], now: Sequence[float]) -> Shift:
    """The largest distance between two distribution functions, with the asymptotic p-value.

    Numerical Recipes 14.3 (Stephens 1970 for the correction); good from about ten cases on each side.
    """
    _samples(before, now)
    old, new = sorted(before), sorted(now)
    distance = max(abs(bisect_right(old, value) / len(old) - bisect_right(new, value) / len(new)) for value in {*old, *new})
    root = sqrt(len(old) * len(new) / (len(old) + len(new)))
    reach = (root + 0.12 + 0.11 / root) * distance
    if reach < 0.2:
        return Shift(distance, 1.0)
    terms = [2 * (-1) ** (step - 1) * exp(-2 * (step * reach) ** 2) for step in range(1, 101)]
    return Shift(distance, min(1.0, max(0.0, sum(terms))))


def mmd(before: "NDArray[Any]", now: "NDArray[Any]", *, permutations: int = 1999, seed: int = 0) -> Shift:
    """The maximum mean discrepancy of two samples of embeddings, with the exact p-value of a permutation test.

    Gretton, Borgwardt, Rasch, Schölkopf & Smola 2012, "A kernel two-sample test"; a Gaussian kernel as wide as the median distance.

    Args:
        before: One row per text, shape (m, d).
        now: One row per text, shape (n, d).
        permutations: Random splits that the true one is compared with; the lowest p-value is one by one more.
        seed: Of the splits.

    Raises:
        BadInput: Shapes that do not go together, fewer than two rows, or numbers that are none.
    """
    import numpy as np

    old, new = np.asarray(before, dtype=np.float32), np.asarray(now, dtype=np.float32)
    fit = old.ndim == new.ndim == 2 and old.shape[1] == new.shape[1] and min(len(old), len(new)) > 1
    if not fit or not (np.isfinite(old).all() and np.isfinite(new).all()):
        raise BadInput(
            f"Embeddings of the shapes {old.shape} and {new.shape} cannot be compared.",
            hint="Give two tables of finite numbers, one row per text, with the same number of columns.",
        )
    rows = np.concatenate([old, new])
    squares = (rows * rows).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * rows @ rows.T, 0.0)
    kernel = np.exp(-apart / max(float(np.median(apart)), 1e-12))
    count = len(rows)
    signs = np.full((permutations + 1, count), -1 / len(old), dtype=np.float32)
    draw = np.random.default_rng(seed)
    signs[0, len(old) :] = 1 / len(new)
    for row in signs[1:]:
        row[draw.choice(count, len(new), replace=False)] = 1 / len(new)
    distances = np.einsum("ij,ij->i", signs @ kernel, signs)
    # Equal splits may differ in the last digits; they count as at least as far apart.
    as_far = int((distances[1:] >= distances[0] * (1 - 1e-5)).sum())
    return Shift(float(distances[0]), (1 + as_far) / (permutations + 1))


def _samples(before: Sequence[float], now: Sequence[float]) -> None:
    if not before or not now:
        raise BadInput("There is nothing to compare with.", hint="Give two samples with at least one number each.")
    for value in (*before, *now):
        finite("A number", value)

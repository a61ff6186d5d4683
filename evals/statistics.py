"""Statistics for small counts: intervals and tests that hold at 0 errors and at n = 20."""

import math
from statistics import NormalDist

from ..core.errors import BadInput
from ..core.noun import Noun


class Share(Noun):
    """A share with what it was counted from."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        """The share itself; None where nothing was counted."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval; 0 to 1 where nothing was counted."""
        return wilson(self.hits, self.n)

    def __str__(self) -> str:
        if self.value is None:
            return "no cases"
        low, high = self.interval
        return f"{100 * self.value:.1f} % ({self.hits}/{self.n}, 95 % {100 * low:.1f}–{100 * high:.1f})"


def wilson(hits: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """The two-sided Wilson score interval of a share; 0 to 1 where n is 0."""
    _counted(hits, n, level)
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, spread = hits / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return (0.0 if hits == 0 else max(0.0, centre - half)), (1.0 if hits == n else min(1.0, centre + half))


def _counted(hits: int, n: int, level: float) -> None:
    if not 0 <= hits <= n:
        raise BadInput(f"{hits} of {n} is no share.", hint="Hits lie between 0 and n.")
    if not 0 < level < 1:
        raise BadInput(f"A confidence level of {level!r} is none.", hint="Give one between 0 and 1, such as 0.95.")

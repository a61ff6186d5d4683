"""Floors: the scores from which a lane may open, and how the chance of a false promise is shared out over them."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, inf

from ..core.errors import BadInput

FLOORS = tuple(round(1 / (1 + exp(0.4 - 0.4 * step)), 6) for step in range(31))
"""The floors that are tried, for scores between 0 and 1: in even steps of their log odds, from 0.4, ever denser towards 1."""
SCOUTS = 40
"""Cases that only say where a brain's scores lie; they are no evidence, for a floor chosen on them would be no fair test."""
_STARTS = ((0.45, 0.75), (0.25, 0.25))
"""At which share of the traffic above it a floor may open first, with its share of the chance; the others inherit theirs.

Less than half of the traffic, since the first lane opens where errors are rare; and a little for a brain that is weaker still.
"""


def starts_for(scores: Iterable[float], floors: Sequence[float]) -> dict[float, float]:
    """Where a trial over the ascending `floors` begins, for a brain with such scores."""
    known = sorted(scores, reverse=True)
    starts: dict[float, float] = {}
    for above, share in _STARTS:
        score = known[max(0, round(above * len(known)) - 1)]
        floor = max((one for one in floors if one <= score), default=floors[0])
        starts[floor] = starts.get(floor, 0.0) + share
    return starts


def shared_out(floors: Sequence[float], starts: Mapping[float, float]) -> dict[float, float]:
    """The shares by floor; raises BadInput where they are none."""
    if not floors:
        raise BadInput("A trial needs at least one floor.", hint="Give scores between 0 and 1, or leave the floors out.")
    if not starts.keys() <= set(floors) or min(starts.values(), default=inf) <= 0 or sum(starts.values()) > 1 + 1e-9:
        raise BadInput(
            f"The chance cannot be shared out as {dict(starts)!r}.", hint="Give some floors shares above 0, at most 1 together."
        )
    return dict(starts)

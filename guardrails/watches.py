"""Watches: whether a rate has risen above what was promised, looked at after every case; the alarm can only close a lane.

The sum of the wealth of gamblers of whom one starts at every case, each betting that the rate is above its ceiling from now on
(Shiryaev-Roberts; Shin, Ramdas & Rinaldo 2023, "E-detectors"). It forgets a good past, so a jump after a million cases is found as
soon as one after a hundred. As long as the rate keeps its ceiling, the mean number of cases until a false alarm is at least `patience`.
"""

from collections.abc import Sequence
from math import inf, log
from typing import Any

from .wealth import log_sum

ODDS = (1.5, 2.5, 5.0, 10.0)
"""How many times the odds of the ceiling each gambler expects."""
ERROR_PATIENCE, SHARE_PATIENCE = 1_000, 20_000
"""Cases until a false alarm of either watch, on average and at least, while the lane is only just as good as promised."""
_LEEWAY = 0.015
"""By how much the share below the floor may rise before the lane is closed for it."""
_NOTHING = -1e9
"""Stands in JSON for the logarithm of nothing."""


class RateWatch:
    """The watch over one rate. `alarmed` stays true once it is."""

    def __init__(self, *, patience: float, logs: Sequence[float] | None = None) -> None:
        self.patience = patience
        """The mean number of cases until a false alarm, at least."""
        self._logs = list(logs) if logs else [-inf] * len(ODDS)

    def learn(self, hit: bool, ceiling: float) -> None:
        """Take in one case: whether it was one of those that the rate counts, and the rate that it may have, between 0 and 1."""
        for index, odds in enumerate(ODDS):
            feared = odds * ceiling / (1 - ceiling + odds * ceiling)
            gain = log(feared / ceiling) if hit else log((1 - feared) / (1 - ceiling))
            self._logs[index] = log_sum([self._logs[index], 0.0]) + gain

    @property
    def alarmed(self) -> bool:
        """Whether the rate is above its ceiling now, as far as anybody can tell."""
        return log_sum(self._logs) >= log(self.patience * len(ODDS))

    def state(self) -> list[float]:
        """What to give as `logs` to go on later."""
        return [round(one, 9) if one > -inf else _NOTHING for one in self._logs]


class LaneWatch:
    """The two watches over an open lane: its errors, and the share of cases that fall below its floor."""

    def __init__(self, target: float, quality_share: float) -> None:
        self.target = target
        self.quality_share = quality_share
        """The chance with which a case of the lane is looked at."""
        self.below: float | None = None
        """The share of cases below the floor, at most, when the lane opened; None where nobody counted."""
        self.why = ""
        """Why the lane must close; empty while it need not."""
        self._errors, self._share = RateWatch(patience=ERROR_PATIENCE), RateWatch(patience=SHARE_PATIENCE)

    def inside(self, right: bool, probability: float) -> None:
        """A case of the lane that was looked at, with this chance."""
        self.quality_share = min(self.quality_share, probability)
        self._errors.learn(not right, self.target)
        if self._errors.alarmed:
            self.why = f"More than {self.target:.1%} of what runs alone is wrong now."
        self._count(below=False)

    def outside(self) -> None:
        """A case below the floor; every one of them is looked at."""
        self._count(below=True)

    def _count(self, *, below: bool) -> None:
        if self.below is None or self.why:
            return
        share = min(0.99, self.below + _LEEWAY)
        # A lane's own cases are seen only with the quality share, so more of those seen are from below than of those that came.
        self._share.learn(below, share / (share + (1 - share) * self.quality_share))
        if self._share.alarmed:
            self.why = "More cases than before fall below the floor: the traffic has changed."

    def state(self) -> dict[str, Any]:
        """What `restored` goes on with."""
        return {
            "quality_share": self.quality_share,
            "below": self.below,
            "why": self.why,
            "errors": self._errors.state(),
            "share": self._share.state(),
        }

    def restored(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.quality_share, self.below, self.why = state["quality_share"], state["below"], str(state["why"])
        self._errors = RateWatch(patience=ERROR_PATIENCE, logs=state["errors"])
        self._share = RateWatch(patience=SHARE_PATIENCE, logs=state["share"])

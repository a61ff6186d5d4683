"""Betting: may a lane open, and must it close; asked after every decision, and the promise holds however often one looks.

A trial tests several floors at once. Of each it keeps two counts, cases and errors among the cases with a score at or above the
floor, and opens the lane at the lowest floor where the wealth of `wealth.py` refutes "more than `target` of this is wrong".

The chance that it ever opens a lane whose true error is above the target is at most `1 - confidence`, by construction:
- Each floor has its share of that chance, and one that opened hands its share to the next floor below (the fallback procedure:
  Wiens 2003; Bretz et al. 2009; each part holds at any moment by Ville's inequality, and so does the whole).
- Below an open floor the other floors bet on what lies between them and it, where a person still sees every case: as long as all
  above is within the target, a wider lane can be outside it only through what lies between.
It holds for traffic like the traffic seen. So two watches run on an open lane, one on its errors and one on the share of cases that
fall below its floor; either of them closes it, and nothing but a new trial opens it again.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any, Self

from ..core.errors import BadInput
from .binomial import upper_bound
from .floors import FLOORS, SCOUTS, shared_out, starts_for
from .ranges import chance, ratio, strictly_between
from .watches import LaneWatch
from .wealth import clean_needed, log_wealth, lowest_limit

_VERSION = 1


class LaneTrial:
    """The running test of one lane: one worker, kind of action, slice and brain."""

    def __init__(
        self,
        *,
        target: float = 0.02,
        confidence: float = 0.95,
        floors: Sequence[float] = FLOORS,
        starts: Mapping[float, float] | None = None,
        seen: Iterable[float] = (),
        quality_share: float = 0.05,
        opened: float | None = None,
        below: float | None = None,
    ) -> None:
        """Begin without evidence.

        Args:
            target: The share of errors that the lane may have.
            confidence: How sure the promise is to be.
            floors: The scores to try as floors, fixed before the first case.
            starts: Floors that may open first, with their shares of the chance of a false promise; the others inherit theirs.
            seen: Scores of other cases, such as the brain was validated on, to choose the starts by. Without them, and without
                `starts`, the first decisions are spent on that.
            quality_share: The chance with which a case of an open lane is looked at.
            opened: The floor at which a batch certificate opened the lane already; the trial watches it, and may widen it from there
                with a chance of its own to be wrong, which adds to that of the certificate.
            below: The share of cases below `opened` when it was certified; None leaves the second watch off.

        Raises:
            BadInput: A number out of its range.
        """
        strictly_between("target", target)
        strictly_between("confidence", confidence)
        chance("quality_share", quality_share)
        for floor in (*floors, *(one for one in (opened, below) if one is not None)):
            ratio("floor", floor)
        self.target, self.confidence = target, confidence
        self.floors: tuple[float, ...] = tuple(sorted({*floors, *(() if opened is None else (opened,))}))
        self.starts = shared_out(self.floors, starts if starts and opened is None else {})
        self._scouts: list[float] = []
        if (scores := list(seen)) and opened is None:
            self._start(scores)
        size = len(self.floors)
        self._cases, self._errors, self._due = [0] * size, [0] * size, [0] * size
        self._seen = 0
        self._between = [0] * size
        self._open: int | None = None if opened is None else self.floors.index(opened)
        self._first, self._reached = self._open, size if self._open is None else self._open
        self._spent = 0.0 if opened is None else 1.0
        self._watch = LaneWatch(target, quality_share)
        self._watch.below = below
        self._below: list[float] = []

    def learn(self, score: float | None, right: bool, *, probability: float = 1.0) -> None:
        """Take in one decision of a person.

        Args:
            score: What the brain said, between 0 and 1; None, which no floor takes, where it said nothing.
            right: Whether it was approved as it was.
            probability: The chance with which the case was looked at: 1, or the quality share of an open lane.

        Raises:
            BadInput: A score or a chance that is none.
        """
        if score is not None:
            ratio("score", score)
        chance("probability", probability)
        if self.revoked:
            return
        place = -1 if score is None else bisect_right(self.floors, score) - 1
        if self._open is None and not self.starts:
            self._scout(score, probability)
        elif self._open is None:
            self._seen += probability == 1
            self._bet(place, right, probability, place)
        elif place >= self._open:
            self._cases[self._open] += 1
            self._errors[self._open] += not right
            self._watch.inside(right, probability)
        else:
            self._bet(place, right, probability, place if place < self._reached else -1)
            self._watch.outside()

    def _scout(self, score: float | None, probability: float) -> None:
        if probability == 1:
            self._scouts.append(0.0 if score is None else round(score, 6))
        if len(self._scouts) >= SCOUTS:
            self._start(self._scouts)

    def _start(self, scores: list[float]) -> None:
        for score in scores:
            ratio("score", score)
        self.starts = self.starts or starts_for(scores, self.floors)
        self._scouts = []

    def _bet(self, place: int, right: bool, probability: float, highest: int) -> None:
        """Evidence for every floor up to `highest`, from a case whose score lies just above the floor at `place`.

        One that was drawn with a smaller chance comes from a lane that this trial did not open, and would weigh too little here.
        """
        if probability < 1 or place < 0:
            return
        self._between[place] += 1
        for index in range(highest + 1):
            self._cases[index] += 1
            self._errors[index] += not right
        self._widen()

    def _widen(self) -> None:
        """Reach for the lowest floor whose evidence suffices, and on from there with what it hands down.

        A floor that was reached opens only once there were cases just above it: the same evidence would reach the lowest floor of all
        for a brain that never said less than 0.9, and the first strange case with a low score would go alone.
        """
        while (index := self._ready()) is not None:
            if self._first is None:
                self._first = self._open = index
                self._below = [self._share_below(one) for one in range(len(self.floors))]
            self._spent, self._reached = self._weight(index), index
            self._due = [0] * len(self.floors)
        if self._open is not None:
            self._open = next((one for one in range(self._reached, self._open) if self._between[one]), self._open)
            self._watch.below = self._below[self._open] if self._below else self._watch.below

    def _ready(self) -> int | None:
        if self._open is not None and log_wealth(self._errors[self._open], self._cases[self._open], self.target) < 0:
            return None
        for index in range(self._reached):
            # Between two looks a floor needs at least as many cases as it lacked clean ones at the first.
            if self._cases[index] >= self._due[index]:
                lacking = self._lacking(index)
                if lacking == 0:
                    return index
                self._due[index] = self._cases[index] + (lacking or _FAR)
        return None

    def _weight(self, index: int) -> float:
        """The share of the chance of a false promise that the floor has now."""
        handed_down = self._spent if index == self._reached - 1 else 0.0
        return self.starts.get(self.floors[index], 0.0) + handed_down

    def _needed(self, weight: float) -> float:
        return log(1 / ((1 - self.confidence) * weight))

    def _lacking(self, index: int) -> int | None:
        """Clean cases until the floor opens; None where it has no share of the chance."""
        weight = self._weight(index)
        return clean_needed(self._errors[index], self._cases[index], self.target, self._needed(weight)) if weight else None

    def _share_below(self, index: int) -> float:
        return round(upper_bound(self._seen - self._cases[index], self._seen, 0.99), 6)

    def _leading(self) -> int | None:
        """The open floor, or the one that is likely to open first as the traffic is; None while no floor is chosen."""
        if self._open is not None or not self.starts:
            return self._open
        waits = {
            index: lacking * (self._seen + 1) / (self._cases[index] + 1)
            for index in range(len(self.floors))
            if (lacking := self._lacking(index)) is not None
        }
        return min(waits, key=lambda index: (waits[index], -index))

    @property
    def why(self) -> str:
        """Why the lane was closed, in a sentence; empty while it was not."""
        return self._watch.why

    @property
    def revoked(self) -> bool:
        """Whether a watch closed the lane."""
        return bool(self._watch.why)

    @property
    def opened(self) -> float | None:
        """The lowest floor at which the promise holds; None while there is none, and for good once the lane was closed."""
        return None if self._open is None or self.revoked else self.floors[self._open]

    @property
    def leading(self) -> float | None:
        """The floor that `n`, `wrong`, `bound` and `missing` are about: the open one, or the one likely to open first."""
        return None if (index := self._leading()) is None else self.floors[index]

    @property
    def n(self) -> int:
        """Reviewed cases that count for the leading floor."""
        return 0 if (index := self._leading()) is None else self._cases[index]

    @property
    def wrong(self) -> int:
        """How many of them were wrong."""
        return 0 if (index := self._leading()) is None else self._errors[index]

    @property
    def bound(self) -> float:
        """The share of errors at the leading floor is no higher: a statement with `confidence` by itself, at any moment.

        1 where nothing can be said, as of a closed lane. A lane that opened on the share of another claims the target and no less.
        """
        index = self._leading()
        if self.revoked or index is None:
            return 1.0
        first = self._open in (None, self._first)
        weight = self.starts.get(self.floors[index], 1.0) if first else self._spent
        found = lowest_limit(self._errors[index], self._cases[index], self._needed(weight))
        return found if first else max(self.target, found)

    @property
    def missing(self) -> int:
        """How many cases without an error above the leading floor would open the lane, at least; 0 where it is open.

        Of a lane that was closed: as many as a new trial would need.
        """
        if self.revoked:
            return self.restarted().missing
        index = self._leading()
        if index is None:
            return SCOUTS - len(self._scouts) + clean_needed(0, 0, self.target, self._needed(1.0))
        return 0 if self._open is not None else self._lacking(index) or 0

    def restarted(self) -> Self:
        """A new trial with the same terms and no evidence."""
        terms = {name: getattr(self, name) for name in _TERMS}
        return type(self)(**terms, starts=self.starts, quality_share=self._watch.quality_share)

    def to_json(self) -> str:
        """The trial as compact JSON text, below 4 KB; `from_json` goes on with it."""
        state = (
            {"version": _VERSION}
            | {name: getattr(self, name) for name in _TERMS}
            | {name[1:]: getattr(self, name) for name in _STATE}
        )
        state["starts"] = [[floor, share] for floor, share in self.starts.items()]
        state["watch"] = self._watch.state()
        return json.dumps(state, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The trial that `to_json` wrote; raises BadInput where it is damaged or of another version."""
        try:
            return cls._restored(json.loads(text))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise BadInput(
                f"The state of a lane's trial cannot be read ({type(error).__name__}: {error}).",
                hint="Begin a new trial; until it opens the lane, every case is reviewed.",
            ) from error

    @classmethod
    def _restored(cls, state: dict[str, Any]) -> Self:
        if state["version"] != _VERSION:
            raise ValueError(f"version {state['version']!r}")
        trial = cls(**{name: state[name] for name in _TERMS}, starts=dict(state["starts"]))
        for name in _STATE:
            setattr(trial, name, state[name[1:]])
        counts = zip(trial._errors, trial._cases, trial._between, trial.floors, strict=True)
        if not all(isinstance(n, int) and 0 <= wrong <= n for wrong, n, _, _ in counts):
            raise ValueError("counts that are none")
        if trial._open is not None and not (0 <= trial._reached <= trial._open < len(trial.floors) and 0 < trial._spent <= 1):
            raise ValueError("an open floor that is none")
        trial._watch.restored(state["watch"])
        return trial


_FAR = 1 << 60
_TERMS = ("target", "confidence", "floors")
_STATE = ("_scouts", "_cases", "_errors", "_between", "_seen", "_first", "_open", "_reached", "_spent", "_below")

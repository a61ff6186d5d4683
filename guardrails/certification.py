"""Certification: from reviewed cases, the lowest score from which a brain may act alone, or how many cases are missing.

The promise: for traffic like the cases given, at most `target` of what scores at or above the floor is wrong. It is made falsely with
a chance of at most `1 - confidence`. It says nothing about other traffic: cases of no known kind belong among the cases, or their
scores and their share have to be given.
"""

from collections.abc import Iterable, Sequence
from math import inf, sqrt
from random import Random

from ..core.errors import BadInput
from ..core.noun import Noun
from .binomial import least_cases, least_clean, upper_bound
from .ranges import finite, ratio, strictly_between
from .searches import GRID, Case, Found, Plan, fallback, planned, tallied

METHOD = "batch"
"""What a certificate names as its method where it comes from here."""
_SCOUTS, _FEWEST_SCOUTS, _MOST_SCOUTS = 0.05, 30, 100
"""The share of the cases that only say which floors are worth a try, and their number at least and at most."""
_SPREAD = 3.0
"""Standard deviations of room for the draw of the mix; beyond it, what is missing counts as wrong."""


class Certification(Noun):
    """What the cases show."""

    certified: bool
    target: float
    confidence: float
    floor: float | None
    """The lowest score that may go alone; None where nothing was certified."""
    bound: float
    """With `confidence`, no more than this is wrong at or above the floor; where nothing was certified, the best that can be said."""
    n: int
    """Cases that the promise was tested on."""
    n_above: int
    """Those of them at or above the floor."""
    wrong: int
    """Those of them that were wrong."""
    share: float
    """The share of cases that would go alone."""
    out_of_scope_share: float
    """The share of cases of no known kind that the promise reckons with beside those given."""
    method: str
    missing: int | None
    """Further reviewed cases that would be needed at the present quality, an estimate; None where no number would do."""

    def sentence(self) -> str:
        """What it means, in plain words."""
        if self.floor is not None:
            return (
                f"With {self.confidence:.0%} confidence at most {self.target:.1%} of cases like these are wrong where the score is "
                f"{self.floor:.4g} or more, which is {self.share:.1%} of them ({self.wrong} of {self.n_above:,} were wrong)."
            )
        told = (
            f"No floor can be promised at {self.target:.1%} wrong with {self.confidence:.0%} confidence from {_cases(self.n)}. "
        )
        if self.missing is None:
            return told + "More cases of this quality would not help: too many are wrong even where the score is highest."
        return told + f"About {self.missing:,} more reviewed cases of this quality would be needed."


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count:,} cases"


def certify(
    scored: Iterable[tuple[float, bool]],
    *,
    target: float,
    confidence: float = 0.95,
    out_of_scope: Iterable[float] | None = None,
    out_of_scope_share: float = 0.0,
    seen: Iterable[float] | None = None,
) -> Certification:
    """The lowest floor that keeps the promise, found by the fallback search of `searches.py`.

    Args:
        scored: The score of each case, and whether the brain was right; an even sample of the traffic, each case for itself. A score
            below 0 says that the case never goes alone: no floor takes it.
        target: The share of errors that may go alone.
        confidence: How sure the promise is to be.
        out_of_scope: Scores of cases of no known kind; whatever the brain says of one is wrong. They are mixed with `scored` by a draw
            at the true share, so that the result is an even sample of such traffic and the bounds stay exact. What does not fit the
            mix is left out, so give many of both.
        out_of_scope_share: Their share of the traffic.
        seen: Scores of other cases, such as the brain was validated on, to choose the floors by. Without them a twentieth of the
            cases, at least 30 and at most 100, is set aside for that, for a floor that was chosen on the cases would be no fair test.

    Raises:
        BadInput: No case, a score that is no number, or a share that is none.
    """
    strictly_between("target", target)
    strictly_between("confidence", confidence)
    cases = [Case(_finite(score), bool(right)) for score, right in scored]
    if not cases:
        raise BadInput("There is no case to certify from.", hint="Give cases that a person decided, each with its score.")
    # The draws are part of the method, not of the result: a fixed seed lets anybody come to the same floor from the same cases.
    draw = Random(20_040)  # noqa: S311
    cases = _mixed(cases, out_of_scope, out_of_scope_share, draw)
    known = [_finite(score) for score in seen] if seen is not None else []
    if not known:
        scouts, cases = _set_aside(cases, draw)
        known = [case.score for case in scouts]
    known = [max(score, 0.0) for score in known]
    plan = planned(known, len(cases), target=target, confidence=confidence)
    found = fallback(cases, target=target, confidence=confidence, floors=plan.floors, starts=plan.starts)
    return _told(found, cases, plan, target, confidence, out_of_scope_share)


def _finite(score: float) -> float:
    finite("A score", score)
    return float(score)


def _set_aside(cases: list[Case], draw: Random) -> tuple[list[Case], list[Case]]:
    """Scouts and the others; of very few cases half are scouts."""
    count = min(_MOST_SCOUTS, max(_FEWEST_SCOUTS, round(_SCOUTS * len(cases))), (len(cases) + 1) // 2)
    shuffled = draw.sample(cases, len(cases))
    return shuffled[:count], shuffled[count:] or shuffled


def _mixed(cases: list[Case], out_of_scope: Iterable[float] | None, share: float, draw: Random) -> list[Case]:
    """An even sample of traffic with this share of cases out of scope."""
    ratio("out_of_scope_share", share)
    strange = [_finite(score) for score in out_of_scope or ()]
    if not share and not strange:
        return cases
    if not 0 < share < 1 or not strange:
        raise BadInput(
            f"{len(strange)} scores out of scope do not go with a share of {share!r} in the traffic.",
            hint="Give both: scores of cases of no known kind, and which share of the traffic such cases are.",
        )
    total = min(_room(len(cases), 1 - share), _room(len(strange), share))
    if total < 1:
        raise BadInput(
            f"{len(cases)} cases and {len(strange)} out of scope are too few for a mix with {share:.1%} out of scope.",
            hint="Give more cases of the kind that is short.",
        )
    outside = sum(draw.random() < share for _ in range(total))
    return [*_drawn(cases, total - outside, draw), *_drawn([Case(score, right=False) for score in strange], outside, draw)]


def _room(available: int, share: float) -> int:
    """How large a mix may be for its part to find enough to draw from, nearly always."""
    # total * share + spread * sqrt(total * share * (1 - share)) <= available, solved for the root of total.
    spread = _SPREAD * sqrt(share * (1 - share))
    root = (-spread + sqrt(spread * spread + 4 * share * available)) / (2 * share)
    return int(root * root)


def _drawn(cases: list[Case], count: int, draw: Random) -> list[Case]:
    """`count` of the cases; where there are too few, the rest is wrong at any floor, which can only make the promise harder."""
    return draw.sample(cases, min(count, len(cases))) + [Case(inf, right=False)] * (count - len(cases))


def _told(
    found: Found | None, cases: Sequence[Case], plan: Plan, target: float, confidence: float, out_of_scope_share: float
) -> Certification:
    rows = [row for row in tallied(cases, {*plan.floors, *GRID}) if row.n]
    best = found or _best(rows, plan, confidence)
    return Certification(
        certified=found is not None,
        target=target,
        confidence=confidence,
        floor=found.floor if found else None,
        bound=target if found else _bound(best, plan, confidence),
        n=len(cases),
        n_above=best.n if best else 0,
        wrong=best.wrong if best else 0,
        share=found.n / len(cases) if found else 0.0,
        out_of_scope_share=out_of_scope_share,
        method=METHOD,
        missing=0 if found else _missing(rows, len(cases), target, confidence, len(plan.starts)),
    )


def _best(rows: Sequence[Found], plan: Plan, confidence: float) -> Found | None:
    """The start with the lowest bound; the starts share the chance of being wrong."""
    starts = [row for row in rows if row.floor in plan.starts]
    return min(starts, key=lambda row: _bound(row, plan, confidence), default=None)


def _bound(row: Found | None, plan: Plan, confidence: float) -> float:
    return upper_bound(row.wrong, row.n, 1 - (1 - confidence) * plan.starts[row.floor]) if row else 1.0


def _missing(rows: Sequence[Found], n: int, target: float, confidence: float, starts: int) -> int | None:
    """The fewest further cases over all floors, each taken to go on as it did.

    Five cases at half the target stand for what is not known yet, so that one clean case does not count as a perfect brain and
    one error not as a hopeless one.
    """
    least, best = least_clean(target, confidence), None
    for row in {(row.n, row.wrong): row for row in rows}.values():
        if best is not None and least * n / row.n - n >= best:
            continue
        likely = (row.wrong + 2.5 * target) / (row.n + 5)
        above = least_cases(likely, target, 1 - (1 - confidence) / starts)
        if above is not None:
            needed = max(1, round(above * n / row.n) - n)
            best = needed if best is None else min(best, needed)
    return best

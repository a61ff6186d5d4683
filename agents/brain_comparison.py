"""Two brains beside each other: how their cards differ, and which is better on the same labelled texts.

The paired figures are those of `pairs`; here they become a verdict. "Same" is said only where a difference that matters would have
shown; where it might be hidden, the verdict is that nobody can tell, with the number of texts that would.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

from ..core.errors import BadInput
from ..core.noun import Noun
from .brain_card import BrainCard
from .pairs import Comparison, Pair, compare

MATTERS = 0.02
"""A difference in accuracy below this changes nothing in practice."""
_LEVEL = 0.05
_POWER = 0.8

Verdict = Literal["better", "same", "worse", "cannot tell"]


class Change(NamedTuple):
    """One thing in which two cards differ."""

    name: str
    first: Any
    second: Any


class LabelChange(NamedTuple):
    """What became of one label's texts."""

    label: str
    texts: int
    first: int
    """How many the first brain had right."""
    second: int
    fixed: int
    """Right only by the second."""
    broken: int
    """Right only by the first."""


class PairedResult(Noun):
    """The second brain against the first on the same texts."""

    figures: Comparison
    """The first brain stands as `champion`, the second as `challenger`."""
    verdict: Verdict
    """Of the second."""
    why: str
    detectable: float
    """The smallest difference in accuracy that so many texts would show four times out of five."""
    texts_needed: int
    """Texts that would show a difference of two points four times out of five, if the brains disagree as often as here."""
    labels: tuple[LabelChange, ...]
    """Only those in which something changed, the largest change first."""


def changes(first: BrainCard, second: BrainCard) -> tuple[Change, ...]:
    """In what the cards differ: what they are, what they were trained on, and every score."""
    found = [
        Change(name, getattr(first, name), getattr(second, name))
        for name in ("task", "tier", "digest", "data", "data_digest", "examples", "seed", "size_bytes")
        if getattr(first, name) != getattr(second, name)
    ]
    for name, mine, other in (
        ("labels added", (), sorted(set(second.labels) - set(first.labels))),
        ("labels gone", sorted(set(first.labels) - set(second.labels)), ()),
    ):
        if mine or other:
            found.append(Change(name, ", ".join(mine), ", ".join(other)))
    for name in sorted(first.scores.keys() | second.scores.keys()):
        before, after = first.scores.get(name), second.scores.get(name)
        if before != after:
            found.append(Change(name, before, after))
    return tuple(found)


def check_comparable(first: BrainCard, second: BrainCard) -> None:
    """Raise BadInput where the two are not of one task."""
    if first.task != second.task:
        raise BadInput(
            f"{first.name} is for {first.task or 'no named task'!r}, {second.name} for {second.task or 'no named task'!r}.",
            hint="Compare brains of one task.",
        )


def paired(truth: Sequence[str], first: Sequence[str], second: Sequence[str]) -> PairedResult:
    """The labels of two brains for the same texts, with what the texts are; raises BadInput where there is none."""
    if not truth:
        raise BadInput("There is nothing to compare the brains on.", hint="Give labelled texts.")
    hits = [(one == right, other == right) for right, one, other in zip(truth, first, second, strict=True)]
    figures = compare(Pair(case_id=str(place), champion=one, challenger=other) for place, (one, other) in enumerate(hits))
    split = (figures.only_champion + figures.only_challenger) / figures.n
    detectable, needed = _detectable(split, figures.n), _needed(split)
    verdict, why = _verdict(figures, detectable, needed)
    return PairedResult(
        figures=figures, verdict=verdict, why=why, detectable=detectable, texts_needed=needed, labels=_by_label(truth, hits)
    )


def _verdict(figures: Comparison, detectable: float, needed: int) -> tuple[Verdict, str]:
    told = f"{figures.only_challenger} texts only the second had right, {figures.only_champion} only the first (p = {figures.p_value:.3f})"
    if figures.p_value < _LEVEL and figures.difference:
        better = figures.difference > 0
        return ("better", f"It is right more often: {told}.") if better else ("worse", f"It is right less often: {told}.")
    if figures.low > -MATTERS and figures.high < MATTERS and detectable <= MATTERS:
        return (
            "same",
            f"The difference lies between {figures.low:+.1%} and {figures.high:+.1%}, less than {MATTERS:.0%} matters: {told}.",
        )
    return "cannot tell", (
        f"{figures.n} texts would show a difference of {detectable:.1%} or more; between {figures.low:+.1%} and {figures.high:+.1%} "
        f"everything is possible. About {needed:,} texts would show {MATTERS:.0%}: {told}."
    )


def _detectable(split: float, n: int) -> float:
    """The difference that the test shows with the usual power, where the brains part on this share of n texts (Connor 1987)."""
    # With no disagreement seen, the rule of three bounds how much there may be.
    parted = split or min(1.0, 3 / n)
    return min(1.0, _reach() * math.sqrt(parted / n))


def _needed(split: float) -> int:
    parted = max(split, MATTERS)
    return math.ceil(parted * (_reach() / MATTERS) ** 2)


def _reach() -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - _LEVEL / 2) + normal.inv_cdf(_POWER)


def _by_label(truth: Sequence[str], hits: Sequence[tuple[bool, bool]]) -> tuple[LabelChange, ...]:
    grouped: Mapping[str, list[tuple[bool, bool]]] = defaultdict(list)
    for label, pair in zip(truth, hits, strict=True):
        grouped[label].append(pair)
    found = (
        LabelChange(
            label, len(own), sum(one for one, _ in own), sum(other for _, other in own),
            sum(other and not one for one, other in own), sum(one and not other for one, other in own),
        )
        for label, own in grouped.items()
    )  # fmt: skip
    return tuple(
        sorted((one for one in found if one.fixed or one.broken), key=lambda one: (-abs(one.second - one.first), one.label))
    )

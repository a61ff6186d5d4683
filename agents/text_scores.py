"""How good a text brain is: accuracy, F1, calibration, how well its confidence ranks, and how well it tells what is out of scope."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.noun import Noun
from .text_brain import OUT_OF_SCOPE, Prediction, TextBrain
from .text_data import Example
from .text_heads import Bin

BINS = 15
"""Of equal width, over which the calibration error is measured."""
_SHOWN_BINS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
"""Borders of the bins that a card shows: narrow where decisions are taken."""


class Scores(Noun):
    """Figures over a set of labelled texts."""

    texts: int
    accuracy: float
    macro_f1: float
    """Mean over the labels of the harmonic mean of precision and recall."""
    ece: float
    """Expected calibration error over 15 bins of equal width."""
    aurc: float
    """Area under the risk-coverage curve: the share of wrong ones among the surest, averaged over how many are taken."""
    oos_auroc: float | None = None
    """Chance that an in-scope text gets the higher in-scope confidence; None where only one kind is in the set."""


class Outcomes(NamedTuple):
    """What became of each text."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]


def score(brain: TextBrain, examples: Iterable[Example]) -> Scores:
    """The brain's figures on `examples`; both spellings of out of scope count as one."""
    listed = list(examples)
    return scored(brain.predict_many([example.text for example in listed]), listed)


def scored(predictions: Sequence[Prediction], listed: Sequence[Example]) -> Scores:
    """The figures of `predictions`, one for each of `listed`."""
    found = outcomes(predictions, listed)
    inside = np.array([example.label not in OUT_OF_SCOPE for example in listed], dtype=bool)
    return Scores(
        texts=len(listed),
        accuracy=float(found.right.mean()) if listed else 0.0,
        macro_f1=macro_f1([_plain(one.label) for one in predictions], [_plain(one.label) for one in listed]),
        ece=calibration_error(found.confidence, found.right),
        aurc=risk_coverage_area(found.confidence, found.right),
        oos_auroc=auroc(np.array([one.in_scope for one in predictions]), inside),
    )


def outcomes(predictions: Sequence[Prediction], listed: Sequence[Example]) -> Outcomes:
    """How sure each prediction was and whether it was right."""
    right = [_plain(p.label) == _plain(e.label) for p, e in zip(predictions, listed, strict=True)]
    return Outcomes(np.array([one.confidence for one in predictions], dtype=float), np.array(right, dtype=bool))


def reliability(found: Outcomes) -> tuple[Bin, ...]:
    """By confidence, how often it was right when it said so; bins without texts are left out."""
    place = np.clip(np.searchsorted(_SHOWN_BINS, found.confidence, side="right") - 1, 0, len(_SHOWN_BINS) - 2)
    bins = []
    for number, (low, high) in enumerate(pairwise(_SHOWN_BINS)):
        texts = int((place == number).sum())
        if texts:
            bins.append(Bin(low, high, round(float(found.right[place == number].mean()), 4), texts))
    return tuple(bins)


def macro_f1(guessed: Sequence[str], truth: Sequence[str]) -> float:
    """Mean F1 over the labels that occur in `truth`."""
    labels, guesses = np.asarray(truth, dtype=object), np.asarray(guessed, dtype=object)
    figures = []
    for label in sorted(set(truth)):
        hits = int(((labels == label) & (guesses == label)).sum())
        figures.append(2 * hits / (int((labels == label).sum()) + int((guesses == label).sum())))
    return float(np.mean(figures)) if figures else 0.0


def calibration_error(
    confidences: Sequence[float] | NDArray[Any], right: Sequence[bool] | NDArray[Any], bins: int = BINS
) -> float:
    """Mean distance between confidence and accuracy, weighted by the texts in each bin."""
    sure, hit = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    bin_of = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gaps = (abs(sure[bin_of == place].sum() - hit[bin_of == place].sum()) for place in range(bins))
    return float(sum(gaps) / max(len(sure), 1))


def risk_coverage_area(confidences: Sequence[float] | NDArray[Any], right: Sequence[bool] | NDArray[Any]) -> float:
    """Mean error of the surest k texts over all k (Geifman and El-Yaniv 2017); texts of equal confidence are taken together."""
    sure, wrong = np.asarray(confidences, dtype=float), 1.0 - np.asarray(right, dtype=float)
    if not len(sure):
        return 0.0
    _, group, sizes = np.unique(-sure, return_inverse=True, return_counts=True)
    shares = np.bincount(group, weights=wrong) / sizes
    return float((np.cumsum(shares[group[np.argsort(group, kind="stable")]]) / np.arange(1, len(sure) + 1)).mean())


def auroc(values: NDArray[Any], positive: NDArray[Any]) -> float | None:
    """Chance that a positive's value lies above a negative's, ties counted half; None where one kind is missing."""
    count = int(positive.sum())
    rest = len(values) - count
    if not count or not rest:
        return None
    _, inverse, ties = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * rest))


def _plain(label: str) -> str:
    return "out_of_scope" if label in OUT_OF_SCOPE else label

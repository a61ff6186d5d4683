"""How good a text model is: accuracy, calibration error, and how well it tells what is out of scope."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.noun import Noun
from .text_data import Example
from .text_model import OUT_OF_SCOPE, TextModel


class Scores(Noun):
    """Figures over a set of labelled texts."""

    texts: int
    accuracy: float
    ece: float
    """Expected calibration error over 15 bins of equal width."""
    oos_auroc: float | None = None
    """Chance that an in-scope text gets the higher in-scope confidence; None where only one kind is in the set."""


def score(model: TextModel, examples: Iterable[Example]) -> Scores:
    """The model's figures on `examples`; both spellings of out of scope count as one."""
    listed = list(examples)
    predictions = [model.predict(example.text) for example in listed]
    right = np.array([_plain(p.label) == _plain(e.label) for p, e in zip(predictions, listed, strict=True)], dtype=bool)
    inside = np.array([example.label not in OUT_OF_SCOPE for example in listed], dtype=bool)
    return Scores(
        texts=len(listed),
        accuracy=float(right.mean()) if listed else 0.0,
        ece=calibration_error([p.confidence for p in predictions], right),
        oos_auroc=auroc(np.array([p.in_scope for p in predictions]), inside),
    )


def calibration_error(
    confidences: Sequence[float] | NDArray[Any], right: Sequence[bool] | NDArray[Any], bins: int = 15
) -> float:
    """Mean distance between confidence and accuracy, weighted by the texts in each bin."""
    sure, hit = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    bin_of = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gaps = (abs(sure[bin_of == place].sum() - hit[bin_of == place].sum()) for place in range(bins))
    return float(sum(gaps) / max(len(sure), 1))


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

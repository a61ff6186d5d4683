"""From margins to confidence: a temperature, a logistic head on how clear the decision was, damping for unknown words."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.noun import Noun

_FAR = 14.0
"""Log-odds beyond which nothing gets surer."""


class Margins(NamedTuple):
    """The raw outcome for one text."""

    values: NDArray[np.float32]
    """How far the text lies on each label's side."""
    novelty: float
    """Share of the text's features that training never kept."""


class Calibration(Noun):
    """What turns margins into probabilities; fitted on texts that the model did not see."""

    temperature: float
    """Divides the margins before they become probabilities."""
    head: tuple[float, ...] = ()
    """Intercept and weights over `clarity`; empty where there were too few texts to fit it."""
    novelty_limit: float
    """The share of unknown features from which confidence is damped."""

    def probabilities(self, margins: Margins) -> NDArray[np.float64]:
        """One for each label; what damping takes away goes to none of them."""
        chances = softmax(margins.values / self.temperature)
        if self.head:
            best = int(chances.argmax())
            sure = self._sure(chances, margins)
            rest = chances * (1 - sure) / max(1 - float(chances[best]), 1e-12)
            chances = np.minimum(rest, sure)
            chances[best] = sure
        return chances * self.damping(margins.novelty)

    def damping(self, novelty: float) -> float:
        """1 for familiar texts, falling to 0 for one in which nothing is known."""
        limit = self.novelty_limit
        return 1.0 if novelty <= limit else max(0.0, (1.0 - novelty) / (1.0 - limit))

    def _sure(self, chances: NDArray[np.float64], margins: Margins) -> float:
        intercept, *weights = self.head
        odds = intercept + float(np.dot(weights, clarity(chances, margins)))
        return 1 / (1 + math.exp(-min(max(odds, -_FAR), _FAR)))


def clarity(chances: NDArray[np.float64], margins: Margins) -> NDArray[np.float64]:
    """How clear a decision was: log-odds of the best, its lead in log and in margin, the margin itself, novelty."""
    second, best = np.partition(chances, -2)[-2:]
    lower, upper = np.partition(margins.values, -2)[-2:]
    odds = math.log(max(best, 1e-12) / max(1 - best, 1e-12))
    lead = math.log(max(best, 1e-12) / max(second, 1e-12))
    return np.array([min(odds, _FAR), min(lead, _FAR), upper, upper - lower, margins.novelty])


def softmax(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities that sum to 1."""
    powers: NDArray[np.float64] = np.exp(values.astype(np.float64) - float(values.max()))
    return powers / float(powers.sum())

"""From margins to confidence: a temperature, a logistic head on how clear the decision was, damping for what is unfamiliar."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.noun import Noun

FAR = 14.0
"""Log-odds beyond which nothing gets surer."""


class Margins(NamedTuple):
    """The raw outcome for some texts, one row each."""

    values: NDArray[np.float64]
    """How far a text lies on each label's side; one column per label."""
    novelty: NDArray[np.float64]
    """Share of a text's n-grams that training never kept, between 0 and 1."""
    nearness: NDArray[np.float64]
    """Cosine to the mean of the nearest label; 0 in a tier that has no encoder."""

    def of(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Margins":
        """Some of the rows."""
        return Margins(*(part[rows] for part in self))


class Calibration(Noun):
    """What turns margins into probabilities; fitted on texts that the brain did not see."""

    temperature: float
    """Divides the margins before they become probabilities."""
    head: tuple[float, ...] = ()
    """Intercept and weights over `clarity`; empty where there were too few texts to fit it."""
    novelty_limit: float
    """The share of unknown n-grams from which confidence is damped."""
    nearness_limit: float = -1.0
    """The cosine to the nearest label below which confidence is damped."""

    def probabilities(self, margins: Margins) -> NDArray[np.float64]:
        """One for each text and label; what damping takes away goes to none of them."""
        chances = softmax(margins.values / self.temperature)
        if self.head:
            rows, best = np.arange(len(chances)), chances.argmax(axis=1)
            sure = self._sure(chances, margins)
            rest = (1 - sure) / np.maximum(1 - chances[rows, best], 1e-12)
            chances = np.minimum(chances * rest[:, None], sure[:, None])
            chances[rows, best] = sure
        return chances * self.damping(margins)[:, None]

    def damping(self, margins: Margins) -> NDArray[np.float64]:
        """1 for familiar texts, falling to 0 for one in which nothing is known or that lies near no label."""
        new = np.clip((1.0 - margins.novelty) / (1.0 - self.novelty_limit), 0.0, 1.0)
        floor = max(self.nearness_limit, 0.0)
        near = np.clip(margins.nearness / floor, 0.0, 1.0) if floor else 1.0
        return np.asarray(new * near)

    def _sure(self, chances: NDArray[np.float64], margins: Margins) -> NDArray[np.float64]:
        intercept, *weights = self.head
        odds = intercept + clarity(chances, margins) @ np.array(weights)
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -FAR, FAR))), dtype=np.float64)


def clarity(chances: NDArray[np.float64], margins: Margins) -> NDArray[np.float64]:
    """How clear each decision was: log-odds of the best, its log lead, the spread of the rest, the margin, novelty, nearness."""
    second, best = np.partition(chances, -2, axis=1)[:, -2:].T
    lower, upper = np.partition(margins.values, -2, axis=1)[:, -2:].T
    odds = np.log(np.maximum(best, 1e-12) / np.maximum(1 - best, 1e-12))
    lead = np.log(np.maximum(best, 1e-12) / np.maximum(second, 1e-12))
    spread = -(chances * np.log(np.maximum(chances, 1e-12))).sum(axis=1)
    shown: NDArray[np.float64] = np.stack(
        [np.minimum(odds, FAR), np.minimum(lead, FAR), spread, upper, upper - lower, margins.novelty, margins.nearness], 1
    )
    return shown


def softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities that sum to 1 in every row."""
    powers: NDArray[np.float64] = np.exp(values - values.max(axis=1, keepdims=True))
    sums: NDArray[np.float64] = powers.sum(axis=1, keepdims=True)
    return np.divide(powers, sums)

"""One tier of a text brain from examples: its fit, and its calibration on texts that the fit did not see."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..core.errors import BadInput
from .encoder import Encoder, Vectors
from .text_brain import predictions
from .text_calibration import Calibration, Margins, clarity, softmax
from .text_data import Example
from .text_features import Counts, FeatureSpec, Sketch, Vocabulary, features, sketched
from .text_fitting import Linear, logistic, multinomial
from .text_heads import DENSE, Bin, Head, TierName
from .text_scores import outcomes, reliability, scored
from .text_whitening import Whitening

PENALTIES: dict[TierName, tuple[float, ...]] = {"minilm": (2.0, 0.7), "ngrams": (1.0, 0.3)}
"""What is tried on the held-out texts, the strictest first."""
_DENSE_SCALE = 3.0
_SKETCH_SCALE = {"minilm": 2.0, "ngrams": 4.0}
"""How much n-grams count beside the encoder's numbers; a smaller scale is punished more for the same effect."""
_ONCE_SEEN_MATTERS_BELOW = 1_000
"""With fewer examples even an n-gram of a single text is kept."""
_LEAST_FOR_HEAD = 10
"""With fewer mistakes (or hits) in validation than these, temperature alone decides."""
_TARGET_ACCURACY = 0.95


class Material(NamedTuple):
    """Texts as a fit sees them."""

    examples: tuple[Example, ...]
    vectors: Vectors | None
    """None where there is no encoder."""
    counts: tuple[Counts, ...]

    @classmethod
    def gather(cls, examples: Sequence[Example], spec: FeatureSpec, encoder: Encoder | None) -> Self:
        """Everything that is computed once per text."""
        texts = [example.text for example in examples]
        vectors = encoder.vectors(texts) if encoder else None
        return cls(tuple(examples), vectors, tuple(features(text, spec) for text in texts))

    def of(self, rows: Sequence[int]) -> "Material":
        """Some of the texts."""
        return Material(
            tuple(self.examples[row] for row in rows),
            None if self.vectors is None else self.vectors[list(rows)],
            tuple(self.counts[row] for row in rows),
        )

    def vocabulary(self) -> Vocabulary:
        """The n-grams worth keeping; raises BadInput where there is none."""
        found = np.concatenate([counts.ids for counts in self.counts])
        ids, frequency = np.unique(found, return_counts=True)
        kept = frequency >= (1 if len(self.counts) < _ONCE_SEEN_MATTERS_BELOW else 2)
        if not kept.any():
            raise BadInput(
                "The examples have no words in common to learn from.", hint="Give texts with words in them, and more of them."
            )
        idf = np.log((1 + len(self.counts)) / (1 + frequency[kept])) + 1
        unseen = float(np.log((1 + len(self.counts)) / 2) + 1)
        return Vocabulary(ids[kept], _stored(idf), unseen)

    def sketches(self, vocabulary: Vocabulary, spec: FeatureSpec) -> list[Sketch]:
        """The texts' sketches."""
        return [sketched(counts, vocabulary, spec) for counts in self.counts]

    def truth(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """The place of each text's label."""
        places = {label: place for place, label in enumerate(labels)}
        return np.array([places[example.label] for example in self.examples], dtype=np.int64)


class Trial(NamedTuple):
    """How a tier did on the held-out texts."""

    calibration: Calibration
    min_confidence: float
    scores: dict[str, float]
    reliability: tuple[Bin, ...]


class Design:
    """The examples as the numbers that a tier is fitted on; made once, fitted under as many penalties as are tried."""

    def __init__(
        self, tier: TierName, material: Material, sketches: Sequence[Sketch], labels: Sequence[str], *, places: int
    ) -> None:
        """`places` is the width of the sketch, 0 to do without n-grams."""
        self._dense = DENSE if tier == "minilm" else 0
        self._labels = len(labels)
        self._truth = material.truth(labels)
        self._folding = _SKETCH_SCALE[tier]
        self._middle = np.zeros(self._dense, dtype=np.float32)
        self._means = np.zeros((0, 0), dtype=np.float32)
        self._matrix = np.zeros((len(material.examples), self._dense + places), dtype=np.float32)
        if self._dense:
            assert material.vectors is not None
            # A centred matrix lets the minimum be found in fewer rounds; the bias takes the middle back.
            self._middle = material.vectors.mean(axis=0)
            self._means = _means(material.vectors, self._truth, len(labels))
            self._white = Whitening.of(material.vectors, self._truth, len(labels))
            self._matrix[:, : self._dense] = self._white(material.vectors - self._middle) * _DENSE_SCALE
        if places:
            for row, sketch in enumerate(sketches):
                np.add.at(self._matrix[row, self._dense :], sketch.places, sketch.values * self._folding)

    def fitted(self, penalty: float, start: Linear | None = None) -> Linear:
        """The fit under `penalty`; from `start`, a fit under another, the minimum is near."""
        return multinomial(self._matrix, self._truth, self._labels, penalty=penalty, start=start)

    def head(self, found: Linear) -> Head:
        """The fit as weights of the texts' own numbers."""
        dense = self._dense
        folded = found.weights[dense:] * self._folding
        if not dense:
            return Head(_stored(folded), _stored(found.bias), self._means)
        weights = _stored(np.vstack([self._white(found.weights[:dense].T * _DENSE_SCALE).T, folded]))
        return Head(weights, _stored(found.bias - self._middle @ weights[:dense]), self._means)


def fitted(
    tier: TierName, material: Material, sketches: Sequence[Sketch], labels: Sequence[str], *, penalty: float, places: int
) -> Head:
    """The head of `tier` on `material` under one penalty; `places` is the width of the sketch, 0 to do without n-grams."""
    design = Design(tier, material, sketches, labels, places=places)
    return design.head(design.fitted(penalty))


def chosen(trials: Sequence[tuple[float, Margins]], truth: NDArray[np.int64]) -> tuple[float, Margins]:
    """The penalty with the least surprise at its best temperature, with its margins."""
    return min(trials, key=lambda trial: surprise(trial[1].values / temperature(trial[1].values, truth), truth))


def judged(margins: Margins, held_out: Sequence[Example], labels: Sequence[str]) -> Trial:
    """The calibration from all of `held_out`; the figures are of each half under the other half's calibration."""
    places = {label: place for place, label in enumerate(labels)}
    truth = np.array([places[example.label] for example in held_out], dtype=np.int64)
    halves = (slice(0, None, 2), slice(1, None, 2) if len(held_out) > 1 else slice(0, None, 2))
    chances = np.zeros((len(held_out), len(labels)))
    for mine, other in (halves, halves[::-1]):
        chances[other] = tuned(margins.of(mine), truth[mine]).probabilities(margins.of(other))
    seen = predictions(labels, chances, margins.novelty)
    figures = scored(seen, held_out).model_dump(exclude_none=True)
    calibration = tuned(margins, truth)
    said = predictions(labels, calibration.probabilities(margins), margins.novelty)
    found = outcomes(said, held_out)
    return Trial(
        calibration=calibration,
        min_confidence=_advice(found.confidence, found.right),
        scores={name: round(float(value), 4) for name, value in figures.items()},
        reliability=reliability(outcomes(seen, held_out)),
    )


def tuned(margins: Margins, truth: NDArray[np.int64]) -> Calibration:
    """Temperature, head and damping from texts that the fit did not see."""
    heat = temperature(margins.values, truth)
    right = margins.values.argmax(axis=1) == truth
    head: tuple[float, ...] = ()
    if min(right.sum(), (~right).sum()) >= _LEAST_FOR_HEAD:
        head = logistic(clarity(softmax(margins.values / heat), margins), right)
    limit = float(np.clip(np.quantile(margins.novelty, 0.99), 0.3, 0.95))
    near = float(np.quantile(margins.nearness, 0.01))
    return Calibration(temperature=heat, head=head, novelty_limit=round(limit, 4), nearness_limit=round(near, 4))


def temperature(values: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """The divisor of the margins under which the truth is least surprising."""
    return float(min(np.geomspace(0.05, 20, 120), key=lambda candidate: surprise(values / candidate, truth)).round(4))


def surprise(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Mean negative log-probability of the truth."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(truth)), truth]).mean())


def _means(vectors: Vectors, truth: NDArray[np.int64], labels: int) -> NDArray[np.float32]:
    """The middle of each label's texts, of length 1."""
    sums = np.zeros((labels, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, truth, vectors)
    return _stored(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9))


def _advice(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The least confidence above which the target accuracy was met; 1 where none is."""
    order = np.argsort(-confidence, kind="stable")
    met = np.flatnonzero(np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= _TARGET_ACCURACY)
    return round(float(confidence[order[met[-1]]]), 4) if len(met) else 1.0


def _stored(array: NDArray[np.floating]) -> NDArray[np.float32]:
    """As a brain's file will give it back."""
    return array.astype(np.float16).astype(np.float32)

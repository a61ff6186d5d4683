"""The tiers of a text brain: what each knows about itself, its arrays, and how far a text lies on each label's side."""

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.noun import Noun, canonical_json
from .encoder import READ, WIDTH, Encoder, Vectors
from .text_calibration import Calibration, Margins
from .text_features import FORMAT, FeatureSpec, Sketch, Vocabulary, features, sketched

TierName = Literal["minilm", "ngrams"]
TIERS: tuple[TierName, ...] = ("minilm", "ngrams")
"""From the best to the plainest."""
DENSE = len(READ) * WIDTH
"""How many numbers the encoder gives for a text."""


class Bin(NamedTuple):
    """Of the validation texts with a confidence between `low` and `high`, this share was right."""

    low: float
    high: float
    right: float
    texts: int


class TextMeta(Noun):
    """What one tier of a brain knows about itself."""

    task: str = ""
    """What it was trained for: `triage`."""
    tier: TierName
    labels: tuple[str, ...]
    spec: FeatureSpec
    calibration: Calibration
    min_confidence: float
    """Advice, not a promise: above it 95 % of the validation texts were right."""
    data_digest: str
    examples: int
    scores: dict[str, float]
    """Measured on validation texts that the fit did not see."""
    reliability: tuple[Bin, ...] = ()
    """The same texts by confidence: how often it was right when it said so."""
    made_with: dict[str, str]
    """Versions of the libraries that trained it."""


class Head(NamedTuple):
    """The arrays of one tier."""

    weights: NDArray[np.float32]
    """One column per label; rows for the encoder's numbers, then for the places of the sketch, each where the tier has them."""
    bias: NDArray[np.float32]
    means: NDArray[np.float32]
    """The middle of each label's texts by the encoder, of length 1; without rows in a tier that has no encoder."""


class Tier(NamedTuple):
    """One tier of a brain."""

    meta: TextMeta
    head: Head

    @property
    def dense(self) -> int:
        """How many rows of the weights belong to the encoder."""
        return DENSE if self.meta.tier == "minilm" else 0

    def fits(self, vocabulary: Vocabulary) -> bool:
        """Whether the parts belong together."""
        rows, labels = self.head.weights.shape[0], len(self.meta.labels)
        heights = {self.dense, self.dense + self.meta.spec.places} - {0}
        return (
            labels >= 2
            and self.meta.spec.format == FORMAT
            and rows in heights
            and self.head.weights.shape == (rows, labels)
            and self.head.bias.shape == (labels,)
            and self.head.means.shape == (labels if self.dense else 0, self.dense)
            and vocabulary.ids.shape == vocabulary.idf.shape
            and vocabulary.ids.ndim == 1
            and len(vocabulary.ids) > 0
            and all(np.isfinite(part).all() for part in (*self.head, vocabulary.idf))
        )

    def digest(self, vocabulary: Vocabulary) -> str:
        """SHA-256 of everything that decides a prediction in this tier, the encoder's weights included."""
        total = hashlib.sha256(canonical_json(self.meta).encode())
        total.update(f"{Encoder.digest if self.dense else ''} {vocabulary.unseen}".encode())
        for array in (vocabulary.ids, vocabulary.idf, *self.head):
            total.update(f"{array.dtype} {array.shape}".encode())
            total.update(np.ascontiguousarray(array).data)
        return total.hexdigest()

    def margins(self, vectors: Vectors | None, sketches: Sequence[Sketch]) -> Margins:
        """How far each text lies on each label's side, before calibration; `vectors` are the encoder's, for the tier that has one."""
        novelty = np.array([sketch.novelty for sketch in sketches])
        values = np.tile(self.head.bias, (len(sketches), 1))
        nearness = np.zeros(len(sketches))
        if self.dense:
            assert vectors is not None
            values += vectors @ self.head.weights[: self.dense]
            nearness = (vectors @ self.head.means.T).max(axis=1).astype(np.float64) / np.sqrt(len(READ))
        if len(self.head.weights) > self.dense:
            folded = self.head.weights[self.dense :]
            for row, sketch in enumerate(sketches):
                values[row] += sketch.values @ folded[sketch.places]
        return Margins(values.astype(np.float64), novelty, nearness)


def sketches_of(texts: Sequence[str], vocabulary: Vocabulary, spec: FeatureSpec) -> list[Sketch]:
    """The sketches of `texts`."""
    return [sketched(features(text, spec), vocabulary, spec) for text in texts]

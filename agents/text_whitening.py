"""Whitening: directions in which texts of one label differ from each other count less than those in which labels do.

Half-strength within-class covariance normalisation (Hatch et al. 2006). It is linear, so that it vanishes in the weights after the fit;
what it changes is which weights the penalty finds cheap.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_FLOOR = 0.1
"""Added to every variance as a share of their mean, so that what hardly varies is not blown up (tuned on held-out texts)."""
_STRENGTH = 0.25
"""The power of a variance by which its direction is divided; 0.5 would make all of them equal (tuned on held-out texts)."""
_NOTHING = 1e-7
"""The share of the largest variance below which a direction is none."""


class Whitening(NamedTuple):
    """A symmetric linear map of the encoder's numbers."""

    base: float
    """What every direction outside `basis` is multiplied by."""
    basis: NDArray[np.float32]
    """Orthonormal columns."""
    gains: NDArray[np.float32]
    """What is added to `base` along each of them."""

    @classmethod
    def of(cls, vectors: NDArray[np.float32], truth: NDArray[np.int64], labels: int) -> Self:
        """The map for `vectors` (one row per text) of the labels `truth`; it keeps their mean squared length."""
        counts = np.maximum(np.bincount(truth, minlength=labels), 1).astype(np.float32)[:, None]
        means = np.zeros((labels, vectors.shape[1]), dtype=np.float32)
        np.add.at(means, truth, vectors)
        rest = vectors - (means / counts)[truth]
        variances, basis = _principal(rest)
        mean = float(variances.sum()) / vectors.shape[1]
        if mean <= 0:
            return cls(1.0, basis[:, :0], np.zeros(0, dtype=np.float32))
        base = _FLOOR**-_STRENGTH
        gains = ((variances / mean + _FLOOR) ** -_STRENGTH - base).astype(np.float32)
        raw = cls(base, basis, gains)
        spread = np.linalg.norm(vectors - vectors.mean(axis=0)) / max(
            float(np.linalg.norm(raw(vectors - vectors.mean(axis=0)))), 1e-9
        )
        return cls(float(base * spread), basis, (gains * spread).astype(np.float32))

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The map of each row."""
        return np.asarray(np.float32(self.base) * rows + ((rows @ self.basis) * self.gains) @ self.basis.T)


def _principal(rest: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Variances and directions of the rows; of few rows through their products, which are fewer numbers."""
    texts, width = rest.shape
    if texts < width:
        sizes, turned = np.linalg.eigh((rest @ rest.T).astype(np.float64))
        kept = sizes > _NOTHING * max(float(sizes[-1]), 1e-12)
        basis = (rest.T @ turned[:, kept].astype(np.float32)) / np.sqrt(sizes[kept]).astype(np.float32)
        return sizes[kept] / texts, basis
    sizes, basis = np.linalg.eigh((rest.T @ rest).astype(np.float64))
    return np.maximum(sizes, 0) / texts, basis.astype(np.float32)

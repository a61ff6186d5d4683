"""The embedded text brain: a linear classifier in one checked file, numpy only, with calibrated confidence."""

import hashlib
import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ..core.errors import BadInput
from ..core.noun import Noun, canonical_json
from .text_calibration import Calibration, Margins
from .text_features import FORMAT, FeatureSpec, features, weighted

OUT_OF_SCOPE = frozenset({"oos", "out_of_scope"})
"""Labels that mean: none of ours."""
_PARTS = ("ids", "idf", "weights", "scales", "bias")
_MAX_UNPACKED = 1 << 30
_HINT = "Train it again with `shiftlead brain train`, or take the file from its source again."


class TextMeta(Noun):
    """What a model knows about itself."""

    task: str = ""
    """What it was trained for: `triage`."""
    labels: tuple[str, ...]
    spec: FeatureSpec
    calibration: Calibration
    unseen_idf: float
    """The weight of a feature that training never kept."""
    min_confidence: float
    """Advice, not a promise: above it 95 % of the validation texts were right."""
    data_digest: str
    examples: int
    scores: dict[str, float]
    """Measured on validation texts that the fit did not see."""
    made_with: dict[str, str]
    """Versions of the libraries that trained it."""


class Alternative(NamedTuple):
    """A label with its probability."""

    label: str
    confidence: float


class Prediction(Noun):
    """What the model makes of a text."""

    label: str
    confidence: float
    """Between 0 and 1; damped where much of the text is unknown."""
    alternatives: tuple[Alternative, ...]
    """The next best labels."""
    novelty: float
    """Share of the text's features that training never saw: 0 familiar, 1 entirely new."""
    in_scope: float
    """The confidence of the best label that is not out of scope."""


class Weights(NamedTuple):
    """The arrays of a model."""

    ids: NDArray[np.uint32]
    """Hashes of the kept features, ascending."""
    idf: NDArray[np.float16]
    weights: NDArray[np.int8]
    """One row per feature, one column per label."""
    scales: NDArray[np.float32]
    """What one step of a label's weights is worth."""
    bias: NDArray[np.float32]


class TextModel:
    """A trained model; never changes, safe to share between threads."""

    def __init__(self, meta: TextMeta, weights: Weights) -> None:
        self.meta = meta
        self.labels = meta.labels
        self._arrays = weights
        self._idf = weights.idf.astype(np.float32)
        self._in_scope = np.array([label not in OUT_OF_SCOPE for label in meta.labels])
        self.digest = _digest(meta, weights)
        """SHA-256 of everything that decides a prediction; names this very model in the audit trail."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """The model in `path`; raises BadInput where it is missing, corrupted or not one of ours."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}.", hint=_HINT) from error
        try:
            meta, weights, digest = _unpacked(data)
        # Damaged zip and npy headers fail in many ways, all of which mean the same to the reader.
        except (
            ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, RuntimeError, SyntaxError, MemoryError, OverflowError,
            IndexError, zipfile.BadZipFile, zlib.error,
        ) as error:  # fmt: skip
            raise BadInput(
                f"{path} is not a text model of this version, or is damaged ({type(error).__name__}).", hint=_HINT
            ) from error
        model = cls(meta, weights)
        if model.digest != digest:
            raise BadInput(f"{path} is damaged: its content does not match its own hash.", hint=_HINT)
        return model

    def save(self, path: Path) -> None:
        """Write the model to `path`, whole or not at all."""
        packed = io.BytesIO()
        head = canonical_json({"meta": self.meta, "digest": self.digest}).encode()
        np.savez_compressed(packed, meta=np.frombuffer(head, dtype=np.uint8), **self._arrays._asdict())
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(packed.getvalue())
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise BadInput(
                f"{path}: {error.strerror or error}.", hint="Give a path in a folder that exists and can be written."
            ) from error

    def with_meta(self, meta: TextMeta) -> Self:
        """The same weights under another description."""
        return type(self)(meta, self._arrays)

    def predict(self, text: str) -> Prediction:
        """The label of `text`, how sure the model is, and how much of the text is new to it."""
        found = self.margins(text)
        chances = self.meta.calibration.probabilities(found)
        order = np.argsort(-chances, kind="stable")[:4]
        best, *others = (Alternative(self.labels[place], float(chances[place])) for place in order)
        return Prediction(
            label=best.label,
            confidence=best.confidence,
            alternatives=tuple(others),
            novelty=found.novelty,
            in_scope=float(chances[self._in_scope].max(initial=0.0)),
        )

    def margins(self, text: str) -> Margins:
        """How far `text` lies on each label's side, before calibration."""
        counts = features(text, self.meta.spec)
        if not len(counts.ids):
            return Margins(self._arrays.bias, 1.0)
        places = np.minimum(np.searchsorted(self._arrays.ids, counts.ids), len(self._arrays.ids) - 1)
        known = self._arrays.ids[places] == counts.ids
        values = weighted(counts, np.where(known, self._idf[places], np.float32(self.meta.unseen_idf)))
        total = float(values @ values)
        novelty = min(max(float(values[~known] @ values[~known]) / total, 0.0), 1.0)
        rows = self._arrays.weights[places[known]].astype(np.float32)
        return Margins(values[known] @ rows * self._arrays.scales + self._arrays.bias, novelty)


def _digest(meta: TextMeta, weights: Weights) -> str:
    total = hashlib.sha256(canonical_json(meta).encode())
    for name, array in weights._asdict().items():
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def _unpacked(data: bytes) -> tuple[TextMeta, Weights, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(item.file_size for item in archive.infolist()) > _MAX_UNPACKED:
            raise ValueError("too large")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        head = json.loads(arrays["meta"].tobytes())
        weights = Weights(*(arrays[name] for name in _PARTS))
    try:
        meta = TextMeta.model_validate(head["meta"])
    except ValidationError as error:
        raise ValueError("its description is not ours") from error
    _check_shapes(meta, weights)
    return meta, weights, head["digest"]


def _check_shapes(meta: TextMeta, weights: Weights) -> None:
    rows, columns = len(weights.ids), len(meta.labels)
    expected = (
        ("uint32", (rows,)),
        ("float16", (rows,)),
        ("int8", (rows, columns)),
        ("float32", (columns,)),
        ("float32", (columns,)),
    )
    found = tuple((array.dtype.name, array.shape) for array in weights)
    if found != expected or rows == 0 or columns < 2 or meta.spec.format != FORMAT:
        raise ValueError("its parts do not fit together")

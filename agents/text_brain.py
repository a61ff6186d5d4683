"""The embedded text brain: labels with calibrated confidence, offline, on one core, from a checked folder."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ..core.errors import BadInput, SettingsError
from ..core.noun import Noun
from .brain_files import read_folder, write_folder
from .encoder import encoder
from .text_features import Vocabulary
from .text_heads import TIERS, Head, TextMeta, Tier, TierName, sketches_of

OUT_OF_SCOPE = frozenset({"oos", "out_of_scope"})
"""Labels that mean: none of ours."""
KIND = "text"
"""What the card of a text brain says it is."""
_VOCABULARY = "vocabulary.npz"
_MAX_UNPACKED = 1 << 30
_BLOCK = 1024
"""Texts that `predict_many` holds in memory at a time."""
_HINT = "Train it again with `shiftlead brain train`, or take the folder from its source again."


class Alternative(NamedTuple):
    """A label with its probability."""

    label: str
    confidence: float


class Prediction(Noun):
    """What the brain makes of a text."""

    label: str
    confidence: float
    """Between 0 and 1; damped where much of the text is unknown."""
    alternatives: tuple[Alternative, ...]
    """The next best labels."""
    novelty: float
    """Share of the text's features that training never saw: 0 familiar, 1 entirely new."""
    in_scope: float
    """The confidence of the best label that is not out of scope."""


class TextBrain:
    """A trained brain; never changes, safe to share between threads.

    It has up to two tiers: `minilm` reads meaning through the encoder, `ngrams` only words and letters. The better one that can run
    here runs; where that is not the best, `announcement` says why, and name and digest are other ones, so that nothing that was
    certified for the better tier holds for the plainer one.
    """

    def __init__(
        self, vocabulary: Vocabulary, tiers: Mapping[TierName, Tier], *, tier: TierName, announcement: str = ""
    ) -> None:
        self._vocabulary = vocabulary
        self._tiers = dict(tiers)
        self._now = self._tiers[tier]
        self.tier = tier
        self.announcement = announcement
        """Empty, or one sentence on why a lower tier stepped in."""
        self.meta: TextMeta = self._now.meta
        self.labels = self.meta.labels
        self.digest = self._now.digest(vocabulary)
        """SHA-256 of everything that decides a prediction; names this very brain in the audit trail."""

    @property
    def name(self) -> str:
        """The task and the beginning of the digest, as an envelope carries them."""
        return f"{self.meta.task}-{self.digest[:12]}"

    @classmethod
    def of(cls, vocabulary: Vocabulary, tiers: Mapping[TierName, Tier]) -> Self:
        """The brain in the best of `tiers` that can run here."""
        best = next(name for name in TIERS if name in tiers)
        if best != "minilm":
            return cls(vocabulary, tiers, tier=best, announcement=_ONLY_NGRAMS)
        try:
            encoder()
        except SettingsError as error:
            if "ngrams" not in tiers:
                raise
            announcement = f"The text brain reads words and letters only, not meaning: {error.message}"
            return cls(vocabulary, tiers, tier="ngrams", announcement=announcement)
        return cls(vocabulary, tiers, tier=best)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The brain in `folder`; raises BadInput where it is missing, damaged or no text brain of this version."""
        card, data = read_folder(folder)
        try:
            vocabulary, tiers = _unpacked(card, data)
        # Damaged zip and npy headers fail in many ways, all of which mean the same to the reader.
        except (
            ValueError, LookupError, TypeError, AttributeError, OSError, EOFError, RuntimeError, SyntaxError, MemoryError, OverflowError,
            ValidationError, zipfile.BadZipFile, zlib.error,
        ) as error:  # fmt: skip
            raise BadInput(
                f"{folder} is not a text brain of this version, or is damaged ({type(error).__name__}).", hint=_HINT
            ) from error
        return cls.of(vocabulary, tiers)

    def save(self, folder: Path) -> None:
        """Write the brain to a new or empty `folder`, whole or not at all; raises Conflict or BadInput where it cannot be written."""
        files = {
            _VOCABULARY: _packed(
                ids=self._vocabulary.ids, idf=self._vocabulary.idf.astype(np.float16), unseen=np.array(self._vocabulary.unseen)
            )
        }
        for name, tier in self._tiers.items():
            files[f"{name}.npz"] = _packed(**{part: array.astype(np.float16) for part, array in tier.head._asdict().items()})
        card = {"kind": KIND, "task": self.meta.task, "tiers": {name: tier.meta for name, tier in self._tiers.items()}}
        write_folder(folder, card, files)

    def in_tier(self, tier: TierName) -> Self:
        """The same brain in another of its tiers; raises KeyError where it does not have it."""
        return type(self)(self._vocabulary, self._tiers, tier=tier)

    def predict(self, text: str) -> Prediction:
        """The label of `text`, how sure the brain is, and how much of the text is new to it."""
        return self.predict_many([text])[0]

    def predict_many(self, texts: Sequence[str]) -> list[Prediction]:
        """The predictions for `texts`, in their order; faster than one by one."""
        found: list[Prediction] = []
        for start in range(0, len(texts), _BLOCK):
            found += self._predicted(texts[start : start + _BLOCK])
        return found

    def _predicted(self, texts: Sequence[str]) -> list[Prediction]:
        vectors = encoder().vectors(texts) if self._now.dense else None
        margins = self._now.margins(vectors, sketches_of(texts, self._vocabulary, self.meta.spec))
        return predictions(self.labels, self.meta.calibration.probabilities(margins), margins.novelty)


def predictions(labels: Sequence[str], chances: NDArray[np.float64], novelty: NDArray[np.float64]) -> list[Prediction]:
    """What the probabilities of some texts, one row each, say about them."""
    inside = np.array([label not in OUT_OF_SCOPE for label in labels])
    ours = chances[:, inside].max(axis=1, initial=0.0)
    order = np.argsort(-chances, axis=1, kind="stable")[:, :4]
    found = []
    for row, best in enumerate(order):
        first, *others = (Alternative(labels[place], float(chances[row, place])) for place in best)
        found.append(
            Prediction(
                label=first.label,
                confidence=first.confidence,
                alternatives=tuple(others),
                novelty=float(novelty[row]),
                in_scope=float(ours[row]),
            )
        )
    return found


_ONLY_NGRAMS = "The text brain reads words and letters only, not meaning: it was trained without the encoder."


def _unpacked(card: Mapping[str, Any], data: Mapping[str, bytes]) -> tuple[Vocabulary, dict[TierName, Tier]]:
    if card["kind"] != KIND:
        raise ValueError("it is of another kind")
    found = _arrays(data[_VOCABULARY])
    vocabulary = Vocabulary(found["ids"].astype(np.uint32), found["idf"].astype(np.float32), float(found["unseen"]))
    tiers = {name: _tier(name, meta, data) for name, meta in card["tiers"].items() if name in TIERS}
    if not tiers or not all(tier.fits(vocabulary) for tier in tiers.values()):
        raise ValueError("its parts do not fit together")
    return vocabulary, tiers


def _tier(name: TierName, meta: Any, data: Mapping[str, bytes]) -> Tier:
    told = TextMeta.model_validate(meta)
    if told.tier != name:
        raise ValueError("a tier has another's name")
    found = _arrays(data[f"{name}.npz"])
    return Tier(told, Head(*(found[part].astype(np.float32) for part in Head._fields)))


def _arrays(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(item.file_size for item in archive.infolist()) > _MAX_UNPACKED:
            raise ValueError("too large")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def _packed(**arrays: Any) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()

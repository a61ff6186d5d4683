"""Training of the embedded text brain: a linear SVM on hashed features, calibrated on texts the fit did not see."""

import warnings
from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import version
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import BadInput, SettingsError
from ..core.noun import Noun
from .text_calibration import Calibration, clarity, softmax
from .text_data import Example, check_trainable, data_digest
from .text_features import Counts, FeatureSpec, features, weighted
from .text_model import TextMeta, TextModel, Weights
from .text_scores import score

_HELD_OUT = 0.15
_HELD_OUT_OF_GROUP = 2
"""Members of a held-out group that are judged; more would count one wording many times."""
_PENALTY = 1.0
_ONCE_SEEN_MATTERS_BELOW = 1_000
"""With fewer examples even a feature of a single text is kept."""
_LEAST_FOR_HEAD = 10
"""With fewer mistakes (or hits) in validation than these, temperature alone decides."""
_TARGET_ACCURACY = 0.95


class _Split(Noun):
    fit: tuple[Example, ...]
    held_out: tuple[Example, ...]


def train(
    examples: Iterable[Example],
    *,
    validation: Iterable[Example] | None = None,
    seed: int = 0,
    task: str = "",
) -> TextModel:
    """A model of `examples`, calibrated on `validation` or else on 15 % held out, after which all are fitted.

    A label `oos` or `out_of_scope` is learnt as a class of its own. Raises BadInput for too few labels or examples,
    SettingsError where scikit-learn is missing.
    """
    _require_scikit_learn()
    listed = list(examples)
    check_trainable(listed)
    given = list(validation) if validation is not None else None
    split = _split(listed, Random(seed))  # noqa: S311 - seeded on purpose
    fit, held_out = (listed, given) if given is not None else (list(split.fit), list(split.held_out))
    _check_validation(fit, held_out)
    first = _calibrated(_fitted(fit, seed, task), held_out)
    if given is not None:
        return first
    kept = ("calibration", "min_confidence", "scores")
    last = _fitted(listed, seed, task)
    return _with(last, {name: getattr(first.meta, name) for name in kept})


def _require_scikit_learn() -> None:
    try:
        import sklearn.svm  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "Training needs scikit-learn, which is not installed.", hint="Run: pip install 'shiftlead[train]'"
        ) from error


def _split(examples: list[Example], random: Random) -> _Split:
    members: dict[str, dict[str, list[Example]]] = defaultdict(lambda: defaultdict(list))
    for example in examples:
        members[example.label][example.group or example.text].append(example)
    fit: list[Example] = []
    held_out: list[Example] = []
    for label in sorted(members):
        names = sorted(members[label])
        random.shuffle(names)
        count = min(max(1, round(_HELD_OUT * len(names))), len(names) - 1)
        for place, name in enumerate(names):
            if place < count:
                held_out += members[label][name][:_HELD_OUT_OF_GROUP]
            else:
                fit += members[label][name]
    return _Split(fit=tuple(fit), held_out=tuple(held_out))


def _check_validation(fit: list[Example], held_out: list[Example]) -> None:
    if not held_out:
        raise BadInput("There are no validation examples.", hint="Give some, or leave them out and 15 % are held out.")
    strange = sorted({example.label for example in held_out} - {example.label for example in fit})
    if strange:
        raise BadInput(f"Validation has labels that training does not: {', '.join(strange[:5])}.", hint="Use the same labels.")


def _fitted(examples: list[Example], seed: int, task: str) -> TextModel:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    spec = FeatureSpec()
    counts = [features(example.text, spec) for example in examples]
    least = 1 if len(examples) < _ONCE_SEEN_MATTERS_BELOW else 2
    ids, idf = _vocabulary(counts, least)
    unseen = float(np.log((1 + len(examples)) / 2) + 1)
    labels = sorted({example.label for example in examples})
    places = {label: place for place, label in enumerate(labels)}
    machine = LinearSVC(C=_PENALTY, random_state=seed)
    with warnings.catch_warnings():
        # Calibration and scores are measured afterwards, so that an early stop shows there.
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(_matrix(counts, ids, idf, unseen), [places[example.label] for example in examples])
    meta = TextMeta(
        task=task,
        labels=tuple(labels),
        spec=spec,
        calibration=Calibration(temperature=1.0, novelty_limit=0.99),
        unseen_idf=unseen,
        min_confidence=1.0,
        data_digest=data_digest(examples),
        examples=len(examples),
        scores={},
        made_with={name: version(name) for name in ("numpy", "scikit-learn")},
    )
    return TextModel(meta, _quantised(ids, idf, machine))


def _vocabulary(counts: list[Counts], least: int) -> tuple[NDArray[np.uint32], NDArray[np.float16]]:
    ids, frequency = np.unique(np.concatenate([found.ids for found in counts]), return_counts=True)
    kept = frequency >= least
    if not kept.any():
        raise BadInput(
            "The examples have no words in common to learn from.", hint="Give texts with words in them, and more of them."
        )
    return ids[kept], (np.log((1 + len(counts)) / (1 + frequency[kept])) + 1).astype(np.float16)


def _matrix(counts: list[Counts], ids: NDArray[np.uint32], idf: NDArray[np.float16], unseen: float) -> Any:
    from scipy.sparse import csr_matrix

    columns, values, ends = [], [], [0]
    for found in counts:
        places = np.minimum(np.searchsorted(ids, found.ids), len(ids) - 1)
        known = ids[places] == found.ids
        columns.append(places[known])
        values.append(weighted(found, np.where(known, idf[places], unseen).astype(np.float32))[known])
        ends.append(ends[-1] + int(known.sum()))
    return csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=(len(counts), len(ids)))


def _quantised(ids: NDArray[np.uint32], idf: NDArray[np.float16], machine: Any) -> Weights:
    weights, bias = machine.coef_, machine.intercept_
    if len(weights) == 1:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    scales = (np.abs(weights).max(axis=1) / 127).astype(np.float32)
    scales[scales == 0] = 1
    steps = np.rint(weights / scales[:, None]).astype(np.int8)
    return Weights(ids, idf, np.ascontiguousarray(steps.T), scales, bias.astype(np.float32))


def _calibrated(model: TextModel, held_out: list[Example]) -> TextModel:
    """The model with a temperature, damping and advice from `held_out`; scores are from the half not used for them."""
    halves = held_out[::2], held_out[1::2] or held_out[::2]
    scores = [score(_tuned(model, list(mine)), other) for mine, other in (halves, halves[::-1])]
    figures = {name: [getattr(half, name) for half in scores] for name in ("accuracy", "ece", "oos_auroc")}
    means = {name: round(sum(found) / 2, 4) for name, found in figures.items() if None not in found}
    return _with(_tuned(model, held_out), {"scores": {**means, "texts": float(len(held_out))}})


def _tuned(model: TextModel, held_out: list[Example]) -> TextModel:
    found = [model.margins(example.text) for example in held_out]
    truth = np.array([model.labels.index(example.label) for example in held_out])
    values = np.stack([one.values for one in found]).astype(np.float64)
    temperature = _temperature(values, truth)
    limit = float(np.clip(np.quantile([one.novelty for one in found], 0.99), 0.3, 0.95))
    seen = np.stack([clarity(softmax(one.values / temperature), one) for one in found])
    head = _head(seen, values.argmax(axis=1) == truth)
    tuned = _with(model, {"calibration": Calibration(temperature=temperature, head=head, novelty_limit=round(limit, 4))})
    return _with(tuned, {"min_confidence": _advice(tuned, held_out)})


def _head(seen: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, ...]:
    if min(right.sum(), (~right).sum()) < _LEAST_FOR_HEAD:
        return ()
    from sklearn.linear_model import LogisticRegression

    middle, spread = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-6)
    fitted = LogisticRegression(C=1.0, max_iter=1_000).fit((seen - middle) / spread, right)
    weights = fitted.coef_[0] / spread
    return tuple(round(float(value), 6) for value in (fitted.intercept_[0] - weights @ middle, *weights))


def _temperature(margins: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return float(min(np.geomspace(0.02, 20, 400), key=lambda candidate: _surprise(margins / candidate, truth)).round(4))


def _surprise(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(truth)), truth]).mean())


def _advice(model: TextModel, held_out: list[Example]) -> float:
    found = sorted(((model.predict(example.text), example.label) for example in held_out), key=lambda pair: -pair[0].confidence)
    right = np.cumsum([prediction.label == label for prediction, label in found])
    enough = np.flatnonzero(right / np.arange(1, len(found) + 1) >= _TARGET_ACCURACY)
    return round(found[enough[-1]][0].confidence, 4) if len(enough) else 1.0


def _with(model: TextModel, changes: dict[str, Any]) -> TextModel:
    return model.with_meta(model.meta.model_copy(update=changes))

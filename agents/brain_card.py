"""The card of a brain: what it is, what it was trained on, how good it was on cases it had not seen, and what it is not for."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from ..core.errors import BadInput
from ..core.noun import Noun, canonical_json
from .brain_files import BrainFolder, check_target, read_folder, write_folder
from .brain_purposes import FEW_TEXTS, NO_RECORD, Purpose, licences, purpose_of
from .brain_record import BINS, Bin, Group, Record
from .brain_shelf import Brain, load_brain
from .lateness_brain import LatenessBrain
from .text_brain import TextBrain

ABOUT = "about.json"
"""The file of a brain's folder that holds what training knew and no prediction depends on."""
_RARE = 0.01
_LOOKED_AT = 2_000
"""Texts whose language is told at training; more tell the same."""
_FEW_PER_LABEL = 20
_FINE = 20
"""Bins of a text brain's calibration table: lanes open at the upper end, where it must tell .90 from .95."""


class About(Noun):
    """What training knew of its data, beside the brain itself."""

    data: str = ""
    """The file that it was trained on."""
    seed: int = 0
    languages: dict[str, float] = {}
    """Share of the training texts in each language; empty for a brain that reads none."""
    record: Record | None = None
    """What it said about cases that it had not seen."""


class BrainCard(Noun):
    """Everything a person needs in order to judge a brain, or to compare it with another."""

    task: str
    name: str
    digest: str
    tier: str
    announcement: str
    """Empty, or why a lower tier stepped in."""
    labels: tuple[str, ...]
    data: str
    data_digest: str
    examples: int
    seed: int
    languages: dict[str, float]
    scores: dict[str, float]
    """On cases that the fit had not seen."""
    calibration: tuple[Bin, ...]
    """How often it was right when it said so; bins without cases are left out."""
    record: Record | None
    purpose: Purpose
    limits: tuple[str, ...]
    licences: tuple[str, ...]
    made_with: dict[str, str]
    size_bytes: int
    """Of the folder on disk; the encoder's weights, which brains share, come on top."""

    @property
    def spoken(self) -> str:
        """The languages of the training texts in words, the rare ones left out."""
        ordered = sorted(self.languages.items(), key=lambda one: (-one[1], one[0]))
        return ", ".join(f"{code} {share:.0%}" for code, share in ordered if share >= _RARE)

    @property
    def says(self) -> str:
        """What the brain says of a case, in words."""
        return "chance of being paid late" if self.task == "lateness" else "confidence"

    @property
    def right_means(self) -> str:
        """What a case counts as right for, in words."""
        return "paid late" if self.task == "lateness" else "right"


def card_of(folder: Path) -> BrainCard:
    """The card of the brain in `folder`; raises BadInput where it is missing, damaged or no brain."""
    return card_for(load_brain(folder), read_folder(folder), str(folder))


def card_for(brain: Brain, content: BrainFolder, origin: str) -> BrainCard:
    """The card of `brain`, which `content` holds; raises BadInput where what training knew cannot be read."""
    about = _about(content, origin)
    return _text_card(brain, about, content) if isinstance(brain, TextBrain) else _lateness_card(brain, about, content)


def save_with(brain: Brain, about: About, folder: Path) -> None:
    """Write a brain with what training knew to an empty or new folder; raises Conflict or BadInput."""
    check_target(folder)
    with TemporaryDirectory(prefix="shiftlead-brain-") as place:
        plain = Path(place) / "brain"
        brain.save(plain)
        content = read_folder(plain)
    write_folder(folder, content.card, {**content.files, ABOUT: canonical_json(about).encode()})


def languages_of(texts: Sequence[str]) -> dict[str, float]:
    """The share of each language among evenly spread ones of `texts`, the most frequent first."""
    from .language import language_of

    looked_at = texts[:: max(1, len(texts) // _LOOKED_AT)]
    counts = Counter(language_of(text).code for text in looked_at)
    return {code: round(count / len(looked_at), 4) for code, count in counts.most_common()}


def _about(content: BrainFolder, origin: str) -> About:
    if ABOUT not in content.files:
        return About()
    try:
        return About.model_validate_json(content.files[ABOUT])
    except ValidationError as error:
        raise BadInput(f"{origin}: {ABOUT} is not of this version.", hint="Train the brain again.") from error


def _text_card(brain: TextBrain, about: About, content: BrainFolder) -> BrainCard:
    meta = brain.meta
    coarse = [(one.low, one.high, one.texts, (one.low + one.high) / 2, one.right) for one in meta.reliability]
    limits = [*purpose_of(meta.task).limits]
    if meta.examples < _FEW_PER_LABEL * len(meta.labels):
        limits.append(FEW_TEXTS.format(each=meta.examples / len(meta.labels)))
    if about.record is None:
        limits.append(NO_RECORD)
    return BrainCard(
        task=meta.task, name=brain.name, digest=brain.digest, tier=brain.tier, announcement=brain.announcement,
        labels=meta.labels, data=about.data, data_digest=meta.data_digest, examples=meta.examples, seed=about.seed,
        languages=about.languages, scores=meta.scores, calibration=_table(about.record, _FINE) or tuple(Bin(*one) for one in coarse),
        record=about.record or _coarse(coarse), purpose=purpose_of(meta.task), limits=tuple(limits),
        licences=licences(meta.task, brain.tier), made_with=meta.made_with, size_bytes=content.size_bytes,
    )  # fmt: skip


def _lateness_card(brain: LatenessBrain, about: About, content: BrainFolder) -> BrainCard:
    meta, purpose = brain.meta, purpose_of(brain.meta.task)
    return BrainCard(
        task=meta.task, name=brain.name, digest=brain.digest, tier=brain.tier, announcement=brain.announcement,
        labels=(), data=about.data, data_digest=meta.data_digest, examples=meta.examples, seed=about.seed, languages={},
        scores=meta.scores, calibration=_table(about.record, BINS), record=about.record, purpose=purpose,
        limits=(*purpose.limits, *(() if about.record else (NO_RECORD,))), licences=licences(meta.task, brain.tier),
        made_with=meta.made_with, size_bytes=content.size_bytes,
    )  # fmt: skip


def _table(record: Record | None, bins: int) -> tuple[Bin, ...]:
    return tuple(one for one in record.table(bins) if one.cases) if record else ()


def _coarse(bins: Iterable[tuple[float, float, int, float, float]]) -> Record | None:
    """A record from bins alone, for a brain that was kept without one: every case stands in the middle of its bin."""
    groups = [Group(round(middle, 4), round(right * cases), cases) for _, _, cases, middle, right in bins if cases]
    told = "held-out texts, known by bins of confidence only"
    return Record(about=told, groups=tuple(sorted(groups, reverse=True))) if groups else None


def plain_card(card: BrainCard) -> dict[str, Any]:
    """The card as JSON types, with the curve's few telling points instead of every case."""
    told: Mapping[str, Any] = card.model_dump(mode="json", exclude={"record"})
    return {**told, "record": _summary(card.record) if card.record else None}


def _summary(record: Record) -> dict[str, Any]:
    reached = {f"coverage_at_{share}_percent_error": record.coverage_at(share / 100) for share in (1, 2, 5)}
    return {
        "about": record.about,
        "cases": record.cases,
        "accuracy": round(record.accuracy, 6),
        "ece": round(record.ece, 6),
        "aurc": round(record.aurc, 6),
        **{name: round(step.coverage, 6) if step else 0.0 for name, step in reached.items()},
    }

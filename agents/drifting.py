"""Drifting: whether what a worker is sent still means what it meant, lane by lane; for a person to look at, since it changes no lane.

The newest texts are compared with those before, on which the lane's certificate rests where it has one: what they mean by a test on
their embeddings, which alone warns, and how they read to the brain at work number by number. Every sealed action counts, decided or
not. Erased cases tell nothing, and neither does what was changed after it was sealed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from sqlmodel import Session

from ..core import actions
from ..core.actions import SealedAction
from ..core.certificates import Certificate
from ..core.errors import BadInput, SettingsError
from ..core.keys import Keyring
from ..core.noun import Moment, Noun
from ..core.outcomes import Stand
from ..guardrails.drift import kolmogorov_smirnov, mmd, psi
from ..guardrails.judgements import told_by_runtime
from ..guardrails.policy import Policy
from ..guardrails.standing import Standings, slice_of
from .text_features import words
from .text_worker import TextWorker

if TYPE_CHECKING:
    from .encoder import Vectors

LEAST = 30
"""Texts on each side; with fewer nothing is compared."""
ALARM = 0.001
"""It warns below this p-value: where nothing changed, in fewer than one look of a thousand for each lane."""
_PERMUTATIONS = 1999
_CERTAIN = 0.01
"""The p-value below which a number is called another one."""
_FAR = 0.25
"""The PSI above which the difference is called large, by custom."""
_STRANGE = 5
_READ_FOR_EACH = 5
"""Actions read for each text that is compared, since a worker has many lanes and more than one worker may share a kind."""


class NumberShift(Noun):
    """A number about the texts, then and now, both as the brain at work reads them."""

    name: str
    """`confidence`, `words` or `novelty`: the share of n-grams that the brain never saw."""
    before: float
    """The median."""
    newest: float
    psi: float
    """The population stability index; with few texts it is large by chance."""
    distance: float
    """Between the two distribution functions, by Kolmogorov and Smirnov."""
    p: float
    """How often as much happens where nothing changed."""

    @property
    def meaning(self) -> str:
        """In plain words; the p-value says whether there is a difference, PSI how large it is."""
        if self.p >= _CERTAIN:
            return "as before"
        return "very different" if self.psi > _FAR else "different"


class Strange(Noun):
    """One of the newest that is like nothing before."""

    case_id: str
    label: str
    """What it was taken for."""


class DriftReport(Noun):
    """What came to one lane, against what came before."""

    stand: Stand
    language: str = ""
    """Of the texts; each language is a group of its own, since the embeddings of different ones lie apart."""
    newest: int
    """Texts that are compared, or that there are where they are too few."""
    before: int
    since: Moment | None = None
    """When the oldest of the newest was proposed."""
    certificate: str = ""
    """The one on whose cases `before` ends; empty where the older half stands in."""
    missing: int = 0
    """Texts that have to come before anything can be compared."""
    distance: float | None = None
    """The maximum mean discrepancy; None where nothing was compared."""
    p: float | None = None
    """How often as much happens where nothing changed."""
    numbers: tuple[NumberShift, ...] = ()
    strange: tuple[Strange, ...] = ()
    """Where to look: those of the newest that are farthest from everything before, the farthest first."""
    skipped: str = ""
    """Why meaning was not compared, though there are enough texts; empty where it was."""

    @property
    def warns(self) -> bool:
        """Whether the texts mean something else than before."""
        return self.p is not None and self.p < ALARM


class _Arrival(NamedTuple):
    """One text that came."""

    case_id: str
    text: str
    label: str
    at: datetime


class _Sides(NamedTuple):
    before: Sequence[_Arrival]
    newest: Sequence[_Arrival]
    certificate: str = ""

    @property
    def missing(self) -> int:
        return max(0, LEAST - len(self.before)) + max(0, LEAST - len(self.newest))


_Groups = Mapping[tuple[str, str], Sequence[_Arrival]]
"""By slice and language, the oldest first."""


def drifts(
    session: Session,
    worker: TextWorker,
    policy: Policy,
    keyring: Keyring | None,
    *,
    at: datetime,
    newest: int = 200,
    before: int = 400,
) -> tuple[DriftReport, ...]:
    """How far the newest texts of `worker`, with the brain at work, are from those before; one report for each slice and language.

    The same ledger gives the same reports. Where there is no encoder the numbers are compared and meaning is not.

    Args:
        session: Of the ledger.
        worker: With the brain at work.
        policy: Says which slices there are, and under which rules a certificate counts.
        keyring: Whose signatures count; None where there are no signatures.
        at: The moment up to which it looks.
        newest: Texts of a lane that are taken for new, at most.
        before: Texts that they are compared with, at most.

    Raises:
        BadInput: Fewer than 30 texts wanted on a side.
    """
    if min(newest, before) < LEAST:
        raise BadInput(
            f"{newest} texts against {before} tell nothing.", hint=f"Compare at least {LEAST} on each side, better hundreds."
        )
    looked = _Looked(session, worker, policy, keyring, _READ_FOR_EACH * (newest + before))
    groups, reports = looked.groups(at), []
    for (where, language), arrived in sorted(groups.items()):
        stand = Stand(worker=worker.name, kind=worker.taught_by, slice=where, brain=worker.brain)
        held = looked.certificate(stand, at)
        certified = looked.groups(held.issued_at).get((where, language), ()) if held else ()
        sides = _sides(arrived, held, certified, newest, before)
        reports.append(_report(worker, stand, language, sides))
    return tuple(reports)


class _Looked:
    """What the ledger holds, read once for each moment up to which it is asked for."""

    def __init__(self, session: Session, worker: TextWorker, policy: Policy, keyring: Keyring | None, most: int) -> None:
        self._session, self._worker, self._keyring, self._most = session, worker, keyring, most
        self._known = next((one for one in policy.actions if one.kind == worker.taught_by), None)
        self._standings = Standings(policy, keyring)
        self._groups: dict[datetime, _Groups] = {}

    def certificate(self, stand: Stand, at: datetime) -> Certificate | None:
        """The newest genuine certificate of a lane that counts at that moment."""
        known = (one for one in self._standings.holding(self._session, stand, at=at) if one.genuine(self._keyring))
        return max(known, key=lambda one: (one.issued_at, one.id), default=None)

    def groups(self, until: datetime) -> _Groups:
        """The newest that came up to that moment."""
        if until not in self._groups:
            self._groups[until] = self._read(until)
        return self._groups[until]

    def _read(self, until: datetime) -> _Groups:
        found: dict[tuple[str, str], list[_Arrival]] = defaultdict(list)
        seen: set[str] = set()
        newest = actions.newest(self._session, self._worker.taught_by, until=until, most=self._most)
        for made_at, sealed in reversed(newest):
            text = self._text(sealed)
            # A case that was taken up again brings its text once.
            if text is None or sealed.case_id in seen:
                continue
            seen.add(sealed.case_id)
            proposal = sealed.envelope.proposal
            where = slice_of(self._known, proposal, told_by_runtime(sealed)) if self._known else ""
            language = str(proposal.action.arguments.get("language") or "")
            found[where, language].append(_Arrival(sealed.case_id, text, next(iter(proposal.labels), ""), made_at))
        return found

    def _text(self, sealed: SealedAction) -> str | None:
        """The text that an action is about; None where it is another worker's, erased, or not as it was sealed."""
        envelope = sealed.envelope
        text = next((one.value for one in envelope.evidence if one.name == self._worker.text), None)
        if envelope.worker != self._worker.name or not isinstance(text, str) or not text.strip():
            return None
        return text if envelope.digest() == sealed.digest and sealed.genuine(self._keyring) else None


def _sides(
    arrived: Sequence[_Arrival], held: Certificate | None, certified: Sequence[_Arrival], newest: int, before: int
) -> _Sides:
    """What came since the certificate against what it rests on; where either is too little, the newer half against the older."""
    if held is not None:
        since = [one for one in arrived if one.at > held.issued_at]
        sides = _Sides(certified[-before:], since[-newest:], held.id)
        if not sides.missing:
            return sides
    cut = len(arrived) - min(newest, len(arrived) // 2)
    return _Sides(arrived[max(0, cut - before) : cut], arrived[cut:])


def _report(worker: TextWorker, stand: Stand, language: str, sides: _Sides) -> DriftReport:
    found = DriftReport(
        stand=stand,
        language=language,
        newest=len(sides.newest),
        before=len(sides.before),
        since=min((one.at for one in sides.newest), default=None),
        certificate=sides.certificate,
        missing=sides.missing,
    )
    if found.missing:
        return found
    told = found.model_copy(update={"numbers": _numbers(worker, sides)})
    old, new = _texts(sides.before), _texts(sides.newest)
    from .encoder import WIDTH, encoder

    try:
        reader = encoder()
    except SettingsError as error:
        return told.model_copy(update={"skipped": error.message})
    # The encoder is the same whatever brain is at work, so that learning the older texts moves nothing.
    # Its last layer alone finds a new kind of text with fewer of them than all that it reads.
    was, now = (reader.vectors(side)[:, -WIDTH:] for side in (old, new))
    shift = mmd(was, now, permutations=_PERMUTATIONS)
    return told.model_copy(update={"distance": shift.distance, "p": shift.p, "strange": _strange(sides.newest, was, now)})


def _texts(arrived: Iterable[_Arrival]) -> list[str]:
    return [one.text for one in arrived]


def _numbers(worker: TextWorker, sides: _Sides) -> tuple[NumberShift, ...]:
    old, new = (_measured(worker, _texts(side)) for side in (sides.before, sides.newest))
    return tuple(_number(name, old[name], new[name]) for name in old)


def _measured(worker: TextWorker, texts: Sequence[str]) -> dict[str, list[float]]:
    found = worker.model.predict_many(texts)
    return {
        "confidence": [one.confidence for one in found],
        "words": [float(len(words(one))) for one in texts],
        "novelty": [one.novelty for one in found],
    }


def _number(name: str, old: Sequence[float], new: Sequence[float]) -> NumberShift:
    apart = kolmogorov_smirnov(old, new)
    return NumberShift(name=name, before=median(old), newest=median(new), psi=psi(old, new), distance=apart.distance, p=apart.p)


def _strange(newest: Sequence[_Arrival], was: "Vectors", now: "Vectors") -> tuple[Strange, ...]:
    """Those whose nearest text of before is the farthest away."""
    nearest = (now @ was.T).max(axis=1)
    farthest = sorted(zip(nearest.tolist(), newest, strict=True), key=lambda one: (one[0], one[1].case_id))
    return tuple(Strange(case_id=one.case_id, label=one.label) for _, one in farthest[:_STRANGE])

"""The store of outcomes: what people decided about each envelope, and what it says about the brain that proposed it.

Certificates rest on these rows and brains learn from them, so that each says how likely it was to be looked at: what was sampled at
one in twenty counts for twenty.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Row, bindparam, case, func, select
from sqlmodel import Session

from .approval import DecisionKind
from .noun import Moment, Noun
from .store import Transaction
from .tables import OUTCOME

LONGEST_LABEL = 200
"""Characters of a label: names of kinds of cases are kept here, and nobody's own words."""

BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
"""Lower edges of the bins in which confidences are told, up to the next edge; the last ends at 1."""


class Stand(Noun):
    """What a certificate is about: one worker, one kind of action, one slice, one brain."""

    worker: str = Field(min_length=1)
    kind: str = Field(min_length=1)
    slice: str = ""
    """`language=en;queue=billing`; empty where the policy makes no slices."""
    brain: str = Field(min_length=1)
    """Name and version, as the envelope carries them."""


class Judged(Noun):
    """One envelope that a person has decided."""

    digest: str
    """Of the envelope."""
    case_id: str
    action_id: str
    stand: Stand
    confidence: float | None = Field(default=None, ge=0, le=1)
    """What the lane was judged by."""
    said: float | None = Field(default=None, ge=0, le=1)
    """What the brain said of itself, where that is another number."""
    right: bool
    """True where it was approved as it was proposed."""
    counts: bool
    """True where nothing but the missing certificate or the draw for quality control sent it to a person: only such rows are a fair
    sample of what would run alone."""
    probability: float = Field(default=1.0, gt=0, le=1)
    """How likely it was to be looked at: 1, or the share that is drawn."""
    decision: DecisionKind
    decided_by: str
    label: str = Field(default="", max_length=LONGEST_LABEL)
    """What the brain took the case for."""
    truth: str = Field(default="", max_length=LONGEST_LABEL)
    """What it was according to the person; empty where they did not say."""
    at: Moment


class Tally(Noun):
    """How often a brain was right among the decided actions of one bin of confidence."""

    low: float
    high: float
    right: int
    n: int


def add(tx: Transaction, judged: Judged) -> bool:
    """Write an outcome; False where this envelope has one already."""
    return tx.add_new(OUTCOME, [_columns(judged)]) == 1


def of(session: Session, stand: Stand, *, counting: bool = False, since: datetime | None = None) -> list[Judged]:
    """The outcomes of one stand, the oldest first; only those that are a fair sample where `counting`, only newer ones with `since`."""
    query = _OF_STAND if since is None else _OF_STAND.where(_TABLE.c.at >= since)
    found = session.connection().execute(query, stand.model_dump())
    return [one for row in found if (one := _judged(row)).counts or not counting]


def of_worker(session: Session, worker: str, *, kinds: Sequence[str] = ()) -> list[Judged]:
    """The outcomes of one worker, of some kinds of action or of all, the oldest first."""
    found = session.connection().execute(_OF_WORKER, {"worker": worker})
    return [one for row in found if (one := _judged(row)).stand.kind in kinds or not kinds]


def said(session: Session, worker: str, kind: str, brain: str, *, newest: int) -> list[tuple[float, bool]]:
    """What this brain said of itself in the decided actions of one kind, and whether it was right, the newest first."""
    query = (
        select(_TABLE.c.said, _TABLE.c.right)
        .where(_TABLE.c.worker == worker, _TABLE.c.kind == kind, _TABLE.c.brain == brain, _TABLE.c.said.is_not(None))
        .order_by(_TABLE.c.at.desc(), _TABLE.c.digest)
        .limit(newest)
    )
    return [(row.said, row.right) for row in session.connection().execute(query)]


def tally(session: Session, worker: str, kind: str, brain: str, bins: Iterable[float] = BINS) -> tuple[Tally, ...]:
    """How often this brain was right by how sure it was, over all its slices; bins without outcomes are left out."""
    edges = tuple(sorted(set(bins)))
    place = case(*((_TABLE.c.confidence >= edge, number) for number, edge in reversed(list(enumerate(edges)))), else_=-1)
    query = (
        select(place.label("place"), func.count().label("n"), func.sum(case((_TABLE.c.right, 1), else_=0)).label("good"))
        .where(_TABLE.c.worker == worker, _TABLE.c.kind == kind, _TABLE.c.brain == brain, _TABLE.c.confidence.is_not(None))
        .group_by(place)
        .order_by(place)
    )
    rows = session.connection().execute(query).all()
    ends = (*edges[1:], 1.0)
    return tuple(Tally(low=edges[one.place], high=ends[one.place], right=one.good, n=one.n) for one in rows if one.place >= 0)


_TABLE = OUTCOME
_STAND = ("worker", "kind", "slice", "brain")
_PLAIN = (
    "digest", "case_id", "action_id", "confidence", "said", "right", "counts", "probability", "decided_by", "label", "truth", "at",
)  # fmt: skip
_OF_STAND = select(_TABLE).where(*(_TABLE.c[name] == bindparam(name) for name in _STAND)).order_by(_TABLE.c.at, _TABLE.c.digest)
_OF_WORKER = select(_TABLE).where(_TABLE.c.worker == bindparam("worker")).order_by(_TABLE.c.at, _TABLE.c.digest)


def _columns(judged: Judged) -> dict[str, Any]:
    plain = {name: getattr(judged, name) for name in _PLAIN}
    return {**plain, **judged.stand.model_dump(), "decision": str(judged.decision)}


def _judged(row: Row[Any]) -> Judged:
    plain = {name: getattr(row, name) for name in _PLAIN}
    stand = Stand(**{name: getattr(row, name) for name in _STAND})
    return Judged(**plain, stand=stand, decision=DecisionKind(row.decision))

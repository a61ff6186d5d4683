"""Truths: what people's decisions say about the texts that were decided, with where it comes from and how much it stands for.

Approving says that the text is what the brain took it for. An edit says what it is where the new queue and tags tell; a rejection says
only what it is not. Cases that run alone are drawn for quality control, and one that was drawn at one in twenty stands for twenty, so
that what is learnt is not bent towards what was reviewed. Erased cases say nothing, and neither does what was changed after it was sealed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlmodel import Session

from ..core import actions, outcomes
from ..core.action import Proposal
from ..core.actions import SealedAction
from ..core.approval import DecisionKind
from ..core.errors import NotFound
from ..core.keys import Keyring
from ..core.noun import Moment, Noun, digest
from ..core.outcomes import Judged
from .text_data import Example
from .text_worker import TextWorker

MOST_TIMES = 20
"""How often one text is repeated at most, lest a single drawn case outweighs everything."""


class Silence(NamedTuple):
    """Why decisions say nothing about a text, and how many."""

    erased: int = 0
    changed: int = 0
    """Their action is not what was sealed and signed."""
    not_told: int = 0
    """They were rejected, or edited in a way that does not say what the text is."""

    def __str__(self) -> str:
        told = zip(("erased", "changed since they were sealed", "without a word of what it was"), self, strict=True)
        return ", ".join(f"{count} {why}" for why, count in told if count)


class Lesson(NamedTuple):
    """One decided proposal about one text."""

    judged: Judged
    """What was decided first: about what the brain proposed, not about what a person made of it."""
    sealed: SealedAction
    """As it stands now, after any edit."""
    text: str
    label: str
    """What the brain took it for."""
    truth: str
    """What it is; empty where nobody said."""


class Truth(Noun):
    """A text that people have labelled by deciding."""

    text: str
    label: str
    weight: float
    """How many decided cases it stands for: 1, or more where it was drawn for quality control."""
    case_id: str
    outcome: str
    """Digest of the envelope that was decided."""
    decision: DecisionKind
    decided_by: str
    at: Moment


class Learnt(NamedTuple):
    """What there is to learn from."""

    lessons: tuple[Lesson, ...]
    """The oldest first."""
    silence: Silence

    @property
    def truths(self) -> tuple[Truth, ...]:
        """The lessons that say what a text is, the oldest first."""
        return tuple(_truth(one) for one in self.lessons if one.truth)


def learnt(session: Session, worker: TextWorker, keyring: Keyring | None) -> Learnt:
    """Everything that was decided about this worker's texts; `keyring` as for envelopes, None where there are no signatures."""
    by_action: dict[str, list[Judged]] = defaultdict(list)
    for judged in outcomes.of_worker(session, worker.name, kinds=(worker.taught_by,)):
        by_action[judged.action_id].append(judged)
    missing: Counter[str] = Counter()
    lessons: list[Lesson] = []
    for action_id, decided in by_action.items():
        found = _lesson(session, worker, keyring, action_id, decided)
        if isinstance(found, str):
            missing[found] += 1
            continue
        lessons.append(found)
        missing["not_told"] += not found.truth
    return Learnt(tuple(sorted(lessons, key=lambda one: (one.judged.at, one.judged.digest))), Silence(**missing))


def examples(truths: Iterable[Truth]) -> list[Example]:
    """The truths as examples, each as often as it stands for, in one group each, so that no copy of it is held out."""
    return [
        Example(text=one.text, label=one.label, group=one.outcome)
        for one in truths
        for _ in range(min(MOST_TIMES, max(1, round(one.weight))))
    ]


def provenance(truths: Iterable[Truth]) -> Mapping[str, object]:
    """What a brain's card says about the truths it was made from: how many, of which time, by whom, and their digest; no text."""
    listed = list(truths)
    return {
        "decisions": len(listed),
        "standing_for": round(sum(one.weight for one in listed), 1),
        "by_decision": dict(sorted(Counter(str(one.decision) for one in listed).items())),
        "by_person": dict(sorted(Counter(one.decided_by for one in listed).items())),
        "first": min((one.at for one in listed), default=None),
        "last": max((one.at for one in listed), default=None),
        "digest": digest([[one.outcome, one.label, one.weight] for one in listed]),
    }


def _lesson(
    session: Session, worker: TextWorker, keyring: Keyring | None, action_id: str, decided: list[Judged]
) -> Lesson | str:
    """What one action teaches, or in a word why nothing."""
    first, last = decided[0], decided[-1]
    try:
        sealed = actions.get(session, action_id)
    except NotFound:
        return "changed"
    evidence = sealed.envelope.evidence
    if not evidence:
        return "erased"
    edited = any(one.decision is DecisionKind.EDIT for one in decided)
    whole = sealed.envelope.digest() == sealed.digest and sealed.genuine(keyring)
    if not whole or not (edited or first.digest == sealed.digest):
        return "changed"
    text = next((one.value for one in evidence if one.name == worker.text), None)
    if not isinstance(text, str) or not text.strip():
        return "not_told"
    proposal = sealed.envelope.proposal
    label = first.label or next(iter(proposal.labels), "")
    return Lesson(first, sealed, text, label, _said(worker, proposal, last))


def _said(worker: TextWorker, proposal: Proposal, last: Judged) -> str:
    """What the last decision says that the text is; empty where it does not."""
    if last.decision is not DecisionKind.APPROVE and last.truth in worker.labels:
        return last.truth
    # An approval stands for the proposal as a whole, which need not tell: a foreign text is routed by its language.
    return worker.truth_in(proposal) if last.right or last.decision is DecisionKind.EDIT else ""


def _truth(lesson: Lesson) -> Truth:
    judged = lesson.judged
    return Truth(
        text=lesson.text,
        label=lesson.truth,
        weight=1 / judged.probability,
        case_id=judged.case_id,
        outcome=judged.digest,
        decision=judged.decision,
        decided_by=judged.decided_by,
        at=judged.at,
    )

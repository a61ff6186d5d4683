"""Certifying: what a challenger's words beside the brain at work prove about it, before it ever acts.

Only cases count that would have been looked at anyhow: those that nothing but the missing certificate or the draw for quality control
sent to a person. Where some of them were looked at by lot, all are thinned to that chance, so that each weighs the same. The decisions
are bet on in the order in which they came, so that whoever asks again each day until it is enough spoils no promise.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from ..core.brains import Shadow
from ..core.certificates import Certificate, Method
from ..core.clock import new_id
from ..core.outcomes import Stand
from ..guardrails.betting import LaneTrial
from ..guardrails.rules import KnownAction
from ..guardrails.standing import slice_of
from .text_worker import TextWorker
from .truths import Lesson

SCOPE = "Texts like those that it answered beside the brain before it, as people decided them."


class Proof(NamedTuple):
    """What is known about a challenger in one slice."""

    stand: Stand
    scores: tuple[float, ...]
    """How sure it was in each countable case, in the order of the decisions."""
    trial: LaneTrial
    """The test of a lane, after all of them."""

    @property
    def floor(self) -> float | None:
        """The confidence from which on its actions could run alone; None where nothing is proven."""
        return self.trial.opened

    def lack(self) -> str:
        """Why nothing can be promised, and how many decided cases are missing; empty where something can."""
        if self.floor is not None:
            return ""
        where = f"{self.stand.slice}: " if self.stand.slice else ""
        if self.trial.revoked:
            return f"{where}{self.trial.why.rstrip('.')}"
        told = f"{where}{len(self.scores)} countable cases, {self.trial.wrong} of them wrong where it is sure"
        return f"{told}; at least {self.trial.missing} more without a mistake are missing for at most {self.trial.target:.1%} wrong"


def right(lesson: Lesson, label: str) -> bool:
    """Whether `label` would have led to the right action; what nobody can tell counts as wrong."""
    if label == lesson.label:
        return lesson.judged.right
    return bool(lesson.truth) and label == lesson.truth


def proofs(
    worker: TextWorker,
    brain: str,
    known: KnownAction,
    lessons: Iterable[Lesson],
    shadows: Mapping[str, Shadow],
    *,
    target: float,
) -> tuple[Proof, ...]:
    """What the shadows of the brain called `brain` in the envelopes prove, slice by slice: with 95 % confidence, at most `target` wrong."""
    counting = [one for one in lessons if one.judged.counts and one.judged.case_id in shadows]
    least = min((one.judged.probability for one in counting), default=1.0)
    scored: dict[Stand, list[tuple[float, bool]]] = defaultdict(list)
    for lesson in counting:
        shadow = shadows[lesson.judged.case_id]
        if _kept(lesson, brain, least):
            stand = _stand(worker, brain, known, lesson, shadow.label)
            scored[stand].append((shadow.confidence, right(lesson, shadow.label)))
    if not known.slices:
        scored.setdefault(Stand(worker=worker.name, kind=known.kind, brain=brain), [])
    return tuple(_proof(stand, cases, target) for stand, cases in sorted(scored.items(), key=lambda one: one[0].slice))


def _proof(stand: Stand, cases: list[tuple[float, bool]], target: float) -> Proof:
    trial = LaneTrial(target=target)
    for score, good in cases:
        trial.learn(score, good)
    return Proof(stand, tuple(score for score, _ in cases), trial)


def certificate(proof: Proof, *, now: datetime, days: int, by: str, rules: str) -> Certificate | None:
    """The unsigned certificate of what is proven under the policy's `rules`, by their digest; None where nothing is."""
    floor, trial = proof.floor, proof.trial
    if floor is None:
        return None
    return Certificate(
        id=new_id("crt"),
        stand=proof.stand,
        floor=floor,
        target=trial.target,
        # Once a lane may open the target holds, whatever the counts say later.
        bound=min(trial.bound, trial.target),
        confidence=trial.confidence,
        n=trial.n,
        wrong=trial.wrong,
        share=sum(score >= floor for score in proof.scores) / len(proof.scores),
        method=Method.BETTING,
        scope=SCOPE,
        issued_at=now,
        expires_at=now + timedelta(days=days),
        issued_by=by,
        rules=rules,
    )


def _kept(lesson: Lesson, brain: str, least: float) -> bool:
    """Whether a case stays in a sample in which each was looked at with the chance `least`; the same answer every time."""
    drawn = int.from_bytes(sha256(f"{lesson.judged.digest}\0{brain}".encode()).digest()[:8]) / 2**64
    return drawn < least / lesson.judged.probability


def _stand(worker: TextWorker, brain: str, known: KnownAction, lesson: Lesson, label: str) -> Stand:
    """Where this case would have counted, had the challenger proposed."""
    proposal = lesson.sealed.envelope.proposal
    facts = worker.facts_of(label, proposal)
    would = proposal.model_copy(update={"facts": {**proposal.facts, **facts}})
    context = {name: value for name, value in lesson.sealed.context.items() if name not in facts}
    return Stand(worker=worker.name, kind=known.kind, slice=slice_of(known, would, context), brain=brain)

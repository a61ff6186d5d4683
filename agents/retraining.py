"""Retraining: a candidate from the worker's own corpus and from what people have decided since.

The newest decisions are held out: nothing is fitted on them, and they tell how good the candidate is beside the brain at work on cases
that came after everything it learnt. Where there are enough of them they calibrate it too. The same decisions give the same brain.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.errors import BadInput
from .text_data import Example
from .text_worker import TextWorker
from .truths import Learnt, Truth, examples, provenance

if TYPE_CHECKING:
    from .text_brain import TextBrain

LEAST = 40
"""With fewer decided texts nothing is made from them."""
HELD_OUT = 0.2
"""The share of the decisions, the newest, that nothing is fitted on."""
ENOUGH_TO_CALIBRATE = 200
"""With fewer held-out texts a part of what is fitted calibrates instead, since a dozen right answers would make it far too sure."""


class Retrained(NamedTuple):
    """A candidate, and what it was made from."""

    brain: "TextBrain"
    learnt: dict[str, Any]
    """For its card."""


def retrain(worker: TextWorker, known: Learnt, *, base: Sequence[Example] | None = None, seed: int = 0) -> Retrained:
    """A candidate for `worker`, whose `model` is the brain at work, from `base` (its corpus where None) and what is known.

    Raises BadInput where too few texts are known, or where the candidate would not know a label that the brain at work knows.
    """
    from .text_training import train

    truths = known.truths
    _check_enough(known)
    newest = max(1, round(HELD_OUT * len(truths)))
    older, held_out = truths[:-newest], truths[-newest:]
    seen = {one.text for one in held_out}
    corpus = [one for one in (worker.corpus() if base is None else base) if one.text not in seen]
    fit = [*corpus, *(one for one in examples(older) if one.text not in seen)]
    _check_labels(worker, fit)
    validation = [Example(text=one.text, label=one.label) for one in held_out] if newest >= ENOUGH_TO_CALIBRATE else None
    brain = train(fit, validation=validation, seed=seed, task=worker.task)
    learnt = {
        "from": provenance(older),
        "corpus": len(corpus),
        "held_out": {**provenance(held_out), "right": _right(worker.with_brain(brain), held_out), "at_work_right": _right(worker, held_out)},
        "at_work": worker.model.digest,
        "seed": seed,
    }  # fmt: skip
    return Retrained(brain, learnt)


def _right(worker: TextWorker, truths: Sequence[Truth]) -> int:
    return sum(worker.opinion(one.text).label == one.label for one in truths)


def _check_enough(known: Learnt) -> None:
    count = len(known.truths)
    if count >= LEAST:
        return
    others = f" ({known.silence})" if any(known.silence) else ""
    raise BadInput(
        f"{count} decided texts say what they are{others}; retraining needs {LEAST}, so {LEAST - count} more.",
        hint="Approve and edit what waits in the inbox; an edit of queue and tags says what a ticket is.",
    )


def _check_labels(worker: TextWorker, fit: Sequence[Example]) -> None:
    lost = sorted((set(worker.model.labels) & worker.labels) - {one.label for one in fit})
    if lost:
        raise BadInput(
            f"The candidate would not know {', '.join(lost[:5])}, which the brain at work knows.",
            hint="Give a corpus with examples of every label.",
        )

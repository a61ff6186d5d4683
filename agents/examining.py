"""Examining: what a brain says of texts that people have labelled, as the evidence that a certificate rests on."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ..core.errors import BadInput
from ..guardrails.certification import Certification, certify
from .language import language_of
from .text_brain import OUT_OF_SCOPE, TextBrain
from .text_data import Example, Problem, read_examples
from .text_worker import TextWorker

NEVER_ALONE = -1.0
"""The score of a text that the brain itself takes for none of its kinds: below every floor."""
_MOST_KNOWN = 0.5
"""The share of texts from training beyond which the others are no sample of anything either."""


class Answer(NamedTuple):
    """What was said of one text."""

    label: str
    score: float


class Examined(Protocol):
    """Whoever is examined: a brain by itself, or in a worker's hands."""

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """What it says of each text."""


class Paper(NamedTuple):
    """The texts of some files."""

    examples: tuple[Example, ...]
    """Each once, in the order of the files."""
    problems: tuple[Problem, ...]


class Alone(NamedTuple):
    """A brain by itself: its label and its confidence in it."""

    brain: TextBrain

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """What it says of each text; one that it takes for none of its kinds never goes alone."""
        found = self.brain.predict_many(texts)
        return [Answer(one.label, NEVER_ALONE if one.label in OUT_OF_SCOPE else one.confidence) for one in found]


class InHands(NamedTuple):
    """A brain in a worker's hands: what would stand on the worker's proposal, which is what a lane looks at."""

    worker: TextWorker

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """What the worker would propose for each text, and how sure it would say to be."""
        found = (self.worker.opinion(text) for text in texts)
        return [Answer(one.label, one.confidence) for one in found]


def read_paper(files: Iterable[Path], *, trained_on: str = "", learnt: Iterable[str] = (), language: str = "") -> Paper:
    """The labelled texts of some files; of one `language` only where it is given, and without those that were `learnt` in training.

    Raises BadInput where a file cannot be read, is the very data whose digest is `trained_on`, most of the texts were learnt, or
    nothing is left.
    """
    examples: dict[tuple[str, str], Example] = {}
    problems: list[Problem] = []
    for path in files:
        given = read_examples(path)
        if trained_on and given.digest == trained_on:
            raise BadInput(
                f"{path} is what the brain was trained on, which proves nothing.", hint="Give texts that it never saw."
            )
        problems += given.problems
        examples |= {(one.text, one.label): one for one in given.examples}
    known = {_plain(text) for text in learnt}
    unseen = [one for one in examples.values() if _plain(one.text) not in known]
    if len(examples) - len(unseen) > _MOST_KNOWN * len(examples):
        told = f"{len(examples) - len(unseen)} of {len(examples)} texts are among those that the brain was trained on"
        raise BadInput(f"{told}, which proves nothing.", hint="Give texts that it never saw.")
    kept = tuple(one for one in unseen if not language or language_of(one.text).code == language)
    if not kept:
        raise BadInput(f"None of the {len(examples)} texts is in the language {language!r}.", hint="Give texts of that slice.")
    return Paper(kept, tuple(problems))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def examine(
    one: Examined,
    examples: Sequence[Example],
    *,
    labels: Iterable[str],
    target: float,
    confidence: float,
    out_of_scope_share: float | None = None,
) -> Certification:
    """What the answers of `one` to `examples` prove: at most `target` wrong, with that `confidence`, for traffic like these.

    `labels` are what it can answer. `out_of_scope_share` is the share of the traffic that is of no known kind: examples that are out of
    scope are then weighed to it, and without it they count as often as they are there. Raises BadInput where no label of the
    examples is one that it can answer, or a share is given and nothing among them is out of scope.
    """
    known = frozenset(labels)
    if not any(example.label in known for example in examples):
        raise BadInput(
            f"The brain knows none of the labels in the data, such as {examples[0].label!r}.",
            hint=f"It knows {', '.join(sorted(known)[:5])}, and {len(known)} in all.",
        )
    answers = one.answers([example.text for example in examples])
    scored: list[tuple[float, bool]] = []
    strange: list[float] = []
    for example, answer in zip(examples, answers, strict=True):
        outside = example.label in OUT_OF_SCOPE
        right = answer.label in OUT_OF_SCOPE if outside else answer.label == example.label
        if outside and out_of_scope_share is not None:
            # In a mix whatever is said of one is wrong; what was recognised goes to a person, so that it must not go alone.
            strange.append(NEVER_ALONE if right else answer.score)
        else:
            scored.append((answer.score, right))
    return certify(
        scored, target=target, confidence=confidence, out_of_scope=strange or None, out_of_scope_share=out_of_scope_share or 0.0
    )

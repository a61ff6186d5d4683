"""Public sets as traffic for the benchmark of the brains: what is fitted on, what is judged, and what a lane would make of it."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shiftlead.agents.encoder import Encoder, encoder
from shiftlead.agents.text_brain import OUT_OF_SCOPE, TextBrain
from shiftlead.agents.text_data import Example, read_examples

STRANGE_SHARE = 0.18
"""Of the traffic in the open world."""
JUDGED = 5
"""One in so many of each label is judged where a set has no part for it."""


class Data(NamedTuple):
    """A public set, split."""

    name: str
    fit: list[Example]
    held_out: list[Example]
    strange: list[Example]
    """Held-out texts out of scope."""

    @property
    def texts(self) -> list[str]:
        """Every text, once."""
        return list(dict.fromkeys(one.text for part in self[1:] for one in part))


class Population(NamedTuple):
    """Tickets of which all is known: what a lane would be asked, whether it would be right, and each one's share of the traffic."""

    score: NDArray[np.float64]
    right: NDArray[np.bool_]
    weight: NDArray[np.float64]

    def above(self, floor: float | None) -> tuple[float, float]:
        """The share that goes alone from `floor` on, and the share of that which is wrong."""
        alone = self.score >= (inf if floor is None else floor)
        share = float(self.weight[alone].sum())
        return share, float(self.weight[alone & ~self.right].sum()) / share if share else 0.0

    def draw(self, chance: np.random.Generator, count: int) -> list[tuple[float, bool]]:
        """Tickets drawn one by one, as they would come."""
        return self.cases(chance.choice(len(self.score), count, p=self.weight))

    def cases(self, rows: NDArray[np.int64] | slice = slice(None)) -> list[tuple[float, bool]]:
        """Score and right of some of the tickets, or of all in their order."""
        return list(zip(self.score[rows].tolist(), self.right[rows].tolist(), strict=True))

    def oracle(self, target: float) -> float:
        """The largest share with at most `target` wrong, for somebody who knows every answer."""
        floors, group = np.unique(-self.score, return_inverse=True)
        shares = np.cumsum(np.bincount(group, self.weight, len(floors)))
        wrong = np.cumsum(np.bincount(group, self.weight * ~self.right, len(floors)))
        return float(shares[wrong <= target * shares].max(initial=0.0))


class Answers(NamedTuple):
    """What one system says of some texts."""

    label: list[str]
    confidence: NDArray[np.float64]
    in_scope: NDArray[np.float64]

    def judged(self, examples: Sequence[Example]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The scores that a lane sees, 0 where the system itself says "none of ours", and which labels are right."""
        score = np.where([one in OUT_OF_SCOPE for one in self.label], 0.0, self.confidence)
        right = [
            one == other.label or {one, other.label} <= OUT_OF_SCOPE for one, other in zip(self.label, examples, strict=True)
        ]
        return score, np.array(right, dtype=bool)


class Sheet(NamedTuple):
    """One system's answers on one set."""

    held_out: Answers
    strange: Answers

    def closed(self, data: Data) -> Population:
        """Traffic of known kinds only."""
        score, right = self.held_out.judged(data.held_out)
        return Population(score, right, np.full(len(score), 1 / len(score)))

    def opened(self, data: Data) -> Population:
        """Traffic with tickets out of scope."""
        near, far = self.held_out.judged(data.held_out), self.strange.judged(data.strange)
        shares = ((1 - STRANGE_SHARE) / len(near[0]), STRANGE_SHARE / len(far[0]))
        weight = np.repeat(shares, [len(near[0]), len(far[0])])
        return Population(np.concatenate([near[0], far[0]]), np.concatenate([near[1], far[1]]), weight)

    def populations(self, data: Data) -> dict[str, Population]:
        """By the world they are of."""
        return {"closed": self.closed(data)} | ({"open": self.opened(data)} if data.strange else {})


def read(folder: Path, name: str, per_label: int | None) -> Data:
    """The set called `name`; with at most `per_label` examples of a label to fit on."""
    if name == "clinc150":
        parts = [
            list(read_examples(folder / name / f"{part}.jsonl").examples) for part in ("train", "oos_train", "val", "oos_val")
        ]
        data = Data(name, parts[0] + parts[1], parts[2], parts[3])
    else:
        file = {"banking77": "banking77/train.csv", "hwu64": "hwu64/kfold1_train.jsonl"}[name]
        everything = list(read_examples(folder / file).examples)
        held_out = {one for listed in by_label(everything).values() for one in Random(77).sample(listed, len(listed) // JUDGED)}
        data = Data(
            name, [one for one in everything if one not in held_out], [one for one in everything if one in held_out], []
        )
    return data if per_label is None else data._replace(fit=some(data.fit, per_label, Random(0)))


def by_label(examples: Iterable[Example]) -> dict[str, list[Example]]:
    """The examples of each label, in the order of the labels' names."""
    found: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        found[one.label].append(one)
    return dict(sorted(found.items()))


def some(examples: Iterable[Example], per_label: int, chance: Random) -> list[Example]:
    """At most `per_label` examples of each label."""
    return [one for listed in by_label(examples).values() for one in chance.sample(listed, min(per_label, len(listed)))]


_encoded = Encoder.vectors


def encode(data: Data, file: Path) -> float:
    """Put every text of `data` through the encoder, once for all jobs; CPU milliseconds per text."""
    one, texts = encoder(), data.texts
    began = time.process_time()
    np.save(file, _encoded(one, texts))
    return 1000 * (time.process_time() - began) / len(texts)


def remember(data: Data, file: Path) -> None:
    """Let the encoder of this process answer from `file`; the encoder is frozen, so that its answers are the same ones."""
    rows, known = {text: row for row, text in enumerate(data.texts)}, np.load(file, mmap_mode="r")

    def vectors(self: Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
        places = [rows.get(text, -1) for text in texts]
        return _encoded(self, texts) if -1 in places else np.asarray(known[places])

    Encoder.vectors = vectors  # type: ignore[method-assign]


def asked(brain: TextBrain, examples: Sequence[Example]) -> Answers:
    """What a brain says of each text."""
    found = brain.predict_many([one.text for one in examples])
    return Answers(
        [one.label for one in found], np.array([one.confidence for one in found]), np.array([one.in_scope for one in found])
    )

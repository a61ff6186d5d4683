"""How good a system is: fitted on one part of a public set, judged on the other."""

import statistics
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from brain_peer import PEERS, Tfidf
from brain_traffic import Data, Sheet, asked, remember, some
from numpy.typing import NDArray

from shiftlead.agents import text_scores
from shiftlead.agents.text_brain import OUT_OF_SCOPE, TextBrain
from shiftlead.agents.text_training import train

TIERS = ("minilm", "ngrams")
SHOTS = 10
TARGETS = {1: 0.01, 2: 0.02, 5: 0.05}
"""Shares of errors by their percent."""


class Trained(NamedTuple):
    """The systems that one job fitted on one set."""

    sheets: dict[str, Sheet]
    cpu_s: float


def fit_brain(data: Data, vectors: Path, folder: Path) -> Trained:
    """A brain with both tiers, also kept in `folder`, whole and as it is where the encoder cannot run."""
    remember(data, vectors)
    began = time.process_time()
    brain = train(data.fit, task="benchmark")
    spent = time.process_time() - began
    sheets = {}
    for tier in TIERS:
        one = brain.in_tier(tier)  # type: ignore[arg-type]
        sheets[tier] = Sheet(asked(one, data.held_out), asked(one, data.strange))
    brain.save(folder / f"{data.name}-minilm")
    TextBrain.of(brain._vocabulary, {"ngrams": brain._tiers["ngrams"]}).save(folder / f"{data.name}-ngrams")
    return Trained(sheets, spent)


def fit_peer(data: Data, kind: str, folder: Path) -> Trained:
    """The peer of that kind, also kept in `folder`."""
    import sklearn.svm  # noqa: F401 - so that its import is no part of the time

    began = time.process_time()
    peer = Tfidf(data.fit, kind)
    spent = time.process_time() - began
    peer.save(folder / f"{data.name}-{kind}")
    held_out, strange = ([one.text for one in part] for part in (data.held_out, data.strange))
    return Trained({kind: Sheet(peer.answers(held_out), peer.answers(strange))}, spent)


def ten_shot(data: Data, vectors: Path, draw: int) -> dict[str, float]:
    """The accuracy of each system from ten examples of each label."""
    remember(data, vectors)
    few = some((one for one in data.fit if one.label not in OUT_OF_SCOPE), SHOTS, Random(draw))
    brain, texts = train(few, task="benchmark"), [one.text for one in data.held_out]
    said = {tier: asked(brain.in_tier(tier), data.held_out) for tier in TIERS}  # type: ignore[arg-type]
    said |= {kind: Tfidf(few, kind).answers(texts) for kind in PEERS}
    return {name: float(answers.judged(data.held_out)[1].mean()) for name, answers in said.items()}


def quality(sheet: Sheet, data: Data) -> dict[str, float | None]:
    """Everything about one system that needs no draw."""
    confidence, (_, right) = sheet.held_out.confidence, sheet.held_out.judged(data.held_out)
    chance = np.random.default_rng(0)
    lucky = [text_scores.calibration_error(confidence, chance.random(len(right)) < confidence) for _ in range(100)]
    told: dict[str, float | None] = {
        "accuracy": float(right.mean()),
        "macro_f1": text_scores.macro_f1(sheet.held_out.label, [one.label for one in data.held_out]),
        "ece": text_scores.calibration_error(confidence, right),
        "ece_of_perfect": statistics.mean(lucky),
        "aurc": text_scores.risk_coverage_area(confidence, right),
        "augrc": generalised_risk_area(confidence, right),
    }
    if data.strange:
        values = np.concatenate([sheet.held_out.in_scope, sheet.strange.in_scope])
        told["oos_auroc"] = text_scores.auroc(values, np.arange(len(values)) < len(right))
    for world, population in sheet.populations(data).items():
        told |= {f"oracle_share_{percent}pct_{world}": population.oracle(target) for percent, target in TARGETS.items()}
    return told


def generalised_risk_area(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean over all coverages of the chance that a text is taken and wrong (Traub et al. 2024); ties are taken together."""
    _, group, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    shares = np.bincount(group, ~right) / sizes
    return float(np.cumsum(np.repeat(shares, sizes)).mean() / len(right))

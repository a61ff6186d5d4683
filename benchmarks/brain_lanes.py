"""What a lane may be promised: how often a promise is broken, when a first lane opens, and when one closes that went wrong."""

import statistics
from collections.abc import Sequence
from math import inf
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from brain_traffic import STRANGE_SHARE, Data, Population, asked, remember, some

from shiftlead.agents.text_brain import OUT_OF_SCOPE, TextBrain
from shiftlead.agents.text_data import Example
from shiftlead.agents.text_training import train
from shiftlead.guardrails.betting import LaneTrial
from shiftlead.guardrails.certification import certify
from shiftlead.guardrails.searches import Case, naive

LABELLED = 2_000
"""Labelled tickets that a certificate is drawn from."""
TARGET = 0.02
UNSEEN_INTENTS, EXAMPLES_BEFORE_SHIFT = 27, 40
"""Of CLINC150's 150 intents, those that arrive later; and the examples of each other one that the brain before the shift has."""
CALM, PATIENCE, AUDITED = 1_000, 20_000, 0.1
"""Tickets before the shift and at most after it, and the share of a lane's tickets that a person looks at."""
REFITTED_AT = (250, 500, 1_000, 2_000)
"""After how many decisions the brain of the cold start is fitted anew, on all that was decided."""
DECISIONS = 4_000


def promised(population: Population, target: float, draws: range, way: str = "certify") -> list[tuple[float, float]]:
    """For each draw of labelled tickets, the share that may go alone by the floor found, and what of it is wrong in truth.

    The naive `way` takes the lowest floor that met the target in the draw itself.
    """
    found = []
    for draw in draws:
        cases = population.draw(np.random.default_rng(draw), LABELLED)
        if way == "naive":
            best = naive([Case(*case) for case in cases], target=target)
            floor = best.floor if best else None
        else:
            floor = certify(cases, target=target).floor
        found.append(population.above(floor))
    return found


def kept(found: Sequence[tuple[float, float]], target: float) -> dict[str, float]:
    """How wide the lanes are and how often their promise is broken."""
    shares = sorted(share for share, _ in found)
    return {
        "broken_share": statistics.mean(error > target for _, error in found),
        "share_mean": statistics.mean(shares),
        "share_p10": shares[len(shares) // 10],
    }


def opens_at_the_limit(seeds: range) -> int:
    """How many trials of a brain that is wrong in exactly 2 %, whatever it says, ever open a lane within 2,000 decisions."""
    opened = 0
    for seed in seeds:
        chance, trial = Random(seed), LaneTrial(target=TARGET)
        for _ in range(2_000):
            trial.learn(chance.random(), chance.random() >= 0.02)
            if trial.opened is not None:
                opened += 1
                break
    return opened


class FirstLane(NamedTuple):
    """When a first lane opened, and what it was worth."""

    decisions: float
    """Without end where none opened."""
    share: float = 0.0
    """Of the tickets that came after."""
    error: float = 0.0


def cold_start(data: Data, vectors: Path, run: int) -> dict[str, FirstLane]:
    """The first lanes at 2 %, from five examples of each label, while a person decides every ticket.

    *refitted*: one trial over all the brains, each of which answers before the decision. *anew*: the trial begins again with each brain,
    as certificates of the ledger do. *as_is*: the first brain stays.
    """
    remember(data, vectors)
    chance = Random(run)
    known = [one for one in data.fit if one.label not in OUT_OF_SCOPE]
    few = some(known, 5, chance)
    start = set(few)
    coming = [one for one in [*known, *data.held_out] if one not in start]
    coming = chance.sample(coming, min(DECISIONS, len(coming)))
    brain = train(few, task="benchmark")
    found = {"as_is": first_lane(LaneTrial(target=TARGET), brain, coming, 0, len(coming))}
    trial = LaneTrial(target=TARGET)
    for begin, end in zip((0, *REFITTED_AT), (*REFITTED_AT, len(coming)), strict=True):
        if begin:
            brain = train([*few, *coming[:begin]], task="benchmark")
        for name, one in (("refitted", trial), ("anew", LaneTrial(target=TARGET))):
            if name not in found or found[name].decisions == inf:
                found[name] = first_lane(one, brain, coming, begin, end)
        if inf not in (found["refitted"].decisions, found["anew"].decisions):
            break
    return found


def first_lane(trial: LaneTrial, brain: TextBrain, coming: Sequence[Example], begin: int, end: int) -> FirstLane:
    """The lane that opens while the tickets from `begin` to `end` come."""
    for start in range(begin, end, 500):
        block = coming[start : min(end, start + 500)]
        for count, (score, right) in enumerate(answered(brain, block).cases(), start + 1):
            trial.learn(score, right)
            if trial.opened is not None:
                return FirstLane(count, *answered(brain, coming[count : count + 2_000]).above(trial.opened))
    return FirstLane(inf)


def answered(brain: TextBrain, tickets: Sequence[Example]) -> Population:
    """The tickets as a lane of this brain sees them, each as likely as the other."""
    score, right = asked(brain, tickets).judged(tickets)
    return Population(score, right, np.full(len(score), 1 / len(score)))


class Watched(NamedTuple):
    """One lane, from the arrival of unseen kinds to its end."""

    calm: bool
    """Whether it stayed open until they arrived."""
    audited: float
    """Tickets of the lane that a person looked at since; without end where it was never closed."""
    tickets: float
    wrong_alone: int
    """Wrong ones among those that nobody looked at, meanwhile."""


def shifted(data: Data, vectors: Path, draw: int, lanes: int) -> list[Watched]:
    """Lanes of a brain that does not know some intents, certified in the closed world; then those intents arrive."""
    remember(data, vectors)
    chance = Random(1_000 + draw)
    labels = sorted({one.label for one in data.held_out})
    unseen = set(chance.sample(labels, UNSEEN_INTENTS * len(labels) // 150))
    brain = train(some((one for one in data.fit if one.label not in unseen), EXAMPLES_BEFORE_SHIFT, chance), task="benchmark")
    known = [one for one in data.held_out if one.label not in unseen]
    strange = [one for one in [*data.fit, *data.held_out] if one.label in unseen]
    before, arriving = answered(brain, known), answered(brain, strange)
    found = [watched(before, arriving, np.random.default_rng([draw, lane])) for lane in range(lanes)]
    return [one for one in found if one is not None]


def watched(before: Population, arriving: Population, chance: np.random.Generator) -> Watched | None:
    """One lane; None where nothing could be certified to begin with."""
    found = certify(before.draw(chance, LABELLED), target=TARGET)
    if found.floor is None:
        return None
    trial = LaneTrial(target=TARGET, quality_share=AUDITED, opened=found.floor, below=1 - found.share)
    walk(trial, before.draw(chance, CALM), chance)
    if trial.revoked:
        return Watched(calm=False, audited=0, tickets=0, wrong_alone=0)
    usual, new = before.draw(chance, PATIENCE), arriving.draw(chance, PATIENCE)
    strange = chance.random(PATIENCE) < STRANGE_SHARE
    audited, tickets, wrong = walk(
        trial, [other if odd else one for one, other, odd in zip(usual, new, strange, strict=True)], chance
    )
    return Watched(True, audited if trial.revoked else inf, tickets if trial.revoked else inf, wrong)


def walk(trial: LaneTrial, tickets: Sequence[tuple[float, bool]], chance: np.random.Generator) -> tuple[int, int, int]:
    """Let tickets come until the lane closes: how many of the lane were audited, how many came, how many went wrong alone."""
    audited = wrong = 0
    for count, ((score, right), drawn) in enumerate(zip(tickets, chance.random(len(tickets)) < AUDITED, strict=True), 1):
        alone = trial.opened is not None and score >= trial.opened
        if alone and not drawn:
            wrong += not right
            continue
        audited += alone
        trial.learn(score, right, probability=AUDITED if alone else 1.0)
        if trial.revoked:
            return audited, count, wrong
    return audited, len(tickets), wrong

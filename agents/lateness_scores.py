"""How good forecasts of lateness were: ranking, calibration, and the money that the top of the list holds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .text_scores import auroc

Floats = NDArray[np.float64]


class Forecasts(NamedTuple):
    """What was forecast of some invoices and what came, one entry for each."""

    chance: Floats
    """P(late)."""
    late: Floats
    """1 where it was paid after its due date."""
    expected_days: Floats
    days: Floats
    amount: Floats


def figures(told: Forecasts) -> dict[str, float]:
    """The scores of `measure`; the AUC is left out where nothing or everything was late."""
    ranking = auroc(told.chance, told.late > 0)
    ranked = {} if ranking is None else {"auc": ranking}
    owed = told.days * told.amount
    return {
        "invoices": float(len(told.late)),
        **ranked,
        "ece": calibration_error(told.late, told.chance),
        "ece_floor": calibration_floor(told.chance),
        "brier": float(np.mean((told.chance - told.late) ** 2)),
        **({"top_fifth_share": top_share(told.chance * told.amount, owed)} if owed.sum() > 0 else {}),
        "days_late_mae": float(np.mean(np.abs(told.expected_days - told.days))),
    }


def calibration_error(truth: Floats, chance: Floats, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins."""
    place = np.minimum((chance * bins).astype(int), bins - 1)
    gaps = [abs(float(np.sum(chance[place == b] - truth[place == b]))) for b in range(bins)]
    return sum(gaps) / len(truth)


def calibration_floor(chance: Floats, draws: int = 500, seed: int = 7) -> float:
    """The mean ECE that perfectly calibrated `chance` would show on so few rows: what chance alone explains."""
    rng = np.random.default_rng(seed)
    return float(np.mean([calibration_error((rng.random(len(chance)) < chance).astype(float), chance) for _ in range(draws)]))


def top_share(rank_by: Floats, value: Floats, share: float = 0.2) -> float:
    """How much of `value` lies in the top `share` when ranked by `rank_by`."""
    top = np.argsort(-rank_by, kind="stable")[: int(len(rank_by) * share)]
    return float(value[top].sum() / value.sum())

"""Fits the parameters of `lateness` on paid invoices, and measures them; numpy only.

Usage: `fit_lateness(read_bills(path).paid, trained_on="…")`. Nothing of the rows is kept but sums.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import version
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.errors import BadInput
from .lateness import History, LatenessModel, Settled, relative_amount
from .lateness_brain import LatenessBrain, LatenessMeta, remembered
from .lateness_rows import Bill, data_digest
from .lateness_scores import Floats, Forecasts, figures

FEATURES = ("delay", "late_share", "trend", "overdue_now")
LEAST_TO_FIT = 50
_PRIOR_WEIGHT = 4.0
_FOLDS = (0.4, 0.55, 0.7, 0.85, 1.0)
_ROLLING = tuple(place / 20 for place in range(6, 21))
"""Where the data is cut for rolling forecasts: from 30 % on, a twentieth at a time."""
_NEWTON_STEPS = 50
_LEAST_SD = 0.5
"""Days: however punctual everybody was, a payment is known to the day only."""


def fit_lateness(rows: Iterable[Bill], *, held_back: float = 0.25, trained_on: str) -> LatenessModel:
    """The model fitted on the older part of `rows` and measured on the latest `held_back` of them, by invoice date.

    Every feature is computed as of the invoice date: from payments before that day, and from what was unpaid on it. Rows
    of the older part that were paid only after the later part begins are left out of the fit, as they would have been.
    """
    ordered = in_order(rows)
    cut = int(len(ordered) * (1 - held_back))
    start = ordered[cut].issued if cut < len(ordered) else date.max
    older = [row for row in ordered[:cut] if row.paid is not None and row.paid < start]
    _check_fit(older)
    model = _with_disputes(_delay_layer(older, trained_on), older)
    model = _with_logistic(model, older, ordered)
    model = _calibrated(model, older, ordered)
    return model.model_copy(update={"measured": measure(model, ordered[cut:], ordered)}) if cut < len(ordered) else model


def train_lateness(
    bills: Iterable[Bill], *, validation: Iterable[Bill] | None = None, trained_on: str = "the invoices given"
) -> tuple[LatenessBrain, Forecasts]:
    """A brain fitted on the paid ones of `bills`, and the forecasts that it was measured by.

    Those are of `validation`, with both parts as history; or else rolling ones over `bills`. Raises BadInput for too few invoices.
    """
    listed = in_order(bills)
    paid = [one for one in listed if one.paid is not None]
    model = fit_lateness(paid, held_back=0.0, trained_on=trained_on)
    if validation is not None:
        unseen = [one for one in in_order(validation) if one.paid is not None]
        told = forecasts(model, unseen, [*listed, *unseen])
    else:
        told = rolling(paid, trained_on=trained_on)
    scores = {name: round(value, 6) for name, value in figures(told).items()} if len(told.late) else {}
    past, until = remembered(listed)
    meta = LatenessMeta(
        data_digest=data_digest(listed), examples=len(paid), customers=len(past), known_until=until, scores=scores,
        made_with={"numpy": version("numpy")},
    )  # fmt: skip
    return LatenessBrain(meta, model.model_copy(update={"measured": scores}), past), told


def history_of(row: Bill, everything: Sequence[Bill]) -> History:
    """What was known about `row`'s customer on the day it was issued; `everything` may be the customer's rows only."""
    own = [one for one in everything if one.customer == row.customer]
    return History.as_of(
        row.issued,
        (
            Settled(due=one.due, paid=one.paid, disputed=one.disputed, paper=one.paper, amount=float(one.amount))
            for one in own
            if one.paid is not None and one.paid < row.issued
        ),
        (one.due for one in own if one.issued < row.issued and (one.paid is None or row.issued <= one.paid)),
    )


def rolling(rows: Iterable[Bill], *, trained_on: str) -> Forecasts:
    """Forecasts of the younger 70 % of `rows`, each by a model fitted only on what was paid before the step it belongs to.

    What a house sees that fits anew now and then: more forecasts to measure than one held-out part gives (after Dawid, 1984).
    """
    ordered = in_order(rows)
    found: list[Forecasts] = []
    for low, high in pairwise(int(len(ordered) * share) for share in _ROLLING):
        coming = ordered[low:high]
        past = [row for row in ordered[:low] if row.paid is not None and coming and row.paid < coming[0].issued]
        try:
            model = fit_lateness(past, held_back=0.0, trained_on=trained_on)
        except BadInput:
            # Too little was paid by then to learn from.
            continue
        found.append(forecasts(model, coming, ordered))
    if not found:
        return Forecasts(*(np.zeros(0) for _ in Forecasts._fields))
    return Forecasts(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def in_order(rows: Iterable[Bill]) -> list[Bill]:
    """By invoice date."""
    return sorted(rows, key=lambda row: (row.issued, row.customer, row.due))


def _check_fit(older: Sequence[Bill]) -> None:
    hint = f"Give {2 * LEAST_TO_FIT} or more, of several customers, some of them late and some in time."
    if len(older) < LEAST_TO_FIT:
        raise BadInput(f"{len(older)} paid invoices are too few to fit lateness.", hint=hint)
    late = sum(row.late for row in older)
    customers = {row.customer for row in older}
    if late in {0, len(older)} or len(customers) < 2 or len(older) - len(customers) < 3:
        raise BadInput(
            f"{late} of {len(older)} paid invoices of {len(customers)} customers were late: that teaches nothing.", hint=hint
        )


def measure(
    model: LatenessModel, rows: Sequence[Bill], everything: Sequence[Bill], *, dispute_known: bool = False
) -> dict[str, float]:
    """AUC, ECE (10 equal-width bins) with its floor, Brier score, and the late money-days in the top fifth by P(late) x amount.

    With `dispute_known` the model is told whether the invoice ended in a dispute, which nobody knows on the invoice date.
    """
    return figures(forecasts(model, rows, everything, dispute_known=dispute_known))


def forecasts(
    model: LatenessModel, rows: Sequence[Bill], everything: Sequence[Bill], *, dispute_known: bool = False
) -> Forecasts:
    """What `model` says of `rows`, each as of its invoice date, beside what came."""
    grouped = _by_customer(everything)
    outlooks = [
        model.outlook(
            history_of(row, grouped[row.customer]),
            amount=float(row.amount), paper=row.paper, disputed=row.disputed if dispute_known else None,
        )
        for row in rows
    ]  # fmt: skip
    return Forecasts(
        chance=np.array([one.late for one in outlooks]),
        late=np.array([row.late for row in rows], dtype=float),
        expected_days=np.array([one.days_late for one in outlooks]),
        days=np.array([row.days_late for row in rows], dtype=float),
        amount=np.array([float(row.amount) for row in rows]),
    )


def _by_customer(rows: Iterable[Bill]) -> dict[str, list[Bill]]:
    grouped: dict[str, list[Bill]] = defaultdict(list)
    for row in rows:
        grouped[row.customer].append(row)
    return grouped


def _delay_layer(rows: Sequence[Bill], trained_on: str) -> LatenessModel:
    """Effects of dispute and paper within customers, and how payments and customers scatter."""
    customers = sorted({row.customer for row in rows})
    who = np.array([customers.index(row.customer) for row in rows])
    delay = np.array([(row.paid - row.due).days for row in rows if row.paid is not None], dtype=float)
    moved = np.array([[row.disputed, bool(row.paper)] for row in rows], dtype=float)
    counts = np.bincount(who)

    def within(values: Floats) -> Floats:
        means: Floats = np.bincount(who, values) / counts
        inside: Floats = values - means[who]
        return inside

    inside = np.column_stack([within(moved[:, 0]), within(moved[:, 1])])
    effect, *_ = np.linalg.lstsq(inside, within(delay), rcond=None)
    rest = delay - moved @ effect
    noise = float(np.sum(within(rest) ** 2) / (len(rows) - len(customers) - 2))
    means = np.bincount(who, rest) / counts
    between = max(float(np.var(means, ddof=1) - noise * np.mean(1 / counts)), 1.0)
    calm, upset = within(rest)[moved[:, 0] == 0], within(rest)[moved[:, 0] == 1]
    calm_var = float(np.var(calm if len(calm) else within(rest)))
    upset_var = float(np.var(upset)) if len(upset) else 0.0
    # Where nothing was disputed, or nobody says what was, a share of nought would make a dispute impossible for ever.
    half = 0.5 / len(rows)
    return LatenessModel(
        version=1, trained_on=trained_on, mean_delay=float(np.mean(means)), delay_sd=max(calm_var**0.5, _LEAST_SD), customer_sd=between**0.5,
        dispute_days=float(effect[0]),
        dispute_sd=max(upset_var - calm_var, 0.0) ** 0.5, dispute_weight=1.0, dispute_amount=0.0, paper_days=float(effect[1]),
        dispute_share=float(np.clip(moved[:, 0].mean(), half, 1 - half)), paper_share=float(moved[:, 1].mean()), late_share=float(np.mean(delay > 0)), prior_weight=_PRIOR_WEIGHT,
        features=FEATURES, centre=(0.0,) * len(FEATURES), scale=(1.0,) * len(FEATURES), weights=(0.0,) * len(FEATURES),
        bias=0.0, temperature=1.0,
    )  # fmt: skip


def _with_disputes(model: LatenessModel, rows: Sequence[Bill]) -> LatenessModel:
    """How much the customers differ in disputing (method of moments), and what a larger amount does to it."""
    grouped = _by_customer(rows)
    shares = np.array([np.mean([row.disputed for row in own]) for own in grouped.values()])
    counts = np.array([len(own) for own in grouped.values()])
    chance = model.dispute_share * (1 - model.dispute_share)
    between = max(float(np.var(shares, ddof=1) - chance * np.mean(1 / counts)), 1e-3)
    relative = [(relative_amount(history_of(row, grouped[row.customer]), float(row.amount)), row.disputed) for row in rows]
    size, disputed = np.array([one[0] for one in relative]), np.array([one[1] for one in relative])
    slope = float(_regression(size[:, None], disputed).weights[0])
    return model.model_copy(update={"dispute_weight": max(chance / between - 1, 0.5), "dispute_amount": slope})


def _matrix(model: LatenessModel, rows: Sequence[Bill], everything: Sequence[Bill]) -> Floats:
    grouped = _by_customer(everything)
    return np.array(
        [model.features_of(history_of(r, grouped[r.customer]), amount=float(r.amount), paper=r.paper) for r in rows]
    )


def _with_logistic(model: LatenessModel, rows: Sequence[Bill], everything: Sequence[Bill]) -> LatenessModel:
    values = _matrix(model, rows, everything)
    centre, scale = values.mean(axis=0), values.std(axis=0) + 1e-9
    fitted = _regression((values - centre) / scale, np.array([row.late for row in rows]))
    return model.model_copy(
        update={
            "centre": tuple(map(float, centre)),
            "scale": tuple(map(float, scale)),
            "weights": tuple(map(float, fitted.weights)),
            "bias": fitted.bias,
        }
    )


def _calibrated(model: LatenessModel, rows: Sequence[Bill], everything: Sequence[Bill]) -> LatenessModel:
    """The temperature, from predictions on rows later than those they were fitted on."""
    odds: list[float] = []
    truth: list[bool] = []
    for low, high in pairwise(_FOLDS):
        past, coming = rows[: int(len(rows) * low)], rows[int(len(rows) * low) : int(len(rows) * high)]
        earlier = _with_logistic(model, past, everything)
        odds += [earlier.log_odds(values) for values in _matrix(earlier, coming, everything)]
        truth += [row.late for row in coming]
    fitted = _regression(np.array(odds)[:, None], np.array(truth), penalty=1e-6)
    return model.model_copy(update={"temperature": 1 / max(float(fitted.weights[0]), 0.05)})


class _Regression(NamedTuple):
    weights: Floats
    bias: float


def _regression(values: Floats, truth: NDArray[np.bool_], *, penalty: float = 1.0) -> _Regression:
    """Logistic regression by Newton's method; `penalty` times half the squared weights, the bias free, keeps it finite."""
    design = np.column_stack([values, np.ones(len(values))])
    ridge = np.diag([penalty] * values.shape[1] + [1e-9])
    found = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (truth - chance) - ridge @ found
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curve, slope)
        found = found + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-10:
            break
    return _Regression(found[:-1], float(found[-1]))

"""Fits the parameters of `lateness` on paid invoices; needs the `train` extra, which the workers themselves do not.

Usage: `fit_lateness(read_ibm_receivables(path))`. Nothing of the rows is kept but sums.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.errors import BadInput, SettingsError
from .lateness import History, LatenessModel, Settled, relative_amount

FEATURES = ("delay", "late_share", "trend", "overdue_now")
_PRIOR_WEIGHT = 4.0
_FOLDS = (0.4, 0.55, 0.7, 0.85, 1.0)
_COLUMNS = ("customerID", "InvoiceDate", "DueDate", "SettledDate", "InvoiceAmount", "Disputed", "PaperlessBill")

Floats = NDArray[np.float64]


class PaidInvoice(NamedTuple):
    """One row to learn from."""

    customer: str
    issued: date
    due: date
    paid: date
    amount: Decimal
    disputed: bool = False
    paper: bool | None = None

    @property
    def late(self) -> bool:
        """Whether it was paid after its due date."""
        return self.paid > self.due


def read_ibm_receivables(path: Path) -> list[PaidInvoice]:
    """The rows of an IBM-style receivables CSV; raises BadInput naming file, line and field of the first that is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            absent = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if absent:
                raise BadInput(f"{path.name}: column {absent[0]!r} is missing.", hint=f"Expected {', '.join(_COLUMNS)}.")
            return [_parsed(row, f"{path.name}, line {reader.line_num}") for row in reader]
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be read: {error.strerror}.", hint="Check its path.") from error


def _parsed(row: dict[str, str], where: str) -> PaidInvoice:
    def day(name: str) -> date:
        try:
            return datetime.strptime(row[name], "%m/%d/%Y").replace(tzinfo=UTC).date()
        except ValueError as error:
            raise BadInput(f"{where}: {name}: {row[name]!r} is no date.", hint="Write it as 12/31/2026.") from error

    try:
        amount = Decimal(row["InvoiceAmount"])
    except InvalidOperation as error:
        raise BadInput(f"{where}: InvoiceAmount: {row['InvoiceAmount']!r} is no amount.", hint="Write it as 61.74.") from error
    return PaidInvoice(
        customer=row["customerID"], issued=day("InvoiceDate"), due=day("DueDate"), paid=day("SettledDate"), amount=amount,
        disputed=row["Disputed"] == "Yes", paper=row["PaperlessBill"] == "Paper",
    )  # fmt: skip


def fit_lateness(rows: Iterable[PaidInvoice], *, held_back: float = 0.25, trained_on: str) -> LatenessModel:
    """The model fitted on the older part of `rows` and measured on the latest `held_back` of them, by invoice date.

    Every feature is computed as of the invoice date: from payments before that day, and from what was unpaid on it. Rows
    of the older part that were paid only after the later part begins are left out of the fit, as they would have been.
    """
    ordered = sorted(rows, key=lambda row: (row.issued, row.customer, row.due))
    cut = int(len(ordered) * (1 - held_back))
    if cut < 50:
        raise BadInput(f"{len(ordered)} paid invoices are too few to fit lateness.", hint="Give at least 100.")
    start = ordered[cut].issued if cut < len(ordered) else date.max
    older = [row for row in ordered[:cut] if row.paid < start]
    model = _with_disputes(_delay_layer(older, trained_on), older)
    model = _with_logistic(model, older, ordered)
    model = _calibrated(model, older, ordered)
    return model.model_copy(update={"measured": measure(model, ordered[cut:], ordered)}) if cut < len(ordered) else model


def history_of(row: PaidInvoice, everything: Sequence[PaidInvoice]) -> History:
    """What was known about `row`'s customer on the day it was issued; `everything` may be the customer's rows only."""
    own = [one for one in everything if one.customer == row.customer]
    return History.as_of(
        row.issued,
        (
            Settled(due=one.due, paid=one.paid, disputed=one.disputed, paper=one.paper, amount=float(one.amount))
            for one in own
            if one.paid < row.issued
        ),
        (one.due for one in own if one.issued < row.issued <= one.paid),
    )


def measure(
    model: LatenessModel, rows: Sequence[PaidInvoice], everything: Sequence[PaidInvoice], *, dispute_known: bool = False
) -> dict[str, float]:
    """AUC, ECE (10 equal-width bins) with its floor, Brier score, and the late money-days in the top fifth by P(late) x amount.

    With `dispute_known` the model is told whether the invoice ended in a dispute, which nobody knows on the invoice date.
    """
    grouped = _by_customer(everything)
    outlooks = [
        model.outlook(
            history_of(row, grouped[row.customer]),
            amount=float(row.amount), paper=row.paper, disputed=row.disputed if dispute_known else None,
        )
        for row in rows
    ]  # fmt: skip
    late = np.array([row.late for row in rows], dtype=float)
    chance = np.array([one.late for one in outlooks])
    amount = np.array([float(row.amount) for row in rows])
    days = np.array([max((row.paid - row.due).days, 0) for row in rows], dtype=float)
    expected = np.array([one.days_late for one in outlooks])
    return {
        "invoices": float(len(rows)),
        "auc": auc(late, chance),
        "ece": calibration_error(late, chance),
        "ece_floor": calibration_floor(chance),
        "brier": float(np.mean((chance - late) ** 2)),
        "top_fifth_share": top_share(chance * amount, days * amount),
        "days_late_mae": float(np.mean(np.abs(expected - days))),
    }


def auc(truth: Floats, score: Floats) -> float:
    """The chance that a late invoice is ranked above one that was not, ties counting half."""
    late, timely = score[truth > 0], score[truth == 0]
    wins = (late[:, None] > timely[None, :]).sum() + 0.5 * (late[:, None] == timely[None, :]).sum()
    return float(wins / (len(late) * len(timely)))


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


def _by_customer(rows: Iterable[PaidInvoice]) -> dict[str, list[PaidInvoice]]:
    grouped: dict[str, list[PaidInvoice]] = defaultdict(list)
    for row in rows:
        grouped[row.customer].append(row)
    return grouped


def _delay_layer(rows: Sequence[PaidInvoice], trained_on: str) -> LatenessModel:
    """Effects of dispute and paper within customers, and how payments and customers scatter."""
    customers = sorted({row.customer for row in rows})
    who = np.array([customers.index(row.customer) for row in rows])
    delay = np.array([(row.paid - row.due).days for row in rows], dtype=float)
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
    return LatenessModel(
        version=1, trained_on=trained_on, mean_delay=float(np.mean(means)), delay_sd=float(np.std(calm)), customer_sd=between**0.5,
        dispute_days=float(effect[0]),
        dispute_sd=max(float(np.var(upset) - np.var(calm)), 0.0) ** 0.5, dispute_weight=1.0, dispute_amount=0.0, paper_days=float(effect[1]), dispute_share=float(moved[:, 0].mean()),
        paper_share=float(moved[:, 1].mean()), late_share=float(np.mean(delay > 0)), prior_weight=_PRIOR_WEIGHT,
        features=FEATURES, centre=(0.0,) * len(FEATURES), scale=(1.0,) * len(FEATURES), weights=(0.0,) * len(FEATURES),
        bias=0.0, temperature=1.0,
    )  # fmt: skip


def _with_disputes(model: LatenessModel, rows: Sequence[PaidInvoice]) -> LatenessModel:
    """How much the customers differ in disputing (method of moments), and what a larger amount does to it."""
    grouped = _by_customer(rows)
    shares = np.array([np.mean([row.disputed for row in own]) for own in grouped.values()])
    counts = np.array([len(own) for own in grouped.values()])
    chance = model.dispute_share * (1 - model.dispute_share)
    between = max(float(np.var(shares, ddof=1) - chance * np.mean(1 / counts)), 1e-3)
    relative = [(relative_amount(history_of(row, grouped[row.customer]), float(row.amount)), row.disputed) for row in rows]
    size, disputed = np.array([one[0] for one in relative]), np.array([one[1] for one in relative])
    slope = float(_regression().fit(size[:, None], disputed).coef_[0][0])
    return model.model_copy(update={"dispute_weight": max(chance / between - 1, 0.5), "dispute_amount": slope})


def _matrix(model: LatenessModel, rows: Sequence[PaidInvoice], everything: Sequence[PaidInvoice]) -> Floats:
    grouped = _by_customer(everything)
    return np.array(
        [model.features_of(history_of(r, grouped[r.customer]), amount=float(r.amount), paper=r.paper) for r in rows]
    )


def _with_logistic(model: LatenessModel, rows: Sequence[PaidInvoice], everything: Sequence[PaidInvoice]) -> LatenessModel:
    values = _matrix(model, rows, everything)
    centre, scale = values.mean(axis=0), values.std(axis=0) + 1e-9
    fitted = _regression().fit((values - centre) / scale, np.array([row.late for row in rows]))
    return model.model_copy(
        update={
            "centre": tuple(map(float, centre)),
            "scale": tuple(map(float, scale)),
            "weights": tuple(map(float, fitted.coef_[0])),
            "bias": float(fitted.intercept_[0]),
        }
    )


def _calibrated(model: LatenessModel, rows: Sequence[PaidInvoice], everything: Sequence[PaidInvoice]) -> LatenessModel:
    """The temperature, from predictions on rows later than those they were fitted on."""
    odds: list[float] = []
    truth: list[bool] = []
    for low, high in pairwise(_FOLDS):
        past, coming = rows[: int(len(rows) * low)], rows[int(len(rows) * low) : int(len(rows) * high)]
        earlier = _with_logistic(model, past, everything)
        odds += [earlier.log_odds(values) for values in _matrix(earlier, coming, everything)]
        truth += [row.late for row in coming]
    fitted = _regression(strength=1e6).fit(np.array(odds)[:, None], np.array(truth))
    return model.model_copy(update={"temperature": 1 / max(float(fitted.coef_[0][0]), 0.05)})


def _regression(strength: float = 1.0) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise SettingsError("Fitting lateness needs scikit-learn.", hint="Install shiftlead[train].") from error
    return LogisticRegression(C=strength, max_iter=1000)

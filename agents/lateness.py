"""P(late) and expected days late of a receivable, from how the customer paid before.

Two layers, both tiny. The delay layer takes the days between due date and payment as normal around a mean of the
customer's own, shrunk towards everybody's; a dispute and a paper bill move it, and invoices that are still unpaid count as
"at least this late". The calibrated layer is a logistic regression over that and four more numbers. Its parameters ship
as JSON; `lateness_training` fits them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Self

from pydantic import Field

from ..core.noun import Noun
from .wording import days_text

RECENT = 4
"""How many of the last settled invoices make the trend."""
_EM_ROUNDS = 3
_USUALLY_EARLY = 10.0
"""Days before the due date that those who pay early pay at (median of the IBM sample)."""
_ROOT_2 = math.sqrt(2.0)


class Settled(Noun):
    """One paid invoice of a customer."""

    due: date
    paid: date
    disputed: bool = False
    paper: bool | None = None
    """Billed on paper; None where nobody knows."""
    amount: float | None = None

    @property
    def delay(self) -> int:
        """Days from due date to payment; negative where it was early."""
        return (self.paid - self.due).days


class History(Noun):
    """What was known about a customer's paying on one day."""

    settled: int = 0
    """Paid invoices."""
    late: int = 0
    """Of those, how many after their due date."""
    mean_delay: float = 0.0
    """Mean days from due date to payment; early is negative."""
    recent_delay: float | None = None
    """The same over the last four; None where nothing is known."""
    disputed: int = 0
    """Of the paid ones, how many were disputed."""
    paper_share: float | None = None
    """Of the paid ones, the share billed on paper."""
    usual_amount: float | None = None
    """Geometric mean of the paid amounts."""
    unpaid: tuple[int, ...] = ()
    """Days past due of each unpaid invoice; negative where it is not due yet."""

    @classmethod
    def as_of(cls, day: date, settled: Iterable[Settled], unpaid_due: Iterable[date] = ()) -> Self:
        """The history on `day`: payments from that day on do not count, and due dates of unpaid invoices age until then."""
        past = sorted((one for one in settled if one.paid < day), key=lambda one: one.paid)
        ages = tuple((day - due).days for due in unpaid_due)
        if not past:
            return cls(unpaid=ages)
        delays = [one.delay for one in past]
        paper = [one.paper for one in past if one.paper is not None]
        amounts = [math.log(one.amount) for one in past if one.amount and one.amount > 0]
        return cls(
            settled=len(past),
            late=sum(delay > 0 for delay in delays),
            mean_delay=_mean(delays),
            recent_delay=_mean(delays[-RECENT:]),
            disputed=sum(one.disputed for one in past),
            paper_share=_mean(paper) if paper else None,
            usual_amount=math.exp(_mean(amounts)) if amounts else None,
            unpaid=ages,
        )

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], unpaid_due: Iterable[date], day: date) -> Self:
        """The history that the numbers on a customer record tell: `late_share`, `mean_days_late` of the late ones, `invoices`.

        The mean delay is rebuilt from both: late payers by their days, the others at ten days early, which is usual among them.
        """
        count = int(facts.get("invoices") or 0)
        ages = tuple((day - due).days for due in unpaid_due)
        if count <= 0 or facts.get("late_share") is None:
            return cls(unpaid=ages)
        share = min(max(float(facts["late_share"]), 0.0), 1.0)
        delay = share * float(facts.get("mean_days_late") or 0.0) - (1.0 - share) * _USUALLY_EARLY
        disputed = min(max(float(facts.get("disputed_share") or 0.0), 0.0), 1.0)
        return cls(settled=count, late=round(share * count), mean_delay=delay, disputed=round(disputed * count), unpaid=ages)


class Outlook(Noun):
    """What the model says about one receivable."""

    late: float = Field(ge=0, le=1)
    """P(paid after the due date)."""
    days_late: float = Field(ge=0)
    """Expected days late, an early payment counting as zero."""
    because: tuple[str, ...] = ()
    """What moved it, in words, most telling first."""


class LatenessModel(Noun):
    """The fitted parameters; never any rows."""

    version: int = Field(ge=1)
    trained_on: str
    """The data and the part of it that was used."""
    mean_delay: float
    """Everybody's mean delay in days, without dispute and on an electronic bill."""
    delay_sd: float = Field(gt=0)
    """How far single payments scatter around the customer's own mean."""
    customer_sd: float = Field(gt=0)
    """How far the customers' means lie apart."""
    dispute_days: float
    """Days that a dispute adds."""
    dispute_sd: float = Field(ge=0)
    """How far that varies from one dispute to the next."""
    dispute_weight: float = Field(gt=0)
    """How many invoices everybody's dispute share counts for beside the customer's own."""
    dispute_amount: float
    """Log odds of a dispute for an amount e times the customer's usual one."""
    paper_days: float
    """Days that a paper bill adds."""
    dispute_share: float = Field(gt=0, lt=1)
    paper_share: float = Field(ge=0, le=1)
    late_share: float = Field(gt=0, lt=1)
    prior_weight: float = Field(gt=0)
    """How many invoices everybody's shares count for beside the customer's own."""
    features: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    temperature: float = Field(gt=0)
    """Calibration: the log odds are divided by it."""
    measured: dict[str, float] = {}
    """AUC, ECE, Brier score and ranking figures on the part that was held back."""

    def outlook(
        self, history: History, *, amount: float | None = None, disputed: bool | None = None, paper: bool | None = None
    ) -> Outlook:
        """The outlook of one receivable; `disputed` and `paper` are None where that is not known yet."""
        centre, spread = self.expected_delay(history)
        mixture = self._mixture(history, centre, spread, amount, disputed, paper)
        odds = self.log_odds(self.features_of(history, amount=amount, disputed=disputed, paper=paper))
        days = sum(share * _mean_above_zero(mean, sd) for share, mean, sd in mixture)
        return Outlook(late=_sigmoid(odds), days_late=days, because=tuple(_reasons(history, amount, disputed)))

    def expected_delay(self, history: History) -> tuple[float, float]:
        """Mean and spread of the next delay, undisputed and on an electronic bill."""
        prior = (self.delay_sd / self.customer_sd) ** 2
        paper = self.paper_share if history.paper_share is None else history.paper_share
        own_disputes = history.disputed / history.settled if history.settled else 0.0
        own = history.mean_delay - self.dispute_days * own_disputes - self.paper_days * paper
        known = prior * self.mean_delay + history.settled * own
        weight = prior + history.settled
        mean = known / weight
        moved = self.dispute_days * self._dispute_share(history) + self.paper_days * paper
        for _ in range(_EM_ROUNDS if history.unpaid else 0):
            guesses = sum(_mean_beyond(age - moved, mean, self.delay_sd) for age in history.unpaid)
            mean = (known + guesses) / (weight + len(history.unpaid))
        weight += len(history.unpaid)
        return mean, self.delay_sd * math.sqrt(1.0 + 1.0 / weight)

    def features_of(
        self, history: History, *, amount: float | None = None, disputed: bool | None = None, paper: bool | None = None
    ) -> tuple[float, ...]:
        """The numbers that the logistic layer looks at, in the order of `features`."""
        centre, spread = self.expected_delay(history)
        mixture = self._mixture(history, centre, spread, amount, disputed, paper)
        late = sum(share * _above(0.5, mean, sd) for share, mean, sd in mixture)
        overdue = sum(age > 0 for age in history.unpaid)
        share = (history.late + overdue + self.prior_weight * self.late_share) / (history.settled + overdue + self.prior_weight)
        trend = 0.0 if history.recent_delay is None else _clip(history.recent_delay - history.mean_delay, 20.0) / 10.0
        values = {
            "delay": _logit(late),
            "late_share": _logit(share),
            "trend": trend,
            "overdue_now": math.log1p(overdue),
        }
        return tuple(values[name] for name in self.features)

    def log_odds(self, values: Sequence[float]) -> float:
        """Calibrated log odds of paying late."""
        scaled = ((value - c) / s for value, c, s in zip(values, self.centre, self.scale, strict=True))
        raw = self.bias + sum(weight * value for weight, value in zip(self.weights, scaled, strict=True))
        return raw / self.temperature

    def _dispute_share(self, history: History) -> float:
        return (history.disputed + self.dispute_weight * self.dispute_share) / (history.settled + self.dispute_weight)

    def _mixture(
        self,
        history: History,
        centre: float,
        spread: float,
        amount: float | None,
        disputed: bool | None,
        paper: bool | None,
    ) -> tuple[tuple[float, float, float], ...]:
        """Share, mean and spread of the delay without and with a dispute."""
        odds = _logit(self._dispute_share(history)) + self.dispute_amount * relative_amount(history, amount)
        share = _sigmoid(odds) if disputed is None else float(disputed)
        on_paper = history.paper_share if paper is None else float(paper)
        base = centre + self.paper_days * (self.paper_share if on_paper is None else on_paper)
        return (
            (1.0 - share, base, spread),
            (share, base + self.dispute_days, math.hypot(spread, self.dispute_sd)),
        )


def relative_amount(history: History, amount: float | None) -> float:
    """The logarithm of `amount` over the customer's usual one, within e^1.5 either way; 0 where one is unknown."""
    if not amount or amount <= 0 or not history.usual_amount:
        return 0.0
    return _clip(math.log(amount) - math.log(history.usual_amount), 1.5)


@cache
def shipped_model() -> LatenessModel:
    """The model that ships, fitted on public sample data; a house fits its own with `fit_lateness`."""
    text = files(__package__).joinpath("lateness_model.json").read_text(encoding="utf-8")
    return LatenessModel.model_validate_json(text)


def _reasons(history: History, amount: float | None, disputed: bool | None) -> Iterable[str]:
    if disputed:
        yield "it is disputed"
    overdue = [age for age in history.unpaid if age > 0]
    if history.settled:
        yield f"paid {history.late} of the last {history.settled} invoices late"
    else:
        yield "no paid invoices to go by"
    if overdue:
        yield f"{len(overdue)} unpaid past due, the oldest by {days_text(max(overdue))}"
    if history.recent_delay is not None and abs(history.recent_delay - history.mean_delay) >= 5:
        way = "later" if history.recent_delay > history.mean_delay else "earlier"
        yield f"pays {days_text(abs(history.recent_delay - history.mean_delay))} {way} than it used to"
    if amount and history.usual_amount and amount >= 2 * history.usual_amount:
        yield f"the amount is {amount / history.usual_amount:.1f} times the usual one"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _clip(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))


def _logit(share: float) -> float:
    safe = min(max(share, 1e-4), 1 - 1e-4)
    return math.log(safe / (1 - safe))


def _sigmoid(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _above(limit: float, mean: float, sd: float) -> float:
    return 0.5 * math.erfc((limit - mean) / sd / _ROOT_2)


def _mean_beyond(limit: float, mean: float, sd: float) -> float:
    z = (limit - mean) / sd
    tail = 0.5 * math.erfc(z / _ROOT_2)
    # Far in the tail the ratio of density to tail underflows, while its limit is z itself.
    return mean + sd * (_density(z) / tail if tail > 1e-12 else z)


def _mean_above_zero(mean: float, sd: float) -> float:
    z = mean / sd
    return mean * _above(0.0, mean, sd) + sd * _density(z)

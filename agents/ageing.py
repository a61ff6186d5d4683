"""Ageing: what is overdue by age and currency, what may be lost, and which accounts to take first."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from ..core.clock import as_utc
from ..core.money import Money
from ..core.noun import Noun
from .account import Account, Bucket, Position, bucket_of, days_overdue, positions
from .collections_settings import CollectionsSettings
from .dunning_steps import choose
from .lateness import LatenessModel
from .next_step import Chosen, NextStep
from .playbook import shipped_playbook


class Ageing(Noun):
    """Open receivables in one currency by age."""

    currency: str
    buckets: dict[Bucket, Money]
    """Open amount by bucket, every bucket present."""
    open_amount: Money
    overdue_amount: Money
    receivables: int
    oldest_days: int
    """Days past due of the oldest; 0 where nothing is overdue."""


class RankedAccount(Noun):
    """One line of the list that says whom to take first: a customer's position in one currency."""

    customer_id: str
    name: str
    overdue_amount: Money
    open_amount: Money
    """Overdue or not."""
    oldest_days: int
    late_probability: float
    expected_loss: Money
    """Sum of P(late or unpaid) x open amount, over everything open."""
    next_step: str
    """What to do now, in words: `send reminder 2`, `not now`."""
    reason: str


def ageing(accounts: Iterable[Account], today: date) -> tuple[Ageing, ...]:
    """The receivables of all accounts by currency; amounts of different currencies never mix."""
    totals: dict[str, dict[Bucket, Decimal]] = {}
    counts: dict[str, int] = {}
    oldest: dict[str, int] = {}
    for receivable in (one for account in accounts for one in account.receivables):
        currency, days = receivable.currency, days_overdue(receivable, today)
        by_age = totals.setdefault(currency, dict.fromkeys(Bucket, Decimal(0)))
        by_age[bucket_of(days)] += receivable.open_amount
        counts[currency] = counts.get(currency, 0) + 1
        oldest[currency] = max(oldest.get(currency, 0), days)
    return tuple(_ageing(currency, totals[currency], counts[currency], oldest[currency]) for currency in sorted(totals))


def rank(
    accounts: Iterable[Account],
    now: datetime,
    *,
    settings: CollectionsSettings | None = None,
    model: LatenessModel | None = None,
) -> list[RankedAccount]:
    """Overdue accounts, one line per currency, by currency and then the largest expected loss first."""
    rules = settings or CollectionsSettings.of(shipped_playbook("collections"))
    ranked: list[RankedAccount] = []
    for account in accounts:
        found = positions(account, as_utc(now).date(), rules, model)
        chosen = choose(account, found, rules, now)
        ranked += [_ranked(account, position, chosen) for position in found if position.overdue]
    return sorted(
        ranked, key=lambda one: (one.expected_loss.currency, -one.expected_loss.amount, -one.oldest_days, one.customer_id)
    )


def _ageing(currency: str, by_age: dict[Bucket, Decimal], count: int, oldest: int) -> Ageing:
    whole = sum(by_age.values(), Decimal(0))
    return Ageing(
        currency=currency,
        buckets={bucket: Money(amount=amount, currency=currency) for bucket, amount in by_age.items()},
        open_amount=Money(amount=whole, currency=currency),
        overdue_amount=Money(amount=whole - by_age[Bucket.NOT_DUE], currency=currency),
        receivables=count,
        oldest_days=oldest,
    )


def _ranked(account: Account, position: Position, chosen: Chosen) -> RankedAccount:
    step = _step_for(position, chosen)
    told = "; ".join(position.because[:2])
    return RankedAccount(
        customer_id=account.customer.id,
        name=account.customer.name,
        overdue_amount=position.overdue_amount,
        open_amount=position.open_amount,
        oldest_days=position.oldest_days,
        late_probability=round(position.late_probability, 4),
        expected_loss=position.expected_loss,
        next_step=step.words if step else "not now",
        reason=(step.reason if step else chosen.why) + (f" History: {told}." if told else ""),
    )


def _step_for(position: Position, chosen: Chosen) -> NextStep | None:
    mine = [one for one in chosen.steps if one.position is not None and one.position.currency == position.currency]
    # A hold on a part is worth less of a reader's attention than what happens to the rest.
    return next((one for one in mine if one.operation != "dunning.hold"), mine[0] if mine else None)

"""Exposure: money and actions committed per scope and day, so that many small actions cannot pass where a large one may not."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from sqlalchemy import bindparam, select, update
from sqlmodel import Session

from .money import Money
from .noun import Noun
from .store import Transaction
from .tables import EXPOSURE

COUNT_ONLY = "XXX"
"""ISO 4217's code for no currency: where an action without an amount is counted."""


class Total(Noun):
    """What one scope has committed on one day, in one currency."""

    amount: Decimal = Decimal(0)
    count: int = 0


_ROWS = select(EXPOSURE).where(
    EXPOSURE.c.scope.in_(bindparam("scopes", expanding=True)),
    EXPOSURE.c.day == bindparam("day"),
    EXPOSURE.c.currency == bindparam("currency"),
)
_LOCK = _ROWS.order_by(EXPOSURE.c.scope).with_for_update()
_WRITE = (
    update(EXPOSURE)
    .where(
        EXPOSURE.c.scope == bindparam("b_scope"),
        EXPOSURE.c.day == bindparam("b_day"),
        EXPOSURE.c.currency == bindparam("b_currency"),
    )
    .values(amount=bindparam("b_amount"), count=bindparam("b_count"))
)


def totals(session: Session, scopes: Iterable[str], day: date, currency: str) -> Mapping[str, Total]:
    """What each of `scopes` has committed on `day` in `currency`; a scope without a row has committed nothing."""
    wanted = list(scopes)
    asked = {"scopes": wanted, "day": day.isoformat(), "currency": currency}
    found = {row.scope: Total(amount=row.amount, count=row.count) for row in session.connection().execute(_ROWS, asked)}
    return {scope: found.get(scope, Total()) for scope in wanted}


def commit(tx: Transaction, scopes: Iterable[str], day: date, money: Money | None, *, sign: int = 1) -> Mapping[str, Total]:
    """Add one action to each of `scopes` and answer the new totals, locked until the transaction ends.

    `sign=-1` takes an action out again that did not happen after all.
    """
    currency = money.currency if money else COUNT_ONLY
    # Taken at its size: a payment below zero must not make room for another above it.
    amount = abs(money.amount) if money else Decimal(0)
    before = _locked(tx, sorted(scopes), day.isoformat(), currency)
    after = {scope: Total(amount=total.amount + sign * amount, count=total.count + sign) for scope, total in before.items()}
    if after:
        keys = {"b_day": day.isoformat(), "b_currency": currency}
        tx.run(
            _WRITE,
            [{"b_scope": scope, "b_amount": one.amount, "b_count": one.count, **keys} for scope, one in after.items()],
        )
    return after


def _locked(tx: Transaction, scopes: list[str], day: str, currency: str) -> dict[str, Total]:
    asked = {"scopes": scopes, "day": day, "currency": currency}
    found = {row.scope: Total(amount=row.amount, count=row.count) for row in tx.run(_LOCK, asked)}
    if fresh := [scope for scope in scopes if scope not in found]:
        # Two processes may open the same scope at once: whoever comes second waits here and then reads what the first wrote.
        blank = {"day": day, "currency": currency, "amount": Decimal(0), "count": 0}
        tx.add_new(EXPOSURE, [{"scope": scope, **blank} for scope in fresh])
        found = {row.scope: Total(amount=row.amount, count=row.count) for row in tx.run(_LOCK, asked)}
    return found

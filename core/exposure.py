"""Exposure: money and actions committed per scope and day, so that many small actions cannot pass where a large one may not."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlmodel import Session, col

from .money import Money
from .noun import Noun
from .store import Transaction
from .tables import ExposureRow

COUNT_ONLY = "XXX"
"""ISO 4217's code for no currency: where an action without an amount is counted."""


class Total(Noun):
    """What one scope has committed on one day, in one currency."""

    amount: Decimal = Decimal(0)
    count: int = 0


def totals(session: Session, scopes: Iterable[str], day: date, currency: str) -> Mapping[str, Total]:
    """What each of `scopes` has committed on `day` in `currency`; a scope without a row has committed nothing."""
    wanted = list(scopes)
    rows = session.scalars(
        select(ExposureRow).where(
            col(ExposureRow.scope).in_(wanted), col(ExposureRow.day) == day.isoformat(), col(ExposureRow.currency) == currency
        )
    )
    found = {row.scope: Total(amount=row.amount, count=row.count) for row in rows}
    return {scope: found.get(scope, Total()) for scope in wanted}


def commit(tx: Transaction, scopes: Iterable[str], day: date, money: Money | None, *, sign: int = 1) -> Mapping[str, Total]:
    """Add one action to each of `scopes` and answer the new totals, locked until the transaction ends.

    `sign=-1` takes an action out again that did not happen after all.
    """
    currency = money.currency if money else COUNT_ONLY
    amount = money.amount if money else Decimal(0)
    added: dict[str, Total] = {}
    for scope in sorted(scopes):
        key = (scope, day.isoformat(), currency)
        row = tx.session.get(ExposureRow, key, with_for_update=True)
        if row is None:
            row = ExposureRow(scope=scope, day=day.isoformat(), currency=currency, amount=Decimal(0), count=0)
        row.amount += sign * amount
        row.count += sign
        tx.session.add(row)
        added[scope] = Total(amount=row.amount, count=row.count)
    tx.session.flush()
    return added

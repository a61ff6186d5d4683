"""Exposure: money and actions committed per scope over the last hours, so that many small actions cannot pass where a large one may not.

One row per scope: its lock orders everybody who counts there. What it holds rolls on with the clock, so that midnight is nothing
special. An action counts in the bucket of its minute and in that of its hour; a window takes in every bucket that it touches, so
it may count up to one bucket too long and never too short.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import Executable, bindparam, select, update
from sqlmodel import Session

from .money import Money
from .noun import Noun
from .store import Transaction
from .tables import EXPOSURE

MINUTE, HOUR = 60, 3600
"""Seconds of a bucket."""

FINE, LONGEST = timedelta(hours=1), timedelta(hours=24)
"""The longest window that minutes tell, and the longest there is."""

_SKEW = timedelta(minutes=10)
"""How far the clocks of two machines may differ before one of them drops what the other still counts."""

Bucket = tuple[dict[str, str], dict[str, int]]
"""Money by currency, and actions by kind."""


class Total(Noun):
    """What one scope has committed within one window."""

    money: dict[str, Decimal] = {}
    """By currency; each amount at its size, whatever its sign."""
    count: dict[str, int] = {}
    """Actions by kind."""


class Spent:
    """What one scope has committed lately, by the minute and by the hour; never changed in place."""

    __slots__ = ("_hours", "_minutes")

    def __init__(self, minutes: Mapping[int, Bucket] | None = None, hours: Mapping[int, Bucket] | None = None) -> None:
        self._minutes, self._hours = dict(minutes or {}), dict(hours or {})

    @classmethod
    def read(cls, text: str) -> "Spent":
        """What `text` holds."""
        raw = json.loads(text)
        return cls(*({int(at): (bucket[0], bucket[1]) for at, bucket in raw.get(name, {}).items()} for name in ("m", "h")))

    def text(self) -> str:
        """The form that is stored."""
        return json.dumps({"m": self._minutes, "h": self._hours}, separators=(",", ":"))

    def within(self, window: timedelta, now: datetime) -> Total:
        """What was committed in the last `window`; what a faster clock has counted ahead of `now` is in it too."""
        buckets, size = (self._minutes, MINUTE) if window <= FINE else (self._hours, HOUR)
        first = _bucket(now - window, size)
        money: dict[str, Decimal] = {}
        count: dict[str, int] = {}
        for at, (amounts, actions) in buckets.items():
            if at < first:
                continue
            for currency, amount in amounts.items():
                money[currency] = money.get(currency, Decimal(0)) + Decimal(amount)
            for kind, number in actions.items():
                count[kind] = count.get(kind, 0) + number
        return Total(money=money, count=count)

    def plus(self, kind: str, money: Money | None, at: datetime) -> "Spent":
        """With one more action that counts at that moment."""
        return self._changed(kind, money, at, 1)

    def minus(self, kind: str, money: Money | None, at: datetime) -> "Spent":
        """Without one action that was counted at that moment; a bucket that cannot hold it stays as it is."""
        return self._changed(kind, money, at, -1)

    def since(self, now: datetime) -> "Spent":
        """Without the buckets that no window reaches any more."""
        fine, coarse = _bucket(now - FINE - _SKEW, MINUTE), _bucket(now - LONGEST - _SKEW, HOUR)
        return Spent(
            {at: bucket for at, bucket in self._minutes.items() if at >= fine},
            {at: bucket for at, bucket in self._hours.items() if at >= coarse},
        )

    def _changed(self, kind: str, money: Money | None, at: datetime, sign: int) -> "Spent":
        grids = ((self._minutes, _bucket(at, MINUTE)), (self._hours, _bucket(at, HOUR)))
        return Spent(*({**grid, place: _counted(grid.get(place, ({}, {})), kind, money, sign)} for grid, place in grids))


def _counted(bucket: Bucket, kind: str, money: Money | None, sign: int) -> Bucket:
    amounts, actions = bucket
    number = actions.get(kind, 0) + sign
    held = Decimal(amounts.get(money.currency, 0)) if money else Decimal(0)
    # Taken at its size: a payment below zero must not make room for another above it.
    amount = held + sign * abs(money.amount) if money else held
    if number < 0 or amount < 0:
        return bucket
    left = {**amounts, money.currency: format(amount, "f")} if money else amounts
    return left, {**actions, kind: number}


def _bucket(at: datetime, size: int) -> int:
    return int(at.timestamp()) // size


_ROWS = select(EXPOSURE.c.scope, EXPOSURE.c.spent).where(EXPOSURE.c.scope.in_(bindparam("scopes", expanding=True)))
_WRITE = update(EXPOSURE).where(EXPOSURE.c.scope == bindparam("b_scope")).values(spent=bindparam("b_spent"))


def totals(session: Session, scopes: Iterable[str]) -> Mapping[str, Spent]:
    """What each of `scopes` has committed lately; a scope without a row has committed nothing."""
    wanted = list(scopes)
    found = {row.scope: Spent.read(row.spent) for row in session.connection().execute(_ROWS, {"scopes": wanted})}
    return {scope: found.get(scope, Spent()) for scope in wanted}


def commit(
    tx: Transaction, scopes: Iterable[str], kind: str, money: Money | None, *, at: datetime | None = None
) -> Mapping[str, Spent]:
    """Count one action in each of `scopes` and answer what they hold with it, locked until the transaction ends.

    It counts now, or `at` the moment it really happened.
    """
    return _written(tx, {scope: spent.plus(kind, money, at or tx.now) for scope, spent in _locked(tx, scopes).items()})


def give_back(tx: Transaction, scopes: Iterable[str], kind: str, money: Money | None, *, at: datetime) -> Mapping[str, Spent]:
    """Take an action that did not happen after all out of the buckets in which it was counted `at` that moment."""
    return _written(tx, {scope: spent.minus(kind, money, at) for scope, spent in _locked(tx, scopes).items()})


def _written(tx: Transaction, after: dict[str, Spent]) -> Mapping[str, Spent]:
    kept = {scope: spent.since(tx.now) for scope, spent in after.items()}
    if kept:
        tx.run(_WRITE, [{"b_scope": scope, "b_spent": spent.text()} for scope, spent in kept.items()])
    return kept


def _locked(tx: Transaction, scopes: Iterable[str]) -> dict[str, Spent]:
    wanted = sorted(set(scopes))
    if not wanted:
        return {}
    rows = tx.run(_take(tx.connection.dialect.name), [{"scope": scope, "spent": "{}"} for scope in wanted])
    return {row.scope: Spent.read(row.spent) for row in rows}


@cache
def _take(dialect: str) -> Executable:
    """Opens the scopes that are new and locks the others, one after the other in the order they are given.

    One statement, since two (lock what is there, then add what is not) would take their locks in two orders, and two writers could
    wait for each other.
    """
    own: Any = import_module(f"sqlalchemy.dialects.{dialect}")
    fresh = own.insert(EXPOSURE)
    taken: Executable = fresh.on_conflict_do_update(
        index_elements=[EXPOSURE.c.scope], set_={"scope": fresh.excluded.scope}
    ).returning(EXPOSURE.c.scope, EXPOSURE.c.spent)
    return taken

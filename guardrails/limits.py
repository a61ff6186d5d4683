"""Limits: in which scopes an action counts, and what it would bring each of them to, as facts for the policy.

Money is counted over all kinds of action and expressed in the currency of the action, so that neither splitting a payment over
several kinds nor over several currencies helps. The ledger keeps what was committed.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..core.action import Action
from ..core.money import Money, round_minor
from ..core.noun import Noun, digest
from .facts import Fact, spent_fact
from .payees import accounts

if TYPE_CHECKING:
    # Whoever only judges needs no database library.
    from ..core.exposure import Spent, Total


class Per(StrEnum):
    """Whose actions a limit adds up."""

    PARTY = "party"
    """One customer or supplier."""
    WORKER = "worker"
    """All cases of one worker."""
    ACCOUNT = "account"
    """One bank account that money goes to, under whatever record."""
    CONNECTOR = "connector"
    """Everything sent through one connector."""
    ACTION = "action"
    """One kind of action."""
    ALL = "all"
    """Everything."""


class Within(StrEnum):
    """How far back a limit looks."""

    MINUTE = "1m"
    MINUTES = "10m"
    HOUR = "1h"
    SHIFT = "8h"
    DAY = "24h"

    @property
    def span(self) -> timedelta:
        """Its length."""
        return _SPANS[self]


_SPANS = {
    Within.MINUTE: timedelta(minutes=1),
    Within.MINUTES: timedelta(minutes=10),
    Within.HOUR: timedelta(hours=1),
    Within.SHIFT: timedelta(hours=8),
    Within.DAY: timedelta(hours=24),
}

_OF_THE_KIND = frozenset({Per.PARTY, Per.WORKER, Per.ACCOUNT, Per.ACTION})
"""Where a count is about actions of the same kind; elsewhere it is about all."""


class Gauge(Noun):
    """One thing that is counted: the money, or the number of actions, of one scope in one window."""

    per: Per
    within: Within = Within.DAY
    money: bool

    @cached_property
    def fact(self) -> Fact:
        """The fact that tells it."""
        return spent_fact(self.per.value, self.within.value, money=self.money)


GAUGES = tuple(Gauge(per=per, within=within, money=money) for per in Per for within in Within for money in (True, False))
"""Everything that can be told; a policy is told what its limits and rules look at."""


def scopes(worker: str, action: Action) -> tuple[str, ...]:
    """The scopes in which an action counts: `party:S-104`, `account:…`, `all`.

    An account is named by a digest. Where worker, party or account is empty its scope, and so its facts, are left out, and rules
    about them are reviewed.
    """
    named = [(Per.PARTY, action.party), (Per.WORKER, worker), (Per.CONNECTOR, action.target.system), (Per.ACTION, action.kind)]
    named += [(Per.ACCOUNT, digest(account)[:32]) for account in accounts(action)]
    return (*(f"{per}:{name}" for per, name in named if name), Per.ALL.value)


def spent_facts(
    gauges: Iterable[Gauge], spent: "Mapping[str, Spent]", action: Action, now: datetime, rates: Mapping[str, Decimal]
) -> dict[str, Any]:
    """What each scope has committed, this action included, as the facts of `gauges`; one that cannot be told is None."""
    known: dict[tuple[Per, Within], list[Total]] = {}
    for gauge in gauges:
        if (window := (gauge.per, gauge.within)) not in known:
            known[window] = _of(gauge, spent, now)
    return {gauge.fact.name: _told(gauge, known[gauge.per, gauge.within], action, rates) for gauge in gauges}


def worth(money: Mapping[str, Decimal], currency: str, rates: Mapping[str, Decimal]) -> Decimal | None:
    """All of `money` in `currency`, what is converted rounded up; None where a rate is missing or it is beyond all reckoning."""
    total = Decimal(0)
    for code, amount in money.items():
        if code == currency or not amount:
            total += amount
        elif code in rates and currency in rates:
            try:
                total += _rounded_up(amount * rates[currency] / rates[code], currency)
            except InvalidOperation:
                return None
        else:
            return None
    return total


def _of(gauge: Gauge, spent: "Mapping[str, Spent]", now: datetime) -> "list[Total]":
    return [one.within(gauge.within.span, now) for scope, one in spent.items() if scope.partition(":")[0] == gauge.per]


def _told(gauge: Gauge, totals: "list[Total]", action: Action, rates: Mapping[str, Decimal]) -> Any:
    if not totals:
        return None
    if not gauge.money:
        alike = gauge.per in _OF_THE_KIND
        return max(one.count.get(action.kind, 0) if alike else sum(one.count.values()) for one in totals)
    if action.amount is None:
        return None
    currency = action.amount.currency
    amounts = [worth(one.money, currency, rates) for one in totals]
    known = [amount for amount in amounts if amount is not None]
    return Money(amount=max(known), currency=currency) if len(known) == len(amounts) else None


def _rounded_up(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(round_minor(Decimal(0), currency), rounding=ROUND_CEILING)

"""Promises to pay: somebody's words, compared with the open receivables before they are noted."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ..connectors.records import Receivable
from ..core.noun import Noun
from .account import Account


class Promise(Noun):
    """A promise that the records bear out."""

    receivables: tuple[Receivable, ...]
    promised_on: date
    amount: Decimal
    currency: str
    partial: bool
    """True where it covers less than the receivables it is about."""


def read_promise(payload: Mapping[str, Any], account: Account, today: date, horizon_days: int) -> Promise | str:
    """The promise in a handed-over ticket, or the question that a person should settle.

    Nothing in it is taken on trust: day, amount and receivables must fit what the account owes.
    """
    day = _day(payload.get("promised_on"))
    if day is None:
        return "The customer promises to pay but names no day that can be read. Ask for one?"
    if day < today:
        return f"The promised day {day} has passed. Ask for a new one?"
    if day > today + timedelta(days=horizon_days):
        return f"The promised day {day} is more than {horizon_days} days away. Accept it?"
    chosen = _about(payload, account)
    if isinstance(chosen, str):
        return chosen
    raw = payload.get("amount")
    if raw in (None, ""):
        return _whole(chosen, account, day, today)
    amount = _amount(raw)
    if amount is None:
        return f"The promised amount {str(raw)[:40]!r} is no amount. Ask what will be paid?"
    return _fitted(chosen, amount, str(payload.get("currency") or "").upper(), day, today, named=bool(_named(payload)))


def _about(payload: Mapping[str, Any], account: Account) -> list[Receivable] | str:
    """The receivables it names, by id or invoice number; all open ones where it names none."""
    named = _named(payload)
    if not account.receivables:
        return "The customer promises to pay, but nothing is open. Look for the payment?"
    if not named:
        return list(account.receivables)
    known = {key: one for one in account.receivables for key in (one.id, one.invoice_number)}
    foreign = [key for key in named if key not in known]
    if foreign:
        return f"The promise names {foreign[0][:40]!r}, which is no open receivable of this customer. What is it about?"
    return list({known[key].id: known[key] for key in named}.values())


def _whole(chosen: Sequence[Receivable], account: Account, day: date, today: date) -> Promise | str:
    """Without an amount the promise is for all that it names; naming nothing, for all that is overdue."""
    about = chosen if len(chosen) < len(account.receivables) else [one for one in chosen if one.due_date < today] or chosen
    currencies = {one.currency for one in about}
    if len(currencies) > 1:
        return f"The customer owes in {', '.join(sorted(currencies))} and names no amount. Which does the promise mean?"
    return Promise(
        receivables=tuple(about), promised_on=day, amount=_total(about), currency=currencies.pop(), partial=False
    )  # fmt: skip


def _fitted(
    chosen: Sequence[Receivable], amount: Decimal, currency: str, day: date, today: date, *, named: bool
) -> Promise | str:
    """The receivables that the amount pays: exactly where it can be, else in part."""
    mine = [one for one in chosen if not currency or one.currency == currency]
    currencies = {one.currency for one in mine}
    if len(currencies) != 1:
        return f"The promise is for {amount} {currency or '(no currency)'}, which fits no open amount. What will be paid?"
    overdue = [one for one in mine if one.due_date < today]
    exact = [[one] for one in mine if one.open_amount == amount]
    fits = [mine] if named else [overdue, mine, *(exact if len(exact) == 1 else [])]
    for candidate in fits:
        if candidate and _total(candidate) == amount:
            return _promise(candidate, day, amount, partial=False)
    if amount > _total(mine):
        return f"The promise is for {amount} {mine[0].currency}, but only {_total(mine)} {mine[0].currency} is open. Which is right?"
    oldest = sorted(mine if named else overdue or mine, key=lambda one: (one.due_date, one.id))
    covered: list[Receivable] = []
    for one in oldest:
        if _total(covered) >= amount:
            break
        covered.append(one)
    if _total(covered) < amount:
        return f"The promise of {amount} {mine[0].currency} fits no receivables that are overdue. What does it pay?"
    return _promise(covered, day, amount, partial=_total(covered) != amount)


def _promise(receivables: Sequence[Receivable], day: date, amount: Decimal, *, partial: bool) -> Promise:
    return Promise(
        receivables=tuple(receivables), promised_on=day, amount=amount, currency=receivables[0].currency, partial=partial
    )  # fmt: skip


def _named(payload: Mapping[str, Any]) -> list[str]:
    raw = payload.get("receivable_ids") or ()
    return [raw] if isinstance(raw, str) else [str(one) for one in raw]


def _day(raw: object) -> date | None:
    try:
        return date.fromisoformat(str(raw)[:10])
    except ValueError:
        return None


def _amount(raw: object) -> Decimal | None:
    if isinstance(raw, float | bool):
        return None
    try:
        amount = Decimal(str(raw))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount > 0 else None


def _total(receivables: Sequence[Receivable]) -> Decimal:
    return sum((one.open_amount for one in receivables), Decimal(0))

"""Holds of dunning that were made before, as the contact history tells them."""

from datetime import date

from ..core.clock import as_utc
from .account import Account

HELD = "on hold"
"""How the history names a hold."""
DISPUTED, PROMISED = "Disputed:", "Promised by"
"""How the reasons of holds begin that have nothing to do with a payment."""


def held_without_payment(account: Account, today: date) -> date | None:
    """The day of the last hold that was to wait for a payment, where none has come since; None where there is no such hold.

    A second hold of that kind would let "it is paid", said every week, stop the reminders for ever.
    """
    held = [
        as_utc(one.at).date()
        for one in account.activities
        if one.type == "note" and HELD in one.subject.lower() and not one.body.startswith((DISPUTED, PROMISED))
    ]
    last = max((day for day in held if day <= today), default=None)
    if last is None or any(last < payment.date <= today for payment in account.payments):
        return None
    return last

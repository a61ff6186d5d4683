"""The one source of time, ids and keys.

Nothing else in the product reads the wall clock, so that tests, replays and evals own time.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """The present moment in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that moves only when told to; for tests, demos and replays."""

    def __init__(self, at: datetime) -> None:
        self._at = as_utc(at)

    def now(self) -> datetime:
        """The moment the clock was set to."""
        return self._at

    def advance(self, by: timedelta) -> datetime:
        """Move forward by `by` and return the new moment."""
        self._at += by
        return self._at


def as_utc(moment: datetime) -> datetime:
    """`moment` in UTC; a naive moment is taken to be UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def today(clock: Clock) -> date:
    """The calendar day of `clock` in UTC."""
    return clock.now().date()


def new_id(prefix: str, random_bits: Callable[[int], int] = secrets.randbits) -> str:
    """A fresh id such as `act_7k2m9x0q4d1bw8ta`: 80 random bits in Crockford's alphabet."""
    bits = random_bits(80)
    return prefix + "_" + "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(75, -1, -5))

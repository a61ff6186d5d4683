"""Moments and spans of time as a person types them."""

import re
from datetime import datetime, timedelta

from ..core.clock import as_utc
from ..core.errors import BadInput

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_of(typed: str) -> datetime:
    """`2026-01-31` or `2026-01-31T15:00`, in UTC where it names no offset; raises BadInput."""
    try:
        return as_utc(datetime.fromisoformat(typed.strip()))
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{typed!r} is no moment.", hint="Write it as 2026-01-31 or 2026-01-31T15:00.") from error


def span_of(typed: str) -> timedelta:
    """`30m`, `2h`, `1d`; raises BadInput."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*([smhdw])\s*", typed)
    if not found or int(found[1]) == 0:
        raise BadInput(f"{typed!r} is no span of time.", hint="Write it as 30m, 2h or 1d.")
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError as error:
        raise BadInput(f"{typed!r} is too long.", hint="Write it as 30m, 2h or 1d.") from error


def ahead(now: datetime, typed: str) -> datetime:
    """The moment that lies `typed` ahead of `now`; raises BadInput."""
    try:
        return now + span_of(typed)
    except OverflowError as error:
        raise BadInput(f"{typed!r} is too long.", hint="Write it as 30m, 2h or 1d.") from error


def until(now: datetime, typed: str) -> datetime:
    """The moment that a span reaches ahead to, or the moment that was typed; raises BadInput."""
    return ahead(now, typed) if typed.strip()[-1:] in _UNITS else moment_of(typed)


def back(now: datetime, typed: str) -> datetime:
    """The moment that a span reaches back to, or the moment that was typed; raises BadInput."""
    try:
        return now - span_of(typed) if typed.strip()[-1:] in _UNITS else moment_of(typed)
    except OverflowError as error:
        raise BadInput(f"{typed!r} is too long.", hint="Write it as 7d or 2026-01-31.") from error

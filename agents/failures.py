"""Failures of a model's provider: which of them pass, how long to wait before asking again, and what may be told of them.

Providers share no class of error. What they share is the status of an HTTP answer, and the words in the names of their classes.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..core.clock import as_utc
from ..core.errors import ShiftleadError

PASSING = frozenset({408, 409, 425, 429})
"""Answers below 500 that may be another a moment later: timeout, conflict, too early, too many requests."""

FIRST_PAUSE = 1.0
"""Seconds before the first repeat; each further pause is twice as long."""

LONGEST_PAUSE = 60.0
"""Seconds that are waited at most, whatever the provider asks for."""

_NAMES = re.compile(
    r"Time(d)?out|TimedOut|Connect|RateLimit|TooManyRequests|Overloaded|Unavailable|InternalServer|BadGateway"
    r"|ResourceExhausted|DeadlineExceeded|RemoteProtocol|ReadError|WriteError"
)


class Failed(Exception):
    """The model failed in a way that the same question would not mend."""

    def __init__(self, message: str, *, hopeless: bool = False) -> None:
        """`hopeless` where no other wording of the question would mend it either: a wrong key, an unknown model."""
        super().__init__(message)
        self.hopeless = hopeless


class Down(Exception):
    """The provider stays away after every repeat."""


def status_of(error: BaseException) -> int | None:
    """The status of the HTTP answer that `error` tells of; None where it tells of none."""
    holders = (error, getattr(error, "response", None))
    told = (getattr(one, name, None) for one in holders for name in ("status_code", "code", "http_status"))
    return next((one for one in told if isinstance(one, int) and not isinstance(one, bool) and 100 <= one <= 599), None)


def passing(error: BaseException) -> bool:
    """Whether the same question may be answered a moment later."""
    if isinstance(error, ShiftleadError):
        return False
    status = status_of(error)
    if status is not None:
        return status in PASSING or status >= 500
    if getattr(error, "is_retryable", False) is True:
        return True
    return any(_NAMES.search(kind.__name__) for kind in type(error).__mro__)


def hopeless(error: BaseException) -> bool:
    """Whether no question will be answered: the provider knows neither us nor the model."""
    return status_of(error) in (401, 402, 403, 404)


def pause_after(error: BaseException, tried: int, now: datetime) -> float:
    """Seconds to wait after the failed try number `tried`, counted from 0: what the provider asks for, else doubling."""
    asked = _asked_for(error, now)
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**tried if asked is None else asked)


def _asked_for(error: BaseException, now: datetime) -> float | None:
    """What `Retry-After` says, in seconds: RFC 9110 allows a number and a date."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return None
    text = str(headers.get("retry-after") or headers.get("Retry-After") or "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    try:
        return max(0.0, (as_utc(parsedate_to_datetime(text)) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def cause(error: BaseException) -> str:
    """What an error says on its first line, with its class."""
    first = next(iter(str(error).splitlines()), "").strip().rstrip(".")
    return f"{type(error).__name__}: {first[:200]}" if first else type(error).__name__

"""The frozen base of every noun, and the canonical bytes that digests are taken over."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from .clock import as_utc
from .record import Record


class Noun(BaseModel):
    """A value that never changes once made, and refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Moment = Annotated[datetime, AfterValidator(as_utc)]
"""A field for a moment in UTC; one without a zone is taken to be in UTC already."""

_PLAIN = frozenset({str, int, bool, float, type(None)})
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """`value` as JSON types: Decimals and dates as strings, moments in UTC, nouns as objects."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {str(key): plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [plain(item) for item in value]
    return _made_plain(value)


def _made_plain(value: Any) -> Any:
    """`plain` of what is none of JSON's own types; apart, since nearly everything is one of these and a look at the type costs little."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return as_utc(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Record):
        return {name: plain(item) for name, item in value.as_dict().items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical_json(value: Any) -> str:
    """The one JSON text of `value`: keys sorted, no spaces, Unicode as it is, no NaN (after RFC 8785)."""
    return _CANONICAL.encode(plain(value))


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, in hex."""
    text = value if isinstance(value, str) else canonical_json(value)
    return hashlib.sha256(text.encode()).hexdigest()

"""Data contracts: what a connector promises about its records, checked before a case is opened."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from ..core.clock import as_utc
from ..core.noun import Noun
from .records import RECORDS


class DataContract(Noun):
    """The promise for one kind of record: schema, freshness, allowed values, and who answers for it."""

    record: str
    """The record's kind; its schema is the canonical record's."""
    owner: str
    """Who mends it: a team or a person."""
    on_call: str = ""
    """How to reach them now."""
    required: tuple[str, ...] = ()
    """Fields that must not be empty, beyond the schema's own."""
    allowed: dict[str, tuple[str, ...]] = {}
    """Allowed values by field."""
    fresh_within: timedelta | None = None
    """How old `updated_at` may be."""

    @property
    def whom(self) -> str:
        """Who mends it, and how to reach them now."""
        return f"{self.owner} ({self.on_call})" if self.on_call else self.owner


def breach(contract: DataContract, raw: Mapping[str, Any], *, now: datetime) -> str:
    """What is wrong with `raw`, in words; empty where the contract holds."""
    try:
        record = RECORDS[contract.record].model_validate(dict(raw))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{contract.record}.{where}: {first['msg']} (found {_shown(first['input'])})"
    for name in contract.required:
        if getattr(record, name) in (None, "", ()):
            return f"{contract.record}.{name}: is empty but required"
    for name, values in contract.allowed.items():
        if str(getattr(record, name)) not in values:
            return f"{contract.record}.{name}: {_shown(getattr(record, name))} is none of {', '.join(values)}"
    if contract.fresh_within is not None:
        if record.updated_at is None:
            return f"{contract.record}.updated_at: is missing, so its freshness is unknown"
        if now - as_utc(record.updated_at) > contract.fresh_within:
            return f"{contract.record}.updated_at: {record.updated_at:%Y-%m-%d %H:%M} is older than {contract.fresh_within}"
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

"""Words: what people and outside systems say in an audit event; the chain keeps their digest, and a body the words themselves."""

import re
from collections.abc import Mapping
from typing import Any

from .noun import digest

SAID_IN = frozenset({"reason", "why", "detail", "error", "note", "terms", "asked_because"})
"""Fields of an audit event in which somebody speaks in words of their own."""

ERASED = "(erased)"
"""What stands where words were erased."""

_CODE = re.compile(r"[a-z0-9]+(?:[_.:-][a-z0-9]+)*|(?:[A-Z][a-z0-9]+){2,4}")
_LONGEST_CODE, _MOST_DIGITS = 48, 5
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_code(text: str) -> bool:
    """Whether `text` is a short word of ours, `wrong_queue` or `ConnectorError`, and so nobody's own words."""
    short = len(text) <= _LONGEST_CODE and sum(one.isdigit() for one in text) <= _MOST_DIGITS
    return not text or (short and _CODE.fullmatch(text) is not None)


def kept_apart(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """`data` with digests in place of free words, and the field and the words by digest."""
    apart: dict[str, tuple[str, str]] = {}
    told = dict(data)
    for name in SAID_IN & told.keys():
        value = told[name]
        if isinstance(value, str) and not is_code(value) and not _DIGEST.fullmatch(value):
            told[name] = digest(value)
            apart[told[name]] = (name, value)
    return told, apart


def with_words(data: Mapping[str, Any], bodies: Mapping[str, str]) -> dict[str, Any]:
    """`data` with the words that `bodies` still holds in place of their digests; those that were erased say so."""
    return {name: _spoken(value, bodies) if name in SAID_IN else value for name, value in data.items()}


def _spoken(value: Any, bodies: Mapping[str, str]) -> Any:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        return value
    return bodies.get(value, ERASED)

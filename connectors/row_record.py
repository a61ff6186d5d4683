"""Rows of text as canonical records: every cell typed by the record's own field, nothing guessed."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ..core.clock import as_utc
from ..core.errors import BadInput
from .records import Record

M = TypeVar("M", bound=BaseModel)

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_LIST = "|"
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def record_of(kind: type[Record], cells: Mapping[str, str], *, where: str, lines: Sequence[Any] = ()) -> Record:
    """The record in a row, with `lines` that stood in a file of their own; columns it has no field for go to `extra`.

    Raises BadInput with `where` (file and row), the column, what was expected, what was found and what to do.
    """
    values: dict[str, Any] = {"extra": {}}
    for column, text in cells.items():
        if not text or column == "version":
            continue
        if column in kind.model_fields:
            values[column] = typed(kind, column, text, where=where)
        else:
            values["extra"][column] = text
    return validated(kind, {**values, "lines": lines} if lines else values, where=where)


def typed(kind: type[BaseModel], column: str, text: str, *, where: str) -> Any:
    """The text of one cell as its field wants it; raises BadInput."""
    wanted = _wanted(kind.model_fields[column].annotation)
    try:
        return _converted(wanted, text)
    except ValueError as error:
        raise BadInput(f"{where}, column {column!r}: {error}", hint=_hint(wanted)) from error


def validated(kind: type[M], values: Mapping[str, Any], *, where: str) -> M:
    """`values` as a noun; raises BadInput naming the first wrong column."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(str(part) for part in first["loc"])
        found = "nothing" if first["type"] == "missing" else _shown(str(first["input"]))
        raise BadInput(
            f"{where}, column {column!r}: expected {_expectation(first['msg'])}, found {found}.",
            hint="Mend the row and export again.",
        ) from error


def exact_json(text: str) -> Any:
    """JSON with exact numbers; raises ValueError where it is none, or says NaN."""
    return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)


def no_json(error: Exception) -> str:
    """What a text is that is no JSON, in words for whoever exported it; the parser's own words speak of delimiters."""
    if isinstance(error, json.JSONDecodeError):
        text = error.doc.strip()
        cut_off = text.startswith("{") and (not text.endswith("}") or error.pos >= len(error.doc.rstrip()))
        return "a line that is cut off" if cut_off else f"what is no JSON at column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start}, which is not UTF-8"
    if isinstance(error, UnicodeEncodeError):
        return "half a character"
    return "brackets within brackets, too deep to read" if isinstance(error, RecursionError) else str(error)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a number")


def _wanted(annotation: Any) -> Any:
    """The type a field wants, without `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _wanted(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _wanted(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _converted(wanted: Any, text: str) -> Any:
    if wanted in (Decimal, int):
        return _number(wanted, text)
    if wanted is bool:
        return _flag(text)
    if wanted in (date, datetime):
        return _moment(wanted, text)
    if get_origin(wanted) is tuple and get_args(wanted)[0] is str:
        return tuple(part.strip() for part in text.split(_LIST) if part.strip())
    if get_origin(wanted) in (tuple, dict):
        return _json(text, list if get_origin(wanted) is tuple else dict)
    return text


def _number(wanted: type[Decimal | int], text: str) -> Decimal | int:
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        raise ValueError(f"expected a number such as 1234.56, found {_shown(text)}.")
    if wanted is int and "." in text and text.rstrip("0")[-1] != ".":
        raise ValueError(f"expected a whole number, found {_shown(text)}.")
    return int(text.partition(".")[0]) if wanted is int else Decimal(text)


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(f"expected true or false, found {_shown(text)}.")
    return _FLAGS[text.lower()]


def _moment(wanted: type[date], text: str) -> date:
    """A day or a moment in ISO form; a spreadsheet's midnight counts as the day."""
    day = text.removesuffix("T00:00:00") if wanted is date else text
    try:
        found = wanted.fromisoformat(day if "-" in day else "")
    except ValueError:
        raise ValueError(f"expected {_EXPECTED[wanted]}, found {_shown(text)}.") from None
    return as_utc(found) if isinstance(found, datetime) else found


def _json(text: str, shape: type) -> Any:
    try:
        value = exact_json(text)
    except ValueError as error:
        raise ValueError(f"expected JSON, found {_shown(text)} ({error}).") from error
    if not isinstance(value, shape):
        raise ValueError(f"expected a JSON {'list' if shape is list else 'object'}, found {_shown(text)}.")
    return value


_EXPECTED: dict[type, str] = {date: "a date such as 2026-01-31", datetime: "a time such as 2026-01-31T09:00:00"}
_HINTS: dict[Any, str] = {
    Decimal: "Write 1.234,56 as 1234.56: a dot before the decimals and nothing between the thousands.",
    int: "Write it in digits only.",
    bool: "Write true or false.",
    date: "Write 31.01.2026 as 2026-01-31 and export again.",
    datetime: "Write 31.01.2026 9:00 as 2026-01-31T09:00:00 and export again.",
}


def _hint(wanted: Any) -> str:
    return _HINTS.get(wanted, "Write the cell as JSON, as the column's list or object.")


def _expectation(message: str) -> str:
    return "a value" if message == "Field required" else message[:1].lower() + message[1:]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")

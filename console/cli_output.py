"""What commands print: data on standard output, as text for people or as JSON, and narration on standard error."""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import typer

T = TypeVar("T")

_GAP = "  "
_LEAST = 12
"""The last column of a table is never cut below this."""

_HIDDEN = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
_HIDDEN |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029)}

_ESCAPED = {code: f"\\u{code:04x}" for code in _HIDDEN if code > 126}
"""JSON escapes the lower control characters itself; these stand in strings only, so the document stays the same."""


def printable(text: str) -> str:
    """`text` without what would move the cursor, colour the screen or turn the reading direction."""
    # Ticket text is written by strangers, and a terminal obeys escape sequences.
    return text.translate(_HIDDEN)


def line(text: str) -> str:
    """`text` on one line, so that nobody's text can look like a line of ours."""
    return printable(" ".join(text.splitlines()))


class Output:
    """Where one command's answer goes."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, text: str) -> None:
        """Tell the person something that is not data."""
        typer.echo(line(text), err=True)

    def text(self, *lines: str) -> None:
        """Print lines for people."""
        for one in lines:
            typer.echo(line(one))

    def data(self, value: Any) -> None:
        """Print one JSON document."""
        typer.echo(as_json(value))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "") -> None:
        """Print rows under headings; a heading that begins with `>` is of numbers, flush right."""
        found = [[printable(_cell(value)) for value in row] for row in rows]
        if not found and empty:
            self.say(empty)
            return
        for one in laid_out(columns, found, width=_width()):
            typer.echo(one)

    def listed(
        self, columns: Sequence[str], values: Sequence[T], row: Callable[[T], Sequence[Any]], *, empty: str = ""
    ) -> None:
        """Print a list: one JSON array, or a table with one row for each value."""
        if self.as_json:
            self.data(values)
        else:
            self.table(columns, [row(value) for value in values], empty=empty)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON: exact amounts and moments as strings."""
    from ..core.noun import plain

    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent).translate(_ESCAPED)


def laid_out(columns: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None) -> list[str]:
    """A table as lines; only the last column is cut, and only where it would not fit in `width`."""
    heads = [column.removeprefix(">") for column in columns]
    widths = [max(len(head), *(len(row[place]) for row in rows), 0) for place, head in enumerate(heads)]
    if width is not None:
        before = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(_LEAST, width - before))
    right = [column.startswith(">") for column in columns]
    table = [[head.upper() for head in heads], *rows]
    return [
        _GAP.join(_fitted(cell, size, flush) for cell, size, flush in zip(row, widths, right, strict=True)).rstrip()
        for row in table
    ]


def pairs(values: Mapping[str, Any]) -> list[str]:
    """Names and values under each other; those that are empty are left out."""
    shown = {name: _cell(value) for name, value in values.items() if _cell(value)}
    width = max((len(name) for name in shown), default=0)
    return [f"{name.ljust(width)}  {value}" for name, value in shown.items()]


def money(amount: Any, currency: str | None) -> str:
    """An amount as people read it; empty where there is none."""
    from decimal import Decimal

    return f"{Decimal(amount):,.2f} {currency or ''}".rstrip() if amount is not None else ""


def moment(at: Any) -> str:
    """A moment in UTC to the minute; empty where there is none."""
    return f"{at:%Y-%m-%d %H:%M}" if at is not None else ""


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())


def _fitted(cell: str, size: int, flush: bool) -> str:
    cut = cell if len(cell) <= size else cell[: size - 1] + "…"
    return cut.rjust(size) if flush else cut.ljust(size)


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

"""Invoices to customers as rows of a file: what lateness is learnt from, and what it is asked about.

The columns are those of the public IBM sample: `customerID`, `InvoiceDate`, `DueDate` and `InvoiceAmount`; `SettledDate` where it was
paid; `Disputed` and `PaperlessBill` where that is known; `id` or `invoiceNumber` to name the row. Every row that cannot be used is
named, none of them fatal.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import BadInput
from ..core.noun import digest
from .text_data import Problem

NEEDED = ("customerID", "InvoiceDate", "DueDate", "InvoiceAmount")
_DAYS = ("%m/%d/%Y", "%Y-%m-%d")
_TRUE = frozenset({"yes", "true", "1", "paper"})
_FALSE = frozenset({"no", "false", "0", "electronic"})
_MOST = Decimal(10) ** 15
_HINT = f"It needs the columns {', '.join(NEEDED)}, and SettledDate where an invoice is paid."


class Bill(NamedTuple):
    """One invoice to a customer."""

    customer: str
    issued: date
    due: date
    amount: Decimal
    paid: date | None = None
    """None while it is unpaid."""
    disputed: bool = False
    paper: bool | None = None
    """Billed on paper; None where nobody knows."""
    id: str = ""
    """What the file calls it, else the line's number."""

    @property
    def late(self) -> bool:
        """Whether it was paid after its due date; False while it is unpaid."""
        return self.paid is not None and self.paid > self.due

    @property
    def days_late(self) -> int:
        """Days from due date to payment, an early or no payment counting as zero."""
        return max((self.paid - self.due).days, 0) if self.paid is not None else 0


class BillSet(NamedTuple):
    """What a file of invoices held."""

    bills: tuple[Bill, ...]
    """In the order of the file."""
    problems: tuple[Problem, ...]

    @property
    def paid(self) -> tuple[Bill, ...]:
        """Those that can be learnt from."""
        return tuple(one for one in self.bills if one.paid is not None)

    @property
    def digest(self) -> str:
        """SHA-256 over the invoices in order."""
        return data_digest(self.bills)


def data_digest(bills: Iterable[Bill]) -> str:
    """SHA-256 over everything that is learnt from, in order."""
    return digest([list(one) for one in bills])


def read_bills(path: Path) -> BillSet:
    """The invoices in a `.csv`, `.jsonl` or `.ndjson` file; raises BadInput where it cannot be read or has no usable row at all."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8.", hint="Save the file as UTF-8.") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}.", hint="Give a file that exists and can be read.") from error
    rows = _csv_rows(path, text) if path.suffix.lower() == ".csv" else _json_rows(path, text)
    bills: list[Bill] = []
    problems: list[Problem] = []
    for row in rows:
        if isinstance(row, Bill):
            bills.append(row)
        else:
            problems.append(row)
    if not bills:
        first = f" The first problem: {problems[0]}" if problems else " It is empty."
        raise BadInput(f"{path}: no usable invoice.{first}", hint=_HINT)
    return BillSet(tuple(bills), tuple(problems))


def _csv_rows(path: Path, text: str) -> Iterator[Bill | Problem]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        names = [name.strip() for name in next(reader, [])]
        absent = [name for name in NEEDED if name not in names]
        if absent:
            raise BadInput(f"{path}, line 1: column {absent[0]!r} is missing.", hint=_HINT)
        start = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(names):
                yield Problem(file=str(path), line=start, field="", expected=f"{len(names)} columns", found=str(len(cells)))
            elif cells:
                yield _bill(path, start, dict(zip(names, cells, strict=True)))
            start = reader.line_num + 1
    except csv.Error as error:
        yield Problem(file=str(path), line=reader.line_num, field="", expected="well-formed CSV", found=str(error))


def _json_rows(path: Path, text: str) -> Iterator[Bill | Problem]:
    # Not splitlines(): U+2028 and its kin are legal inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_float=str)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            yield _bill(path, number, row)
        else:
            yield Problem(file=str(path), line=number, field="", expected="a JSON object", found=_shown(line.strip()))


def _bill(path: Path, number: int, row: Mapping[str, Any]) -> Bill | Problem:
    try:
        return _parsed(row, number)
    except _Unusable as error:
        return Problem(file=str(path), line=number, field=error.field, expected=error.expected, found=error.found)


class _Unusable(Exception):
    def __init__(self, field: str, expected: str, found: object) -> None:
        super().__init__(field)
        self.field, self.expected, self.found = field, expected, _shown(found)


def _parsed(row: Mapping[str, Any], number: int) -> Bill:
    issued, due = _day(row, "InvoiceDate"), _day(row, "DueDate")
    paid = _day(row, "SettledDate") if _text(row, "SettledDate") else None
    if due < issued:
        raise _Unusable("DueDate", "a day on or after InvoiceDate", row["DueDate"])
    if paid is not None and paid < issued:
        raise _Unusable("SettledDate", "a day on or after InvoiceDate", row["SettledDate"])
    customer = _text(row, "customerID")
    if not customer:
        raise _Unusable("customerID", "who was billed", row.get("customerID"))
    return Bill(
        customer=customer, issued=issued, due=due, amount=_amount(row), paid=paid,
        disputed=bool(_flag(row, "Disputed")), paper=_flag(row, "PaperlessBill"),
        id=_text(row, "id") or _text(row, "invoiceNumber") or str(number),
    )  # fmt: skip


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _day(row: Mapping[str, Any], name: str) -> date:
    text = _text(row, name)
    for shape in _DAYS:
        try:
            return datetime.strptime(text, shape).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise _Unusable(name, "a day such as 12/31/2026 or 2026-12-31", row.get(name))


def _amount(row: Mapping[str, Any]) -> Decimal:
    try:
        amount = Decimal(_text(row, "InvoiceAmount"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= _MOST:
        raise _Unusable("InvoiceAmount", "an amount such as 61.74", row.get("InvoiceAmount"))
    return amount


def _flag(row: Mapping[str, Any], name: str) -> bool | None:
    value = row.get(name)
    text = str(value).strip().lower() if value is not None else ""
    if text and text not in _TRUE | _FALSE:
        raise _Unusable(name, "Yes or No" if name == "Disputed" else "Paper or Electronic", value)
    return text in _TRUE if text else None


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."

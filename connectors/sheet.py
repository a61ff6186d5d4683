"""Tables from CSV and XLSX files, every cell as exact text.

A number in XLSX is stored as a binary double. It is taken over as the decimal text that a spreadsheet shows at its 15 significant
digits, so that 1234.56 is 1234.56 and never 1234.5599999999999; a whole number with more digits than that is refused.
"""

import csv
import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml.common import DefusedXmlException

from ..core.errors import BadInput
from ..core.noun import Noun

SUFFIXES = (".csv", ".xlsx")
"""The kinds of table file that are read."""

_DIGITS = 15


class SheetRow(Noun):
    """One row under the header."""

    number: int
    """As a spreadsheet counts: the header is row 1."""
    cells: dict[str, str] = {}
    """Text by column; an empty cell is an empty text."""
    problem: str = ""
    """What is wrong with the row as a whole: column, expected, found and what to do."""


class _Line(NamedTuple):
    """One line of a file, before the columns are known."""

    number: int
    cells: list[str]
    problem: str = ""
    place: int | None = None
    """Which cell the problem is in, where it is in one."""


def read_sheet(path: Path, *, required: Iterable[str] = ()) -> Iterator[SheetRow]:
    """The rows of a table file; raises BadInput where the file as a whole cannot be read, or lacks a required column."""
    columns: list[str] = []
    for line in _csv_lines(path) if path.suffix.lower() == ".csv" else _xlsx_lines(path):
        if not any(line.cells) and not line.problem:
            continue
        if not columns:
            columns = _columns(path, line)
            _need_columns(path, columns, required)
        else:
            yield _row(columns, line)
    if not columns:
        raise BadInput(f"{path.name}: it has no header row.", hint="Expected the column names in the first row.")


def _row(columns: Sequence[str], line: _Line) -> SheetRow:
    cells = list(line.cells)
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    problem = line.problem
    if problem and line.place is not None and line.place < len(columns):
        problem = f"column {columns[line.place]!r}: {problem}"
    elif not problem and len(cells) != len(columns):
        problem = f"expected {len(columns)} cells, found {len(cells)}; put a value that holds the separator in double quotes"
    return SheetRow(number=line.number, cells=dict(zip(columns, cells, strict=False)), problem=problem)


def _columns(path: Path, line: _Line) -> list[str]:
    if line.problem:
        raise BadInput(f"{path.name}, row {line.number}: {line.problem}.", hint="Mend the header row.")
    columns = ["_".join(cell.lower().replace("-", " ").split()) for cell in line.cells]
    while columns and not columns[-1]:
        columns.pop()
    if "" in columns:
        raise BadInput(f"{path.name}, row 1: column {columns.index('') + 1} has no name.", hint="Name or remove it.")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        shown = ", ".join(repr(column) for column in twice)
        raise BadInput(f"{path.name}, row 1: the column {shown} appears twice.", hint="Give every column its own name.")
    return columns


def _need_columns(path: Path, columns: Sequence[str], required: Iterable[str]) -> None:
    for name in required:
        if name not in columns:
            near = get_close_matches(name, columns, n=1)
            raise BadInput(
                f"{path.name}, row 1: the column {name!r} is missing; found {', '.join(columns)}.",
                hint=f"Rename {near[0]!r} to {name!r}." if near else "Add it, or rename the column that holds it.",
            )


def _csv_lines(path: Path) -> Iterator[_Line]:
    text = _decoded(path)
    header = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(header), strict=True)
    for number in count(1):
        try:
            yield _Line(number, [cell.strip() for cell in next(reader)])
        except StopIteration:
            return
        except csv.Error as error:
            yield _Line(
                number, [], f"it is not valid CSV ({error}); close every double quote, and double the ones inside a value"
            )


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _decoded(path: Path) -> str:
    data = file_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"{path.name}, line {line}: expected UTF-8 text, found the byte 0x{data[error.start]:02X}.",
            hint="Save it as 'CSV UTF-8'; in another encoding such as Windows-1252, names would be read wrongly.",
        ) from error


def file_bytes(path: Path) -> bytes:
    """What is in the file; raises BadInput where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path.name}: it cannot be read: {error.strerror or error}.", hint="Check the file's rights."
        ) from error


def _xlsx_lines(path: Path) -> Iterator[_Line]:
    width = 0
    for number, row in enumerate(_xlsx_rows(path), 1):
        line = _xlsx_line(number, row)
        while len(line.cells) > width and not line.cells[-1]:
            line.cells.pop()
        width = width or len(line.cells)
        line.cells.extend([""] * (width - len(line.cells)))
        yield line


def _xlsx_line(number: int, row: Sequence[object]) -> _Line:
    cells: list[str] = []
    problem, place = "", None
    for position, value in enumerate(row):
        try:
            cells.append(_cell_text(value))
        except ValueError as error:
            cells.append(str(value))
            problem, place = (problem, place) if problem else (str(error), position)
    return _Line(number, cells, problem, place)


def _xlsx_rows(path: Path) -> Iterable[tuple[Any, ...]]:
    """All rows of the first sheet, so that a damaged file is found before any row is used."""
    data = file_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            try:
                return list(book.worksheets[0].iter_rows(values_only=True))
            finally:
                book.close()
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, TypeError, OSError, ParseError, DefusedXmlException) as error:
        raise BadInput(
            f"{path.name}: it cannot be read as an XLSX workbook: {type(error).__name__}: {error}.",
            hint="Open it in a spreadsheet and save it as .xlsx again, or export CSV UTF-8.",
        ) from error


def _cell_text(value: object) -> str:
    """A cell as exact text; raises ValueError where it would not be exact."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat()
        case date() | time():
            return value.isoformat()
        case int() | float():
            return _number_text(value)
        case _:
            return _no_error(str(value).strip())


def _number_text(value: float) -> str:
    if abs(value) >= 10**_DIGITS:
        raise ValueError(
            f"expected at most {_DIGITS} digits in a number, found {value!r}; format the column as text, or digits get lost"
        )
    return format(Decimal(f"{value:.{_DIGITS}g}"), "f")


def _no_error(text: str) -> str:
    if text in ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"):
        raise ValueError(f"expected a value, found the spreadsheet error {text}; mend the formula")
    return text

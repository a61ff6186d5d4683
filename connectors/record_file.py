"""Record files as tables: sheets with their lines, and tickets as JSON lines."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..core.errors import BadInput
from ..core.noun import canonical_json, plain
from .records import RECORDS, Invoice, Record
from .row_record import exact_json, no_json, record_of, typed, validated
from .sheet import SheetRow, file_bytes, read_sheet
from .table import Problem, Table, versioned

INVOICE_STATUS = ("draft", "held", "posted", "part_paid", "paid", "rejected", "blocked", "void", "other")
"""The status words an exported invoice may have."""


def read_records(kind: str, main: Path, lines_file: Path | None) -> Table:
    """The records of one kind from a table file, and one with their lines; raises BadInput where a file cannot be read."""
    lines = _Lines(kind, lines_file)
    first_row: dict[str, int] = {}
    records: list[Record] = []
    problems: list[Problem] = []
    for row in read_sheet(main, required=_required(RECORDS[kind], lines="lines" if lines_file else "")):
        where = f"{main.name}, row {row.number}"
        try:
            record = _record(kind, row, where, lines)
            _refuse_twin(record, first_row.setdefault(record.id, row.number), row.number, where)
            records.append(versioned(record))
        except BadInput as error:
            problems.append(Problem(id=f"{main.name}:{row.number}", text=str(error), raw=dict(row.cells)))
    known, strange = _known_status(records, main.name)
    return Table(known, [*problems, *strange, *lines.unclaimed(main.name)])


def _refuse_twin(record: Record, first: int, number: int, where: str) -> None:
    if first != number:
        raise BadInput(
            f"{where}, column 'id': {record.id!r} stands in row {first} already.", hint="Remove one of the two rows."
        )


def _required(kind: type[BaseModel], lines: str = "") -> list[str]:
    return [name for name, field in kind.model_fields.items() if field.is_required() and name != lines]


def _known_status(records: Sequence[Record], file: str) -> tuple[list[Record], list[Problem]]:
    """Invoices with a status word of ours; another becomes `other`, which never enters the queue, and that is said once a word."""
    kept: list[Record] = []
    strange: Counter[str] = Counter()
    for record in records:
        if isinstance(record, Invoice) and record.status not in INVOICE_STATUS:
            strange[record.status] += 1
            kept.append(record.model_copy(update={"native": record.native or record.status, "status": "other"}))
        else:
            kept.append(record)
    return kept, [_strange_status(file, word, count) for word, count in strange.items()]


def _strange_status(file: str, word: str, count: int) -> Problem:
    text = (
        f"{file}, column 'status': expected one of {', '.join(INVOICE_STATUS)}, found {word!r} in {count} row"
        f"{'s' if count > 1 else ''}, which do not enter the queue. Export the status in these words."
    )
    return Problem(id=f"{file}:status={word}", text=text, raw={"status": word})


def _record(kind: str, row: SheetRow, where: str, lines: "_Lines") -> Record:
    own = lines.claim(row.cells.get("id", ""))
    if row.problem:
        raise BadInput(_told(where, row.problem))
    return record_of(RECORDS[kind], row.cells, where=where, lines=own())


def _told(where: str, problem: str) -> str:
    return f"{where}{', ' if problem.startswith('column ') else ': '}{problem}."


class _Lines:
    """The lines of orders, receipts and invoices where they stand in a file of their own."""

    def __init__(self, kind: str, path: Path | None) -> None:
        self._parent = f"{kind}_id"
        self._kind = kind
        self._rows: dict[str, list[SheetRow]] = defaultdict(list)
        self._file = path.name if path else ""
        for row in read_sheet(path, required=[self._parent, *_required(_line_type(kind), "line")]) if path else ():
            self._rows[row.cells.get(self._parent, "")].append(row)

    def claim(self, parent: str) -> Callable[[], list[BaseModel]]:
        """The lines of one parent, checked when called; they count as claimed either way."""
        rows = self._rows.pop(parent, [])
        return lambda: [self._line(row, position) for position, row in enumerate(rows, 1)]

    def unclaimed(self, main: str) -> Iterator[Problem]:
        """Lines whose parent is nowhere."""
        for parent, rows in self._rows.items():
            for row in rows:
                found = f"found {parent!r}, which {main} does not hold" if parent else "found nothing"
                where = f"{self._file}, row {row.number}, column {self._parent!r}"
                text = f"{where}: expected the id of a row in {main}, {found}. Export both files at the same time."
                if row.problem:
                    text = _told(f"{self._file}, row {row.number}", row.problem)
                yield Problem(id=f"{self._file}:{row.number}", text=text, raw={**row.cells, "id": parent})

    def _line(self, row: SheetRow, position: int) -> BaseModel:
        where = f"{self._file}, row {row.number}"
        if row.problem:
            raise BadInput(_told(where, row.problem))
        kind = _line_type(self._kind)
        values: dict[str, Any] = {"line": position}
        for column, text in row.cells.items():
            if text and column in kind.model_fields:
                values[column] = typed(kind, column, text, where=where)
        return validated(kind, values, where=where)


def _line_type(kind: str) -> type[BaseModel]:
    arguments: tuple[type[BaseModel], ...] = RECORDS[kind].model_fields["lines"].annotation.__args__  # type: ignore[union-attr]
    return arguments[0]


def read_tickets(path: Path) -> Table:
    """The tickets in a JSONL file, one object on each line; raises BadInput where the file cannot be read."""
    records: list[Record] = []
    problems: list[Problem] = []
    first_line: dict[str, int] = {}
    for number, line in enumerate(file_bytes(path).removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            raw: dict[str, Any] = {}
            where = f"{path.name}, line {number}"
            try:
                raw = _json_object(line, where)
                ticket = _ticket(raw, where)
                _refuse_twin(ticket, first_line.setdefault(ticket.id, number), number, where)
                records.append(versioned(ticket))
            except BadInput as error:
                shown = raw or {"line": line[:2000].decode("utf-8", "replace")}
                problems.append(Problem(id=f"{path.name}:{number}", text=str(error), raw=plain(shown)))
    return Table(records, problems)


def _json_object(line: bytes, where: str) -> dict[str, Any]:
    try:
        found = exact_json(line.decode("utf-8"))
        # An escaped half of a character is JSON, but no text that could be stored or sent.
        canonical_json(found).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{where}: expected one JSON object, found {no_json(error)}.", hint="Write each ticket whole on one line."
        ) from error
    if not isinstance(found, dict):
        raise BadInput(f"{where}: expected a JSON object, found {json.dumps(plain(found))[:40]}.", hint='Write {"id": …}.')
    return found


def _ticket(raw: Mapping[str, Any], where: str) -> Record:
    kind = RECORDS["ticket"]
    known = {name: value for name, value in raw.items() if name in kind.model_fields and name != "version"}
    own = {name: value for name, value in raw.items() if name not in kind.model_fields}
    return validated(kind, {**known, "extra": {**known.get("extra", {}), **plain(own)}}, where=where)

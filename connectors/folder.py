"""A folder of exports as tables of canonical records, with every row that could not be read beside them."""

from collections.abc import Callable
from pathlib import Path

from ..core.errors import BadInput, Unreachable
from .einvoice_folder import EInvoiceFolder
from .record_file import read_records, read_tickets
from .sheet import SUFFIXES
from .table import Stamp, Table, stamp_of

STEMS = {
    "customer": "customers", "contact": "contacts", "supplier": "suppliers", "purchase_order": "purchase_orders",
    "goods_receipt": "goods_receipts", "invoice": "invoices", "quote": "quotes", "sales_order": "sales_orders",
    "payment": "payments", "receivable": "receivables", "activity": "activities",
}  # fmt: skip
"""The file name of each kind of record, without its suffix."""

TICKETS = "tickets.jsonl"
EINVOICES = "einvoices"

_NO_SUPPLIERS = Table()


class Folder:
    """The files of one folder; each is read again only when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tables: dict[str, tuple[Stamp, Table]] = {}
        self._einvoices = EInvoiceFolder(path / EINVOICES)
        self._combined: tuple[tuple[Table, Table], Table] | None = None

    def reach(self) -> None:
        """Raise Unreachable where the folder is not there."""
        if not self.path.is_dir():
            raise Unreachable(f"The folder {str(self.path)!r} is not there.", hint="Check the connector's setting `folder`.")

    def table(self, kind: str) -> Table:
        """The records of one kind; an empty table where there is no file. Raises BadInput where a file cannot be read."""
        main, lines = self._sheet(STEMS[kind]), self._sheet(f"{kind}_lines")
        return self._kept(kind, [path for path in (main, lines) if path], lambda: _read_kind(kind, main, lines))

    def tickets(self) -> Table:
        """The tickets in `tickets.jsonl`."""
        path = self.path / TICKETS
        return self._kept("ticket", [path] if path.is_file() else [], lambda: read_tickets(path))

    def einvoices(self) -> Table:
        """The invoices in the subfolder, each file on its own."""
        try:
            suppliers = self.table("supplier")
        except BadInput:
            suppliers = _NO_SUPPLIERS
        return self._einvoices.table(suppliers)

    def invoices(self) -> Table:
        """The exported and the electronic invoices together."""
        parts = (self.table("invoice"), self.einvoices())
        if self._combined is None or self._combined[0] != parts:
            joined = Table([*parts[0], *parts[1]], [*parts[0].problems, *parts[1].problems])
            self._combined = (parts, joined)
        return self._combined[1]

    def names(self) -> list[str]:
        """The files that are read, for a health report."""
        found = [self._sheet(stem) for stem in (*STEMS.values(), *(f"{kind}_lines" for kind in STEMS))]
        names = [path.name for path in found if path]
        return [*names, *(name for name in (TICKETS, EINVOICES) if (self.path / name).exists())]

    def _sheet(self, stem: str) -> Path | None:
        found = [path for suffix in SUFFIXES if (path := self.path / f"{stem}{suffix}").is_file()]
        if len(found) > 1:
            raise BadInput(f"{self.path} holds both {found[0].name} and {found[1].name}.", hint="Keep one of them.")
        if (self.path / f"{stem}.xls").is_file():
            raise BadInput(f"{stem}.xls: the old Excel format is not read.", hint="Save it as .xlsx or CSV UTF-8.")
        return found[0] if found else None

    def _kept(self, kind: str, paths: list[Path], read: Callable[[], Table]) -> Table:
        stamp = stamp_of(paths)
        if kind not in self._tables or self._tables[kind][0] != stamp:
            self._tables[kind] = (stamp, read() if paths else Table())
        return self._tables[kind][1]


def _read_kind(kind: str, main: Path | None, lines: Path | None) -> Table:
    if main is None:
        shown = lines.name if lines else kind
        raise BadInput(f"{shown}: there is no {STEMS[kind]}.csv or .xlsx to go with it.", hint="Export both.")
    return read_records(kind, main, lines)

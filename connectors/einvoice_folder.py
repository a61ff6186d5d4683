"""A folder of e-invoices as supplier invoices, each with the id of the supplier it names."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..core.errors import BadInput
from ..core.noun import digest, plain
from .einvoice import EInvoice, read_einvoice
from .records import Invoice, Record, Supplier
from .table import Problem, Stamp, Table, bare, stamp_of


class EInvoiceFolder:
    """The files of one folder and what is below it; each is read again only when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: dict[str, tuple[Stamp, Table]] = {}
        self._whole: tuple[tuple[Stamp, Table], Table] | None = None

    def table(self, suppliers: Table) -> Table:
        """Every invoice with its supplier's id, where exactly one supplier has its tax id, or else its name."""
        files = sorted(path for path in self.path.rglob("*") if path.is_file() and not path.name.startswith("."))
        stamp = stamp_of(files)
        if self._whole is None or self._whole[0] != (stamp, suppliers):
            self._whole = ((stamp, suppliers), self._joined(files, _Vendors(suppliers)))
        return self._whole[1]

    def _joined(self, files: list[Path], vendors: "_Vendors") -> Table:
        tables = [self._one(path) for path in files]
        records = [vendors.resolved(record) for table in tables for record in table]
        return Table(records, (problem for table in tables for problem in table.problems))

    def _one(self, path: Path) -> Table:
        name = path.relative_to(self.path).as_posix()
        stamp = stamp_of([path])
        if name not in self._read or self._read[name][0] != stamp:
            self._read[name] = (stamp, _read_file(path, name, f"{self.path.name}/{name}"))
        return self._read[name][1]


class _Vendors:
    """Suppliers by tax id and by name."""

    def __init__(self, suppliers: Table) -> None:
        self._by_tax: dict[str, set[str]] = defaultdict(set)
        self._by_name: dict[str, set[str]] = defaultdict(set)
        for record in suppliers:
            if isinstance(record, Supplier):
                self._by_tax[bare(record.tax_id)].add(record.id)
                for name in (record.name, *record.aliases):
                    self._by_name[bare(name)].add(record.id)

    def resolved(self, record: Record) -> Record:
        """The invoice with its supplier's id."""
        if not isinstance(record, Invoice) or record.party_id:
            return record
        for index, text in ((self._by_tax, record.party_tax_id), (self._by_name, record.party_name)):
            found = index.get(bare(text), set()) if bare(text) else set()
            if len(found) == 1:
                return record.model_copy(update={"party_id": next(iter(found))})
        return record


def _read_file(path: Path, name: str, shown: str) -> Table:
    try:
        found = read_einvoice(path, name=shown)
    except BadInput as error:
        return Table(problems=[Problem(id=shown, text=str(error), raw={"file": shown, "id": name})])
    arrived = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Table(_numbered(found, name, arrived))


def _numbered(found: EInvoice, name: str, arrived: datetime) -> Iterator[Record]:
    for number, part in enumerate((found, *found.more), 1):
        yield _supplier_invoice(part, name if number == 1 else f"{name}#{number}", arrived)


def _supplier_invoice(found: EInvoice, identity: str, arrived: datetime) -> Record:
    """The record of one document, with what the canonical fields cannot hold in `extra`."""
    beyond = {
        "file": found.file,
        "syntax": found.syntax,
        "profile": found.profile,
        "seller_ids": list(found.seller_ids),
        "buyer_name": found.buyer_name,
        "accounts": plain(found.accounts),
        "payee_name": found.payee_name,
        "findings": plain(found.findings),
    }
    version = digest([identity, found])[:16]
    extra = {**found.document.extra, **beyond}
    changes = {"id": identity, "version": version, "received_on": arrived.date(), "extra": extra}
    return found.document.model_copy(update=changes)

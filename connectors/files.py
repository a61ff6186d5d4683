"""A folder of exports as a connector: CSV, XLSX and JSONL come in, and effects go to a file that somebody carries over.

The folder holds any of these; a missing file is an empty table.
    customers, contacts, suppliers, purchase_orders, goods_receipts, invoices, quotes, sales_orders, payments, receivables,
    activities: each a .csv (UTF-8; comma, semicolon or tab) or .xlsx (first sheet), the first row names the record's fields.
    Lines of an order, receipt, invoice or quote: a column `lines` with a JSON list, or a file purchase_order_lines,
    goods_receipt_lines, invoice_lines, quote_lines, sales_order_lines with a column purchase_order_id, and so on.
    Numbers as 1234.56, days as 2026-01-31, several words as a|b; columns that a record does not know are kept in `extra`.
    tickets.jsonl: one ticket as a JSON object on each line.
    einvoices/: supplier invoices as XML (UBL, CII, FatturaPA) or Factur-X PDF; a file's name is the invoice's id.
    outbox.jsonl: written here, one effect on each line (key, operation, target, arguments, at); nothing else is ever written.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from ..core.action import Change, Target
from ..core.clock import Clock, as_utc
from ..core.errors import BadInput, ConnectorError, NotFound, Refused, SettingsError, StaleRecord, Unreachable
from ..core.receipt import Receipt
from .base import Connector, Health, Operation, TicketSource
from .contracts import DataContract
from .files_queues import PayablesQueue, ReceivablesQueue, TicketsQueue
from .folder import STEMS, Folder
from .operations import CANONICAL
from .outbox_file import OutboxFile
from .records import Activity, Record
from .table import Table

_SETTINGS = {"folder", "owner", "on_call"}
_REQUIRED = {"ticket": ("subject",), "invoice": ("number",), "credit_note": ("number",), "receivable": ("customer_id",)}


class Files(Connector):
    """A folder of exports; see the module for its layout."""

    name: ClassVar[str] = "files"

    def __init__(self, folder: Path | str, *, clock: Clock, owner: str = "operations", on_call: str = "") -> None:
        self._folder = Folder(Path(folder))
        self._clock = clock
        self._owner = owner
        self._on_call = on_call
        self._outbox = OutboxFile(self._folder.path / "outbox.jsonl")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], clock: Clock) -> Self:
        """A connector from `folder`, and `owner` and `on_call` for its data contracts; raises SettingsError."""
        unknown = sorted(set(settings) - _SETTINGS)
        if unknown or not isinstance(settings.get("folder"), str | Path):
            found = f"unknown: {', '.join(unknown)}" if unknown else "folder is missing or no path"
            raise SettingsError(
                f"The settings of the files connector are wrong ({found}).", hint="Give folder, owner and on_call."
            )
        return cls(
            settings["folder"],
            clock=clock,
            owner=str(settings.get("owner", "operations")),
            on_call=str(settings.get("on_call", "")),
        )

    def operations(self) -> Mapping[str, Operation]:
        """Every canonical operation: reads from the tables, effects to the outbox."""
        return CANONICAL

    def read(self, operation: str, arguments: Mapping[str, Any]) -> Sequence[Record]:
        """Run a read.

        Raises BadInput where the file, or a row the answer depends on, cannot be read; NotFound where the one record asked for is not
        there; Unreachable where the folder is not.
        """
        spec = self.operation(operation)
        if spec.effect:
            raise BadInput(f"{operation!r} is an effect; it cannot be read.")
        given = {name: value for name, value in spec.checked(arguments).model_dump().items() if value}
        self._folder.reach()
        if operation.endswith(".get"):
            return [self._one(spec.target, given["id"])]
        if not given and spec.target != "supplier":
            raise BadInput(f"{operation}: give at least one of its arguments.")
        found = self._table(spec.target).matching(given)
        return sorted(found, key=_when, reverse=True) if spec.target == "activity" else found

    def execute(self, operation: str, arguments: Mapping[str, Any], *, key: str, target: Target) -> Receipt:
        """Write the effect to the outbox, once for each key; somebody carries it over.

        Raises StaleRecord, Refused, Unreachable or OutcomeUnknown, as the contract says.
        """
        checked = self._effect(operation, arguments)
        self._folder.reach()
        if self._outbox.find(key) is None:
            self._refuse_stale(target)
        return self._outbox.append(operation, checked, key=key, target=target, at=self._clock.now())

    def lookup(self, key: str) -> Receipt | None:
        """What the outbox holds for `key`."""
        self._folder.reach()
        return self._outbox.find(key)

    def version(self, target: Target) -> str:
        """A digest of the row, with its lines, as the folder holds it now.

        Raises NotFound where it is not there, Unreachable where its file cannot be read.
        """
        self._folder.reach()
        try:
            found = self._table(target.kind).by_id.get(target.id)
        except BadInput as error:
            raise Unreachable(f"{target} cannot be looked at: {error.message}", hint=error.hint) from error
        if found is None or found.version is None:
            raise NotFound(f"{target} is not in the folder any more.", hint="Export it again, or close the case.")
        return found.version

    def preview(self, operation: str, arguments: Mapping[str, Any], target: Target) -> Sequence[Change]:
        """One line more in the outbox."""
        self.operation(operation).checked(arguments)
        return (Change(record=f"{target.kind} {target.id}", field="outbox.jsonl", before="", after=operation),)

    def sources(self) -> Mapping[str, TicketSource]:
        """The queues: tickets, payables and receivables."""
        return {
            "tickets": TicketsQueue(self._folder),
            "payables": PayablesQueue(self._folder),
            "receivables": ReceivablesQueue(self._folder, self._clock),
        }

    def contracts(self) -> Sequence[DataContract]:
        """What the records behind its tickets must hold to."""
        kinds = (*STEMS, "credit_note", "ticket")
        return [
            DataContract(record=kind, owner=self._owner, on_call=self._on_call, required=_REQUIRED.get(kind, ()))
            for kind in kinds
        ]

    def health(self) -> Health:
        """Whether the folder is there, and what it holds."""
        try:
            self._folder.reach()
            names = self._folder.names()
        except (BadInput, ConnectorError) as error:
            return Health(ok=False, detail=str(error))
        return Health(
            ok=bool(names), detail=f"Holds {', '.join(names)}." if names else "It holds none of the files that are read."
        )

    def _effect(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The checked arguments of an effect; raises Refused, since nothing was written."""
        spec = CANONICAL.get(operation)
        if spec is None or not spec.effect:
            raise Refused(f"The files connector has no effect {operation!r}.")
        try:
            return spec.checked(arguments).model_dump(exclude_unset=True)
        except BadInput as error:
            raise Refused(error.message, hint=error.hint) from error

    def _table(self, kind: str) -> Table:
        match kind:
            case "ticket":
                return self._folder.tickets()
            case "invoice" | "credit_note":
                return self._folder.invoices()
            case _ if kind in STEMS:
                return self._folder.table(kind)
            case _:
                return Table()

    def _one(self, kind: str, identity: str) -> Record:
        table = self._table(kind)
        table.refuse_doubt("id", identity)
        if identity not in table.by_id:
            raise NotFound(f"The folder holds no {kind} {identity!r}.", hint="Export it, or check the id.")
        return table.by_id[identity]

    def _refuse_stale(self, target: Target) -> None:
        if target.version is None:
            return
        try:
            now = self.version(target)
        except NotFound as error:
            raise StaleRecord(error.message, hint=error.hint) from error
        if now != target.version:
            raise StaleRecord(f"{target} was read at version {target.version} and is at {now} now.", hint="Judge it again.")


def _when(record: Record) -> Any:
    return as_utc(record.at) if isinstance(record, Activity) else None

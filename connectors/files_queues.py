"""The queues of a folder of exports: tickets, supplier invoices that wait, and customers that are overdue."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, ClassVar

from ..core.case import TicketItem
from ..core.clock import Clock, as_utc, today
from ..core.errors import BadInput
from ..core.noun import digest, plain
from .base import Pulled, TicketSource
from .folder import Folder
from .records import Customer, Invoice, InvoiceKind, Receivable, Record, Ticket
from .table import Problem, Table

_WAITING_INVOICE = ("draft", "held")
_CLOSED_TICKET = ("solved", "closed")
_SETTLED_RECEIVABLE = ("paid", "closed", "written_off", "void", "cancelled")


class FolderQueue(TicketSource):
    """One queue of a folder; every row that could not be read is yielded too, with what is wrong with it."""

    kinds: ClassVar[tuple[str, ...]]
    """The kinds of record whose unreadable rows belong to this queue."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def pull(self, *, limit: int | None = None) -> Iterator[Pulled]:
        """Tickets that wait, oldest first, and after them what could not be read; raises Unreachable without the folder."""
        self._folder.reach()
        return islice((*sorted(self._items(), key=_age), *self._troubles()), limit)

    @abstractmethod
    def _items(self) -> Iterable[Pulled]:
        """The tickets that could be read."""

    def _troubles(self) -> Iterator[Pulled]:
        for kind in self.kinds:
            for problem in self._problems(kind):
                behind = (("invoice" if kind == "einvoice" else kind, problem.raw),)
                yield Pulled(external_id=problem.id, problem=problem.text, raw=problem.raw, records=behind)

    def _problems(self, kind: str) -> list[Problem]:
        try:
            return self._table(kind).problems
        except BadInput as error:
            return [Problem(id=f"{kind} file", text=str(error))]

    def _table(self, kind: str) -> Table:
        match kind:
            case "ticket":
                return self._folder.tickets()
            case "einvoice":
                return self._folder.einvoices()
            case _:
                return self._folder.table(kind)

    def _records(self, kind: str) -> list[Record]:
        """The readable records; none where the whole file cannot be read, which is yielded as a problem."""
        try:
            return list(self._table(kind))
        except BadInput:
            return []


class TicketsQueue(FolderQueue):
    """`tickets.jsonl`: every ticket that is not solved."""

    name = "tickets"
    kinds = ("ticket",)

    def _items(self) -> Iterator[Pulled]:
        for record in self._records("ticket"):
            if isinstance(record, Ticket) and record.status not in _CLOSED_TICKET:
                payload = {"ref": record.id, "body": record.body, "requester": record.requester}
                item = _item(
                    self.name,
                    "ticket",
                    record,
                    # What the requester said and not the row: our own reply changes the row, and must not be answered again.
                    revision=digest([record.subject, record.body, record.requester, record.customer_id])[:16],
                    subject=record.subject,
                    party=record.requester,
                    priority=min(max(record.priority, 1), 4),
                    received_at=as_utc(record.created_at),
                    payload=payload,
                )
                yield Pulled(external_id=record.id, item=item, records=(("ticket", plain(record)),), raw=plain(record))


class PayablesQueue(FolderQueue):
    """Supplier invoices that wait: every e-invoice, and drafts among the exported ones."""

    name = "payables"
    kinds = ("supplier", "purchase_order", "goods_receipt", "invoice", "einvoice")

    def _items(self) -> Iterator[Pulled]:
        for record in (*self._records("invoice"), *self._records("einvoice")):
            if isinstance(record, Invoice) and record.direction is InvoiceKind.SUPPLIER and record.status in _WAITING_INVOICE:
                yield self._pulled(record)

    def _pulled(self, record: Invoice) -> Pulled:
        item = _item(
            self.name,
            "supplier_invoice",
            record,
            subject=f"Invoice {record.number} from {record.party_name or 'an unnamed supplier'}",
            party=record.party_name,
            amount=record.payable,
            currency=record.currency,
            received_at=_midnight(record.received_on or record.issue_date),
            due_at=_midnight(record.due_date) if record.due_date else None,
            payload={"ref": record.id, "body": record.note, "requester": ""},
        )
        return Pulled(external_id=record.id, item=item, records=((record.kind, plain(record)),), raw=plain(record))


class ReceivablesQueue(FolderQueue):
    """Customers with overdue receivables, one item each."""

    name = "receivables"
    kinds = ("customer", "contact", "receivable", "payment", "activity", "quote", "sales_order")

    def __init__(self, folder: Folder, clock: Clock) -> None:
        super().__init__(folder)
        self._clock = clock

    def _items(self) -> Iterator[Pulled]:
        overdue: dict[str, list[Receivable]] = defaultdict(list)
        for record in self._records("receivable"):
            if isinstance(record, Receivable) and self._is_overdue(record):
                overdue[record.customer_id].append(record)
        names = {record.id: record.name for record in self._records("customer") if isinstance(record, Customer)}
        for customer_id, receivables in overdue.items():
            yield _overdue_account(customer_id, names.get(customer_id, customer_id), receivables, today(self._clock))

    def _is_overdue(self, record: Receivable) -> bool:
        return (
            record.due_date < today(self._clock) and record.open_amount > 0 and record.status.lower() not in _SETTLED_RECEIVABLE
        )


def _overdue_account(customer_id: str, name: str, receivables: list[Receivable], day: date) -> Pulled:
    currencies = {record.currency for record in receivables}
    one = len(currencies) == 1
    item = TicketItem(
        source=f"files.{ReceivablesQueue.name}",
        external_id=customer_id,
        revision=digest([record.version for record in receivables])[:16],
        kind="overdue_account",
        subject=f"{len(receivables)} overdue invoice{'s' if len(receivables) > 1 else ''} of {name}",
        party=name,
        amount=sum((record.open_amount for record in receivables), Decimal(0)) if one else None,
        currency=currencies.pop() if one else None,
        received_at=_midnight(day),
        payload={"ref": customer_id, "body": "", "requester": ""},
    )
    records = tuple(("receivable", plain(record)) for record in receivables)
    return Pulled(external_id=customer_id, item=item, records=records, raw={"customer_id": customer_id})


def _item(queue: str, kind: str, record: Record, **fields: Any) -> TicketItem:
    revision = fields.pop("revision", record.version or "1")
    return TicketItem(source=f"files.{queue}", external_id=record.id, revision=revision, kind=kind, **fields)


def _age(pulled: Pulled) -> tuple[datetime, str]:
    assert pulled.item is not None
    return (pulled.item.received_at, pulled.external_id)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

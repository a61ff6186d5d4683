"""The embedded company's queues: tickets, supplier invoices, customer invoices, overdue accounts."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby, islice
from typing import Any, ClassVar

from pydantic import ValidationError

from ..core.case import TicketItem
from ..core.noun import digest
from .base import Pulled, TicketSource
from .company_books import Books
from .company_schema import Row

_FOLLOW_UP_DAYS = 14
"""How often an account that stays overdue comes back."""

Ask = Callable[[Callable[[Books], list[Pulled]]], list[Pulled]]
"""Runs a question on the books, under the connector's lock."""


class Queue(TicketSource):
    """One queue of the company; subclasses say what waits in it."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def pull(self, *, limit: int | None = None) -> Iterator[Pulled]:
        """What waits, oldest first."""
        yield from islice(self._ask(self.waiting), limit)

    def waiting(self, books: Books) -> list[Pulled]:
        """Everything that waits."""
        raise NotImplementedError


class Tickets(Queue):
    """New help-desk tickets."""

    name: ClassVar[str] = "tickets"

    def waiting(self, books: Books) -> list[Pulled]:
        """Tickets nobody has looked at."""
        seen = {"open", "waiting", "on_hold", "solved", "closed", "other"}
        rows = [row for row in books.rows("ticket") if row["status"] not in seen]
        rows.sort(key=lambda row: (str(row["created_at"]), row["id"]))
        return [_pulled(row["id"], lambda row=row: _ticket(row), [("ticket", books.raw("ticket", row))]) for row in rows]  # type: ignore[misc]


class Invoices(Queue):
    """Invoices of one direction that wait to be booked or issued."""

    direction: ClassVar[str]
    item_kind: ClassVar[str]

    def waiting(self, books: Books) -> list[Pulled]:
        """Drafts, and held ones whose hold has ended."""
        rows = [row for status in ("draft", "held") for row in books.rows("invoice", direction=self.direction, status=status)]
        rows = [row for row in rows if row["status"] == "draft" or _hold_ended(row, books.today)]
        rows.sort(key=lambda row: (str(row["received_on"] or row["issue_date"]), row["id"]))
        return [_pulled(row["id"], lambda row=row: self._item(row), [("invoice", books.raw("invoice", row))]) for row in rows]  # type: ignore[misc]

    def _item(self, row: Row) -> TicketItem:
        return TicketItem(
            source=f"company.{self.name}",
            external_id=row["id"],
            revision=str(row["holds"] + 1),
            kind=self.item_kind,
            subject=f"Invoice {row['number']} {'from' if self.direction == 'supplier' else 'to'} {row['party_name']}",
            party=row["party_name"],
            amount=Decimal(row["payable"]),
            currency=row["currency"],
            received_at=_morning(row["received_on"] or row["issue_date"]),
            payload={"ref": row["id"], "note": row["note"]},
        )


class Payables(Invoices):
    """Supplier invoices that came in."""

    name: ClassVar[str] = "payables"
    direction: ClassVar[str] = "supplier"
    item_kind: ClassVar[str] = "supplier_invoice"


class Billing(Invoices):
    """Customer invoices that should go out."""

    name: ClassVar[str] = "billing"
    direction: ClassVar[str] = "customer"
    item_kind: ClassVar[str] = "customer_invoice"


class Receivables(Queue):
    """Customers who are overdue, one ticket each."""

    name: ClassVar[str] = "receivables"

    def waiting(self, books: Books) -> list[Pulled]:
        """Accounts with something overdue that is not on hold, the longest overdue first."""
        rows = [row for row in books.rows("receivable", status="open") if _overdue(row, books.today)]
        rows.sort(key=lambda row: row["customer_id"])
        accounts = [(customer_id, list(items)) for customer_id, items in groupby(rows, key=lambda row: row["customer_id"])]
        accounts = [(customer_id, items) for customer_id, items in accounts if not all(books.on_hold(item) for item in items)]
        accounts.sort(key=lambda account: (min(str(item["due_date"]) for item in account[1]), account[0]))
        return [self._account(books, customer_id, items) for customer_id, items in accounts]

    def _account(self, books: Books, customer_id: str, items: list[Row]) -> Pulled:
        customer = books.row("customer", customer_id)
        records = [
            ("customer", books.raw("customer", customer)),
            *(("receivable", books.raw("receivable", item)) for item in items),
        ]
        return _pulled(customer_id, lambda: _account_item(books, customer, items), records)


def _account_item(books: Books, customer: Row, items: list[Row]) -> TicketItem:
    oldest = max((books.today - date.fromisoformat(item["due_date"])).days for item in items)
    state = [sorted([item["id"], item["open_amount"]] for item in items), oldest // _FOLLOW_UP_DAYS]
    return TicketItem(
        source="company.receivables",
        external_id=customer["id"],
        revision=digest(state)[:12],
        kind="overdue_account",
        subject=f"{customer['name']}: {len(items)} overdue, oldest by {oldest} day{'s' * (oldest != 1)}",
        party=customer["name"],
        amount=sum((Decimal(item["open_amount"]) for item in items), Decimal(0)),
        currency=customer["currency"],
        priority=2 if oldest > 30 else 3,
        received_at=min(books.clock.now(), datetime.combine(books.today, time(5), tzinfo=UTC)),
        payload={"ref": customer["id"]},
    )


def _ticket(row: Row) -> TicketItem:
    return TicketItem(
        source="company.tickets",
        external_id=row["id"],
        kind="ticket",
        subject=row["subject"],
        party=row["requester"],
        priority=row["priority"],
        received_at=datetime.fromisoformat(row["created_at"]),
        payload={
            "ref": row["id"],
            "subject": row["subject"],
            "body": row["body"],
            "requester": row["requester"],
            "language": row["language"],
        },
    )


def _pulled(external_id: str, item: Callable[[], TicketItem], records: list[tuple[str, dict[str, Any]]]) -> Pulled:
    raw = records[0][1]
    try:
        return Pulled(external_id=external_id, item=item(), records=tuple(records), raw=raw)
    except (ValidationError, ArithmeticError, TypeError, ValueError) as error:
        problem = f"{records[0][0]} {external_id!r} cannot be read as a ticket: {str(error).splitlines()[0]}"
        return Pulled(external_id=external_id, records=tuple(records), raw=raw, problem=problem)


def _hold_ended(row: Row, today: date) -> bool:
    return row["hold_until"] is not None and date.fromisoformat(row["hold_until"]) < today


def _overdue(row: Row, today: date) -> bool:
    return date.fromisoformat(row["due_date"]) < today


def _morning(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(8), tzinfo=UTC)

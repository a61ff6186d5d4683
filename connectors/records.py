"""Canonical records: what every connector maps its system's rows to.

Over 300 lines because it is one vocabulary. Numbers are exact Decimals; `native` keeps the system's own status word; an unknown
word becomes `other`, never an error.
"""

import datetime as dt
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from ..core.money import Currency, Exact, Money
from ..core.noun import Noun


class Record(Noun):
    """A row of an outside system."""

    kind: ClassVar[str]
    """The word that operations and targets use: `invoice`."""

    id: str
    version: str | None = None
    """Changes whenever the record does; None where the system has nothing of the kind."""
    updated_at: datetime | None = None
    native: str = ""
    """The system's own status word."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """What the canonical fields cannot hold."""


class Customer(Record):
    """Somebody who buys from us."""

    kind: ClassVar[str] = "customer"
    name: str
    email: str = ""
    phone: str = ""
    language: str = "en"
    country: str = ""
    timezone: str = "UTC"
    terms_days: int = 30
    credit_limit: Exact | None = None
    currency: Currency = "EUR"
    segment: str = ""
    key_account: bool = False
    do_not_contact: bool = False
    insolvent: bool = False
    vulnerable: bool = False
    facts: dict[str, Any] = Field(default_factory=dict)
    """Payment history in numbers: `late_share`, `mean_days_late`, `invoices`, `days_since_last_payment`."""


class Contact(Record):
    """A person at a customer or supplier."""

    kind: ClassVar[str] = "contact"
    party_id: str
    name: str
    email: str = ""
    phone: str = ""
    role: str = ""


class Ticket(Record):
    """A request in a help desk; subject and body are somebody else's words."""

    kind: ClassVar[str] = "ticket"
    subject: str
    body: str = ""
    requester: str = ""
    """The address it came from: an identifier, not free text."""
    customer_id: str | None = None
    queue: str = ""
    status: str = "new"
    """new, open, waiting, on_hold, solved, closed, other"""
    priority: int = 3
    language: str = ""
    tags: tuple[str, ...] = ()
    duplicate_of: str | None = None
    created_at: datetime


class Supplier(Record):
    """Somebody we buy from."""

    kind: ClassVar[str] = "supplier"
    name: str
    aliases: tuple[str, ...] = ()
    tax_id: str = ""
    iban: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""
    terms_days: int = 30
    created: date | None = None
    bank_changed_on: date | None = None
    blocked: bool = False


class OrderLine(Noun):
    """One line of a purchase order, sales order or quote."""

    line: int
    sku: str = ""
    description: str = ""
    quantity: Exact
    unit: str = ""
    price: Exact
    tax_rate: Exact = Decimal(0)
    """In percent: 19 means 19 %."""


class MatchType(StrEnum):
    """How a purchase order is matched (after BPI Challenge 2019)."""

    THREE_WAY = "3way"
    """Order, receipt and invoice must agree."""
    TWO_WAY = "2way"
    """Order and invoice must agree; nothing is received."""
    CONSIGNMENT = "consignment"
    """Billed through the consignment settlement, not by the supplier."""


class PurchaseOrder(Record):
    """What we ordered from a supplier."""

    kind: ClassVar[str] = "purchase_order"
    supplier_id: str
    date: date
    currency: Currency
    match: MatchType = MatchType.THREE_WAY
    lines: tuple[OrderLine, ...]
    status: str = "open"


class ReceiptLine(Noun):
    """One line of a goods receipt."""

    line: int
    sku: str = ""
    quantity: Exact


class GoodsReceipt(Record):
    """What arrived."""

    kind: ClassVar[str] = "goods_receipt"
    order_id: str
    date: date
    lines: tuple[ReceiptLine, ...]


class InvoiceKind(StrEnum):
    """Which way an invoice goes."""

    SUPPLIER = "supplier"
    """Billed to us."""
    CUSTOMER = "customer"
    """Billed by us."""


class InvoiceLine(Noun):
    """One line of an invoice."""

    line: int
    sku: str = ""
    description: str = ""
    quantity: Exact
    unit: str = ""
    price: Exact
    """Net price of one unit."""
    tax_rate: Exact = Decimal(0)
    """In percent."""
    net: Exact


class Invoice(Record):
    """A bill, either way."""

    kind: ClassVar[str] = "invoice"
    number: str
    direction: InvoiceKind = InvoiceKind.SUPPLIER
    status: str = "draft"
    """draft, held, posted, part_paid, paid, rejected, blocked, void, other"""
    party_id: str = ""
    """The supplier's or customer's id; empty where the document does not say."""
    party_name: str = ""
    party_tax_id: str = ""
    order_id: str = ""
    """The order number as written on the invoice."""
    issue_date: date
    due_date: date | None = None
    received_on: date | None = None
    currency: Currency
    lines: tuple[InvoiceLine, ...] = ()
    net: Exact
    tax: Exact
    gross: Exact
    payable: Exact
    """What is to be paid: gross less prepayments, with rounding."""
    paid: Exact = Decimal(0)
    iban: str = ""
    note: str = ""
    """Free text on the document; never trusted."""

    @property
    def total(self) -> Money:
        """The gross amount as money."""
        return Money(amount=self.gross, currency=self.currency)


class CreditNote(Invoice):
    """An invoice that takes back; its amounts are positive."""

    kind: ClassVar[str] = "credit_note"
    corrects: str = ""
    """The number of the invoice it corrects."""


class Quote(Record):
    """What we offered a customer."""

    kind: ClassVar[str] = "quote"
    customer_id: str
    date: date
    valid_until: dt.date | None = None
    currency: Currency
    lines: tuple[OrderLine, ...]
    terms_days: int = 30
    discount_percent: Exact = Decimal(0)
    approved_by: str = ""
    """Who approved the discount; empty where nobody did."""


class SalesOrder(Record):
    """What a customer ordered."""

    kind: ClassVar[str] = "sales_order"
    customer_id: str
    quote_id: str = ""
    date: date
    currency: Currency
    lines: tuple[OrderLine, ...]
    terms_days: int = 30
    discount_percent: Exact = Decimal(0)


class Payment(Record):
    """Money that moved."""

    kind: ClassVar[str] = "payment"
    party_id: str
    invoice_id: str = ""
    date: date
    amount: Exact
    currency: Currency


class Receivable(Record):
    """An unpaid customer invoice, as collections sees it."""

    kind: ClassVar[str] = "receivable"
    customer_id: str
    invoice_number: str
    issue_date: date
    due_date: date
    amount: Exact
    """Gross amount of the invoice."""
    open_amount: Exact
    currency: Currency
    reminder_level: int = 0
    disputed: bool = False
    dispute_reason: str = ""
    promised_on: date | None = None
    promised_amount: Exact | None = None
    on_hold: bool = False
    status: str = "open"


class Activity(Record):
    """A note, call, mail or promise in the CRM."""

    kind: ClassVar[str] = "activity"
    party_id: str
    type: str
    """note, call, email_in, email_out, promise, dispute, task, plan"""
    at: datetime
    subject: str = ""
    body: str = ""
    about: str = ""
    """The record it is about: `receivable/R-104`."""


RECORDS: dict[str, type[Record]] = {
    cls.kind: cls
    for cls in (
        Customer, Contact, Ticket, Supplier, PurchaseOrder, GoodsReceipt, Invoice, CreditNote,
        Quote, SalesOrder, Payment, Receivable, Activity,
    )
}  # fmt: skip
"""Every canonical record by its kind."""

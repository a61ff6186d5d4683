"""The canonical operations: one name, one argument schema and one meaning, whatever system stands behind it.

A connector offers those its system can do; workers, policies and playbooks are written against these names and so move
from one ERP to the next. Over 300 lines because it is one table. A plugin may add operations of its own beside them.
"""

from collections.abc import Iterable
from datetime import date

from pydantic import Field

from ..core.action import Reversibility
from ..core.money import Currency, Exact
from .base import Arguments, Operation


class ById(Arguments):
    """One record by its id."""

    id: str = Field(min_length=1)


class FindCustomer(Arguments):
    """Customers by an identifier; give one."""

    email: str = ""
    name: str = ""


class FindTickets(Arguments):
    """Tickets of one requester or customer."""

    requester: str = ""
    customer_id: str = ""


class FindSuppliers(Arguments):
    """The vendor master; all of it where nothing is given."""

    name: str = ""
    tax_id: str = ""


class OfOrder(Arguments):
    """Records that belong to one order."""

    order_id: str = Field(min_length=1)


class OfParty(Arguments):
    """Records that belong to one customer or supplier."""

    party_id: str = Field(min_length=1)


class FindInvoices(Arguments):
    """Invoices of one party, or on one order; give one."""

    party_id: str = ""
    order_id: str = ""
    number: str = ""


class OfCustomer(Arguments):
    """Records of one customer."""

    customer_id: str = Field(min_length=1)


class RouteTicket(Arguments):
    """Where a ticket goes, and what it is."""

    ticket_id: str
    queue: str
    priority: int = Field(ge=1, le=4)
    language: str = "en"
    tags: tuple[str, ...] = ()


class ReplyTicket(Arguments):
    """A reply to the requester of a ticket."""

    ticket_id: str
    to: str
    subject: str
    body: str = Field(min_length=1, max_length=8000)
    template: str = ""
    """The approved template it was filled from."""


class MergeTicket(Arguments):
    """A ticket that repeats another."""

    ticket_id: str
    duplicate_of: str


class PostInvoice(Arguments):
    """An invoice to be booked and paid as billed."""

    invoice_id: str
    amount: Exact
    currency: Currency
    iban: str = ""
    """The account it will be paid to, from the vendor master."""


class ShortPay(PostInvoice):
    """An invoice to be booked at less than billed."""

    reason: str = Field(min_length=1)


class HoldInvoice(Arguments):
    """An invoice that waits for something."""

    invoice_id: str
    reason: str = Field(min_length=1)
    until: date | None = None


class RejectInvoice(Arguments):
    """An invoice that is sent back."""

    invoice_id: str
    reason: str = Field(min_length=1)
    duplicate_of: str = ""


class BlockInvoice(Arguments):
    """An invoice that nobody may pay before a fraud review."""

    invoice_id: str
    reason: str = Field(min_length=1)


class RequestCorrection(Arguments):
    """A mail to the supplier that asks for a corrected invoice."""

    invoice_id: str
    to: str
    subject: str
    body: str = Field(min_length=1, max_length=8000)


class CreditMemo(Arguments):
    """A credit to a customer against one invoice."""

    invoice_id: str
    amount: Exact
    currency: Currency
    reason: str = Field(min_length=1)


class SendReminder(Arguments):
    """A payment reminder to a customer."""

    customer_id: str
    receivable_ids: tuple[str, ...] = Field(min_length=1)
    level: int = Field(ge=1, le=4)
    to: str
    subject: str
    body: str = Field(min_length=1, max_length=8000)
    template: str = ""
    amount: Exact
    currency: Currency


class CallTask(Arguments):
    """A call that a person should make."""

    customer_id: str
    phone: str
    note: str = Field(min_length=1)
    due: date
    about: str = ""


class OfferPlan(Arguments):
    """An offer to pay in instalments."""

    customer_id: str
    receivable_ids: tuple[str, ...] = Field(min_length=1)
    to: str
    subject: str
    body: str = Field(min_length=1, max_length=8000)
    template: str = ""
    instalments: int = Field(ge=2, le=24)
    first_due: date
    amount: Exact
    currency: Currency


class HoldDunning(Arguments):
    """No more dunning on some receivables for a while."""

    customer_id: str
    receivable_ids: tuple[str, ...] = Field(min_length=1)
    reason: str = Field(min_length=1)
    until: date | None = None


class LogPromise(Arguments):
    """A promise to pay, noted on the account."""

    customer_id: str
    receivable_ids: tuple[str, ...] = Field(min_length=1)
    promised_on: date
    amount: Exact
    currency: Currency


class EscalateAccount(Arguments):
    """An account that somebody with more authority should take."""

    customer_id: str
    reason: str = Field(min_length=1)
    to_role: str = "credit_manager"


class WriteOff(Arguments):
    """Receivables that are given up."""

    customer_id: str
    receivable_ids: tuple[str, ...] = Field(min_length=1)
    amount: Exact
    currency: Currency
    reason: str = Field(min_length=1)


class AgencyHandover(WriteOff):
    """Receivables that a collection agency takes over."""

    agency: str = Field(min_length=1)


def _read(name: str, arguments: type[Arguments], target: str, summary: str) -> Operation:
    return Operation(name=name, effect=False, summary=summary, arguments=arguments, target=target, idempotent=True)


def _effect(
    name: str,
    arguments: type[Arguments],
    target: str,
    summary: str,
    *,
    undo: Reversibility = Reversibility.IRREVERSIBLE,
    authority: tuple[str, ...] = (),
    editable: tuple[str, ...] = (),
    money: str = "",
) -> Operation:
    return Operation(
        name=name,
        effect=True,
        summary=summary,
        arguments=arguments,
        target=target,
        idempotent=True,
        reversibility=undo,
        authority=authority,
        editable=editable,
        money=money,
    )


_BACK = Reversibility.REVERSIBLE
_MEND = Reversibility.COMPENSABLE

READS: tuple[Operation, ...] = (
    _read("customer.get", ById, "customer", "One customer."),
    _read("customer.find", FindCustomer, "customer", "Customers by e-mail address or name."),
    _read("contact.list", OfParty, "contact", "The people at a customer or supplier."),
    _read("ticket.get", ById, "ticket", "One ticket."),
    _read("ticket.list", FindTickets, "ticket", "Earlier tickets of a requester or customer."),
    _read("supplier.get", ById, "supplier", "One supplier."),
    _read("supplier.list", FindSuppliers, "supplier", "The vendor master, or those in it that match."),
    _read("purchase_order.get", ById, "purchase_order", "One purchase order."),
    _read("purchase_order.list", OfParty, "purchase_order", "The orders placed with a supplier."),
    _read("goods_receipt.list", OfOrder, "goods_receipt", "What arrived on a purchase order."),
    _read("invoice.get", ById, "invoice", "One invoice."),
    _read("invoice.list", FindInvoices, "invoice", "Invoices of a party, on an order, or with a number."),
    _read("quote.get", ById, "quote", "One quote."),
    _read("sales_order.get", ById, "sales_order", "One sales order."),
    _read("payment.list", OfParty, "payment", "Payments of a party."),
    _read("receivable.list", OfCustomer, "receivable", "The unpaid invoices of a customer."),
    _read("receivable.get", ById, "receivable", "One unpaid invoice."),
    _read("activity.list", OfParty, "activity", "Notes, calls, mails and promises of a party, newest first."),
)

EFFECTS: tuple[Operation, ...] = (
    _effect("ticket.route", RouteTicket, "ticket", "Set queue, priority, language and tags of a ticket.",
            undo=_BACK, editable=("queue", "priority", "tags")),
    _effect("ticket.reply", ReplyTicket, "ticket", "Reply to the requester of a ticket.",
            authority=("to",), editable=("subject", "body")),
    _effect("ticket.merge", MergeTicket, "ticket", "Close a ticket as a duplicate of another.",
            undo=_BACK, editable=("duplicate_of",)),
    _effect("invoice.post", PostInvoice, "invoice", "Book a supplier's invoice and release it for payment.",
            undo=_MEND, authority=("iban", "amount"), money="amount"),
    _effect("invoice.issue", PostInvoice, "invoice", "Issue an invoice to a customer.",
            undo=_MEND, authority=("amount",), money="amount"),
    _effect("invoice.hold", HoldInvoice, "invoice", "Hold an invoice, for instance until the goods arrive.",
            undo=_BACK, editable=("reason", "until")),
    _effect("invoice.reject", RejectInvoice, "invoice", "Send an invoice back, for instance as a duplicate.",
            undo=_MEND, editable=("reason", "duplicate_of")),
    _effect("invoice.block", BlockInvoice, "invoice", "Block an invoice for a fraud review.",
            undo=_BACK, editable=("reason",)),
    _effect("invoice.request_correction", RequestCorrection, "invoice", "Ask the supplier for a corrected invoice.",
            authority=("to",), editable=("subject", "body")),
    _effect("invoice.short_pay", ShortPay, "invoice", "Book an invoice at less than billed, with the reason.",
            undo=_MEND, authority=("iban", "amount"), editable=("amount", "reason"), money="amount"),
    _effect("invoice.credit_memo", CreditMemo, "invoice", "Credit a customer against an invoice.",
            undo=_MEND, authority=("amount",), editable=("amount", "reason"), money="amount"),
    _effect("reminder.send", SendReminder, "customer", "Send a payment reminder.",
            authority=("to", "amount"), editable=("level", "subject", "body"), money="amount"),
    _effect("task.call", CallTask, "customer", "Ask a person to call the customer.",
            undo=_BACK, authority=("phone",), editable=("note", "due")),
    _effect("plan.offer", OfferPlan, "customer", "Offer payment in instalments.",
            authority=("to", "amount"), editable=("instalments", "first_due", "subject", "body"), money="amount"),
    _effect("dunning.hold", HoldDunning, "customer", "Stop dunning on some receivables for a while.",
            undo=_BACK, editable=("reason", "until")),
    _effect("promise.log", LogPromise, "customer", "Note a promise to pay.",
            undo=_BACK, editable=("promised_on", "amount"), money="amount"),
    _effect("account.escalate", EscalateAccount, "customer", "Hand an account to somebody with more authority.",
            undo=_BACK, editable=("reason", "to_role")),
    _effect("receivable.write_off", WriteOff, "customer", "Give receivables up.",
            undo=_MEND, authority=("amount",), editable=("reason",), money="amount"),
    _effect("receivable.agency", AgencyHandover, "customer", "Hand receivables to a collection agency.",
            authority=("agency", "amount"), editable=("reason",), money="amount"),
)  # fmt: skip

CANONICAL: dict[str, Operation] = {operation.name: operation for operation in (*READS, *EFFECTS)}
"""Every canonical operation by name."""


def offered(names: Iterable[str]) -> dict[str, Operation]:
    """The canonical operations called `names`, for a connector's `operations`."""
    return {name: CANONICAL[name] for name in names}

"""What triage hands on: a dispute to the invoices worker, a promise, a payment or a plan to collections, as a case of its own."""

from typing import Any

from ..core.case import TicketItem
from ..tools.desk import Desk
from .entities import EntityKind
from .ticket_reading import Read

_HANDED_AS = {"invoices": "billing_dispute", "collections": "promise_to_pay"}


def handoffs(desk: Desk, read: Read) -> tuple[TicketItem, ...]:
    """The case of its own that another worker takes, where the requester is a customer on record."""
    hands_to = read.intent.hands_to
    if not read.known or hands_to is None or read.customer is None or read.instructions:
        return ()
    kind = _HANDED_AS[hands_to]
    payload = _dispute(read) if hands_to == "invoices" else _promise(read)
    item = desk.item.model_copy(
        update={
            "external_id": f"{desk.item.external_id}/{read.intent.intent}",
            "kind": kind,
            "subject": f"{read.intent.intent.replace('_', ' ')}: {read.ticket.subject}"[:120],
            "party": read.customer.name,
            "priority": read.intent.priority,
            "due_at": None,
            "payload": payload,
        }
    )
    return (item,)


def _dispute(read: Read) -> dict[str, Any]:
    """The ticket's words, with the invoice where exactly one of the customer's own is mentioned."""
    payload: dict[str, Any] = {"ticket": read.ticket.id, "requester": read.ticket.requester, "body": read.ticket.body}
    if len(read.invoices) == 1:
        payload["ref"] = read.invoices[0].id
    return payload


def _promise(read: Read) -> dict[str, Any]:
    """What the text promises; collections compares every word of it with the account."""
    assert read.customer is not None
    payload: dict[str, Any] = {
        "ref": read.customer.id,
        "ticket": read.ticket.id,
        "intent": read.intent.intent,
        "body": read.ticket.body,
    }
    days = [one.day for one in read.mentions if one.kind is EntityKind.DATE and one.day is not None and one.certain]
    amounts = [one.money for one in read.mentions if one.kind is EntityKind.AMOUNT and one.money is not None]
    if len(days) == 1:
        payload["promised_on"] = days[0].isoformat()
    if len(amounts) == 1:
        payload["amount"], payload["currency"] = format(amounts[0].amount, "f"), amounts[0].currency
    numbers = {one.value for one in read.mentions if one.kind is EntityKind.INVOICE}
    named = [one.id for one in read.receivables if {one.id, one.invoice_number} & numbers]
    # What is no receivable of this customer is named all the same, so that collections asks instead of taking another one.
    foreign = numbers - {name for one in read.receivables for name in (one.id, one.invoice_number)}
    if named or foreign:
        payload["receivable_ids"] = [*named, *sorted(foreign)]
    return payload

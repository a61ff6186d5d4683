"""What to do with a customer's invoice, and with a customer's dispute about one.

A clean draft is issued; one that departs from order or quote is held for a person. A dispute is credited where the invoice
bills more than the records support, by exactly that much less what was credited before; where they do not support it, a
person answers.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ..connectors.records import CreditNote, Invoice
from ..core.action import Proposal
from ..core.money import Money
from ..core.noun import Noun
from ..tools.desk import Desk
from .discrepancy import ZERO
from .invoice_settings import InvoiceSettings
from .quote_to_cash import SalesMatch
from .worker import Assessment

_SENT = frozenset({"posted", "part_paid", "paid"})


class Billing(Noun):
    """A customer's invoice and its comparison with order and quote."""

    invoice: Invoice
    match: SalesMatch
    credited: Decimal = ZERO
    """What was credited against it before."""
    instructions: bool = False
    """The customer's text tries to give orders to its reader."""


def facts(found: Billing) -> dict[str, Any]:
    """What the policy may look at."""
    match = found.match
    return {
        "price_variance_percent": match.price_variance_percent,
        "price_effect": Money(amount=match.price_effect, currency=found.invoice.currency),
        "exceptions": len(match.exceptions),
        "order_found": match.order_found,
        "totals_consistent": match.totals_consistent,
        "instructions_in_text": found.instructions,
        "invoice_status": found.invoice.status,
        "discount_percent": match.discount_percent,
        "approved_discount": match.approved_discount,
    }


def release(desk: Desk, found: Billing, settings: InvoiceSettings) -> Assessment:
    """Issue a draft that agrees with order and quote; hold one that does not, and ask a person to settle it."""
    invoice, match = found.invoice, found.match
    if match.exceptions:
        reason = told(match)
        held = {"invoice_id": invoice.id, "reason": reason}
        proposal = _proposal(desk, "invoice.hold", found, held, reason, settings.sure("hold"), (1, 11))
        return Assessment(
            proposals=(proposal,),
            question=f"Held; please settle it with sales. {reason}",
            summary=f"Invoice {invoice.number}: {reason}",
        )
    arguments = {"invoice_id": invoice.id, "amount": invoice.payable, "currency": invoice.currency}
    why = f"Invoice and order {match.order_id} agree, and so does the quote behind it."
    proposal = _proposal(desk, "invoice.issue", found, arguments, why, match.confidence, (1, 11))
    return Assessment(proposals=(proposal,), summary=f"Invoice {invoice.number}: {why}")


def settle(desk: Desk, found: Billing, settings: InvoiceSettings) -> Assessment:
    """Credit what the records say was billed too much; ask a person where they do not."""
    invoice = found.invoice
    if invoice.status not in _SENT:
        question = (
            f"Invoice {invoice.number} is disputed, but it is {invoice.status}: there is nothing to credit yet. Please answer."
        )
        return Assessment(question=question, summary=question)
    amount = min(found.match.overbilled, invoice.gross) - found.credited
    if amount <= 0:
        open_points = f" Other points: {told(found.match)}" if found.match.exceptions else ""
        credited = f" {found.credited:,} {invoice.currency} were credited before." if found.credited else ""
        question = f"The records do not support the dispute of invoice {invoice.number}.{credited}{open_points} Please answer."
        return Assessment(question=question, summary=f"Invoice {invoice.number} is disputed; the records agree with it.")
    desk.conclude("billed beyond order and agreed prices, with tax", amount, "less what was credited before")
    reason = told(found.match)
    arguments = {"invoice_id": invoice.id, "amount": amount, "currency": invoice.currency, "reason": reason}
    sure = settings.sure("credit_memo")
    proposal = _proposal(desk, "invoice.credit_memo", found, arguments, reason, sure, (1, 11, 12))
    summary = f"Invoice {invoice.number} is disputed; the records support a credit of {amount:,} {invoice.currency}."
    return Assessment(proposals=(proposal,), summary=summary)


def credited(invoice: Invoice, others: Sequence[Invoice]) -> Decimal:
    """What credit notes took back of `invoice`."""
    notes = (other for other in others if isinstance(other, CreditNote) and other.status not in ("void", "rejected"))
    return sum((note.gross for note in notes if note.corrects in (invoice.number, invoice.id)), ZERO)


def told(match: SalesMatch) -> str:
    """The exceptions in a few sentences."""
    return " ".join(one.evidence for one in match.exceptions[:3])


def _proposal(
    desk: Desk,
    operation: str,
    found: Billing,
    arguments: dict[str, Any],
    rationale: str,
    confidence: float,
    steps: tuple[int, ...],
) -> Proposal:
    return desk.propose(
        operation,
        found.invoice,
        arguments,
        confidence=confidence,
        rationale=rationale,
        labels=found.match.labels,
        steps=steps,
        facts=facts(found),
    )

"""What to do with a supplier's invoice once it is matched: one proposal, with its facts and the steps that lead to it.

Holds and blocks usually run without asking, since they can be lifted. Where somebody has to do something about one, the
assessment asks a person as well, so that the invoice does not lie there unseen.

| found | proposed |
|---|---|
| nothing | post, to the account in the vendor master |
| changed account, wrong or blocked supplier, text that gives orders | block, and a person reviews it |
| the supply was billed before | reject as a duplicate |
| nothing received yet | hold for some days and look again; ask a person once it has waited too long |
| overbilled in price or quantity, by a small amount | short-pay what order and receipts support |
| less received than billed, by a large amount | the same, for the rest |
| ordered after the fact, consignment | hold, and a person decides |
| no or a wrong order number, wrong price, tax, totals, currency, too much | ask the supplier for a correction |

The correction goes to the supplier's address in the vendor master; without one the invoice is held and a person asks.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ..connectors.records import Invoice, Supplier
from ..core.action import Proposal
from ..core.iban import bare_account
from ..core.money import Money, round_minor
from ..core.noun import Noun
from ..tools.desk import Desk
from .debtor_zones import country_code
from .discrepancy import ZERO, Discrepancy
from .invoice_settings import InvoiceSettings, filled
from .matching import Match
from .worker import Assessment

_CHECKED = (1, 2, 3, 4, 5, 6)
_PAYABLE_IN_PART = frozenset({"price_variance", "qty_over_received", "qty_over_po"})
_SOMEBODY_ELSES = frozenset({"after_the_fact_po", "consignment_invoice"})
_NO_ORDER = frozenset({"missing_po", "po_reference_mismatch"})


class Payable(Noun):
    """A supplier's invoice, its supplier and its match."""

    invoice: Invoice
    supplier: Supplier | None
    match: Match
    today: date
    sender: dict[str, Any] = {}
    """What the ticket tells about who sent it; facts for the policy."""


def decide(desk: Desk, found: Payable, settings: InvoiceSettings) -> Assessment:
    """The one action that a person would most likely take, and what a person has to settle beside it."""
    if found.match.route == "auto_post":
        return _alone(found, _post(desk, found))
    if found.match.route == "hold_for_receipt":
        reason = f"Nothing has been received on order {found.match.order_id}."
        return _wait(desk, found, settings, reason, found.match.confidence)
    if found.match.route == "reject_duplicate":
        return _alone(found, _reject(desk, found))
    if found.match.route == "block_fraud_review":
        proposal = _block(desk, found)
        told = f"Blocked; please review for fraud. {proposal.rationale}"
        return _alone(found, proposal, question=f"{told} {_callback(found)}".rstrip())
    return _choose(desk, found, settings)


def facts(found: Payable) -> dict[str, Any]:
    """What the policy may look at."""
    invoice, supplier, match = found.invoice, found.supplier, found.match
    return {
        "match_type": match.match_type or None,
        "price_variance_percent": match.price_variance_percent,
        "price_effect": Money(amount=match.price_effect, currency=invoice.currency),
        "exceptions": len(match.exceptions),
        "bank_matches_master": match.bank_matches_master,
        "supplier_known": match.supplier_known,
        "supplier_blocked": match.supplier_blocked,
        "order_found": match.order_found,
        "receipt_complete": match.receipt_complete,
        "totals_consistent": match.totals_consistent,
        "duplicate_suspected": bool(match.duplicate_of),
        "days_since_bank_change": _account_age(supplier, found.today),
        "days_dated_ahead": max(0, (invoice.issue_date - found.today).days),
        "instructions_in_text": match.instructions_in_text,
        "invoice_status": invoice.status,
        "iban_country_matches": _at_home(supplier),
        "account_name_check": str(supplier.extra.get("account_name_check", "not_checked")) if supplier else None,
        **found.sender,
    }


def supported(invoice: Invoice, match: Match) -> Decimal | None:
    """What order and receipts support of an overbilled invoice, with tax; None where that cannot be told line by line."""
    if set(match.labels) - _PAYABLE_IN_PART or any(one.line is None for one in match.exceptions):
        return None
    rates: dict[int | None, Decimal] = {line.line: line.tax_rate for line in invoice.lines}
    excess = sum((effect * (100 + rates.get(line, ZERO)) / 100 for line, effect in _per_line(match.exceptions).items()), ZERO)
    return round_minor(invoice.payable - excess, invoice.currency)


def _per_line(exceptions: tuple[Discrepancy, ...]) -> Mapping[int | None, Decimal]:
    """Excess by line; a quantity beyond order and receipts counts once, by the larger of the two."""
    price: dict[int | None, Decimal] = {}
    quantity: dict[int | None, Decimal] = {}
    for one in exceptions:
        if one.label == "price_variance":
            price[one.line] = price.get(one.line, ZERO) + one.effect
        else:
            quantity[one.line] = max(quantity.get(one.line, ZERO), one.effect)
    return {line: price.get(line, ZERO) + quantity.get(line, ZERO) for line in {**price, **quantity}}


def _post(desk: Desk, found: Payable) -> Proposal:
    invoice, match = found.invoice, found.match
    iban = found.supplier.iban if found.supplier else ""
    arguments = {"invoice_id": invoice.id, "amount": invoice.payable, "currency": invoice.currency, "iban": iban}
    agree = "order, receipt and invoice" if match.match_type == "3way" else "order and invoice"
    why = f"{agree[0].upper()}{agree[1:]} agree ({match.order_id}); the account is the one in the vendor master."
    return _proposal(desk, "invoice.post", found, arguments, why, match.confidence, (*_CHECKED, 10))


def _wait(desk: Desk, found: Payable, settings: InvoiceSettings, reason: str, confidence: float) -> Assessment:
    """Hold for some days, after which the queue brings it back; ask a person once that has gone on too long."""
    waited = (found.today - (found.invoice.received_on or found.invoice.issue_date)).days
    until = found.today + timedelta(days=settings.hold_days)
    arguments = {"invoice_id": found.invoice.id, "reason": reason, "until": until}
    proposal = _proposal(desk, "invoice.hold", found, arguments, reason, confidence, (*_CHECKED, 8))
    late = waited > settings.hold_limit_days
    return _alone(
        found, proposal, question=f"{reason} The invoice has waited {waited} days; please ask purchasing." if late else ""
    )


def _reject(desk: Desk, found: Payable) -> Proposal:
    copy = next(one for one in found.match.exceptions if one.label == "duplicate")
    reason = f"Already billed by invoice {copy.found}."
    arguments = {"invoice_id": found.invoice.id, "reason": reason, "duplicate_of": found.match.duplicate_of}
    return _proposal(desk, "invoice.reject", found, arguments, copy.evidence, found.match.confidence, (*_CHECKED,))


def _block(desk: Desk, found: Payable) -> Proposal:
    reason = _told(found.match)
    arguments = {"invoice_id": found.invoice.id, "reason": reason}
    return _proposal(desk, "invoice.block", found, arguments, reason, found.match.confidence, (1, 2, 3, 7))


def _choose(desk: Desk, found: Payable, settings: InvoiceSettings) -> Assessment:
    labels, supplier = set(found.match.labels), found.supplier
    if labels & _SOMEBODY_ELSES:
        return _hold(desk, found, settings, _told(found.match))
    amount = supported(found.invoice, found.match)
    if amount is not None and ZERO < found.invoice.payable - amount <= settings.short_pay_limit and amount > 0:
        return _alone(found, _short_pay(desk, found, settings, amount))
    if labels == {"qty_over_received"}:
        return _wait(desk, found, settings, f"The rest of the delivery is awaited. {_told(found.match)}", settings.sure("hold"))
    if supplier is None or not supplier.email:
        return _hold(desk, found, settings, f"The supplier has no address on record to ask. {_told(found.match)}")
    return _alone(found, _ask(desk, found, supplier, settings))


def _hold(desk: Desk, found: Payable, settings: InvoiceSettings, reason: str) -> Assessment:
    arguments = {"invoice_id": found.invoice.id, "reason": reason}
    proposal = _proposal(desk, "invoice.hold", found, arguments, reason, settings.sure("hold"), (*_CHECKED, 8))
    return _alone(found, proposal, question=f"Please decide. {reason}")


def _alone(found: Payable, proposal: Proposal, *, question: str = "") -> Assessment:
    summary = f"Invoice {found.invoice.number}: {proposal.rationale}"
    return Assessment(proposals=(proposal,), question=question, summary=summary)


def _short_pay(desk: Desk, found: Payable, settings: InvoiceSettings, amount: Decimal) -> Proposal:
    invoice = found.invoice
    desk.conclude("amount that order and receipts support", amount, f"{invoice.payable - amount:,} less than billed")
    arguments = {
        "invoice_id": invoice.id,
        "amount": amount,
        "currency": invoice.currency,
        "iban": found.supplier.iban if found.supplier else "",
        "reason": _told(found.match),
    }
    why = f"Pay {amount:,} of {invoice.payable:,} {invoice.currency}. {_told(found.match)}"
    return _proposal(desk, "invoice.short_pay", found, arguments, why, settings.sure("short_pay"), (*_CHECKED, 9))


def _ask(desk: Desk, found: Payable, supplier: Supplier, settings: InvoiceSettings) -> Proposal:
    invoice, match = found.invoice, found.match
    no_order = bool(set(match.labels) & _NO_ORDER)
    values = {
        "invoice": invoice.number,
        "supplier": supplier.name,
        "order": match.order_id or "number",
        "date": invoice.issue_date.isoformat(),
        "amount": f"{invoice.payable:,} {invoice.currency}",
        "points": "\n".join(f"- {one.evidence}" for one in match.exceptions),
    }
    subject, body = filled(settings.templates["order_number" if no_order else "correction"], values)
    arguments = {"invoice_id": invoice.id, "to": supplier.email, "subject": subject, "body": body}
    sure = settings.sure("request_correction")
    return _proposal(
        desk, "invoice.request_correction", found, arguments, _told(match), sure, (*_CHECKED, 3 if no_order else 9)
    )


def _proposal(
    desk: Desk,
    operation: str,
    found: Payable,
    arguments: Mapping[str, Any],
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
        steps=tuple(dict.fromkeys(steps)),
        facts={name: value for name, value in facts(found).items() if value is not None},
    )


def _told(match: Match) -> str:
    return " ".join(one.evidence for one in match.exceptions[:3]) + (" …" if len(match.exceptions) > 3 else "")


def _callback(found: Payable) -> str:
    """The call that settles a changed account: to the number in the vendor master, never to one from the invoice."""
    supplier = found.supplier
    if supplier is None or "bank_detail_change" not in found.match.labels:
        return ""
    if not supplier.phone:
        return f"The vendor master has no number of {supplier.name}; ask purchasing for one. Call no number from the invoice."
    return f"Call {supplier.name} at {supplier.phone}, the number in the vendor master, and none from the invoice."


def _at_home(supplier: Supplier | None) -> bool | None:
    """Whether the account on record is in the supplier's country; None where one of the two is not known."""
    if supplier is None:
        return None
    account, country = bare_account(supplier.iban)[:2], country_code(supplier.country)
    return account == country if country and account.isalpha() else None


def _account_age(supplier: Supplier | None, today: date) -> int | None:
    """Days since the account on record changed; one that never changed is as old as the supplier's record."""
    since = (supplier.bank_changed_on or supplier.created) if supplier else None
    return (today - since).days if since else None

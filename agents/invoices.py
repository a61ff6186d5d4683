"""The invoices worker: suppliers' invoices, customers' invoices before they go out, and billing disputes.

The embedded brain is deterministic. Its confidence in post, hold for receipt, reject and block is the match's (see
`matching`); where the next step is a choice among several that are defensible (short-pay, correction, hold, credit memo) it
is the playbook's figure for that choice, so that a person looks at it.
"""

from typing import ClassVar

from ..connectors.records import CreditNote, Customer, GoodsReceipt, Invoice, PurchaseOrder, Quote, SalesOrder, Supplier
from ..core.clock import today
from ..core.errors import NotFound
from ..core.evidence import Trust
from ..guardrails.screening import instructions_in_text
from ..guardrails.senders import sender_facts
from ..tools.desk import Desk
from .billing import Billing, credited, release, settle
from .discrepancy import FRAUD, Discrepancy
from .invoice_settings import InvoiceSettings
from .matching import edits, match
from .payable import Payable, decide
from .playbook import Playbook
from .quote_to_cash import compare
from .worker import Assessment, Worker

_UNDECIDED = frozenset({"draft", "held", "other"})


class Invoices(Worker):
    """Takes supplier invoices, customer invoices and billing disputes."""

    name: ClassVar[str] = "invoices"
    takes: ClassVar[frozenset[str]] = frozenset({"supplier_invoice", "customer_invoice", "billing_dispute"})

    def __init__(self, playbook: Playbook | None = None) -> None:
        super().__init__(playbook)
        self.settings = InvoiceSettings.of(self.playbook)

    def investigate(self, desk: Desk) -> object:
        """Read the invoice and everything it is compared with; a Payable, a Billing, or in words what is missing."""
        if desk.item.kind == "billing_dispute":
            return self._disputed(desk)
        reference = _reference(desk)
        invoice = desk.one("invoice.get", Invoice, id=reference)
        if invoice is None:
            return f"Invoice {reference!r} of {desk.item.source} is not on record, so nobody can say what it bills."
        _show(desk, invoice)
        if isinstance(invoice, CreditNote):
            money = f"{invoice.gross:,f} {invoice.currency}"
            return f"{invoice.number} is a credit note over {money}, so it is no bill to post. Please book it."
        if desk.item.kind == "customer_invoice":
            return self._billing(desk, invoice)
        return self._payable(desk, invoice)

    def assess(self, desk: Desk, findings: object) -> Assessment:
        """Propose the one action that a person would most likely take."""
        if not isinstance(findings, Payable | Billing):
            return Assessment(question=str(findings), summary=str(findings))
        invoice = findings.invoice
        if desk.item.kind == "billing_dispute":
            assert isinstance(findings, Billing)
            return settle(desk, findings, self.settings)
        if invoice.status not in _UNDECIDED:
            return Assessment(summary=f"Invoice {invoice.number} is {invoice.status} already.")
        if isinstance(findings, Payable):
            return decide(desk, findings, self.settings)
        return release(desk, findings, self.settings)

    def _payable(self, desk: Desk, invoice: Invoice) -> Payable:
        orders = self._orders(desk, invoice)
        receipts = [found for order in orders for found in desk.read("goods_receipt.list", GoodsReceipt, order_id=order.id)]
        earlier = _bills(desk, invoice, [order.id for order in orders])
        suppliers = _suppliers(desk, invoice, earlier)
        found = match(invoice, orders, receipts, suppliers, earlier, self.settings)
        supplier = next((one for one in suppliers if one.id == found.supplier_id), None)
        _show_supplier(desk, supplier, invoice)
        _show_order(desk, [order for order in orders if order.id == found.order_id], receipts)
        _show_exceptions(desk, found.exceptions)
        known = [supplier.email] if supplier and supplier.email else []
        sender = sender_facts(desk.item.payload, subject=desk.item.subject, known=known)
        return Payable(invoice=invoice, supplier=supplier, match=found, today=today(desk.clock), sender=sender)

    def _orders(self, desk: Desk, invoice: Invoice) -> list[PurchaseOrder]:
        """The order on the invoice, or the supplier's orders whose number is a slip of the pen away."""
        written = invoice.order_id.strip()
        if not written:
            return []
        exact = desk.read("purchase_order.get", PurchaseOrder, id=written)
        if exact or not invoice.party_id:
            return exact
        try:
            placed = desk.read("purchase_order.list", PurchaseOrder, party_id=invoice.party_id)
        except NotFound:
            # A system that cannot list orders leaves only the exact number; the invoice then counts as without an order.
            return []
        return [order for order in placed if edits(written, order.id) <= self.settings.order_typo_distance]

    def _billing(self, desk: Desk, invoice: Invoice) -> Billing:
        order = desk.one("sales_order.get", SalesOrder, id=invoice.order_id) if invoice.order_id else None
        quote = desk.one("quote.get", Quote, id=order.quote_id) if order and order.quote_id else None
        others = desk.read("invoice.list", Invoice, party_id=invoice.party_id) if invoice.party_id else []
        found = compare(invoice, order, quote, others, self.settings)
        for record in (order, quote):
            if record is not None:
                for name in ("terms_days", "discount_percent"):
                    desk.cite(f"{record.kind} {record.id} {name}", getattr(record, name), of=record)
        if quote is not None:
            desk.cite(f"quote {quote.id} approved_by", quote.approved_by, of=quote)
        _show_exceptions(desk, found.exceptions)
        said = str(desk.item.payload.get("body", ""))
        return Billing(
            invoice=invoice,
            match=found,
            credited=credited(invoice, others),
            instructions=instructions_in_text(f"{said}\n{invoice.note}") is not None,
        )

    def _disputed(self, desk: Desk) -> Billing | str:
        """The invoice that a customer disputes: only one of the requester's own, whatever the text says."""
        payload = desk.item.payload
        said = f"{desk.item.subject}\n{payload.get('body', '')}"
        desk.quote("dispute", said)
        requester = str(payload.get("requester", ""))
        customer = desk.one("customer.find", Customer, email=requester) if requester else None
        if customer is None:
            return f"{requester or 'The requester'} is no customer on record, so no invoice can be looked at."
        desk.cite("requester is customer", customer.id, of=customer)
        named = {str(payload.get(key, "")) for key in ("invoice", "invoice_id", "ref")}
        billed = [one for one in desk.read("invoice.list", Invoice, party_id=customer.id) if one.kind == "invoice"]
        meant = [one for one in billed if {one.id, one.number} & named] or [
            one for one in billed if _mentions(said, one.number)
        ]
        if len(meant) != 1:
            count = f"{len(meant)} invoices" if meant else "no invoice"
            return f"{customer.name} disputes a bill, but the text names {count} of theirs. Please ask which one is meant."
        _show(desk, meant[0])
        return self._billing(desk, meant[0])


def _reference(desk: Desk) -> str:
    return str(desk.item.payload.get("ref") or desk.item.external_id)


def _mentions(text: str, number: str) -> bool:
    words = {word.strip(".,;:!?()[]\"'").casefold() for word in text.split()}
    return number.casefold() in words


def _bills(desk: Desk, invoice: Invoice, order_ids: list[str]) -> list[Invoice]:
    """Other invoices of this supplier, with this number, or on these orders; each once."""
    found: dict[str, Invoice] = {}
    wanted: list[dict[str, str]] = [{"number": invoice.number}]
    wanted += [{"party_id": invoice.party_id}] if invoice.party_id else []
    wanted += [{"order_id": order} for order in dict.fromkeys([*order_ids, invoice.order_id]) if order]
    for arguments in wanted:
        found.update({other.id: other for other in desk.read("invoice.list", Invoice, **arguments)})
    return [other for other in found.values() if other.id != invoice.id and other.direction == invoice.direction]


def _suppliers(desk: Desk, invoice: Invoice, earlier: list[Invoice]) -> list[Supplier]:
    """The invoice's supplier as the vendor master has it, and those of earlier bills by somebody else."""
    ids = dict.fromkeys([invoice.party_id, *(other.party_id for other in earlier)])
    found = [one for party in ids if party for one in desk.read("supplier.get", Supplier, id=party)]
    if not invoice.party_id:
        by_tax = desk.read("supplier.list", Supplier, tax_id=invoice.party_tax_id) if invoice.party_tax_id else []
        found += by_tax or (desk.read("supplier.list", Supplier, name=invoice.party_name) if invoice.party_name else [])
    return found


def _show(desk: Desk, invoice: Invoice) -> None:
    for name in ("status", "issue_date", "net", "tax", "gross", "payable", "currency"):
        desk.cite(f"invoice {invoice.number} {name}", getattr(invoice, name), of=invoice)
    if invoice.order_id:
        desk.cite("order on the invoice", invoice.order_id, of=invoice, trust=Trust.UNTRUSTED)
    if invoice.iban:
        desk.cite("account on the invoice", invoice.iban, of=invoice, trust=Trust.UNTRUSTED, note="never paid to")
    if invoice.note:
        desk.quote("note on the invoice", invoice.note)


def _show_supplier(desk: Desk, supplier: Supplier | None, invoice: Invoice) -> None:
    if supplier is None:
        desk.conclude("supplier", "none", f"{invoice.party_name or 'The supplier'} is not in the vendor master")
        return
    for name in ("name", "iban", "email", "bank_changed_on"):
        if getattr(supplier, name):
            desk.cite(f"supplier {supplier.id} {name}", getattr(supplier, name), of=supplier)


def _show_order(desk: Desk, orders: list[PurchaseOrder], receipts: list[GoodsReceipt]) -> None:
    for order in orders:
        desk.cite(f"order {order.id} date", order.date, of=order)
        for line in order.lines:
            desk.cite(f"order {order.id} line {line.line}", f"{line.quantity:f} at {line.price:f}", of=order)
        for receipt in receipts:
            if receipt.order_id == order.id:
                arrived = ", ".join(f"line {line.line}: {line.quantity:f}" for line in receipt.lines)
                desk.cite(f"receipt {receipt.id} of {receipt.date}", arrived, of=receipt)


def _show_exceptions(desk: Desk, exceptions: tuple[Discrepancy, ...]) -> None:
    for one in exceptions:
        # What a fraud is known by are the sender's own words, which must not come back as a fact.
        lay = desk.quote if one.label in FRAUD else desk.conclude
        lay(one.label, f"{one.found}, expected {one.expected}", one.evidence)

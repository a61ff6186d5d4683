"""The 2-way and 3-way match: what an invoice claims against what was ordered, received and billed before.

Pure arithmetic over records; tolerances come from the playbook. Labels and their meaning stand in `discrepancy`.

Earlier bills on the same order are set off against order and receipts; see `match_quantities`. A bill that is being repeated
is not set off: the repetition is the exception, not the quantity.

Confidence: 0.99 for what is arithmetic; 0.95 for a similar order number, a dissimilar name and the screening of text;
graded for disguised duplicates (see `duplicates`); 0.9 for a clean two-way match where the same supplier billed the same
amount days away, because no receipt tells the two apart. A match is as sure as its least certain finding.
"""

from collections.abc import Sequence

from ..connectors.records import GoodsReceipt, Invoice, MatchType, PurchaseOrder, Supplier
from ..core.money import Exact
from ..core.noun import Noun
from . import invoice_lines, match_checks
from .discrepancy import EXACT, FRAUD, SIMILAR, ZERO, Discrepancy
from .duplicates import Duplicate, bare_iban, counted, duplicate, near_miss
from .invoice_settings import InvoiceSettings
from .match_quantities import quantities, room


class Match(Noun):
    """What the comparison found."""

    exceptions: tuple[Discrepancy, ...] = ()
    order_id: str = ""
    """The order that was matched; empty where there is none."""
    order_found: bool = False
    """The order as written exists and is the supplier's."""
    match_type: str = ""
    """3way, 2way or consignment; empty without an order."""
    supplier_id: str = ""
    supplier_known: bool = False
    supplier_blocked: bool = False
    bank_matches_master: bool = False
    totals_consistent: bool = True
    receipt_complete: bool = True
    duplicate_of: str = ""
    """The id of the invoice that billed the same supply."""
    instructions_in_text: bool = False
    price_variance_percent: Exact = ZERO
    """The largest over all lines, within tolerance or not."""
    price_effect: Exact = ZERO
    """What price differences cost over all lines, within tolerance or not."""
    confidence: float = EXACT

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the exceptions, each once, in alphabetical order."""
        return tuple(sorted({exception.label for exception in self.exceptions}))

    @property
    def route(self) -> str:
        """Where the invoice goes: the strictest of what its labels ask for."""
        labels = set(self.labels)
        if labels & FRAUD:
            return "block_fraud_review"
        if "duplicate" in labels:
            return "reject_duplicate"
        if labels == {"missing_goods_receipt"}:
            return "hold_for_receipt"
        return "human_review" if labels else "auto_post"


def match(
    invoice: Invoice,
    orders: Sequence[PurchaseOrder],
    receipts: Sequence[GoodsReceipt],
    suppliers: Sequence[Supplier],
    earlier: Sequence[Invoice],
    settings: InvoiceSettings,
) -> Match:
    """Compare `invoice` with the records; `earlier` may hold any invoices, those that do not count are left out."""
    order, reference = _order(invoice, orders, settings)
    supplier = _supplier(invoice, suppliers)
    arrived = [receipt for receipt in receipts if order and receipt.order_id == order.id]
    before = [other for other in counted(invoice, earlier) if order and other.order_id in (order.id, invoice.order_id)]
    left = room(invoice, order, arrived, before, settings)
    copy = duplicate(invoice, earlier, suppliers, settings, left=left, order_id=order.id if order else "")
    before = [other for other in before if copy is None or other.id != copy.invoice_id]
    prices = match_checks.prices(invoice, order) if order else []
    exceptions = (
        *reference,
        *match_checks.parties(invoice, order, supplier, settings),
        *match_checks.screened(invoice),
        *match_checks.conditions(invoice, order),
        *[price for price in prices if match_checks.intolerable(price, settings)],
        *(quantities(invoice, order, arrived, before, settings) if order else ()),
        *match_checks.taxes(invoice, order, settings),
        *match_checks.totals(invoice, settings),
        *_copied(invoice, copy),
    )
    labels = {exception.label for exception in exceptions}
    unsure = not labels and order is not None and order.match is MatchType.TWO_WAY and near_miss(invoice, earlier, settings)
    return Match(
        exceptions=exceptions,
        order_id=order.id if order else "",
        order_found=order is not None and not reference and match_checks.belongs(order, supplier),
        match_type=str(order.match) if order else "",
        supplier_id=supplier.id if supplier else "",
        supplier_known=supplier is not None and "vendor_mismatch" not in labels,
        supplier_blocked=supplier is not None and supplier.blocked,
        bank_matches_master=supplier is not None and bool(supplier.iban) and "bank_detail_change" not in labels,
        totals_consistent="arithmetic_error" not in labels,
        receipt_complete=not labels & {"missing_goods_receipt", "qty_over_received"},
        duplicate_of=copy.invoice_id if copy else "",
        instructions_in_text="prompt_injection" in labels,
        price_variance_percent=max((match_checks.percent(price) for price in prices), default=ZERO),
        price_effect=sum((abs(price.effect) for price in prices), ZERO),
        confidence=min([0.9 if unsure else EXACT, *(exception.confidence for exception in exceptions)]),
    )


def _order(
    invoice: Invoice, orders: Sequence[PurchaseOrder], settings: InvoiceSettings
) -> tuple[PurchaseOrder | None, list[Discrepancy]]:
    written = invoice.order_id.strip()
    exact = next((order for order in orders if order.id.casefold() == written.casefold()), None)
    if exact and exact.status not in ("cancelled", "void"):
        return exact, []
    slip = _slip(invoice, written, orders, settings)
    if slip:
        return slip, [
            Discrepancy(
                label="po_reference_mismatch",
                expected=slip.id,
                found=written,
                effect=invoice.payable,
                confidence=SIMILAR,
                evidence=f"Order {written} is unknown; {slip.id} of the same supplier has the same articles and prices.",
            )
        ]
    state = "is cancelled" if exact else "is unknown" if written else "is not given"
    return None, [
        Discrepancy(
            label="missing_po",
            expected="an open purchase order",
            found=written or "none",
            effect=invoice.payable,
            evidence=f"The order {written!r} {state}." if written else "The invoice names no order.",
        )
    ]


def _slip(invoice: Invoice, written: str, orders: Sequence[PurchaseOrder], settings: InvoiceSettings) -> PurchaseOrder | None:
    near = [
        order
        for order in orders
        if written
        and order.supplier_id == invoice.party_id
        and order.status not in ("cancelled", "void")
        and 0 < edits(written, order.id) <= settings.order_typo_distance
        and None not in invoice_lines.pair(invoice.lines, order.lines)
        and not any(match_checks.intolerable(price, settings) for price in match_checks.prices(invoice, order))
    ]
    return min(near, key=lambda order: edits(written, order.id), default=None)


def edits(first: str, second: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment)."""
    rows = [list(range(len(second) + 1))]
    for i, left in enumerate(first, 1):
        row = [i]
        for j, right in enumerate(second, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (left != right))
            if i > 1 and j > 1 and left == second[j - 2] and first[i - 2] == right:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def _supplier(invoice: Invoice, suppliers: Sequence[Supplier]) -> Supplier | None:
    by_id = next((supplier for supplier in suppliers if supplier.id == invoice.party_id), None)
    if by_id or invoice.party_id:
        return by_id
    tax = bare_iban(invoice.party_tax_id)
    by_tax = next((supplier for supplier in suppliers if tax and bare_iban(supplier.tax_id) == tax), None)
    name = invoice.party_name.casefold()
    return by_tax or next((supplier for supplier in suppliers if name and supplier.name.casefold() == name), None)


def _copied(invoice: Invoice, copy: Duplicate | None) -> list[Discrepancy]:
    if copy is None:
        return []
    return [
        Discrepancy(
            label="duplicate",
            expected="a supply that was not billed yet",
            found=copy.number,
            effect=invoice.payable,
            evidence=copy.evidence,
            confidence=copy.confidence,
        )
    ]

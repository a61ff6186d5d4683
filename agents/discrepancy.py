"""Discrepancies: one exception of a match, and the words for all of them.

What each label means:

* `missing_po`: no order, one that nobody knows, or a cancelled one. `po_reference_mismatch`: the number is a slip of the pen
  away from an order of the same supplier with the same articles and prices; the match goes on against that order.
* `vendor_mismatch`: the order is another supplier's, or name or tax id are not those of the vendor master.
* `bank_detail_change`: the account is not the one in the vendor master, spaces and case aside.
* `supplier_blocked`, `consignment_invoice`, `currency_mismatch`, `after_the_fact_po` (ordered after it was billed).
* `price_variance`: beyond the percentage *and* the effect. In another currency prices are not compared.
* `qty_over_po`: billed, with earlier bills, more than ordered. `missing_goods_receipt`: a three-way order without any
  receipt. `qty_over_received`: billed, with earlier bills, more than received.
* `tax_variance`: a rate that is not the order's, or a tax that is not what lines and rates give. `arithmetic_error`: lines,
  net, tax, gross and payable do not add up.
* `duplicate`: the same supply was billed before; see `duplicates`.
* `prompt_injection`: note or descriptions try to give orders to whoever reads them.
"""

from decimal import Decimal

from ..core.money import Exact
from ..core.noun import Noun

FRAUD = frozenset({"bank_detail_change", "vendor_mismatch", "prompt_injection", "supplier_blocked"})
"""Labels that send an invoice to a fraud review."""

ZERO = Decimal(0)
EXACT = 0.99
SIMILAR = 0.95


class Discrepancy(Noun):
    """One exception."""

    label: str
    line: int | None = None
    """The invoice's line number; None where it concerns the whole invoice."""
    expected: str
    found: str
    effect: Exact = ZERO
    """What it costs, in the invoice's currency, without tax."""
    evidence: str
    """One sentence for the approver."""
    confidence: float = EXACT

"""The seeded specification of the embedded company: its size, its rates, and where each rate comes from.

Rates are of real life; `enrichment` multiplies those of rare cases (up to 1 %) and, above 1, makes sure that each occurs.
"""

from datetime import date
from typing import Self

from pydantic import Field

from ..core.noun import Noun

MATCHES = {"3way_invoice_before_gr": 0.878, "3way_invoice_after_gr": 0.06, "consignment": 0.058, "2way": 0.004}
"""How purchase orders are matched (BPI Challenge 2019, 251,734 items)."""

EXCEPTIONS = {
    "price_variance": 0.047,
    "qty_over_po": 0.015,
    "qty_over_received": 0.025,
    "missing_goods_receipt": 0.079,
    "after_the_fact_po": 0.019,
    "missing_po": 0.010,
    "tax_variance": 0.006,
    "arithmetic_error": 0.004,
    "po_reference_mismatch": 0.004,
    "currency_mismatch": 0.002,
    "duplicate_exact": 0.004,
    "duplicate_disguised": 0.006,
    "bank_fraud": 0.00045,
    "bank_legit": 0.00255,
    "vendor_lookalike": 0.001,
    "injection": 0.002,
    "price_and_quantity": 0.004,
}
"""Exceptions per supplier invoice: price, receipts and late orders after BPI 2019; rare risks anchored on APQC and Capgemini;
the rest is our setting. A bank change is 0.3 %, of which 15 % are fraud."""

TRAPS = {
    "iban_formatting_only": 0.04,
    "price_delta_within_2pct": 0.07,
    "price_delta_small_effect": 0.02,
    "two_receipts_sum_to_invoice": 0.064,
    "partial_delivery_partial_invoice": 0.05,
    "equal_second_instalment_on_same_po": 0.03,
    "same_amount_same_vendor_other_period": 0.04,
    "1_cent_rounding": 0.02,
    "vendor_alias_on_invoice": 0.02,
    "bank_changed_in_master": 0.01,
}
"""Shares of the clean invoices that look like an exception and are none (several receipts: BPI 2019; the rest our setting)."""

SALES_ANOMALIES = {
    "price_mismatch": 0.04,
    "terms_mismatch": 0.03,
    "unapproved_discount": 0.03,
    "qty_over_order": 0.02,
    "missing_order": 0.015,
}
"""Anomalies per customer invoice before it is issued; our setting."""

WAITS = {
    "order_to_invoice": (156.0, 1018.0),
    "order_to_receipt": (308.0, 1063.0),
    "booking_to_clear": (866.0, 2480.0),
}
"""Waits in hours, as median and 95th percentile (BPI Challenge 2019)."""

LATE_PROPENSITY = (0.38, 0.69)
"""Beta distribution of how likely a customer is to pay late (IBM accounts receivable sample)."""
LATENESS = (1.71, 5.67)
"""Gamma distribution (shape, scale) of the days late, given late (same sample)."""
DISPUTED = 0.227
"""Share of customer invoices that are disputed at some time (same sample)."""
HEAVY_ARM = 0.05
"""Share of customers that pay 60 to 180 days late; our setting, because that sample has hardly any."""
DEFAULTS = 0.03
"""Share of the heavy customers' invoices that are never paid; our setting."""

OUT_OF_SCOPE = 0.14
"""Share of tickets that the desk has no business with."""
REPEATED = 0.05
"""Share of tickets that repeat an earlier one."""
FOREIGN = 0.04
"""Share of tickets in German or French."""
TICKET_INJECTION = 0.002
"""Share of tickets that try to give instructions to the worker."""

SIGMA = 1.3
"""Spread of the lognormal amounts; the median depends on the party."""
REVIEW_MINUTES = (2.5, 0.6)
"""Median and sigma of the lognormal minutes a person needs for a case."""

RARE = 0.0101
"""Rates up to here are rare, and are enriched."""


class CompanySize(Noun):
    """How much waits, and how much lies behind it."""

    tickets: int = Field(default=120, ge=0)
    supplier_invoices: int = Field(default=140, ge=0)
    customer_invoices: int = Field(default=20, ge=0)
    overdue_accounts: int = Field(default=60, ge=0)
    earlier_invoices: int = Field(default=840, ge=0)
    """Supplier invoices of the last year that are booked or paid."""

    @classmethod
    def of(cls, total: int) -> Self:
        """`total` waiting cases, in the proportions of the default company."""
        share = cls()
        counts = [share.supplier_invoices, share.customer_invoices, share.overdue_accounts]
        whole = share.tickets + sum(counts)
        bills, sales, accounts = (max(1, total * count // whole) for count in counts)
        tickets = max(1, total - bills - sales - accounts)
        return cls(
            tickets=tickets,
            supplier_invoices=bills,
            customer_invoices=sales,
            overdue_accounts=accounts,
            earlier_invoices=bills * 6,
        )

    @property
    def suppliers(self) -> int:
        """How many suppliers there are."""
        return 12 + self.supplier_invoices * 2 // 5


class CompanySpec(Noun):
    """Everything that decides what the company looks like; equal specs give equal companies."""

    seed: int = 7
    size: CompanySize = CompanySize()
    today: date
    enrichment: float = Field(default=4.0, ge=1.0)
    """1.0 is real life: a demo of 140 invoices would then hardly show a fraud."""
    broken_rows: bool = True
    """Whether a few rows break their data contract, for the quarantine."""


def counted(rates: dict[str, float], total: int, enrichment: float) -> dict[str, int]:
    """How many of `total` fall to each kind, by largest remainder; at least two of each where enriched and there is room."""
    exact = {kind: total * rate * (enrichment if rate <= RARE else 1.0) for kind, rate in rates.items()}
    counts = {kind: int(value) for kind, value in exact.items()}
    spare = round(sum(exact.values())) - sum(counts.values())
    for kind in sorted(exact, key=lambda kind: (counts[kind] - exact[kind], kind))[:spare]:
        counts[kind] += 1
    floor = 0 if enrichment <= 1.0 else 2 if total >= 6 * len(rates) else 1 if total >= 2 * len(rates) else 0
    return {kind: max(count, floor) for kind, count in counts.items()}

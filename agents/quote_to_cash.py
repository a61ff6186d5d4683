"""Quote to cash: what a customer's invoice claims against the sales order and the quote behind it.

Quotes and orders state list prices; their discount comes off, rounded to the currency's minor unit. Labels:

* `missing_order`: no order, one that nobody knows, or another customer's.
* `price_mismatch`: a unit price that is not the order's less its discount, or an order that departs from its quote.
* `qty_over_order`: invoiced, with earlier invoices, more than ordered, or an article that was not ordered.
* `terms_mismatch`: a due date that is not the agreed terms after the invoice date, or an order whose terms are not the
  quote's.
* `unapproved_discount`: a discount above the limit that nobody approved on the quote, or above what the quote gave.
* `quote_expired` (ordered after the quote's last day), `currency_mismatch`, `tax_variance`, `arithmetic_error`.

All of it is arithmetic over records, so the confidence is 0.99.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ..connectors.records import Invoice, OrderLine, Quote, SalesOrder
from ..core.money import Exact, round_minor
from ..core.noun import Noun
from . import invoice_lines, match_checks
from .discrepancy import EXACT, ZERO, Discrepancy
from .duplicates import counted
from .invoice_settings import InvoiceSettings

SALES_LABELS = (
    "arithmetic_error", "currency_mismatch", "missing_order", "price_mismatch", "qty_over_order", "quote_expired",
    "tax_variance", "terms_mismatch", "unapproved_discount",
)  # fmt: skip
"""Every label a comparison can carry."""


class SalesMatch(Noun):
    """What the comparison found."""

    exceptions: tuple[Discrepancy, ...] = ()
    order_id: str = ""
    order_found: bool = False
    discount_percent: Exact = ZERO
    """The discount on the order."""
    approved_discount: bool = True
    """No discount needs an approval that it lacks."""
    totals_consistent: bool = True
    price_variance_percent: Exact = ZERO
    price_effect: Exact = ZERO
    overbilled: Exact = ZERO
    """What the invoice bills beyond order and agreed prices, with tax."""
    confidence: float = EXACT

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the exceptions, each once, in alphabetical order."""
        return tuple(sorted({exception.label for exception in self.exceptions}))


def compare(
    invoice: Invoice,
    order: SalesOrder | None,
    quote: Quote | None,
    earlier: Sequence[Invoice],
    settings: InvoiceSettings,
) -> SalesMatch:
    """Compare a customer's invoice with its order and quote; `earlier` may hold any invoices of the customer."""
    if order is not None and order.customer_id != invoice.party_id:
        order = None
    before = [other for other in counted(invoice, earlier) if order and other.order_id == order.id]
    prices = list(_prices(invoice, order, settings)) if order else []
    quantities = list(_quantities(invoice, order, before)) if order else []
    exceptions = (
        *_missing(invoice, order),
        *prices,
        *quantities,
        *(_terms(invoice, order, settings) if order else ()),
        *(_quoted(order, quote, settings) if order and quote else ()),
        *_discount(order, quote, settings),
        *match_checks.taxes(invoice, order, settings),
        *match_checks.totals(invoice, settings),
    )
    labels = {exception.label for exception in exceptions}
    return SalesMatch(
        exceptions=exceptions,
        order_id=order.id if order else "",
        order_found=order is not None,
        discount_percent=order.discount_percent if order else ZERO,
        approved_discount="unapproved_discount" not in labels,
        totals_consistent="arithmetic_error" not in labels,
        price_variance_percent=max((match_checks.percent(price) for price in prices), default=ZERO),
        price_effect=sum((abs(price.effect) for price in prices), ZERO),
        overbilled=_with_tax(invoice, [*prices, *quantities]),
    )


def agreed(line: OrderLine, discount_percent: Decimal, currency: str) -> Decimal:
    """The unit price of a line less the discount; without one it keeps all its digits."""
    return round_minor(line.price * (100 - discount_percent) / 100, currency) if discount_percent else line.price


def _missing(invoice: Invoice, order: SalesOrder | None) -> Iterable[Discrepancy]:
    if order is None:
        yield Discrepancy(
            label="missing_order",
            expected="a sales order of this customer",
            found=invoice.order_id or "none",
            effect=invoice.payable,
            evidence=f"{invoice.order_id} is not an order of customer {invoice.party_id}."
            if invoice.order_id
            else "The invoice names no order.",
        )
    elif order.currency != invoice.currency:
        yield Discrepancy(
            label="currency_mismatch",
            expected=order.currency,
            found=invoice.currency,
            effect=invoice.payable,
            evidence=f"Order {order.id} is in {order.currency}, the invoice in {invoice.currency}.",
        )


def _prices(invoice: Invoice, order: SalesOrder, settings: InvoiceSettings) -> Iterable[Discrepancy]:
    if order.currency != invoice.currency:
        return
    for line, position in zip(invoice.lines, invoice_lines.pair(invoice.lines, order.lines), strict=True):
        if position is None:
            continue
        price = agreed(order.lines[position], order.discount_percent, order.currency)
        if abs(line.price - price) > settings.sales_price_tolerance:
            yield Discrepancy(
                label="price_mismatch",
                line=line.line,
                expected=f"{price:f}",
                found=f"{line.price:f}",
                effect=(line.price - price) * line.quantity,
                evidence=f"Line {line.line}: {line.price:,} invoiced, {price:,} agreed on order {order.id}.",
            )


def _quantities(invoice: Invoice, order: SalesOrder, before: Sequence[Invoice]) -> Iterable[Discrepancy]:
    spent = invoice_lines.billed([line for other in before for line in other.lines], order.lines)
    left = {position: line.quantity - spent.get(position, ZERO) for position, line in enumerate(order.lines)}
    for line, position in zip(invoice.lines, invoice_lines.pair(invoice.lines, order.lines), strict=True):
        room = max(left[position], ZERO) if position is not None else ZERO
        if position is not None:
            left[position] -= line.quantity
        if line.quantity > room and line.net > 0:
            price = (
                agreed(order.lines[position], order.discount_percent, order.currency) if position is not None else line.price
            )
            yield Discrepancy(
                label="qty_over_order",
                line=line.line,
                expected=f"{room:f}",
                found=f"{line.quantity:f}",
                effect=(line.quantity - room) * price,
                evidence=f"Line {line.line}: {line.quantity:f} invoiced, {room:f} ordered and not invoiced before.",
            )


def _terms(invoice: Invoice, order: SalesOrder, settings: InvoiceSettings) -> Iterable[Discrepancy]:
    days = (invoice.due_date - invoice.issue_date).days if invoice.due_date else None
    if days is not None and abs(days - order.terms_days) > settings.terms_tolerance_days:
        yield Discrepancy(
            label="terms_mismatch",
            expected=f"{order.terms_days} days",
            found=f"{days} days",
            evidence=f"Due {days} days after the invoice date; order {order.id} says {order.terms_days}.",
        )


def _quoted(order: SalesOrder, quote: Quote, settings: InvoiceSettings) -> Iterable[Discrepancy]:
    if quote.valid_until and order.date > quote.valid_until:
        yield Discrepancy(
            label="quote_expired",
            expected=f"ordered by {quote.valid_until}",
            found=str(order.date),
            evidence=f"Quote {quote.id} was valid until {quote.valid_until}; order {order.id} is of {order.date}.",
        )
    if order.terms_days != quote.terms_days:
        yield Discrepancy(
            label="terms_mismatch",
            expected=f"{quote.terms_days} days",
            found=f"{order.terms_days} days",
            evidence=f"Order {order.id} gives {order.terms_days} days to pay, quote {quote.id} gave {quote.terms_days}.",
        )
    for line in order.lines:
        offered = next((other for other in quote.lines if (other.line, other.sku) == (line.line, line.sku)), None)
        if offered and abs(offered.price - line.price) > settings.sales_price_tolerance:
            yield Discrepancy(
                label="price_mismatch",
                line=line.line,
                expected=f"{offered.price:f}",
                found=f"{line.price:f}",
                evidence=f"Order {order.id} line {line.line}: {line.price:,}, quoted {offered.price:,} on {quote.id}.",
            )


def _discount(order: SalesOrder | None, quote: Quote | None, settings: InvoiceSettings) -> Iterable[Discrepancy]:
    given = order.discount_percent if order else ZERO
    quoted = quote.discount_percent if quote else ZERO
    approver = quote.approved_by if quote else ""
    limit = max(quoted if approver else ZERO, settings.discount_needs_approval_percent)
    if given > limit or (quote is not None and given > quoted):
        yield Discrepancy(
            label="unapproved_discount",
            expected=f"at most {quoted if quote is not None and approver else limit:f} %",
            found=f"{given:f} %",
            evidence=f"{given:f} % discount on the order; quote: {quoted:f} %, approved by {approver or 'nobody'}.",
        )


def _with_tax(invoice: Invoice, found: Sequence[Discrepancy]) -> Decimal:
    rates = {line.line: line.tax_rate for line in invoice.lines}
    total = sum((one.effect * (100 + rates.get(one.line or 0, ZERO)) / 100 for one in found), ZERO)
    return max(round_minor(total, invoice.currency), ZERO)

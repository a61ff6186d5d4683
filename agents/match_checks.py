"""What can be checked on an invoice line by line and field by field; each check yields its discrepancies."""

from collections.abc import Iterable
from decimal import Decimal

from ..connectors.records import Invoice, MatchType, PurchaseOrder, SalesOrder, Supplier
from ..guardrails.screening import instructions_in_text
from . import invoice_lines
from .discrepancy import EXACT, SIMILAR, Discrepancy
from .duplicates import bare_iban, names_alike
from .invoice_settings import InvoiceSettings


def belongs(order: PurchaseOrder, supplier: Supplier | None) -> bool:
    """Whether the order was placed with that supplier."""
    return supplier is not None and order.supplier_id == supplier.id


def parties(
    invoice: Invoice, order: PurchaseOrder | None, supplier: Supplier | None, settings: InvoiceSettings
) -> Iterable[Discrepancy]:
    """Whether supplier, order and account belong together as the vendor master has them."""

    def mismatch(expected: str, found: str, evidence: str, confidence: float = EXACT) -> Discrepancy:
        return Discrepancy(
            label="vendor_mismatch",
            expected=expected,
            found=found,
            effect=invoice.payable,
            evidence=evidence,
            confidence=confidence,
        )

    if supplier is None:
        yield mismatch(
            "a supplier in the vendor master", invoice.party_name or "none", "The vendor master has no such supplier."
        )
        return
    if order and not belongs(order, supplier):
        yield mismatch(order.supplier_id, supplier.id, f"Order {order.id} was placed with {order.supplier_id}.")
    names = (supplier.name, *supplier.aliases)
    if invoice.party_name and not any(names_alike(name, invoice.party_name, settings) for name in names):
        yield mismatch(supplier.name, invoice.party_name, "The name is not that of the vendor master.", SIMILAR)
    tax = bare_iban(invoice.party_tax_id)
    if tax and supplier.tax_id and tax != bare_iban(supplier.tax_id):
        yield mismatch(supplier.tax_id, invoice.party_tax_id, "The tax id is not that of the vendor master.")
    if bare_iban(invoice.iban) and bare_iban(invoice.iban) != bare_iban(supplier.iban):
        yield Discrepancy(
            label="bank_detail_change",
            expected=supplier.iban or "an account in the vendor master",
            found=invoice.iban,
            effect=invoice.payable,
            evidence="The account on the invoice is not the supplier's account in the vendor master.",
        )
    if supplier.blocked:
        yield Discrepancy(
            label="supplier_blocked",
            expected="open",
            found="blocked",
            effect=invoice.payable,
            evidence=f"Supplier {supplier.id} is blocked in the vendor master.",
        )


def screened(invoice: Invoice) -> Iterable[Discrepancy]:
    """Text on the invoice that gives orders to its reader."""
    texts = (invoice.note, *(line.description for line in invoice.lines))
    said = next((text for text in texts if text and instructions_in_text(text)), "")
    if said:
        yield Discrepancy(
            label="prompt_injection",
            expected="a description",
            found=said[:200],
            evidence="Text on the invoice tries to give orders to whoever reads it.",
            confidence=SIMILAR,
        )


def conditions(invoice: Invoice, order: PurchaseOrder | None) -> Iterable[Discrepancy]:
    """Currency, date and kind of the order."""
    if order is None:
        return
    checks = (
        ("currency_mismatch", order.currency, invoice.currency, order.currency != invoice.currency),
        ("after_the_fact_po", f"on or before {invoice.issue_date}", str(order.date), order.date > invoice.issue_date),
        ("consignment_invoice", "settled by us", "billed by the supplier", order.match is MatchType.CONSIGNMENT),
    )
    for label, expected, found, wrong in checks:
        if wrong:
            yield Discrepancy(
                label=label,
                expected=expected,
                found=found,
                effect=invoice.payable,
                evidence=f"Order {order.id}: {found}, expected {expected}.",
            )


def prices(invoice: Invoice, order: PurchaseOrder) -> list[Discrepancy]:
    """Every price difference, within tolerance or not."""
    if order.currency != invoice.currency:
        return []
    positions = invoice_lines.pair(invoice.lines, order.lines)
    return [
        Discrepancy(
            label="price_variance",
            line=line.line,
            expected=format(order.lines[position].price, "f"),
            found=format(line.price, "f"),
            effect=(line.price - order.lines[position].price) * line.quantity,
            evidence=f"Line {line.line}: {line.price:,} billed, {order.lines[position].price:,} on order {order.id}.",
        )
        for line, position in zip(invoice.lines, positions, strict=True)
        if position is not None and line.price != order.lines[position].price
    ]


_BEYOND = Decimal(10) ** 9
"""A percentage above which the figure says no more."""


def percent(price: Discrepancy) -> Decimal:
    """A price difference in percent of the order's price."""
    expected, found = Decimal(price.expected), Decimal(price.found)
    return round(min(abs(found - expected) / abs(expected) * 100, _BEYOND), 4) if expected else Decimal(100)


def intolerable(price: Discrepancy, settings: InvoiceSettings) -> bool:
    """Whether a price difference is beyond the percentage and the effect that are let through."""
    expected, found = Decimal(price.expected), Decimal(price.found)
    beyond = abs(found - expected) * 100 > settings.price_tolerance_percent * abs(expected)
    return beyond and abs(price.effect) > settings.price_tolerance_effect


def taxes(invoice: Invoice, order: PurchaseOrder | SalesOrder | None, settings: InvoiceSettings) -> Iterable[Discrepancy]:
    """Rates that are not the order's, and a tax that is not what lines and rates give."""
    positions = invoice_lines.pair(invoice.lines, order.lines) if order else [None] * len(invoice.lines)
    for line, position in zip(invoice.lines, positions, strict=True):
        agreed = order.lines[position].tax_rate if order and position is not None else line.tax_rate
        if line.tax_rate != agreed:
            yield Discrepancy(
                label="tax_variance",
                line=line.line,
                expected=f"{agreed:f} %",
                found=f"{line.tax_rate:f} %",
                effect=line.net * (line.tax_rate - agreed) / 100,
                evidence=f"Line {line.line}: {line.tax_rate:f} % tax billed, {agreed:f} % on the order.",
            )
    due = sum((line.net * line.tax_rate / 100 for line in invoice.lines), Decimal(0))
    net = sum((line.net for line in invoice.lines), Decimal(0))
    # Charges for the whole document are taxed too; where lines do not give the net, `totals` says so and this would repeat it.
    whole = invoice.lines and settings.within(net, invoice.net, len(invoice.lines))
    if whole and not settings.within(due, invoice.tax, len(invoice.lines)):
        yield Discrepancy(
            label="tax_variance",
            expected=f"{due:.2f}",
            found=f"{invoice.tax:f}",
            effect=invoice.tax - due,
            evidence=f"The lines and their rates give {due:,.2f} tax; the invoice bills {invoice.tax:,}.",
        )


def totals(invoice: Invoice, settings: InvoiceSettings) -> Iterable[Discrepancy]:
    """Sums on the invoice that do not add up."""
    for line in invoice.lines:
        if not settings.within(line.quantity * line.price, line.net, 1):
            yield _sum(line.line, line.quantity * line.price, line.net, f"Line {line.line}: quantity times price")
    lines = sum((line.net for line in invoice.lines), Decimal(0))
    if invoice.lines and not settings.within(lines, invoice.net, len(invoice.lines)):
        yield _sum(None, lines, invoice.net, "Net: the lines together")
    if not settings.within(invoice.net + invoice.tax, invoice.gross):
        yield _sum(None, invoice.net + invoice.tax, invoice.gross, "Gross: net and tax")
    if min(invoice.gross, invoice.payable) < 0:
        yield Discrepancy(
            label="arithmetic_error",
            expected="an amount of at least zero",
            found=f"{min(invoice.gross, invoice.payable):f}",
            effect=invoice.payable,
            evidence=f"The invoice asks for {invoice.payable:,f}; what takes money back is a credit note.",
        )
    if invoice.payable - invoice.gross > settings.payable_rounding:
        yield _sum(None, invoice.gross, invoice.payable, "Payable: gross")


def _sum(line: int | None, expected: Decimal, found: Decimal, what: str) -> Discrepancy:
    return Discrepancy(
        label="arithmetic_error",
        line=line,
        expected=f"{expected:.2f}",
        found=f"{found:f}",
        effect=found - expected,
        evidence=f"{what} give {expected:,.2f}; the invoice says {found:,}.",
    )

"""Quantities: what is billed against what was ordered, what arrived and what was billed before.

Bills with lines are set off line by line. Where a system gives only the totals of earlier bills or of this one, they are set
off by value: their net and this bill's together may not exceed what was ordered (received) at the order's prices, give or
take the price tolerance on those without lines.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ..connectors.records import GoodsReceipt, Invoice, MatchType, PurchaseOrder
from ..core.noun import Noun
from . import invoice_lines
from .discrepancy import ZERO, Discrepancy
from .invoice_settings import InvoiceSettings


class Room(Noun):
    """Whether this bill has a supply of its own beside all earlier ones."""

    received: bool
    """What arrived covers it too; on an order without receipts: what was ordered does."""
    ordered: bool
    """What was ordered covers it too."""


def room(
    invoice: Invoice,
    order: PurchaseOrder | None,
    receipts: Sequence[GoodsReceipt],
    before: Sequence[Invoice],
    settings: InvoiceSettings,
) -> Room:
    """Whether order and receipts leave room for `invoice`; none where there is no order."""
    if order is None:
        return Room(received=False, ordered=False)
    labels = {found.label for found in quantities(invoice, order, receipts, before, settings)}
    over = "qty_over_po" in labels
    return Room(
        received=not labels & {"missing_goods_receipt", "qty_over_received"} and not _beyond(order, over), ordered=not over
    )


def quantities(
    invoice: Invoice,
    order: PurchaseOrder,
    receipts: Sequence[GoodsReceipt],
    before: Sequence[Invoice],
    settings: InvoiceSettings,
) -> list[Discrepancy]:
    """What is billed beyond the order or beyond its receipts, with `before` set off."""
    ordered = {position: line.quantity for position, line in enumerate(order.lines)}
    arrived = invoice_lines.received(receipts, order.lines)
    found = [*_unordered(invoice, order), *_excess("qty_over_po", ordered, invoice, order, before, settings)]
    if order.match is not MatchType.THREE_WAY:
        return found
    if not any(arrived.values()):
        return [*found, _nothing_arrived(invoice, order)]
    return [*found, *_excess("qty_over_received", arrived, invoice, order, before, settings)]


def _beyond(order: PurchaseOrder, over: bool) -> bool:
    return order.match is not MatchType.THREE_WAY and over


def _excess(
    label: str,
    limit: dict[int, Decimal],
    invoice: Invoice,
    order: PurchaseOrder,
    before: Sequence[Invoice],
    settings: InvoiceSettings,
) -> Iterable[Discrepancy]:
    billed = invoice_lines.billed(invoice.lines, order.lines)
    spent = invoice_lines.billed([line for other in before for line in other.lines], order.lines)
    numbers = _line_numbers(invoice, order)
    exact = [
        _over(
            label, numbers[position], billed[position], limit.get(position, ZERO) - spent.get(position, ZERO), order, position
        )
        for position in sorted(billed)
        if billed[position] > max(limit.get(position, ZERO) - spent.get(position, ZERO), ZERO)
    ]
    return exact or _excess_by_value(label, limit, invoice, order, before, settings)


def _excess_by_value(
    label: str,
    limit: dict[int, Decimal],
    invoice: Invoice,
    order: PurchaseOrder,
    before: Sequence[Invoice],
    settings: InvoiceSettings,
) -> list[Discrepancy]:
    spent = sum((other.net for other in before if not other.lines), ZERO)
    lined = invoice_lines.billed([line for other in before for line in other.lines], order.lines)
    left = invoice_lines.value(limit, order.lines) - invoice_lines.value(lined, order.lines) - spent
    unlined = ZERO if invoice.lines else invoice.net
    slack = (spent + unlined) * settings.price_tolerance_percent / 100 + settings.totals_tolerance
    cost = unlined or invoice_lines.value(invoice_lines.billed(invoice.lines, order.lines), order.lines)
    if not (spent or unlined) or cost <= left + slack:
        return []
    return [
        Discrepancy(
            label=label,
            expected=f"{max(left, ZERO):.2f}",
            found=f"{cost:.2f}",
            effect=cost - max(left, ZERO),
            evidence=f"Order {order.id}: after earlier bills {max(left, ZERO):,.2f} is left at the order's prices, "
            f"and {cost:,.2f} is billed.",
        )
    ]


def _over(label: str, line: int, billed: Decimal, left: Decimal, order: PurchaseOrder, position: int) -> Discrepancy:
    left = max(left, ZERO)
    what = "ordered" if label == "qty_over_po" else "received"
    return Discrepancy(
        label=label,
        line=line,
        expected=f"{left:f}",
        found=f"{billed:f}",
        effect=(billed - left) * order.lines[position].price,
        evidence=f"Line {line}: {billed:f} billed, {left:f} {what} and not billed before.",
    )


def _unordered(invoice: Invoice, order: PurchaseOrder) -> Iterable[Discrepancy]:
    for line, position in zip(invoice.lines, invoice_lines.pair(invoice.lines, order.lines), strict=True):
        if position is None and line.net > 0:
            yield Discrepancy(
                label="qty_over_po",
                line=line.line,
                expected="0",
                found=f"{line.quantity:f}",
                effect=line.net,
                evidence=f"Line {line.line} ({line.sku or 'no article'}) is not on order {order.id}.",
            )


def _nothing_arrived(invoice: Invoice, order: PurchaseOrder) -> Discrepancy:
    return Discrepancy(
        label="missing_goods_receipt",
        expected="a goods receipt",
        found="none",
        effect=invoice.net,
        evidence=f"Nothing has been received on order {order.id}.",
    )


def _line_numbers(invoice: Invoice, order: PurchaseOrder) -> dict[int, int]:
    positions = invoice_lines.pair(invoice.lines, order.lines)
    return {position: line.line for line, position in zip(invoice.lines, positions, strict=True) if position is not None}

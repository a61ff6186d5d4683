"""Which line of an invoice, a receipt or an earlier bill belongs to which line of the order.

A line number with the same article wins; then the article alone (the unused line nearest in price); then the line number
where one side names no article; then the same description. Positions in the order stand for its lines, because line
numbers may repeat.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from ..connectors.records import GoodsReceipt, InvoiceLine, OrderLine, ReceiptLine


def pair(lines: Sequence[InvoiceLine], ordered: Sequence[OrderLine]) -> list[int | None]:
    """For each invoice line the position of its order line; None where it was not ordered."""
    found: list[int | None] = [_same_number(line, ordered) for line in lines]
    used = {position for position in found if position is not None}
    for index, line in enumerate(lines):
        if found[index] is None:
            found[index] = _nearest(line, ordered, used)
            used |= {found[index]} - {None}  # type: ignore[arg-type]
    return found


def billed(lines: Sequence[InvoiceLine], ordered: Sequence[OrderLine]) -> dict[int, Decimal]:
    """Quantity that `lines` bill, by position in the order."""
    totals: dict[int, Decimal] = defaultdict(Decimal)
    for line, position in zip(lines, pair(lines, ordered), strict=True):
        if position is not None:
            totals[position] += line.quantity
    return totals


def received(receipts: Iterable[GoodsReceipt], ordered: Sequence[OrderLine]) -> dict[int, Decimal]:
    """Quantity that arrived, by position in the order."""
    totals: dict[int, Decimal] = defaultdict(Decimal)
    for receipt in receipts:
        for line in receipt.lines:
            position = _arrived(line, ordered)
            if position is not None:
                totals[position] += line.quantity
    return totals


def value(quantities: dict[int, Decimal], ordered: Sequence[OrderLine]) -> Decimal:
    """What `quantities` cost at the order's prices."""
    return sum((quantity * ordered[position].price for position, quantity in quantities.items()), Decimal(0))


def _same_number(line: InvoiceLine, ordered: Sequence[OrderLine]) -> int | None:
    for position, candidate in enumerate(ordered):
        if candidate.line == line.line and candidate.sku == line.sku and (line.sku or _alike(line, candidate)):
            return position
    return None


def _nearest(line: InvoiceLine, ordered: Sequence[OrderLine], used: set[int]) -> int | None:
    for belongs in (_same_article, _number_alone, _alike):
        near = [position for position, candidate in enumerate(ordered) if belongs(line, candidate)]
        if near:
            return min(near, key=lambda position: (position in used, abs(ordered[position].price - line.price)))
    return None


def _same_article(line: InvoiceLine, candidate: OrderLine) -> bool:
    return bool(line.sku) and line.sku == candidate.sku


def _number_alone(line: InvoiceLine, candidate: OrderLine) -> bool:
    return line.line == candidate.line and not (line.sku and candidate.sku)


def _alike(line: InvoiceLine, candidate: OrderLine) -> bool:
    words = line.description.casefold().split()
    return bool(words) and words == candidate.description.casefold().split()


def _arrived(line: ReceiptLine, ordered: Sequence[OrderLine]) -> int | None:
    for position, candidate in enumerate(ordered):
        if candidate.line == line.line and line.sku in ("", candidate.sku):
            return position
    return next((position for position, candidate in enumerate(ordered) if line.sku and candidate.sku == line.sku), None)

"""The embedded company's purchasing: orders, receipts and invoices that match, before anything goes wrong with them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from .company_names import Good
from .company_parties import Vendor
from .company_schema import Row
from .company_spec import MATCHES, SIGMA
from .company_world import World, at_work, cents, wait, worth

MATCH_WORDS = {"3way_invoice_before_gr": "3way", "3way_invoice_after_gr": "3way", "consignment": "consignment", "2way": "2way"}

Line = dict[str, Any]


@dataclass(kw_only=True)
class Purchase:
    """One purchase from order to invoice; its rows may still be bent before they are written."""

    vendor: Vendor
    invoice: Row
    order: Row | None
    receipts: list[Row] = field(default_factory=list)
    earlier: list["Purchase"] = field(default_factory=list)
    """What was billed before and belongs to its story."""
    paid_on: date | None = None

    @property
    def lines(self) -> list[Line]:
        """The invoice's lines."""
        lines: list[Line] = self.invoice["lines"]
        return lines

    def totalled(self) -> None:
        """Sum the invoice up anew after its lines changed."""
        for line in self.lines:
            line["net"] = cents(line["quantity"] * line["price"])
        net = sum((line["net"] for line in self.lines), Decimal(0))
        rates = sorted({line["tax_rate"] for line in self.lines})
        tax = sum((cents(_net_at(self.lines, rate) * rate / 100) for rate in rates), Decimal(0))
        self.invoice.update(net=net, tax=tax, gross=net + tax, payable=net + tax)

    def write(self, world: World) -> None:
        """Add every row to the world."""
        for purchase in self.earlier:
            purchase.write(world)
        if self.order is not None:
            world.rows["purchase_order"].append(self.order)
        world.rows["goods_receipt"].extend(self.receipts)
        world.rows["invoice"].append(self.invoice)
        self.vendor.amounts.add(self.invoice["gross"])
        if self.paid_on:
            _pay(world, self.invoice, self.paid_on)


Bend = Callable[[World, Random, Purchase], Purchase | None]
"""Bends a purchase; None where it does not lend itself to that."""


def draw_match(rng: Random) -> str:
    """How an order is matched, as often as in real life."""
    return rng.choices(list(MATCHES), list(MATCHES.values()))[0]


def purchase(world: World, rng: Random, vendor: Vendor, received: date, *, match: str = "3way_invoice_before_gr") -> Purchase:
    """A purchase whose order, receipts and invoice agree, received on `received`."""
    while True:
        made = _purchase(world, rng, vendor, received, match, _drawn_lines(rng, vendor))
        if made.invoice["gross"] not in vendor.amounts:
            return made


def purchase_of(world: World, rng: Random, vendor: Vendor, received: date, lines: list[Line]) -> Purchase:
    """As `purchase`, of given lines."""
    return _purchase(world, rng, vendor, received, "3way_invoice_before_gr", lines)


def consigned(world: World, rng: Random, vendor: Vendor, received: date) -> None:
    """Add a consignment order with its receipt; it is settled elsewhere and never billed by the supplier."""
    made = purchase(world, rng, vendor, received, match="consignment")
    assert made.order is not None
    world.rows["purchase_order"].append(made.order)
    world.rows["goods_receipt"].extend(made.receipts)


def line_of(number: int, good: Good, quantity: int, price: Decimal, *, domestic: bool) -> Line:
    """One line of an order or invoice."""
    return {
        "line": number,
        "sku": good.sku,
        "description": good.description,
        "quantity": Decimal(quantity),
        "unit": good.unit,
        "price": price,
        "tax_rate": Decimal(good.tax_rate if domestic else 0),
    }


def receipt_of(world: World, rng: Random, order: Row, day: date, quantities: list[Decimal]) -> Row:
    """A goods receipt of the order's lines in the given quantities."""
    lines = [
        {"line": line["line"], "sku": line["sku"], "quantity": quantity}
        for line, quantity in zip(order["lines"], quantities, strict=True)
        if quantity
    ]
    return {"version": 1, "id": world.fresh(rng, "50", 8), "order_id": order["id"], "date": day, "lines": lines}


def booked(rng: Random, made: Purchase, today: date) -> Purchase:
    """`made` as booked, and paid where its time has come."""
    matched = max([made.invoice["received_on"], *(receipt["date"] for receipt in made.receipts)])
    cleared = matched + _days(wait(rng, "booking_to_clear"))
    if cleared <= today:
        made.paid_on = cleared
        made.invoice.update(status="paid", paid=made.invoice["payable"])
    else:
        made.invoice["status"] = "posted"
    if made.order is not None and made.paid_on:
        made.order["status"] = "closed"
    if made.vendor.former_iban and made.invoice["received_on"] < made.vendor.row["bank_changed_on"]:
        made.invoice["iban"] = made.vendor.former_iban
    return made


def _purchase(world: World, rng: Random, vendor: Vendor, received: date, match: str, lines: list[Line]) -> Purchase:
    issued = received - timedelta(days=rng.choice((0, 1, 1, 2, 3)))
    ordered = min(issued - timedelta(days=1), issued - _days(wait(rng, "order_to_invoice")))
    order: Row = {
        "version": 1,
        "id": world.fresh(rng, "45", 8),
        "supplier_id": vendor.row["id"],
        "date": ordered,
        "currency": _currency(vendor),
        "match": MATCH_WORDS[match],
        "lines": [{name: value for name, value in line.items() if name != "net"} for line in lines],
        "status": "open",
        "match_variant": match,
    }
    made = Purchase(vendor=vendor, order=order, invoice=_invoice(world, rng, vendor, order, issued, received, lines))
    made.totalled()
    if match != "2way":
        arrived = _arrival(world, rng, match, ordered, issued)
        made.receipts = [receipt_of(world, rng, order, arrived, [line["quantity"] for line in lines])]
    return made


def _arrival(world: World, rng: Random, match: str, ordered: date, issued: date) -> date:
    arrived = ordered + _days(wait(rng, "order_to_receipt"))
    return min(issued, arrived) if match == "3way_invoice_after_gr" else min(world.today, arrived)


def _invoice(world: World, rng: Random, vendor: Vendor, order: Row, issued: date, received: date, lines: list[Line]) -> Row:
    return {
        "version": 1,
        "id": world.fresh(rng, "AP-", 6),
        "updated_at": at_work(rng, received),
        "number": vendor.number(rng, issued),
        "direction": "supplier",
        "status": "draft",
        "party_id": vendor.row["id"],
        "party_name": vendor.row["name"],
        "party_tax_id": vendor.row["tax_id"],
        "order_id": order["id"],
        "issue_date": issued,
        "due_date": issued + timedelta(days=vendor.row["terms_days"]),
        "received_on": received,
        "currency": order["currency"],
        "lines": [dict(line) for line in lines],
        "net": Decimal(0),
        "tax": Decimal(0),
        "gross": Decimal(0),
        "payable": Decimal(0),
        "paid": Decimal(0),
        "iban": vendor.row["iban"],
        "note": "",
        "corrects": "",
        "hold_reason": "",
        "hold_until": None,
        "holds": 0,
        "duplicate_of": "",
    }


def _drawn_lines(rng: Random, vendor: Vendor) -> list[Line]:
    total = worth(rng, vendor.median, SIGMA, 40, 90_000)
    goods = rng.sample(vendor.goods, min(len(vendor.goods), rng.choices((1, 2, 3, 4, 6), (40, 25, 17, 11, 7))[0]))
    lines = []
    for number, good in enumerate(goods, start=1):
        price = Decimal(rng.randrange(good.low, good.high + 1)).scaleb(-2)
        quantity = max(1, round(total / len(goods) / float(price)))
        lines.append(line_of(number, good, quantity, price, domestic=vendor.country.code == "DE"))
    return lines


def _pay(world: World, invoice: Row, day: date) -> None:
    rng = world.chance(f"payment/{invoice['id']}")
    world.add(
        "payment",
        id=world.fresh(rng, "PAY", 7),
        party_id=invoice["party_id"],
        invoice_id=invoice["id"],
        date=day,
        amount=invoice["payable"],
        currency=invoice["currency"],
        due_date=invoice["due_date"],
    )


def _currency(vendor: Vendor) -> str:
    return vendor.country.currency


def _net_at(lines: list[Line], rate: Decimal) -> Decimal:
    return sum((line["net"] for line in lines if line["tax_rate"] == rate), Decimal(0))


def _days(span: timedelta) -> timedelta:
    return timedelta(days=round(span / timedelta(days=1)))

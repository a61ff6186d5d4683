"""Invoices of the embedded company that look wrong and are right.

Each function bends a clean purchase and keeps it clean; it answers None where that purchase does not lend itself to it.
"""

from datetime import timedelta
from decimal import Decimal
from random import Random

from .company_names import RECURRING
from .company_purchasing import Bend, Purchase, booked, line_of, purchase_of, receipt_of
from .company_world import CENT, World, cents


def iban_formatting(_world: World, rng: Random, made: Purchase) -> Purchase:
    """The account in groups of four, or in lower case."""
    account = made.invoice["iban"]
    grouped = " ".join(account[start : start + 4] for start in range(0, len(account), 4))
    made.invoice["iban"] = rng.choice((grouped, account.lower(), grouped.lower()))
    return made


def price_within_tolerance(_world: World, rng: Random, made: Purchase) -> Purchase | None:
    """A price up to 1.9 % off, whatever it costs."""
    line = rng.choice(made.lines)
    share = Decimal(rng.randrange(4, 18)) / 1000 * rng.choice((1, 1, 1, -1))
    delta = cents(line["price"] * share)
    if not delta or abs(delta) > line["price"] * Decimal("0.0195"):
        return None
    line["price"] += delta
    made.totalled()
    return made


def price_small_effect(_world: World, rng: Random, made: Purchase) -> Purchase | None:
    """A price more than 2 % off, which costs under 4.50 in all."""
    line = min(made.lines, key=lambda line: line["net"])
    delta = cents(line["price"] * Decimal(rng.randrange(24, 90)) / 1000)
    if not 0 < delta * line["quantity"] <= Decimal("4.50") or delta <= line["price"] * Decimal("0.021"):
        return None
    line["price"] += delta
    made.totalled()
    return made


def split_receipt(world: World, rng: Random, made: Purchase) -> Purchase | None:
    """Two deliveries that add up to what is billed."""
    assert made.order is not None
    first = made.receipts[0]
    quantities = [line["quantity"] for line in made.order["lines"]]
    part = [max(Decimal(0), quantity // 2) for quantity in quantities]
    if not any(part):
        return None
    earlier = max(made.order["date"], first["date"] - timedelta(days=rng.randrange(1, 6)))
    rest = [whole - half for whole, half in zip(quantities, part, strict=True)]
    made.receipts = [
        receipt_of(world, rng, made.order, day, share) for day, share in ((earlier, part), (first["date"], rest)) if any(share)
    ]
    return made


def partial_delivery(world: World, rng: Random, made: Purchase) -> Purchase:
    """Half of the order delivered, and that half billed."""
    assert made.order is not None
    for line in made.order["lines"]:
        line["quantity"] *= 2
    made.receipts = [receipt_of(world, rng, made.order, made.receipts[0]["date"], [line["quantity"] for line in made.lines])]
    return made


def second_instalment(world: World, rng: Random, made: Purchase) -> Purchase:
    """The second of two equal deliveries, each with its receipt and its invoice."""
    assert made.order is not None
    days = rng.randrange(25, 35)
    first = purchase_of(world, rng, made.vendor, made.invoice["received_on"] - timedelta(days=days), made.lines)
    assert first.order is not None
    made.order.update(date=first.order["date"])
    for line in made.order["lines"]:
        line["quantity"] *= 2
    first.invoice["order_id"] = made.order["id"]
    quantities = [line["quantity"] for line in made.lines]
    early = min(first.receipts[0]["date"], made.receipts[0]["date"])
    made.receipts.insert(0, receipt_of(world, rng, made.order, early, quantities))
    first.order, first.receipts = None, []
    made.earlier = [booked(rng, first, world.today)]
    return made


def recurring(world: World, rng: Random, made: Purchase) -> Purchase:
    """A monthly charge: the same amount as before, for another month with an order of its own."""
    vendor, received = made.vendor, made.invoice["received_on"]
    good = rng.choice(RECURRING)
    price = Decimal(rng.randrange(good.low, good.high) // 100)
    months = []
    for back in (3, 2, 1, 0):
        day = received - timedelta(days=back * 30 + rng.randrange(0, 2) * (back > 0))
        line = line_of(1, good, 1, price, domestic=vendor.country.code == "DE")
        line["description"] = f"{good.description}, {day - timedelta(days=15):%Y-%m}"
        months.append(purchase_of(world, rng, vendor, day, [line]))
    *before, current = months
    current.invoice.update(id=made.invoice["id"], number=current.invoice["number"])
    current.earlier = [booked(rng, month, world.today) for month in before]
    return current


def rounding(_world: World, rng: Random, made: Purchase) -> Purchase | None:
    """Tax one cent off by rounding, and the gross with it."""
    if made.invoice["tax"] < 1:
        return None
    cent = rng.choice((CENT, -CENT))
    for name in ("tax", "gross", "payable"):
        made.invoice[name] += cent
    return made


def alias(_world: World, rng: Random, made: Purchase) -> Purchase | None:
    """A short form of the supplier's name that the vendor master lists."""
    if not made.vendor.row["aliases"]:
        return None
    made.invoice["party_name"] = rng.choice(made.vendor.row["aliases"])
    return made


def unbent(_world: World, _rng: Random, made: Purchase) -> Purchase:
    """Nothing; the supplier is what makes it a trap."""
    return made


TRAP_BENDS: dict[str, Bend] = {
    "iban_formatting_only": iban_formatting,
    "price_delta_within_2pct": price_within_tolerance,
    "price_delta_small_effect": price_small_effect,
    "two_receipts_sum_to_invoice": split_receipt,
    "partial_delivery_partial_invoice": partial_delivery,
    "equal_second_instalment_on_same_po": second_instalment,
    "same_amount_same_vendor_other_period": recurring,
    "1_cent_rounding": rounding,
    "vendor_alias_on_invoice": alias,
    "bank_changed_in_master": unbent,
}

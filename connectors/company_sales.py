"""The embedded company's invoices to customers that wait to be issued, with their orders and quotes."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from .company_names import GOODS, person_name
from .company_parties import Buyer
from .company_purchasing import Line, line_of
from .company_schema import Row
from .company_spec import SALES_ANOMALIES, counted
from .company_world import World, arrival_days, at_work, cents, workday, worth


def make_sales(world: World, buyers: list[Buyer]) -> None:
    """Fill in quotes, orders and draft invoices, some of which should not go out as they are."""
    rng = world.chance("sales")
    total = world.spec.size.customer_invoices
    anomalies = counted(SALES_ANOMALIES, total, world.spec.enrichment)
    kinds = [kind for kind, count in anomalies.items() for _ in range(count)]
    kinds = (kinds + ["clean"] * total)[:total]
    rng.shuffle(kinds)
    days = arrival_days(rng, world.today, 3, total)
    for kind, day in zip(kinds, days, strict=True):
        _sale(world, rng, rng.choice(buyers), kind, workday(day))


def sales_lines(rng: Random, median: float, *, domestic: bool) -> list[Line]:
    """Lines of a sale worth about `median`."""
    total = worth(rng, median, 1.0, 30, 200_000)
    goods = rng.sample(GOODS, rng.choices((1, 2, 3, 5), (45, 30, 17, 8))[0])
    return [_sales_line(rng, number, good, total / len(goods), domestic) for number, good in enumerate(goods, start=1)]


def bill(world: World, rng: Random, buyer: Buyer, lines: list[Line], day: date, **values: Any) -> Row:
    """An invoice to `buyer` over `lines`, net prices, tax and totals worked out."""
    for line in lines:
        line["net"] = cents(line["quantity"] * line["price"])
    net = sum((line["net"] for line in lines), Decimal(0))
    rates = sorted({line["tax_rate"] for line in lines})
    by_rate = {rate: sum((line["net"] for line in lines if line["tax_rate"] == rate), Decimal(0)) for rate in rates}
    tax = sum((cents(base * rate / 100) for rate, base in by_rate.items()), Decimal(0))
    row: Row = {
        "id": world.fresh(rng, "AR-", 6),
        "updated_at": at_work(rng, day),
        "number": world.fresh(rng, f"SI-{day.year}-", 6),
        "direction": "customer",
        "status": "draft",
        "party_id": buyer.row["id"],
        "party_name": buyer.row["name"],
        "party_tax_id": "",
        "order_id": "",
        "issue_date": day,
        "due_date": day + timedelta(days=buyer.row["terms_days"]),
        "received_on": None,
        "currency": buyer.row["currency"],
        "lines": lines,
        "net": net,
        "tax": tax,
        "gross": net + tax,
        "payable": net + tax,
        "paid": Decimal(0),
        "iban": "",
        "note": "",
        "corrects": "",
        "hold_reason": "",
        "hold_until": None,
        "holds": 0,
        "duplicate_of": "",
    }
    return world.add("invoice", **(row | values))


def _sale(world: World, rng: Random, buyer: Buyer, kind: str, day: date) -> None:
    discount = Decimal(rng.choices((0, 2, 5, 8, 12), (55, 10, 15, 12, 8))[0])
    if kind == "unapproved_discount":
        discount = Decimal(rng.choice((15, 18, 20, 25, 30)))
    lines = sales_lines(rng, buyer.median * 2, domestic=buyer.country.code == "DE")
    quote = _quote(world, rng, buyer, lines, day, discount, approved=kind != "unapproved_discount")
    order = _order(world, rng, quote, day)
    billed = [line | {"price": cents(line["price"] * (1 - discount / 100))} for line in lines]
    values, at_risk = _bent(world, rng, kind, order, billed, day)
    if kind == "unapproved_discount":
        at_risk = sum((cents(line["quantity"] * line["price"] * discount / 100) for line in lines), Decimal(0))
    row = bill(world, rng, buyer, billed, day, **values)
    clean = kind == "clean"
    world.judge(
        rng,
        "billing",
        row["id"],
        labels=() if clean else (kind,),
        route="issue" if clean else "human_review",
        operations=("invoice.issue",) if clean else ("invoice.hold",),
        amount_at_risk=row["gross"] if kind == "missing_order" else at_risk,
        latent_cause="none" if clean else rng.choice(("typing_error", "old_price_list", "side_agreement")),
    )


def _bent(world: World, rng: Random, kind: str, order: Row, billed: list[Line], day: date) -> tuple[Row, Decimal]:
    """What of the invoice differs from its order, and what that could cost; `billed` is changed in place."""
    values: Row = {"order_id": order["id"], "due_date": day + timedelta(days=order["terms_days"])}
    line = max(billed, key=lambda line: line["quantity"] * line["price"])
    match kind:
        case "price_mismatch":
            delta = max(Decimal("0.50"), cents(line["price"] * Decimal(rng.randrange(6, 25)) / 100))
            line["price"] += delta
            return values, cents(delta * line["quantity"])
        case "terms_mismatch":
            values["due_date"] += timedelta(days=rng.choice((-16, 15, 30)) if order["terms_days"] > 16 else 30)
            return values, Decimal(0)
        case "qty_over_order":
            extra = Decimal(max(1, int(line["quantity"]) // 4))
            line["quantity"] += extra
            return values, cents(extra * line["price"])
        case "missing_order":
            values["order_id"] = "" if rng.random() < 0.5 else world.fresh(rng, "SO-", 6)
            return values, Decimal(0)
    return values, Decimal(0)


def _quote(world: World, rng: Random, buyer: Buyer, lines: list[Line], day: date, discount: Decimal, *, approved: bool) -> Row:
    quoted = day - timedelta(days=rng.randrange(12, 40))
    return world.add(
        "quote",
        id=world.fresh(rng, "Q-", 6),
        customer_id=buyer.row["id"],
        date=quoted,
        valid_until=quoted + timedelta(days=60),
        currency=buyer.row["currency"],
        lines=[dict(line) for line in lines],
        terms_days=buyer.row["terms_days"],
        discount_percent=discount,
        approved_by=person_name(rng) if discount and approved else "",
    )


def _order(world: World, rng: Random, quote: Row, day: date) -> Row:
    same = {name: quote[name] for name in ("customer_id", "currency", "terms_days", "discount_percent")}
    ordered = min(day - timedelta(days=2), quote["date"] + timedelta(days=rng.randrange(1, 9)))
    lines = [dict(line) for line in quote["lines"]]
    return world.add("sales_order", id=world.fresh(rng, "SO-", 6), quote_id=quote["id"], date=ordered, lines=lines, **same)


def _sales_line(rng: Random, number: int, good: Any, worth_about: float, domestic: bool) -> Line:
    price = Decimal(int(rng.randrange(good.low, good.high + 1) * 1.35)).scaleb(-2)
    return line_of(number, good, max(1, round(worth_about / float(price))), price, domestic=domestic)

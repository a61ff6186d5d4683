"""The embedded company's payables: a year of booked invoices, and those that wait, clean or not."""

from datetime import date, timedelta
from random import Random

from .company_exceptions import EXCEPTION_BENDS, ROUTE_OPERATIONS, Finding, no_receipt
from .company_parties import Vendor
from .company_purchasing import Purchase, booked, consigned, draw_match, purchase
from .company_schema import Row
from .company_spec import EXCEPTIONS, MATCHES, TRAPS, counted
from .company_traps import TRAP_BENDS
from .company_world import World, arrival_days, workday

HISTORY_DAYS = 400
WAITING_DAYS = 3
TRIES = 400
"""How many purchases are tried for one exception or trap."""


def make_payables(world: World, vendors: list[Vendor]) -> None:
    """Fill in earlier invoices, then those that wait."""
    _make_history(world, vendors)
    rng = world.chance("payables")
    days = arrival_days(rng, world.today, WAITING_DAYS, world.spec.size.supplier_invoices)
    rng.shuffle(days)
    for kind, day in zip(_kinds(world, rng), days, strict=True):
        _wait(world, rng, vendors, kind, workday(day))


def break_invoice(world: World, row: Row, **broken: object) -> None:
    """Spoil a waiting invoice so that it breaks its data contract."""
    row.update(broken)
    world.truths = [truth for truth in world.truths if truth.key != ("company.payables", row["id"])]
    world.judge(
        world.chance(f"broken/{row['id']}"),
        "payables",
        row["id"],
        labels=("contract_breach",),
        route="quarantine",
        latent_cause="bad_export",
    )


def _make_history(world: World, vendors: list[Vendor]) -> None:
    rng = world.chance("history")
    weights = [vendor.weight for vendor in vendors]
    made = 0
    while made < world.spec.size.earlier_invoices:
        received = world.today - timedelta(days=rng.randrange(WAITING_DAYS + 1, HISTORY_DAYS))
        vendor, match = rng.choices(vendors, weights)[0], draw_match(rng)
        if match == "consignment":
            consigned(world, rng, vendor, received)
            continue
        booked(rng, purchase(world, rng, vendor, received, match=match), world.today).write(world)
        made += 1


def _kinds(world: World, rng: Random) -> list[str]:
    """What each waiting invoice is: an exception, a trap, or `clean`; shuffled, so that ids and order say nothing."""
    total, enrichment = world.spec.size.supplier_invoices, world.spec.enrichment
    exceptions = counted(EXCEPTIONS, total, enrichment)
    clean = max(0, total - sum(exceptions.values()))
    traps = counted(TRAPS, clean, enrichment)
    two_way = counted({"2way": MATCHES["2way"]}, clean, enrichment)
    wanted = [kind for counts in (exceptions, traps, two_way) for kind, count in counts.items() for _ in range(count)]
    kinds = (wanted + ["clean"] * total)[:total]
    rng.shuffle(kinds)
    return kinds


def _wait(world: World, rng: Random, vendors: list[Vendor], kind: str, received: date) -> None:
    if kind in EXCEPTION_BENDS:
        _except(world, rng, vendors, kind, received)
        return
    made, trap = _trapped(world, rng, vendors, kind, received)
    made.write(world)
    operations = ROUTE_OPERATIONS["auto_post"]
    world.judge(rng, "payables", made.invoice["id"], route="auto_post", operations=operations, trap=trap, latent_cause="none")


def _except(world: World, rng: Random, vendors: list[Vendor], kind: str, received: date) -> None:
    made, finding = _bent(world, rng, vendors, kind, received)
    made.write(world)
    world.judge(
        rng,
        "payables",
        made.invoice["id"],
        labels=finding.labels,
        route=finding.route,
        operations=ROUTE_OPERATIONS[finding.route],
        amount_at_risk=finding.at_risk,
        latent_cause=finding.cause,
        facts=finding.facts,
    )


def _bent(world: World, rng: Random, vendors: list[Vendor], kind: str, received: date) -> tuple[Purchase, Finding]:
    """A purchase with the exception `kind`; a missing receipt where no purchase lends itself to that."""
    weights = _exception_weights(vendors)
    for _ in range(TRIES):
        made = purchase(world, rng, rng.choices(vendors, weights)[0], received, match=_three_way(rng))
        finding = EXCEPTION_BENDS[kind](world, rng, made)
        if finding is not None:
            return made, finding
    made = purchase(world, rng, rng.choices(vendors, weights)[0], received, match=_three_way(rng))
    return made, no_receipt(world, rng, made)


def _trapped(world: World, rng: Random, vendors: list[Vendor], kind: str, received: date) -> tuple[Purchase, str]:
    """A clean purchase with the trap `kind`, and that trap's name; without one where no purchase lends itself to it."""
    if kind == "bank_changed_in_master":
        vendors = [vendor for vendor in vendors if vendor.former_iban]
    weights = [vendor.weight for vendor in vendors]
    for _ in range(TRIES if kind in TRAP_BENDS else 0):
        made = TRAP_BENDS[kind](
            world, rng, purchase(world, rng, rng.choices(vendors, weights)[0], received, match=_three_way(rng))
        )
        if made is not None:
            return made, kind
    match = "2way" if kind == "2way" else _three_way(rng)
    return purchase(world, rng, rng.choices(vendors, weights)[0], received, match=match), ""


def _three_way(rng: Random) -> str:
    before, after = MATCHES["3way_invoice_before_gr"], MATCHES["3way_invoice_after_gr"]
    return "3way_invoice_before_gr" if rng.random() < before / (before + after) else "3way_invoice_after_gr"


def _exception_weights(vendors: list[Vendor]) -> list[float]:
    """Mid-sized suppliers cause twice as many exceptions as the others (BPI Challenge 2019)."""
    middle = range(len(vendors) // 10, len(vendors) // 2)
    return [vendor.weight * (2.0 if rank in middle else 1.0) for rank, vendor in enumerate(vendors)]

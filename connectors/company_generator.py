"""The embedded company from its specification: every part in a fixed order, then a few rows that break their contract."""

from pathlib import Path

from .company_parties import make_suppliers
from .company_payables import break_invoice, make_payables
from .company_receivables import make_receivables
from .company_sales import make_sales
from .company_schema import created
from .company_spec import CompanySpec
from .company_tickets import break_ticket, make_tickets
from .company_truth import truth_path, write_truth
from .company_world import World


def generate(spec: CompanySpec) -> World:
    """Rows and truths of the company that `spec` describes; equal specs give equal worlds on every machine."""
    world = World(spec=spec)
    make_payables(world, make_suppliers(world))
    buyers = make_receivables(world)
    make_sales(world, buyers)
    tickets = make_tickets(world, buyers)
    if spec.broken_rows:
        _break_rows(world, [row["id"] for row in tickets])
    for rows in world.rows.values():
        rows.sort(key=lambda row: str(row["id"]))
    return world


def write(world: World, path: Path) -> None:
    """Write the company to `path`, and its truth beside it."""
    created(path, world.rows)
    write_truth(truth_path(path), world.truths)


def _break_rows(world: World, tickets: list[str]) -> None:
    """Spoil a clean invoice's currency, another's date, and one ticket's status, where there are enough to spare."""
    clean = [truth.external_id for truth in world.truths if truth.route == "auto_post" and not truth.trap]
    single = [truth.external_id for truth in world.truths if truth.route == "answer" and truth.external_id in set(tickets)]
    repeated = {truth.facts.get("duplicate_of") for truth in world.truths}
    if len(clean) >= 20:
        by_id = {row["id"]: row for row in world.rows["invoice"]}
        break_invoice(world, by_id[clean[3]], currency=None)
        break_invoice(world, by_id[clean[11]], issue_date="2026-02-30")
    if len(single) >= 20:
        chosen = next(external_id for external_id in single if external_id not in repeated)
        break_ticket(world, next(row for row in world.rows["ticket"] if row["id"] == chosen), status="wartet")

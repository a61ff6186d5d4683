"""The embedded company's receivables: more than a year of customers paying early, late or not at all, and who is overdue now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import exp, log
from random import Random

from .company_parties import Buyer, make_customer
from .company_sales import bill, sales_lines
from .company_schema import Row, open_item
from .company_spec import DEFAULTS, DISPUTED, LATENESS
from .company_world import World, at_work, worth

HISTORY_DAYS = 460
BILLED_EVERY = 24
"""Mean days between two invoices of one customer."""
FEWEST_CUSTOMERS = 12
PROMISES_OPEN = 0.55
"""Share of the promises on overdue accounts whose day has not come; our setting."""
LISTED_DAYS = 75
"""Paid invoices stay listed as documents for so long."""
PATIENCE_DAYS = 7
"""So soon after the due date, waiting is right too."""
SPACING_DAYS = 14
"""So soon after the last contact, waiting is right too."""
LONG_DAYS = 60
AGENCY_DAYS = 90
DISPUTES = (
    "goods damaged on arrival",
    "price is not the one agreed",
    "quantity is short",
    "invoice never received",
    "order was cancelled",
)


@dataclass(frozen=True, kw_only=True)
class Billing:
    """One customer invoice with what becomes of it."""

    issued: date
    due: date
    amount: Decimal
    disputed: bool
    paid_on: date | None
    """None where it is never paid."""

    @property
    def days_late(self) -> int:
        """Days past its due date when paid; 0 where it is not late or not paid."""
        return max(0, (self.paid_on - self.due).days) if self.paid_on else 0


def make_receivables(world: World) -> list[Buyer]:
    """Customers with their payment history, as many as it takes until enough of them are overdue."""
    rng = world.chance("receivables")
    buyers: list[Buyer] = []
    overdue = 0
    while overdue < world.spec.size.overdue_accounts:
        buyer = make_customer(world, rng)
        buyers.append(buyer)
        late = _account(world, rng, buyer)
        if late:
            overdue += 1
            judge_account(world, rng, buyer, late)
    return buyers + [make_customer(world, rng) for _ in range(len(buyers), FEWEST_CUSTOMERS)]


def judge_account(world: World, rng: Random, buyer: Buyer, late: list[Row]) -> None:
    """Note what is right for an overdue account."""
    route, operations, labels = _right(world, buyer, late)
    never = [row for row in late if row["due_date"] <= world.today - timedelta(days=60)]
    world.judge(
        rng,
        "receivables",
        buyer.row["id"],
        labels=labels,
        route=route,
        operations=operations,
        amount_at_risk=sum((row["open_amount"] for row in late), Decimal(0)),
        latent_cause="cash_trouble" if buyer.heavy else "habit" if buyer.propensity > 0.5 else "oversight",
        facts={"propensity": round(buyer.propensity, 6), "heavy": buyer.heavy, "long_overdue": len(never)},
    )


def _account(world: World, rng: Random, buyer: Buyer) -> list[Row]:
    """Fill in one customer's invoices; answers the receivables that are overdue."""
    billings = list(_billings(world, rng, buyer))
    settled = [billing for billing in billings if billing.paid_on and billing.paid_on <= world.today]
    for billing in settled:
        _paid(world, rng, buyer, billing)
    waiting = [_open(world, rng, buyer, billing) for billing in billings if billing not in settled]
    late = [row for row in waiting if row["due_date"] < world.today]
    buyer.row["facts"] = _facts(settled)
    buyer.row["last_payment_on"] = max((billing.paid_on for billing in settled if billing.paid_on), default=None)
    if late:
        _history(world, rng, buyer, late)
    return late


def _billings(world: World, rng: Random, buyer: Buyer) -> Iterator[Billing]:
    issued = world.today - timedelta(days=HISTORY_DAYS - rng.randrange(BILLED_EVERY))
    while issued < world.today:
        due = issued + timedelta(days=buyer.row["terms_days"])
        disputed = rng.random() < DISPUTED
        amount = Decimal(round(worth(rng, buyer.median, 0.7, 25, 150_000) * 100)).scaleb(-2)
        yield Billing(
            issued=issued, due=due, amount=amount, disputed=disputed, paid_on=_paid_on(rng, buyer, issued, due, disputed)
        )
        issued += timedelta(days=max(3, round(rng.expovariate(1 / BILLED_EVERY))))


def _paid_on(rng: Random, buyer: Buyer, issued: date, due: date, disputed: bool) -> date | None:
    if rng.random() >= _late_chance(buyer.propensity, disputed):
        early = min(round(rng.gammavariate(2.0, 6.0)), (due - issued).days)
        return due - timedelta(days=early)
    if buyer.heavy:
        return None if rng.random() < DEFAULTS else due + timedelta(days=rng.randrange(60, 181))
    return due + timedelta(days=max(1, round(rng.gammavariate(*LATENESS))))


def _late_chance(propensity: float, disputed: bool) -> float:
    """Disputed invoices are late in 68 % and others in 26 % of cases (IBM sample); the customer's own habit shifts with them."""
    odds = min(0.9999, max(0.0001, propensity))
    moved = log(odds / (1 - odds)) + (2.4 if disputed else -0.75)
    return 1 / (1 + exp(-moved))


def _paid(world: World, rng: Random, buyer: Buyer, billing: Billing) -> None:
    assert billing.paid_on is not None
    invoice_id = world.fresh(rng, "AR-", 6)
    if billing.paid_on > world.today - timedelta(days=LISTED_DAYS):
        invoice_id = _document(world, rng, buyer, billing, "paid")["id"]
    world.add(
        "payment",
        id=world.fresh(rng, "PAY", 7),
        party_id=buyer.row["id"],
        invoice_id=invoice_id,
        date=billing.paid_on,
        amount=billing.amount,
        currency=buyer.row["currency"],
        due_date=billing.due,
    )


def _open(world: World, rng: Random, buyer: Buyer, billing: Billing) -> Row:
    document = _document(world, rng, buyer, billing, "posted")
    overdue = (world.today - billing.due).days
    disputed = billing.disputed and overdue > -10 and rng.random() < 0.6
    row = open_item(document, updated=at_work(rng, world.today - timedelta(days=rng.randrange(1, 6))))
    row |= {
        "id": world.fresh(rng, "R-", 6),
        "reminder_level": 0 if overdue < 10 else min(3, overdue // 21 + rng.randrange(0, 2)),
        "disputed": disputed,
        "dispute_reason": rng.choice(DISPUTES) if disputed else "",
    }
    if row["reminder_level"]:
        row["last_reminded_on"] = world.today - timedelta(days=rng.randrange(4, 20))
    return world.add("receivable", **row)


def _document(world: World, rng: Random, buyer: Buyer, billing: Billing, status: str) -> Row:
    lines = sales_lines(rng, float(billing.amount), domestic=buyer.country.code == "DE")[:1]
    line = lines[0]
    rate = line["tax_rate"]
    net = (billing.amount / (1 + rate / 100)).quantize(Decimal("0.01"))
    line.update(quantity=Decimal(1), price=net, description="Goods as per delivery note", unit="C62")
    exact = {"tax": billing.amount - net, "gross": billing.amount, "payable": billing.amount}
    paid = {"paid": billing.amount} if status == "paid" else {}
    return bill(world, rng, buyer, lines, billing.issued, status=status, due_date=billing.due, **exact, **paid)


def _facts(settled: list[Billing]) -> Row:
    late = [billing.days_late for billing in settled if billing.days_late]
    share = len(late) / len(settled) if settled else 0.0
    return {
        "invoices": len(settled),
        "late_share": round(share, 4),
        "mean_days_late": round(sum(late) / len(late), 1) if late else 0.0,
        "max_days_late": max(late, default=0),
        "disputed_share": round(sum(billing.disputed for billing in settled) / len(settled), 4) if settled else 0.0,
    }


def _history(world: World, rng: Random, buyer: Buyer, late: list[Row]) -> None:
    """Add what happened on an overdue account: reminders, calls, disputes, promises."""
    for row in late:
        about = f"receivable/{row['id']}"
        if row["last_reminded_on"]:
            subject = f"Reminder {row['reminder_level']} for {row['invoice_number']}"
            _activity(world, rng, buyer, "email_out", row["last_reminded_on"], subject, "", about)
        if row["disputed"]:
            day = min(world.today - timedelta(days=1), row["due_date"] + timedelta(days=rng.randrange(0, 8)))
            _activity(world, rng, buyer, "dispute", day, f"Dispute on {row['invoice_number']}", row["dispute_reason"], about)
    undisputed = [row for row in late if not row["disputed"]]
    if undisputed and rng.random() < 0.22:
        _promise(world, rng, buyer, undisputed)
    if rng.random() < 0.25:
        day = world.today - timedelta(days=rng.randrange(1, 30))
        _activity(world, rng, buyer, "call", day, "Call about open items", "Nobody reached; left a message.", "")


def _promise(world: World, rng: Random, buyer: Buyer, late: list[Row]) -> None:
    """A promise to pay all of `late`, still open or broken."""
    ahead = rng.random() < PROMISES_OPEN
    promised = world.today + timedelta(days=rng.randrange(1, 8) if ahead else -rng.randrange(3, 15))
    made = min(world.today, promised) - timedelta(days=rng.randrange(2, 8))
    for row in late:
        row.update(promised_on=promised, promised_amount=row["open_amount"])
        body = f"Will pay {row['open_amount']} {row['currency']} by {promised.isoformat()}."
        _activity(
            world, rng, buyer, "promise", made, f"Promise to pay {row['invoice_number']}", body, f"receivable/{row['id']}"
        )


def _activity(world: World, rng: Random, buyer: Buyer, kind: str, day: date, subject: str, body: str, about: str) -> None:
    if kind in {"email_out", "call"}:
        buyer.contacted_on = max(day, buyer.contacted_on or day)
    values = {"party_id": buyer.row["id"], "type": kind, "subject": subject, "body": body, "about": about}
    world.add("activity", id=world.fresh(rng, "ACT", 7), at=at_work(rng, day), **values)


def _right(world: World, buyer: Buyer, late: list[Row]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Route, right operations and labels of an overdue account."""
    route, operations, labels = _gravest(world, buyer, late)
    oldest = max((world.today - item["due_date"]).days for item in late)
    contacted = buyer.contacted_on is not None and buyer.contacted_on > world.today - timedelta(days=SPACING_DAYS)
    if route in {"remind", "call"} and (oldest <= PATIENCE_DAYS or contacted):
        route = "wait"
    if any(item["disputed"] for item in late):
        operations = ("dunning.hold", *(name for name in operations if name != "dunning.hold"))
    if oldest > AGENCY_DAYS:
        operations = (*operations, "receivable.agency")
    return route, operations, labels


def _gravest(world: World, buyer: Buyer, late: list[Row]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    row = buyer.row
    pressing = [item for item in late if not item["disputed"]]
    promises = [item["promised_on"] for item in pressing if item["promised_on"]]
    if row["insolvent"] or row["do_not_contact"]:
        return "escalate", ("account.escalate", "dunning.hold"), ("insolvent" if row["insolvent"] else "do_not_contact",)
    if not pressing:
        return "hold", ("dunning.hold",), ("disputed",)
    if row["vulnerable"]:
        return "call", ("task.call", "account.escalate", "plan.offer", "dunning.hold"), ("vulnerable",)
    if len(promises) == len(pressing) and min(promises) >= world.today:
        return "wait", ("dunning.hold",), ("promise_open",)
    if promises and min(promises) < world.today:
        return "call", ("task.call", "reminder.send", "account.escalate", "plan.offer"), ("promise_broken",)
    if max((world.today - item["due_date"]).days for item in late) > LONG_DAYS:
        return "escalate", ("account.escalate", "task.call", "plan.offer", "reminder.send"), ("long_overdue",)
    disputed = ("partly_disputed",) if len(pressing) < len(late) else ()
    return "remind", ("reminder.send", "task.call"), ("overdue", *disputed)

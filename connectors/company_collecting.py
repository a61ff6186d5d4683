"""Effects on the embedded company's customer accounts: reminders, calls, plans, holds, promises, write-offs."""

from datetime import date
from decimal import Decimal

from .company_books import Books
from .company_plan import Plan, ahead, money, on_file, refuse
from .company_schema import Row
from .operations import (
    AgencyHandover,
    CallTask,
    EscalateAccount,
    HoldDunning,
    LogPromise,
    OfferPlan,
    SendReminder,
    WriteOff,
)


def remind(books: Books, given: SendReminder) -> Plan:
    """A reminder by mail about what is overdue."""
    customer = _contactable(books, given.customer_id)
    items = _dunnable(books, customer, given.receivable_ids)
    not_due = [item["id"] for item in items if date.fromisoformat(item["due_date"]) >= books.today]
    if not_due:
        refuse(f"Receivable {not_due[0]!r} is not overdue yet.")
    _total(items, given.amount, given.currency, "The reminder")
    on_file(books, customer["id"], given.to)
    plan = _account(customer, f"Reminder {given.level} sent to {given.to}.")
    for item in items:
        plan.change("receivable", item, _label(item), reminder_level=given.level, last_reminded_on=books.today)
    plan.mail(given.to, given.subject, given.body, f"customer/{customer['id']}")
    plan.log(
        customer["id"], "email_out", f"Reminder {given.level} over {money(given.amount, given.currency)}", given.subject, ""
    )
    return plan


def call(books: Books, given: CallTask) -> Plan:
    """A task for a person to call."""
    customer = _contactable(books, given.customer_id)
    ahead(books, given.due, "The call's day")
    if given.phone.lower() not in books.phones(customer["id"]):
        refuse(f"{given.phone!r} is not on file for {customer['id']!r}.", "Call numbers of the master data only.")
    plan = _account(customer, f"Call task for {given.due.isoformat()}.")
    plan.log(customer["id"], "task", f"Call {given.phone} by {given.due.isoformat()}", given.note, given.about)
    plan.note("history", "note", given.note)
    return plan


def offer_plan(books: Books, given: OfferPlan) -> Plan:
    """An offer to pay in instalments."""
    customer = _contactable(books, given.customer_id)
    items = _dunnable(books, customer, given.receivable_ids)
    _total(items, given.amount, given.currency, "The plan")
    ahead(books, given.first_due, "The first instalment's day")
    on_file(books, customer["id"], given.to)
    plan = _account(customer, f"Plan of {given.instalments} instalments offered to {given.to}.")
    plan.mail(given.to, given.subject, given.body, f"customer/{customer['id']}")
    offered = (
        f"{given.instalments} instalments of {money(given.amount, given.currency)} in all, first {given.first_due.isoformat()}"
    )
    plan.log(customer["id"], "plan", offered, given.subject, "")
    return plan


def hold(books: Books, given: HoldDunning) -> Plan:
    """No dunning on some receivables for a while."""
    customer = books.row("customer", given.customer_id)
    if given.until is not None:
        ahead(books, given.until, "The hold's end")
    plan = _account(customer, "Dunning is on hold.")
    for item in _open(books, customer, given.receivable_ids):
        before = item | {"on_hold": bool(item["on_hold"])}
        plan.change("receivable", before, _label(item), on_hold=True, hold_until=given.until)
    plan.log(customer["id"], "note", "Dunning on hold", given.reason, "")
    plan.note("history", "reason", given.reason)
    return plan


def promise(books: Books, given: LogPromise) -> Plan:
    """A promise to pay, spread over its receivables in the order given."""
    customer = books.row("customer", given.customer_id)
    items = _open(books, customer, given.receivable_ids)
    ahead(books, given.promised_on, "The promised day")
    _at_most(items, given.amount, given.currency, "promised")
    plan = _account(customer, f"Promise of {money(given.amount, given.currency)} by {given.promised_on.isoformat()}.")
    for item, share in _spread(items, given.amount):
        plan.change("receivable", item, _label(item), promised_on=given.promised_on, promised_amount=share)
    plan.log(customer["id"], "promise", f"{money(given.amount, given.currency)} by {given.promised_on.isoformat()}", "", "")
    return plan


def escalate(books: Books, given: EscalateAccount) -> Plan:
    """An account goes to a role with more authority."""
    customer = books.row("customer", given.customer_id)
    plan = Plan(detail=f"Account is with {given.to_role}.")
    plan.change("customer", customer, f"customer {customer['name']}", owner_role=given.to_role)
    plan.log(customer["id"], "task", f"Escalated to {given.to_role}", given.reason, "")
    plan.note("history", "reason", given.reason)
    return plan


def write_off(books: Books, given: WriteOff) -> Plan:
    """Receivables are given up, up to what is open."""
    customer = books.row("customer", given.customer_id)
    items = _open(books, customer, given.receivable_ids)
    _at_most(items, given.amount, given.currency, "written off")
    plan = _account(customer, f"Wrote off {money(given.amount, given.currency)}.")
    for item, share in _spread(items, given.amount):
        left = Decimal(item["open_amount"]) - share
        plan.change("receivable", item, _label(item), open_amount=left, status="open" if left else "written_off")
    plan.log(customer["id"], "note", f"Wrote off {money(given.amount, given.currency)}", given.reason, "")
    return plan


def agency(books: Books, given: AgencyHandover) -> Plan:
    """A collection agency takes receivables over, whole."""
    customer = books.row("customer", given.customer_id)
    items = _dunnable(books, customer, given.receivable_ids)
    _total(items, given.amount, given.currency, "The hand-over")
    plan = _account(customer, f"Handed {money(given.amount, given.currency)} to {given.agency}.")
    for item in items:
        plan.change("receivable", item, _label(item), status="agency")
    handed = f"Handed {money(given.amount, given.currency)} to {given.agency}"
    plan.log(customer["id"], "note", handed, given.reason, "")
    return plan


def _account(customer: Row, detail: str) -> Plan:
    """A plan whose target, the customer's account, moves to a new version."""
    plan = Plan(detail=detail)
    plan.change("customer", customer, f"customer {customer['name']}")
    return plan


def _contactable(books: Books, customer_id: str) -> Row:
    customer = books.row("customer", customer_id)
    for flag, words in (("do_not_contact", "must not be contacted"), ("insolvent", "is insolvent; write to the administrator")):
        if customer[flag]:
            refuse(f"Customer {customer_id!r} {words}.", "Escalate the account.")
    return customer


def _open(books: Books, customer: Row, ids: tuple[str, ...]) -> list[Row]:
    if len(set(ids)) < len(ids):
        refuse(f"A receivable is named twice in {', '.join(ids)}.")
    items = [books.row("receivable", item_id) for item_id in ids]
    for item in items:
        if item["customer_id"] != customer["id"]:
            refuse(f"Receivable {item['id']!r} is not of customer {customer['id']!r}.")
        if item["status"] != "open":
            refuse(f"Receivable {item['id']!r} is {item['status'].replace('_', ' ')}.")
    return items


def _dunnable(books: Books, customer: Row, ids: tuple[str, ...]) -> list[Row]:
    items = _open(books, customer, ids)
    for item in items:
        if item["disputed"]:
            refuse(f"Receivable {item['id']!r} is disputed: {item['dispute_reason']}.", "Settle the dispute first.")
        if books.on_hold(item):
            refuse(f"Dunning of receivable {item['id']!r} is on hold.")
    return items


def _sum(items: list[Row], currency: str) -> Decimal:
    for item in items:
        if item["currency"] != currency:
            refuse(f"Receivable {item['id']!r} is in {item['currency']}, not {currency}.")
    return sum((Decimal(item["open_amount"]) for item in items), Decimal(0))


def _total(items: list[Row], amount: Decimal, currency: str, what: str) -> None:
    total = _sum(items, currency)
    if amount != total:
        refuse(f"{what} says {amount}, but {total} is open.")


def _at_most(items: list[Row], amount: Decimal, currency: str, what: str) -> None:
    total = _sum(items, currency)
    if not 0 < amount <= total:
        refuse(f"Between 0 and {total} can be {what}, not {amount}.")


def _spread(items: list[Row], amount: Decimal) -> list[tuple[Row, Decimal]]:
    shares = []
    for item in items:
        share = min(amount, Decimal(item["open_amount"]))
        if share:
            shares.append((item, share))
        amount -= share
    return shares


def _label(item: Row) -> str:
    return f"receivable {item['invoice_number']}"

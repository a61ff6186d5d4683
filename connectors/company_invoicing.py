"""Effects on the embedded company's invoices, supplier's and customer's."""

from decimal import Decimal

from .company_books import Books
from .company_plan import Plan, ahead, masked, money, on_file, refuse, same_account
from .company_schema import Row, open_item
from .operations import (
    BlockInvoice,
    CreditMemo,
    HoldInvoice,
    PostInvoice,
    RejectInvoice,
    RequestCorrection,
    ShortPay,
)

_UNBOOKED = ("draft", "held")


def post(books: Books, given: PostInvoice) -> Plan:
    """Book a supplier's invoice and queue its payment to the account in the vendor master."""
    row = _supplier_invoice(books, given.invoice_id)
    if given.amount != Decimal(row["payable"]):
        refuse(f"Invoice {row['id']!r} is payable at {row['payable']}, not {given.amount}.", "Short-pay it to book less.")
    return _booked(books, row, given, approved=Decimal(row["payable"]))


def short_pay(books: Books, given: ShortPay) -> Plan:
    """Book a supplier's invoice at less than billed."""
    row = _supplier_invoice(books, given.invoice_id)
    if not 0 < given.amount < Decimal(row["payable"]):
        refuse(f"A short payment of invoice {row['id']!r} must be above 0 and below {row['payable']}, not {given.amount}.")
    plan = _booked(books, row, given, approved=given.amount)
    plan.note(_label(row), "short paid by", money(Decimal(row["payable"]) - given.amount, given.currency))
    plan.note(_label(row), "reason", given.reason)
    return plan


def issue(books: Books, given: PostInvoice) -> Plan:
    """Issue an invoice to a customer: it becomes a receivable and goes out by mail."""
    row = _waiting(books, given.invoice_id, "customer")
    customer = books.row("customer", row["party_id"])
    if given.amount != Decimal(row["payable"]):
        refuse(f"Invoice {row['id']!r} is payable at {row['payable']}, not {given.amount}.")
    _same_currency(row, given.currency)
    plan = Plan(detail=f"Issued {row['number']} to {customer['name']}.")
    plan.change("invoice", row, _label(row), status="posted")
    plan.add("receivable", "R-", open_item(row, updated=books.clock.now()))
    plan.note("receivable", "open", f"{money(given.amount, given.currency)} due {row['due_date']}")
    body = (
        f"Please find attached our invoice {row['number']} over {money(given.amount, given.currency)}, due {row['due_date']}."
    )
    plan.mail(customer["email"], f"Invoice {row['number']}", body, f"invoice/{row['id']}")
    return plan


def hold(books: Books, given: HoldInvoice) -> Plan:
    """Let an invoice wait."""
    row = _waiting(books, given.invoice_id)
    if given.until is not None:
        ahead(books, given.until, "The hold's end")
    plan = Plan(detail=f"Invoice {row['number']} is on hold.")
    plan.change("invoice", row, _label(row), status="held", hold_reason=given.reason, hold_until=given.until)
    _count_hold(plan, row)
    return plan


def reject(books: Books, given: RejectInvoice) -> Plan:
    """Send an invoice back."""
    row = _waiting(books, given.invoice_id, or_blocked=True)
    if given.duplicate_of == row["id"]:
        refuse(f"Invoice {row['id']!r} cannot repeat itself.")
    if given.duplicate_of:
        books.row("invoice", given.duplicate_of)
    plan = Plan(detail=f"Invoice {row['number']} is rejected.")
    plan.change("invoice", row, _label(row), status="rejected", duplicate_of=given.duplicate_of)
    plan.note(_label(row), "reason", given.reason)
    return plan


def block(books: Books, given: BlockInvoice) -> Plan:
    """Let nobody pay an invoice before a fraud review."""
    row = _waiting(books, given.invoice_id)
    plan = Plan(detail=f"Invoice {row['number']} is blocked.")
    plan.change("invoice", row, _label(row), status="blocked", hold_reason=given.reason)
    return plan


def request_correction(books: Books, given: RequestCorrection) -> Plan:
    """Ask the supplier for a corrected invoice; this one waits meanwhile."""
    row = _supplier_invoice(books, given.invoice_id)
    on_file(books, row["party_id"], given.to)
    plan = Plan(detail=f"Asked {given.to} for a correction.")
    plan.change(
        "invoice", row, _label(row), status="held", hold_reason="Correction requested from the supplier", hold_until=None
    )
    plan.mail(given.to, given.subject, given.body, f"invoice/{row['id']}")
    return plan


def credit_memo(books: Books, given: CreditMemo) -> Plan:
    """Credit a customer against an issued invoice; what is open on it goes down."""
    row = books.row("invoice", given.invoice_id)
    if row["direction"] != "customer" or row["status"] not in {"posted", "part_paid", "paid"} or row["corrects"]:
        refuse(f"Invoice {row['id']!r} is no issued invoice to a customer.")
    _same_currency(row, given.currency)
    credited = sum((Decimal(other["gross"]) for other in books.rows("invoice", corrects=row["number"])), Decimal(0))
    left = Decimal(row["gross"]) - credited
    if not 0 < given.amount <= left:
        refuse(f"At most {left} of invoice {row['id']!r} can be credited, not {given.amount}.")
    plan = Plan(detail=f"Credited {money(given.amount, given.currency)} against {row['number']}.")
    plan.change("invoice", row, _label(row))
    plan.add("invoice", "CM-", _credit_note(books, row, given, len(books.rows("invoice", corrects=row["number"])) + 1))
    plan.note("credit note", "amount", f"{money(given.amount, given.currency)} on invoice {row['number']}")
    plan.note("credit note", "reason", given.reason)
    _reduce(books, plan, row, given.amount)
    return plan


def _booked(books: Books, row: Row, given: PostInvoice, *, approved: Decimal) -> Plan:
    supplier = books.row("supplier", row["party_id"])
    _same_currency(row, given.currency)
    if supplier["blocked"]:
        refuse(f"Supplier {supplier['id']!r} is blocked.", "Release it in the vendor master first.")
    if given.iban and not same_account(given.iban, supplier["iban"]):
        refuse(
            f"{masked(given.iban)!r} is not the account of {supplier['id']!r} in the vendor master.",
            "Pay to the master's account.",
        )
    plan = Plan(detail=f"Booked {row['number']}; {money(approved, row['currency'])} goes to {masked(supplier['iban'])}.")
    plan.change("invoice", row, _label(row), status="posted")
    run = {"invoice_id": row["id"], "party_id": supplier["id"], "iban": supplier["iban"], "amount": approved}
    plan.add("payment_run", "RUN-", run | {"currency": row["currency"]})
    plan.note(
        "payment run",
        "pay",
        f"{money(approved, row['currency'])} to {masked(supplier['iban'])} ({supplier['name']}, vendor master)",
    )
    return plan


def _supplier_invoice(books: Books, invoice_id: str) -> Row:
    row = _waiting(books, invoice_id, "supplier")
    if not row["party_id"] or not books.rows("supplier", id=row["party_id"]):
        refuse(f"Invoice {invoice_id!r} is of no supplier in the vendor master.")
    return row


def _waiting(books: Books, invoice_id: str, direction: str = "", *, or_blocked: bool = False) -> Row:
    row = books.row("invoice", invoice_id)
    if row["status"] not in (*_UNBOOKED, *(("blocked",) if or_blocked else ())):
        refuse(f"Invoice {invoice_id!r} is {row['status']}.", "Only an invoice that waits can be changed.")
    if direction and row["direction"] != direction:
        refuse(f"Invoice {invoice_id!r} is a {row['direction']}'s, not a {direction}'s.")
    return row


def _same_currency(row: Row, currency: str) -> None:
    if currency != row["currency"]:
        refuse(f"Invoice {row['id']!r} is in {row['currency']}, not {currency}.")


def _count_hold(plan: Plan, row: Row) -> None:
    # A hold that ends brings the invoice back to the queue as a new revision; the count is that revision.
    plan.updates[-1][2]["holds"] = row["holds"] + 1


def _credit_note(books: Books, row: Row, given: CreditMemo, number: int) -> Row:
    same = {name: row[name] for name in ("direction", "party_id", "party_name", "party_tax_id", "order_id", "currency")}
    net = (given.amount * Decimal(row["net"]) / Decimal(row["gross"])).quantize(Decimal("0.01"))
    fixed = {"status": "posted", "iban": "", "hold_reason": "", "hold_until": None, "holds": 0, "duplicate_of": ""}
    return same | fixed | {
        "number": f"{row['number']}-C{number}",
        "updated_at": books.clock.now(),
        "issue_date": books.today,
        "due_date": None,
        "received_on": None,
        "lines": [],
        "net": net,
        "tax": given.amount - net,
        "gross": given.amount,
        "payable": given.amount,
        "paid": Decimal(0),
        "note": given.reason,
        "corrects": row["number"],
    }  # fmt: skip


def _reduce(books: Books, plan: Plan, row: Row, amount: Decimal) -> None:
    for item in books.rows("receivable", invoice_number=row["number"]):
        if item["status"] == "open":
            left = max(Decimal(0), Decimal(item["open_amount"]) - amount)
            status = "open" if left else "credited"
            plan.change("receivable", item, f"receivable {item['id']}", open_amount=left, status=status)


def _label(row: Row) -> str:
    return f"invoice {row['number']}"

"""The embedded company as a connector: what it reads, what it does once, and what it refuses.

Over 300 lines because each of its effects is asked for, and refused, in one table.
"""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shiftlead.connectors.company import Company
from shiftlead.connectors.company_effects import PLANS
from shiftlead.connectors.company_schema import COLUMNS
from shiftlead.connectors.company_spec import TRAPS, CompanySize
from shiftlead.connectors.company_truth import load_truth, truth_path
from shiftlead.connectors.contracts import breach
from shiftlead.connectors.operations import CANONICAL
from shiftlead.connectors.records import Invoice, Receivable
from shiftlead.core.action import Target
from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import BadInput, ContractBreach, NotFound, Refused, SettingsError, StaleRecord, Unreachable
from shiftlead.core.receipt import Outcome

TODAY = date(2026, 9, 15)
SIZE = CompanySize(tickets=50, supplier_invoices=100, customer_invoices=6, overdue_accounts=12, earlier_invoices=60)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("company") / "company.db"
    clock = FrozenClock(datetime(2026, 9, 15, 9, tzinfo=UTC))
    Company.create(path, size=SIZE, today=TODAY, clock=clock).close()
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "company.db"))


@pytest.fixture
def company(path: Path, clock: FrozenClock) -> Iterator[Company]:
    company = Company.connect(path, clock)
    yield company
    company.close()


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One effect that the company would carry out."""

    operation: str
    arguments: dict[str, Any]
    target: Target

    def with_(self, **changed: Any) -> "Ask":
        return Ask(operation=self.operation, arguments=self.arguments | changed, target=self.target)


def rows(company: Company, query: str, *values: Any) -> list[dict[str, Any]]:
    """What the file holds, read beside the connector."""
    connection = sqlite3.connect(company.path)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(query, values)]
    finally:
        connection.close()


def outside(company: Company, statement: str, *values: Any) -> None:
    """Somebody else changes the file."""
    connection = sqlite3.connect(company.path)
    try:
        connection.execute(statement, values)
        connection.commit()
    finally:
        connection.close()


def dump(company: Company) -> dict[str, dict[str, dict[str, Any]]]:
    """Every row by table and id."""
    tables = [table for table in COLUMNS if table not in {"effects", "meta"}]
    return {table: {row["id"]: row for row in rows(company, f"SELECT * FROM {table}")} for table in tables}


def target(kind: str, row: dict[str, Any]) -> Target:
    return Target(system="company", kind=kind, id=row["id"], version=str(row["version"]))


def ticket_ask(company: Company, operation: str, **arguments: Any) -> Ask:
    row = rows(company, "SELECT * FROM ticket WHERE status = 'new' ORDER BY id")[0]
    return Ask(operation=operation, arguments={"ticket_id": row["id"], **arguments}, target=target("ticket", row))


def waiting(company: Company, direction: str = "supplier") -> dict[str, Any]:
    """A waiting invoice whose account is that of the vendor master."""
    query = """SELECT invoice.* FROM invoice LEFT JOIN supplier ON supplier.id = invoice.party_id
        WHERE direction = ? AND status = 'draft' AND currency IS NOT NULL AND (direction = 'customer' OR supplier.iban = invoice.iban)
        ORDER BY invoice.id"""
    return rows(company, query, direction)[0]


def invoice_ask(company: Company, operation: str, direction: str = "supplier", **arguments: Any) -> Ask:
    row = waiting(company, direction)
    return Ask(operation=operation, arguments={"invoice_id": row["id"], **arguments}, target=target("invoice", row))


def posting(company: Company, operation: str = "invoice.post", direction: str = "supplier", **more: Any) -> Ask:
    row = waiting(company, direction)
    return invoice_ask(company, operation, direction, amount=row["payable"], currency=row["currency"], **more)


def crediting(company: Company) -> Ask:
    row = rows(
        company,
        """SELECT invoice.* FROM invoice JOIN receivable ON receivable.invoice_number = invoice.number
        WHERE invoice.status = 'posted' AND direction = 'customer' ORDER BY invoice.id""",
    )[0]
    arguments = {"invoice_id": row["id"], "amount": "10.00", "currency": row["currency"], "reason": "price"}
    return Ask(operation="invoice.credit_memo", arguments=arguments, target=target("invoice", row))


def account(company: Company) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A customer who may be dunned, and what is overdue there."""
    query = """SELECT * FROM customer WHERE do_not_contact = 0 AND insolvent = 0 AND id IN
        (SELECT customer_id FROM receivable WHERE due_date < ? AND disputed = 0) ORDER BY id"""
    customer = rows(company, query, TODAY.isoformat())[0]
    overdue = "SELECT * FROM receivable WHERE customer_id = ? AND due_date < ? AND disputed = 0 ORDER BY id"
    return customer, rows(company, overdue, customer["id"], TODAY.isoformat())


def account_ask(company: Company, operation: str, *, items: bool = True, amount: bool = True, **arguments: Any) -> Ask:
    customer, overdue = account(company)
    given: dict[str, Any] = {"customer_id": customer["id"], **arguments}
    if items:
        given["receivable_ids"] = [item["id"] for item in overdue]
    if amount:
        given |= {"amount": str(sum(Decimal(item["open_amount"]) for item in overdue)), "currency": customer["currency"]}
    return Ask(operation=operation, arguments=given, target=target("customer", customer))


def letter(company: Company) -> dict[str, Any]:
    return {"to": account(company)[0]["email"], "subject": "Open invoices", "body": "Please pay."}


def supplier_letter(company: Company) -> dict[str, Any]:
    to = rows(company, "SELECT email FROM supplier WHERE id = ?", waiting(company)["party_id"])[0]["email"]
    return {"to": to, "subject": "Please correct", "body": "The price is not the one ordered."}


def other_ticket(company: Company) -> str:
    found = rows(company, "SELECT id FROM ticket WHERE status = 'new' ORDER BY id")[1]["id"]
    assert isinstance(found, str)
    return found


def requester(company: Company) -> str:
    found = rows(company, "SELECT requester FROM ticket WHERE status = 'new' ORDER BY id")[0]["requester"]
    assert isinstance(found, str)
    return found


ASKS: dict[str, Callable[[Company], Ask]] = {
    "ticket.route": lambda c: ticket_ask(c, "ticket.route", queue="orders", priority=2, language="de", tags=["order_status"]),
    "ticket.reply": lambda c: ticket_ask(
        c, "ticket.reply", to=requester(c), subject="Re: your order", body="It is on its way."
    ),
    "ticket.merge": lambda c: ticket_ask(c, "ticket.merge", duplicate_of=other_ticket(c)),
    "invoice.post": lambda c: posting(c, iban=waiting(c)["iban"]),
    "invoice.issue": lambda c: posting(c, "invoice.issue", "customer"),
    "invoice.hold": lambda c: invoice_ask(c, "invoice.hold", reason="goods missing", until="2026-09-25"),
    "invoice.reject": lambda c: invoice_ask(c, "invoice.reject", reason="billed twice"),
    "invoice.block": lambda c: invoice_ask(c, "invoice.block", reason="account changed"),
    "invoice.request_correction": lambda c: invoice_ask(c, "invoice.request_correction", **supplier_letter(c)),
    "invoice.short_pay": lambda c: posting(c, "invoice.short_pay", reason="price").with_(amount="1.00"),
    "invoice.credit_memo": crediting,
    "reminder.send": lambda c: account_ask(c, "reminder.send", level=3, template="second", **letter(c)),
    "task.call": lambda c: account_ask(
        c, "task.call", items=False, amount=False, phone=account(c)[0]["phone"], note="Ask for a date.", due="2026-09-16"
    ),
    "plan.offer": lambda c: account_ask(c, "plan.offer", instalments=3, first_due="2026-10-01", **letter(c)),
    "dunning.hold": lambda c: account_ask(c, "dunning.hold", amount=False, reason="disputed", until="2026-10-15"),
    "promise.log": lambda c: account_ask(c, "promise.log", promised_on="2026-09-30"),
    "account.escalate": lambda c: account_ask(c, "account.escalate", items=False, amount=False, reason="90 days"),
    "receivable.write_off": lambda c: account_ask(c, "receivable.write_off", reason="dissolved"),
    "receivable.agency": lambda c: account_ask(c, "receivable.agency", reason="no answer", agency="Kant & Co"),
}


def run(company: Company, ask: Ask, key: str = "k-1") -> Any:
    return company.execute(ask.operation, ask.arguments, key=key, target=ask.target)


def test_it_offers_every_canonical_operation() -> None:
    assert set(ASKS) == set(PLANS) == {name for name, operation in CANONICAL.items() if operation.effect}


class TestEffects:
    @pytest.mark.parametrize("operation", sorted(ASKS))
    def test_the_preview_is_what_changes(self, company: Company, operation: str) -> None:
        ask = ASKS[operation](company)
        before = dump(company)
        changes = company.preview(ask.operation, ask.arguments, ask.target)
        assert dump(company) == before
        receipt = run(company, ask)
        after = dump(company)
        assert receipt.outcome is Outcome.DONE
        moved = {
            (name.replace("_", " "), value)
            for table, held in before.items()
            for record_id, row in held.items()
            for name, value in after[table][record_id].items()
            if value != row[name] and name not in {"version", "updated_at", "holds"}
        }
        updated = {(change.field, change.after) for change in changes if any(change.field == name for name, _ in moved)}
        assert updated == {(name, readable(name, value)) for name, value in moved}
        added = {
            table: [row for record_id, row in held.items() if record_id not in before[table]] for table, held in after.items()
        }
        assert all(not [record_id for record_id in held if record_id not in after[table]] for table, held in before.items())
        self.shown(added, changes)
        assert ("mail" in {change.record for change in changes}) == bool(added["mail"])

    def shown(self, added: dict[str, list[dict[str, Any]]], changes: Any) -> None:
        """Every added row can be read off the preview."""
        text = "\n".join(f"{change.record} {change.field} {change.after}" for change in changes)
        for mail in added["mail"]:
            assert [
                f"mail {name} {mail[column]}" in text for name, column in (("to", "recipient"), ("subject", "subject"))
            ] == [True] * 2
            assert mail["body"] in text
        for payment in added["payment_run"]:
            assert (
                f"{Decimal(payment['amount']):,.2f} {payment['currency']} to {payment['iban'][:4]} … {payment['iban'][-4:]}"
                in text
            )
        for item in (*added["receivable"], *added["invoice"]):
            assert f"{Decimal(item.get('open_amount') or item['gross']):,.2f} {item['currency']}" in text
        for activity in added["activity"]:
            assert activity["subject"] in text

    @pytest.mark.parametrize("operation", sorted(ASKS))
    def test_the_target_moves_to_the_version_on_the_receipt(self, company: Company, operation: str) -> None:
        ask = ASKS[operation](company)
        receipt = run(company, ask)
        assert ask.target.version is not None
        assert receipt.version == str(int(ask.target.version) + 1) == company.version(ask.target)

    @pytest.mark.parametrize("operation", sorted(ASKS))
    def test_a_moved_record_is_stale(self, company: Company, operation: str) -> None:
        ask = ASKS[operation](company)
        outside(company, f"UPDATE {ask.target.kind} SET version = version + 1 WHERE id = ?", ask.target.id)
        before = dump(company)
        with pytest.raises(StaleRecord, match="version 2, not 1"):
            run(company, ask)
        assert dump(company) == before
        assert company.lookup("k-1") is None

    @pytest.mark.parametrize("operation", sorted(ASKS))
    def test_the_same_key_happens_once(self, company: Company, operation: str) -> None:
        ask = ASKS[operation](company)
        first = run(company, ask)
        after = dump(company)
        assert run(company, ask) == first == company.lookup("k-1")
        assert dump(company) == after
        assert company.receipts() == [first]

    def test_a_key_is_not_used_for_something_else(self, company: Company) -> None:
        ask = ASKS["invoice.hold"](company)
        run(company, ask)
        with pytest.raises(Refused, match="used for something else"):
            run(company, ask.with_(reason="another"))

    def test_one_key_from_many_threads_is_one_effect(self, company: Company, clock: FrozenClock) -> None:
        ask = ASKS["invoice.post"](company)
        others = [Company.connect(company.path, clock) for _ in range(3)]
        barrier = threading.Barrier(8)
        receipts: list[Any] = []

        def press(one: Company) -> None:
            barrier.wait()
            receipts.append(run(one, ask))

        threads = [threading.Thread(target=press, args=([company, *others][place % 4],)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for other in others:
            other.close()
        assert len(receipts) == 8
        assert {receipt.external_id for receipt in receipts} == {receipts[0].external_id}
        assert len(rows(company, "SELECT * FROM payment_run")) == 1
        assert company.version(ask.target) == "2"

    def test_two_keys_for_one_record_version_are_one_effect(self, company: Company) -> None:
        ask = ASKS["invoice.post"](company)
        run(company, ask, "k-1")
        with pytest.raises(StaleRecord):
            run(company, ask, "k-2")
        assert len(rows(company, "SELECT * FROM payment_run")) == 1

    def test_an_effect_that_breaks_halfway_leaves_nothing(self, company: Company) -> None:
        ask = ASKS["reminder.send"](company)
        outside(company, "CREATE TRIGGER full BEFORE INSERT ON activity BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        before = dump(company)
        with pytest.raises(Unreachable, match="disk full"):
            run(company, ask)
        assert dump(company) == before
        assert company.lookup("k-1") is None
        outside(company, "DROP TRIGGER full")
        assert run(company, ask).outcome is Outcome.DONE

    def test_the_outbox_keeps_what_was_sent(self, company: Company, clock: FrozenClock) -> None:
        ask = ASKS["ticket.reply"](company)
        run(company, ask, "k-9")
        (mail,) = company.outbox()
        assert (mail.to, mail.subject, mail.body) == (ask.arguments["to"], "Re: your order", "It is on its way.")
        assert (mail.about, mail.key, mail.at) == (f"ticket/{ask.target.id}", "k-9", clock.now())

    def test_a_posted_invoice_is_paid_to_the_masters_account(self, company: Company) -> None:
        ask = posting(company)
        run(company, ask)
        (payment,) = rows(company, "SELECT * FROM payment_run")
        (master,) = rows(company, "SELECT * FROM supplier WHERE id = ?", waiting_party(company, ask))
        assert (payment["iban"], payment["amount"]) == (master["iban"], ask.arguments["amount"])

    def test_an_account_is_compared_without_spaces_and_case(self, company: Company) -> None:
        account_ = waiting(company)["iban"]
        assert run(company, posting(company, iban=f" {account_[:4].lower()} {account_[4:]}")).outcome is Outcome.DONE

    def test_a_partial_write_off_leaves_the_rest_open(self, company: Company) -> None:
        ask = ASKS["receivable.write_off"](company).with_(amount="1.00")
        run(company, ask)
        first = ask.arguments["receivable_ids"][0]
        (row,) = rows(company, "SELECT * FROM receivable WHERE id = ?", first)
        assert Decimal(row["open_amount"]) == Decimal(row["amount"]) - 1
        assert row["status"] == "open"

    @pytest.mark.parametrize(
        ("operation", "column", "expected"),
        [("promise.log", "promised_amount", "1.00"), ("receivable.write_off", "open_amount", "-1.00")],
    )
    def test_an_amount_is_spread_in_the_order_given(self, company: Company, operation: str, column: str, expected: str) -> None:
        customer, (first, *_) = account(company)
        (second,) = rows(company, "SELECT * FROM receivable WHERE customer_id <> ? ORDER BY id LIMIT 1", customer["id"])
        outside(
            company,
            "UPDATE receivable SET customer_id = ?, currency = ? WHERE id = ?",
            customer["id"],
            customer["currency"],
            second["id"],
        )
        amount = Decimal(first["open_amount"]) + 1
        run(company, ASKS[operation](company).with_(receivable_ids=[first["id"], second["id"]], amount=str(amount)))
        (row,) = rows(company, "SELECT * FROM receivable WHERE id = ?", second["id"])
        left = Decimal(row[column]) - (Decimal(second["open_amount"]) if column == "open_amount" else 0)
        assert left == Decimal(expected)

    def test_a_credit_memo_lowers_what_is_open(self, company: Company) -> None:
        ask = crediting(company)
        run(company, ask)
        (document,) = rows(company, "SELECT * FROM invoice WHERE id = ?", ask.target.id)
        (item,) = rows(company, "SELECT * FROM receivable WHERE invoice_number = ?", document["number"])
        assert Decimal(item["amount"]) - Decimal(item["open_amount"]) == 10
        (note,) = company.read("invoice.list", {"number": f"{document['number']}-C1"})
        assert note.kind == "credit_note"

    def test_an_unknown_key_is_unknown(self, company: Company) -> None:
        assert company.lookup("never") is None


def waiting_party(company: Company, ask: Ask) -> str:
    found = rows(company, "SELECT party_id FROM invoice WHERE id = ?", ask.target.id)[0]["party_id"]
    assert isinstance(found, str)
    return found


def readable(name: str, value: Any) -> str:
    """A column's value as the preview words it."""
    if name == "on hold":
        return "yes" if value else "no"
    if name == "tags":
        return value.strip('[]"').replace('", "', ", ")
    return "" if value is None else str(value)


REFUSALS: list[tuple[str, Callable[[Company], Ask], str, str]] = [
    ("a posted invoice", lambda c: posting(c), "UPDATE invoice SET status = 'posted'", "is posted"),
    ("a paid invoice", lambda c: posting(c), "UPDATE invoice SET status = 'paid'", "is paid"),
    ("a blocked invoice", lambda c: posting(c), "UPDATE invoice SET status = 'blocked'", "is blocked"),
    ("a rejected invoice", lambda c: posting(c), "UPDATE invoice SET status = 'rejected'", "is rejected"),
    ("another amount", lambda c: posting(c).with_(amount="1.00"), "", "is payable at"),
    ("another currency", lambda c: posting(c).with_(currency="JPY"), "", "not JPY"),
    ("another account", lambda c: posting(c, iban="DE02120300000000202051"), "", "not the account"),
    ("a blocked supplier", lambda c: posting(c), "UPDATE supplier SET blocked = 1", "is blocked"),
    ("an unknown supplier", lambda c: posting(c), "UPDATE invoice SET party_id = 'V0'", "no supplier"),
    ("posting a customer's", lambda c: posting(c, "invoice.post", "customer"), "", "not a supplier's"),
    ("issuing a supplier's", lambda c: posting(c, "invoice.issue"), "", "not a customer's"),
    ("an issued invoice", ASKS["invoice.issue"], "UPDATE invoice SET status = 'posted'", "is posted"),
    ("issuing another amount", lambda c: ASKS["invoice.issue"](c).with_(amount="1.00"), "", "is payable at"),
    ("short-paying all", lambda c: posting(c, "invoice.short_pay", reason="x"), "", "must be above 0 and below"),
    ("short-paying nothing", lambda c: ASKS["invoice.short_pay"](c).with_(amount="0"), "", "must be above 0 and below"),
    ("holding a posted one", ASKS["invoice.hold"], "UPDATE invoice SET status = 'posted'", "is posted"),
    ("a hold that has ended", lambda c: ASKS["invoice.hold"](c).with_(until="2026-09-14"), "", "in the past"),
    ("rejecting a paid one", ASKS["invoice.reject"], "UPDATE invoice SET status = 'paid'", "is paid"),
    ("a duplicate of nothing", lambda c: ASKS["invoice.reject"](c).with_(duplicate_of="AP-0"), "", "no invoice 'AP-0'"),
    ("a duplicate of itself", lambda c: itself(c, "invoice.reject", "invoice_id"), "", "cannot repeat itself"),
    ("blocking a posted one", ASKS["invoice.block"], "UPDATE invoice SET status = 'posted'", "is posted"),
    ("correcting at a stranger's", lambda c: ASKS["invoice.request_correction"](c).with_(to="a@b.example"), "", "not on file"),
    ("crediting too much", lambda c: crediting(c).with_(amount="9999999"), "", "can be credited"),
    ("replying to a stranger", lambda c: ASKS["ticket.reply"](c).with_(to="a@b.example"), "", "not the requester"),
    ("replying to a closed ticket", ASKS["ticket.reply"], "UPDATE ticket SET status = 'closed'", "is closed"),
    ("routing a closed ticket", ASKS["ticket.route"], "UPDATE ticket SET status = 'closed'", "is closed"),
    ("routing to nowhere", lambda c: ASKS["ticket.route"](c).with_(queue=" "), "", "needs a queue"),
    ("merging into nothing", lambda c: ASKS["ticket.merge"](c).with_(duplicate_of="T-0"), "", "no ticket 'T-0'"),
    ("merging into itself", lambda c: itself(c, "ticket.merge", "ticket_id"), "", "cannot repeat itself"),
    ("reminding of a dispute", ASKS["reminder.send"], "UPDATE receivable SET disputed = 1", "is disputed"),
    ("reminding of what is paid", ASKS["reminder.send"], "UPDATE receivable SET status = 'paid'", "is paid"),
    ("reminding on hold", ASKS["reminder.send"], "UPDATE receivable SET on_hold = 1", "on hold"),
    ("reminding before the day", ASKS["reminder.send"], "UPDATE receivable SET due_date = '2026-09-15'", "not overdue"),
    ("reminding of a wrong sum", lambda c: ASKS["reminder.send"](c).with_(amount="1.00"), "", "is open"),
    ("reminding a stranger", lambda c: ASKS["reminder.send"](c).with_(to="a@b.example"), "", "not on file"),
    ("reminding in another currency", lambda c: ASKS["reminder.send"](c).with_(currency="JPY"), "", "not JPY"),
    ("reminding one who said no", ASKS["reminder.send"], "UPDATE customer SET do_not_contact = 1", "must not be contacted"),
    ("reminding an insolvent one", ASKS["reminder.send"], "UPDATE customer SET insolvent = 1", "is insolvent"),
    ("another's receivable", ASKS["reminder.send"], "UPDATE receivable SET customer_id = 'C0'", "not of customer"),
    ("a receivable twice", lambda c: twice(c, "reminder.send"), "", "named twice"),
    ("calling a stranger", lambda c: ASKS["task.call"](c).with_(phone="+1"), "", "not on file"),
    ("calling yesterday", lambda c: ASKS["task.call"](c).with_(due="2026-09-14"), "", "in the past"),
    ("a plan for a stranger", lambda c: ASKS["plan.offer"](c).with_(to="a@b.example"), "", "not on file"),
    ("a plan on hold", ASKS["plan.offer"], "UPDATE receivable SET on_hold = 1", "on hold"),
    ("a promise in the past", lambda c: ASKS["promise.log"](c).with_(promised_on="2026-09-01"), "", "in the past"),
    ("a promise of too much", lambda c: ASKS["promise.log"](c).with_(amount="9999999"), "", "can be promised"),
    ("writing off too much", lambda c: ASKS["receivable.write_off"](c).with_(amount="9999999"), "", "can be written off"),
    ("writing off what is paid", ASKS["receivable.write_off"], "UPDATE receivable SET status = 'paid'", "is paid"),
    ("handing over a wrong sum", lambda c: ASKS["receivable.agency"](c).with_(amount="1.00"), "", "is open"),
    ("handing over a dispute", ASKS["receivable.agency"], "UPDATE receivable SET disputed = 1", "is disputed"),
]  # fmt: skip


def itself(company: Company, operation: str, name: str) -> Ask:
    ask = ASKS[operation](company)
    return ask.with_(duplicate_of=ask.arguments[name])


def twice(company: Company, operation: str) -> Ask:
    ask = ASKS[operation](company)
    first = ask.arguments["receivable_ids"][0]
    return ask.with_(receivable_ids=[first, first])


class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "meanwhile", "words"),
        [pytest.param(make, meanwhile, words, id=name) for name, make, meanwhile, words in REFUSALS],
    )
    def test_nothing_happens(self, company: Company, make: Callable[[Company], Ask], meanwhile: str, words: str) -> None:
        ask = make(company)
        if meanwhile:
            outside(company, meanwhile)
        before = dump(company)
        with pytest.raises(Refused, match=words):
            run(company, ask)
        assert dump(company) == before
        assert company.lookup("k-1") is None
        (shown,) = company.preview(ask.operation, ask.arguments, ask.target)
        assert shown.field == "would be refused"
        assert words in shown.after

    def test_a_target_must_be_what_the_arguments_name(self, company: Company) -> None:
        ask = ASKS["invoice.block"](company)
        wrong = [
            ask.target.model_copy(update={"id": "AP-0"}),
            ask.target.model_copy(update={"kind": "ticket"}),
            ask.target.model_copy(update={"system": "tryton"}),
        ]
        for other in wrong:
            with pytest.raises(Refused):
                company.execute(ask.operation, ask.arguments, key="k", target=other)
        assert company.receipts() == []

    def test_an_unknown_record_is_refused_and_named(self, company: Company) -> None:
        missing = Target(system="company", kind="invoice", id="AP-0", version="1")
        with pytest.raises(Refused, match="no invoice 'AP-0'"):
            company.execute("invoice.block", {"invoice_id": "AP-0", "reason": "x"}, key="k", target=missing)

    def test_wrong_arguments_name_their_field(self, company: Company) -> None:
        ask = ASKS["invoice.hold"](company)
        with pytest.raises(BadInput, match=r"invoice\.hold: reason"):
            run(company, ask.with_(reason=""))

    def test_a_draft_cannot_be_credited(self, company: Company) -> None:
        row = waiting(company, "customer")
        given = {"invoice_id": row["id"], "amount": "1.00", "currency": row["currency"], "reason": "price"}
        with pytest.raises(Refused, match="no issued invoice"):
            company.execute("invoice.credit_memo", given, key="k", target=target("invoice", row))

    def test_credits_add_up_to_the_invoice_at_most(self, company: Company) -> None:
        ask = crediting(company)
        gross = rows(company, "SELECT gross FROM invoice WHERE id = ?", ask.target.id)[0]["gross"]
        run(company, ask, "k-1")
        again = Ask(
            operation=ask.operation,
            arguments=ask.arguments | {"amount": gross},
            target=ask.target.model_copy(update={"version": "2"}),
        )
        with pytest.raises(Refused, match="can be credited"):
            run(company, again, "k-2")

    def test_an_effect_is_no_read_and_a_read_no_effect(self, company: Company) -> None:
        with pytest.raises(BadInput, match="not a read"):
            company.read("invoice.block", {"invoice_id": "x", "reason": "x"})
        with pytest.raises(NotFound, match="is a read"):
            company.execute("invoice.get", {"id": "x"}, key="k", target=Target(system="company", kind="invoice", id="x"))
        with pytest.raises(NotFound, match="Did you mean"):
            company.read("invoice.gett", {"id": "x"})


class TestReads:
    def arguments(self, company: Company, operation: str) -> dict[str, str]:
        first = {table: list(held.values()) for table, held in dump(company).items()}
        kind, _, verb = operation.partition(".")
        if verb == "get":
            good = [row for row in first[kind] if row.get("currency", "EUR") and row.get("issue_date") != "2026-02-30"]
            return {"id": good[0]["id"]}
        known = {
            "customer.find": {"email": first["contact"][-1]["email"]},
            "contact.list": {"party_id": first["contact"][0]["party_id"]},
            "ticket.list": {"requester": first["ticket"][0]["requester"]},
            "supplier.list": {"name": first["supplier"][0]["name"].upper()},
            "purchase_order.list": {"party_id": first["purchase_order"][0]["supplier_id"]},
            "goods_receipt.list": {"order_id": first["goods_receipt"][0]["order_id"]},
            "invoice.list": {"party_id": first["invoice"][-1]["party_id"]},
            "payment.list": {"party_id": first["payment"][0]["party_id"]},
            "receivable.list": {"customer_id": first["receivable"][0]["customer_id"]},
            "activity.list": {"party_id": first["activity"][0]["party_id"]},
        }
        return known[operation]

    @pytest.mark.parametrize("operation", sorted(name for name, spec in CANONICAL.items() if not spec.effect))
    def test_every_read_answers_records_of_its_kind(self, company: Company, operation: str) -> None:
        if operation == "customer.find":
            outside(company, "DELETE FROM contact WHERE party_id NOT IN (SELECT id FROM customer)")
        found = company.read(operation, self.arguments(company, operation))
        assert found
        assert {record.kind for record in found} == {CANONICAL[operation].target}
        assert all(record.version == "1" for record in found)

    @pytest.mark.parametrize("operation", sorted(name for name in CANONICAL if name.endswith(".get")))
    def test_an_unknown_id_is_not_found(self, company: Company, operation: str) -> None:
        with pytest.raises(NotFound, match="'nope'"):
            company.read(operation, {"id": "nope"})

    def test_a_customer_is_found_by_the_address_of_its_people(self, company: Company) -> None:
        (person,) = rows(company, "SELECT * FROM contact WHERE party_id IN (SELECT id FROM customer) ORDER BY id LIMIT 1")
        (customer,) = company.read("customer.find", {"email": person["email"].upper()})
        assert customer.id == person["party_id"]

    def test_a_search_for_nothing_is_no_search(self, company: Company) -> None:
        for operation in ("customer.find", "invoice.list", "ticket.list"):
            with pytest.raises(BadInput, match="needs something"):
                company.read(operation, {})

    def test_the_whole_vendor_master_is_listed(self, company: Company) -> None:
        assert len(company.read("supplier.list", {})) == len(rows(company, "SELECT id FROM supplier"))

    def test_amounts_are_exact_and_customers_know_their_habits(self, company: Company) -> None:
        (row,) = rows(company, "SELECT * FROM receivable ORDER BY id LIMIT 1")
        (item,) = company.read("receivable.get", {"id": row["id"]})
        assert isinstance(item, Receivable)
        assert str(item.open_amount) == row["open_amount"]
        (customer,) = company.read("customer.get", {"id": row["customer_id"]})
        facts = customer.facts  # type: ignore[attr-defined]
        assert set(facts) >= {"late_share", "mean_days_late", "invoices", "days_since_last_payment"}

    def test_a_hold_ends_by_itself(self, company: Company, clock: FrozenClock) -> None:
        ask = ASKS["dunning.hold"](company)
        run(company, ask)
        held = {"id": ask.arguments["receivable_ids"][0]}
        assert company.read("receivable.get", held)[0].on_hold  # type: ignore[attr-defined]
        clock.advance(timedelta(days=31))
        assert not company.read("receivable.get", held)[0].on_hold  # type: ignore[attr-defined]

    def test_a_broken_row_is_named_alone_and_left_out_of_lists(self, company: Company) -> None:
        (row,) = rows(company, "SELECT * FROM invoice WHERE currency IS NULL")
        with pytest.raises(ContractBreach, match="currency"):
            company.read("invoice.get", {"id": row["id"]})
        found = company.read("invoice.list", {"party_id": row["party_id"]})
        assert row["id"] not in {record.id for record in found}


class TestQueues:
    def test_everything_that_waits_has_a_truth_and_the_other_way_round(self, company: Company, template: Path) -> None:
        truth = load_truth(truth_path(template))
        pulled = {(f"company.{name}", one.external_id) for name, queue in company.sources().items() for one in queue.pull()}
        assert pulled == set(truth)

    def test_pulling_twice_is_the_same_and_oldest_comes_first(self, company: Company) -> None:
        for queue in company.sources().values():
            first = list(queue.pull())
            assert list(queue.pull()) == first
            assert list(queue.pull(limit=2)) == first[:2]
        received = [one.item.received_at for one in company.sources()["payables"].pull() if one.item]
        assert received == sorted(received)

    def test_just_the_spoilt_rows_break_their_contract(self, company: Company, template: Path, clock: FrozenClock) -> None:
        contracts = {contract.record: contract for contract in company.contracts()}
        broken = {
            (f"company.{name}", one.external_id): problem
            for name, queue in company.sources().items()
            for one in queue.pull()
            for problem in [
                one.problem
                or next(filter(None, (breach(contracts[kind], raw, now=clock.now()) for kind, raw in one.records)), "")
            ]
            if problem
        }
        truth = load_truth(truth_path(template))
        assert set(broken) == {key for key, one in truth.items() if one.route == "quarantine"}
        assert {problem.split(":")[0] for problem in broken.values()} == {
            "invoice.currency",
            "invoice.issue_date",
            "ticket.status",
        }

    def test_stale_receivables_are_not_dunned_on(self, company: Company, clock: FrozenClock) -> None:
        contract = next(one for one in company.contracts() if one.record == "receivable")
        clock.advance(timedelta(days=60))
        pulled = next(iter(company.sources()["receivables"].pull()))
        raw = next(raw for kind, raw in pulled.records if kind == "receivable")
        assert "older than" in breach(contract, raw, now=clock.now())

    def test_a_row_that_is_no_ticket_is_yielded_with_its_problem(self, company: Company) -> None:
        row = waiting(company)
        outside(company, "UPDATE invoice SET payable = 'lots' WHERE id = ?", row["id"])
        (found,) = [one for one in company.sources()["payables"].pull() if one.external_id == row["id"]]
        assert found.item is None
        assert row["id"] in found.problem
        assert found.raw["payable"] == "lots"

    @pytest.mark.parametrize(
        ("operation", "queue"),
        [
            ("ticket.route", "tickets"),
            ("invoice.post", "payables"),
            ("invoice.issue", "billing"),
            ("dunning.hold", "receivables"),
        ],
    )
    def test_what_is_done_waits_no_more(self, company: Company, operation: str, queue: str) -> None:
        ask = ASKS[operation](company)
        if operation == "dunning.hold":
            outside(company, "UPDATE receivable SET status = 'paid' WHERE customer_id = ? AND disputed = 1", ask.target.id)
        assert ask.target.id in {one.external_id for one in company.sources()[queue].pull()}
        run(company, ask)
        assert ask.target.id not in {one.external_id for one in company.sources()[queue].pull()}

    def test_an_ended_hold_brings_the_invoice_back_as_a_new_revision(self, company: Company, clock: FrozenClock) -> None:
        ask = ASKS["invoice.hold"](company)
        run(company, ask)
        clock.advance(timedelta(days=11))
        (back,) = [one for one in company.sources()["payables"].pull() if one.external_id == ask.target.id]
        assert back.item is not None
        assert back.item.revision == "2"

    def test_a_reminder_does_not_bring_the_account_back_at_once(self, company: Company, clock: FrozenClock) -> None:
        ask = ASKS["reminder.send"](company)

        def revision() -> str:
            found = [one for one in company.sources()["receivables"].pull() if one.external_id == ask.target.id]
            assert found[0].item is not None
            return found[0].item.revision

        before = revision()
        run(company, ask)
        assert revision() == before
        clock.advance(timedelta(days=14))
        assert revision() != before


class TestTruthIsHidden:
    def test_the_company_works_the_same_without_its_truth(self, company: Company, template: Path) -> None:
        assert not truth_path(company.path).exists()
        assert truth_path(template).exists()
        assert company.health().ok
        assert sum(1 for queue in company.sources().values() for _ in queue.pull()) == 168

    def test_no_row_says_what_is_right(self, company: Company, template: Path) -> None:
        truth = load_truth(truth_path(template)).values()
        secret = {one.route for one in truth} | {one.latent_cause for one in truth} | set(TRAPS)
        secret |= {label for one in truth for label in one.labels}
        plain_words = {"none", "need", "wait", "call", "hold", "issue", "remind", "route", "answer", "merge", "escalate", "fraud", "habit",
                       "overdue", "oversight", "duplicate", "disputed", "vulnerable", "insolvent", "do_not_contact", "hostile"}  # fmt: skip
        values = {str(value) for held in dump(company).values() for row in held.values() for value in row.values() if value}
        exact = {word for word in secret if word in values}
        assert exact <= plain_words
        text = "\n".join(sorted(values))
        assert [word for word in secret - plain_words if "_" in word and word in text] == []

    def test_no_column_holds_it(self) -> None:
        columns = " ".join(COLUMNS.values())
        assert [
            word for word in ("label", "truth", "latent", "at_risk", "propensity", "scenario", "trap") if word in columns
        ] == []


class TestSetup:
    def test_nothing_is_overwritten(self, path: Path, clock: FrozenClock) -> None:
        with pytest.raises(BadInput, match="something at"):
            Company.create(path, today=TODAY, clock=clock)

    def test_settings_name_the_file(self, path: Path, clock: FrozenClock) -> None:
        company = Company.from_settings({"path": str(path)}, clock)
        assert company.health().ok
        company.close()

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({}, "needs the setting `path`"),
            ({"path": "x", "url": "y"}, "no setting 'url'"),
            ({"path": "/no/such.db"}, "no company at"),
        ],
    )
    def test_wrong_settings_are_named(self, settings: dict[str, str], words: str, clock: FrozenClock) -> None:
        with pytest.raises(SettingsError, match=words):
            Company.from_settings(settings, clock)

    @pytest.mark.parametrize("content", [b"", b"not a database at all, just words, and more of them" * 30])
    def test_another_file_is_no_company(self, tmp_path: Path, clock: FrozenClock, content: bytes) -> None:
        other = tmp_path / "other.db"
        other.write_bytes(content)
        with pytest.raises(SettingsError, match="no company"):
            Company.connect(other, clock)

    def test_a_broken_file_is_unreachable(self, company: Company) -> None:
        outside(company, "DROP TABLE customer")
        assert not company.health().ok
        with pytest.raises(Unreachable, match="cannot be read"):
            company.read("customer.get", {"id": "C1"})

    def test_an_invoice_reads_back_as_it_was_written(self, company: Company) -> None:
        row = waiting(company)
        (found,) = company.read("invoice.get", {"id": row["id"]})
        assert isinstance(found, Invoice)
        assert (str(found.payable), found.iban, found.number, found.native) == (
            row["payable"],
            row["iban"],
            row["number"],
            "draft",
        )

"""What the records of a case say about whom, and what an action would tell its recipient about others."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shiftlead.agents.parties import HOUSE, house_values, known_values, of_records, owner_of, tells_of_others
from shiftlead.connectors.records import Contact, Customer, Invoice, Receivable, Supplier, Ticket
from shiftlead.connectors.testing import MemoryConnector
from shiftlead.core.case import TicketItem
from shiftlead.guardrails.personal_data import Kind, PersonalData
from shiftlead.tools.desk import Desk

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
READS = ("customer.get", "contact.list", "ticket.get", "supplier.get", "supplier.list", "invoice.get", "receivable.list")
EFFECTS = ("ticket.reply", "ticket.route", "invoice.request_correction", "task.call", "receivable.agency")
SETTINGS = {"house": {"name": "Nordwerk Wholesale", "email": "service@nordwerk.example", "phone": "+44 20 7946 0115"}}
ANNA = "anna.keller@delta.example"


@pytest.fixture
def erp(clock):
    records = (
        Customer(id="C-1", name="Delta Foods GmbH", email="ap@delta.example", phone="+49 30 901820", extra={"street": "Lindenstraße 12"}),
        Contact(id="P-1", party_id="C-1", name="Anna Keller", email=ANNA),
        Customer(id="C-2", name="Orion Tools Ltd", email="pay@orion.example", phone="+44 20 7946 0999"),
        Ticket(id="T-1", subject="Where is it", requester=ANNA, customer_id="C-1", created_at=AT),
        Ticket(id="T-2", subject="Where is it", requester="eva@nowhere.example", created_at=AT),
        Supplier(id="S-1", name="Mill", iban="DE89370400440532013000", tax_id="DE136695976"),
        Supplier(id="S-2", name="Quarry Works", iban="FR1420041010050500013M02606"),
        Receivable(
            id="R-1", customer_id="C-2", invoice_number="INV-2026-77", issue_date=date(2026, 8, 1), due_date=date(2026, 9, 1),
            amount=Decimal(10), open_amount=Decimal(10), currency="EUR",
        ),
        Invoice(
            id="I-1", number="R-2026-5", party_id="S-1", issue_date=date(2026, 9, 1), currency="EUR", net=Decimal(1), tax=Decimal(0),
            gross=Decimal(1), payable=Decimal(1), iban="GB29NWBK60161331926819",
        ),
    )  # fmt: skip
    connector = MemoryConnector(records, clock=clock)
    yield connector
    connector.close()


@pytest.fixture
def desk(erp, clock):
    item = TicketItem(
        source="memory.tickets", external_id="T-1", kind="ticket", subject="x", received_at=AT, payload={"requester": ANNA}
    )
    return Desk(item, erp, operations=frozenset((*READS, *EFFECTS)), clock=clock)


def read(desk, *operations):
    for operation, kind, arguments in operations:
        desk.read(operation, kind, **arguments)
    return desk


OURS = (
    ("ticket.get", Ticket, {"id": "T-1"}),
    ("customer.get", Customer, {"id": "C-1"}),
    ("contact.list", Contact, {"party_id": "C-1"}),
)
THEIRS = (("customer.get", Customer, {"id": "C-2"}), ("receivable.list", Receivable, {"customer_id": "C-2"}))


def reply(desk, body, to=ANNA, ticket="T-1"):
    arguments = {"ticket_id": ticket, "to": to, "subject": "Re: x", "body": body}
    on = desk.records["ticket", ticket]
    proposal = desk.propose("ticket.reply", on, arguments, confidence=0.9, rationale="r")
    return tells_of_others(proposal, ("to",), desk, SETTINGS)


def test_a_record_belongs_to_its_party(erp):
    ticket = Ticket(id="T-9", subject="", requester="Eva@Example.com", created_at=AT)
    assert owner_of(Customer(id="C-1", name="x")) == "C-1"
    assert owner_of(Contact(id="P-1", party_id="C-1", name="x")) == "C-1"
    assert owner_of(ticket.model_copy(update={"customer_id": "C-1"})) == "C-1"
    assert owner_of(ticket) == "requester/eva@example.com"
    assert owner_of(ticket.model_copy(update={"requester": ""})) == "ticket/T-9"


def test_every_identifying_field_of_every_record_is_known(desk):
    read(desk, *OURS, *THEIRS, ("supplier.get", Supplier, {"id": "S-1"}), ("invoice.get", Invoice, {"id": "I-1"}))
    known = {(one.kind, one.value) for one in known_values(desk).values}
    assert {
        (Kind.NAME, "Delta Foods GmbH"), (Kind.EMAIL, "ap@delta.example"), (Kind.PHONE, "+49 30 901820"), (Kind.ADDRESS, "Lindenstraße 12"),
        (Kind.NAME, "Anna Keller"), (Kind.EMAIL, ANNA), (Kind.REFERENCE, "T-1"), (Kind.REFERENCE, "INV-2026-77"),
        (Kind.NAME, "Mill"), (Kind.IBAN, "DE89370400440532013000"), (Kind.TAXID, "DE136695976"), (Kind.IBAN, "GB29NWBK60161331926819"),
    } <= known  # fmt: skip


def test_fields_that_only_some_systems_have_are_known_by_their_names():
    record = Customer(
        id="C-3", name="x", extra={"email_address": "a@b.example", "bank_account_no": "12345678", "contact": {"mobile": "+49 151 2"}, "vat": 19}
    )  # fmt: skip
    found = {(one.kind, one.value) for one in of_records([record])}
    assert {(Kind.EMAIL, "a@b.example"), (Kind.ACCOUNT, "12345678"), (Kind.PHONE, "+49 151 2")} <= found


def test_the_house_may_be_a_name_alone():
    assert [(one.value, one.owner) for one in house_values({"house": "Nordwerk"})] == [("Nordwerk", HOUSE)]
    assert len(house_values(SETTINGS)) == 3
    assert house_values({}) == ()


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ("dear Anna Keller, your order goes to Lindenstraße 12. Write to service@nordwerk.example.", PersonalData.NONE),
        ("dear Anna Keller, all is well at Delta Foods.", PersonalData.NONE),
        ("Dear Anna Keller, please ask Olu Adeyemi.", PersonalData.POSSIBLE),
        ("dear Anna Keller, Orion Tools has not paid INV-2026-77.", PersonalData.CERTAIN),
        ("call 020 7946 0999.", PersonalData.CERTAIN),
        ("pay to FR14 2004 1010 0505 0001 3M02 606.", PersonalData.CERTAIN),
    ],
)
def test_a_reply_tells_of_others_what_is_not_its_readers_own(desk, body, level):
    read(desk, *OURS, *THEIRS)
    assert reply(desk, body) is level


def test_a_reply_to_somebody_without_a_record_may_tell_their_own_address_only(desk):
    read(desk, ("ticket.get", Ticket, {"id": "T-2"}), *THEIRS)
    assert reply(desk, "eva@nowhere.example", to="eva@nowhere.example", ticket="T-2") is PersonalData.NONE
    assert reply(desk, "pay@orion.example", to="eva@nowhere.example", ticket="T-2") is PersonalData.CERTAIN


def test_an_action_that_writes_to_nobody_outside_tells_nobody_anything(desk):
    read(desk, *OURS, *THEIRS)
    on = desk.records["customer", "C-1"]
    arguments = {"customer_id": "C-1", "phone": "+49 30 901820", "note": "ask about Orion Tools Ltd", "due": "2026-09-16"}
    proposal = desk.propose("task.call", on, arguments, confidence=0.9, rationale="r")
    assert tells_of_others(proposal, ("phone",), desk, SETTINGS) is PersonalData.NONE


def test_an_agency_may_be_told_about_the_debtor_and_nobody_else(desk):
    read(desk, *OURS, *THEIRS)
    on = desk.records["customer", "C-1"]
    for reason, level in (
        ("Delta Foods GmbH does not answer", PersonalData.NONE),
        ("as pay@orion.example said", PersonalData.CERTAIN),
    ):
        arguments = {
            "customer_id": "C-1", "receivable_ids": ["R-9"], "amount": "10.00", "currency": "EUR", "reason": reason, "agency": "quick",
        }  # fmt: skip
        proposal = desk.propose("receivable.agency", on, arguments, confidence=0.9, rationale="r")
        assert tells_of_others(proposal, ("agency", "amount"), desk, SETTINGS) is level, reason


def test_a_supplier_is_not_told_another_suppliers_account(desk):
    read(desk, ("invoice.get", Invoice, {"id": "I-1"}), ("supplier.list", Supplier, {}))
    on = desk.records["invoice", "I-1"]
    for body, level in (
        ("your invoice R-2026-5 names GB29 NWBK 6016 1331 9268 19", PersonalData.NONE),
        ("use FR1420041010050500013M02606", PersonalData.CERTAIN),
    ):
        arguments = {"invoice_id": "I-1", "to": "ap@mill.example", "subject": "x", "body": body}
        proposal = desk.propose("invoice.request_correction", on, arguments, confidence=0.9, rationale="r")
        assert tells_of_others(proposal, ("to",), desk, SETTINGS) is level, body

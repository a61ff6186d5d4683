"""Duplicates in disguise, and twins that are none."""

from datetime import date
from decimal import Decimal

import pytest

from shiftlead.agents.duplicates import Agreement, counted, duplicate, names_alike, numbers
from shiftlead.agents.invoice_settings import InvoiceSettings
from shiftlead.agents.match_quantities import Room
from shiftlead.agents.playbook import shipped_playbook
from shiftlead.connectors.records import Invoice, Supplier

D = Decimal

SETTINGS = InvoiceSettings.of(shipped_playbook("invoices"))
SUPPLIERS = [
    Supplier(id="S-1", name="Nordlicht Papier GmbH", tax_id="DE811223344", iban="DE58471510563381891928"),
    Supplier(id="S-2", name="Südwind AG", tax_id="DE900000001", iban="DE11100000000000000001"),
]
NO_ROOM = Room(received=False, ordered=False)
OWN_RECEIPT = Room(received=True, ordered=True)


def bill(**values):
    base = {
        "id": "I-2",
        "number": "RE953165",
        "party_id": "S-1",
        "party_name": "Nordlicht Papier GmbH",
        "order_id": "4500017",
        "issue_date": date(2026, 4, 12),
        "currency": "EUR",
        "net": D("1000"),
        "tax": D("190"),
        "gross": D("1190"),
        "payable": D("1190"),
    }
    return Invoice(**{**base, **values})


def earlier(**values):
    return bill(**{"id": "I-1", "status": "paid", **values})


def found(other, left=NO_ROOM, invoice=None):
    return duplicate(invoice or bill(), [other], SUPPLIERS, SETTINGS, left=left, order_id="4500017")


DISGUISED = [
    # the very invoice again
    (earlier(), 0.99),
    # word in front, punctuation, leading zeros
    (earlier(number="INV-RE953165"), 0.98),
    (earlier(number="RE 953-165"), 0.98),
    (earlier(number="00953165"), 0.98),
    # a scanner took S for 5, O for 0, I for 1, B for 8
    (earlier(number="RE9S3I65"), 0.97),
    # a suffix
    (earlier(number="RE953165-DUP"), 0.96),
    (earlier(number="RE953165A"), 0.96),
    (earlier(number="RE953165/2"), 0.96),
    # another date
    (earlier(issue_date=date(2026, 4, 9)), 0.99),
    # half a percent more
    (earlier(gross=D("1196"), net=D("1006")), 0.97),
    # another record of the same supplier: by name, by tax id
    (earlier(party_id="S-9", party_name="NORDLICHT PAPIER"), 0.97),
    (earlier(party_id="S-9", party_name="NLP", party_tax_id="DE 811 223 344"), 0.97),
    # another number and date, but the order has no room for a second bill over the same amount
    (earlier(number="7711", issue_date=date(2026, 3, 1)), 0.9),
    # exactly the same number, amount and order from a supplier with another name
    (earlier(party_id="S-2", party_name="Südwind AG"), 0.88),
    # the number again at another amount
    (earlier(gross=D("500"), net=D("420"), order_id="4500001"), 0.7),
]


@pytest.mark.parametrize(("other", "confidence"), DISGUISED)
def test_a_supply_that_was_billed_before_is_found(other, confidence):
    hit = found(other)
    assert hit is not None
    assert (hit.invoice_id, hit.confidence) == ("I-1", confidence)
    assert other.number in hit.evidence


TWINS = [
    # an equal instalment with its own receipt and number
    (earlier(number="RE953001"), OWN_RECEIPT),
    # instalments numbered by suffix, with their own receipts
    (earlier(number="RE953165-1"), OWN_RECEIPT),
    # a recurring charge: other order, other number, next month
    (earlier(number="RE951001", order_id="4500016", issue_date=date(2026, 3, 12)), NO_ROOM),
    # the next number in the series, same amount, other order
    (earlier(number="RE953166", order_id="4500016", issue_date=date(2026, 4, 11)), NO_ROOM),
    # the same digits under another year, long ago
    (earlier(number="RE953165", order_id="4400001", issue_date=date(2025, 4, 12)), NO_ROOM),
    # two per cent apart on the same order
    (earlier(number="RE950001", gross=D("1214")), NO_ROOM),
    # the same figures in another currency
    (earlier(number="RE950001", currency="CHF"), NO_ROOM),
    # another supplier happens to use that number for that amount
    (earlier(party_id="S-2", party_name="Südwind AG", order_id="4500044"), NO_ROOM),
    # another supplier happens to use that number for another amount
    (earlier(party_id="S-2", party_name="Nordlicht Papier AG", order_id="4500044", gross=D("77")), NO_ROOM),
]


@pytest.mark.parametrize(("other", "left"), TWINS)
def test_twins_are_no_duplicates(other, left):
    assert found(other, left) is None


def test_a_reused_number_with_its_own_receipt_is_suspected_with_less_confidence():
    hit = found(earlier(), OWN_RECEIPT)
    assert hit is not None
    assert hit.confidence == 0.97


def test_the_surest_duplicate_is_named():
    hit = duplicate(
        bill(), [earlier(id="I-0", number="RE953165-A"), earlier()], SUPPLIERS, SETTINGS, left=NO_ROOM, order_id="4500017"
    )
    assert hit is not None
    assert hit.invoice_id == "I-1"


def test_void_and_rejected_invoices_do_not_count_and_of_two_drafts_the_first_one_does():
    first, second = bill(id="I-1", received_on=date(2026, 4, 13)), bill(id="I-2", received_on=date(2026, 4, 14))
    assert counted(second, [first]) == (first,)
    assert counted(first, [second]) == ()
    assert counted(second, [earlier(status="void"), earlier(status="rejected"), second]) == ()


NUMBERS = [
    ("2026-796020", "INV2026796020", Agreement.FORMATTED),
    ("re 4711-22", "RE471122", Agreement.FORMATTED),
    ("RE80001", "RE8OOO1", Agreement.MISREAD),
    ("2026-01", "2026-02", Agreement.DIFFERENT),
    ("12345-1", "12345-2", Agreement.DIFFERENT),
    ("A1", "B1", Agreement.DIFFERENT),
    ("765505", "765506", Agreement.DIFFERENT),
    ("765505", "765505 (COPY)", Agreement.SUFFIXED),
]


@pytest.mark.parametrize(("first", "second", "expected"), NUMBERS)
def test_numbers_agree_the_same_way_round_and_back(first, second, expected):
    assert numbers(first, second, SETTINGS) is expected
    assert numbers(second, first, SETTINGS) is expected


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("The Sellercompany Incorporated", "THE SELLERCOMPANY INCORP", True),
        ("Müller & Söhne GmbH & Co. KG", "MÜLLER & SÖHNE", True),
        ("Nordlicht Papier GmbH", "Nordlicht Services GmbH", False),
        ("GmbH", "AG", False),
        ("", "", False),
    ],
)
def test_company_names(first, second, alike):
    assert names_alike(first, second, SETTINGS) is alike

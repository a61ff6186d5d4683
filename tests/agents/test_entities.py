from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.entities import EntityKind, entities_of
from shiftlead.core.iban import valid_iban
from shiftlead.core.money import Money

TUESDAY = date(2026, 11, 24)


def values(text, kind, reference=TUESDAY):
    return [found.value for found in entities_of(text, reference=reference) if found.kind is kind]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("about INV-2026-00123.", ["INV-2026-00123"]),
        ("R-104 and RE 4711", ["R-104", "RE 4711"]),
        ("SI-2026-123456, please", ["SI-2026-123456"]),
        ("invoice 4711 is wrong", ["4711"]),
        ("Invoice no. 2026/0815", ["2026/0815"]),
        ("Rechnung Nr. 2026-17 fehlt", ["2026-17"]),
        ("facture n° 889", ["889"]),
        ("RE: 12 boxes", []),
        ("invoice of 2026-11-01", []),
        ("invoice 500 EUR", []),
        ("invoice 24.11.2026", []),
        ("our invoice is wrong", []),
        ("mail inv-12@x.com", []),
    ],
)
def test_invoice_numbers(text, expected):
    assert values(text, EntityKind.INVOICE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where is SO-123456?", ["SO-123456"]),
        ("PO 4500012345 and ORD-2026-77", ["PO 4500012345", "ORD-2026-77"]),
        ("order number 889-A", ["889-A"]),
        ("Bestellung 12345 kam nicht", ["12345"]),
        ("in order to pay", []),
        ("the order of 24 November 2026", []),
    ],
)
def test_order_numbers(text, expected):
    assert values(text, EntityKind.ORDER) == expected


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1,234.56 EUR", "1234.56", "EUR"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("$99", "99", "USD"),
        ("CHF 1'200.50", "1200.50", "CHF"),
        ("1 234,56 €", "1234.56", "EUR"),
        ("EUR 1.234", "1234", "EUR"),
        ("12.000 Euro", "12000", "EUR"),
        ("500,- EUR", "500", "EUR"),
        ("£0.99", "0.99", "GBP"),
        ("1,234,567.89 USD", "1234567.89", "USD"),
        ("7,5 €", "7.5", "EUR"),
    ],
)
def test_amounts(text, amount, currency):
    (found,) = entities_of(f"we paid {text} today", reference=TUESDAY)[:1]
    assert found.money == Money(amount=Decimal(amount), currency=currency)
    assert found.text == text


@pytest.mark.parametrize("text", ["20 boxes at 3.50", "EURO 2024 cup", "version 1.2.3.4 EUR", "ABC12EUR", "12 europeans"])
def test_no_amount(text):
    assert values(text, EntityKind.AMOUNT) == []


@pytest.mark.parametrize(
    ("text", "expected", "certain"),
    [
        ("2026-12-03", "2026-12-03", True),
        ("24.11.2026", "2026-11-24", True),
        ("3.12.26", "2026-12-03", True),
        ("Nov 24", "2026-11-24", True),
        ("November 24th, 2027", "2027-11-24", True),
        ("1st of December", "2026-12-01", True),
        ("3. März 2027", "2027-03-03", True),
        ("le 5 février", "2027-02-05", True),
        ("15 October", "2026-10-15", True),
        ("11/24/2026", "2026-11-24", True),
        ("24/11/2026", "2026-11-24", True),
        ("3/4/2026", "2026-04-03", False),
        ("today", "2026-11-24", True),
        ("tomorrow", "2026-11-25", True),
        ("übermorgen", "2026-11-26", True),
        ("in 3 days", "2026-11-27", True),
        ("in two weeks", "2026-12-08", True),
        ("in zwei Wochen", "2026-12-08", True),
        ("within one month", "2026-12-24", True),
        ("on Friday", "2026-11-27", False),
        ("this Friday", "2026-11-27", True),
        ("next Friday", "2026-11-27", False),
        ("next Monday", "2026-11-30", True),
        ("nächsten Montag", "2026-11-30", True),
        ("last Monday", "2026-11-23", True),
        ("next week", "2026-12-04", False),
        ("the end of the month", "2026-11-30", True),
        ("end of next month", "2026-12-31", True),
        ("Ende des Monats", "2026-11-30", True),
        ("end of the week", "2026-11-27", True),
        ("end of the year", "2026-12-31", True),
    ],
)
def test_dates(text, expected, certain):
    (found,) = [one for one in entities_of(f"I will pay {text}, thanks", reference=TUESDAY) if one.kind is EntityKind.DATE]
    assert (found.value, found.certain) == (expected, certain)
    assert found.day == date.fromisoformat(expected)


@pytest.mark.parametrize("text", ["31.02.2026", "99/99/2026", "2026-13-01", "I may pay", "version 1.2.3", "ſept 3ſ"])
def test_no_dates(text):
    assert values(text, EntityKind.DATE) == []


def test_the_end_of_the_month_crosses_the_year():
    assert values("end of next month", EntityKind.DATE, date(2026, 12, 31)) == ["2027-01-31"]
    assert values("in one month", EntityKind.DATE, date(2027, 1, 31)) == ["2027-02-28"]
    assert values("2 January", EntityKind.DATE, date(2026, 12, 31)) == ["2027-01-02"]


def test_ibans_are_checked_and_cut_from_the_words_after_them():
    text = "pay DE89 3704 0044 0532 0130 00 please or GB82WEST12345698765432 NL91ABNA0417164300, not DE88370400440532013000"
    assert values(text, EntityKind.IBAN) == ["DE89370400440532013000", "GB82WEST12345698765432", "NL91ABNA0417164300"]


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("de89 3704 0044 0532 0130 00", True),
        ("DE89370400440532013001", False),
        ("DE8937040044053201300", False),
        ("", False),
        ("ÄÖ89370400440532013000", False),
    ],
)
def test_valid_iban(text, valid):
    assert valid_iban(text) is valid


@given(st.integers(0, 21), st.integers(1, 9))
def test_a_changed_digit_breaks_an_iban(place, by):
    iban = "DE89370400440532013000"
    if iban[place].isdigit():
        wrong = iban[:place] + str((int(iban[place]) + by) % 10) + iban[place + 1 :]
        assert not valid_iban(wrong)


def test_emails():
    assert values("mail Anna.K@Example.co.uk, or @home, or a@b", EntityKind.EMAIL) == ["anna.k@example.co.uk"]


WORDS = st.sampled_from(
    [
        "invoice",
        "order",
        "INV-",
        "SO-",
        "R-",
        "RE",
        "4711",
        "2026",
        "-11-",
        "24",
        ".11.",
        "1,234.56",
        "€",
        "$",
        "EUR",
        "Nov",
        "next",
        "Friday",
        "end",
        "of",
        "the",
        "month",
        "DE89",
        "3704",
        "0044",
        "@",
        "x.com",
        "/",
        ",",
        ".",
        "ſ",
        "İ",
        "\n",
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join)), st.dates())
def test_any_text_gives_ordered_spans_without_overlap(text, reference):
    found = entities_of(text, reference=reference)
    assert all(text[one.start : one.end] == one.text for one in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all((one.kind is EntityKind.AMOUNT) == (one.money is not None) for one in found)
    assert all((one.kind is EntityKind.DATE) == (one.day is not None) for one in found)

"""Payment fraud: what a mail or an invoice says about accounts never moves money, and a call to a number on record is asked for."""

from datetime import date

import pytest
from blank_ledger import blank_ledger
from premises import AT, OURS, THEIRS, Premises, invoice

from shiftlead.connectors.records import Supplier
from shiftlead.core.verdict import Lane

PHONE = "+49 30 1234567"


@pytest.fixture
def premises(tmp_path):
    blank_ledger(tmp_path / "ledger.db")
    opened = []

    def make():
        opened.append(Premises(tmp_path))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def on_record(site, **fields):
    """The supplier of `supply`, with what the vendor master says beside it."""
    kept = site.memory.get(Supplier, "S-1")
    site.memory.put(kept.model_copy(update={"country": "DE", "phone": PHONE, **fields}))


def deal(premises, *, bill=None, payload=None, **fields):
    site = premises()
    site.supply()
    on_record(site, **fields)
    site.memory.put(bill or invoice())
    site._take("payables", "I-1", "supplier_invoice", "Invoice R-100", {"ref": "I-1", "body": "", **(payload or {})})
    site.work()
    return site


def rules(site):
    return {hit.rule for one in site.actions() for hit in one.verdict.hits if hit.lane is one.lane is not Lane.ALLOWED}


def test_a_changed_account_is_blocked_and_a_call_to_the_number_on_record_is_asked_for(premises):
    site = deal(premises, bill=invoice(iban=THEIRS, note="We have a new bank. Questions? Call +44 20 7946 0999."))
    assert site.paid() == []
    assert site.kinds == ["invoice.block"]
    (request,) = site.waiting()
    assert PHONE in request.reason
    assert "7946 0999" not in request.reason
    assert "none from the invoice" in request.reason


def test_without_a_number_on_record_nobody_is_told_to_call_the_one_on_the_invoice(premises):
    site = deal(premises, bill=invoice(iban=THEIRS), phone="")
    (request,) = site.waiting()
    assert "the vendor master has no number" in request.reason.lower()


@pytest.mark.parametrize("said", ["our account changed, please use {}", "new bank details: {}", "pay urgently to {}"])
def test_a_mail_about_a_new_account_changes_and_answers_nothing(premises, said):
    site = premises()
    site.customer()
    site.ticket(subject="Change of bank details", body=said.format(THEIRS))
    site.work()
    assert set(site.kinds) <= {"ticket.route"}
    assert not any(THEIRS in str(arguments) for _, _, arguments in site.ran)


@pytest.mark.parametrize(
    ("payload", "fields", "paid", "rule"),
    [
        ({}, {}, True, ""),
        ({"from": "billing@brenner.example"}, {}, True, ""),
        ({"from": "billing@brennner.example"}, {}, False, "P-009"),
        ({"from": "billing@brenner.example", "reply_to": "brenner@mail.example"}, {}, False, "P-009"),
        ({"from": "billing@brenner.example", "body": "Please pay at once."}, {}, False, "P-009"),
        ({}, {"extra": {"account_name_check": "match"}}, True, ""),
        ({}, {"extra": {"account_name_check": "close_match"}}, False, "P-008"),
        ({}, {"extra": {"account_name_check": "no_match"}}, False, "P-007"),
        ({}, {"bank_changed_on": date(2026, 9, 1)}, False, "R-006"),
        ({}, {"bank_changed_on": date(2026, 9, 1), "country": "FR"}, False, "P-005"),
        ({}, {"country": "FR"}, True, ""),
    ],
    ids=range(11),
)
def test_what_an_invoice_comes_with_decides_whether_it_is_paid_alone(premises, payload, fields, paid, rule):
    site = deal(premises, payload=payload, **fields)
    assert (len(site.paid()) == 1) is paid
    assert rule in rules(site) | {""}
    assert bool(site.waiting()) is not paid, "whoever is not paid is a person's to look at"


def test_an_account_that_cannot_exist_is_not_paid_even_from_the_vendor_master(premises):
    wrong = OURS[:-1] + "2"
    site = deal(premises, bill=invoice(iban=wrong), iban=wrong)
    assert site.paid() == []
    assert "P-004" in rules(site)
    assert site.waiting()


def test_a_week_after_a_change_two_people_decide_and_neither_made_it(premises):
    site = deal(premises, bank_changed_on=date(2026, 9, 8))
    (request,) = site.waiting()
    assert (request.approvals_needed, request.four_eyes) == (2, True)
    assert site.clock.now() == AT

"""Senders: the marks of payment fraud, found and not invented."""

import time

import pytest

from shiftlead.guardrails.senders import sender_facts

NOTHING = {"reply_to_differs": False, "first_seen_domain": False, "urgent_words": False}
ON_RECORD = ("billing@acme-supplies.example",)


def marks(known=ON_RECORD, subject="Invoice 4711", **payload):
    found = sender_facts(payload, subject=subject, known=known)
    assert set(found) == set(NOTHING)
    return {name for name, value in found.items() if value}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({}, set()),  # from our own system
        ({"requester": "", "note": ""}, set()),
        ({"from": "billing@acme-supplies.example"}, set()),
        ({"from": "Acme Billing <Billing@ACME-supplies.example>"}, set()),  # a name and capitals
        ({"from": "new.colleague@acme-supplies.example"}, set()),  # the domain is known
        ({"from": "billing@acme-supplies.example", "reply_to": "BILLING@acme-supplies.example"}, set()),
        ({"from": "billing@acme-supplies.example", "reply_to": "acme.billing@mail.example"}, {"reply_to_differs"}),
        ({"from": "billing@acme-supplles.example"}, {"first_seen_domain"}),  # a look-alike
        ({"from": "billing@acme-supplies.example, ceo@mail.example"}, {"first_seen_domain"}),  # the second of two
        ({"from": "<billing@acme-supplies.example>ceo@mail.example"}, {"first_seen_domain"}),  # beside the brackets
        ({"from": ["billing@acme-supplies.example", "ceo@mail.example"]}, {"first_seen_domain"}),
        (
            {"from": "billing@acme-supplies.example", "reply_to": "billing@acme-supplies.example, b@mail.example"},
            {"reply_to_differs"},
        ),
        (
            {"from": '"billing@acme-supplies.example" <b@mail.example>', "reply_to": "billing@acme-supplies.example"},
            {"reply_to_differs", "first_seen_domain"},
        ),  # an address as a name
        ({"from": "billing@acme-supplies.example.mail.example"}, {"first_seen_domain"}),
        ({"from": "billing@асme-supplies.example"}, {"first_seen_domain"}),  # Cyrillic letters
        ({"requester": "somebody"}, {"first_seen_domain"}),  # no domain at all
        ({"body": "Please pay urgently, our account changed."}, {"urgent_words"}),
        ({"body": "This is confidential. Do not call me, I am in a meeting."}, {"urgent_words"}),
        ({"note": "Bitte umgehend auf das neue Konto zahlen."}, {"urgent_words"}),
        ({"body": "URG\u200bENT: wire it today"}, {"urgent_words"}),  # an invisible character
        ({"body": "Payable within 30 days without deduction."}, set()),
        ({"body": "Thank you for your order of 12 immersion heaters."}, set()),
        ({"from": 17, "reply_to": None, "body": ["x"]}, {"first_seen_domain"}),  # no text where text belongs
    ],
    ids=range(23),
)
def test_the_marks_of_a_message(payload, expected):
    assert marks(**payload) == expected


def test_the_subject_counts_too():
    assert marks(subject="URGENT wire transfer") == {"urgent_words"}


def test_an_address_without_a_domain_is_not_known_since_a_record_has_none():
    assert marks(known=("", "billing@"), **{"from": "billing@"}) == {"first_seen_domain"}


def test_where_nothing_is_on_record_every_sender_is_new():
    assert marks(known=(), **{"from": "a@b.example"}) == {"first_seen_domain"}


def test_a_header_without_an_end_takes_no_longer_than_it_is_long():
    started = time.process_time()
    assert marks(**{"from": "a" * 100_000, "reply_to": "@" + "b" * 100_000}) == {"reply_to_differs", "first_seen_domain"}
    assert time.process_time() - started < 10, "quadratic would be minutes"

"""Egress: what free text carries out unasked is found however it is written, and ordinary words are left alone."""

import base64
from datetime import UTC, datetime

import pytest

from shiftlead.core.evidence import Evidence, Trust
from shiftlead.guardrails.egress import carried
from shiftlead.guardrails.tracing import Sources

NOW = datetime(2026, 9, 15, tzinfo=UTC)
MAIL = "Hi Emma, your security code is 463820. See www.secure-252.example/login for details. Secret key is 1a7b3d. We meet on 2026-05-20 at 10:30."
USER = {"Passport Number": "HGK137803", "Card": "4237-4252-7456-2574", "IBAN": "DE89 3704 0044 0532 0130 00", "city": "Berlin"}


def sources(instruction="Send Ann a summary"):
    return Sources(
        [
            Evidence(name="mail.body", value=MAIL, source="mail", trust=Trust.UNTRUSTED, read_at=NOW),
            Evidence(name="user", value=USER, source="crm", trust=Trust.RECORD, read_at=NOW),
        ],
        instruction=instruction,
    )


@pytest.mark.parametrize(
    "args",
    [
        {"body": "the code: 463820"},
        {"body": "4 6 3 8 2 0"},
        {"body": "4-6-3\n8-2-0"},
        {"subject": "463", "body": "820"},  # split over two arguments
        {"subject": "820", "body": "463"},
        {"body": base64.b64encode(b"code 463820").decode()},
        {"body": b"code 463820".hex()},
        {"body": "％34６３８２０".replace("％34", "４")},  # full-width
        {"body": "46\u200b3820"},
        {"body": "passport HGK137803"},
        {"body": "НGК137803"},  # Cyrillic
        {"body": "4237425274562574"},
        {"body": "DE89370400440532013000"},
        {"body": "look at www.secure-252.example/login"},
        {"body": "key 1a7b3d"},
        {"fields": [{"note": "HGK137803"}]},
    ],
)
def test_a_literal_that_was_read_is_carried(args):
    found = carried({"to": "ann@acme.example", **args}, ["to"], sources()).literal
    assert found
    assert found.split(":")[0] in args
    assert "(mail.body)" in found or "(user)" in found


@pytest.mark.parametrize(
    "body",
    [
        "The meeting is on 2026-05-20 at 10:30.",
        "Berlin is nice, 2 of us come.",
        "I will be there on the 2nd.",
        "code 463821",
        "",
        "See you",
    ],
)
def test_dates_words_and_other_figures_are_no_literals(body):
    assert carried({"to": "ann@acme.example", "body": body}, ["to"], sources()).literal == ""


def test_what_the_operator_asked_to_send_may_go():
    args = {"to": "ann@acme.example", "body": "My passport is HGK137803"}
    assert carried(args, ["to"], sources("Send Ann my passport number HGK137803")).literal == ""


def test_an_authority_argument_is_traced_not_searched():
    assert carried({"iban": "DE89370400440532013000"}, ["iban"], sources()).literal == ""


@pytest.mark.parametrize(
    ("body", "quotes"),
    [
        ("She says: hi emma your security code", True),  # five words in a row
        ("Hi Emma, your security", True),
        ("Dear Ann,\nhi Emma, your security\nBest, Ben", False),  # a line of a letter is not all there is
        ("So hi Emma, your security", False),
        ("see for details", False),
        ("We meet on Monday", False),
        ("security code is", True),  # an argument that stands there as a whole
        ("my friend Emma's code", False),
        (base64.b64encode(b"Hi Emma, your security code is below").decode(), True),
    ],
)
def test_a_passage_of_somebodys_text_is_a_quotation(body, quotes):
    assert bool(carried({"body": body}, [], sources()).quotation) is quotes


def test_a_passage_that_the_operator_gave_is_his_own():
    asked = sources("Write to Ann: hi Emma, your security code is ready")
    assert carried({"body": "Hi Emma, your security code is ready"}, [], asked).quotation == ""

"""Redaction: found numbers become tokens, and the text comes back whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.iban import valid_iban
from shiftlead.guardrails.redaction import redact, restore, valid_card


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Pay DE89 3704 0044 0532 0130 00 today", "Pay <IBAN_1> today"),
        ("Pay de89370400440532013000.", "Pay <IBAN_1>."),
        ("GB82 WEST 1234 5698 7654 32 is ours", "<IBAN_1> is ours"),
        ("Card 4111 1111 1111 1111, please", "Card <CARD_1>, please"),
        ("mail ana.b+x@example.co.uk or eva@example.com", "mail <EMAIL_1> or <EMAIL_2>"),
        ("mail ana@example.com, again ana@example.com", "mail <EMAIL_1>, again <EMAIL_1>"),
        ("call +49 30 1234567 or (030) 1234567", "call <PHONE_1> or <PHONE_2>"),
        ("call 555-010-9999 now", "call <PHONE_1> now"),
    ],
)
def test_what_is_found(text, hidden):
    found = redact(text)
    assert found.text == hidden
    assert restore(found.text, found.tokens) == text


@pytest.mark.parametrize(
    "text",
    [
        "DE89370400440532013002 has wrong check digits",
        "Order 4111111111111112 is no card",
        "PO 4500017998, invoice 2026-336905",
        "Total 12,480.00 EUR on 2026-09-15 at 10:30",
        "0000 0000 0000 0000",
        "version 1.2.3.4",
    ],
)
def test_what_only_looks_like_it_stays(text):
    assert redact(text).text == text


def test_a_token_that_was_already_in_the_text_is_not_mixed_up_with_ours():
    text = "<EMAIL_1> and ana@example.com"
    found = redact(text)
    assert found.text == "<EMAIL_1> and <EMAIL_2>"
    assert restore(found.text, found.tokens) == text


def test_an_unknown_token_stays():
    assert restore("<IBAN_7>", {"<IBAN_1>": "x"}) == "<IBAN_7>"


def test_check_digits():
    assert valid_iban("NL91 ABNA 0417 1643 00")
    assert not valid_iban("NL91 ABNA 0417 1643")
    assert valid_card("5555555555554444")
    assert not valid_card("5555555555554445")


_PIECES = st.sampled_from(
    [
        "DE89 3704 0044 0532 0130 00",
        "ana@example.com",
        "4111111111111111",
        "+49 30 1234567",
        "<EMAIL_1>",
        "<CARD_2>",
        " and ",
        "x",
        "1",
    ]
)


@given(st.lists(_PIECES | st.text(max_size=5), max_size=12).map("".join))
def test_every_text_comes_back_whole(text):
    found = redact(text)
    assert restore(found.text, found.tokens) == text

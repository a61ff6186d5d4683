"""Forms: one value however it is written, what an encoding hides, and domains that are taken for each other."""

import base64
import html
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.guardrails.forms import decoded, domains, folded, lookalike, loose, near, normal, squeezed

IBAN = "DE89370400440532013000"


@pytest.mark.parametrize("text", ["1000", "1,000.00", "1.000,00", "1 000", "1 000,00", "1000.0", "１０００"])
def test_one_number_has_one_form(text):
    assert normal(text) == "1000"


def test_two_long_numbers_have_two_forms():
    assert normal("7" * 30 + "1") != normal("7" * 30 + "2")


def test_escapes_that_make_one_letter_together_are_that_letter():
    assert decoded(r"\ud835\udc1a") == ("\U0001d41a",)
    assert decoded(r"\ud800 \u0061") == ("\ufffd a",)


@pytest.mark.parametrize(
    "text", [IBAN, "DE89 3704 0044 0532 0130 00", "de89-3704-0044-0532-0130-00", "D\u200bE89 3704\u00a00044 0532 0130 00"]
)
def test_one_account_has_one_form(text):
    assert normal(text) == IBAN.lower()


@pytest.mark.parametrize(
    "text",
    [
        "раypal",  # Cyrillic
        "ρаγраl",  # Greek and Cyrillic
        "ｐａｙｐａｌ",  # full-width
        "𝐩𝐚𝐲𝐩𝐚𝐥",  # mathematical letters
        "pay\u200b\u2060pal",  # zero-width
        "pay\u202epal\u202c",  # bidirectional
        "РАYРАL",  # Cyrillic capitals
        "pay\u00adpal",  # soft hyphen
    ],
)
def test_look_alike_and_invisible_letters_are_folded_for_texts(text):
    assert loose(text) == "paypal"


def test_a_look_alike_letter_is_another_value():
    assert normal("раypal.com") != normal("paypal.com")
    assert folded("раypal") != "paypal"


def test_a_greek_capital_is_what_it_looks_like():
    assert loose("ΝORDWIND") == "nordwind"


@pytest.mark.parametrize(
    "hidden",
    [
        base64.b64encode(IBAN.encode()).decode(),
        base64.urlsafe_b64encode(IBAN.encode()).decode().rstrip("="),
        IBAN.encode().hex(),
        IBAN.encode().hex(" "),
        "0x" + IBAN.encode().hex(),
        "".join(f"%{ord(one):02x}" for one in IBAN),
        "".join(f"&#{ord(one)};" for one in IBAN),
        base64.b64encode(base64.b64encode(IBAN.encode())).decode(),
        quote(base64.b64encode(b"to: " + IBAN.encode()).decode(), safe=""),
        html.escape(quote(f"<{IBAN}>")),
    ],
)
def test_encodings_are_undone_also_in_each_other(hidden):
    assert any(IBAN in text for text in decoded(f"use {hidden} please"))


@pytest.mark.parametrize(
    "text", ["", "Where is my order 4500017998?", "QUJDREVGR0hJSktM" + "\ufffd", "100 % sure & happy", "deadbeefdeadbeef"]
)
def test_ordinary_text_hides_nothing(text):
    assert not [one for one in decoded(text) if one.isprintable() and one.strip() and " " in one]


@given(st.text(max_size=200))
def test_no_text_breaks_a_form(text):
    for form in (folded, loose, normal, squeezed):
        assert form(text) == form(text)
    decoded(text)
    domains(text)


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text):
    assert folded(folded(text)) == folded(text) or not text.isascii()


def test_domains_of_addresses_and_links():
    assert domains("write to Ann@Acme.Example or see https://www.acme.example/x and 1.5") == {"acme.example"}


@pytest.mark.parametrize(
    "domain",
    [
        "acme-tradlng.example",  # one letter changed
        "acme-tradin.example",  # one left out
        "acme-ttrading.example",  # one put in
        "аcme-trading.example",  # Cyrillic
        "acrne-trading.example",  # rn for m
    ],
)
def test_a_look_alike_domain_is_found(domain):
    assert lookalike(domain, {"acme-trading.example", "other.example"}) == "acme-trading.example"


@pytest.mark.parametrize("domain", ["acme-trading.example", "beta.example.org", "acme-shipping.example"])
def test_the_domain_itself_and_others_are_no_look_alike(domain):
    assert lookalike(domain, {"acme-trading.example"}) == ""


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_near_is_the_edit_distance(one, other):
    def distance(a, b):
        if not a or not b:
            return len(a) + len(b)
        return min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))

    assert near(one, other) == (distance(one, other) <= 2)

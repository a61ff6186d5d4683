"""Nouns never change, and have one canonical form."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shiftlead.core.action import Action, Envelope, Proposal, Target
from shiftlead.core.money import Money
from shiftlead.core.noun import Noun, canonical_json, digest, plain


class Colour(StrEnum):
    RED = "red"


class Thing(Noun):
    name: str
    parts: tuple[str, ...] = ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def test_a_noun_cannot_be_changed_or_given_more():
    thing = Thing(name="a")
    with pytest.raises(ValidationError):
        thing.name = "b"
    with pytest.raises(ValidationError):
        Thing(name="a", colour="red")


@given(JSON)
def test_the_canonical_text_is_json_and_stable(value):
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(st.text(), st.integers(), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value, random):
    items = list(value.items())
    random.shuffle(items)
    assert digest(dict(items)) == digest(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), '"1000"'),
        (Decimal("12.50"), '"12.50"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), '"2026-01-02T01:00:00+00:00"'),
        (Colour.RED, '"red"'),
        ({"b", "a"}, '["a","b"]'),
        ((1, None, True), "[1,null,true]"),
        ({1: "é"}, '{"1":"é"}'),
        (Thing(name="x", parts=("y",)), '{"name":"x","parts":["y"]}'),
        (Money.of("1.50", "EUR"), '{"amount":"1.50","currency":"EUR"}'),
    ],
)
def test_every_kind_of_value_has_one_form(value, text):
    assert canonical_json(value) == text


def test_moments_in_two_zones_are_one():
    here = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    assert digest([here]) == digest([here.astimezone(UTC)])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"bytes", bytearray(b"x")])
def test_what_has_no_form_is_refused(value):
    with pytest.raises((TypeError, ValueError)):
        canonical_json([value])


def test_a_number_and_its_text_are_not_the_same():
    assert digest([1]) != digest(["1"])
    assert digest([True]) != digest([1])
    assert digest([None]) != digest([""])
    assert plain(True) is True


def envelope(**changes):
    action = {"kind": "invoice.post", "target": Target(system="s", kind="invoice", id="I-1", version="1")}
    return Envelope(
        tenant="main",
        case_id="case_1",
        action_id="act_1",
        worker="w",
        playbook="p@1",
        brain="b@1",
        proposal=Proposal(action=Action(**(action | changes)), rationale="fine"),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "invoice.hold"},
        {"arguments": {"amount": "1.00"}},
        {"amount": Money.of("1.00", "EUR")},
        {"party": "S-2"},
        {"target": Target(system="s", kind="invoice", id="I-1", version="2")},
        {"target": Target(system="t", kind="invoice", id="I-1", version="1")},
    ],
)
def test_the_seal_covers_everything_about_the_action(changes):
    assert envelope().digest() == envelope().digest()
    assert envelope(**changes).digest() != envelope().digest()


def test_a_sealed_envelope_comes_back_with_the_same_seal():
    sealed = envelope(arguments={"amount": "1.00", "lines": [{"a": None}]})
    again = Envelope.model_validate_json(sealed.sealed())
    assert again.digest() == sealed.digest() == digest(sealed.sealed())

"""Money is exact, in one currency, and never a float."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shiftlead.core.errors import BadInput
from shiftlead.core.money import Money, round_minor

AMOUNTS = st.decimals("-1000000000", "1000000000", places=4, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("amount", [1.5, 0.1, float("nan"), 1e300])
def test_floats_are_refused_everywhere(amount):
    with pytest.raises(BadInput, match="float"):
        Money.of(amount, "EUR")
    with pytest.raises(ValidationError, match="float"):
        Money(amount=amount, currency="EUR")


@pytest.mark.parametrize("amount", ["", "abc", "12,50", "1.2.3", "NaN", "Infinity", "-Infinity", "sNaN", "12.50 EUR", "١٢x"])
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(BadInput, match="not an amount"):
        Money.of(amount, "EUR")


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "E1R", "EU", " EUR", "EUR\n"])
def test_a_currency_is_three_capital_letters(currency):
    with pytest.raises(BadInput):
        Money.of("1.00", currency)


@given(left=AMOUNTS, right=AMOUNTS)
def test_sums_are_exact(left, right):
    total = Money.of(left, "EUR") + Money.of(right, "EUR")
    assert total.amount == left + right
    assert (total - Money.of(right, "EUR")).amount == left
    assert (Money.of(left, "EUR") < Money.of(right, "EUR")) is (left < right)
    assert (Money.of(left, "EUR") <= Money.of(right, "EUR")) is (left <= right)


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__"])
def test_currencies_never_mix(operation):
    with pytest.raises(BadInput, match="different currencies"):
        getattr(Money.of(1, "EUR"), operation)(Money.of(1, "USD"))


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("1.005", "EUR", "1.01"),
        ("1.004", "EUR", "1.00"),
        ("-1.005", "EUR", "-1.01"),
        ("2.5", "JPY", "3"),
        ("1.2345", "KWD", "1.235"),
        ("1.2345", "JOD", "1.235"),
        ("1.5", "XOF", "2"),
        ("0", "EUR", "0.00"),
    ],
)
def test_rounding_is_half_up_to_the_minor_unit(amount, currency, rounded):
    assert str(round_minor(Decimal(amount), currency)) == rounded


@given(AMOUNTS, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_rounding_twice_is_rounding_once(amount, currency):
    once = round_minor(amount, currency)
    assert round_minor(once, currency) == once


def test_it_is_written_for_people():
    assert str(Money.of("1234567.50", "EUR")) == "1,234,567.50 EUR"


@pytest.mark.parametrize("amount", ["1E+3000000000", "-1E+3000000000", "1E-3000000000", "0E+3000000000"])
def test_an_amount_that_fills_the_memory_when_it_is_written_is_none(amount):
    with pytest.raises(BadInput, match="not an amount"):
        Money.of(amount, "EUR")

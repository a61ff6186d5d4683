"""Exact bounds on a share of errors: known values, and the laws they obey."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.errors import BadInput
from shiftlead.guardrails.binomial import least_cases, least_clean, lower_bound, most_wrong, tail, upper_bound

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("wrong", "n", "bound"),
    [
        # the rule of three, exactly
        (0, 149, 0.019905),
        (0, 10, 0.258866),
        # one of ten, from tables of the binomial
        (1, 10, 0.394163),
        (5, 2000, 0.005249),
        (10, 10, 1.0),
        (0, 0, 1.0),
    ],
)
def test_upper_bounds_from_tables(wrong, n, bound):
    assert upper_bound(wrong, n) == pytest.approx(bound, abs=1e-6)


def test_149_clean_cases_show_two_percent_and_148_do_not():
    assert least_clean(0.02, 0.95) == 149
    assert upper_bound(0, 149) <= 0.02 < upper_bound(0, 148)
    assert least_clean(0.05, 0.95) == 59


@given(counts, st.floats(0.001, 0.999))
def test_the_tail_is_the_plain_sum(count, share):
    most, n = count
    plain = sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(most + 1))
    assert tail(most, n, share) == pytest.approx(plain, abs=1e-9)


@given(counts, st.floats(0.5, 0.999))
def test_the_bounds_are_where_the_tail_says(count, confidence):
    wrong, n = count
    upper, lower = upper_bound(wrong, n, confidence), lower_bound(wrong, n, confidence)
    assert lower <= wrong / n <= upper
    if wrong < n:
        assert tail(wrong, n, upper) == pytest.approx(1 - confidence, abs=1e-7)
    if wrong:
        assert 1 - tail(wrong - 1, n, lower) == pytest.approx(1 - confidence, abs=1e-7)


@given(counts)
def test_an_error_more_raises_the_bound_and_a_clean_case_more_lowers_it(count):
    wrong, n = count
    assert upper_bound(wrong, n + 1) < upper_bound(wrong + 1, n + 1) or wrong == n
    assert upper_bound(wrong, n + 1) <= upper_bound(wrong, n)


@given(st.integers(1, 3000), st.floats(0.005, 0.3))
def test_most_wrong_is_the_last_count_that_meets_the_target(n, target):
    most = most_wrong(n, target)
    if most >= 0:
        assert upper_bound(most, n) <= target + 1e-9
    assert upper_bound(most + 1, n) > target - 1e-9


def test_a_million_cases_neither_overflow_nor_take_for_ever():
    assert upper_bound(9_000, 1_000_000) == pytest.approx(0.009157, abs=1e-5)
    assert tail(0, 10_000_000, 0.5) == 0.0


def test_cases_needed_at_a_quality():
    needed = least_cases(0.01, 0.02)
    assert upper_bound(round(0.01 * needed + 0.5), needed) <= 0.02
    assert least_cases(0.0, 0.02) == 149
    assert least_cases(0.03, 0.02) is None


@pytest.mark.parametrize(("wrong", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 0.0), (1, 2, float("nan"))])
def test_what_is_no_share_is_refused(wrong, n, confidence):
    with pytest.raises(BadInput):
        upper_bound(wrong, n, confidence)


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, float("nan"), float("inf")])
def test_a_target_outside_zero_and_one_is_refused(target):
    with pytest.raises(BadInput):
        least_clean(target)

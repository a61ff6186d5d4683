"""Wealth: what betting against a lane is worth after so many cases."""

from math import comb, exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.guardrails.wealth import BETS, clean_needed, log_sum, log_wealth, lowest_limit

NEEDED = log(20)
counts = st.integers(0, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
limits = st.floats(0.005, 0.5)


def test_the_money_is_all_spread_out():
    assert sum(bet.share for bet in BETS) == pytest.approx(1.0)
    assert log_wealth(0, 0, 0.02) == pytest.approx(0.0)


@given(st.integers(1, 60), limits, st.floats(0, 1))
def test_where_the_limit_is_reached_nobody_expects_to_win(n, limit, further):
    """The whole promise rests on this: the mean wealth is at most what the gambler came with."""
    share = limit + (1 - limit) * further
    mean = sum(comb(n, k) * share**k * (1 - share) ** (n - k) * exp(log_wealth(k, n, limit)) for k in range(n + 1))
    assert mean <= 1 + 1e-9
    if further == 0:
        assert mean == pytest.approx(1.0)


@given(counts, limits)
def test_a_clean_case_wins_and_an_error_loses(count, limit):
    wrong, n = count
    assert log_wealth(wrong, n + 1, limit) > log_wealth(wrong, n, limit) > log_wealth(wrong + 1, n + 1, limit)


@given(counts)
def test_the_lowest_limit_is_where_the_wealth_just_suffices(count):
    wrong, n = count
    limit = lowest_limit(wrong, n, NEEDED)
    if limit < 1:
        assert log_wealth(wrong, n, limit) >= NEEDED > log_wealth(wrong, n, limit - 2e-7)
        assert limit >= wrong / n


@given(st.integers(0, 20), st.integers(0, 500), limits)
def test_the_clean_cases_needed_suffice_and_one_less_does_not(wrong, right, limit):
    n = wrong + right
    needed = clean_needed(wrong, n, limit, NEEDED)
    assert log_wealth(wrong, n + needed, limit) >= NEEDED
    assert needed == 0 or log_wealth(wrong, n + needed - 1, limit) < NEEDED


def test_millions_of_cases_do_not_overflow():
    assert log_wealth(10_000, 10_000_000, 0.02) > 1000
    assert log_wealth(5_000_000, 10_000_000, 0.02) < -1000
    assert log_sum([800.0, 800.0]) == pytest.approx(800 + log(2))
    assert log_sum([-float("inf"), -float("inf")]) == -float("inf")

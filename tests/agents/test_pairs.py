"""Two brains on the same cases: the exact test, the interval, and the rule of at least as good."""

from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.pairs import LEAST, MARGIN, Pair, compare, mcnemar


def pairs(both=0, only_champion=0, only_challenger=0, neither=0, weight=1.0):
    kinds = ((True, True, both), (True, False, only_champion), (False, True, only_challenger), (False, False, neither))
    rows = chain.from_iterable(repeat(kind[:2], kind[2]) for kind in kinds)
    return [
        Pair(case_id=f"c{number}", champion=one, challenger=other, weight=weight) for number, (one, other) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [
        # by hand from the binomial with one half: 2 * (1 + 6) / 64, 2 * (1 + 10 + 45) / 1024
        (1, 5, 14 / 64),
        (2, 8, 112 / 1024),
        (0, 0, 1.0),
        (4, 4, 1.0),
        (0, 10, 2 / 1024),
    ],
)
def test_the_exact_test(one, other, p):
    assert mcnemar(one, other) == pytest.approx(p)
    assert mcnemar(other, one) == pytest.approx(p)


def test_many_cases_are_no_trouble():
    assert mcnemar(2000, 2000) == 1.0
    assert mcnemar(1500, 2500) < 1e-50


def test_the_same_answers_are_as_good_as_soon_as_there_are_enough():
    assert compare(pairs(both=LEAST)).as_good
    few = compare(pairs(both=LEAST - 1))
    assert not few.as_good
    assert "1 more are needed" in few.hindrance


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        # worse, though nobody could swear to it
        ({"both": 400, "only_champion": 3, "only_challenger": 2}, "it was right in 99.3% of 405 cases"),
        # equal, but so few cases that it may well be worse
        ({"both": 100, "only_champion": 5, "only_challenger": 5}, "may still be"),
        ({}, "too few"),
    ],
)
def test_what_is_not_shown_to_be_as_good(counts, why):
    assert why in compare(pairs(**counts)).hindrance


def test_a_better_brain_is_as_good():
    found = compare(pairs(both=300, only_champion=5, only_challenger=25, neither=3))
    assert found.as_good
    assert (found.n, found.both, found.only_champion, found.only_challenger, found.neither) == (333, 300, 5, 25, 3)
    assert found.p_value < 0.001
    assert 0 < found.low < found.difference < found.high


def test_a_drawn_case_counts_for_those_it_stands_for():
    # One in twenty was looked at: what the challenger lost there weighs twenty times what it won where all were looked at.
    mixed = [*pairs(both=200, only_challenger=6), *pairs(both=20, only_champion=1, weight=20.0)]
    found = compare(mixed)
    assert found.difference < 0
    assert not found.as_good


COUNT = st.integers(min_value=0, max_value=300)


@given(COUNT, COUNT, COUNT, COUNT)
def test_laws_of_a_comparison(both, only_champion, only_challenger, neither):
    counts = {"both": both, "neither": neither}
    found = compare(pairs(**counts, only_champion=only_champion, only_challenger=only_challenger))
    turned = compare(pairs(**counts, only_champion=only_challenger, only_challenger=only_champion))
    assert found.difference == pytest.approx(-turned.difference)
    assert found.p_value == turned.p_value
    assert found.low <= found.difference + 1e-9 <= found.high + 2e-9
    # Never accepted where it was right less often, nor where the interval reaches beyond the margin.
    if found.as_good:
        assert found.difference >= 0
        assert found.low >= -MARGIN
        assert found.n >= LEAST

"""Calibration: what a stated confidence is worth, from what people decided."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.errors import BadInput
from shiftlead.guardrails.calibration import LEAST_OUTCOMES, Bin, Calibrator, reliability, worth

pairs = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200)


def boaster(seed, n):
    """Says .9 or more of everything, and is right in .6 up to .8 of it."""
    random = Random(seed)
    said = [0.9 + random.random() / 10 for _ in range(n)]
    return [(one, random.random() < 0.6 + 2 * (one - 0.9)) for one in said]


def test_a_word_means_nothing_before_people_looked():
    assert Calibrator.of(boaster(1, LEAST_OUTCOMES - 1)) is None
    assert Calibrator.of([], least=0) is None
    assert Calibrator.of(boaster(1, LEAST_OUTCOMES)) is not None


def test_a_boaster_is_taken_at_what_proved_right():
    calibrate = Calibrator.of(boaster(2, 4000))
    assert calibrate(0.905) == pytest.approx(0.61, abs=0.08)
    assert calibrate(0.95) == pytest.approx(0.70, abs=0.08)
    assert calibrate(0.995) == pytest.approx(0.79, abs=0.08)
    assert calibrate.n == 4000


def test_below_everything_that_was_ever_said_it_is_worth_no_more_than_it_says():
    calibrate = Calibrator.of([(0.9, True)] * 200)
    assert calibrate(0.3) == 0.3
    assert calibrate(0.9) == pytest.approx(201 / 202)


def test_what_was_not_said_is_worth_nothing():
    assert Calibrator.of([(0.9, True)] * 200)(None) is None


@given(pairs, st.floats(0, 1), st.floats(0, 1))
def test_more_stated_never_means_less_and_nothing_is_certain(outcomes, first, second):
    calibrate = Calibrator.of(outcomes, least=1)
    low, high = sorted((first, second))
    assert 0 <= calibrate(low) <= calibrate(high) < 1


@given(pairs)
def test_the_order_of_the_outcomes_does_not_matter(outcomes):
    assert Calibrator.of(outcomes, least=1).steps == Calibrator.of(outcomes[::-1], least=1).steps


@given(pairs)
def test_every_outcome_is_in_one_bin(outcomes):
    bins = reliability(outcomes)
    assert sum(one.n for one in bins) == len(outcomes)
    assert sum(one.right for one in bins) == sum(right for _, right in outcomes)


def test_bins_take_their_lower_edge_and_the_last_one_both():
    bins = reliability([(0.0, True), (0.5, False), (1.0, True)], edges=(0.0, 0.5, 1.0))
    assert bins == (Bin(0.0, 0.5, 1, 1), Bin(0.5, 1.0, 1, 2))
    assert [one.share for one in bins] == [1.0, 0.5]
    assert Bin(0.0, 0.5, 0, 0).share is None


@pytest.mark.parametrize("edges", [(), (0.0,), (0.1, 1.0), (0.0, 0.9), (0.0, 0.5, 0.5, 1.0), (0.0, float("nan"), 1.0)])
def test_edges_with_gaps_are_refused(edges):
    with pytest.raises(BadInput):
        reliability([(0.5, True)], edges=edges)


BINS = (Bin(0.0, 0.85, 19, 19), Bin(0.85, 0.9, 375, 412), Bin(0.9, 1.0, 1980, 2000))


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (0.85, "says .85–.90 → right 91 %, n = 412"),
        (0.8999, "says .85–.90 → right 91 %, n = 412"),
        (0.9, "says .90–1.00 → right 99 %, n = 2,000"),
        (1.0, "says .90–1.00 → right 99 %, n = 2,000"),
        # too few to quote
        (0.5, ""),
        (None, ""),
        (float("nan"), ""),
        (1.2, ""),
    ],
)
def test_the_line_beside_a_confidence(said, line):
    assert worth(said, BINS) == line


@pytest.mark.parametrize("said", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_confidence_that_is_none_is_refused(said):
    with pytest.raises(BadInput):
        Calibrator.of([(said, True)])
    with pytest.raises(BadInput):
        reliability([(said, True)])
    with pytest.raises(BadInput):
        Calibrator.of([(0.9, True)] * 200)(said)

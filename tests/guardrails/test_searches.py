"""Searches for a floor: what each accepts, and that the honest ones keep their promise where the plain choice does not."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.guardrails.binomial import tail, upper_bound
from shiftlead.guardrails.searches import (
    GRID,
    STARTS,
    Case,
    bonferroni,
    fallback,
    fixed_sequence,
    multi_start,
    naive,
    planned,
    sgr,
    tallied,
)

HONEST = {
    "bonferroni": bonferroni,
    "sgr": sgr,
    "fixed sequence": fixed_sequence,
    "multi-start": multi_start,
    "fallback": fallback,
}
TARGET = 0.05
cases = st.lists(st.builds(Case, st.floats(0, 1), st.booleans()), max_size=60)


def drawn(random, n):
    """A brain whose error above a floor `f` is `(1 - f) / 2`: exactly `TARGET` at 0.9."""
    scores = [random.random() for _ in range(n)]
    return [Case(score, random.random() >= 1 - score) for score in scores]


def true_error(floor):
    return (1 - floor) / 2


def broken(search, draws=120, n=1500):
    """The share of draws in which a search accepts a floor with a true error above the target."""
    found = [search(drawn(Random(seed), n), target=TARGET) for seed in range(draws)]
    return sum(one is not None and true_error(one.floor) > TARGET for one in found) / draws


def test_the_plain_choice_breaks_its_promise_in_a_third_of_the_draws():
    assert broken(naive) > 0.33


@pytest.mark.parametrize("name", HONEST)
def test_the_honest_ones_keep_theirs(name):
    # five in a hundred are allowed; 12 of 120 would happen by chance once in a hundred runs of an exact 5 % method
    assert broken(HONEST[name]) < 0.1


@pytest.mark.parametrize("name", HONEST)
@given(cases=cases)
def test_whatever_is_accepted_meets_the_target_by_itself(name, cases):
    found = HONEST[name](cases, target=0.3)
    if found is not None:
        above = [case for case in cases if case.score >= found.floor]
        assert (found.n, found.wrong) == (len(above), sum(not case.right for case in above)) or name == "sgr"
        assert upper_bound(found.wrong, found.n) <= 0.3 + 1e-9


@given(cases=cases)
def test_the_tally_counts_what_is_at_or_above_each_floor(cases):
    for floor, n, wrong in tallied(cases, (0.2, 0.5, 0.5, 0.9)):
        above = [case for case in cases if case.score >= floor]
        assert (n, wrong) == (len(above), sum(not case.right for case in above))


def test_the_fallback_never_finds_less_than_separate_starts():
    for seed in range(40):
        sample = drawn(Random(seed), 1500)
        separate, handed_on = multi_start(sample, target=TARGET), fallback(sample, target=TARGET)
        if separate is not None:
            assert handed_on.floor <= separate.floor


def test_a_broken_sequence_leaves_the_next_start_its_own_share():
    # the few highest scores are all wrong, as where a brain is sure of one kind that it does not know
    sample = [Case(0.9995, False)] * 5 + [Case(0.97, True)] * 800
    assert fixed_sequence(sample, target=0.02, start=0.999) is None
    found = fallback(sample, target=0.02)
    assert (found.n, found.wrong) == (805, 5)
    # it starts at 0.96 with a quarter of the chance, and no more
    assert tail(5, 805, 0.02) <= 0.05 * STARTS[0.96]


def test_an_error_more_never_lowers_the_floor():
    sample = drawn(Random(1), 1500)
    found = fallback(sample, target=TARGET)
    for index in range(0, 1500, 100):
        worse = [*sample[:index], sample[index]._replace(right=False), *sample[index + 1 :]]
        again = fallback(worse, target=TARGET)
        assert again is None or again.floor >= found.floor


def test_a_plan_begins_where_enough_cases_are_above_and_shares_out_the_whole_chance():
    scores = [step / 1000 for step in range(1000)]
    plan = planned(scores, 2000, target=0.02)
    assert sum(plan.starts.values()) == pytest.approx(1.0)
    assert [round(2000 * (1 - start)) for start in plan.starts] == pytest.approx([1.6 * 149, 4 * 149, 7 * 149], abs=4)
    assert set(GRID) | plan.starts.keys() <= set(plan.floors)


def test_a_plan_for_few_cases_begins_low():
    assert list(planned([0.1, 0.5, 0.9], 100, target=0.02).starts) == [0.1]


@pytest.mark.parametrize("name", [*HONEST, "naive"])
def test_without_cases_nothing_is_found(name):
    assert {**HONEST, "naive": naive}[name]([], target=0.02) is None

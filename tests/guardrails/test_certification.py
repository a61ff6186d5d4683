"""Certification: a floor with a promise, or how many cases are missing."""

from math import inf, nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftlead.core.errors import BadInput
from shiftlead.core.noun import canonical_json
from shiftlead.guardrails.binomial import upper_bound
from shiftlead.guardrails.certification import certify


def drawn(seed, n, weight=0.2):
    """A brain that is wrong with the chance `weight * (1 - score)`."""
    random = Random(seed)
    scores = [random.random() for _ in range(n)]
    return [(score, random.random() >= weight * (1 - score)) for score in scores]


def test_a_good_brain_is_certified_and_the_sentence_says_it():
    given_cases = drawn(1, 2000, weight=0.02)
    found = certify(given_cases, target=0.02)
    assert found.certified
    assert found.missing == 0
    assert found.n == 1900, "a twentieth only says where to look"
    assert found.share == found.n_above / found.n > 0.9
    assert found.bound == 0.02
    assert upper_bound(found.wrong, found.n_above) <= found.bound
    assert found.sentence() == (
        f"With 95% confidence at most 2.0% of cases like these are wrong where the score is {found.floor:.4g} or more, "
        f"which is {found.share:.1%} of them ({found.wrong} of {found.n_above:,} were wrong)."
    )


def test_scores_seen_before_spare_the_scouts():
    cases = drawn(1, 2000, weight=0.02)
    assert certify(cases, target=0.02, seen=[score for score, _ in drawn(2, 500)]).n == 2000


def test_the_same_cases_give_the_same_answer_and_it_is_canonical():
    cases = drawn(3, 800)
    assert canonical_json(certify(cases, target=0.05)) == canonical_json(certify(cases, target=0.05))


def test_too_few_cases_name_how_many_are_missing():
    found = certify([(0.99, True)] * 100, target=0.02)
    assert (found.certified, found.floor, found.share) == (False, None, 0.0)
    assert 79 <= found.missing <= 400
    assert f"About {found.missing:,} more reviewed cases" in found.sentence()
    assert found.bound > 0.02


def test_with_the_missing_cases_at_that_quality_it_is_certified():
    few = [(0.99, True)] * 100
    missing = certify(few, target=0.02).missing
    assert certify(few + [(0.99, True)] * missing, target=0.02).certified


def test_a_brain_that_is_wrong_too_often_is_told_so():
    found = certify([(0.9, index % 10 > 0) for index in range(2000)], target=0.02)
    assert (found.certified, found.missing) == (False, None)
    assert "would not help" in found.sentence()


def test_one_case():
    assert "from 1 case." in certify([(0.5, True)], target=0.02).sentence()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=400), st.floats(0.01, 0.4))
def test_any_scores_at_all_are_taken_and_never_more_is_claimed_than_was_seen(cases, target):
    found = certify(cases, target=target)
    assert found.certified == (found.floor is not None)
    if found.certified:
        assert found.wrong <= target * found.n_above
        assert upper_bound(found.wrong, found.n_above) <= target + 1e-9


class TestOutOfScope:
    """Cases of no known kind are part of the traffic, and whatever the brain says of one is wrong."""

    def test_the_mix_has_the_share_that_was_named(self):
        # nobody is wrong but those out of scope, and all score alike
        found = certify([(0.9, True)] * 4000, out_of_scope=[0.9] * 1000, out_of_scope_share=0.1, target=0.2)
        assert found.wrong / found.n_above == pytest.approx(0.1, abs=0.02)
        assert found.out_of_scope_share == 0.1
        assert found.n_above > 3500

    def test_they_raise_the_floor(self):
        cases, random = drawn(5, 4000, weight=0.02), Random(6)
        strange = [random.random() * 0.9 for _ in range(1000)]
        closed = certify(cases, target=0.05)
        open_world = certify(cases, target=0.05, out_of_scope=strange, out_of_scope_share=0.18)
        assert open_world.floor > closed.floor
        assert open_world.share < closed.share

    def test_few_of_them_leave_few_cases(self):
        found = certify([(0.9, True)] * 4000, out_of_scope=[0.1] * 50, out_of_scope_share=0.1, target=0.02)
        assert found.n < 50 / 0.1

    @pytest.mark.parametrize(
        ("scores", "share"),
        [([0.5] * 10, 0.0), (None, 0.1), ([], 0.1), ([0.5], 1.0), ([0.5], -0.1), ([nan], 0.1), ([0.5], nan), ([0.5], 0.5)],
    )
    def test_half_a_description_is_refused(self, scores, share):
        with pytest.raises(BadInput):
            certify([(0.9, True)] * 100, target=0.02, out_of_scope=scores, out_of_scope_share=share)


@pytest.mark.parametrize("score", [nan, inf, -inf])
def test_a_score_that_is_no_number_is_refused(score):
    with pytest.raises(BadInput, match="score"):
        certify([(0.9, True), (score, True)], target=0.02)


@pytest.mark.parametrize(("target", "confidence"), [(0.0, 0.95), (1.0, 0.95), (nan, 0.95), (0.02, 1.0), (0.02, 0.0)])
def test_terms_that_are_none_are_refused(target, confidence):
    with pytest.raises(BadInput):
        certify([(0.9, True)], target=target, confidence=confidence)


def test_no_case_is_refused():
    with pytest.raises(BadInput, match="no case"):
        certify([], target=0.02)

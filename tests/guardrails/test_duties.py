"""Separation of duties: one function, and people counted as a reader would count them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.guardrails.duties import Duty, conflict, distinct

NAMES = st.sampled_from(["ana", "ben", "cyd", "dan", "eve"])
PAIRS = [
    (Duty.APPROVE, Duty.MAKE),
    (Duty.GIVE_GRANT, Duty.MAKE),
    (Duty.SIGN_GRANT, Duty.GIVE_GRANT),
    (Duty.SIGN_GRANT, Duty.SIGN_GRANT),
    (Duty.SIGN_POLICY, Duty.WRITE_POLICY),
    (Duty.SIGN_POLICY, Duty.SIGN_POLICY),
    (Duty.RESUME, Duty.ASK_TO_RESUME),
    (Duty.CLOSE_INCIDENT, Duty.OPEN_INCIDENT),
    (Duty.BORROW, Duty.LEND),
]


@pytest.mark.parametrize(("duty", "taken"), PAIRS)
def test_two_duties_that_stay_apart(duty, taken):
    assert conflict(duty, "ana", taken={taken: ("ben", "ana")})
    assert conflict(duty, "cyd", taken={taken: ("ben", "ana")}) == ""


@pytest.mark.parametrize(("duty", "taken"), PAIRS)
def test_whoever_acts_for_somebody_is_both_of_them(duty, taken):
    assert conflict(duty, "cyd", acting_for="ana", taken={taken: ("ana",)})
    assert conflict(duty, "ana", acting_for="cyd", taken={taken: ("ana",)})
    assert conflict(duty, "cyd", acting_for="ben", taken={taken: ("ana",)}) == ""


@pytest.mark.parametrize("spelling", ["ANA", "a na", " ana ", "ａｎａ", "Ana\u00a0", "аna", "АΝА", "a\u200bna", "ana\ufeff"])
def test_one_person_under_two_spellings_is_one_person(spelling):
    assert conflict(Duty.APPROVE, spelling, taken={Duty.MAKE: ("ana",)})
    assert distinct([("ana", ""), (spelling, "")]) == 1


@pytest.mark.parametrize(("duty", "taken"), PAIRS)
def test_a_one_person_shop_may_be_maker_and_checker_but_lends_nothing_to_itself(duty, taken):
    told = conflict(duty, "ana", taken={taken: ("ana",)}, separation="one_person")
    assert bool(told) == (duty is Duty.BORROW)


def test_a_duty_that_nobody_took_excludes_nobody():
    assert all(conflict(duty, "ana", taken={}) == "" for duty in Duty)


def test_a_giver_and_their_delegates_are_one_person():
    assert distinct([("ana", ""), ("ben", "ana")]) == 1
    assert distinct([("cyd", "ana"), ("ben", "ana")]) == 1
    assert distinct([("ben", ""), ("ben", "ana"), ("ana", "")]) == 1
    assert distinct([("ana", ""), ("ben", "")]) == 2
    assert distinct([("ana", "cyd"), ("ben", "dan")]) == 2
    assert distinct([]) == 0


@given(st.lists(st.tuples(NAMES, st.one_of(st.just(""), NAMES)), max_size=6), st.tuples(NAMES, st.one_of(st.just(""), NAMES)))
def test_nobody_makes_themselves_two(given_by, one):
    """A further yes adds at most one person, and none at all where it is linked to those who said yes already."""
    before, after = distinct(given_by), distinct([*given_by, one])
    named = {name for pair in given_by for name in pair if name}
    assert after <= before + 1
    if named & {name for name in one if name}:
        assert after <= before
    assert after <= len({person for person, _ in (*given_by, one)})

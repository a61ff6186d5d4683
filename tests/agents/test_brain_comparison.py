"""Two brains beside each other: the verdict says what the texts can tell, and no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.brain_comparison import MATTERS, changes, check_comparable, paired
from shiftlead.agents.brain_shelf import shipped_brain, shipped_content
from shiftlead.core.errors import BadInput


def answers(both: int, only_first: int, only_second: int, neither: int):
    """Truth and the answers of two brains, with that many texts of each kind."""
    kinds = [("a", "a")] * both + [("a", "b")] * only_first + [("b", "a")] * only_second + [("b", "b")] * neither
    return ["a"] * len(kinds), [one for one, _ in kinds], [other for _, other in kinds]


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((900, 10, 60, 30), "better"),
        ((900, 60, 10, 30), "worse"),
        ((9800, 20, 20, 160), "same"),
        ((80, 5, 6, 9), "cannot tell"),
        ((20, 0, 0, 0), "cannot tell"),
        ((5000, 0, 0, 100), "same"),
    ],
)
def test_the_verdict_is_about_the_second(counts, verdict):
    assert paired(*answers(*counts)).verdict == verdict


def test_mcnemar_and_difference_by_hand():
    found = paired(*answers(10, 1, 5, 4))
    assert found.figures.p_value == pytest.approx(2 * (1 + 6) / 2**6)
    assert found.figures.difference == pytest.approx(4 / 20)


def test_twenty_equal_answers_are_no_proof():
    found = paired(*answers(20, 0, 0, 0))
    assert found.detectable > 0.1
    assert found.texts_needed > 300
    assert f"{found.texts_needed:,} texts would show 2%" in found.why


def test_enough_texts_are_enough():
    """With as many texts as it asks for, it can say "same"."""
    few = paired(*answers(95, 2, 2, 1))
    assert few.verdict == "cannot tell"
    times = few.texts_needed // 100 + 1
    assert paired(*answers(95 * times, 2 * times, 2 * times, times)).verdict == "same"


def test_changes_are_told_by_label():
    truth = ["x", "x", "y", "y", "z"]
    found = paired(truth, ["x", "-", "y", "y", "z"], ["x", "x", "-", "-", "z"])
    assert [(one.label, one.texts, one.first, one.second, one.fixed, one.broken) for one in found.labels] == [
        ("y", 2, 2, 0, 0, 2),
        ("x", 2, 1, 2, 1, 0),
    ]


@given(*(st.integers(0, 60) for _ in range(4)))
def test_the_other_way_round_is_the_opposite(both, first, second, neither):
    if both + first + second + neither == 0:
        return
    one, other = paired(*answers(both, first, second, neither)), paired(*answers(both, second, first, neither))
    opposite = {"better": "worse", "worse": "better", "same": "same", "cannot tell": "cannot tell"}
    assert other.verdict == opposite[one.verdict]
    assert other.figures.difference == pytest.approx(-one.figures.difference)
    if one.verdict == "same":
        assert abs(one.figures.difference) < MATTERS


def test_nothing_to_compare_on_is_refused():
    with pytest.raises(BadInput, match="nothing to compare"):
        paired([], [], [])


def test_cards_differ_in_what_they_differ_in():
    from shiftlead.agents.brain_card import card_for

    reply = card_for(shipped_brain("reply"), shipped_content("reply"), "reply")
    other = reply.model_copy(
        update={"examples": 1, "labels": (*reply.labels[1:], "new"), "scores": {**reply.scores, "ece": 0.5}}
    )
    assert changes(reply, reply) == ()
    assert {one.name for one in changes(reply, other)} == {"examples", "labels added", "labels gone", "ece"}
    with pytest.raises(BadInput, match="Compare brains of one task"):
        check_comparable(reply, reply.model_copy(update={"task": "triage"}))

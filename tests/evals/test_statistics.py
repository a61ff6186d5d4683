"""Intervals and tests against published or closed-form values."""

import pytest

from shiftlead.agents.pairs import mcnemar
from shiftlead.core.errors import BadInput
from shiftlead.evals.statistics import Share, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Newcombe 1998, table I: method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # nothing counted says nothing
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(hits, n, low, high):
    assert wilson(hits, n) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        # no disagreement says nothing
        (0, 0, 1.0),
        (3, 3, 1.0),
        # one of 64 outcomes, on either side
        (0, 6, 0.03125),
        (6, 0, 0.03125),
        # eleven of 1,024 outcomes are as far out, on either side
        (1, 9, 0.021484375),
    ],
)
def test_mcnemar(first, second, p):
    assert mcnemar(first, second) == pytest.approx(p)


@pytest.mark.parametrize(
    "call", [lambda: wilson(3, 2), lambda: wilson(-1, 2), lambda: wilson(1, 2, level=95), lambda: mcnemar(-1, 2)]
)
def test_impossible_counts_are_refused(call):
    with pytest.raises(BadInput):
        call()


def test_a_share_says_what_it_was_counted_from():
    assert str(Share(hits=131, n=239)) == "54.8 % (131/239, 95 % 48.5–61.0)"
    assert str(Share(hits=0, n=0)) == "no cases"

"""What one case may cost: every part of the budget holds, and says which one it was."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.allowance import Allowance, OverBudget, Spent, estimated_tokens, spent_on
from shiftlead.core.clock import FrozenClock
from shiftlead.core.exchanges import ModelExchange
from shiftlead.core.model_settings import Budget, Price
from shiftlead.core.money import Money

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
PRICE = Price(input="2.00", output="8.00", currency="EUR")
NO_LIMIT = {"steps": 1000, "tokens": None, "seconds": None}


def allowance(clock=None, before=None, **budget):
    return Allowance(Budget(**{**NO_LIMIT, **budget}), PRICE, clock or FrozenClock(AT), before)


def test_a_budget_that_is_used_up_to_the_last_is_kept():
    full = allowance(steps=2, tokens=300, money=Money.of("0.0012", "EUR"), seconds=10)
    full.add(Spent(calls=2, tokens_in=200, tokens_out=100))
    full.check()
    with pytest.raises(OverBudget, match="2 model calls"):
        full.check_call(0)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"tokens": 299}, r"299 tokens for one case would be passed \(300\)"),
        ({"money": Money.of("0.0011", "EUR")}, r"0.0011 EUR for one case would be passed \(0.0012 EUR\)"),
        ({"steps": 1}, "one model call"),
    ],
    ids=["tokens", "money", "steps"],
)
def test_what_was_used_is_held_against_each_part_of_the_budget(budget, said):
    used = allowance(**budget)
    used.add(Spent(calls=2, tokens_in=200, tokens_out=100))
    with pytest.raises(OverBudget, match=said):
        used.check()


def test_an_estimate_is_called_one():
    used = allowance(tokens=99)
    with pytest.raises(OverBudget, match=r"\(100, partly estimated\)"):
        used.check_call(100)


def test_time_counts_from_the_first_question_and_with_the_pause_ahead():
    clock = FrozenClock(AT)
    timed = allowance(clock, seconds=60)
    clock.advance(timedelta(seconds=50))
    timed.check_call(1)
    timed.check_pause(10)
    with pytest.raises(OverBudget, match="60 seconds"):
        timed.check_pause(11)


def test_money_without_a_price_is_never_enough():
    broke = Allowance(Budget(money=Money.of("1000", "EUR")), None, FrozenClock(AT))
    with pytest.raises(OverBudget, match="1,000 EUR"):
        broke.check()


def test_an_earlier_look_at_the_case_counts():
    exchange = ModelExchange(case_id="c", brain="m", attempt=1, prompt="x" * 399, answer="y" * 40, at=AT)
    before = spent_on([exchange, exchange])
    assert before == Spent(calls=2, tokens_in=200, tokens_out=20, estimated=True)
    with pytest.raises(OverBudget, match="2 model calls"):
        allowance(before=before, steps=2).check_call(1)


@given(text=st.text(max_size=50))
def test_an_estimate_is_never_less_than_a_fourth_of_the_characters(text):
    assert len(text) <= 4 * estimated_tokens(text) < len(text) + 4


COUNTED = st.builds(Spent, calls=st.integers(0, 9), tokens_in=st.integers(0, 10**6), tokens_out=st.integers(0, 10**6))


@given(first=COUNTED, more=COUNTED)
def test_what_was_added_is_what_came_since(first, more):
    assert (first + more).since(first) == more

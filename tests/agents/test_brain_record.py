"""The record behind a card: bins, error and curve against figures counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.brain_record import MOST_GROUPS, Record

FOUR = Record.of("four texts", [(0.6, False), (0.9, True), (0.9, False), (1.0, True)])
PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def test_the_table_counts_what_lies_in_each_bin():
    told = {round(one.high, 1): one for one in FOUR.table() if one.cases}
    assert {high: (one.cases, one.right) for high, one in told.items()} == {0.6: (1, 0.0), 0.9: (2, 0.5), 1.0: (1, 1.0)}
    assert FOUR.ece == pytest.approx((0.6 + 2 * 0.4 + 0) / 4)
    assert FOUR.accuracy == 0.5


def test_equal_confidence_runs_together():
    assert [(one.floor, one.coverage, one.error) for one in FOUR.curve()] == [
        (1.0, 0.25, 0.0),
        (0.9, 0.75, pytest.approx(1 / 3)),
        (0.6, 1.0, 0.5),
    ]
    assert FOUR.aurc == pytest.approx(0.25 * 0 + 0.5 / 3 + 0.25 * 0.5)
    assert FOUR.coverage_at(0.02).coverage == 0.25
    assert FOUR.coverage_at(0.5).floor == 0.6
    assert Record.of("one wrong", [(0.9, False)]).coverage_at(0.02) is None


@given(PAIRS)
def test_nothing_is_lost_on_the_way(pairs):
    record = Record.of("some", pairs)
    assert record.cases == len(pairs) == sum(one.cases for one in record.table())
    assert record.curve()[-1].coverage == pytest.approx(1)
    assert record.curve()[-1].error == pytest.approx(1 - record.accuracy)
    floors = [one.floor for one in record.curve()]
    assert floors == sorted(set(floors), reverse=True)
    assert 0 <= record.ece <= 1
    assert Record.model_validate_json(record.model_dump_json()) == record


def test_many_cases_are_counted_together():
    pairs = [(n / 7000, n % 3 > 0) for n in range(7000)]
    record = Record.of("many", pairs)
    assert len(record.groups) <= MOST_GROUPS
    assert record.cases == 7000
    assert record.accuracy == pytest.approx(4666 / 7000)


def test_no_case_at_all_is_no_error():
    empty = Record.of("none", [])
    assert (empty.cases, empty.accuracy, empty.ece, empty.aurc, empty.curve()) == (0, 0.0, 0.0, 0.0, ())

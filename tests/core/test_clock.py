"""Time is in UTC and owned by a clock; ids are made of it all the same."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.clock import FrozenClock, SystemClock, as_utc, new_id, today


def test_a_frozen_clock_moves_only_when_told():
    clock = FrozenClock(datetime(2026, 9, 15, 9, 0))  # noqa: DTZ001 - a naive moment is taken to be UTC
    assert clock.now() == clock.now() == datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
    assert clock.advance(timedelta(hours=15)) == datetime(2026, 9, 16, tzinfo=UTC)
    assert today(clock) == date(2026, 9, 16)


def test_the_system_clock_is_aware_and_goes_forward():
    first, second = SystemClock().now(), SystemClock().now()
    assert first.utcoffset() == timedelta(0)
    assert first <= second


@pytest.mark.parametrize("hours", [-12, -5, 0, 2, 14])
def test_moments_are_compared_in_utc(hours):
    local = datetime(2026, 9, 15, 12, 0, tzinfo=timezone(timedelta(hours=hours)))
    assert as_utc(local) == local
    assert as_utc(local).tzinfo is UTC


@given(st.lists(st.integers(0, 2**80 - 1), min_size=2, max_size=2, unique=True))
def test_ids_differ_where_their_bits_differ(bits):
    one, other = (new_id("act", lambda _, value=value: value) for value in bits)
    assert one != other
    assert re.fullmatch(r"act_[0-9a-hjkmnp-tv-z]{16}", one)


def test_ids_are_random_by_default():
    assert len({new_id("case") for _ in range(500)}) == 500

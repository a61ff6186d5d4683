"""Days in words."""

import pytest

from shiftlead.agents.wording import days_text


@pytest.mark.parametrize(("count", "text"), [(0, "0 days"), (1, "1 day"), (0.6, "1 day"), (2, "2 days"), (12, "12 days")])
def test_one_day_is_no_days(count, text):
    assert days_text(count) == text

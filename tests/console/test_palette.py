"""How the console writes money, time and confidence, and what it lets reach a terminal."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from shiftlead.console.page import Page, fit, right
from shiftlead.console.palette import TEXT, badge, clean, due, short_money, span, sure
from shiftlead.core.approval import Question
from shiftlead.core.verdict import Lane

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("1284.50", "EUR", "€1,285"),
        ("0.49", "USD", "$0"),
        ("99", "CHF", "99 CHF"),
        ("1234567.89", "GBP", "£1.23M"),
        (None, None, "–"),
    ],
)
def test_short_money(amount, currency, said):
    assert short_money(None if amount is None else Decimal(amount), currency) == said


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(minutes=12), "!12m"),
        (timedelta(minutes=15), "15m"),
        (timedelta(hours=1, minutes=2), "1h02"),
        (timedelta(hours=14, minutes=21), "14h"),
        (timedelta(days=3), "3d"),
        (timedelta(minutes=-9), "−9m"),
        (timedelta(seconds=-3), "−3s"),
    ],
)
def test_time_left_has_a_sign_when_it_presses(left, said):
    assert due(NOW, NOW + left)[0] == said


def test_no_due_time_is_a_dash():
    assert due(NOW, None)[0] == "–"


@pytest.mark.parametrize(("confidence", "said"), [(0.87, ".87"), (0.996, "1.0"), (0.0, ".00"), (None, " – ")])
def test_confidence_in_three_columns(confidence, said):
    assert sure(confidence)[0] == said


@pytest.mark.parametrize(
    ("question", "lane", "approvals", "said"),
    [
        (Question.APPROVE, Lane.REVIEWED, 1, "● REVIEW"),
        (Question.APPROVE, Lane.REVIEWED, 2, "▲ DUAL"),
        (Question.HANDLE, Lane.PROHIBITED, 1, "■ BLOCK"),
        (Question.HANDLE, None, 1, "◆ HANDLE"),
        (Question.RECONCILE, Lane.ALLOWED, 1, "? VERIFY"),
    ],
)
def test_every_badge_has_a_shape_and_a_word(question, lane, approvals, said):
    assert str(badge(question, lane, approvals)) == said


@given(st.text(), st.integers(1, 60))
def test_columns_are_exactly_as_wide_as_asked_and_carry_no_control_character(text, width):
    for made in (fit(text, width), right(text, width)):
        assert cell_len(made) == width
    assert all(one.isprintable() or one == " " or not one.isascii() for one in clean(text))
    assert not set(clean(text)) & {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\n", "\r"}


@given(st.text(alphabet="ab –界\n", max_size=200), st.integers(20, 60))
def test_running_text_is_wrapped_not_cut(text, width):
    page = Page(width)
    page.text(text, TEXT)
    painted = "".join(piece for line in page.lines for piece, _ in line)
    assert sorted(painted.replace(" ", "")) == sorted("".join(text.split()))
    assert all(cell_len("".join(piece for piece, _ in line)) <= width for line in page.lines)


@given(st.timedeltas(timedelta(0), timedelta(days=9999)))
def test_a_span_fits_its_column(length):
    assert len(span(length)) <= 5

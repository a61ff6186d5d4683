"""Repeats: the same words of the same requester, a few days apart."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.repeats import find_repeat, likeness
from shiftlead.connectors.records import Ticket

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
TEXT = "My order SO-4711 has not arrived yet, could you tell me where it is?"


def ticket(id_: str, *, body: str = TEXT, days: float = 0, status: str = "open", requester: str = "ana@acme.example") -> Ticket:
    return Ticket(id=id_, subject="Order", body=body, requester=requester, status=status, created_at=NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("earlier", "found"),
    [
        # the same words two days before
        (ticket("T-1", days=2), True),
        # reworded at the edges only
        (ticket("T-1", days=2, body="Hello! " + TEXT + " Thanks"), True),
        # another question
        (ticket("T-1", days=2, body="Please send me a copy of invoice SI-2026-17."), False),
        # somebody else's words
        (ticket("T-1", days=2, requester="ben@acme.example"), False),
        # the address in other letters is the same address
        (ticket("T-1", days=2, requester="Ana@ACME.example"), True),
        # too long ago
        (ticket("T-1", days=8), False),
        # already closed: the requester asks again for a reason
        (ticket("T-1", days=2, status="closed"), False),
        # written later: this one is the first
        (ticket("T-1", days=-1), False),
    ],
)
def test_a_repeat_is_recognised(earlier: Ticket, found: bool) -> None:
    repeat = find_repeat(ticket("T-2"), [earlier], within=timedelta(days=7), floor=0.8)
    assert (repeat is not None) is found


def test_the_first_of_several_is_the_original() -> None:
    earlier = [ticket("T-3", days=1), ticket("T-1", days=3), ticket("T-2", days=2)]
    repeat = find_repeat(ticket("T-9"), earlier, within=timedelta(days=7), floor=0.8)
    assert repeat is not None
    assert repeat.ticket.id == "T-1"


@given(st.text(), st.text())
def test_likeness_is_a_symmetric_share(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1


@given(st.text(min_size=1).filter(str.strip))
def test_a_text_is_entirely_like_itself(text: str) -> None:
    assert likeness(text, text) == 1

"""Repeats: whether a ticket says what the same requester said a few days before."""

import re
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

from ..connectors.records import Ticket
from ..core.noun import Noun

_WORD = re.compile(r"[^\W_]+")
_OPEN = frozenset({"new", "open", "waiting", "on_hold"})


class Repeat(Noun):
    """An earlier ticket that says the same."""

    ticket: Ticket
    likeness: float
    """Dice coefficient of the two texts' word pairs, 0 to 1."""


def find_repeat(ticket: Ticket, earlier: Iterable[Ticket], *, within: timedelta, floor: float) -> Repeat | None:
    """The first open ticket of the same requester that says the same; None where there is none."""
    found = [
        Repeat(ticket=one, likeness=alike)
        for one in earlier
        if _could_be(ticket, one, within) and (alike := likeness(_text(ticket), _text(one))) >= floor
    ]
    return min(found, key=lambda one: (one.ticket.created_at, one.ticket.id), default=None)


def likeness(one: str, other: str) -> float:
    """Dice coefficient of the word pairs of two texts (after Dice, 1945); greetings and order inside a pair count."""
    left, right = _pairs(one), _pairs(other)
    if not left or not right:
        return 1.0 if one.strip().casefold() == other.strip().casefold() and one.strip() else 0.0
    return 2 * len(left & right) / (len(left) + len(right))


def _could_be(ticket: Ticket, other: Ticket, within: timedelta) -> bool:
    same = other.requester.casefold() == ticket.requester.casefold() and other.id != ticket.id
    age = ticket.created_at - other.created_at
    first = (other.created_at, other.id) < (ticket.created_at, ticket.id)
    return same and first and other.status in _OPEN and other.duplicate_of is None and age <= within


def _text(ticket: Ticket) -> str:
    return ticket.body if ticket.subject in ticket.body else f"{ticket.subject}\n{ticket.body}"


def _pairs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return set(pairwise(words))

"""Follow-ups: whether what a person was asked about an affected case is settled, is still to be done, or has to be asked anew."""

from collections.abc import Iterable
from enum import StrEnum

from sqlmodel import Session

from ..core import actions, inbox
from ..core.actions import ActionState
from ..core.approval import Request, RequestState
from ..core.incidents import Item


class Standing(StrEnum):
    """What has become of a follow-up."""

    OPEN = "open"
    """A person has not decided, or what they approved has not run."""
    LAPSED = "lapsed"
    """It was withdrawn, or what was approved did not run and will not."""
    SETTLED = "settled"


_TO_COME = (ActionState.PROPOSED, ActionState.WAITING, ActionState.APPROVED)
_OVER = (ActionState.DONE, ActionState.UNKNOWN, ActionState.REJECTED)
"""What of these is outside, reconciling tells."""


def by_case(found: Iterable[Item]) -> dict[str, list[Item]]:
    """The affected actions that ran, by their case."""
    cases: dict[str, list[Item]] = {}
    for one in found:
        if one.ran:
            cases.setdefault(one.case_id, []).append(one)
    return cases


def standings(session: Session, found: Iterable[Item]) -> dict[str, Standing]:
    """Each follow-up of an incident with what has become of it."""
    asked = list(dict.fromkeys(one.follow_up for one in found if one.follow_up))
    return dict.fromkeys(asked, Standing.LAPSED) | {one.id: _standing(session, one) for one in inbox.many(session, asked)}


def _standing(session: Session, asked: Request) -> Standing:
    # What was asked may be asked by another request now: to another role, after an edit, about a record that moved.
    states = {one.state for one in inbox.of_case(session, asked.case_id) if _same(one, asked)}
    if RequestState.PENDING in states:
        return Standing.OPEN
    if states <= {RequestState.SUPERSEDED, RequestState.EXPIRED}:
        return Standing.LAPSED
    if asked.action_id is None or RequestState.REJECTED in states:
        return Standing.SETTLED
    state = actions.get(session, asked.action_id).state
    return Standing.OPEN if state in _TO_COME else Standing.SETTLED if state in _OVER else Standing.LAPSED


def _same(one: Request, asked: Request) -> bool:
    return one.action_id == asked.action_id if asked.action_id else (one.question, one.digest) == (asked.question, asked.digest)

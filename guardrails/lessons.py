"""Lessons: which change of the policy would have stopped what an incident did, and what else that change does."""

from collections.abc import Iterable

from sqlmodel import Session

from ..core import actions, incidents
from ..core.errors import BadInput
from ..core.incidents import IncidentState, Item
from ..core.noun import Noun
from ..core.settings import Operator
from ..core.verdict import Lane
from .differences import Comparison, compare
from .gate import Guard
from .incident import Incidents
from .policy import Policy


class Rejudged(Noun):
    """An affected action under another policy, counted by itself."""

    action: str
    what: str
    before: Lane
    after: Lane
    because: str

    @property
    def stopped(self) -> bool:
        """Whether it would not run without a person."""
        return self.after is not Lane.ALLOWED


def rejudged(session: Session, found: Iterable[Item], guard: Guard) -> tuple[Rejudged, ...]:
    """Each affected action that ran, under the guard's policy, as if nothing else had been committed: as free as it could be."""
    told = []
    for one in found:
        if not one.ran:
            continue
        action = actions.get(session, one.action_id)
        verdict = guard.by_itself(action)
        told.append(
            Rejudged(action=action.id, what=action.summary(), before=action.lane, after=verdict.lane, because=verdict.because())
        )
    return tuple(told)


class Lesson(Noun):
    """What a changed policy would have done."""

    judged: tuple[Rejudged, ...]
    changes: Comparison

    @property
    def still_alone(self) -> tuple[Rejudged, ...]:
        """What would run without a person again."""
        return tuple(one for one in self.judged if not one.stopped)


def review(handling: Incidents, incident_id: str, other: Policy, *, operator: Operator) -> Lesson:
    """Judge what ran under `other` and compare it with the policy in force; where all of it comes out stopped the incident goes on.

    Raises Conflict before the incident is reconciled and where somebody contains or excuses meanwhile, Forbidden for somebody without a
    role.
    """
    with handling.ledger.reading() as session:
        known = incidents.get(session, incident_id)
        affected = incidents.items(session, known.id)
        judged = rejudged(session, affected, Guard(other, handling.ledger.clock))
    found = Lesson(judged=judged, changes=compare(handling.policy, other))
    told = {
        "policy": other.ref,
        "policy_digest": other.digest(),
        "judged": len(judged),
        "still_alone": [one.action for one in found.still_alone],
        "loosenings": [one.text for one in found.changes.loosenings],
        "tightenings": [one.text for one in found.changes.tightenings],
    }
    to = None if found.still_alone else IncidentState.REVIEWED
    handling.step(known.id, "review", to, told, operator=operator, seen=affected)
    return found


def unchanged(handling: Incidents, incident_id: str, reason: str, *, operator: Operator) -> None:
    """Note why no rule has to change, since the cause lay elsewhere; raises BadInput without a reason, Conflict before reconciling."""
    if not reason.strip():
        raise BadInput("It needs a reason.", hint="Say what the cause was; the auditor reads it.")
    with handling.ledger.reading() as session:
        known = incidents.get(session, incident_id)
    handling.step(known.id, "review", IncidentState.REVIEWED, {"unchanged": reason.strip()}, operator=operator)

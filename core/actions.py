"""The store of sealed actions: what was proposed, how it was judged, and where it is on its way."""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from .action import Envelope
from .errors import Conflict, NotFound
from .noun import Noun, canonical_json
from .store import Transaction
from .tables import ActionRow
from .verdict import Lane, Verdict


class ActionState(StrEnum):
    """Where a sealed action is on its way."""

    PROPOSED = "proposed"
    """Judged allowed; runs when its turn comes."""
    WAITING = "waiting"
    """A person has to decide."""
    APPROVED = "approved"
    """A person said yes; runs when its turn comes."""
    DONE = "done"
    REFUSED = "refused"
    """The outside system said no."""
    UNKNOWN = "unknown"
    """Sent, answer lost; a person or a look-up settles it."""
    REJECTED = "rejected"
    """A person said no."""
    BLOCKED = "blocked"
    """Prohibited; never runs."""
    CANCELLED = "cancelled"
    """Not run since an action before it did not."""
    SUPERSEDED = "superseded"
    """Replaced by a newer round: the record moved, or a person took the case."""


OPEN_STATES = (ActionState.PROPOSED, ActionState.WAITING, ActionState.APPROVED, ActionState.UNKNOWN)
"""States in which an action still needs something."""


class SealedAction(Noun):
    """One action with its envelope and verdict."""

    id: str
    case_id: str
    seq: int
    """Its place in the case; actions run in this order."""
    round: int = 1
    """Counts the envelopes this action has had: 2 after an edit or a moved record."""
    state: ActionState
    envelope: Envelope
    digest: str
    verdict: Verdict
    context: dict[str, Any] = {}
    """The runtime's own facts it was judged with."""
    makers: tuple[str, ...] = ()

    @property
    def lane(self) -> Lane:
        """The lane of its verdict."""
        return self.verdict.lane

    @property
    def kind(self) -> str:
        """The operation it would call."""
        return self.envelope.proposal.action.kind

    def summary(self) -> str:
        """One line for lists: what it does, to what, for how much."""
        action = self.envelope.proposal.action
        money = f" {action.amount}" if action.amount else ""
        return f"{action.kind} {action.target.kind} {action.target.id}{money}"


def put(tx: Transaction, sealed: SealedAction) -> None:
    """Write a sealed action, or its new round."""
    action = sealed.envelope.proposal.action
    tx.session.merge(
        ActionRow(
            id=sealed.id,
            case_id=sealed.case_id,
            seq=sealed.seq,
            round=sealed.round,
            kind=action.kind,
            connector=action.target.system,
            amount=action.amount.amount if action.amount else None,
            currency=action.amount.currency if action.amount else None,
            confidence=sealed.envelope.proposal.confidence,
            summary=sealed.summary(),
            state=sealed.state,
            lane=sealed.lane,
            digest=sealed.digest,
            envelope=sealed.envelope.sealed(),
            verdict=canonical_json(sealed.verdict),
            facts=canonical_json(sealed.context),
            makers=canonical_json(sealed.makers),
            created_at=tx.now,
        )
    )


def get(session: Session, action_id: str) -> SealedAction:
    """One action; raises NotFound."""
    row = session.get(ActionRow, action_id)
    if row is None:
        raise NotFound(f"No action {action_id!r} is in the ledger.", hint="`shiftlead case show CASE` lists a case's actions.")
    return _action(row)


def of_case(session: Session, case_id: str) -> list[SealedAction]:
    """The actions of one case in the order they run."""
    rows = session.scalars(select(ActionRow).where(col(ActionRow.case_id) == case_id).order_by(col(ActionRow.seq)))
    return [_action(row) for row in rows]


def move(tx: Transaction, action_id: str, to: ActionState, *, expect: Iterable[ActionState]) -> None:
    """Change an action's state if it is one of `expect`; raises Conflict where it is not."""
    settled = None if to in OPEN_STATES else tx.now
    changed = tx.change(
        update(ActionRow)
        .where(col(ActionRow.id) == action_id, col(ActionRow.state).in_([str(one) for one in expect]))
        .values(state=str(to), settled_at=settled)
    )
    if changed != 1:
        raise Conflict(f"Action {action_id!r} is not open for {to.value!r} any more.", hint="Look at the case again.")


def next_seq(session: Session, case_id: str) -> int:
    """The sequence number after the last action of a case."""
    return (session.scalar(select(func.max(col(ActionRow.seq))).where(col(ActionRow.case_id) == case_id)) or 0) + 1


def _action(row: ActionRow) -> SealedAction:
    return SealedAction(
        id=row.id,
        case_id=row.case_id,
        seq=row.seq,
        round=row.round,
        state=ActionState(row.state),
        envelope=Envelope.model_validate_json(row.envelope),
        digest=row.digest,
        verdict=Verdict.model_validate_json(row.verdict),
        context=json.loads(row.facts),
        makers=tuple(json.loads(row.makers)),
    )

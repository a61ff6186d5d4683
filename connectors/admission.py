"""Admission: whether what would be sent is what was sealed, and whether enough people have said yes to exactly that."""

from ..core import inbox
from ..core.actions import ActionState, SealedAction
from ..core.approval import DecisionKind
from ..core.errors import Conflict, StaleEnvelope
from ..core.store import Transaction
from ..core.verdict import Lane, Verdict

RUNNABLE = (ActionState.PROPOSED, ActionState.APPROVED, ActionState.UNKNOWN)
"""States from which an action can be executed or settled."""


def check_envelope(current: SealedAction, action: SealedAction) -> None:
    """Raise StaleEnvelope where the stored envelope does not give the digest that was approved, Conflict where it cannot run."""
    if current.digest != action.digest or current.envelope.digest() != current.digest:
        raise StaleEnvelope(
            f"Action {action.id!r} is not what was sealed: its envelope does not give the digest {current.digest[:12]!r}.",
            hint="It will not run. Look at `shiftlead audit verify` and have the case proposed anew.",
        )
    if current.state not in RUNNABLE:
        raise Conflict(f"Action {action.id!r} is {current.state.value!r} and cannot run.", hint="Look at the case again.")


def may_run(tx: Transaction, current: SealedAction, verdict: Verdict) -> bool:
    """Whether the fresh verdict, together with the approvals that carry exactly this digest, lets the action run."""
    if verdict.lane is Lane.PROHIBITED:
        return False
    if verdict.lane is Lane.ALLOWED and current.lane is Lane.ALLOWED:
        return True
    own = set(current.makers) if verdict.four_eyes else set()
    said_yes = {
        decision.operator
        for request in inbox.of_case(tx.session, current.case_id)
        if request.action_id == current.id and request.digest == current.digest
        for decision in inbox.decisions(tx.session, request_id=request.id, kinds=(DecisionKind.APPROVE,))
        if decision.digest == current.digest and (decision.operator not in own or decision.mode == "one_person")
    }
    return len(said_yes) >= max(1, verdict.approvals)

"""Handing over: once a person has taken a case that its worker gave up, what was not sent will not be sent any more."""

from ..core import actions, inbox, outbox, queue
from ..core.actions import ActionState
from ..core.approval import RequestState
from ..core.case import CaseState
from ..core.receipt import EffectState
from ..core.store import Transaction

_UNSENT = (ActionState.PROPOSED, ActionState.WAITING, ActionState.APPROVED)
_ON_ITS_WAY = (EffectState.SENDING, EffectState.UNKNOWN)


def taken_by_a_person(tx: Transaction, case_id: str, *, by: str) -> None:
    """Cancel the unsent actions of a parked case and the requests about them; one that may have been sent is still settled."""
    if queue.get(tx.session, case_id).state is not CaseState.PARKED:
        return
    sent = {one.action_id for one in outbox.of_case(tx.session, case_id) if one.state in _ON_ITS_WAY}
    unsent = {one.id for one in actions.of_case(tx.session, case_id) if one.state in _UNSENT and one.id not in sent}
    for action_id in sorted(unsent):
        actions.move(tx, action_id, ActionState.CANCELLED, expect=_UNSENT)
        tx.audit("action.cancelled", actor=by, case_id=case_id, action=action_id)
    for request in inbox.of_case(tx.session, case_id):
        if request.action_id in unsent and request.state is RequestState.PENDING:
            inbox.settle(tx, request.id, RequestState.SUPERSEDED)

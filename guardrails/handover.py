"""Handing over: once a person has taken a case that its worker gave up, what was not sent will not be sent any more.

And where the answer to an effect was lost, a person's word about what happened is as good as a receipt.
"""

from ..core import actions, inbox, outbox, queue, switches
from ..core.actions import ActionState
from ..core.approval import Decision, Request, RequestState
from ..core.case import CaseState
from ..core.errors import BadInput
from ..core.receipt import EffectState, Outcome, Receipt
from ..core.settings import Operator
from ..core.store import Transaction
from .gate import Guard
from .quorum import Quorum

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


def reconciled(
    tx: Transaction, guard: Guard, quorum: Quorum, request: Request, operator: Operator, *, happened: bool | None, text: str
) -> str:
    """Settle an effect whose answer was lost by a person's word; returns what was noted. Raises BadInput where they do not say."""
    if happened is None or request.action_id is None:
        raise BadInput(f"{request.id!r} asks whether the effect happened.", hint="Look in the system, then answer yes or no.")
    action = actions.get(tx.session, request.action_id)
    key = action.effect_key
    words = text.strip() or ("it happened" if happened else "it did not happen")
    receipt = Receipt(
        key=key,
        outcome=Outcome.DONE if happened else Outcome.REFUSED,
        detail=f"{operator.name}: {words}",
        at=tx.now,
    )
    sent = outbox.get(tx.session, key)
    outbox.settle(tx, key, receipt, case_id=action.case_id, actor=operator.name)
    actions.move(tx, action.id, ActionState.DONE if happened else ActionState.REFUSED, expect=(ActionState.UNKNOWN,))
    inbox.settle(tx, request.id, RequestState.ANSWERED)
    queue.wake(tx, request.case_id)
    if not happened and sent and sent.sent_at:
        guard.give_back(tx, action, sent.sent_at)
        quorum.give_back(tx, action)
    return words


def after_approval(tx: Transaction, action_id: str) -> str:
    """What becomes of an action that was approved, in one line."""
    held = switches.stopped(tx.session, actions.get(tx.session, action_id).stop_scopes)
    return f"approved; held, since {held.scope!r} was stopped by {held.by}" if held else "approved; it runs next"


def after_rejection(decision: Decision) -> str:
    """What becomes of a case whose action was rejected, in one line."""
    said = decision.text or " " in decision.reason
    return "rejected; the case closes" if said else "rejected; the case comes back for a person to take"

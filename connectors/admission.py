"""Admission: whether what would be sent is what was sealed, and whether enough people have said yes to exactly that.

A row says nothing by itself: an approval counts where its operator's own signature holds over everything it says.
"""

from collections.abc import Iterable, Mapping

from ..core import inbox, policies
from ..core.actions import ActionState, SealedAction
from ..core.approval import Decision, DecisionKind, Question, Request
from ..core.errors import Conflict, StaleEnvelope, Stopped
from ..core.keys import LEDGER_KEY, Keyring
from ..core.store import Transaction
from ..core.verdict import Lane, RuleHit, Verdict
from .execution import Authority

RUNNABLE = (ActionState.PROPOSED, ActionState.APPROVED, ActionState.UNKNOWN)
"""States from which an action can be executed or settled."""

APPROVAL = "approval"
"""The id of the structural rule that says why an approval does not count."""

_NO = (DecisionKind.REJECT, DecisionKind.RESPOND)
_TELLING = (DecisionKind.APPROVE, DecisionKind.EDIT, *_NO)


def check_envelope(current: SealedAction, action: SealedAction, keyring: Keyring | None) -> None:
    """Raise StaleEnvelope where what is stored is not what was sealed and approved, Conflict where it cannot run."""
    if current.digest != action.digest or current.envelope.digest() != current.digest:
        raise StaleEnvelope(
            f"Action {action.id!r} is not what was sealed: its envelope does not give the digest {current.digest[:12]!r}.",
            hint="It will not run. Look at `shiftlead audit verify` and have the case proposed anew.",
        )
    if not current.genuine(keyring):
        raise StaleEnvelope(
            f"Action {action.id!r} is not what was sealed: the signature of {current.sealed_by or 'nobody'!r} on it does not hold.",
            hint="It will not run. Somebody wrote to the ledger; look at `shiftlead audit verify` and have the case proposed anew.",
        )
    if current.state not in RUNNABLE:
        raise Conflict(f"Action {action.id!r} is {current.state.value!r} and cannot run.", hint="Look at the case again.")


def check_policy(tx: Transaction, under: str) -> None:
    """Raise Stopped where another policy is in force than the one that this process judges by; nothing is asked where it is empty."""
    if under and policies.held(tx.session) != under:
        raise Stopped(
            "Another policy came into force since this process began.", hint="It is taken up again by one that reads it."
        )


def gated(
    tx: Transaction, current: SealedAction, verdict: Verdict, *, keyring: Keyring | None, authority: Authority
) -> Verdict | None:
    """The verdict under which the action does not run; None where the lane, the approvals or a standing grant let it run."""
    if verdict.lane is Lane.PROHIBITED:
        return verdict
    if verdict.lane is Lane.ALLOWED and current.lane is Lane.ALLOWED and current.sealed_by in ("", LEDGER_KEY):
        return None
    asked = {one.id: one for one in inbox.of_case(tx.session, current.case_id) if one.action_id == current.id}
    given = inbox.decisions(tx.session, case_id=current.case_id, kinds=_TELLING) if asked else []
    if no := next((one for one in given if _is_no(current, asked, one)), None):
        return _told(verdict, f"{no.operator} said no to exactly this, so it has to be proposed anew.")
    said, forged = _said(current, asked, given, keyring)
    made = current.model_copy(update={"makers": _makers(current, asked, given)})
    doubt = authority.doubt(tx, made, verdict, said)
    if doubt is None or authority.spend(tx, made, verdict):
        return None
    return _told(verdict, next(iter(forged), doubt))


def _said(
    current: SealedAction, asked: Mapping[str, Request], given: Iterable[Decision], keyring: Keyring | None
) -> tuple[list[tuple[Request, Decision]], list[str]]:
    """The approvals of exactly this envelope whose signatures hold, and a word about each that does not."""
    said, forged = [], []
    for decision in given:
        request = asked.get(decision.request_id)
        if request is None or decision.kind is not DecisionKind.APPROVE:
            continue
        if not request.digest == decision.digest == current.digest:
            continue
        if decision.genuine(keyring):
            said.append((request, decision))
        else:
            forged.append(f"The signature on the approval of {decision.operator} does not hold.")
    return said, forged


def _is_no(current: SealedAction, asked: Mapping[str, Request], decision: Decision) -> bool:
    """Whether somebody turned exactly this envelope down; whatever the rows around it say now, no yes overrules that."""
    request = asked.get(decision.request_id)
    approving = request is not None and request.question is Question.APPROVE
    return approving and decision.kind in _NO and decision.digest == current.digest


def _makers(current: SealedAction, asked: Mapping[str, Request], given: Iterable[Decision]) -> tuple[str, ...]:
    """Who made or edited the action, also where its own row does not say so any more."""
    edits = [one for one in given if one.kind is DecisionKind.EDIT and one.request_id in asked]
    hands = [name for one in edits for name in (one.operator, one.acting_for) if name]
    own = [current.sealed_by] if current.sealed_by not in ("", LEDGER_KEY) else []
    return tuple(dict.fromkeys((*current.makers, *own, *hands)))


def _told(verdict: Verdict, doubt: str) -> Verdict:
    if not doubt:
        return verdict
    hit = RuleHit(rule=APPROVAL, lane=Lane.REVIEWED, reason=doubt)
    return verdict.model_copy(update={"lane": Lane.REVIEWED, "hits": (hit, *verdict.hits)})

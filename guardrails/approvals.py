"""Approvals: the one function through which every decision goes, from the console, the CLI and the API alike.

A decision carries the digest that was on screen and is a compare-and-set on the request: of many people who press at once, one
decides and the others are told who was first. An edit makes a new envelope that is judged anew. Time never approves.
"""

from datetime import datetime
from typing import Any, assert_never

from ..core import actions, inbox, outbox, queue
from ..core.action import effect_key
from ..core.actions import ActionState
from ..core.approval import Decision, DecisionKind, Question, Request, RequestState
from ..core.clock import new_id
from ..core.errors import BadInput, Conflict, Forbidden
from ..core.money import Money
from ..core.noun import Noun
from ..core.receipt import Outcome as EffectOutcome
from ..core.receipt import Receipt
from ..core.settings import Operator
from ..core.store import Ledger, Transaction
from .editing import edited
from .gate import Guard
from .handover import taken_by_a_person
from .policy import Policy
from .requests import after_edit, escalated, rank


class Answer(Noun):
    """What a person answers to one request."""

    request_id: str
    digest: str
    """Digest of the envelope that was on screen."""
    kind: DecisionKind
    reason: str = ""
    """Why: a code from the playbook's list, or words of one's own. A rejection needs one; with a code alone and no `text`, the case
    comes back for a person to take."""
    text: str = ""
    """An answer in words."""
    changes: dict[str, Any] = {}
    """For an edit: new values by argument."""
    until: datetime | None = None
    """For a snooze: when to ask again."""
    role: str = ""
    """For an escalation: whom to ask; the policy's escalation role where empty."""
    happened: bool | None = None
    """For an effect whose answer was lost: whether it happened."""
    seconds: float | None = None
    """Seconds the person had it on screen."""


class Outcome(Noun):
    """What a decision led to."""

    decision: Decision
    state: RequestState
    message: str
    """One line for the person who decided."""
    next_request: str | None = None
    """The request that replaced this one, after an edit."""


class Approvals:
    """Decides requests under one policy."""

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self.ledger = ledger
        self.policy = policy
        self.guard = Guard(policy, ledger.clock)

    def decide(self, answer: Answer, operator: Operator) -> Outcome:
        """Write one decision and what follows from it, or nothing at all.

        Raises AlreadyDecided naming who was first, StaleEnvelope where the request shows something else now, Forbidden where this
        person may not, BadInput where the answer lacks something.
        """
        with self.ledger.transaction() as tx:
            request = inbox.locked(tx, answer.request_id, digest=answer.digest)
            if request.expires_at is not None and request.expires_at <= tx.now:
                raise Conflict(
                    f"Request {request.id!r} expired at {request.expires_at:%Y-%m-%d %H:%M} UTC.",
                    hint=f"It goes to the role {self.policy.escalate_to!r}; nothing was approved.",
                )
            decision = self._decision(answer, request, operator, tx.now)
            outcome = self._apply(tx, answer, request, operator, decision)
            inbox.add_decision(tx, outcome.decision, policy_digest=self.policy.digest())
            return outcome

    def hindrance(self, request: Request, operator: Operator) -> str:
        """Why this person may not approve this request; empty where they may."""
        role = self.policy.role(operator.role)
        if role is None:
            return f"the policy {self.policy.ref} has no role {operator.role!r}"
        if rank(self.policy, operator.role) < rank(self.policy, request.role):
            return f"it is asked of the role {request.role!r}"
        if request.question is not Question.APPROVE:
            return ""
        if refusal := role.refusal(request.action_kind, _money(request)):
            return refusal
        if request.four_eyes and operator.name in request.makers and self.policy.separation == "four_eyes":
            return "you made or edited it, so somebody else approves it"
        return ""

    def expire(self) -> int:
        """Give every request whose time ran out to the escalation role; nothing is approved. Returns how many."""
        with self.ledger.transaction() as tx:
            late = inbox.expired(tx.session, now=tx.now)
            for request in late:
                inbox.settle(tx, request.id, RequestState.EXPIRED)
                tx.audit("request.expired", actor="system", case_id=request.case_id, request=request.id)
                inbox.put(tx, escalated(self.policy, request, tx.now))
            return len(late)

    def _apply(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        match answer.kind:
            case DecisionKind.APPROVE:
                return self._approve(tx, request, operator, decision)
            case DecisionKind.EDIT:
                return self._edit(tx, answer, request, operator, decision)
            case DecisionKind.REJECT:
                return self._reject(tx, answer, request, operator, decision)
            case DecisionKind.RESPOND:
                return self._respond(tx, answer, request, operator, decision)
            case DecisionKind.ESCALATE:
                return self._escalate(tx, answer, request, operator, decision)
            case DecisionKind.SNOOZE:
                return self._snooze(tx, answer, request, operator, decision)
            case _:
                assert_never(answer.kind)

    def _approve(self, tx: Transaction, request: Request, operator: Operator, decision: Decision) -> Outcome:
        action_id = self._about_an_action(request, "approve")
        if why_not := self.hindrance(request, operator):
            raise Forbidden(f"{operator.name!r} may not approve {request.id!r}: {why_not}.", hint="Escalate it.")
        approvers = {one.operator for one in inbox.decisions(tx.session, request_id=request.id, kinds=(DecisionKind.APPROVE,))}
        if operator.name in approvers:
            raise Forbidden(f"{operator.name!r} approved {request.id!r} already.", hint="Another person has to approve it too.")
        given = len(approvers) + 1
        if given < request.approvals_needed:
            left = request.approvals_needed - given
            message = f"approved, {given} of {request.approvals_needed}: {left} more {'person' if left == 1 else 'people'}"
            return Outcome(decision=decision, state=RequestState.PENDING, message=message)
        inbox.settle(tx, request.id, RequestState.APPROVED)
        actions.move(tx, action_id, ActionState.APPROVED, expect=(ActionState.WAITING,))
        queue.wake(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.APPROVED, message="approved; it runs next")

    def _edit(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        action_id = self._about_an_action(request, "edit")
        self._may_touch(request, operator)
        sealed = edited(tx, self.guard, actions.get(tx.session, action_id), answer.changes, by=operator.name)
        inbox.settle(tx, request.id, RequestState.SUPERSEDED)
        actions.replace(tx, sealed)
        fresh = after_edit(self.policy, request, sealed, tx.now)
        inbox.put(tx, fresh)
        queue.mark_human(tx, request.case_id)
        tx.audit(
            "action.edited",
            actor=operator.name,
            case_id=request.case_id,
            action=action_id,
            before=request.digest,
            after=sealed.digest,
            fields=sorted(answer.changes),
            lane=sealed.lane,
            policy_digest=sealed.verdict.policy_digest,
        )
        who = (
            "somebody else approves it" if fresh.four_eyes and self.policy.separation == "four_eyes" else "approve it to run it"
        )
        return Outcome(
            decision=decision,
            state=RequestState.SUPERSEDED,
            message=f"edited and judged anew ({sealed.verdict.because()}); {who}",
            next_request=fresh.id,
        )

    def _reject(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        action_id = self._about_an_action(request, "reject")
        self._may_touch(request, operator)
        if not answer.reason.strip():
            raise BadInput(
                f"Rejecting {request.id!r} needs a reason.", hint="Pick one or write one; it stays with the decision."
            )
        inbox.settle(tx, request.id, RequestState.REJECTED)
        actions.move(tx, action_id, ActionState.REJECTED, expect=(ActionState.WAITING,))
        queue.wake(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.REJECTED, message=_after_rejection(decision))

    def _respond(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        self._may_touch(request, operator)
        if request.question is Question.RECONCILE:
            return self._reconcile(tx, answer, request, operator, decision)
        if not answer.text.strip():
            raise BadInput(f"Answering {request.id!r} needs words.", hint="Say what you did with the case.")
        inbox.settle(tx, request.id, RequestState.ANSWERED)
        if request.question is Question.APPROVE and request.action_id:
            actions.move(tx, request.action_id, ActionState.REJECTED, expect=(ActionState.WAITING,))
        if request.action_id is None:
            taken_by_a_person(tx, request.case_id, by=operator.name)
        queue.wake(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.ANSWERED, message="answered; the case is yours and closes")

    def _reconcile(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        if answer.happened is None or request.action_id is None:
            raise BadInput(
                f"{request.id!r} asks whether the effect happened.", hint="Look in the system, then answer yes or no."
            )
        action = actions.get(tx.session, request.action_id)
        key = effect_key(action.envelope.tenant, action.case_id, action.id, action.digest)
        happened = EffectOutcome.DONE if answer.happened else EffectOutcome.REFUSED
        words = answer.text.strip() or ("it happened" if answer.happened else "it did not happen")
        receipt = Receipt(key=key, outcome=happened, detail=f"{operator.name}: {words}", at=tx.now)
        sent = outbox.get(tx.session, key)
        if not answer.happened and sent and sent.sent_at:
            self.guard.give_back(tx, action, sent.sent_at.date())
        outbox.settle(tx, key, receipt, case_id=action.case_id, actor=operator.name)
        to = ActionState.DONE if answer.happened else ActionState.REFUSED
        actions.move(tx, action.id, to, expect=(ActionState.UNKNOWN,))
        inbox.settle(tx, request.id, RequestState.ANSWERED)
        queue.wake(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.ANSWERED, message=f"noted that {words}")

    def _escalate(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        role = answer.role or self.policy.escalate_to
        if self.policy.role(role) is None:
            known = ", ".join(one.name for one in self.policy.roles)
            raise BadInput(f"The policy has no role {role!r}.", hint=f"Known roles: {known}.")
        if rank(self.policy, role) < rank(self.policy, request.role) or self.policy.role(operator.role) is None:
            raise Forbidden(
                f"{operator.name!r} ({operator.role}) may not hand {request.id!r} from {request.role!r} to {role!r}.",
                hint="Escalation only goes up.",
            )
        inbox.reassign(tx, request.id, role)
        queue.mark_human(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.PENDING, message=f"escalated to {role}")

    def _snooze(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        self._may_touch(request, operator)
        if answer.until is None or answer.until <= tx.now:
            raise BadInput(f"Snoozing {request.id!r} needs a time that lies ahead.", hint="For instance in one hour.")
        if request.expires_at is not None and answer.until >= request.expires_at:
            raise BadInput(
                f"{request.id!r} expires at {request.expires_at:%Y-%m-%d %H:%M} UTC.",
                hint="Snooze it for less, or escalate it.",
            )
        inbox.postpone(tx, request.id, answer.until)
        queue.mark_human(tx, request.case_id)
        return Outcome(
            decision=decision, state=RequestState.PENDING, message=f"snoozed until {answer.until:%Y-%m-%d %H:%M} UTC"
        )

    def _may_touch(self, request: Request, operator: Operator) -> None:
        """Editing, rejecting and answering are open to every role of the policy that the request is asked of."""
        if self.policy.role(operator.role) is None or rank(self.policy, operator.role) < rank(self.policy, request.role):
            raise Forbidden(
                f"{operator.name!r} ({operator.role}) may not settle {request.id!r}: it is asked of {request.role!r}.",
                hint="Ask somebody with that role.",
            )

    def _about_an_action(self, request: Request, verb: str) -> str:
        if request.question is not Question.APPROVE or request.action_id is None:
            raise BadInput(
                f"Request {request.id!r} asks to {request.question.value}; there is nothing to {verb}.",
                hint="Answer it in words.",
            )
        return request.action_id

    def _decision(self, answer: Answer, request: Request, operator: Operator, now: datetime) -> Decision:
        return Decision(
            id=new_id("dec"),
            request_id=request.id,
            case_id=request.case_id,
            kind=answer.kind,
            operator=operator.name,
            digest=answer.digest,
            reason=answer.reason.strip(),
            text=answer.text.strip(),
            changes=answer.changes,
            seconds=answer.seconds,
            mode=self.policy.separation,
            decided_at=now,
        )


def _after_rejection(decision: Decision) -> str:
    said = decision.text or " " in decision.reason
    return "rejected; the case closes" if said else "rejected; the case comes back for a person to take"


def _money(request: Request) -> Money | None:
    return Money.of(request.amount, request.currency) if request.amount and request.currency else None

"""Approvals: the one function through which every decision goes, from the console, the CLI and the API alike.

A decision carries the digest that was on screen, is signed by whoever gives it, and is a compare-and-set on the request: of many people
who press at once, one decides and the others are told who was first. An edit makes a new envelope that is judged anew.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from ..core import actions, bodies, inbox, policies, queue
from ..core.actions import ActionState, SealedAction
from ..core.approval import PURPOSE, Decision, DecisionKind, Question, Request, RequestState
from ..core.clock import new_id
from ..core.errors import BadInput, Conflict, Forbidden
from ..core.noun import Moment, Noun
from ..core.roster import Roster, Signing, signature
from ..core.settings import Operator, Place
from ..core.store import Ledger, Transaction
from .autonomy import Autonomy
from .editing import edited
from .gate import Guard
from .handover import after_approval, after_rejection, reconciled, taken_by_a_person
from .policy import Policy
from .quorum import Capacity, Matter, Quorum, people
from .requests import after_edit, rank

SCREEN = "screen"
"""The kind of body that holds what a person was shown."""


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
    until: Moment | None = None
    """For a snooze: when to ask again."""
    role: str = ""
    """For an escalation: whom to ask; the policy's escalation role where empty."""
    happened: bool | None = None
    """For an effect whose answer was lost: whether it happened."""
    seconds: float | None = None
    """Seconds the person had it on screen."""
    shown: str = ""
    """What the person was shown, as text; its digest is signed with the decision."""


class Outcome(Noun):
    """What a decision led to."""

    decision: Decision
    state: RequestState
    message: str
    """One line for the person who decided."""
    next_request: str | None = None
    """The request that replaced this one, after an edit."""


class Approvals:
    """Decides requests under one policy.

    `under` is the digest of what is in force in the ledger, where decisions are to be refused once that is another.
    `signer` is the key of whoever decides, or the way to it; None where the installation uses no signatures. `sealing` is the ledger's own
    key, which signs the certificates that decisions earn a brain; without it none counts where signatures do.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: Policy,
        *,
        signer: Signing | None,
        roster: Roster,
        sealing: Signing | None = None,
        under: str = "",
    ) -> None:
        self.ledger = ledger
        self.policy = policy
        self.guard = Guard(policy, ledger.clock, keyring=roster.keyring)
        self.quorum = Quorum(policy, roster)
        self.autonomy = Autonomy(policy, roster.keyring, sealing)
        self.signer = signer
        self._under = under

    @classmethod
    def of(cls, place: Place, ledger: Ledger, policy: Policy) -> "Approvals":
        """The approvals of a workspace: its operators, the keys it trusts, and the keys of whoever runs this process."""
        keys = place.keys
        held = policies.held_in(ledger)
        return cls(ledger, policy, signer=keys.signer, roster=place.roster(), sealing=keys.signer, under=held)

    def decide(self, answer: Answer, operator: Operator) -> Outcome:
        """Write one decision and what follows from it, or nothing at all.

        Raises AlreadyDecided naming who was first, StaleEnvelope where the request shows something else now, Forbidden where this
        person may not, BadInput where the answer lacks something, NotFound where they have no key.
        """
        with self.ledger.transaction() as tx:
            if self._under and policies.held(tx.session) != self._under:
                told = "Another policy came into force since this was opened."
                raise Conflict(told, hint="Nothing was written; open it again.")
            request = inbox.locked(tx, answer.request_id, digest=answer.digest)
            if request.expires_at is not None and request.expires_at <= tx.now:
                told = f"Request {request.id!r} expired at {request.expires_at:%Y-%m-%d %H:%M} UTC."
                raise Conflict(told, hint=f"It goes to the role {self.policy.escalate_to!r}; nothing was approved.")
            capacity = self._capacity(tx, answer.kind, request, operator)
            self.quorum.check_operator(operator)
            decision = self._decision(tx, answer, request, operator, capacity)
            shown = self._shown(tx, request)
            outcome = self._apply(tx, answer, request, operator, decision)
            inbox.add_decision(tx, decision)
            if shown is None or outcome.state is RequestState.PENDING:
                return outcome
            led_to = self.autonomy.learn(tx, shown, decision, right=outcome.state is RequestState.APPROVED)
            return outcome.model_copy(update={"message": f"{outcome.message}{led_to}"})

    def _shown(self, tx: Transaction, request: Request) -> SealedAction | None:
        """The action that is asked about, as the person saw it; None where something else is asked."""
        asked = request.question is Question.APPROVE and request.action_id is not None
        return actions.get(tx.session, str(request.action_id)) if asked else None

    def capacities(self, operator: Operator) -> tuple[Capacity, ...]:
        """The roles that this person can act in now: their own, and those lent to them."""
        with self.ledger.reading() as session:
            return self.quorum.capacities(session, operator, at=self.ledger.clock.now())

    def hindrance(self, request: Request, operator: Operator, capacities: Sequence[Capacity] = ()) -> str:
        """Why this person may not approve this request, in none of their capacities; empty where they may."""
        known = capacities or self.capacities(operator)
        reasons = [self.quorum.hindrance(request, operator.name, one) for one in known]
        return "" if "" in reasons else reasons[0]

    def _capacity(self, tx: Transaction, kind: DecisionKind, request: Request, operator: Operator) -> Capacity:
        """In which of their roles somebody gives this answer, their own first; raises Forbidden where in none."""
        known = self.quorum.capacities(tx.session, operator, at=tx.now)
        if kind is DecisionKind.ESCALATE:
            return known[0]
        if kind is not DecisionKind.APPROVE or request.question is not Question.APPROVE:
            return self._touching(request, operator, known)
        reasons = {self.quorum.hindrance(request, operator.name, one): one for one in reversed(known)}
        if "" not in reasons:
            why_not = self.quorum.hindrance(request, operator.name, known[0])
            raise Forbidden(f"{operator.name!r} may not approve {request.id!r}: {why_not}.", hint="Escalate it.")
        return reasons[""]

    def _touching(self, request: Request, operator: Operator, known: Sequence[Capacity]) -> Capacity:
        """Editing, rejecting and answering are open to every role of the policy that the request is asked of."""
        found = next((one for one in known if self.quorum.may_touch(request, one)), None)
        if found is None:
            told = f"{operator.name!r} ({operator.role}) may not settle {request.id!r}: it is asked of {request.role!r}."
            raise Forbidden(told, hint="Ask somebody with that role.")
        return found

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
        given = inbox.decisions(tx.session, request_id=request.id, kinds=(DecisionKind.APPROVE,))
        before, _ = self.quorum.counting(tx.session, Matter.of_request(request), given, at=tx.now)
        count = people((*before, decision))
        if before and count == people(before):
            told = f"{operator.name!r} approved {request.id!r} already"
            raise Forbidden(f"{told}, or whoever they act for did.", hint="Another person has to approve it too.")
        if count < request.approvals_needed:
            left = request.approvals_needed - count
            message = f"approved, {count} of {request.approvals_needed}: {left} more {'person' if left == 1 else 'people'}"
            return Outcome(decision=decision, state=RequestState.PENDING, message=message)
        inbox.settle(tx, request.id, RequestState.APPROVED)
        actions.move(tx, action_id, ActionState.APPROVED, expect=(ActionState.WAITING,))
        queue.wake(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.APPROVED, message=after_approval(tx, action_id))

    def _edit(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        action_id = self._about_an_action(request, "edit")
        sealed = edited(tx, self.guard, actions.get(tx.session, action_id), answer.changes, by=operator.name)
        if decision.acting_for:
            sealed = sealed.model_copy(update={"makers": tuple(dict.fromkeys((*sealed.makers, decision.acting_for)))})
        inbox.settle(tx, request.id, RequestState.SUPERSEDED)
        actions.replace(tx, sealed.signed(self.signer, operator.name))
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
        if not answer.reason.strip():
            raise BadInput(f"Rejecting {request.id!r} needs a reason.", hint="Pick or write one; it stays with the decision.")
        inbox.settle(tx, request.id, RequestState.REJECTED)
        actions.move(tx, action_id, ActionState.REJECTED, expect=(ActionState.WAITING,))
        queue.wake(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.REJECTED, message=after_rejection(decision))

    def _respond(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        if request.question is Question.RECONCILE:
            words = reconciled(tx, self.guard, self.quorum, request, operator, happened=answer.happened, text=answer.text)
            return Outcome(decision=decision, state=RequestState.ANSWERED, message=f"noted that {words}")
        if not answer.text.strip():
            raise BadInput(f"Answering {request.id!r} needs words.", hint="Say what you did with the case.")
        inbox.settle(tx, request.id, RequestState.ANSWERED)
        if request.question is Question.APPROVE and request.action_id:
            actions.move(tx, request.action_id, ActionState.REJECTED, expect=(ActionState.WAITING,))
        if request.action_id is None:
            taken_by_a_person(tx, request.case_id, by=operator.name)
        queue.wake(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.ANSWERED, message="answered; the case is yours and closes")

    def _escalate(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        role = answer.role or self.policy.escalate_to
        if self.policy.role(role) is None:
            known = ", ".join(one.name for one in self.policy.roles)
            raise BadInput(f"The policy has no role {role!r}.", hint=f"Known roles: {known}.")
        if rank(self.policy, role) < rank(self.policy, request.role) or self.policy.role(operator.role) is None:
            told = f"{operator.name!r} ({operator.role}) may not hand {request.id!r} from {request.role!r} to {role!r}."
            raise Forbidden(told, hint="Escalation only goes up.")
        inbox.reassign(tx, request.id, role=role)
        queue.mark_human(tx, request.case_id)
        return Outcome(decision=decision, state=RequestState.PENDING, message=f"escalated to {role}")

    def _snooze(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, decision: Decision) -> Outcome:
        del operator
        if answer.until is None or answer.until <= tx.now:
            raise BadInput(f"Snoozing {request.id!r} needs a time that lies ahead.", hint="For instance in one hour.")
        if request.expires_at is not None and answer.until >= request.expires_at:
            told = f"{request.id!r} expires at {request.expires_at:%Y-%m-%d %H:%M} UTC."
            raise BadInput(told, hint="Snooze it for less, or escalate it.")
        inbox.postpone(tx, request.id, answer.until)
        queue.mark_human(tx, request.case_id)
        message = f"snoozed until {answer.until:%Y-%m-%d %H:%M} UTC"
        return Outcome(decision=decision, state=RequestState.PENDING, message=message)

    def _about_an_action(self, request: Request, verb: str) -> str:
        if request.question is not Question.APPROVE or request.action_id is None:
            told = f"Request {request.id!r} asks to {request.question.value}; there is nothing to {verb}."
            raise BadInput(told, hint="Answer it in words.")
        return request.action_id

    def _decision(self, tx: Transaction, answer: Answer, request: Request, operator: Operator, capacity: Capacity) -> Decision:
        decision = Decision(
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
            decided_at=tx.now,
            policy_digest=self.policy.digest(),
            shown=bodies.keep(tx, request.case_id, SCREEN, answer.shown) if answer.shown else "",
            acting_for=capacity.acting_for,
        )
        said = signature(self.signer, operator.name, PURPOSE, decision.statement())
        return decision.model_copy(update={"signature": said})

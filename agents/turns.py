"""Turns: what a case needs next, read from the ledger alone, so that it holds after any crash and without any checkpoint."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

from ..core import actions, inbox
from ..core.actions import OPEN_STATES, ActionState, SealedAction
from ..core.approval import DecisionKind, Question, Request, RequestState
from ..core.case import Case
from ..core.clock import new_id
from ..core.noun import Noun, digest
from ..core.store import Transaction

Terms = Callable[[SealedAction], "Ask"]
"""Whom to ask about an action, and until when."""


class Step(StrEnum):
    """The node of the graph that goes on with the case."""

    SCREEN = "screen"
    EXECUTE = "execute"
    AWAIT = "await_approval"
    CLOSE = "close"
    PAUSE = "pause"
    """No node: the case rests and is taken up again later."""


class Ask(Noun):
    """Whom to ask, and until when."""

    role: str = "operator"
    expires_at: datetime | None = None


class Turn(Noun):
    """What a case needs next."""

    step: Step
    action: SealedAction | None = None
    request: Request | None = None


class Known(Noun):
    """The actions and requests of a case."""

    sealed: tuple[SealedAction, ...] = ()
    asked: tuple[Request, ...] = ()
    moved: bool = False
    """True where the last action was superseded and the case is to be proposed anew."""

    @classmethod
    def read(cls, tx: Transaction, case: Case) -> "Known":
        """Those that still count; what was superseded does not."""
        every = actions.of_case(tx.session, case.id)
        return cls(
            sealed=tuple(one for one in every if one.state is not ActionState.SUPERSEDED),
            asked=tuple(one for one in inbox.of_case(tx.session, case.id) if one.state is not RequestState.SUPERSEDED),
            moved=bool(every) and every[-1].state is ActionState.SUPERSEDED,
        )

    @property
    def fresh(self) -> bool:
        """Whether the worker has to propose: for the first time, or anew, unless a person has the case."""
        theirs = any(one.question is Question.HANDLE and one.action_id is None for one in self.asked)
        return not theirs if self.moved else not self.sealed and not self.asked


def advance(tx: Transaction, case: Case, terms: Terms, *, note: str = "", known: Known | None = None) -> Turn:
    """The next turn of a case; opens the request that it waits for and cancels what will not run any more.

    `note` is added to the reason of a request that is opened here. `known` spares reading what this transaction has just written.
    """
    known = known or Known.read(tx, case)
    sealed, asked = known.sealed, list(known.asked)
    if known.fresh:
        return Turn(step=Step.SCREEN)
    halted = False
    for action in sealed:
        if halted:
            if action.state in OPEN_STATES:
                actions.move(tx, action.id, ActionState.CANCELLED, expect=OPEN_STATES)
        elif action.state in (ActionState.PROPOSED, ActionState.APPROVED):
            return Turn(step=Step.EXECUTE, action=action)
        elif action.state in (ActionState.WAITING, ActionState.UNKNOWN):
            return Turn(step=Step.AWAIT, action=action, request=_asked(tx, case, action, asked, terms, note))
        elif action.state is not ActionState.DONE:
            halted = True
            if action.state in (ActionState.BLOCKED, ActionState.REFUSED) or _left_open(tx, action, asked):
                asked.append(_asked(tx, case, action, asked, terms, note))
    if pending := next((one for one in asked if one.state is RequestState.PENDING), None):
        return Turn(step=Step.AWAIT, request=pending)
    return Turn(step=Step.CLOSE)


def hand_over(tx: Transaction, case: Case, why: str, *, ask: Ask) -> Request:
    """Ask a person to take the case, since its worker cannot go on."""
    request = Request(
        id=new_id("req"),
        case_id=case.id,
        action_id=None,
        question=Question.HANDLE,
        state=RequestState.PENDING,
        digest=digest([case.id, why]),
        summary=case.subject,
        reason=why,
        amount=None if case.amount is None else format(case.amount, "f"),
        currency=case.currency,
        role=ask.role,
        created_at=tx.now,
        due_at=case.due_at,
        expires_at=ask.expires_at,
    )
    inbox.put(tx, request)
    return request


def outcome(sealed: Sequence[SealedAction], asked: Sequence[Request], *, otherwise: str) -> str:
    """The one word that says how a case ended."""
    states = {one.state for one in sealed}
    for state, word in (
        (ActionState.BLOCKED, "blocked"),
        (ActionState.REFUSED, "refused"),
        (ActionState.REJECTED, "rejected"),
    ):
        if state in states:
            return word
    if any(one.question is Question.HANDLE and one.state is RequestState.ANSWERED for one in asked):
        return "handed_over"
    return "done" if ActionState.DONE in states else otherwise


_QUESTIONS = {
    ActionState.WAITING: Question.APPROVE,
    ActionState.UNKNOWN: Question.RECONCILE,
    ActionState.BLOCKED: Question.HANDLE,
    ActionState.REFUSED: Question.HANDLE,
    ActionState.REJECTED: Question.HANDLE,
}


def _left_open(tx: Transaction, action: SealedAction, asked: Sequence[Request]) -> bool:
    """Whether a person rejected the action without saying in words what becomes of the case: somebody still has to take it."""
    if action.state is not ActionState.REJECTED:
        return False
    rejected = [one for one in asked if one.action_id == action.id and one.state is RequestState.REJECTED]
    said = [
        decision
        for request in rejected
        for decision in inbox.decisions(tx.session, request_id=request.id, kinds=(DecisionKind.REJECT,))
    ]
    return bool(said) and not (said[-1].text or " " in said[-1].reason)


def _asked(tx: Transaction, case: Case, action: SealedAction, asked: Sequence[Request], terms: Terms, note: str) -> Request:
    """The request about `action`, opened where there is none for this envelope and question yet."""
    question = _QUESTIONS[action.state]
    for one in asked:
        same = one.action_id == action.id and one.digest == action.digest and one.question is question
        if same and one.state in (RequestState.PENDING, RequestState.ANSWERED):
            return one
    return _ask(tx, case, action, question, terms(action), note)


def _ask(tx: Transaction, case: Case, action: SealedAction, question: Question, ask: Ask, note: str) -> Request:
    money = action.envelope.proposal.action.amount
    request = Request(
        id=new_id("req"),
        case_id=case.id,
        action_id=action.id,
        question=question,
        state=RequestState.PENDING,
        digest=action.digest,
        action_kind=action.kind,
        summary=action.summary(),
        reason="; ".join(part for part in (note, _why(question, action)) if part),
        amount=format(money.amount, "f") if money else None,
        currency=money.currency if money else None,
        confidence=action.envelope.proposal.confidence,
        approvals_needed=action.verdict.approvals,
        four_eyes=action.verdict.four_eyes,
        makers=action.makers,
        role=ask.role,
        created_at=tx.now,
        due_at=case.due_at,
        expires_at=ask.expires_at,
        round=action.round,
    )
    inbox.put(tx, request)
    return request


def _why(question: Question, action: SealedAction) -> str:
    if question is Question.RECONCILE:
        return "The answer was lost: it may have happened. Look in the system and say which."
    if question is Question.HANDLE and action.state is ActionState.REFUSED:
        return "The system refused it; please take the case."
    if question is Question.HANDLE and action.state is ActionState.REJECTED:
        return "The worker's proposal was rejected; please take the case."
    return action.verdict.because() or "No rule allows it without a person."

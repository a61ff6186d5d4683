"""The quorum: whose yes to an action counts, and whether enough distinct people have said it.

Console, command line and programs ask it before a decision is written; the executor asks it again in the transaction that takes the
right to send. A yes counts while the policy it was given under is in force, while it is fresh, and while whoever gave it still has
the role that may give it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from ..core import delegations
from ..core.actions import SealedAction
from ..core.approval import Decision, Question, Request
from ..core.errors import Forbidden
from ..core.money import Money
from ..core.noun import Noun
from ..core.roster import Roster
from ..core.settings import Operator
from ..core.store import Transaction
from ..core.verdict import Verdict
from .duties import Duty, conflict, distinct
from .grants import Grants
from .policy import Policy
from .requests import rank

SKEW = timedelta(minutes=5)
"""How far the clock of whoever decided may be ahead of the executor's."""


class Capacity(Noun):
    """A role that somebody can act in: their own, or one that was lent to them."""

    role: str
    acting_for: str = ""
    """Who lent it; empty for one's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a yes is about."""

    kind: str
    amount: Money | None
    role: str
    """The role that was asked."""
    four_eyes: bool
    makers: tuple[str, ...]

    @classmethod
    def of_request(cls, request: Request) -> "Matter":
        """What a request asks."""
        money = Money.of(request.amount, request.currency) if request.amount and request.currency else None
        return cls(
            kind=request.action_kind, amount=money, role=request.role, four_eyes=request.four_eyes, makers=request.makers
        )


class Quorum:
    """Who may say yes under one policy, and who has."""

    def __init__(self, policy: Policy, roster: Roster) -> None:
        self.policy = policy
        self.roster = roster
        self.grants = Grants(policy, roster)

    def check_operator(self, operator: Operator) -> None:
        """Raise Forbidden where the installation does not know this person in this role."""
        if self.roster.operators.get(operator.name) != operator.role:
            raise Forbidden(
                f"{operator.name!r} is no operator with the role {operator.role!r} here.",
                hint="`shiftlead operator list` shows who is.",
            )

    def capacities(self, session: Session, operator: Operator, *, at: datetime) -> tuple[Capacity, ...]:
        """Every role that a person can act in at a moment, their own first."""
        lent = delegations.to_person(session, operator.name, at=at)
        borrowed = (Capacity(role=one.role, acting_for=one.giver) for one in lent if self._lawful(one))
        return (Capacity(role=operator.role), *borrowed)

    def hindrance(self, request: Request, name: str, capacity: Capacity) -> str:
        """Why a person may not approve a request in this capacity; empty where they may."""
        matter = Matter.of_request(request)
        if why_not := self._beyond(matter, capacity, approving=request.question is Question.APPROVE):
            return why_not
        return self._maker(matter, name, capacity.acting_for) if request.question is Question.APPROVE else ""

    def may_touch(self, request: Request, capacity: Capacity) -> bool:
        """Whether somebody in this capacity may edit, reject or answer a request: every role it is asked of may."""
        known = self.policy.role(capacity.role) is not None
        return known and rank(self.policy, capacity.role) >= rank(self.policy, request.role)

    def counting(
        self, session: Session, matter: Matter, given: Iterable[Decision], *, at: datetime
    ) -> tuple[list[Decision], list[str]]:
        """The approvals that count for a matter, and why the others do not."""
        counts, doubts = [], []
        for decision in given:
            if why_not := self._void(session, matter, decision, at):
                doubts.append(f"The approval of {decision.operator} does not count: {why_not}.")
            else:
                counts.append(decision)
        return counts, doubts

    def doubt(
        self, tx: Transaction, action: SealedAction, verdict: Verdict, said: Sequence[tuple[Request, Decision]]
    ) -> str | None:
        """Why these approvals are not enough for an action with this verdict, in words or empty; None where they are."""
        counts: list[Decision] = []
        doubts: list[str] = []
        for request, decision in said:
            matter = Matter(
                kind=action.kind,
                amount=action.envelope.proposal.action.amount,
                role=request.role,
                four_eyes=verdict.four_eyes or request.four_eyes,
                makers=action.makers,
            )
            good, bad = self.counting(tx.session, matter, [decision], at=tx.now)
            counts += good
            doubts += bad
        if enough(counts, verdict.approvals):
            return None
        return next(iter(doubts), f"It has {people(counts)} of {verdict.approvals} approvals." if counts else "")

    def spend(self, tx: Transaction, action: SealedAction, verdict: Verdict) -> bool:
        """Spend a standing grant that covers the action and has room for it; False where there is none."""
        return self.grants.spend(tx, action, verdict)

    def give_back(self, tx: Transaction, action: SealedAction) -> None:
        """Give back what the action has spent of a grant, since nothing happened."""
        self.grants.give_back(tx, action)

    def spend_again(self, tx: Transaction, action: SealedAction) -> None:
        """Spend again what was given back, since it happened after all."""
        self.grants.spend_again(tx, action)

    def _void(self, session: Session, matter: Matter, decision: Decision, at: datetime) -> str:
        if not decision.genuine(self.roster.keyring):
            return "its signature does not hold"
        if decision.policy_digest != self.policy.digest():
            return "the policy has changed since"
        if decision.decided_at > at + SKEW:
            return "it is dated later than now"
        if at - decision.decided_at > timedelta(hours=self.policy.approval_valid_hours):
            return f"it was given more than {self.policy.approval_valid_hours} hours ago"
        capacity = self._acted(session, decision)
        if isinstance(capacity, str):
            return capacity
        return self._beyond(matter, capacity, approving=True) or self._maker(matter, decision.operator, decision.acting_for)

    def _acted(self, session: Session, decision: Decision) -> Capacity | str:
        """The capacity in which a decision was given, or why there is none."""
        own = self.roster.operators.get(decision.operator)
        if own is None:
            return f"{decision.operator} is no operator"
        if not decision.acting_for:
            return Capacity(role=own)
        lent = delegations.to_person(session, decision.operator, at=decision.decided_at)
        found = next((one for one in lent if one.giver == decision.acting_for and self._lawful(one)), None)
        if found is None:
            return f"{decision.acting_for} had not lent it their authority"
        return Capacity(role=found.role, acting_for=found.giver)

    def _lawful(self, lent: delegations.Delegation) -> bool:
        """Whether the giver signed it and still has the role: what is only lent to them cannot be passed on."""
        apart = not conflict(Duty.BORROW, lent.receiver, taken={Duty.LEND: (lent.giver,)})
        return apart and self.roster.operators.get(lent.giver) == lent.role and lent.genuine(self.roster.keyring)

    def _beyond(self, matter: Matter, capacity: Capacity, *, approving: bool) -> str:
        role = self.policy.role(capacity.role)
        if role is None:
            return f"the policy {self.policy.ref} has no role {capacity.role!r}"
        if rank(self.policy, capacity.role) < rank(self.policy, matter.role):
            return f"it is asked of the role {matter.role!r}"
        return role.refusal(matter.kind, matter.amount) if approving else ""

    def _maker(self, matter: Matter, name: str, acting_for: str) -> str:
        taken = {Duty.MAKE: matter.makers} if matter.four_eyes else {}
        return conflict(Duty.APPROVE, name, acting_for=acting_for, taken=taken, separation=self.policy.separation)


def people(given: Iterable[Decision]) -> int:
    """How many distinct people gave these decisions; a giver and a delegate are one."""
    return distinct((one.operator, one.acting_for) for one in given)


def enough(given: Iterable[Decision], needed: int) -> bool:
    """Whether as many distinct people as are needed have said yes."""
    return people(given) >= max(1, needed)

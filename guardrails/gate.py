"""The gate: lanes together with the limits on what one day may commit, as the workers and the executor see them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlmodel import Session

from ..core import actions, exposure
from ..core.action import Action, Proposal
from ..core.actions import SealedAction
from ..core.clock import Clock
from ..core.exposure import COUNT_ONLY, Total
from ..core.store import Transaction
from ..core.verdict import Verdict
from .lanes import judge, tightened
from .limits import EXPOSURE_FACTS, exposure_facts, scopes
from .policy import Policy

_UNCOUNTED: dict[str, Any] = dict.fromkeys(EXPOSURE_FACTS)


class Guard:
    """Judges under one policy, counting what was committed today."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self.policy = policy
        self.clock = clock

    def judge(self, session: Session, proposal: Proposal, context: Mapping[str, Any]) -> Verdict:
        """The verdict on a proposal as if it were committed now, on top of what today has committed already."""
        action = proposal.action
        before = self._committed(session, context, action)
        facts = {**context, **_UNCOUNTED, **exposure_facts(before, action.amount)}
        facts["done_before"] = actions.done_before(session, action.kind, action.target)
        return judge(self.policy, proposal, context=facts, now=self.clock.now())

    def again(self, session: Session, action: SealedAction, *, counted: bool) -> Verdict:
        """The verdict on a sealed action as if it were proposed now; `counted` says that today's totals hold it already."""
        proposed = action.envelope.proposal.action
        before = self._committed(session, action.context, proposed)
        if counted:
            before = {scope: _without(total, proposed) for scope, total in before.items()}
        facts = {**action.context, **_UNCOUNTED, **exposure_facts(before, proposed.amount)}
        facts["done_before"] = actions.done_before(session, action.kind, proposed.target, but=action.id)
        return judge(self.policy, action.envelope.proposal, context=facts, now=self.clock.now())

    def admit(self, tx: Transaction, action: SealedAction, fresh: Mapping[str, Any]) -> Verdict:
        """Count `action` as committed and judge it again with the locked totals; never freer than it was judged before.

        `fresh` holds facts that were read again just now; they win over those it was judged with.
        """
        proposed = action.envelope.proposal.action
        after = exposure.commit(tx, self._scopes(action.context, proposed), tx.now.date(), proposed.amount)
        before = {scope: _without(total, proposed) for scope, total in after.items()}
        facts = {**action.context, **fresh, **_UNCOUNTED, **exposure_facts(before, proposed.amount)}
        facts["done_before"] = actions.done_before(tx.session, action.kind, proposed.target, but=action.id)
        return tightened(action.verdict, judge(self.policy, action.envelope.proposal, context=facts, now=tx.now))

    def give_back(self, tx: Transaction, action: SealedAction, day: date) -> None:
        """Take an action out of the totals of the day on which it was admitted, since nothing happened."""
        proposed = action.envelope.proposal.action
        exposure.commit(tx, self._scopes(action.context, proposed), day, proposed.amount, sign=-1)

    def _committed(self, session: Session, context: Mapping[str, Any], action: Action) -> Mapping[str, Total]:
        currency = action.amount.currency if action.amount else COUNT_ONLY
        return exposure.totals(session, self._scopes(context, action), self.clock.now().date(), currency)

    def _scopes(self, context: Mapping[str, Any], action: Action) -> tuple[str, ...]:
        return scopes(str(context.get("worker", "")), action.kind, action.party)


def _without(total: Total, action: Action) -> Total:
    amount = total.amount - abs(action.amount.amount) if action.amount else total.amount
    return Total(amount=amount, count=total.count - 1)

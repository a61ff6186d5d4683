"""The gate: lanes together with the limits on what may be committed, as the workers and the executor see them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from ..core import actions, exposure, switches
from ..core.action import Action, Proposal
from ..core.actions import SealedAction
from ..core.clock import Clock
from ..core.exposure import Spent
from ..core.keys import Keyring
from ..core.store import Transaction
from ..core.verdict import Verdict
from .factsheet import RUNTIME
from .lanes import judge, tightened
from .limits import Gauge, scopes, spent_facts
from .payees import iban_valid
from .policy import Policy
from .standing import ERROR_BOUND, Standings

_NOBODY = Keyring()


class Guard:
    """Judges under one policy, counting what was committed lately."""

    def __init__(self, policy: Policy, clock: Clock, *, keyring: Keyring | None = _NOBODY) -> None:
        """`keyring` holds the keys whose certificates count: with None every certificate does, without it none."""
        self.policy = policy
        self.clock = clock
        self.standings = Standings(policy, keyring)

    def proven(self, session: Session, proposal: Proposal, context: Mapping[str, Any]) -> dict[str, Any]:
        """What certificates say of a proposal now, as facts; nothing for kinds of which the policy asks none."""
        return self.standings.facts(session, proposal, context, at=self.clock.now())

    def judge(
        self,
        session: Session,
        proposal: Proposal,
        context: Mapping[str, Any],
        *,
        heeding_stops: bool = True,
        proven: Mapping[str, Any] | None = None,
    ) -> Verdict:
        """The verdict on a proposal as if it were committed now, on top of what has been committed already.

        Without `heeding_stops` it is judged as if nothing were stopped: for what waits for a person in any case, and is then held.
        `proven` is what certificates say of it, where that was read in this very session already.
        """
        action, now = proposal.action, self.clock.now()
        spent = {
            scope: one.plus(action.kind, action.amount, now)
            for scope, one in exposure.totals(session, _scopes(context, action)).items()
        }
        facts = {**context, **self._counted(spent, action, now)}
        facts |= self.proven(session, proposal, context) if proven is None else proven
        facts["done_before"] = actions.done_before(session, action.kind, action.target)
        facts["stopped"] = heeding_stops and _stopped(session, context, action)
        return judge(self.policy, proposal, context=facts, now=now)

    def again(self, session: Session, action: SealedAction, *, counted: datetime | None) -> Verdict:
        """The verdict on a sealed action as if it were proposed now and nothing were stopped.

        `counted` is when the limits counted it, where they did.
        """
        proposed, now = action.envelope.proposal.action, self.clock.now()
        spent = exposure.totals(session, _scopes(action.context, proposed))
        if counted is not None:
            spent = {scope: one.minus(proposed.kind, proposed.amount, counted) for scope, one in spent.items()}
        spent = {scope: one.plus(proposed.kind, proposed.amount, now) for scope, one in spent.items()}
        facts = {**action.context, **self._counted(spent, proposed, now)}
        facts |= self.proven(session, action.envelope.proposal, action.context)
        facts["done_before"] = actions.done_before(session, action.kind, proposed.target, but=action.id)
        return judge(self.policy, action.envelope.proposal, context=facts, now=now)

    def by_itself(self, action: SealedAction, *, at: datetime | None = None) -> Verdict:
        """The verdict on a sealed action as if nothing else had ever been committed: as free as this policy could be; `at` or now."""
        proposed, now = action.envelope.proposal.action, at or self.clock.now()
        spent = {scope: Spent().plus(proposed.kind, proposed.amount, now) for scope in _scopes(action.context, proposed)}
        facts = {**action.context, **self._counted(spent, proposed, now), "done_before": 0}
        return judge(self.policy, action.envelope.proposal, context=facts, now=now)

    def admit(self, tx: Transaction, action: SealedAction, fresh: Mapping[str, Any]) -> Verdict:
        """Count `action` as committed and judge it again with the locked totals; never freer than it was judged before.

        `fresh` holds facts that were read again just now; they win over those it was judged with. What is stopped never comes here,
        since the executor reads the kill switches itself in the same transaction.
        """
        proposed = action.envelope.proposal.action
        spent = exposure.commit(tx, _scopes(action.context, proposed), proposed.kind, proposed.amount)
        told = {**action.context, **{name: value for name, value in fresh.items() if name not in RUNTIME}}
        facts = {**told, **self._counted(spent, proposed, tx.now)}
        # What was read again may put it into another slice.
        facts |= self.proven(tx.session, action.envelope.proposal, told)
        facts["done_before"] = actions.done_before(tx.session, action.kind, proposed.target, but=action.id)
        facts["stopped"] = False
        return tightened(action.verdict, judge(self.policy, action.envelope.proposal, context=facts, now=tx.now))

    def unproven(self, tx: Transaction, action: SealedAction) -> bool:
        """Whether an action that wants a certificate has none any more, whatever was read of it earlier in this transaction."""
        wanted = self.standings.wanted(action.kind)
        bound = self.proven(tx.session, action.envelope.proposal, action.context).get(ERROR_BOUND)
        return wanted is not None and (bound is None or bound > wanted)

    def count(self, tx: Transaction, action: SealedAction, at: datetime) -> None:
        """Count an action that turned out to have happened `at` that moment."""
        proposed = action.envelope.proposal.action
        exposure.commit(tx, _scopes(action.context, proposed), proposed.kind, proposed.amount, at=at)

    def give_back(self, tx: Transaction, action: SealedAction, at: datetime) -> None:
        """Take an action that was admitted `at` that moment out of the limits again, since nothing happened."""
        proposed = action.envelope.proposal.action
        exposure.give_back(tx, _scopes(action.context, proposed), proposed.kind, proposed.amount, at=at)

    def _counted(self, spent: Mapping[str, Spent], action: Action, now: datetime) -> dict[str, Any]:
        return counted_facts(self.policy.gauges, spent, action, now, self.policy.rates)


def counted_facts(
    gauges: Iterable[Gauge], spent: Mapping[str, Spent], action: Action, now: datetime, rates: Mapping[str, Decimal]
) -> dict[str, Any]:
    """What the gate itself knows of an action: what the limits count with it, and whether the account it pays can exist."""
    return {**spent_facts(gauges, spent, action, now, rates), "iban_valid": iban_valid(action)}


def _scopes(context: Mapping[str, Any], action: Action) -> tuple[str, ...]:
    return scopes(str(context.get("worker", "")), action)


def _stopped(session: Session, context: Mapping[str, Any], action: Action) -> bool:
    found = switches.scopes_of(worker=str(context.get("worker", "")), kind=action.kind, party=action.party)
    return switches.stopped(session, found) is not None

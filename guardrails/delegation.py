"""Delegation: lending one's role to another person for a time; it is signed, revocable, and cannot be passed on."""

from datetime import datetime, timedelta

from ..core import delegations
from ..core.clock import as_utc, new_id
from ..core.delegations import PURPOSE, Delegation
from ..core.errors import BadInput, Forbidden, NotFound
from ..core.roster import Roster, Signing, signature
from ..core.settings import Operator
from ..core.store import Ledger
from .duties import Duty, conflict
from .policy import Policy
from .requests import rank

LONGEST = timedelta(days=92)
"""The longest that a role may be lent at a time."""


def lend(
    ledger: Ledger,
    policy: Policy,
    *,
    giver: Operator,
    receiver: str,
    until: datetime,
    reason: str,
    signer: Signing | None,
    roster: Roster,
) -> Delegation:
    """Let `receiver` decide with the giver's own role until a moment.

    What was lent to the giver is not theirs to lend. Raises NotFound where nobody is called `receiver`, BadInput or Forbidden where it
    cannot be lent.
    """
    if receiver not in roster.operators:
        known = ", ".join(sorted(roster.operators))
        raise NotFound(f"{receiver!r} is not an operator of this workspace.", hint=f"Known: {known}.")
    if why_not := conflict(Duty.BORROW, receiver, taken={Duty.LEND: (giver.name,)}):
        raise BadInput(f"{giver.name!r} cannot lend to {receiver!r}: {why_not}.", hint="Name another operator.")
    if policy.role(giver.role) is None or roster.operators.get(giver.name) != giver.role:
        raise Forbidden(f"{giver.name!r} has no role of the policy to lend.", hint="Only one's own role can be lent.")
    if not reason.strip():
        raise BadInput("Lending one's authority needs a reason.", hint="Give --reason; it stays in the record.")
    until = as_utc(until)
    with ledger.transaction() as tx:
        if not tx.now < until <= tx.now + LONGEST:
            raise BadInput(
                f"A role is lent for at most {LONGEST.days} days from now.", hint="Give --until as 2026-12-01T18:00."
            )
        lent = Delegation(
            id=new_id("del"),
            giver=giver.name,
            receiver=receiver,
            role=giver.role,
            starts_at=tx.now,
            ends_at=until,
            reason=reason.strip(),
        )
        signed = lent.model_copy(update={"signature": signature(signer, giver.name, PURPOSE, lent.statement())})
        delegations.put(tx, signed)
        return signed


def take_back(ledger: Ledger, policy: Policy, delegation_id: str, *, operator: Operator) -> Delegation:
    """End a delegation now; giver and receiver may, and whoever has as much authority. What was decided with it before still counts.

    Raises NotFound, Conflict where it has ended, Forbidden.
    """
    with ledger.transaction() as tx:
        lent = delegations.get(tx.session, delegation_id)
        ranks = policy.role(operator.role) is not None and rank(policy, operator.role) >= rank(policy, lent.role)
        if operator.name not in (lent.giver, lent.receiver) and not ranks:
            raise Forbidden(
                f"{operator.name!r} may not end {delegation_id!r}.", hint=f"{lent.giver}, {lent.receiver} or a {lent.role} may."
            )
        delegations.revoke(tx, delegation_id, by=operator.name)
        return lent.model_copy(update={"revoked_at": tx.now})

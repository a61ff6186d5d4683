"""The kill switch: stopping takes one call and no reason, letting things run again takes a reason and a second person."""

from enum import StrEnum

from ..core import holding, switches
from ..core.errors import BadInput, Conflict, Forbidden
from ..core.noun import digest
from ..core.roster import Signing, signature
from ..core.settings import Operator
from ..core.store import Ledger, Transaction
from .duties import Duty, conflict
from .policy import Policy

PURPOSE = "switch"
"""What a signature on a wish to resume is made for."""

_KINDS = ("worker:", "action:", "party:")


class Resumed(StrEnum):
    """What a wish to resume led to."""

    ASKED = "asked"
    """It stays stopped until a second person agrees."""
    RUNS = "runs"


def stop(ledger: Ledger, scope: str, *, operator: Operator, reason: str = "") -> None:
    """Let no new effect start in `scope`, in any process, from this commit on.

    Raises BadInput where `scope` is none of `all`, `worker:NAME`, `action:KIND`, `party:ID`.
    """
    check_scope(scope)
    with ledger.transaction() as tx:
        switches.throw(tx, scope, stopped=True, by=operator.name, reason=reason.strip() or "no reason given")


def resume(
    ledger: Ledger, scope: str, *, operator: Operator, policy: Policy, signer: Signing | None, reason: str = ""
) -> Resumed:
    """Ask that effects may start again in `scope`, or agree to it as the second person; what rested is then taken up at once.

    Under `separation: one_person` one is enough, and that is recorded. Raises BadInput where nobody gave a reason yet, Conflict where
    it is not stopped, Forbidden where this person asked already or has no role of the policy.
    """
    check_scope(scope)
    if policy.role(operator.role) is None:
        raise Forbidden(
            f"The policy has no role {operator.role!r}, so {operator.name!r} may not resume.", hint="Ask an operator."
        )
    with ledger.transaction() as tx:
        switch = switches.locked(tx, scope)
        if switch is None:
            raise Conflict(f"{scope!r} is not stopped.", hint="`shiftlead doctor` lists what is.")
        if not reason.strip() and not switch.resume_by:
            raise BadInput("Resuming needs a reason.", hint="Say what was checked; the auditor reads it.")
        told = _signed(tx, switch, operator, policy, signer, reason.strip())
        if not switch.resume_by and policy.separation == "four_eyes":
            switches.ask_to_resume(tx, scope, by=operator.name, reason=reason.strip(), **told)
            return Resumed.ASKED
        taken = {Duty.ASK_TO_RESUME: (switch.resume_by,)}
        if why_not := conflict(Duty.RESUME, operator.name, taken=taken, separation=policy.separation):
            raise Forbidden(f"{operator.name!r} may not let {scope!r} run: {why_not}.", hint="Nothing was changed.")
        agreed = {"asked_by": switch.resume_by, "asked_because": switch.resume_reason}
        words = reason.strip() or switch.resume_reason
        switches.throw(tx, scope, stopped=False, by=operator.name, reason=words, **agreed, **told)
        holding.wake_stopped(tx)
        return Resumed.RUNS


def _signed(
    tx: Transaction, switch: switches.Switch, operator: Operator, policy: Policy, signer: Signing | None, reason: str
) -> dict[str, str]:
    said = {
        "scope": switch.scope,
        "stopped_at": switch.at,
        "operator": operator.name,
        "asked_by": switch.resume_by,
        "said": digest(reason),
        "mode": policy.separation,
        "at": tx.now,
    }
    return {"mode": policy.separation, "signature": signature(signer, operator.name, PURPOSE, said)}


def check_scope(scope: str) -> None:
    """Raise BadInput where `scope` is none of `all`, `worker:NAME`, `action:KIND`, `party:ID`."""
    if scope != switches.ALL and not any(scope.startswith(kind) and len(scope) > len(kind) for kind in _KINDS):
        raise BadInput(f"{scope!r} is no scope.", hint="Use all, worker:NAME, action:KIND or party:ID.")

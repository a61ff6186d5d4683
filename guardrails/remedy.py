"""Remedies: an action that makes up for another one, proposed by a person for many cases and approved in each by somebody else."""

from collections.abc import Mapping
from typing import Any

from ..core import actions, operations, outbox
from ..core.action import Action, Envelope, Proposal, Target
from ..core.actions import ActionState, SealedAction
from ..core.clock import new_id
from ..core.errors import BadInput, Forbidden
from ..core.noun import Noun
from ..core.store import Transaction
from ..core.verdict import Lane, RuleHit, strictest
from .editing import money_at_stake, validate
from .gate import Guard


class Remedy(Noun):
    """What is done about each affected record."""

    kind: str
    """The operation: `invoice.credit_memo`."""
    arguments: dict[str, Any] = {}
    """What it is called with; what is not named here and was named in the affected action is taken from there."""


def proposed(
    tx: Transaction, guard: Guard, wrong: SealedAction, remedy: Remedy, *, makers: tuple[str, ...], hit: RuleHit
) -> SealedAction:
    """The sealed remedy for an action that ran; a person who is none of `makers` has to approve it.

    Raises BadInput where the system has no such operation or its arguments do not fit, Forbidden where the policy prohibits it.
    """
    done = wrong.envelope.proposal.action
    spec = operations.get(tx.session, done.target.system, remedy.kind)
    if spec is None:
        raise BadInput(
            f"{done.target.system!r} has no effect {remedy.kind!r}.", hint="`shiftlead doctor --operations` lists them."
        )
    known: Mapping[str, Any] = spec.parameters.get("properties", {})
    kept = {name: value for name, value in done.arguments.items() if name in known}
    arguments = {**kept, **remedy.arguments}
    validate(spec, arguments)
    action = Action(
        kind=remedy.kind,
        target=_target(tx, wrong),
        party=done.party,
        arguments=arguments,
        amount=money_at_stake(spec, arguments) if spec.money else None,
        reversibility=spec.reversibility,
    )
    proposal = Proposal(action=action, rationale=hit.reason, labels=("remedy",))
    # An incident usually begins with a stop; what is proposed meanwhile waits for a person, and runs when things run again.
    verdict = guard.judge(tx.session, proposal, wrong.context, heeding_stops=False)
    if verdict.lane is Lane.PROHIBITED:
        told = f"The policy prohibits {remedy.kind} on {done.target}: {verdict.because().rstrip('.')}."
        raise Forbidden(told, hint="Nobody was asked.")
    lane = strictest((verdict.lane, Lane.REVIEWED))
    action_id = new_id("act")
    envelope = Envelope(**{**dict(wrong.envelope), "action_id": action_id, "brain": makers[0], "proposal": proposal})
    return SealedAction(
        id=action_id,
        case_id=wrong.case_id,
        seq=actions.next_seq(tx.session, wrong.case_id),
        state=ActionState.WAITING,
        envelope=envelope,
        digest=envelope.digest(),
        verdict=verdict.model_copy(update={"lane": lane, "hits": (hit, *verdict.hits), "four_eyes": True}),
        context=wrong.context,
        makers=makers,
    )


def _target(tx: Transaction, wrong: SealedAction) -> Target:
    """The record as the affected action left it."""
    effect = outbox.get(tx.session, wrong.effect_key)
    version = effect.receipt.version if effect and effect.receipt else None
    return wrong.envelope.proposal.action.target.model_copy(update={"version": version})

"""Judgements: what one decision says about the brain that proposed, and whether it is a fair sample of what would run alone."""

from datetime import datetime
from typing import Any

from ..core import outcomes
from ..core.actions import SealedAction
from ..core.approval import Decision, DecisionKind
from ..core.clock import SystemClock
from ..core.keys import LEDGER_KEY, Keyring
from ..core.outcomes import Judged
from ..core.verdict import Lane, Verdict
from .gate import Guard
from .policy import Policy
from .rules import BUILT_IN, KnownAction, built_in
from .standing import BRAIN, ERROR_BOUND, stand_of

_CERTIFICATE, _ = BUILT_IN


class Judgements:
    """Reads decisions under one policy."""

    def __init__(self, policy: Policy, keyring: Keyring | None) -> None:
        self._keyring = keyring
        self._guard = Guard(policy, SystemClock(), keyring=keyring)

    def judged(
        self, known: KnownAction, action: SealedAction, decision: Decision, *, right: bool, at: datetime
    ) -> Judged | None:
        """What a decision about an action says, at that moment; None where that is nothing about a brain.

        Only what a worker made and the ledger sealed is judged: an envelope that a person edited says nothing about the brain, and one
        that somebody rewrote in its row says nothing at all.
        """
        made = action.makers and all(maker.startswith("worker:") for maker in action.makers)
        stand = stand_of(known, action.envelope.proposal, told_by_runtime(action))
        if not made or stand is None or not self._as_sealed(action, decision):
            return None
        proposal = action.envelope.proposal
        label = next((one for one in proposal.labels[:1] if len(one) <= outcomes.LONGEST_LABEL), "")
        return Judged(
            digest=action.digest,
            case_id=action.case_id,
            action_id=action.id,
            stand=stand,
            confidence=proposal.confidence,
            said=proposal.said,
            right=right,
            counts=counts(action.verdict) and self._allowed_alone(action, at),
            probability=chance(known, action.verdict),
            decision=decision.kind,
            decided_by=decision.operator,
            label=label,
            truth=label if decision.kind is DecisionKind.APPROVE else "",
            at=decision.decided_at,
        )

    def _as_sealed(self, action: SealedAction, decision: Decision) -> bool:
        """Whether the row still holds what the ledger sealed and the person saw."""
        shown = action.envelope.digest() == action.digest == decision.digest
        return shown and action.sealed_by in ("", LEDGER_KEY) and action.genuine(self._keyring)

    def _allowed_alone(self, action: SealedAction, at: datetime) -> bool:
        """Whether, by what was sealed, nothing but a certificate and the draw stands in its way: the verdict in a row is not sealed."""
        hits = self._guard.by_itself(action, at=at).hits
        asking = [hit.rule for hit in hits if hit.lane is not Lane.ALLOWED]
        return any(hit.lane is Lane.ALLOWED for hit in hits) and all(built_in(one) for one in asking)


def told_by_runtime(action: SealedAction) -> dict[str, Any]:
    """What the runtime said of an action, with who proposed it."""
    return {"worker": action.envelope.worker, **action.context, BRAIN: action.envelope.brain}


def counts(verdict: Verdict) -> bool:
    """Whether nothing but the missing certificate, or the draw for quality control, sent an action to a person."""
    asking = [hit.rule for hit in verdict.hits if hit.lane is not Lane.ALLOWED]
    allowed = any(hit.lane is Lane.ALLOWED for hit in verdict.hits)
    return allowed and bool(asking) and all(built_in(one) for one in asking) and set(verdict.missing) <= {ERROR_BOUND}


def chance(known: KnownAction, verdict: Verdict) -> float:
    """How likely such an action was to be looked at: 1, or the share that is drawn where a certificate covers it."""
    asking = [hit.rule for hit in verdict.hits if hit.lane is not Lane.ALLOWED]
    only_drawn = counts(verdict) and not any(rule.startswith(_CERTIFICATE) for rule in asking)
    return known.quality_share if only_drawn and known.quality_share else 1.0

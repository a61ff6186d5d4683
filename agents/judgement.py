"""Judgements: what the audit chain keeps of one, when two proposals are the same deed, and the second look at a moved record."""

from typing import Any

from ..core.action import Proposal
from ..core.actions import SealedAction
from ..core.verdict import Lane, RuleHit, Verdict, strictest


def told(sealed: SealedAction) -> dict[str, Any]:
    """What the audit chain keeps of a judgement: references and digests, no text."""
    proposal, verdict = sealed.envelope.proposal, sealed.verdict
    return {
        "action": sealed.id,
        "kind": sealed.kind,
        "target": str(proposal.action.target),
        "version": proposal.action.target.version,
        "amount": str(proposal.action.amount) if proposal.action.amount else None,
        "lane": verdict.lane,
        "rules": [hit.rule for hit in verdict.hits],
        "missing": list(verdict.missing),
        "policy": verdict.policy,
        "policy_digest": verdict.policy_digest,
        "confidence": proposal.confidence,
        "digest": sealed.digest,
        "brain": sealed.envelope.brain,
        "playbook": sealed.envelope.playbook,
    }


def deed(proposal: Proposal) -> tuple[Any, ...]:
    """What makes two proposals of one case the same deed."""
    action = proposal.action
    return action.kind, action.target.system, action.target.kind, action.target.id, action.arguments


def looked_at_again(verdict: Verdict) -> Verdict:
    """The verdict on a proposal whose record moved: a person looks at it, whatever it was before."""
    hit = RuleHit(rule="record-moved", lane=Lane.REVIEWED, reason="the record changed after the action was proposed")
    lane = strictest((verdict.lane, Lane.REVIEWED))
    return verdict.model_copy(update={"lane": lane, "hits": (hit, *verdict.hits)})

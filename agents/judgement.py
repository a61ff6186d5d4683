"""Judgements: what the audit chain keeps of one, when two proposals are the same deed, and the second look at a moved record."""

from collections.abc import Iterable
from typing import Any

from ..core.action import Proposal
from ..core.actions import ActionState, SealedAction
from ..core.evidence import Evidence
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


def moved(known: Iterable[SealedAction], evidence: Iterable[Evidence]) -> str:
    """What is different from the evidence that was on screen when the actions of a case were proposed first."""
    old = [one for one in known if one.state is ActionState.SUPERSEDED]
    before = {one.name: one.value for action in old for one in action.envelope.evidence}
    now = {one.name: one.value for one in evidence}
    changed = [f"{name} {before[name]} -> {value}" for name, value in now.items() if before.get(name, value) != value]
    return "The record changed since it was proposed" + (f": {', '.join(changed[:4])}" if changed else "")

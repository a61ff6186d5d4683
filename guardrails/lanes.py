"""Lanes: the verdict on one proposal; every doubt ends in the stricter lane.

Strictest matched rule; unknown kind, a thrown kill switch or an error: prohibited; no allow rule, a missing fact or an amount
below zero: at least reviewed; a brain that is unsure: one lane up, or reviewed where the policy says so; one that cannot say how
sure it is: at least reviewed. Nothing here ever moves an action to a freer lane.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..core.action import Proposal
from ..core.errors import ShiftleadError
from ..core.verdict import Lane, RuleHit, Verdict, strictest
from .plans import Outcome, Plan
from .policy import Policy

_LANES = (Lane.ALLOWED, Lane.REVIEWED, Lane.PROHIBITED)
_new = tuple.__new__
_ORDER = {Lane.PROHIBITED: 0, Lane.REVIEWED: 1, Lane.ALLOWED: 2}

UNKNOWN_ACTION = "unknown-action"
NO_ALLOW_RULE = "no-allow-rule"
MISSING_FACT = "missing-fact"
LOW_CONFIDENCE = "low-confidence"
NEGATIVE_AMOUNT = "negative-amount"
EVALUATION_ERROR = "evaluation-error"
KILL_SWITCH = "kill-switch"
"""Ids of the structural rules, which hold in every policy."""


def judge(policy: Policy, proposal: Proposal, *, context: Mapping[str, Any], now: datetime) -> Verdict:
    """The lane of `proposal` and why; `context` holds the runtime's own facts. It never raises: an error prohibits."""
    try:
        return _judged(policy, proposal, context, now)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, the action must not run
        told = str(error) if isinstance(error, ShiftleadError) else f"{type(error).__name__}: {error}"
        return _structural(policy, now, EVALUATION_ERROR, f"The policy could not be evaluated, so nothing runs. {told}")


def _judged(policy: Policy, proposal: Proposal, context: Mapping[str, Any], now: datetime) -> Verdict:
    plan = policy.plans.get(proposal.action.kind)
    if plan is None:
        reason = f"The policy {policy.ref} does not know actions of the kind {proposal.action.kind!r}."
        return _structural(policy, now, UNKNOWN_ACTION, reason)
    hits: list[RuleHit] = []
    found = plan.outcome(proposal, context, hits)
    rank, missing = (found.rank, ()) if found.plain else _doubted(policy, plan, found, proposal, context, hits)
    return _new(
        Verdict,
        (
            _LANES[rank],
            policy.ref,
            policy.fingerprint,
            now,
            tuple(hits),
            found.passed,
            missing,
            found.approvals,
            found.four_eyes,
        ),
    )


def _doubted(
    policy: Policy, plan: Plan, found: Outcome, proposal: Proposal, context: Mapping[str, Any], hits: list[RuleHit]
) -> tuple[int, tuple[str, ...]]:
    """The rank and what is missing, where more than the policy's own rules hold; their hits are added in place."""
    rank, confidence, amount = found.rank, proposal.confidence, proposal.action.amount
    missing = _missing(found, plan.factsheet.only(found.looked_at, proposal, context)) if found.unknown else ()
    if missing:
        hits.append(_missing_hit(missing))
    if found.open:
        hits.append(_no_allow_hit(plan, plan.factsheet.only(plan.allowed_by, proposal, context)))
    if found.negative:
        rank = max(rank, 1)
        hits.append(_negative_hit(str(amount)))
    if found.unsure:
        # A brain that cannot say how sure it is has not said that it is unsure: a person decides, and may say yes.
        up = policy.unsure == "one_lane_up" and confidence is not None
        rank = min(rank + 1, 2) if up else max(rank, 1)
        hits.append(_unsure_hit(_LANES[rank], confidence, plan.floor))
    if found.stopped:
        rank = 2
        hits.insert(0, _STOPPED)
    hits.sort(key=_strictness)
    return rank, missing


def _missing(found: Outcome, facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for step in found.unknown for name in step.missing(facts)))


def _strictness(hit: RuleHit) -> int:
    return _ORDER[hit.lane]


def _structural(policy: Policy, now: datetime, rule: str, reason: str) -> Verdict:
    hit = RuleHit(rule=rule, lane=Lane.PROHIBITED, reason=reason, owner=policy.owner)
    return Verdict(lane=Lane.PROHIBITED, hits=(hit,), policy=policy.ref, policy_digest=policy.fingerprint, judged_at=now)


def _missing_hit(missing: tuple[str, ...]) -> RuleHit:
    reason = f"A rule needs what nobody supplied: {', '.join(missing)}."
    return RuleHit(rule=MISSING_FACT, lane=Lane.REVIEWED, reason=reason, field=missing[0], actual="missing")


def _no_allow_hit(plan: Plan, facts: Mapping[str, Any]) -> RuleHit:
    near = [f"{step.id} would allow it, but {' and '.join(step.shortfalls(facts, 3))}" for step in plan.allowing[:2]]
    reason = "; ".join(near) if near else f"No rule lets {plan.action.kind} run without a person"
    return RuleHit(NO_ALLOW_RULE, Lane.REVIEWED, f"{reason}.")


def _negative_hit(amount: str) -> RuleHit:
    reason = "The amount is below zero, which is under every limit, so a person looks at it."
    return RuleHit(rule=NEGATIVE_AMOUNT, lane=Lane.REVIEWED, reason=reason, field="amount", actual=amount)


_STOPPED = RuleHit(
    rule=KILL_SWITCH,
    lane=Lane.PROHIBITED,
    reason="A kill switch is thrown over this action, so nothing runs.",
    field="stopped",
    actual="yes",
)


def _unsure_hit(lane: Lane, confidence: float | None, floor: float) -> RuleHit:
    actual = "" if confidence is None else f"{confidence:.2f}"
    reason = (
        "The brain cannot say how sure it is" if confidence is None else f"The brain is less sure than the floor of {floor:.2f}"
    )
    gap = "" if confidence is None else f"{floor - confidence:.2f} under"
    reason = f"{reason}, so {'it does not run' if lane is Lane.PROHIBITED else 'a person decides'}."
    return RuleHit(
        rule=LOW_CONFIDENCE, lane=lane, reason=reason, field="confidence", actual=actual, limit=f"{floor:.2f}", distance=gap
    )


def tightened(old: Verdict, new: Verdict) -> Verdict:
    """`new`, but never freer than `old`: at execution the lane, the approvals and four eyes may only tighten."""
    lane = strictest((old.lane, new.lane))
    kept = tuple(hit for hit in old.hits if hit.lane is lane) if lane is not new.lane else ()
    return new.model_copy(
        update={
            "lane": lane,
            "hits": (*kept, *new.hits),
            "approvals": max(old.approvals, new.approvals),
            "four_eyes": old.four_eyes or new.four_eyes,
        }
    )

"""Requests that replace another: after an edit, and when its time has run out."""

from datetime import datetime, timedelta

from ..core.actions import SealedAction
from ..core.approval import Request
from ..core.clock import new_id
from .policy import Policy


def rank(policy: Policy, role: str) -> int:
    """The place of a role among those of the policy, least authority first."""
    names = [one.name for one in policy.roles]
    return names.index(role) if role in names else 0


def after_edit(policy: Policy, request: Request, sealed: SealedAction, now: datetime) -> Request:
    """The request about the edited action; it asks at least the role that was asked before."""
    money = sealed.envelope.proposal.action.amount
    asked = policy.role_for(sealed.kind, money)
    return request.model_copy(
        update={
            **_anew(policy, now),
            "digest": sealed.digest,
            "summary": sealed.summary(),
            "reason": sealed.verdict.because(),
            "amount": format(money.amount, "f") if money else None,
            "currency": money.currency if money else None,
            "approvals_needed": sealed.verdict.approvals,
            "four_eyes": sealed.verdict.four_eyes,
            "makers": sealed.makers,
            "role": max((request.role, asked), key=lambda role: rank(policy, role)),
            "round": sealed.round,
        }
    )


def escalated(policy: Policy, request: Request, now: datetime) -> Request:
    """The same question to the escalation role, with a new time."""
    role = max((request.role, policy.escalate_to), key=lambda role: rank(policy, role))
    return request.model_copy(update={**_anew(policy, now), "role": role})


def _anew(policy: Policy, now: datetime) -> dict[str, object]:
    expires_at = now + timedelta(hours=policy.expire_after_hours)
    return {"id": new_id("req"), "created_at": now, "expires_at": expires_at, "snoozed_until": None}

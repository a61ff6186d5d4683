"""Requests that replace another: after an edit, and when its time has run out."""

from datetime import datetime, timedelta

from ..core.actions import SealedAction
from ..core.approval import Question, Request, RequestState
from ..core.clock import new_id
from ..core.noun import digest
from .policy import Policy


def rank(policy: Policy, role: str) -> int:
    """The place of a role among those of the policy, least authority first; one that it does not know is as high as its highest."""
    names = [one.name for one in policy.roles]
    return names.index(role) if role in names else len(names) - 1


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


def parked(policy: Policy, request: Request, now: datetime) -> Request:
    """The question to the escalation role to take a case, since nobody decided on what its worker proposed."""
    why = f"Nobody decided in time on: {request.summary}"
    return escalated(policy, request, now).model_copy(
        update={
            "question": Question.HANDLE,
            "action_id": None,
            "state": RequestState.PENDING,
            "digest": digest([request.case_id, why]),
            "action_kind": "",
            "reason": why,
            "approvals_needed": 1,
            "four_eyes": False,
            "makers": (),
        }
    )


def _anew(policy: Policy, now: datetime) -> dict[str, object]:
    expires_at = now + timedelta(hours=policy.expire_after_hours)
    fresh = {"snoozed_until": None, "assigned_to": "", "ladder": 0}
    return {"id": new_id("req"), "created_at": now, "expires_at": expires_at, **fresh}

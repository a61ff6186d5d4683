"""The shared nouns and the one record; imports no other room and no framework."""

from typing import TYPE_CHECKING

from .doors import door

if TYPE_CHECKING:
    from .action import Action, Change, Envelope, Proposal, Reversibility, Target
    from .actions import ActionState, SealedAction
    from .approval import Decision, DecisionKind, Question, Request, RequestState
    from .audit import AuditEvent
    from .case import Case, CaseState, TicketItem
    from .clock import Clock, FrozenClock, SystemClock
    from .errors import ShiftleadError
    from .evidence import Evidence, Trust
    from .kpis import Kpi
    from .money import Money
    from .noun import Noun
    from .receipt import Effect, EffectState, Outcome, Receipt
    from .settings import Operator, Place, Workspace
    from .store import Ledger, Transaction
    from .verdict import Lane, RuleHit, Verdict

__all__ = [
    "Action",
    "ActionState",
    "AuditEvent",
    "Case",
    "CaseState",
    "Change",
    "Clock",
    "Decision",
    "DecisionKind",
    "Effect",
    "EffectState",
    "Envelope",
    "Evidence",
    "FrozenClock",
    "Kpi",
    "Lane",
    "Ledger",
    "Money",
    "Noun",
    "Operator",
    "Outcome",
    "Place",
    "Proposal",
    "Question",
    "Receipt",
    "Request",
    "RequestState",
    "Reversibility",
    "RuleHit",
    "SealedAction",
    "ShiftleadError",
    "SystemClock",
    "Target",
    "TicketItem",
    "Transaction",
    "Trust",
    "Verdict",
    "Workspace",
]

__getattr__ = door(
    __name__,
    {
        "Action": "action",
        "ActionState": "actions",
        "AuditEvent": "audit",
        "Case": "case",
        "CaseState": "case",
        "Change": "action",
        "Clock": "clock",
        "Decision": "approval",
        "DecisionKind": "approval",
        "Effect": "receipt",
        "EffectState": "receipt",
        "Envelope": "action",
        "Evidence": "evidence",
        "FrozenClock": "clock",
        "Kpi": "kpis",
        "Lane": "verdict",
        "Ledger": "store",
        "Money": "money",
        "Noun": "noun",
        "Operator": "settings",
        "Outcome": "receipt",
        "Place": "settings",
        "Proposal": "action",
        "Question": "approval",
        "Receipt": "receipt",
        "Request": "approval",
        "RequestState": "approval",
        "Reversibility": "action",
        "RuleHit": "verdict",
        "SealedAction": "actions",
        "ShiftleadError": "errors",
        "SystemClock": "clock",
        "Target": "action",
        "TicketItem": "case",
        "Transaction": "store",
        "Trust": "evidence",
        "Verdict": "verdict",
        "Workspace": "settings",
    },
)

"""The history of a case on the decision pane: what came in, was asked, answered and done, in order."""

from collections.abc import Mapping
from datetime import datetime

from ..core.approval import Decision
from ..core.audit import AuditEvent
from ..core.receipt import Effect
from ..core.words import with_words
from .feed import Story
from .findings import said
from .page import Page, Piece
from .palette import BAD, DIM, GOOD, TEXT, WARN

SHOWN = 40
"""How many lines the pane holds; the oldest are left to `shiftlead case explain`."""

_TOLD_BETTER = ("decision.", "effect.")
"""Audit events that a decision or an effect itself tells with more detail."""
_VERBS = {
    "approve": "approved",
    "edit": "edited",
    "reject": "rejected",
    "respond": "answered",
    "escalate": "escalated",
    "snooze": "put it off",
}
_LOOKS = {"done": GOOD, "refused": BAD, "unknown": WARN}


def write_history(page: Page, story: Story) -> None:
    """Requests, decisions, effects and the audit trail, oldest first."""
    told = sorted(_told(story), key=lambda one: one[0])
    left_out = max(0, len(told) - SHOWN)
    page.head("HISTORY", f"{left_out} earlier in `shiftlead case explain`" if left_out else f"case {story.case.id}")
    day = ""
    for at, pieces in told[left_out:]:
        local = at.astimezone()
        if day != f"{local:%d %b}":
            day = f"{local:%d %b}"
            page.put((f" {day}", DIM))
        lead: list[Piece] = [(f" {local:%H:%M} ", DIM), *pieces[:-1]]
        words, look = pieces[-1]
        page.text(words, look, indent=sum(len(text) for text, _ in lead), first=lead)


def _told(story: Story) -> list[tuple[datetime, list[Piece]]]:
    lines = [(story.case.received_at, [("received from ", DIM), (f"{story.case.source} {story.case.external_id}", TEXT)])]
    lines += [(one.decided_at, _decision(one)) for one in story.decisions]
    lines += [(one.settled_at or one.sent_at or one.planned_at, _effect(one)) for one in story.effects]
    lines += [(one.at, _event(one, story.words)) for one in story.events if not one.kind.startswith(_TOLD_BETTER)]
    return lines


def _decision(decision: Decision) -> list[Piece]:
    verb = _VERBS.get(decision.kind.value, decision.kind.value)
    changed = ", ".join(f"{name} = {value}" for name, value in decision.changes.items())
    why = " · ".join(part for part in (decision.reason, decision.text, changed) if part)
    who = f"{decision.operator} for {decision.acting_for}" if decision.acting_for else decision.operator
    return [(f"{who} ", TEXT), (f"{verb}{': ' + why if why else ''}", TEXT)]


def _effect(effect: Effect) -> list[Piece]:
    state = effect.state.value
    receipt = effect.receipt
    detail = " · ".join(part for part in (receipt.external_id, receipt.detail) if part) if receipt else ""
    return [(f"{effect.operation} ", TEXT), (f"{state}{': ' + detail if detail else ''}", _LOOKS.get(state, DIM))]


def _event(event: AuditEvent, words: Mapping[str, str]) -> list[Piece]:
    data = with_words(event.data, words)
    facts = ", ".join(f"{name} {said(value)}" for name, value in data.items() if name in _WORTH_SAYING and value)
    return [
        (f"{event.kind.replace('.', ' ').replace('_', ' ')} ", TEXT),
        (f"{event.actor}{' · ' + facts if facts else ''}", DIM),
    ]


_WORTH_SAYING = (
    "lane",
    "rules",
    "outcome",
    "reason",
    "why",
    "detail",
    "note",
    "error",
    "question",
    "worker",
    "scope",
    "role",
    "policy",
)

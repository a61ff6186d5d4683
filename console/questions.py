"""What is asked on the way to a decision: the box for each kind, and what its answer says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core.approval import Question
from .desk import Desk
from .dialogs import Choice, Dialog, Words, snooze_times
from .edit_form import EditForm
from .feed import Story
from .fields import editable

HAPPENED = ("It happened", "It did not happen")
"""What can be said of an effect whose answer was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A box, and what its result adds to the decision."""

    box: Dialog[Any]
    said: Callable[[Any], dict[str, Any]]


def offered(question: Question, *, may_approve: bool) -> list[tuple[str, str]]:
    """The keys that decide such a request, the most used first."""
    words = {Question.HANDLE: "handled, in words", Question.RECONCILE: "what happened"}
    keys = [("c", words.get(question, "answer")), ("!", "escalate"), ("h", "snooze")]
    if question is Question.APPROVE:
        keys = [*([("a", "approve")] if may_approve else []), ("e", "edit"), ("r", "reject"), *keys]
    return keys


def reject(desk: Desk, story: Story) -> Asked:
    """A reason from the playbook's list, or in words."""
    lead = f"{story.request.summary}\nWhy not? The reason stays with the decision."
    box = Choice(desk, "Reject", desk.guide(story.case.worker).reasons, lead=lead, free="in your own words")
    return Asked(box=box, said=lambda reason: {"reason": reason})


def edit(desk: Desk, story: Story) -> Asked | None:
    """New values for what may be edited; None where nothing may."""
    if story.envelope is None:
        return None
    action = story.envelope.proposal.action
    spec = desk.feed.operation(action.target.system, action.kind)
    fields = editable(spec, action.arguments) if spec else []
    if not fields:
        return None
    return Asked(box=EditForm(desk, story.request.summary, fields), said=lambda changes: {"changes": changes})


def respond(desk: Desk, story: Story) -> Asked:
    """Words; of a lost effect, whether it happened."""
    request = story.request
    if request.question is Question.RECONCILE:
        lead = f"{request.summary}\nLook in the system first."
        box = Choice(desk, "What happened?", HAPPENED, lead=lead)
        return Asked(box=box, said=lambda said: {"happened": said == HAPPENED[0], "text": said.lower()})
    handled = request.question is Question.HANDLE
    lead = "What did you do?" if handled else "Your answer. The action does not run; the case is yours."
    return Asked(box=Words(desk, "Answer", f"{request.summary}\n{lead}"), said=lambda words: {"text": words})


def escalate(desk: Desk, story: Story) -> Asked:
    """Another role."""
    lead = f"{story.request.summary}\nIt is asked of {story.request.role!r} now. Whom to ask?"
    box = Choice(desk, "Escalate", [role.name for role in desk.policy.roles], lead=lead)
    return Asked(box=box, said=lambda role: {"role": role})


def snooze(desk: Desk, story: Story) -> Asked:
    """A later time."""
    times = snooze_times(desk.now)
    box = Choice(desk, "Put off", list(times), lead=story.request.summary)
    return Asked(box=box, said=lambda pick: {"until": times[pick]})

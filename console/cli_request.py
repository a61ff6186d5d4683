"""One request for a person at the command line: what is asked and why, what was done already, and what each answer will do."""

from collections.abc import Iterator, Mapping

from ..core.actions import OPEN_STATES, SealedAction
from ..core.approval import Question, Request, RequestState
from ..core.case import CaseState
from .cli_output import pairs
from .cli_story import CaseStory, action_told, actions_told, decided, headline, indented, related, short

_LONG = 2000
"""How much of one field of a ticket is shown; a person who takes the case should not have to look elsewhere."""


def request_told(asked: Request, story: CaseStory) -> Iterator[str]:
    """A request in lines: to approve, the action it is about; else the ticket and all that was done in the case."""
    yield f"{asked.question.value.upper()}?  {asked.summary}"
    yield f"  because {asked.reason}"
    yield f"  {asked.id}, {asked.state.value}, asked of {asked.role}, digest {asked.digest}"
    yield ""
    yield from headline(story.case)
    yield from related(story)
    if asked.question is Question.APPROVE:
        yield from _asked_about(asked, story)
    else:
        yield from _ticket(story)
        yield from actions_told(story)
        if not story.actions:
            yield from ("", "  The worker proposed nothing in this case.")
    yield from _answers(asked, story)


def _asked_about(asked: Request, story: CaseStory) -> Iterator[str]:
    for sealed in story.actions:
        if sealed.id == asked.action_id:
            yield from action_told(sealed, story.steps, grounds=story.grounds.get(sealed.id))


def _ticket(story: CaseStory) -> Iterator[str]:
    yield from ("", "TICKET  from outside, not a record")
    texts = {"subject": story.ticket.subject, **story.ticket.payload}
    yield from indented(pairs({name: _quoted(value) for name, value in texts.items()}))


def _quoted(value: object) -> str:
    text = short(value, _LONG)
    return f'"{text}"' if text and isinstance(value, str) else text


def _answers(asked: Request, story: CaseStory) -> Iterator[str]:
    if asked.state is not RequestState.PENDING:
        yield from ("", "DECIDED")
        yield from indented(decided(one, story) for one in story.decisions if one.request_id == asked.id)
        return
    yield from ("", "ANSWERS")
    own = {Question.APPROVE: _to_approve, Question.HANDLE: _to_handle, Question.RECONCILE: _to_reconcile}[asked.question]
    yield from indented(pairs({**own(asked, story), "escalate": "a higher role is asked", "snooze": "it is asked again later"}))


def _to_approve(asked: Request, story: CaseStory) -> Mapping[str, str]:
    given = sum(one.kind.value == "approve" for one in story.decisions if one.request_id == asked.id)
    left = asked.approvals_needed - given
    return {
        "approve": "it runs when its worker takes the case up" if left < 2 else f"one of {left} approvals that it still needs",
        "edit": "it is judged anew and asked about again",
        "reject": "it never runs; with a code as the reason alone, the case comes back for a person to take",
        "respond": "it never runs; the case is yours",
    }


def _to_handle(asked: Request, story: CaseStory) -> Mapping[str, str]:
    open_ = [one for one in story.actions if one.state in OPEN_STATES and one.id != asked.action_id]
    if not open_:
        after = "the case is yours and closes"
    elif story.case.state is CaseState.PARKED or asked.action_id:
        after = f"the case is yours; {_named(open_)} will not be sent"
    else:
        after = f"it is kept; the case stays open for {_named(open_)}"
    return {"respond --text": f"say what you did: {after}"}


def _to_reconcile(asked: Request, story: CaseStory) -> Mapping[str, str]:
    del asked, story
    return {
        "respond --happened": "it counts as done, and the case goes on",
        "respond --did-not-happen": "it counts as refused and is not sent again; a person is asked to take the case",
    }


def _named(actions: list[SealedAction]) -> str:
    return ", ".join(one.summary() for one in actions)

"""Turns: for every state the ledger can be in, what the case needs next."""

from datetime import timedelta

import pytest
from stage import AT, Stage

from shiftlead.agents.turns import Ask, Known, Step, advance, hand_over, outcome
from shiftlead.core import actions, inbox
from shiftlead.core.actions import ActionState
from shiftlead.core.approval import Question, Request, RequestState
from shiftlead.core.clock import new_id

S, Q, R = ActionState, Question, RequestState


@pytest.fixture
def stage(tmp_path, clock):
    opened = Stage.create(tmp_path, clock=clock)
    opened.open(amount="9000.00")
    opened.work()
    yield opened
    opened.close()


def terms(_):
    return Ask(role="lead", expires_at=AT + timedelta(hours=5))


def arranged(stage, *states, asked=()):
    """The case with actions in `states`, and with requests as (place of the action, question, state)."""
    (pattern,) = stage.actions()
    stage.sql("delete from action")
    stage.sql("delete from request")
    made = []
    with stage.ledger.transaction() as tx:
        for number, state in enumerate(states, start=1):
            envelope = pattern.envelope.model_copy(update={"action_id": f"act_{number}"})
            one = pattern.model_copy(
                update={"id": f"act_{number}", "seq": number, "state": state, "envelope": envelope, "digest": envelope.digest()}
            )
            actions.add(tx, one)
            made.append(one)
        for place, question, state in asked:
            about = made[place - 1] if place else None
            inbox.put(
                tx,
                Request(
                    id=new_id("req"),
                    case_id=pattern.case_id,
                    action_id=about.id if about else None,
                    question=question,
                    state=state,
                    digest=about.digest if about else "d",
                    created_at=AT,
                ),
            )
    return stage.case()


def turn(stage, *states, asked=()):
    case = arranged(stage, *states, asked=asked)
    with stage.ledger.transaction() as tx:
        return advance(tx, case, terms)


@pytest.mark.parametrize(
    ("states", "step", "place"),
    [
        # nothing was proposed yet
        ((), Step.SCREEN, None),
        ((S.PROPOSED,), Step.EXECUTE, 1),
        ((S.APPROVED,), Step.EXECUTE, 1),
        ((S.WAITING,), Step.AWAIT, 1),
        ((S.UNKNOWN,), Step.AWAIT, 1),
        ((S.DONE,), Step.CLOSE, None),
        ((S.REJECTED,), Step.CLOSE, None),
        ((S.CANCELLED,), Step.CLOSE, None),
        # a person gets what was blocked or refused
        ((S.BLOCKED,), Step.AWAIT, None),
        ((S.REFUSED,), Step.AWAIT, None),
        # actions run in their order, one after the other
        ((S.PROPOSED, S.PROPOSED), Step.EXECUTE, 1),
        ((S.DONE, S.PROPOSED), Step.EXECUTE, 2),
        ((S.WAITING, S.PROPOSED), Step.AWAIT, 1),
        ((S.UNKNOWN, S.APPROVED), Step.AWAIT, 1),
        ((S.DONE, S.WAITING), Step.AWAIT, 2),
        # what comes after a no does not run
        ((S.REJECTED, S.PROPOSED), Step.CLOSE, None),
        ((S.BLOCKED, S.APPROVED), Step.AWAIT, None),
        # the record moved: propose anew, also after what was done before
        ((S.SUPERSEDED,), Step.SCREEN, None),
        ((S.DONE, S.SUPERSEDED), Step.SCREEN, None),
        ((S.SUPERSEDED, S.WAITING), Step.AWAIT, 2),
        ((S.SUPERSEDED, S.DONE), Step.CLOSE, None),
    ],
)
def test_the_next_step_of_every_state(stage, states, step, place):
    found = turn(stage, *states)
    assert found.step is step
    assert (found.action.seq if found.action else None) == place


@pytest.mark.parametrize(
    ("state", "question"), [(S.WAITING, Q.APPROVE), (S.UNKNOWN, Q.RECONCILE), (S.BLOCKED, Q.HANDLE), (S.REFUSED, Q.HANDLE)]
)
def test_the_question_that_belongs_to_a_state_is_asked_once(stage, state, question):
    case = arranged(stage, state)
    for _ in range(3):
        with stage.ledger.transaction() as tx:
            found = advance(tx, case, terms, note="the record changed")
    (request,) = stage.requests()
    assert (request.question, request.role, request.expires_at) == (question, "lead", AT + timedelta(hours=5))
    assert request.reason.startswith("the record changed; ")
    assert found.step is Step.AWAIT


@pytest.mark.parametrize("state", [S.BLOCKED, S.REFUSED])
def test_once_a_person_has_handled_it_the_case_closes(stage, state):
    assert turn(stage, state, asked=[(1, Q.HANDLE, R.ANSWERED)]).step is Step.CLOSE
    assert len(stage.requests()) == 1


@pytest.mark.parametrize("settled", [R.EXPIRED, R.SUPERSEDED, R.APPROVED, R.REJECTED])
def test_an_action_that_still_waits_is_asked_about_anew(stage, settled):
    assert turn(stage, S.WAITING, asked=[(1, Q.APPROVE, settled)]).step is Step.AWAIT
    assert [one.state for one in stage.requests()].count(R.PENDING) == 1


def test_a_question_about_the_case_waits_until_the_actions_are_done(stage):
    assert turn(stage, S.PROPOSED, asked=[(0, Q.HANDLE, R.PENDING)]).step is Step.EXECUTE
    found = turn(stage, S.DONE, asked=[(0, Q.HANDLE, R.PENDING)])
    assert (found.step, found.request.question) == (Step.AWAIT, Q.HANDLE)
    assert turn(stage, S.DONE, asked=[(0, Q.HANDLE, R.ANSWERED)]).step is Step.CLOSE


@pytest.mark.parametrize(("state", "step"), [(R.PENDING, Step.AWAIT), (R.ANSWERED, Step.CLOSE), (R.SUPERSEDED, Step.SCREEN)])
def test_a_moved_case_that_a_person_was_given_is_not_proposed_anew(stage, state, step):
    assert turn(stage, S.SUPERSEDED, asked=[(0, Q.HANDLE, state)]).step is step


def test_what_will_not_run_is_cancelled(stage):
    turn(stage, S.REJECTED, S.PROPOSED, S.WAITING, S.DONE)
    assert [one.state for one in stage.actions()] == [S.REJECTED, S.CANCELLED, S.CANCELLED, S.DONE]


def test_handing_over_asks_a_person_with_the_reason(stage):
    case = arranged(stage)
    with stage.ledger.transaction() as tx:
        request = hand_over(tx, case, "It failed 5 times.", ask=Ask(role="lead"))
    assert stage.requests() == [request]
    assert (request.question, request.reason, request.role, request.action_id) == (Q.HANDLE, "It failed 5 times.", "lead", None)


@pytest.mark.parametrize(
    ("states", "asked", "word"),
    [
        ((S.DONE,), [], "done"),
        ((S.DONE, S.REJECTED), [], "rejected"),
        ((S.REFUSED, S.REJECTED), [], "refused"),
        ((S.BLOCKED, S.REFUSED), [], "blocked"),
        ((S.DONE,), [(0, Q.HANDLE, R.ANSWERED)], "handed_over"),
        ((), [(0, Q.HANDLE, R.ANSWERED)], "handed_over"),
        ((S.UNKNOWN, S.DONE), [(1, Q.RECONCILE, R.ANSWERED)], "done"),
        ((), [], "no_action"),
        ((S.CANCELLED,), [], "no_action"),
    ],
)
def test_the_word_that_says_how_it_ended(stage, states, asked, word):
    case = arranged(stage, *states, asked=asked)
    with stage.ledger.transaction() as tx:
        known = Known.read(tx, case)
    assert outcome(known.sealed, known.asked, otherwise="no_action") == word

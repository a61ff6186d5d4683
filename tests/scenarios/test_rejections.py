"""A rejection never leaves a case with nobody: in words it closes, with a code alone a person gets the case."""

import pytest

from shiftlead.core.approval import DecisionKind, Question
from shiftlead.core.case import CaseState


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        # a code says why, but not what becomes of the invoice
        ({"reason": "not_now"}, CaseState.WAITING),
        ({"reason": "wrong_action", "text": "I sent it back to the supplier."}, CaseState.CLOSED),
        ({"reason": "paid by hand this morning"}, CaseState.CLOSED),
    ],
)
def test_what_becomes_of_a_rejected_case(stage, answer, state):
    stage.open(amount="9000.00")
    stage.work()
    stage.decide(DecisionKind.REJECT, **answer)
    stage.work()
    assert stage.journal() == []
    assert stage.case().state is state


def test_whoever_takes_a_rejected_case_closes_it_as_rejected(stage):
    stage.open(amount="9000.00")
    stage.work()
    stage.decide(DecisionKind.REJECT, reason="wrong_action")
    stage.work()
    request = stage.pending()
    assert (request.question, request.reason) == (Question.HANDLE, "The worker's proposal was rejected; please take the case.")
    stage.decide(DecisionKind.RESPOND, text="Booked it on another account.")
    stage.work()
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "rejected")


def test_a_person_is_asked_once(stage):
    stage.open(amount="9000.00")
    stage.work()
    stage.decide(DecisionKind.REJECT, reason="wrong_action")
    stage.work()
    stage.sql("update case_ set state = 'ready'")
    stage.work()
    assert stage.pending().question is Question.HANDLE

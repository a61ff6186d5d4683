"""A worker that can only ask still hands over what it found."""

from shiftlead.core import queue
from shiftlead.core.approval import Question


def test_whoever_gets_a_case_without_a_proposal_sees_what_the_worker_found(stage):
    stage.open(plan="", question="Is this ours to pay?")
    stage.work()
    assert (stage.pending().question, stage.pending().reason) == (Question.HANDLE, "Is this ours to pay?")
    with stage.ledger.reading() as session:
        found = {one.name: one.value for one in queue.findings(session, stage.case().id)}
    assert found == {"amount": "120.00", "iban": "DE02120300000000202051", "number": "R-I-1"}


def test_findings_that_an_action_carries_are_not_kept_twice(stage):
    stage.open(amount="9000.00", question="Is this ours to pay?")
    stage.work()
    with stage.ledger.reading() as session:
        assert queue.findings(session, stage.case().id) == ()

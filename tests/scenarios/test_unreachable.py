"""A system that is not reached: tried later under the same key, handed to a person in the end, never lost."""

from decimal import Decimal

import pytest

from shiftlead.agents.runner import MAX_ATTEMPTS
from shiftlead.connectors.faults import Fault, FaultKind
from shiftlead.core.approval import DecisionKind, Question
from shiftlead.core.case import CaseState

POST = "invoice.post"


def down(times, operation=POST):
    return Fault(kind=FaultKind.UNREACHABLE, operation=operation, times=times)


def later(stage, rounds=1):
    for _ in range(rounds):
        stage.clock.advance(stage.lease * 20)
        stage.work()


def test_it_rests_and_is_sent_later_under_the_same_key(make_stage):
    stage = make_stage(faults=[down(2)])
    stage.open()
    stage.work()
    assert stage.case().state is CaseState.READY
    assert "was not reached" in stage.case().error
    stage.work()
    assert len(stage.events("effect.sending")) == 1, "not before its rest is over"
    later(stage, 2)
    assert stage.journal() == [POST]
    (effect,) = stage.effects()
    assert (effect.attempts, stage.connector.journal[0].key) == (3, effect.key)
    assert {event.data["key"] for event in stage.events("effect.sending")} == {effect.key}
    assert stage.committed()[1] == 1


@pytest.mark.parametrize("operation", [POST, "invoice.get"])
def test_in_the_end_a_person_gets_it(make_stage, operation):
    stage = make_stage(faults=[down(99, operation)])
    stage.open()
    stage.work()
    later(stage, MAX_ATTEMPTS + 3)
    assert stage.case().state is CaseState.PARKED
    (request,) = stage.waiting()
    assert request.question is Question.HANDLE
    assert "failed 5 times" in request.reason
    assert "was not reached" in request.reason
    assert stage.journal() == []


@pytest.mark.parametrize("operation", [POST, "invoice.get"])
def test_what_a_person_has_taken_is_not_done_again_once_the_system_is_back(make_stage, operation):
    stage = make_stage(faults=[down(99, operation)])
    stage.open()
    stage.work()
    later(stage, MAX_ATTEMPTS)
    stage.decide(DecisionKind.RESPOND, text="I posted it by hand.")
    stage.connector.faults.clear()
    stage.work()
    later(stage, 2)
    assert stage.journal() == []
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "handed_over")
    assert stage.ledger.verify() == []


def test_a_read_that_fails_is_tried_again_from_the_start(make_stage):
    stage = make_stage(faults=[down(1, "invoice.get")])
    stage.open()
    stage.work()
    assert stage.case().state is CaseState.READY
    later(stage)
    assert stage.case().outcome == "done"


def test_a_system_that_refuses_hands_the_case_to_a_person_with_the_reason(make_stage):
    stage = make_stage(faults=[Fault(kind=FaultKind.REFUSE, operation=POST)])
    stage.open(plan="invoice.post invoice.hold")
    stage.work()
    assert [one.state.value for one in stage.actions()] == ["refused", "cancelled"]
    assert stage.pending().question is Question.HANDLE
    assert stage.committed() == (0, 0)
    stage.decide(DecisionKind.RESPOND, text="done by hand")
    stage.work()
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "refused")


def test_one_case_that_fails_does_not_stop_the_others(make_stage):
    stage = make_stage(faults=[down(1)])
    for number in range(3):
        stage.open(f"I-{number}")
    stage.work()
    assert len(stage.journal()) == 2


def test_what_did_not_happen_is_taken_out_of_the_hour_in_which_it_was_counted(make_stage):
    """Counted at five to midnight, not sent; given back after midnight: what was counted since must stay."""
    from datetime import timedelta

    stage = make_stage(faults=[Fault(kind=FaultKind.LOST_REQUEST, operation=POST), down(1, "lookup")])
    stage.clock.advance(timedelta(hours=14, minutes=55))
    stage.open("I-0", "4000.00", party="S-1")
    stage.work()
    assert stage.journal() == []
    stage.clock.advance(timedelta(minutes=10))
    stage.connector.faults.add(down(1))
    stage.work()
    for _ in range(3):
        later(stage)
    stage.open("I-1", "4000.00", party="S-1")
    stage.work()
    assert len(stage.journal()) == 1, "8,000.00 within a day would be more than 5,000.00"
    assert stage.committed("party:S-1") == (Decimal("4000.00"), 1)
    stage.clock.advance(timedelta(hours=23))
    assert stage.committed("party:S-1") == (Decimal("4000.00"), 1), "it was counted after midnight"

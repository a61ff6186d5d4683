"""A record that moves after the approval: back to review with what changed; the old approval is worth nothing."""

import pytest

from shiftlead.core.approval import DecisionKind, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.errors import AlreadyDecided


def approved_then_moved(stage, **changes):
    stage.open(amount="9000.00")
    stage.work()
    old = stage.pending()
    stage.approve()
    stage.connector.edit("invoice", "I-1", **(changes or {"number": "R-I-1/b"}))
    stage.work()
    return old


def test_it_goes_back_to_review_and_says_what_changed(stage):
    approved_then_moved(stage)
    assert stage.journal() == []
    fresh = stage.pending()
    assert fresh.round == 2
    assert "The record changed since it was proposed" in fresh.reason
    assert "number R-I-1 -> R-I-1/b" in fresh.reason
    assert stage.case().state is CaseState.WAITING


def test_the_old_approval_cannot_be_used(stage):
    old = approved_then_moved(stage)
    with pytest.raises(AlreadyDecided):
        stage.approve(request=old)
    stage.sql("update case_ set state = 'ready'")
    stage.work()
    assert stage.journal() == []
    assert stage.pending().digest != old.digest


def test_the_fresh_approval_runs_once(stage):
    approved_then_moved(stage)
    stage.approve()
    stage.work()
    stage.work()
    assert stage.journal() == ["invoice.post"]
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "done")
    assert stage.connector.journal[0].target.version == "2"
    assert stage.ledger.verify() == []


def test_an_allowed_action_whose_record_moved_is_reviewed(make_stage):
    def move(boundary):
        if boundary == "judge.committed" and not moved:
            moved.append(boundary)
            stage.connector.edit("invoice", "I-1", number="R-I-1/b")

    moved = []
    stage = make_stage(observer=move)
    stage.open()
    stage.work()
    assert moved, "the boundary has another name now"
    assert stage.journal() == []
    assert "record-moved" in stage.pending().reason


def test_a_record_that_moves_while_it_is_sent_is_refused_by_the_system_and_reviewed(make_stage):
    def move(boundary):
        if boundary == "execute.before_send" and not moved:
            moved.append(boundary)
            stage.connector.edit("invoice", "I-1", number="R-I-1/b")

    moved = []
    stage = make_stage(observer=move)
    stage.open()
    stage.work()
    assert moved, "the boundary has another name now"
    assert stage.journal() == []
    assert [one.state.value for one in stage.effects()] == ["cancelled"]
    assert stage.committed() == (0, 0), "what did not happen is not counted"
    stage.approve()
    stage.work()
    assert stage.journal() == ["invoice.post"]


def test_a_record_that_keeps_moving_ends_with_a_person(stage):
    stage.open(amount="9000.00")
    for number in range(6):
        stage.work()
        asked = stage.pending()
        if asked.question.value == "handle":
            break
        stage.approve()
        stage.connector.edit("invoice", "I-1", number=f"R-{number}")
    assert "keeps changing" in asked.reason
    assert stage.journal() == []
    stage.decide(DecisionKind.RESPOND, text="I posted it by hand.")
    stage.work()
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "handed_over")
    assert stage.journal() == []


def test_an_earlier_action_of_the_same_case_is_no_surprise(stage):
    stage.open(amount="9000.00", plan="invoice.hold invoice.post")
    stage.work()
    assert stage.journal() == ["invoice.hold"]
    stage.approve()
    stage.work()
    assert stage.journal() == ["invoice.hold", "invoice.post"]


def test_somebody_else_moving_it_after_the_first_action_is_noticed_and_what_is_done_is_not_done_again(stage):
    case_id = stage.open(amount="9000.00", plan="invoice.hold invoice.post")
    stage.work()
    stage.approve()
    stage.connector.edit("invoice", "I-1", number="R-I-1/b")
    stage.work()
    assert stage.journal() == ["invoice.hold"]
    for _ in range(4):
        for request in stage.requests(case_id, RequestState.PENDING):
            stage.approve(request=request)
        stage.work()
    assert stage.journal() == ["invoice.hold", "invoice.post"]
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "done")


def test_a_record_that_is_gone_goes_to_a_person(stage):
    stage.open(amount="9000.00")
    stage.work()
    stage.approve()
    stage.connector._database.execute("delete from record")
    for _ in range(8):
        stage.work()
        stage.clock.advance(stage.lease * 20)
    assert stage.journal() == []
    assert stage.waiting(), "somebody sees it"

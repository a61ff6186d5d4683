"""A lost answer is a question, never a second try: asked of the system where it can say, else of a person."""

import pytest
from stage import ANA

from shiftlead.connectors.faults import Fault, FaultKind
from shiftlead.core.approval import DecisionKind, Question, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.errors import BadInput, Conflict

POST = "invoice.post"
LOST_ANSWER = Fault(kind=FaultKind.LOST_ANSWER, operation=POST)
LOST_REQUEST = Fault(kind=FaultKind.LOST_REQUEST, operation=POST)
NO_LOOKUP = Fault(kind=FaultKind.NO_LOOKUP)
LOOKUP_DOWN = Fault(kind=FaultKind.UNREACHABLE, operation="lookup")
NO_KEYS = Fault(kind=FaultKind.NOT_IDEMPOTENT)


def posting(make_stage, *faults):
    stage = make_stage(faults=faults)
    stage.open()
    stage.work()
    return stage


def states(stage):
    return [one.state.value for one in stage.actions()], [one.state.value for one in stage.effects()]


def test_a_system_that_can_be_asked_settles_it_at_once(make_stage):
    stage = posting(make_stage, LOST_ANSWER)
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "done")
    assert stage.journal() == [POST]
    assert stage.waiting() == []


def test_what_never_arrived_is_sent_once_under_the_same_key(make_stage):
    stage = posting(make_stage, LOST_REQUEST)
    assert stage.journal() == []
    stage.clock.advance(stage.lease * 20)
    stage.work()
    (entry,) = stage.connector.journal
    (effect,) = stage.effects()
    assert (entry.key, effect.attempts) == (effect.key, 2)
    assert stage.case().outcome == "done"


def test_it_is_a_question_in_the_inbox_while_nobody_can_say(make_stage):
    stage = posting(make_stage, LOST_ANSWER, NO_LOOKUP)
    assert states(stage) == (["unknown"], ["unknown"])
    (request,) = stage.waiting()
    assert request.question is Question.RECONCILE
    assert "may have happened" in request.reason
    assert stage.case().state is CaseState.WAITING


def test_it_is_never_sent_again_whatever_time_passes(make_stage):
    stage = posting(make_stage, LOST_ANSWER, NO_LOOKUP)
    for _ in range(10):
        stage.clock.advance(stage.lease * 30)
        stage.work()
    assert stage.journal() == [POST]
    assert len(stage.waiting()) == 1
    assert states(stage) == (["unknown"], ["unknown"])


@pytest.mark.parametrize("fault", [LOST_ANSWER, LOST_REQUEST], ids=["it happened", "it did not"])
def test_once_the_system_can_be_asked_again_it_settles_by_itself(make_stage, fault):
    stage = posting(make_stage, fault, LOOKUP_DOWN)
    assert states(stage) == (["unknown"], ["unknown"])
    assert stage.pending().question is Question.RECONCILE
    for _ in range(3):
        stage.work()
        stage.clock.advance(stage.lease * 20)
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "done")
    assert stage.journal() == [POST]
    assert stage.requests("", RequestState.PENDING) == []
    assert stage.ledger.verify() == []


def test_a_person_says_that_it_happened(make_stage):
    stage = posting(make_stage, LOST_ANSWER, NO_LOOKUP)
    stage.decide(DecisionKind.RESPOND, happened=True, text="it is in the ERP")
    stage.work()
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "done")
    assert states(stage) == (["done"], ["done"])
    assert "ana: it is in the ERP" in stage.effects()[0].receipt.detail
    assert stage.journal() == [POST]


def test_a_person_says_that_it_did_not_happen(make_stage):
    stage = posting(make_stage, LOST_REQUEST, NO_LOOKUP)
    stage.decide(DecisionKind.RESPOND, happened=False)
    stage.work()
    assert stage.journal() == [], "a person takes the case; it is not sent blindly"
    assert stage.pending().question is Question.HANDLE
    assert stage.committed() == (0, 0), "what did not happen is not counted"
    stage.decide(DecisionKind.RESPOND, text="I posted it by hand.")
    stage.work()
    assert stage.case().state is CaseState.CLOSED
    assert stage.journal() == []


@pytest.mark.parametrize("kind", [DecisionKind.APPROVE, DecisionKind.EDIT, DecisionKind.REJECT])
def test_it_cannot_be_approved_away(make_stage, kind):
    stage = posting(make_stage, LOST_ANSWER, NO_LOOKUP)
    with pytest.raises(BadInput):
        stage.decide(kind, reason="not_now", changes={"amount": "1.00"})
    with pytest.raises(BadInput, match="whether the effect happened"):
        stage.decide(DecisionKind.RESPOND, text="hm")
    assert states(stage) == (["unknown"], ["unknown"])


def test_a_system_without_keys_is_never_sent_the_same_again(make_stage):
    stage = posting(make_stage, LOST_REQUEST, NO_KEYS)
    first = stage.pending()
    for _ in range(5):
        stage.clock.advance(stage.lease * 20)
        stage.work()
    assert stage.journal() == []
    assert stage.pending().id == first.id, "the question is not asked anew at every sweep"
    assert first.question is Question.RECONCILE


def test_the_next_action_waits_for_the_answer(make_stage):
    stage = make_stage(faults=[Fault(kind=FaultKind.LOST_ANSWER, operation="invoice.hold"), NO_LOOKUP])
    stage.open(plan="invoice.hold invoice.post")
    stage.work()
    assert stage.journal() == ["invoice.hold"]
    assert [one.state.value for one in stage.actions()] == ["unknown", "proposed"]


def test_whoever_answers_after_the_system_did_is_told(make_stage):
    stage = posting(make_stage, LOST_ANSWER, LOOKUP_DOWN)
    asked = stage.pending()
    stage.work()
    with pytest.raises(Conflict):
        stage.decide(DecisionKind.RESPOND, ANA, asked, happened=False)
    assert stage.case().outcome == "done"


def test_a_person_who_answers_while_the_system_is_asked_stops_no_worker(make_stage):
    """Both find out at once: one of them is first, the sweep goes on, and the case ends once."""
    stage = posting(make_stage, LOST_ANSWER, LOOKUP_DOWN)
    asked = stage.pending()
    other = make_stage(owner="w2")
    real = stage.connector.lookup

    def lookup(key):
        found = real(key)
        other.decide(DecisionKind.RESPOND, ANA, asked, happened=True)
        return found

    stage.connector.lookup = lookup
    stage.work()
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "done")
    assert stage.journal() == [POST]
    assert stage.ledger.verify() == []

"""What was approved is what runs: an envelope that was changed behind everybody's back never does, and people see why."""

import json

import pytest

from shiftlead.core.approval import Question
from shiftlead.core.case import CaseState
from shiftlead.core.noun import canonical_json, digest


def changed(stage, change):
    """Change the stored envelope by hand, as somebody with the database password could."""
    action = stage.actions()[0]
    raw = json.loads(action.envelope.sealed())
    change(raw)
    stage.sql("update action set envelope = :e where id = :i", e=canonical_json(raw), i=action.id)
    return raw


def amount(raw):
    raw["proposal"]["action"]["arguments"]["amount"] = "90000.00"


def account(raw):
    raw["proposal"]["action"]["arguments"]["iban"] = "GB33BUKB20201555555555"


def target(raw):
    raw["proposal"]["action"]["target"]["id"] = "I-2"


def operation(raw):
    raw["proposal"]["action"]["kind"] = "invoice.hold"


def rationale(raw):
    raw["proposal"]["rationale"] = "Somebody important said so."


def until_a_person_sees_it(stage):
    for _ in range(8):
        stage.work()
        if stage.case().state is CaseState.PARKED:
            return
        stage.clock.advance(stage.lease * 20)


@pytest.mark.parametrize("change", [amount, account, target, operation, rationale])
def test_an_envelope_that_was_changed_after_the_approval_never_runs(stage, change):
    stage.open("I-2", "10.00", plan="")
    stage.open(amount="9000.00")
    stage.work()
    stage.approve()
    changed(stage, change)
    until_a_person_sees_it(stage)
    assert stage.journal() == []
    assert stage.events("effect.sending") == []
    assert stage.case().state is CaseState.PARKED
    assert "is not what was sealed" in stage.case().error
    (request,) = stage.waiting()
    assert request.question is Question.HANDLE
    assert "is not what was sealed" in request.reason
    assert stage.ledger.verify() == []


def test_a_forged_digest_does_not_help(stage):
    stage.open(amount="9000.00")
    stage.work()
    stage.approve()
    raw = changed(stage, amount)
    stage.sql("update action set digest = :d", d=digest(canonical_json(raw)))
    for _ in range(3):
        stage.work()
        stage.clock.advance(stage.lease * 20)
    assert stage.journal() == [], "the approval carries another digest"
    assert stage.events("effect.sending") == []
    assert stage.waiting(), "a person sees it"


def test_an_envelope_changed_under_an_allowed_action_never_runs(make_stage):
    """The worker has read it, somebody changes it, and only then the worker takes the right to send."""
    stage = make_stage()

    def meddle(boundary):
        if boundary == "execute.before_claim" and not meddled:
            meddled.append(boundary)
            changed(stage, amount)

    meddled = []
    stage = make_stage(observer=meddle)
    stage.open(amount="120.00")
    stage.work()
    assert meddled, "the boundary has another name now"
    assert stage.journal() == []
    assert "is not what was sealed" in stage.case().error


def test_a_decision_on_what_is_not_on_screen_any_more_is_refused(stage):
    from shiftlead.core.approval import DecisionKind
    from shiftlead.core.errors import StaleEnvelope

    stage.open(amount="900.00", plan="invoice.short_pay")
    stage.work()
    shown = stage.pending()
    stage.decide(DecisionKind.EDIT, changes={"amount": "800.00"})
    fresh = stage.pending()
    with pytest.raises(StaleEnvelope):
        stage.approve(request=fresh.model_copy(update={"digest": shown.digest}))
    assert stage.events("decision.approve") == []


def test_nobody_can_take_back_the_lane_by_hand(stage):
    """An action of the reviewed lane that is flipped to `proposed` and `allowed` in the database is judged again and waits."""
    stage.open(amount="9000.00")
    stage.work()
    stage.sql("update action set state = 'proposed', lane = 'allowed'")
    stage.sql("update case_ set state = 'ready'")
    stage.work()
    assert stage.journal() == []
    assert stage.waiting()

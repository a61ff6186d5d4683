"""An edit is a new envelope: judged anew, with the editor as a maker, and nothing is written where it may not be."""

import pytest
from stage import ANA, BEN, ONE_PERSON, POLICY

from shiftlead.core.actions import ActionState
from shiftlead.core.approval import DecisionKind, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.errors import BadInput, Forbidden
from shiftlead.core.verdict import Lane


@pytest.fixture
def waiting(stage):
    stage.open(amount="900.00", plan="invoice.short_pay")
    stage.work()
    return stage


def edit(stage, operator=ANA, **changes):
    return stage.decide(DecisionKind.EDIT, operator, changes=changes)


def test_the_edit_is_sealed_and_judged_anew(waiting):
    old = waiting.pending()
    outcome = edit(waiting, amount="850.00")
    fresh = waiting.pending()
    (action,) = waiting.actions()
    assert outcome.next_request == fresh.id
    assert (fresh.round, fresh.amount, fresh.digest) == (2, "850.00", action.digest)
    assert fresh.digest != old.digest
    assert action.envelope.digest() == action.digest
    assert action.lane is Lane.REVIEWED
    assert action.verdict.hits[0].rule == "edited"
    assert str(action.envelope.proposal.action.amount) == "850.00 EUR"
    assert waiting.requests("", RequestState.SUPERSEDED)[0].id == old.id


def test_the_editor_is_a_maker_and_may_not_approve(waiting):
    edit(waiting, amount="850.00")
    assert waiting.pending().makers == ("worker:poster", "ana")
    with pytest.raises(Forbidden, match="you made or edited it"):
        waiting.approve(ANA)
    assert waiting.events("decision.approve") == []
    waiting.approve(BEN)
    waiting.work()
    (entry,) = waiting.connector.journal
    assert entry.arguments["amount"] == "850.00"


def test_two_editors_are_both_makers(waiting):
    edit(waiting, ANA, amount="850.00")
    edit(waiting, BEN, amount="840.00")
    for operator in (ANA, BEN):
        with pytest.raises(Forbidden):
            waiting.approve(operator)


def test_an_edit_never_frees_an_action(make_stage):
    """Edited down to what would run alone, it still waits for a person."""
    freer = POLICY.replace(
        "{id: S-4, lane: reviewed, actions: [invoice.short_pay, invoice.credit_memo]",
        "{id: S-4, lane: allowed, actions: [invoice.short_pay], when: {amount: {at_most: {EUR: 500}}}",
    )
    stage = make_stage(policy=freer)
    stage.open(amount="400.00", plan="invoice.short_pay")
    stage.work()
    assert stage.journal() == ["invoice.short_pay"], "so much would run alone"
    case_id = stage.open("I-2", "900.00", plan="invoice.short_pay")
    stage.work()
    stage.decide(DecisionKind.EDIT, request=stage.pending(case_id), changes={"amount": "400.00"})
    assert stage.actions(case_id)[0].state is ActionState.WAITING
    stage.work()
    assert stage.journal() == ["invoice.short_pay"]


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"amount": "20000.01"}, Forbidden, "far too much"),
        ({"iban": "GB33BUKB20201555555555"}, BadInput, "may not be edited"),
        ({"invoice_id": "I-2"}, BadInput, "may not be edited"),
        ({"nonsense": "1"}, BadInput, "may not be edited"),
        ({}, BadInput, "Nothing was changed"),
        ({"amount": "900.00"}, BadInput, "Nothing was changed"),
        ({"amount": "-1.00"}, BadInput, "above zero"),
        ({"amount": "0"}, BadInput, "above zero"),
        ({"amount": "NaN"}, BadInput, "amount"),
        ({"amount": "Infinity"}, BadInput, "amount"),
        ({"amount": "ten"}, BadInput, "amount"),
        ({"amount": 850.5}, BadInput, "float"),
        ({"amount": None}, BadInput, "amount"),
        ({"amount": ["850"]}, BadInput, "amount"),
        ({"reason": ""}, BadInput, "reason"),
        ({"reason": 7}, BadInput, "reason"),
    ],
)
def test_an_edit_that_may_not_be_writes_nothing(waiting, changes, error, says):
    before = (waiting.pending(), waiting.actions(), waiting.ledger.ticks())
    with pytest.raises(error, match=says):
        edit(waiting, **changes)
    assert (waiting.pending(), waiting.actions(), waiting.ledger.ticks()) == before


def test_nothing_of_an_edit_runs_before_it_is_approved(waiting):
    edit(waiting, amount="850.00")
    waiting.work()
    assert waiting.journal() == []
    assert waiting.case().state is CaseState.WAITING


def test_a_one_person_shop_says_so_on_every_decision(make_stage):
    stage = make_stage(policy=ONE_PERSON)
    stage.open(amount="900.00", plan="invoice.short_pay")
    stage.work()
    edit(stage, ANA, amount="850.00")
    stage.approve(ANA)
    stage.work()
    assert stage.journal() == ["invoice.short_pay"]
    assert [event.data["mode"] for event in stage.events("decision.edit", "decision.approve")] == ["one_person"] * 2


def test_the_policy_that_held_is_on_the_verdict_the_decision_and_the_effect(make_stage):
    stage = make_stage()
    stage.open(amount="9000.00")
    stage.work()
    stage.approve(ANA)
    stage.work()
    told = stage.events("action.judged", "decision.approve", "effect.sending")
    assert [event.kind for event in told] == ["action.judged", "decision.approve", "effect.sending"]
    assert {event.data["policy_digest"] for event in told} == {stage.crew.policy.digest()}


def test_the_money_of_the_edit_is_what_counts_against_the_role(make_stage):
    """An operator may approve 25,000; two people edit the credit up, and the request asks for the role that may."""
    stage = make_stage()
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    edit(stage, ANA, amount="30000.00")
    assert stage.pending().role == "lead"
    with pytest.raises(Forbidden):
        stage.approve(BEN)

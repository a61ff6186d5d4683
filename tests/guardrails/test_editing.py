"""Editing: a person's changes become a new envelope; whatever comes out is checked like a new proposal."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import Stage

from shiftlead.core.action import Change
from shiftlead.core.actions import ActionState
from shiftlead.core.errors import BadInput, Forbidden
from shiftlead.core.operations import OperationSpec
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.editing import STALE_FACTS, TOLD_BY, edited, money_at_stake
from shiftlead.guardrails.gate import Guard
from shiftlead.guardrails.policy import shipped_policy


@pytest.fixture
def stage(tmp_path, clock):
    opened = Stage.create(tmp_path, clock=clock)
    opened.open(amount="900.00", plan="invoice.short_pay")
    opened.work()
    yield opened
    opened.close()


def change(stage, sealed=None, by="ana", **changes):
    with stage.ledger.transaction() as tx:
        return edited(tx, stage.crew.guard, sealed or stage.actions()[0], changes, by=by)


def test_it_is_a_new_round_of_the_same_action(stage):
    old = stage.actions()[0]
    new = change(stage, amount="850.00")
    assert (new.id, new.case_id, new.seq, new.round, new.state) == (old.id, old.case_id, old.seq, 2, ActionState.WAITING)
    assert new.envelope.digest() == new.digest != old.digest
    assert new.envelope.action_id == old.envelope.action_id
    assert new.envelope.evidence == old.envelope.evidence


def test_arguments_and_money_stay_in_step(stage):
    action = change(stage, amount=Decimal("850.00")).envelope.proposal.action
    assert action.arguments["amount"] == "850.00"
    assert str(action.amount) == "850.00 EUR"
    assert action.target.version == "1"


def test_the_approver_sees_what_was_changed(stage):
    changes = change(stage, reason="five are missing").envelope.proposal.changes
    assert changes[-1] == Change(record="invoice I-1", field="reason", before="ten are missing", after="five are missing")


def test_the_approver_no_longer_sees_what_is_not_sent(stage):
    sealed = stage.actions()[0]
    shown = (
        Change(record="mail", field="reason", before="", after="ten are missing"),
        Change(record="payment run", field="pay", before="", after="900.00 EUR to FR61 … 6478"),
        Change(record="invoice I-1", field="status", before="draft", after="posted"),
    )
    proposal = sealed.envelope.proposal.model_copy(update={"changes": shown})
    sealed = sealed.model_copy(update={"envelope": sealed.envelope.model_copy(update={"proposal": proposal})})
    found = change(stage, sealed, reason="five are missing", amount="1850.00").envelope.proposal.changes
    assert [one.after for one in found[:3]] == ["five are missing", "1,850.00 EUR to FR61 … 6478", "posted"]


def test_the_editor_is_a_maker_once(stage):
    once = change(stage, amount="850.00")
    twice = change(stage, once, amount="840.00")
    other = change(stage, twice, by="ben", amount="830.00")
    assert other.makers == ("worker:poster", "ana", "ben")
    assert other.round == 4


def test_facts_about_the_old_text_do_not_hold_any_more(stage):
    old = stage.actions()[0]
    proposal = old.envelope.proposal.model_copy(
        update={"facts": {"amounts_match_records": True, "template": "t1", "exceptions": 2}}
    )
    old = old.model_copy(update={"envelope": old.envelope.model_copy(update={"proposal": proposal})})
    facts = change(stage, old, reason="other").envelope.proposal.facts
    assert facts == {"exceptions": 2}
    assert {"amounts_match_records", "template", "threat_in_text", "opt_out_offered"} < STALE_FACTS


def test_a_fact_that_an_argument_tells_follows_the_edit(stage, monkeypatch):
    """Otherwise a plan of three instalments could be edited to thirty and be judged as three."""
    assert TOLD_BY == {"reminder_level": "level", "instalments": "instalments"}
    monkeypatch.setitem(TOLD_BY, "segment", "reason")
    old = stage.actions()[0]
    for facts, expected in (({"segment": "ten are missing"}, {"segment": "other"}), ({}, {})):
        proposal = old.envelope.proposal.model_copy(update={"facts": facts})
        told = old.model_copy(update={"envelope": old.envelope.model_copy(update={"proposal": proposal})})
        assert change(stage, told, reason="other").envelope.proposal.facts == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amount=st.decimals("0.01", "99999.99", places=2))
def test_no_amount_comes_out_free(stage, amount):
    """Whatever is typed in: it waits for a person, or the policy prohibits it."""
    if amount == Decimal("900.00"):
        return
    if amount > Decimal(20000):
        with pytest.raises(Forbidden, match="far too much"):
            change(stage, amount=str(amount))
        return
    assert change(stage, amount=str(amount)).lane is Lane.REVIEWED


@pytest.mark.parametrize("amount", ["1e3", "1E+3", "٣٤", "1_000", " 850", "850 ", "+850", "0850", "850.", "850.001", "9" * 40])
def test_an_amount_that_another_system_may_read_otherwise_is_refused(stage, amount):
    """What the policy weighed and what is sent must be one number, whoever reads it."""
    with pytest.raises(BadInput, match="amount"):
        change(stage, amount=amount)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(), max_size=2)))
def test_no_value_at_all_breaks_it(stage, value):
    """Garbage is refused in plain words; nothing but our own errors comes out."""
    try:
        new = change(stage, amount=value)
    except (BadInput, Forbidden):
        return
    assert new.envelope.proposal.action.amount.amount > 0


def test_an_operation_of_money_without_an_amount_is_refused_in_words():
    spec = OperationSpec(connector="m", name="refund", summary="-", parameters={"type": "object"}, money="amount")
    with pytest.raises(BadInput, match="amount"):
        money_at_stake(spec, {"currency": "EUR"})


def test_an_operation_that_is_not_registered_cannot_be_edited(stage):
    stage.sql("delete from operation")
    with pytest.raises(BadInput, match="Nothing is known about"):
        change(stage, amount="850.00")


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ("Dear Anna, we look into it today.", "possible"),
        ("Dear Anna, pay to GB29 NWBK 6016 1331 9268 19.", "certain"),
        ("Dear Anna, write to ap@delta.example.", "possible"),
    ],
)
def test_an_edited_letter_is_never_free_of_personal_data_again(stage, body, level):
    """The records it was held against are not at hand; what stood in it before was looked at then."""
    old = stage.actions()[0]
    action = old.envelope.proposal.action
    arguments = {
        "ticket_id": "I-1",
        "to": "ap@delta.example",
        "subject": "Re: x",
        "body": "We look at it. Write to ap@delta.example.",
    }
    action = action.model_copy(update={"kind": "ticket.reply", "arguments": arguments, "amount": None})
    envelope = old.envelope.model_copy(update={"proposal": old.envelope.proposal.model_copy(update={"action": action})})
    old = old.model_copy(update={"envelope": envelope, "context": {**old.context, "personal_data": "none"}})
    guard = Guard(shipped_policy(), stage.clock)
    with stage.ledger.transaction() as tx:
        new = edited(tx, guard, old, {"body": body}, by="ana")
        assert new.context["personal_data"] == level
        assert new.lane is Lane.REVIEWED
        assert ("R-090" in {hit.rule for hit in new.verdict.hits}) == (level == "certain")
        again = edited(tx, guard, new, {"subject": "Re: y"}, by="ana")
        assert again.context["personal_data"] == level

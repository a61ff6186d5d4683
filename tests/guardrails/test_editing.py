"""Editing: a person's changes become a new envelope; whatever comes out is checked like a new proposal."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import Stage

from shiftlead.core.action import Change
from shiftlead.core.actions import ActionState
from shiftlead.core.errors import BadInput, Forbidden
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.editing import STALE_FACTS, edited


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
    assert {"amounts_match_records", "template"} == STALE_FACTS


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(), max_size=2)))
def test_no_value_at_all_breaks_it(stage, value):
    """Garbage is refused in plain words; nothing but our own errors comes out."""
    try:
        new = change(stage, amount=value)
    except (BadInput, Forbidden):
        return
    assert new.envelope.proposal.action.amount.amount > 0


def test_an_operation_that_is_not_registered_cannot_be_edited(stage):
    stage.sql("delete from operation")
    with pytest.raises(BadInput, match="Nothing is known about"):
        change(stage, amount="850.00")

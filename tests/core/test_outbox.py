"""The outbox: one row per key, one sender at a time, one final answer."""

from datetime import UTC, datetime

import pytest

from shiftlead.core import outbox
from shiftlead.core.action import effect_key
from shiftlead.core.errors import Conflict
from shiftlead.core.receipt import Effect, EffectState, Outcome, Receipt

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)


def effect(key="k1"):
    return Effect(
        key=key, case_id="case_1", action_id="act_1", connector="memory", operation="invoice.post", digest="d1",
        state=EffectState.PLANNED, planned_at=AT,
    )  # fmt: skip


def receipt(outcome=Outcome.DONE, key="k1"):
    return Receipt(key=key, outcome=outcome, external_id="X-1", version="2", detail="fine", at=AT)


def start(ledger, sender="w1"):
    with ledger.transaction() as tx:
        started = outbox.start(tx, effect(), sender=sender)
        if started:
            outbox.announce(tx, effect(), sender=sender, policy_digest="p1")
        return started


def settle(ledger, outcome=Outcome.DONE):
    with ledger.transaction() as tx:
        return outbox.settle(tx, "k1", receipt(outcome), case_id="case_1", actor="w1")


def back(ledger):
    with ledger.transaction() as tx:
        outbox.back_to_planned(tx, "k1", actor="w1", why="not reached")


def known(ledger):
    with ledger.reading() as session:
        return outbox.get(session, "k1")


def test_the_first_may_send_and_nobody_else(ledger):
    assert start(ledger, "w1")
    assert not start(ledger, "w2")
    assert (known(ledger).state, known(ledger).attempts, known(ledger).sent_at) == (EffectState.SENDING, 1, AT)
    assert [(event.actor, event.data["policy_digest"]) for event in ledger.events()] == [("w1", "p1")]


def test_what_was_not_sent_may_be_sent_again_under_the_same_key(ledger):
    start(ledger)
    back(ledger)
    assert known(ledger).state is EffectState.PLANNED
    assert start(ledger, "w2")
    assert known(ledger).attempts == 2


def test_an_answer_that_comes_late_is_told_from_one_that_was_awaited(ledger):
    start(ledger)
    assert settle(ledger, Outcome.UNKNOWN) is None
    back(ledger)
    late = settle(ledger)
    assert (late.state, late.sent_at) == (EffectState.PLANNED, AT)
    assert known(ledger).state is EffectState.DONE


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.REFUSED])
def test_a_final_answer_is_final(ledger, outcome):
    start(ledger)
    settle(ledger, outcome)
    assert (known(ledger).state.value, known(ledger).receipt, known(ledger).settled_at) == (outcome.value, receipt(outcome), AT)
    assert not start(ledger)
    for again in Outcome:
        with pytest.raises(Conflict):
            settle(ledger, again)
    with pytest.raises(Conflict):
        back(ledger)


def test_unknown_is_not_final(ledger):
    start(ledger)
    settle(ledger, Outcome.UNKNOWN)
    assert (known(ledger).state, known(ledger).settled_at) == (EffectState.UNKNOWN, None)
    assert not start(ledger), "it is never sent again blindly"
    settle(ledger, Outcome.DONE)
    assert known(ledger).settled_at == AT


def test_a_cancelled_effect_stays_cancelled(ledger):
    start(ledger)
    with ledger.transaction() as tx:
        outbox.cancel(tx, "k1", actor="w1", why="the record moved")
    assert known(ledger).state is EffectState.CANCELLED
    assert not start(ledger)
    with pytest.raises(Conflict):
        settle(ledger)


def test_only_what_is_being_sent_can_be_cancelled(ledger):
    start(ledger)
    back(ledger)
    with pytest.raises(Conflict), ledger.transaction() as tx:
        outbox.cancel(tx, "k1", actor="w1", why="the record moved")
    assert known(ledger).state is EffectState.PLANNED
    assert "effect.cancelled" not in {event.kind for event in ledger.events()}


def test_effects_are_found_by_case_and_state(ledger):
    with ledger.transaction() as tx:
        for key in ("k1", "k2"):
            outbox.start(tx, effect(key), sender="w1")
    settle(ledger)
    with ledger.reading() as session:
        assert {one.key for one in outbox.of_case(session, "case_1")} == {"k1", "k2"}
        assert [one.key for one in outbox.in_state(session, [EffectState.SENDING])] == ["k2"]
        assert outbox.get(session, "k3") is None


def test_a_key_names_one_envelope_of_one_action_of_one_case():
    parts = ("main", "case_1", "act_1", "d1")
    keys = {effect_key(*parts)}
    for place in range(4):
        keys.add(effect_key(*(*parts[:place], parts[place] + "x", *parts[place + 1 :])))
    assert len(keys) == 5
    assert effect_key("a", "b", "c", "d") != effect_key("a", "bc", "", "d")

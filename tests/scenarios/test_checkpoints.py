"""Checkpoints are only memory: whatever becomes of them between the wait and the decision, nothing is lost."""

import pytest

from shiftlead.core.approval import DecisionKind
from shiftlead.core.case import CaseState

DAMAGE = {
    "deleted": "update case_ set checkpoint = null",
    "empty": "update case_ set checkpoint = x''",
    "garbage": "update case_ set checkpoint = x'00ff13372a'",
    "cut short": "update case_ set checkpoint = substr(checkpoint, 1, length(checkpoint) / 2)",
    "of a graph that is gone": "update case_ set graph_version = '0'",
    "of a graph without a name": "update case_ set graph_version = ''",
    "of another case": "update case_ set checkpoint = (select checkpoint from case_ as other where other.external_id = 'I-2')",
    "somebody else's msgpack": "update case_ set checkpoint = x'93c0c090'",
    "msgpack of the right shape and nothing in it": "update case_ set checkpoint = x'94a178c0c090'",
    "at an interrupt that is not there": "update case_ set checkpoint = cast(x'94a178' || substr(checkpoint, 36) as blob)",
}


def test_a_waiting_case_has_a_checkpoint_and_a_closed_one_has_none(stage):
    stage.open(amount="9000.00")
    stage.work()
    assert stage.rows("select checkpoint is not null from case_") == [(1,)]
    stage.approve()
    stage.work()
    assert stage.rows("select checkpoint is not null from case_") == [(0,)]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("when", ["before the decision", "after the decision"])
@pytest.mark.parametrize(
    ("kind", "fields", "outcome", "journal"),
    [
        (DecisionKind.APPROVE, {}, "done", ["invoice.hold", "invoice.post"]),
        (DecisionKind.REJECT, {"reason": "not_now", "text": "I do it next week."}, "rejected", ["invoice.hold"]),
    ],
    ids=["approved", "rejected"],
)
def test_a_damaged_checkpoint_loses_nothing(make_stage, damage, when, kind, fields, outcome, journal):
    stage = make_stage()
    stage.open("I-2", "9000.00")
    case_id = stage.open(amount="9000.00", plan="invoice.hold invoice.post")
    stage.work()
    request = stage.pending(case_id)
    if when == "before the decision":
        assert stage.sql(DAMAGE[damage]) > 0
    stage.decide(kind, request=request, **fields)
    if when == "after the decision":
        assert stage.sql(DAMAGE[damage]) > 0
    later = make_stage(owner="w2")
    later.work()
    # What cannot be gone on from only after all costs one attempt, and the next one begins from the ledger.
    later.clock.advance(later.lease * 20)
    later.work()
    case = later.case()
    assert (case.state, case.outcome, case.error) == (CaseState.CLOSED, outcome, "")
    assert later.journal() == journal
    assert later.connector.duplicates() == {}
    assert len(later.requests(case_id)) == 1, "nobody is asked twice"
    assert later.ledger.verify() == []

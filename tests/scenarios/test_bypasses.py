"""Detours around an approval: rows that were put back, answers that were given before, clocks and spellings."""

from datetime import timedelta

import pytest
from stage import ANA, BEN, CYD, DAN, LEA, POLICY

from shiftlead.core.approval import DecisionKind, RequestState

WOKEN = "update case_ set state = 'ready', wake_at = null, lease_owner = '', lease_until = null"


def put_back(stage, state="approved"):
    """Everything as it was before it ran, by somebody who can write to the database."""
    stage.sql("delete from effect")
    stage.sql("update action set state = :s, settled_at = null", s=state)
    stage.sql(WOKEN)


def test_what_ran_is_not_sent_again_by_putting_its_rows_back(stage):
    stage.open(amount="9000.00")
    stage.work()
    stage.approve(ANA)
    stage.work()
    put_back(stage)
    stage.work()
    assert len(stage.connector.journal) == 1


def test_a_rejection_is_not_overruled_by_putting_its_rows_back(stage):
    """Somebody said no to exactly this; a second yes needs a new proposal."""
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    stage.approve(ANA)
    stage.decide(DecisionKind.REJECT, BEN, reason="not_owed")
    stage.sql("update request set state = 'pending'")
    stage.sql("update action set state = 'waiting', settled_at = null")
    stage.sql("update case_ set state = 'waiting'")
    stage.approve(CYD)
    stage.work()
    assert stage.journal() == []


def test_a_policy_that_comes_back_makes_no_old_approval_fresh(make_stage):
    stage = make_stage()
    stage.open(amount="9000.00")
    stage.work()
    stage.approve(ANA)
    stage.clock.advance(timedelta(hours=25))
    later = make_stage(policy=POLICY.replace("reason: large", "reason: very large"))
    later.work()
    assert later.journal() == []
    again = make_stage()
    again.work()
    assert again.journal() == []


def test_a_clock_that_goes_back_makes_no_approval_valid(make_stage, clock):
    stage = make_stage()
    stage.open(amount="9000.00")
    stage.work()
    stage.approve(ANA)
    clock.advance(-timedelta(hours=1))
    stage.work()
    assert stage.journal() == []
    assert "dated later than now" in stage.pending().reason


@pytest.mark.parametrize("column", ["lane = 'allowed'", "verdict = replace(verdict, 'reviewed', 'allowed')"])
def test_a_lane_that_was_changed_frees_nothing(stage, column):
    stage.open(amount="9000.00")
    stage.work()
    stage.sql(f"update action set state = 'proposed', {column}")
    stage.sql("update action set lane = 'allowed', verdict = replace(verdict, 'reviewed', 'allowed')")
    stage.sql(WOKEN)
    stage.work()
    assert stage.journal() == []


def test_two_people_over_two_requests_are_both_asked_again(stage):
    """An approval of a request that expired does not help the next one."""
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    stage.approve(CYD)
    stage.clock.advance(timedelta(hours=73))
    stage.work()
    assert stage.approve(DAN).state is RequestState.PENDING
    stage.sql("update action set state = 'approved'")
    stage.sql(WOKEN)
    stage.work()
    assert stage.journal() == []


def test_who_approved_before_an_edit_was_undone_has_not_approved(stage):
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    stage.approve(ANA)
    stage.decide(DecisionKind.EDIT, BEN, changes={"amount": "800.00"})
    stage.decide(DecisionKind.EDIT, LEA, changes={"amount": "900.00"})
    assert stage.approve(CYD).state is RequestState.PENDING
    stage.sql("update action set state = 'approved'")
    stage.sql(WOKEN)
    stage.work()
    assert stage.journal() == []


def test_an_answer_in_words_is_a_no_as_well(stage):
    stage.open(amount="9000.00")
    stage.work()
    stage.decide(DecisionKind.RESPOND, ANA, text="I paid it by hand")
    stage.sql("update request set state = 'pending'")
    stage.sql("update action set state = 'waiting', settled_at = null")
    stage.sql("update case_ set state = 'waiting'")
    stage.approve(CYD)
    stage.work()
    assert stage.journal() == []
    assert "ana said no to exactly this" in stage.pending().reason


def adopted(stage, digest):
    """The policy with this digest came into force, elsewhere."""
    stage.sql("delete from policy_version")
    row = {
        "digest": digest, "name": "stage", "version": 1, "text": "", "state": "in_force", "loosenings": "[]", "signatures": "[]",
        "reason": "", "replaces": "", "proposed_at": "2026-09-15 09:00:00.000000",
    }  # fmt: skip
    stage.sql(f"insert into policy_version ({', '.join(row)}) values ({', '.join(':' + one for one in row)})", **row)


def test_a_worker_that_still_reads_the_old_policy_sends_nothing_under_it(stage):
    """A tightening holds at once, also for a process with a long queue before it looks again."""
    made = stage.crew
    stage.crew = type(made)(
        stage.ledger, connectors=made.connectors, workers=made.workers, policy=stage.policy, brain=made.brain, roster=made.roster,
        sealing=made.sealing,
        under=stage.policy.digest(), observer=lambda moment: moment == "execute.before_claim" and adopted(stage, now),
    )  # fmt: skip
    stage.open()
    now = "another"
    stage.work()
    assert (stage.journal(), stage.case().state) == ([], "ready")
    now = stage.policy.digest()
    stage.clock.advance(timedelta(minutes=1))
    stage.work()
    assert stage.journal() == ["invoice.post"], "what was held goes on under the policy that is in force"

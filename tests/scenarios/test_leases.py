"""A worker that stalls and wakes up late: whoever took over goes on, and nothing of the late one is written."""

from datetime import timedelta

import pytest

from shiftlead.agents.runner import Runner
from shiftlead.connectors.faults import Fault, FaultKind
from shiftlead.core import queue
from shiftlead.core.case import CaseState
from shiftlead.core.errors import LeaseLost


def boundaries(make_stage, **case):
    seen = []
    stage = make_stage(observer=seen.append)
    stage.open("dry", **case)
    stage.work()
    return seen


@pytest.mark.parametrize("plan", ["invoice.post", "invoice.hold invoice.post"])
@pytest.mark.parametrize("amount", ["120.00", "9000.00"])
def test_wherever_a_worker_stalls_the_other_finishes_and_the_late_one_writes_nothing(make_stage, plan, amount):
    names = boundaries(make_stage, plan=plan, amount=amount)
    assert len(names) >= 6
    for number, name in enumerate(names):
        other = make_stage(owner="w2")
        passed, after = [], []

        def stall(boundary, number=number, other=other, passed=passed, after=after):
            passed.append(boundary)
            if len(passed) == number + 1:
                other.clock.advance(other.lease * 2)
                other.work()
                after.append((other.case(f"I-{number}"), other.ledger.ticks(), len(other.journal())))

        stalled = make_stage(observer=stall, owner="w1")
        case_id = stalled.open(f"I-{number}", amount, plan=plan)
        stalled.work()
        assert after, name
        case, ticks, sent = after[0]
        assert stalled.case(f"I-{number}") == case, f"stalled at {name}"
        written = [event.kind for event in stalled.ledger.events(after=ticks)]
        sent_late = len(stalled.journal()) - sent
        assert written == ["effect.done"] * sent_late, f"stalled at {name}: only what the outside told it may be kept"
        other.clock.advance(other.lease * 20)
        other.work()
        assert stalled.connector.duplicates() == {}
        assert len(stalled.effects(case_id)) == len(plan.split()) - (amount != "120.00"), f"stalled at {name}"
        expected = CaseState.CLOSED if amount == "120.00" else CaseState.WAITING
        assert stalled.case(f"I-{number}").state is expected
        assert len(stalled.requests(case_id)) == (amount != "120.00")
    assert stalled.ledger.verify() == []


def audited(ledger, write):
    with ledger.transaction() as tx:
        tx.audit("something", actor="w1")
        write(tx)


def test_a_lost_lease_refuses_every_write(ledger, clock, tmp_path):
    from stage import Stage

    stage = Stage.create(tmp_path, ledger=ledger)
    stage.open()
    claim = {"workers": ["poster"], "lease": timedelta(seconds=60)}
    (late,) = queue.claim(ledger, owner="w1", **claim)
    clock.advance(timedelta(seconds=61))
    (held,) = queue.claim(ledger, owner="w2", **claim)
    assert held.fence == late.fence + 1
    queue.renew(ledger, [late], timedelta(hours=9))
    for write in (
        lambda tx: queue.confirm(tx, late),
        lambda tx: queue.release(tx, late, CaseState.CLOSED, outcome="done"),
        lambda tx: queue.release(tx, late, CaseState.READY),
    ):
        before = ledger.ticks()
        with pytest.raises(LeaseLost, match="not held by 'w1'"):
            audited(ledger, write)
        assert ledger.ticks() == before
    clock.advance(timedelta(seconds=61))
    assert len(queue.claim(ledger, owner="w3", **claim)) == 1, "the late worker could not extend what it had lost"
    stage.close()


def test_what_the_late_worker_learned_from_the_outside_is_kept(make_stage):
    """A system without keys: the second worker can only ask a person, but the first one has the receipt in its hand."""
    keyless = Fault(kind=FaultKind.NOT_IDEMPOTENT)
    other = make_stage(owner="w2", faults=[keyless])

    def stall(boundary):
        if boundary == "execute.before_send" and not stalled_at:
            stalled_at.append(boundary)
            other.clock.advance(other.lease * 2)
            other.work()

    stalled_at = []
    stage = make_stage(observer=stall, faults=[keyless])
    stage.open()
    stage.work()
    assert stalled_at, "the boundary has another name now"
    for _ in range(3):
        stage.clock.advance(stage.lease * 20)
        stage.work()
    assert stage.journal() == ["invoice.post"]
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "done")
    assert stage.waiting() == [], "nobody is asked what is known"


def test_two_workers_never_hold_one_case(stage):
    for number in range(10):
        stage.open(f"I-{number}")
    claim = {"workers": ["poster"], "lease": timedelta(seconds=60)}
    first = queue.claim(stage.ledger, owner="w1", limit=6, **claim)
    second = queue.claim(stage.ledger, owner="w2", limit=6, **claim)
    held = [one.case.id for one in (*first, *second)]
    assert (len(first), len(second), len(set(held))) == (6, 4, 10)
    assert queue.claim(stage.ledger, owner="w3", limit=6, **claim) == []


def test_a_runner_that_is_halted_finishes_what_it_has(stage):
    for number in range(20):
        stage.open(f"I-{number}")
    runner = Runner(stage.crew, owner="w1", batch=4, progress=lambda _: runner.halt())
    runner.until_idle()
    assert len(stage.journal()) == 4
    assert stage.rows("select count(*) from case_ where state = 'claimed'") == [(0,)]

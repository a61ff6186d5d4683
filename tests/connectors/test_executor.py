"""The executor: what it checks before it sends, and what it makes of every answer."""

from datetime import timedelta

import pytest
from stage import ANA, BEN, Stage, signer

from shiftlead.connectors.execution import End
from shiftlead.connectors.faults import Fault, FaultKind
from shiftlead.core import actions, inbox, outbox, queue
from shiftlead.core.actions import ActionState
from shiftlead.core.approval import PURPOSE
from shiftlead.core.errors import Conflict, LeaseLost, NotFound, StaleEnvelope
from shiftlead.core.receipt import EffectState, Outcome
from shiftlead.core.verdict import Lane
from shiftlead.guardrails import killswitch

POST = "invoice.post"


@pytest.fixture
def stage(tmp_path, clock):
    opened = Stage.create(tmp_path, clock=clock)
    yield opened
    opened.close()


def judged(stage, *, plan=POST, amount="120.00", approve=()):
    """A case whose actions are judged and perhaps approved, but not executed; with its claim."""

    class Enough(BaseException):
        pass

    def stop(boundary):
        if boundary == "judge.committed":
            raise Enough

    stage.open(plan=plan, amount=amount)
    stage.crew.at, at = stop, stage.crew.at
    with pytest.raises(Enough):
        stage.work()
    stage.crew.at = at
    for operator in approve:
        stage.approve(operator)
    stage.clock.advance(stage.lease * 2)
    (held,) = queue.claim(stage.ledger, owner="w1", workers=["poster"], lease=stage.lease)
    return held, stage.actions()[0]


def test_an_allowed_action_is_sent_with_its_key_and_its_receipt_kept(stage):
    held, action = judged(stage)
    execution = stage.crew.executor.run(held, action)
    (effect,) = stage.effects()
    (entry,) = stage.connector.journal
    assert (execution.end, execution.receipt.outcome) == (End.SETTLED, Outcome.DONE)
    assert (effect.state, effect.receipt, effect.key) == (EffectState.DONE, execution.receipt, entry.key)
    assert stage.actions()[0].state is ActionState.DONE


def test_running_it_again_answers_the_same_and_sends_nothing(stage):
    held, action = judged(stage)
    first = stage.crew.executor.run(held, action)
    again = stage.crew.executor.run(held, action)
    assert again.receipt == first.receipt
    assert stage.journal() == [POST]


def test_a_reviewed_action_without_an_approval_is_not_sent(stage):
    held, action = judged(stage, amount="9000.00")
    stage.sql("update action set state = 'approved'")
    execution = stage.crew.executor.run(held, action)
    assert (execution.end, execution.verdict.lane) == (End.GATED, Lane.REVIEWED)
    assert stage.journal() == []
    assert stage.effects() == []


def test_one_approval_is_not_two(stage):
    held, action = judged(stage, plan="invoice.credit_memo", approve=[ANA])
    stage.sql("update action set state = 'approved'")
    assert stage.crew.executor.run(held, action).end is End.GATED
    stage.sql("update action set state = 'waiting'")
    stage.approve(BEN)
    assert stage.crew.executor.run(held, action).end is End.SETTLED


def _again(stage):
    stage.clock.advance(stage.lease * 2)
    return queue.claim(stage.ledger, owner="w1", workers=["poster"], lease=stage.lease)


def test_the_same_person_twice_is_one_person(stage):
    held, action = judged(stage, plan="invoice.credit_memo", approve=[ANA])
    with stage.ledger.transaction() as tx:
        (first,) = inbox.decisions(tx.session, case_id=stage.case().id)
        again = first.model_copy(update={"id": "dec_2"})
        signature = signer("ana").sign(PURPOSE, again.statement())
        inbox.add_decision(tx, again.model_copy(update={"signature": signature}))
    stage.sql("update action set state = 'approved'")
    assert stage.crew.executor.run(held, action).end is End.GATED
    assert stage.journal() == []


def test_an_approval_of_another_envelope_does_not_count(stage):
    held, action = judged(stage, amount="9000.00", approve=[ANA])
    stage.sql("update decision set digest = 'other'")
    assert stage.crew.executor.run(held, action).end is End.GATED
    assert stage.journal() == []


@pytest.mark.parametrize("state", ["waiting", "rejected", "blocked", "cancelled", "superseded", "done", "refused"])
def test_an_action_that_may_not_run_is_a_conflict(stage, state):
    held, action = judged(stage)
    stage.sql("update action set state = :s", s=state)
    with pytest.raises(Conflict, match="cannot run"):
        stage.crew.executor.run(held, action)
    assert stage.journal() == []


@pytest.mark.parametrize("column", ["envelope = replace(envelope, '120.00', '999.00')", "digest = 'abc'"])
def test_a_stored_envelope_that_is_not_the_sealed_one_is_refused(stage, column):
    held, action = judged(stage)
    stage.sql(f"update action set {column}")
    with pytest.raises(StaleEnvelope, match="is not what was sealed"):
        stage.crew.executor.run(held, action)
    assert stage.journal() == []


def test_who_lost_the_lease_does_not_send(stage):
    held, action = judged(stage)
    _again(stage)
    with pytest.raises(LeaseLost):
        stage.crew.executor.run(held, action)
    assert stage.journal() == []


def test_a_stopped_scope_sends_nothing_and_counts_nothing(stage):
    held, action = judged(stage)
    killswitch.stop(stage.ledger, "worker:poster", operator=ANA)
    assert stage.crew.executor.run(held, action).end is End.STOPPED
    assert (stage.journal(), stage.effects()) == ([], [])
    assert stage.rows("select * from exposure") == []


def test_a_record_that_moved_is_not_sent(stage):
    held, action = judged(stage)
    stage.connector.edit("invoice", "I-1", number="other")
    execution = stage.crew.executor.run(held, action)
    assert execution.end is End.MOVED
    assert "is at version 2, read at 1" in execution.detail


def test_a_connector_that_is_not_there_is_named(stage):
    held, action = judged(stage)
    stage.crew.executor.connectors = {}
    with pytest.raises(NotFound, match="'memory'") as caught:
        stage.crew.executor.run(held, action)
    assert "workspace file" in caught.value.hint


@pytest.mark.parametrize(
    ("faults", "end", "outcome", "effect", "journal"),
    [
        ([FaultKind.REFUSE], End.SETTLED, Outcome.REFUSED, EffectState.REFUSED, []),
        ([FaultKind.UNREACHABLE], End.LATER, None, EffectState.PLANNED, []),
        ([FaultKind.LOST_ANSWER], End.SETTLED, Outcome.DONE, EffectState.DONE, [POST]),
        ([FaultKind.LOST_REQUEST], End.LATER, None, EffectState.PLANNED, []),
        ([FaultKind.LOST_ANSWER, FaultKind.NO_LOOKUP], End.SETTLED, Outcome.UNKNOWN, EffectState.UNKNOWN, [POST]),
        ([FaultKind.LOST_REQUEST, FaultKind.NO_LOOKUP], End.SETTLED, Outcome.UNKNOWN, EffectState.UNKNOWN, []),
        # the system does not know its keys, so it is never sent again
        ([FaultKind.LOST_REQUEST, FaultKind.NOT_IDEMPOTENT], End.SETTLED, Outcome.UNKNOWN, EffectState.UNKNOWN, []),
    ],
)
def test_what_becomes_of_every_answer(stage, faults, end, outcome, effect, journal):
    held, action = judged(stage)
    stage.connector.faults.add(*(Fault(kind=kind) for kind in faults))
    execution = stage.crew.executor.run(held, action)
    assert execution.end is end
    assert (execution.receipt.outcome if execution.receipt else None) is outcome
    assert stage.effects()[0].state is effect
    assert stage.journal() == journal


@pytest.mark.parametrize("error", [ValueError("bad JSON"), KeyError("x"), TimeoutError(), OSError("reset")])
def test_whatever_a_connector_raises_after_sending_is_asked_about(stage, error):
    held, action = judged(stage)

    def fail():
        raise error

    stage.connector.faults.add(Fault(kind=FaultKind.CALL_AFTER, call=fail))
    assert stage.crew.executor.run(held, action).receipt.outcome is Outcome.DONE
    assert stage.journal() == [POST]


@pytest.mark.parametrize("kind", [FaultKind.REFUSE, FaultKind.UNREACHABLE, FaultKind.LOST_REQUEST])
def test_what_did_not_happen_is_taken_out_of_the_limits(stage, kind):
    held, action = judged(stage)
    stage.connector.faults.add(Fault(kind=kind))
    stage.crew.executor.run(held, action)
    assert {stage.committed(scope) for scope in ("all", "party:S-I-1", "worker:poster", "connector:memory")} == {(0, 0)}


def test_a_reconciled_effect_is_told_with_what_belongs_to_it(stage):
    held, action = judged(stage)
    stage.connector.faults.add(Fault(kind=FaultKind.LOST_ANSWER), Fault(kind=FaultKind.UNREACHABLE, operation="lookup"))
    stage.crew.executor.run(held, action)
    told = []
    execution = stage.crew.executor.reconcile(
        action, "w2", then=lambda tx: told.append(outbox.in_state(tx.session, [EffectState.DONE]))
    )
    assert execution.receipt.outcome is Outcome.DONE
    assert len(told[0]) == 1, "in the same transaction"
    with pytest.raises(Conflict):
        stage.crew.executor.reconcile(action, "w2")


def test_asking_in_vain_writes_nothing(stage):
    held, action = judged(stage)
    stage.connector.faults.add(Fault(kind=FaultKind.LOST_ANSWER), Fault(kind=FaultKind.NO_LOOKUP))
    stage.crew.executor.run(held, action)
    before = stage.ledger.ticks()
    assert stage.crew.executor.reconcile(action, "w2").end is End.LATER
    assert stage.ledger.ticks() == before


def test_the_boundaries_are_told_in_the_order_they_are_passed(stage):
    seen = []
    held, action = judged(stage)
    stage.crew.executor._at = seen.append
    stage.crew.executor.run(held, action)
    assert seen == ["execute.before_claim", "execute.claimed", "execute.before_send", "execute.sent", "execute.settled"]


def test_a_verdict_may_only_tighten(stage):
    """Judged when little was committed, executed when much is: it goes to a person instead."""
    held, action = judged(stage)
    with stage.ledger.transaction() as tx:
        from shiftlead.core import exposure
        from shiftlead.core.money import Money

        exposure.commit(tx, ["party:S-I-1"], "invoice.post", Money.of("4990.00", "EUR"))
    execution = stage.crew.executor.run(held, action)
    assert (execution.end, execution.verdict.lane) == (End.GATED, Lane.REVIEWED)
    assert "L-1" in execution.detail
    stage.clock.advance(timedelta(hours=25))
    (held,) = _again(stage)
    assert stage.crew.executor.run(held, action).end is End.SETTLED, "a day later there is room again"


def test_an_action_that_nobody_stored_is_not_sent(stage):
    held, action = judged(stage)
    with pytest.raises(NotFound):
        stage.crew.executor.run(held, action.model_copy(update={"id": "act_ghost"}))
    with stage.ledger.reading() as session, pytest.raises(NotFound):
        actions.get(session, "act_ghost")

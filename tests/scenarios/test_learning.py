"""From a person's key press to what a brain learns: the way of a decision through the product itself."""

import pytest
from blank_ledger import blank_ledger
from help_desk import HelpDesk, brain
from stage import ANA, ROSTER, signer

from shiftlead.agents import brain_versions
from shiftlead.agents.promotion import challenge, trialled
from shiftlead.agents.truths import learnt
from shiftlead.core import inbox
from shiftlead.core.approval import DecisionKind
from shiftlead.core.store import Ledger
from shiftlead.guardrails.approvals import Answer, Approvals


@pytest.fixture
def desk(tmp_path, clock):
    opened = Ledger.open(blank_ledger(tmp_path / "desk.db"), clock=clock, durable=False)
    yield HelpDesk(opened)
    opened.close()


def decide(desk, ref, kind, **answer):
    approvals = Approvals(desk.ledger, desk.policy, signer=signer, roster=ROSTER, sealing=signer)
    with desk.ledger.reading() as session:
        (request,) = [one for one in inbox.of_case(session, desk.case(ref).id) if one.action_kind == "ticket.route"]
    return approvals.decide(Answer(request_id=request.id, digest=request.digest, kind=kind, **answer), ANA)


def test_approving_editing_and_rejecting_teach_and_compare(desk):
    version = challenge(desk.bench, brain_versions.add(desk.ledger, desk.worker, brain(1), by="ana"), ANA)
    for ref in ("T-1", "T-2", "T-3"):
        desk.open(ref, "order_status")
    desk.work()
    decide(desk, "T-1", DecisionKind.APPROVE)
    decide(desk, "T-2", DecisionKind.EDIT, changes={"queue": "service", "tags": ["complaint"]})
    decide(desk, "T-3", DecisionKind.REJECT, reason="wrong_queue")
    with desk.ledger.reading() as session:
        found = learnt(session, desk.worker, ROSTER.keyring)
    assert {(one.label, one.decided_by) for one in found.truths} == {("order_status", "ana"), ("complaint", "ana")}
    assert found.silence.not_told == 1
    # The challenger says what the brain at work says, so it is as right and as wrong.
    trial = trialled(desk.bench, desk.worker, version)
    assert (trial.comparison.both, trial.comparison.neither) == (1, 2)
    assert len(trial.proofs[0].scores) == 3

"""Time never approves: what runs out goes to the escalation role, and who comes late is told so."""

from datetime import timedelta

import pytest
from stage import ANA, CYD

from shiftlead.core.approval import DecisionKind, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.errors import AlreadyDecided, BadInput, Conflict, Forbidden

DAYS = timedelta(hours=72)


@pytest.fixture
def waiting(stage):
    stage.open(amount="9000.00")
    stage.work()
    return stage


def test_it_goes_to_the_escalation_role_and_nothing_runs(waiting):
    old = waiting.pending()
    waiting.clock.advance(DAYS)
    waiting.work()
    assert waiting.requests("", RequestState.EXPIRED)[0].id == old.id
    fresh = waiting.pending()
    assert (fresh.role, fresh.digest, fresh.expires_at) == ("lead", old.digest, waiting.clock.now() + DAYS)
    assert waiting.journal() == []
    assert waiting.case().state is CaseState.WAITING


@pytest.mark.parametrize("swept", [False, True])
def test_who_approves_late_is_refused(waiting, swept):
    old = waiting.pending()
    waiting.clock.advance(DAYS)
    if swept:
        waiting.work()
    with pytest.raises(Conflict) as caught:
        waiting.approve(request=old)
    assert isinstance(caught.value, AlreadyDecided) is swept
    waiting.work()
    assert waiting.journal() == []
    assert waiting.events("decision.approve") == []


def test_a_moment_before_it_still_counts(waiting):
    waiting.clock.advance(DAYS - timedelta(microseconds=1))
    waiting.approve()
    waiting.work()
    assert waiting.journal() == ["invoice.post"]


def test_only_the_escalation_role_decides_then(waiting):
    waiting.clock.advance(DAYS)
    waiting.work()
    with pytest.raises(Forbidden, match="asked of the role 'lead'"):
        waiting.approve(ANA)
    waiting.approve(CYD)
    waiting.work()
    assert waiting.journal() == ["invoice.post"]


def test_it_expires_again_and_again_and_is_never_lost(waiting):
    for _ in range(5):
        waiting.clock.advance(DAYS)
        waiting.work()
    assert len(waiting.requests("", RequestState.EXPIRED)) == 5
    assert waiting.pending().role == "lead"
    assert waiting.journal() == []
    assert waiting.ledger.verify() == []


def test_snoozing_cannot_reach_past_the_expiry(waiting):
    with pytest.raises(BadInput, match="expires at"):
        waiting.decide(DecisionKind.SNOOZE, until=waiting.clock.now() + DAYS)
    waiting.decide(DecisionKind.SNOOZE, until=waiting.clock.now() + timedelta(hours=1))
    assert waiting.waiting() == []
    waiting.clock.advance(timedelta(hours=1))
    assert len(waiting.waiting()) == 1


def test_an_escalated_request_cannot_be_pulled_back_down(waiting):
    """Else an operator hands the request that was taken from them back to themselves."""
    waiting.decide(DecisionKind.ESCALATE)
    assert waiting.pending().role == "lead"
    with pytest.raises(Forbidden):
        waiting.decide(DecisionKind.ESCALATE, ANA, role="operator")
    assert waiting.pending().role == "lead"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (DecisionKind.APPROVE, {}),
        (DecisionKind.REJECT, {"reason": "not_now"}),
        (DecisionKind.RESPOND, {"text": "mine"}),
        (DecisionKind.ESCALATE, {}),
        (DecisionKind.SNOOZE, {"until": "soon"}),
    ],
)
def test_somebody_without_a_role_decides_nothing(waiting, kind, fields):
    from shiftlead.core.settings import Operator

    if "until" in fields:
        fields = {"until": waiting.clock.now() + timedelta(hours=1)}
    before = (waiting.pending(), waiting.ledger.ticks())
    with pytest.raises(Forbidden):
        waiting.decide(kind, Operator(name="eve", role="visitor"), **fields)
    assert (waiting.pending(), waiting.ledger.ticks()) == before

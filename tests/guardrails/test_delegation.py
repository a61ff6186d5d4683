"""Delegation: somebody acts for another for a time, never as a second person, and never further than once removed."""

from datetime import timedelta

import pytest
from stage import ANA, BEN, CYD, DAN, OPERATORS, ROSTER, Stage, signer

from shiftlead.core import delegations, inbox
from shiftlead.core.approval import DecisionKind, RequestState
from shiftlead.core.errors import BadInput, Conflict, Forbidden, NotFound
from shiftlead.core.roster import Roster
from shiftlead.core.settings import Operator
from shiftlead.guardrails.delegation import lend, take_back

HOUR = timedelta(hours=1)


@pytest.fixture
def stage(tmp_path, clock):
    opened = Stage.create(tmp_path, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def large(stage):
    """A request that only a lead may approve."""
    stage.open(amount="30000.00", plan="invoice.post")
    stage.work()
    assert stage.pending().role == "lead"
    return stage


def lent(stage, giver=CYD, receiver="ben", span=8 * HOUR, **given):
    fields = {"reason": "holiday", "signer": signer, "roster": ROSTER, **given}
    until = stage.clock.now() + span
    return lend(stage.ledger, stage.policy, giver=giver, receiver=receiver, until=until, **fields)


def decisions(stage):
    with stage.ledger.reading() as session:
        return inbox.decisions(session, case_id=stage.case().id)


def refused(stage, operator, match):
    before = stage.ledger.ticks()
    with pytest.raises(Forbidden, match=match):
        stage.approve(operator)
    assert stage.ledger.ticks() == before


def test_the_delegate_approves_for_the_giver_and_it_runs(large):
    refused(large, BEN, "asked of the role 'lead'")
    lent(large)
    assert large.approvals.hindrance(large.pending(), BEN) == ""
    large.approve(BEN)
    (decision,) = decisions(large)
    assert (decision.operator, decision.acting_for) == ("ben", "cyd")
    large.work()
    assert large.journal() == ["invoice.post"]


def test_ones_own_role_is_used_where_it_is_enough(stage):
    stage.open(amount="9000.00")
    stage.work()
    lent(stage)
    stage.approve(BEN)
    assert decisions(stage)[0].acting_for == ""


def test_it_may_not_be_passed_on(large):
    lent(large)
    with pytest.raises(Forbidden, match="role of the policy to lend"):
        lent(large, giver=Operator(name="ben", role="lead"), receiver="ana")
    own = lent(large, giver=BEN, receiver="ana")
    assert own.role == "operator", "what ben lends is his own"
    refused(large, ANA, "asked of the role 'lead'")


def test_a_row_that_passes_it_on_counts_for_nothing(large):
    lent(large)
    forged = lent(large, giver=BEN, receiver="ana")
    large.sql("update delegation set role = 'lead' where id = :i", i=forged.id)
    refused(large, ANA, "asked of the role 'lead'")


@pytest.mark.parametrize(
    "change",
    [
        "receiver = 'ana'",
        "giver = 'dan'",
        "ends_at = '2027-01-01 00:00:00.000000'",
        "starts_at = '2026-01-01 00:00:00.000000'",
        "reason = 'for ever'",
        "signature = ''",
    ],
)
def test_a_delegation_that_was_changed_counts_for_nothing(large, change):
    lent(large)
    large.approve(BEN)
    assert large.sql(f"update delegation set {change}") == 1
    large.work()
    assert large.journal() == [], "nor does what was decided with it"
    refused(large, BEN if "receiver" not in change else ANA, "asked of the role 'lead'")


def test_it_ends_by_itself(large):
    lent(large, span=HOUR)
    large.clock.advance(HOUR)
    refused(large, BEN, "asked of the role 'lead'")


def test_what_was_decided_in_its_time_counts_after_it_too(large):
    lent(large, span=HOUR)
    large.approve(BEN)
    large.clock.advance(2 * HOUR)
    large.work()
    assert large.journal() == ["invoice.post"]


def test_a_decision_outside_its_time_does_not_count_in_the_executor(large):
    """As where somebody's own program writes it with their own key."""
    lent(large, span=HOUR)
    large.approve(BEN)
    large.sql("update delegation set revoked_at = '2026-09-15 09:00:00.000000'")
    large.work()
    assert large.journal() == []
    assert "cyd had not lent it" in large.pending().reason


def test_it_can_be_taken_back(large):
    given = lent(large)
    with pytest.raises(Forbidden, match="may not end"):
        take_back(large.ledger, large.policy, given.id, operator=ANA)
    take_back(large.ledger, large.policy, given.id, operator=CYD)
    refused(large, BEN, "asked of the role 'lead'")
    with pytest.raises(Conflict, match="ended already"):
        take_back(large.ledger, large.policy, given.id, operator=CYD)
    assert [event.actor for event in large.events("delegation.given", "delegation.revoked")] == ["cyd", "cyd"]
    with large.ledger.reading() as session:
        assert delegations.listed(session, now=large.clock.now()) == ()


@pytest.mark.parametrize("operator", [BEN, DAN])
def test_receiver_and_equals_may_end_it(large, operator):
    given = lent(large)
    take_back(large.ledger, large.policy, given.id, operator=operator)
    refused(large, BEN, "asked of the role 'lead'")


@pytest.mark.parametrize(("maker", "giver"), [(CYD, CYD), (BEN, CYD)])
def test_the_delegate_does_not_approve_what_giver_or_delegate_made(stage, maker, giver):
    stage.open(amount="19000.00", plan="invoice.short_pay")
    stage.work()
    stage.decide(DecisionKind.ESCALATE, ANA)
    lent(stage, giver=giver)
    stage.decide(DecisionKind.EDIT, maker, changes={"amount": "18000.00"})
    for one in (BEN, CYD):
        refused(stage, one, "made or edited it|asked of the role")
    stage.approve(DAN)
    stage.work()
    assert stage.journal() == ["invoice.short_pay"]


def test_who_edits_for_another_makes_both_of_them_makers(stage):
    stage.open(amount="19000.00", plan="invoice.short_pay")
    stage.work()
    stage.decide(DecisionKind.ESCALATE, ANA)
    lent(stage)
    stage.decide(DecisionKind.EDIT, BEN, changes={"amount": "18000.00"})
    assert set(stage.actions()[0].makers) == {"worker:poster", "ben", "cyd"}
    refused(stage, CYD, "made or edited it")


def test_giver_and_delegate_are_one_person_of_two(stage):
    stage.open(amount="30000.00", plan="invoice.credit_memo")
    stage.work()
    lent(stage)
    stage.approve(BEN)
    refused(stage, CYD, "approved .* already")
    refused(stage, BEN, "approved .* already")
    assert stage.approve(DAN).state is RequestState.APPROVED
    stage.work()
    assert stage.journal() == ["invoice.credit_memo"]


def test_two_delegates_of_one_giver_are_one_person(stage):
    stage.open(amount="30000.00", plan="invoice.credit_memo")
    stage.work()
    lent(stage)
    lent(stage, receiver="ana")
    stage.approve(BEN)
    refused(stage, ANA, "approved .* already")
    stage.sql("update request set state = 'approved'")
    stage.sql("update action set state = 'approved'")
    stage.sql("update case_ set state = 'ready'")
    stage.work()
    assert stage.journal() == []


def test_a_giver_who_lost_the_role_lends_nothing(large, tmp_path):
    lent(large)
    large.approve(BEN)
    roster = Roster(operators={**OPERATORS, "cyd": "operator"}, keyring=ROSTER.keyring)
    large.crew.quorum.roster = roster
    large.work()
    assert large.journal() == []


@pytest.mark.parametrize(
    ("giver", "receiver", "span", "reason", "error", "says"),
    [
        (CYD, "nobody", HOUR, "holiday", NotFound, "not an operator"),
        (CYD, "cyd", HOUR, "holiday", BadInput, "nobody lends to themselves"),
        (CYD, "ben", HOUR, " ", BadInput, "needs a reason"),
        (CYD, "ben", timedelta(0), "holiday", BadInput, "at most 92 days"),
        (CYD, "ben", timedelta(days=93), "holiday", BadInput, "at most 92 days"),
        (Operator(name="cyd", role="operator"), "ben", HOUR, "holiday", Forbidden, "role of the policy to lend"),
        (Operator(name="eve", role="visitor"), "ben", HOUR, "holiday", Forbidden, "role of the policy to lend"),
    ],
)
def test_what_cannot_be_lent(stage, giver, receiver, span, reason, error, says):
    with pytest.raises(error, match=says):
        lent(stage, giver=giver, receiver=receiver, span=span, reason=reason)
    assert stage.events("delegation.given") == []


def test_nobody_lends_in_another_ones_name(stage):
    with pytest.raises(Forbidden, match="'eve', not of 'cyd'"):
        lent(stage, signer=signer("eve"))


def test_a_moment_without_a_zone_is_one_in_utc(stage):
    until = (stage.clock.now() + HOUR).replace(tzinfo=None)
    given = lend(stage.ledger, stage.policy, giver=CYD, receiver="ben", until=until, reason="x", signer=signer, roster=ROSTER)
    assert given.ends_at == stage.clock.now() + HOUR

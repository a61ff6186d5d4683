"""The kill switch: stopping is easy, a scope that does not exist is refused, resuming takes a reason and a second person."""

import pytest
from stage import ANA, BEN, CYD, ONE_PERSON, POLICY, Stage, signer

from shiftlead.core import bodies, switches
from shiftlead.core.errors import BadInput, Conflict, Forbidden
from shiftlead.core.settings import Operator
from shiftlead.guardrails import killswitch
from shiftlead.guardrails.approvals import Answer
from shiftlead.guardrails.killswitch import Resumed
from shiftlead.guardrails.policy import parse_policy

HOUSE, LONE = parse_policy(POLICY, origin="tests"), parse_policy(ONE_PERSON, origin="tests")


def stopped(ledger):
    with ledger.reading() as session:
        return [(one.scope, one.by, one.reason) for one in switches.thrown(session)]


def resume(ledger, scope, operator, reason="checked", policy=HOUSE):
    return killswitch.resume(ledger, scope, operator=operator, policy=policy, signer=signer, reason=reason)


@pytest.mark.parametrize("scope", ["all", "worker:invoices", "action:invoice.post", "party:C-104", "party:a:b", "party: x"])
def test_stopping_takes_no_reason(ledger, scope):
    killswitch.stop(ledger, scope, operator=ANA)
    assert stopped(ledger) == [(scope, "ana", "no reason given")]
    assert [event.kind for event in ledger.events()] == ["switch.stopped"]


@pytest.mark.parametrize("scope", ["", "ALL", "everything", "worker:", "worker", "action:", "party:", "case:1", " all", "all "])
def test_a_scope_that_would_stop_nothing_is_refused(ledger, scope):
    """A mistyped stop that is taken silently is worse than none."""
    with pytest.raises(BadInput, match="is no scope") as caught:
        killswitch.stop(ledger, scope, operator=ANA)
    with pytest.raises(BadInput):
        resume(ledger, scope, ANA)
    assert "worker:NAME" in caught.value.hint
    assert (stopped(ledger), ledger.events()) == ([], [])


def test_stopping_twice_keeps_the_later_reason(ledger):
    killswitch.stop(ledger, "all", operator=ANA, reason="  looks wrong ")
    killswitch.stop(ledger, "all", operator=BEN, reason="still wrong")
    assert stopped(ledger) == [("all", "ben", "still wrong")]


def test_it_runs_when_a_second_person_agrees_and_both_have_signed(ledger):
    killswitch.stop(ledger, "all", operator=ANA)
    assert resume(ledger, "all", ANA, "the mail server was mended") is Resumed.ASKED
    with ledger.reading() as session:
        (switch,) = switches.thrown(session)
    assert (switch.resume_by, switch.resume_reason) == ("ana", "the mail server was mended")
    assert resume(ledger, "all", BEN, "") is Resumed.RUNS
    assert stopped(ledger) == []
    asked, agreed = ledger.events()[1:]
    assert (asked.kind, asked.actor, agreed.kind, agreed.actor) == ("switch.resume_asked", "ana", "switch.resumed", "ben")
    assert agreed.data["asked_by"] == "ana"
    assert agreed.data["asked_because"] == asked.data["reason"], "no words in the chain"
    with ledger.reading() as session:
        assert bodies.read(session, "", agreed.data["reason"]) == "the mail server was mended"
    assert asked.data["signature"]
    assert agreed.data["signature"] not in ("", asked.data["signature"])


def test_whoever_asked_is_not_the_second_person(ledger):
    killswitch.stop(ledger, "all", operator=BEN)
    resume(ledger, "all", ANA)
    before = ledger.ticks()
    for name in ("ana", "ANA"):
        with pytest.raises(Forbidden, match="a second person agrees"):
            resume(ledger, "all", Operator(name=name, role="operator"))
    assert (len(stopped(ledger)), ledger.ticks()) == (1, before)


def test_whoever_stopped_it_may_be_one_of_the_two(ledger):
    killswitch.stop(ledger, "all", operator=ANA)
    resume(ledger, "all", BEN)
    assert resume(ledger, "all", ANA) is Resumed.RUNS


def test_a_new_stop_forgets_the_wish_to_resume(ledger):
    killswitch.stop(ledger, "all", operator=ANA)
    resume(ledger, "all", ANA)
    killswitch.stop(ledger, "all", operator=CYD, reason="it happened again")
    assert resume(ledger, "all", BEN) is Resumed.ASKED
    assert len(stopped(ledger)) == 1


def test_a_one_person_shop_resumes_alone_and_that_is_recorded(ledger):
    killswitch.stop(ledger, "all", operator=ANA)
    assert resume(ledger, "all", ANA, policy=LONE) is Resumed.RUNS
    assert ledger.events()[-1].data["mode"] == "one_person"


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_the_first_of_the_two_says_why(ledger, reason):
    killswitch.stop(ledger, "all", operator=ANA)
    with pytest.raises(BadInput, match="needs a reason"):
        resume(ledger, "all", ANA, reason)


def test_only_operators_with_a_role_of_the_policy_resume(ledger):
    killswitch.stop(ledger, "all", operator=ANA)
    with pytest.raises(Forbidden, match="no role 'visitor'"):
        resume(ledger, "all", Operator(name="eve", role="visitor"))


def test_nobody_resumes_with_another_ones_key(ledger):
    killswitch.stop(ledger, "all", operator=ANA)
    with pytest.raises(Forbidden, match="is that of 'eve'"):
        killswitch.resume(ledger, "all", operator=ANA, policy=HOUSE, signer=signer("eve"), reason="let me")
    assert [event.kind for event in ledger.events()] == ["switch.stopped"]


def test_resuming_one_scope_leaves_the_others(ledger):
    killswitch.stop(ledger, "all", operator=ANA)
    killswitch.stop(ledger, "party:S-1", operator=ANA)
    resume(ledger, "all", ANA)
    resume(ledger, "all", BEN)
    assert [scope for scope, _, _ in stopped(ledger)] == ["party:S-1"]
    with pytest.raises(Conflict):
        resume(ledger, "all", ANA)


@pytest.fixture
def stage(tmp_path, clock):
    opened = Stage.create(tmp_path, clock=clock)
    yield opened
    opened.close()


def test_what_is_approved_while_stopped_is_held_and_says_so(stage):
    stage.open(amount="9000.00")
    stage.work()
    stage.stop("party:S-I-1")
    told = stage.approve()
    assert told.message == "approved; held, since 'party:S-I-1' was stopped by ana"
    stage.work()
    assert stage.journal() == []
    stage.resume("party:S-I-1")
    stage.work()
    assert stage.journal() == ["invoice.post"], "it was held, not given up"


@pytest.mark.parametrize("scope", ["all", "worker:poster", "action:invoice.post", "party:S-I-1"])
def test_nothing_is_judged_while_it_is_stopped(stage, scope):
    stage.stop(scope)
    stage.open(party="S-I-1")
    stage.work()
    assert stage.actions() == []
    assert stage.events("action.judged", "request.opened") == []
    stage.resume(scope)
    stage.work()
    assert stage.journal() == ["invoice.post"]


def test_a_decision_on_what_waits_is_taken_while_all_is_stopped(stage):
    stage.open(amount="9000.00")
    stage.work()
    asked = stage.pending()
    stage.stop()
    stage.approvals.decide(Answer(request_id=asked.id, digest=asked.digest, kind="reject", reason="not_now"), ANA)
    assert stage.requests()[0].state == "rejected"

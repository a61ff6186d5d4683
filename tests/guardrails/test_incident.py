"""An incident from stop to close: nothing runs meanwhile, a person decides every follow-up, and the rule that failed is changed."""

import pytest
from stage import ANA, BEN, CYD, DAN, LEA, POLICY, Stage, signer

from shiftlead.core import incidents
from shiftlead.core.actions import ActionState
from shiftlead.core.approval import DecisionKind, Question, RequestState
from shiftlead.core.errors import BadInput, Conflict, Forbidden
from shiftlead.core.incidents import IncidentState, Selector
from shiftlead.core.receipt import Outcome
from shiftlead.core.switches import thrown
from shiftlead.core.verdict import Lane
from shiftlead.guardrails import lessons
from shiftlead.guardrails.incident import Incidents
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.reconciling import reconcile
from shiftlead.guardrails.remedy import Remedy

STRICTER = POLICY.replace("version: 1", "version: 2").replace("at_most: {EUR: 5000}", "at_most: {EUR: 100}", 1)
BY_S1 = Selector(rule="S-1")


@pytest.fixture
def stage(tmp_path):
    stage = Stage.create(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def handling(stage):
    return Incidents(stage.ledger, stage.policy, signing=signer)


def ask(stage):
    return lambda system, key: stage.connector.lookup(key)


def items(stage, incident):
    with stage.ledger.reading() as session:
        return incidents.items(session, incident.id)


def opened(stage, handling, *, before=("I-1", "I-2")):
    """Two invoices were posted alone, a third one was on its way when somebody stopped it."""
    for ref in before:
        stage.open(ref, "120.00")
    stage.work()
    incident = handling.open("posted to the wrong period", ["action:invoice.post"], operator=ANA)
    stage.open("I-3", "90.00")
    return incident


def test_opening_stops_and_tells_in_one_transaction(stage, handling):
    incident = opened(stage, handling)
    stage.work()
    assert stage.journal() == ["invoice.post", "invoice.post"]
    with stage.ledger.reading() as session:
        assert [one.scope for one in thrown(session)] == ["action:invoice.post"]
    assert incident.state is IncidentState.OPEN
    assert [one.kind for one in stage.events("switch.stopped", "incident.opened")] == ["switch.stopped", "incident.opened"]


@pytest.mark.parametrize(("title", "scopes"), [("", ["all"]), ("  ", ["all"]), ("x", ["everything"]), ("x", ["worker:"])])
def test_a_stop_that_is_none_opens_nothing(stage, handling, title, scopes):
    with pytest.raises(BadInput):
        handling.open(title, scopes, operator=ANA)
    assert stage.events() == []


def test_what_is_affected_is_found_by_rule_kind_policy_brain_worker_party_and_time(stage, handling):
    incident = opened(stage, handling)
    stage.open("I-9", "9000.00")
    stage.resume("action:invoice.post")
    stage.work()
    action = stage.actions(stage.case("I-1").id)[0]
    for selector, expected in (
        (BY_S1, {"I-1", "I-2", "I-3"}),
        (Selector(rule="S-2"), {"I-9"}),
        (Selector(kind="invoice.post", worker="poster"), {"I-1", "I-2", "I-3", "I-9"}),
        (Selector(party="S-I-2"), {"I-2"}),
        (Selector(policy="stage@1", rule="S-1"), {"I-1", "I-2", "I-3"}),
        (Selector(policy=action.verdict.policy_digest[:12], rule="S-2"), {"I-9"}),
        (Selector(brain="gpt@7"), set()),
        (Selector(kind="invoice.post", until=stage.clock.now()), set()),
    ):
        with stage.ledger.reading() as session:
            found = {one.envelope.proposal.action.target.id for one in incidents.affected(session, selector)}
        assert found == expected, selector
    assert incident.selectors == ()


def test_containing_freezes_what_ran_and_gives_the_rest_to_a_person(stage, handling):
    incident = opened(stage, handling)
    stage.open("I-4", "70.00")
    stage.resume("action:invoice.post")
    stage.crew.at = stage.crew.executor._at = Dies("execute.before_claim")
    stage.work()
    stage.crew.at = stage.crew.executor._at = lambda _: None
    found = handling.contain(incident.id, BY_S1, operator=ANA)
    assert (found.ran, found.held, found.new) == (2, 2, 4)
    for ref in ("I-3", "I-4"):
        (action,) = stage.actions(stage.case(ref).id)
        assert (action.state, action.lane, action.verdict.four_eyes) == (ActionState.WAITING, Lane.REVIEWED, True)
        assert stage.pending(stage.case(ref).id).reason.startswith("Incident")
    again = handling.contain(incident.id, BY_S1, operator=ANA)
    assert (again.new, again.evidence) == (0, found.evidence)
    stage.clock.advance(stage.lease * 20)
    stage.work()
    assert stage.journal() == ["invoice.post"] * 2, "what is affected does not run without a person"


class Dies:
    """An observer that lets every case fail at one boundary."""

    def __init__(self, boundary):
        self.boundary = boundary

    def __call__(self, boundary):
        if boundary == self.boundary:
            raise RuntimeError("the machine is overloaded")


def test_nothing_named_is_not_everything(stage, handling):
    incident = opened(stage, handling)
    with pytest.raises(BadInput, match="everything"):
        handling.contain(incident.id, Selector(), operator=ANA)


def test_every_case_gets_one_follow_up_and_a_person_decides_it(stage, handling):
    incident = opened(stage, handling)
    handling.contain(incident.id, BY_S1, operator=ANA)
    handling.excuse(incident.id, items(stage, incident)[0].action_id, "the supplier sent the money back", operator=BEN)
    asked = handling.correct(incident.id, operator=ANA)
    assert len(asked) == 1
    assert handling.correct(incident.id, operator=ANA) == (), "one for each case, however often somebody presses"
    assert asked[0].question is Question.HANDLE
    assert not reconcile(handling, incident.id, ask(stage), operator=ANA).ok
    stage.decide(DecisionKind.RESPOND, CYD, asked[0], text="reversed by hand, document 4711")
    found = reconcile(handling, incident.id, ask(stage), operator=ANA)
    assert (found.ok, [str(one.difference) for one in found.totals]) == (True, ["0.00"])


def test_a_remedy_waits_for_somebody_else_and_runs_once_through_the_executor(stage, handling):
    incident = opened(stage, handling)
    handling.contain(incident.id, BY_S1, operator=ANA)
    remedy = Remedy(kind="invoice.credit_memo", arguments={"reason": "wrong period"})
    asked = handling.correct(incident.id, operator=CYD, remedy=remedy)
    assert [one.question for one in asked] == [Question.APPROVE] * 2
    assert stage.journal() == ["invoice.post"] * 2, "nothing runs by itself"
    with pytest.raises(Forbidden, match="you made or edited it"):
        stage.approve(CYD, asked[0])
    for person in (DAN, LEA):
        for request in asked:
            stage.approve(person, request)
    stage.work()
    stage.work()
    assert sorted(stage.journal()) == ["invoice.credit_memo"] * 2 + ["invoice.post"] * 2
    found = reconcile(handling, incident.id, ask(stage), operator=ANA)
    (total,) = found.totals
    assert (found.ok, str(total.ledger), str(total.corrected), str(total.difference)) == (True, "240.00", "240.00", "0.00")
    assert stage.case("I-1").state.value == "closed"


def test_a_remedy_may_be_proposed_while_everything_is_stopped_and_is_held(stage, handling):
    incident = opened(stage, handling)
    handling.open("stop all of it", ["all"], operator=ANA)
    handling.contain(incident.id, BY_S1, operator=ANA)
    asked = handling.correct(incident.id, operator=CYD, remedy=Remedy(kind="invoice.hold", arguments={"reason": "wrong"}))
    stage.approve(DAN, asked[0])
    stage.work()
    assert stage.journal() == ["invoice.post"] * 2
    stage.resume("all")
    stage.clock.advance(stage.lease)
    stage.work()
    assert stage.journal() == ["invoice.post"] * 2 + ["invoice.hold"]


def test_containing_again_asks_nobody_twice(stage, handling):
    incident = opened(stage, handling)
    stage.open("I-9", "9000.00")
    stage.resume("action:invoice.post")
    stage.work()
    handling.contain(incident.id, Selector(rule="S-2"), operator=ANA)
    asked = stage.pending(stage.case("I-9").id)
    assert handling.contain(incident.id, Selector(kind="invoice.post"), operator=ANA).held == 1
    assert stage.pending(stage.case("I-9").id) == asked
    assert handling.contain(incident.id, Selector(rule="S-9"), operator=ANA).matched == 0


@pytest.mark.parametrize(
    ("remedy", "error"),
    [
        (Remedy(kind="invoice.refund"), BadInput),
        (Remedy(kind="invoice.credit_memo"), BadInput),
        (Remedy(kind="invoice.short_pay", arguments={"reason": "x", "amount": "20000.01"}), Forbidden),
    ],
    ids=["unknown", "an argument is missing", "prohibited"],
)
def test_a_remedy_that_does_not_fit_asks_nobody(stage, handling, remedy, error):
    incident = opened(stage, handling)
    handling.contain(incident.id, BY_S1, operator=ANA)
    with pytest.raises(error):
        handling.correct(incident.id, operator=ANA, remedy=remedy)
    assert stage.requests("", RequestState.PENDING) == []
    assert all(not one.follow_up for one in items(stage, incident))


def test_a_difference_between_ledger_and_outside_is_found_and_must_be_explained(stage, handling):
    incident = opened(stage, handling)
    handling.contain(incident.id, BY_S1, operator=ANA)
    for request in handling.correct(incident.id, operator=ANA):
        stage.decide(DecisionKind.RESPOND, CYD, request, text="looked at")
    lost = items(stage, incident)[0]
    blind = lambda system, key: None if key == lost.key else stage.connector.lookup(key)  # noqa: E731
    found = reconcile(handling, incident.id, blind, operator=ANA)
    assert (found.ok, [one.action for one in found.unexplained], str(found.totals[0].difference)) == (
        False,
        [lost.action_id],
        "120.00",
    )

    def silent(system, key):
        raise ConnectionError("no route")

    assert len(reconcile(handling, incident.id, silent, operator=ANA).unexplained) == 2
    unsure = lambda system, key: stage.connector.lookup(key).model_copy(update={"outcome": Outcome.UNKNOWN})  # noqa: E731
    assert {one.outside for one in reconcile(handling, incident.id, unsure, operator=ANA).lines} == {"unknown"}
    handling.excuse(incident.id, lost.action_id, "deleted by the vendor, ticket 12", operator=ANA)
    assert reconcile(handling, incident.id, blind, operator=ANA).ok


def reconciled(stage, handling):
    incident = opened(stage, handling)
    handling.contain(incident.id, BY_S1, operator=ANA)
    for request in handling.correct(incident.id, operator=ANA):
        stage.decide(DecisionKind.RESPOND, CYD, request, text="reversed by hand")
    assert reconcile(handling, incident.id, ask(stage), operator=ANA).ok
    return incident


def test_the_review_shows_that_the_changed_policy_stops_every_bad_case(stage, handling):
    incident = reconciled(stage, handling)
    same = lessons.review(handling, incident.id, stage.policy, operator=ANA)
    assert [one.after for one in same.still_alone] == [Lane.ALLOWED] * 2
    with pytest.raises(Conflict, match="reconciled, not reviewed"):
        handling.close(incident.id, "learned", operator=BEN)
    better = parse_policy(STRICTER, origin="stricter")
    found = lessons.review(handling, incident.id, better, operator=ANA)
    assert (found.still_alone, len(found.judged), found.changes.loosens) == ((), 2, False)
    assert found.changes.tightenings
    with pytest.raises(Forbidden, match="may not close incident"):
        Incidents(stage.ledger, better, signing=signer).close(incident.id, "learned", operator=ANA)
    with pytest.raises(Conflict, match="not in force"):
        handling.close(incident.id, "learned", operator=BEN)
    closed = Incidents(stage.ledger, better, signing=signer).close(incident.id, "the limit was too high", operator=BEN)
    assert closed.state is IncidentState.CLOSED
    with stage.ledger.reading() as session:
        assert thrown(session), "closing lets nothing run again by itself"
    assert stage.ledger.verify() == []


def test_a_cause_elsewhere_is_said_in_words(stage, handling):
    incident = reconciled(stage, handling)
    with pytest.raises(BadInput):
        lessons.unchanged(handling, incident.id, " ", operator=ANA)
    lessons.unchanged(handling, incident.id, "the ERP had the wrong period open", operator=ANA)
    assert handling.close(incident.id, "period closed", operator=BEN).state is IncidentState.CLOSED


def test_no_step_comes_before_its_turn(stage, handling):
    incident = opened(stage, handling)
    with pytest.raises(Conflict):
        handling.correct(incident.id, operator=ANA)
    with pytest.raises(Conflict):
        reconcile(handling, incident.id, ask(stage), operator=ANA)
    with pytest.raises(Conflict):
        lessons.review(handling, incident.id, stage.policy, operator=ANA)
    with pytest.raises(Conflict):
        handling.close(incident.id, "learned", operator=BEN)


def test_somebody_without_a_role_handles_nothing(stage, handling):
    incident = opened(stage, handling)
    with pytest.raises(Forbidden, match="no role"):
        handling.contain(incident.id, BY_S1, operator=ANA.model_copy(update={"role": "guest"}))

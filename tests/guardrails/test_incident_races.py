"""An incident stays in step with what happens meanwhile: lapsed follow-ups, remedies that did not run, and two people at once."""

from threading import Event, Thread

import pytest
from sqlalchemy import text
from stage import ANA, BEN, CYD, DAN, LEA, POLICY, Stage, signer

from shiftlead.core import inbox, incidents, queue
from shiftlead.core.actions import ActionState
from shiftlead.core.approval import DecisionKind, RequestState
from shiftlead.core.errors import Conflict
from shiftlead.core.incidents import IncidentState, Selector
from shiftlead.guardrails import lessons
from shiftlead.guardrails.incident import Incidents
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.reconciling import reconcile
from shiftlead.guardrails.remedy import Remedy

STRICTER = POLICY.replace("version: 1", "version: 2").replace("at_most: {EUR: 5000}", "at_most: {EUR: 100}", 1)
BY_S1 = Selector(rule="S-1")
MEMO = Remedy(kind="invoice.credit_memo", arguments={"reason": "wrong period"})


@pytest.fixture
def stage(tmp_path, ledger_url, clock):
    stage = Stage.create(tmp_path, url=ledger_url, clock=clock)
    yield stage
    stage.close()


@pytest.fixture
def handling(stage):
    return Incidents(stage.ledger, stage.policy, signing=signer)


def contained(stage, handling, *refs):
    for ref in refs or ("I-1",):
        stage.open(ref, "120.00")
    stage.work()
    incident = handling.open("posted to the wrong period", [], operator=ANA)
    handling.contain(incident.id, BY_S1, operator=ANA)
    return incident


def reconciles(stage, handling, incident):
    return reconcile(handling, incident.id, lambda system, key: stage.connector.lookup(key), operator=ANA).ok


def state_of(stage, incident):
    with stage.ledger.reading() as session:
        return incidents.get(session, incident.id).state


def test_a_follow_up_that_was_withdrawn_is_not_decided_and_is_asked_again(stage, handling):
    incident = contained(stage, handling)
    (asked,) = handling.correct(incident.id, operator=ANA)
    with stage.ledger.transaction() as tx:
        inbox.supersede(tx, asked.case_id, actor="cyd", why="tried again")
    assert not reconciles(stage, handling, incident)
    (again,) = handling.correct(incident.id, operator=ANA)
    assert again.id != asked.id
    stage.decide(DecisionKind.RESPOND, CYD, again, text="reversed by hand")
    assert handling.correct(incident.id, operator=ANA) == ()
    assert reconciles(stage, handling, incident)


def test_a_remedy_counts_when_it_has_run_not_when_it_was_approved(stage, handling):
    incident = contained(stage, handling)
    (asked,) = handling.correct(incident.id, operator=CYD, remedy=MEMO)
    stage.approve(DAN, asked)
    stage.approve(LEA, asked)
    assert not reconciles(stage, handling, incident)
    stage.work()
    assert stage.journal() == ["invoice.post", "invoice.credit_memo"]
    assert reconciles(stage, handling, incident)


def test_a_remedy_that_was_given_up_is_asked_again(stage, handling):
    incident = contained(stage, handling)
    (asked,) = handling.correct(incident.id, operator=CYD, remedy=MEMO)
    stage.sql("update action set state = 'refused' where id = :id", id=asked.action_id)
    stage.sql("update request set state = 'approved' where id = :id", id=asked.id)
    assert not reconciles(stage, handling, incident)
    assert len(handling.correct(incident.id, operator=CYD)) == 1


def test_a_remedy_that_a_person_rejected_is_decided(stage, handling):
    incident = contained(stage, handling)
    (asked,) = handling.correct(incident.id, operator=CYD, remedy=MEMO)
    stage.decide(DecisionKind.REJECT, DAN, asked, reason="the supplier agreed to it")
    assert handling.correct(incident.id, operator=CYD) == ()
    assert reconciles(stage, handling, incident)


def test_a_review_that_fails_later_takes_the_earlier_one_back(stage, handling):
    incident = contained(stage, handling)
    stage.decide(DecisionKind.RESPOND, CYD, handling.correct(incident.id, operator=ANA)[0], text="reversed by hand")
    assert reconciles(stage, handling, incident)
    lessons.review(handling, incident.id, parse_policy(STRICTER, origin="stricter"), operator=ANA)
    assert state_of(stage, incident) is IncidentState.REVIEWED
    assert lessons.review(handling, incident.id, stage.policy, operator=ANA).still_alone
    with pytest.raises(Conflict, match="not reviewed"):
        handling.close(incident.id, "learned", operator=BEN)


def test_what_is_contained_while_the_outside_is_asked_is_not_reconciled(stage, handling):
    incident = contained(stage, handling)
    stage.decide(DecisionKind.RESPOND, CYD, handling.correct(incident.id, operator=ANA)[0], text="reversed by hand")
    stage.open("I-2", "130.00")
    stage.work()

    def meanwhile(system, key):
        handling.contain(incident.id, BY_S1, operator=BEN)
        for request in handling.correct(incident.id, operator=BEN):
            stage.decide(DecisionKind.RESPOND, CYD, request, text="looked at")
        return stage.connector.lookup(key)

    with pytest.raises(Conflict, match="meanwhile"):
        reconcile(handling, incident.id, meanwhile, operator=ANA)
    assert state_of(stage, incident) is IncidentState.CORRECTED


@pytest.mark.parametrize("step", ["contain", "correct", "close"])
def test_two_people_who_press_at_once_do_it_once(stage, handling, step):
    incident = contained(stage, handling, "I-1", "I-2")
    if step == "close":
        for request in handling.correct(incident.id, operator=ANA):
            stage.decide(DecisionKind.RESPOND, CYD, request, text="reversed by hand")
        assert reconciles(stage, handling, incident)
        lessons.unchanged(handling, incident.id, "the ERP had the wrong period open", operator=ANA)
    told, refused = [], []

    def press():
        try:
            told.append(
                {
                    "contain": lambda: handling.contain(incident.id, BY_S1, operator=BEN).new,
                    "correct": lambda: len(handling.correct(incident.id, operator=BEN)),
                    "close": lambda: handling.close(incident.id, "learned", operator=BEN).state,
                }[step]()
            )
        except Conflict:
            refused.append(step)

    threads = [Thread(target=press) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(map(str, told)) == {"contain": ["0"] * 4, "correct": ["0", "0", "0", "2"], "close": ["closed"]}[step]
    assert len(refused) == (3 if step == "close" else 0)
    assert stage.ledger.verify() == []


def test_what_a_worker_is_about_to_send_is_either_held_or_counted_as_run(stage, handling, monkeypatch):
    """The worker has taken the right to send, and waits behind the person who contains; what they froze must stay true."""
    if stage.ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    stage.open("I-1", "120.00")
    incident = handling.open("posted to the wrong period", [], operator=ANA)
    ready, go, found = Event(), Event(), incidents.affected

    def at(boundary):
        if boundary == "execute.before_claim":
            ready.set()
            go.wait(30)

    def affected(session, selector):
        go.set()
        with stage.ledger.engine.connect() as watching:
            waits = text(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            )
            while worker.is_alive() and not watching.execute(waits).scalar():
                watching.rollback()
        return found(session, selector)

    stage.crew.at = stage.crew.executor._at = at
    monkeypatch.setattr(incidents, "affected", affected)
    worker = Thread(target=stage.work)
    worker.start()
    assert ready.wait(30)
    told = handling.contain(incident.id, BY_S1, operator=BEN)
    worker.join()
    (action,) = stage.actions(stage.case("I-1").id)
    assert (told.held, action.state, stage.journal()) == (1, ActionState.WAITING, [])


def test_a_case_that_was_taken_away_meanwhile_is_left_as_it_is(stage, handling):
    incident = contained(stage, handling)
    with stage.ledger.reading() as session:
        assert queue.get(session, stage.case("I-1").id).state.value == "closed"
    (asked,) = handling.correct(incident.id, operator=ANA)
    assert [one.state for one in stage.requests(stage.case("I-1").id)] == [RequestState.PENDING]
    assert asked.action_id is None


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_what_may_have_run_counts_as_run_and_is_never_given_to_a_person_to_send_again(stage, handling, state):
    stage.open("I-1", "120.00")
    stage.work()
    (action,) = stage.actions(stage.case("I-1").id)
    stage.sql("update effect set state = :state, receipt = null", state=state)
    stage.sql("update action set state = :state", state="unknown" if state == "unknown" else "proposed")
    incident = handling.open("posted to the wrong period", [], operator=ANA)
    told = handling.contain(incident.id, BY_S1, operator=ANA)
    assert (told.ran, told.held) == (1, 0)
    assert stage.actions(stage.case("I-1").id)[0].round == action.round
    handling.correct(incident.id, operator=ANA)
    assert not reconciles(stage, handling, incident), "an answer that is lost is a difference"


def test_a_remedy_for_a_case_that_a_worker_holds_waits_for_its_turn(stage, handling):
    incident = contained(stage, handling)
    stage.sql("update case_ set state = 'claimed'")
    (asked,) = handling.correct(incident.id, operator=CYD, remedy=MEMO)
    assert stage.case("I-1").state.value == "claimed", "whoever holds it is not disturbed"
    assert stage.pending(asked.case_id).id == asked.id
    assert stage.journal() == ["invoice.post"]

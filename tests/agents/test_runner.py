"""The runner: works until nothing is left, alone or in threads, and no case it fails on is lost."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError
from stage import Poster, Stage

from shiftlead.agents.runner import MAX_ATTEMPTS, Runner, Shift
from shiftlead.core import queue
from shiftlead.core.approval import Question
from shiftlead.core.case import CaseState


@pytest.fixture
def stage(tmp_path, clock):
    opened = Stage.create(tmp_path, clock=clock)
    yield opened
    opened.close()


DOWN = RuntimeError("the model is down")


def break_worker(stage, monkeypatch, *refs, error=DOWN, where="investigate"):
    real = getattr(Poster, where)

    def broken(self, desk, *given):
        if not refs or desk.item.external_id in refs:
            raise error
        return real(self, desk, *given)

    monkeypatch.setattr(Poster, where, broken)


def test_it_counts_what_it_did(stage):
    stage.open("I-1")
    stage.open("I-2", "9000.00")
    assert stage.work() == Shift(worked=2, waiting=1)
    assert stage.work() == Shift()


def test_once_takes_one_batch(stage):
    for number in range(5):
        stage.open(f"I-{number}")
    assert stage.runner.once(limit=2) == Shift(worked=2)
    assert len(stage.journal()) == 2


@pytest.mark.parametrize("concurrency", [2, 5])
def test_threads_share_the_work(stage, concurrency):
    for number in range(40):
        stage.open(f"I-{number}", "9000.00" if number % 4 == 0 else "10.00", plan="invoice.hold invoice.post")
    seen = []
    runner = Runner(stage.crew, owner="w1", batch=3, progress=seen.append)
    assert runner.until_idle(concurrency=concurrency) == Shift(worked=40, waiting=10)
    assert len(seen) == len(set(seen)) == 40
    assert len(stage.journal()) == 70
    assert stage.connector.duplicates() == {}
    assert stage.ledger.verify() == []


def test_a_lease_is_renewed_while_its_case_takes_long_also_once_the_ledger_was_away(stage, monkeypatch):
    tries, renewed, real = [], threading.Event(), Poster.investigate

    def renew(ledger, claims, lease):
        tries.append([held.case.external_id for held in claims])
        if len(tries) == 1:
            raise OperationalError("update case_", {}, OSError("the server went away"))
        renewed.set()

    def slow(self, desk):
        assert renewed.wait(30)
        return real(self, desk)

    monkeypatch.setattr(queue, "renew", renew)
    monkeypatch.setattr(Poster, "investigate", slow)
    stage.open("I-1")
    assert Runner(stage.crew, owner="w1", lease=timedelta(milliseconds=30)).until_idle() == Shift(worked=1)
    assert tries[:2] == [["I-1"], ["I-1"]]


def test_one_broken_case_does_not_stop_the_others(stage, monkeypatch):
    for number in range(6):
        stage.open(f"I-{number}")
    break_worker(stage, monkeypatch, "I-2", "I-3")
    assert stage.runner.until_idle(concurrency=2) == Shift(worked=6, failed=2)
    assert len(stage.journal()) == 4
    case = stage.case("I-2")
    assert (case.state, case.error) == (CaseState.READY, "RuntimeError: the model is down")
    (event,) = [one for one in stage.events("case.failed") if one.case_id == case.id]
    assert event.data == {"error": "RuntimeError"}, "what an error says may be somebody's text"


@pytest.mark.parametrize("where", ["investigate", "assess"])
def test_a_case_that_keeps_failing_is_parked_with_a_request_and_can_be_taken_up_again(stage, monkeypatch, where):
    stage.open()
    with monkeypatch.context() as patch:
        break_worker(stage, patch, where=where)
        for _ in range(MAX_ATTEMPTS + 2):
            stage.work()
            stage.clock.advance(timedelta(hours=1))
    assert stage.case().state is CaseState.PARKED
    assert len(stage.events("case.failed")) == MAX_ATTEMPTS - 1
    (request,) = stage.waiting()
    assert request.question is Question.HANDLE
    assert "the model is down" in request.reason
    assert stage.journal() == []


def test_a_failure_rests_longer_each_time(stage, monkeypatch):
    stage.open()
    break_worker(stage, monkeypatch)
    rests = []
    for _ in range(MAX_ATTEMPTS - 1):
        stage.work()
        ((wake_at,),) = stage.rows("select wake_at from case_")
        from datetime import UTC, datetime

        rests.append(datetime.fromisoformat(wake_at).replace(tzinfo=UTC) - stage.clock.now())
        stage.clock.advance(rests[-1])
    assert rests == sorted(rests)
    assert rests[0] < rests[-1] <= timedelta(minutes=15)


def test_a_success_counts_failures_from_nought_again(stage, monkeypatch):
    stage.open(amount="9000.00")
    with monkeypatch.context() as patch:
        break_worker(stage, patch)
        stage.work()
    stage.clock.advance(timedelta(hours=1))
    stage.work()
    assert (stage.case().state, stage.case().attempts) == (CaseState.WAITING, 0)


class Accident(BaseException):
    pass


def test_an_accident_in_a_thread_reaches_the_caller_and_the_rest_is_taken_over(stage, monkeypatch):
    for number in range(8):
        stage.open(f"I-{number}")
    with monkeypatch.context() as patch:
        break_worker(stage, patch, "I-3", error=Accident())
        with pytest.raises(Accident):
            stage.runner.until_idle(concurrency=2)
    stage.clock.advance(stage.lease * 2)
    stage.work()
    assert sorted(entry.target.id for entry in stage.connector.journal) == [f"I-{number}" for number in range(8)]
    assert stage.ledger.verify() == []


def test_a_proposal_that_is_not_valid_fails_that_case_only(stage):
    stage.open("I-1", plan="invoice.nonsense")
    stage.open("I-2", plan="ticket.reply")
    stage.open("I-3")
    assert stage.work() == Shift(worked=3, failed=2)
    assert "does not list 'ticket.reply'" in stage.case("I-2").error
    assert stage.journal() == ["invoice.post"]


def test_a_case_without_a_proposal_closes(stage):
    stage.open(plan="")
    assert stage.work() == Shift(worked=1)
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "no_action")


def test_a_question_of_the_worker_survives_what_happens_to_its_actions(stage):
    """The answer of the first effect is lost and settled by the system: the worker's own question must still be asked."""
    from shiftlead.connectors.faults import Fault, FaultKind
    from shiftlead.core.approval import DecisionKind

    stage.connector.faults.add(Fault(kind=FaultKind.LOST_ANSWER), Fault(kind=FaultKind.UNREACHABLE, operation="lookup"))
    stage.open(question="Is this supplier still ours?")
    for _ in range(3):
        stage.work()
        stage.clock.advance(timedelta(hours=1))
    assert stage.journal() == ["invoice.post"]
    (request,) = stage.waiting()
    assert request.reason == "Is this supplier still ours?"
    stage.decide(DecisionKind.RESPOND, request=request, text="yes")
    stage.work()
    assert stage.case().outcome == "handed_over"


def test_an_owner_has_a_name_by_default(stage):
    import os

    assert Runner(stage.crew).owner.endswith(f":{os.getpid()}")

"""The ladder: time reminds, reassigns, escalates and parks, each once and on record; it never approves."""

import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import ANA, BEN, CYD, POLICY, Stage

from shiftlead.core.approval import DecisionKind, Question, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.errors import PolicyError
from shiftlead.guardrails.ladder import Ladder, end_of, moment_of
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.rungs import DEFAULT

# The case of a stage is due after 24 hours, and its request expires after 72.
WHOLE = timedelta(hours=24)
STEPS = """
ladder:
  - {at: 0.25, do: remind}
  - {at: 0.5, do: reassign, to: ben}
  - {at: 0.75, do: escalate}
  - {at: 1, do: park}
"""
STEPPED = POLICY + STEPS


@pytest.fixture
def make(tmp_path, clock):
    opened = []

    def stage(policy=STEPPED, plan="invoice.post", amount="9000.00"):
        opened.append(Stage.create(tmp_path, clock=clock, policy=policy))
        opened[-1].open(amount=amount, plan=plan)
        opened[-1].work()
        return opened[-1]

    yield stage
    for one in opened:
        one.close()


def climb(stage, span=timedelta(0)):
    stage.clock.advance(span)
    return Ladder(stage.ledger, stage.policy).climb()


def steps(stage):
    return [event.kind for event in stage.events() if event.kind.startswith("request.") and event.kind != "request.opened"]


def test_every_step_in_its_time_and_once(make):
    stage = make()
    assert climb(stage, WHOLE / 4 - timedelta(seconds=1)) == 0
    assert climb(stage, timedelta(seconds=1)) == 1
    assert (stage.pending().ladder, stage.pending().role, stage.pending().assigned_to) == (1, "operator", "")
    assert climb(stage) == 0
    climb(stage, WHOLE / 4)
    assert (stage.pending().ladder, stage.pending().role, stage.pending().assigned_to) == (2, "operator", "ben")
    climb(stage, WHOLE / 4)
    assert (stage.pending().ladder, stage.pending().role, stage.pending().assigned_to) == (3, "lead", "")
    assert steps(stage) == ["request.reminded", "request.reassigned", "request.escalated"]
    climb(stage, WHOLE / 4)
    asked = stage.pending()
    assert (asked.question, asked.role, asked.ladder) == (Question.HANDLE, "lead", 0)
    assert stage.case().state is CaseState.PARKED
    assert steps(stage)[-1] == "request.parked"
    stage.work()
    assert stage.journal() == [], "time never approves"


def test_steps_that_were_missed_are_taken_one_after_the_other(make):
    stage = make()
    assert climb(stage, WHOLE * 0.8) == 1
    assert steps(stage) == ["request.reminded", "request.reassigned", "request.escalated"]


def test_a_person_takes_what_was_parked_and_nothing_of_it_is_sent(make):
    stage = make()
    climb(stage, WHOLE)
    stage.decide(DecisionKind.RESPOND, CYD, text="I paid it by hand.")
    stage.work()
    assert (stage.case().state, stage.case().outcome) == (CaseState.CLOSED, "handed_over")
    assert [one.state for one in stage.actions()] == ["cancelled"]
    assert stage.journal() == []


def test_an_answer_ends_the_climb(make):
    stage = make()
    climb(stage, WHOLE / 4)
    stage.approve(BEN)
    stage.work()
    climb(stage, WHOLE)
    assert steps(stage) == ["request.reminded"]
    assert stage.journal() == ["invoice.post"]


def test_a_new_request_begins_at_the_foot(make):
    stage = make(plan="invoice.short_pay")
    climb(stage, WHOLE / 2)
    stage.decide(DecisionKind.EDIT, ANA, changes={"amount": "8000.00"})
    assert (stage.pending().ladder, stage.pending().assigned_to) == (0, "")


def test_a_step_never_lowers_the_role(make):
    stage = make(POLICY + "ladder: [{at: 0.5, do: reassign, to: operator}]\n", amount="30000.00")
    assert stage.pending().role == "lead"
    climb(stage, WHOLE)
    assert stage.pending().role == "lead"


def test_what_nobody_can_be_asked_about_a_lost_effect_is_not_parked(make):
    """The outside may have it: that question stays until somebody has looked."""
    stage = make(POLICY + "ladder: [{at: 0.5, do: park}]\n")
    stage.approve()
    stage.sql("update action set state = 'unknown'")
    stage.sql("update case_ set state = 'ready'")
    stage.work()
    asked = stage.pending()
    assert asked.question is Question.RECONCILE
    climb(stage, WHOLE)
    assert stage.pending().id == asked.id


def test_without_a_ladder_there_are_reminders_and_then_expiry(make):
    stage = make(POLICY)
    assert stage.policy.ladder == DEFAULT
    climb(stage, WHOLE)
    assert steps(stage) == ["request.reminded", "request.reminded"]
    climb(stage, timedelta(hours=48))
    assert steps(stage)[-1] == "request.expired"
    assert stage.pending().role == "lead"


def test_expiring_counts_and_touches_nothing_else(make):
    stage = make(POLICY)
    assert climb(stage) == 0
    assert climb(stage, timedelta(hours=72)) == 1
    assert climb(stage) == 0
    assert stage.actions()[0].state == "waiting"


def test_one_ladder_goes_on_climbing(make):
    """The worker's own: it looks only at what is new."""
    stage = make()
    ladder = Ladder(stage.ledger, stage.policy)
    assert ladder.climb() == 0
    stage.clock.advance(WHOLE / 2)
    stage.open("I-2", "9000.00")
    stage.work()
    assert len(steps(stage)) == 2, "the worker climbed"
    stage.clock.advance(WHOLE / 4)
    assert ladder.climb() == 2
    assert [one.ladder for one in stage.waiting()] == [3, 2], "the second has half as long to its due time"


def test_many_workers_take_each_step_once(tmp_path, ledger_url, clock):
    stage = Stage.create(tmp_path, url=ledger_url, clock=clock, policy=STEPPED)
    for number in range(5):
        stage.open(f"I-{number}", "9000.00")
    stage.work()
    clock.advance(WHOLE * 0.6)
    threads = [threading.Thread(target=Ladder(stage.ledger, stage.policy).climb) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(steps(stage)) == ["request.reassigned"] * 5 + ["request.reminded"] * 5
    stage.close()


@pytest.mark.parametrize(
    ("ladder", "says"),
    [
        ("[{at: 0.5, do: approve}]", "do"),
        ("[{at: 0, do: remind}]", "at"),
        ("[{at: 1.5, do: remind}]", "at"),
        ("[{at: 0.5, do: reassign}]", "reassign needs `to`"),
        ("[{at: 0.5, do: remind, to: ben}]", "takes no `to`"),
        ("[{at: 0.5, do: escalate, to: emperor}]", "'emperor' is no role"),
        ("[{at: 0.9, do: remind}, {at: 0.5, do: remind}]", "not in order"),
        ("[{at: 0.5, do: park}, {at: 0.9, do: remind}]", "not in order"),
        ("[{at: 0.5, do: remind, when: now}]", "when"),
    ],
)
def test_a_ladder_that_does_not_stand_is_refused_at_load(ladder, says):
    with pytest.raises(PolicyError, match=says):
        parse_policy(f"{POLICY}ladder: {ladder}\n", origin="tests")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(1, 60 * 30), min_size=1, max_size=8))
def test_however_time_passes_nothing_is_approved(tmp_path_factory, clock, minutes):
    stage = Stage.create(tmp_path_factory.mktemp("ladder"), policy=STEPPED)
    stage.open(amount="9000.00")
    stage.work()
    for span in minutes:
        climb(stage, timedelta(minutes=span))
        stage.work()
    assert stage.journal() == []
    assert not stage.requests("", RequestState.APPROVED)
    assert len(stage.requests("", RequestState.PENDING)) == 1, "and somebody is asked"
    taken = [(event.data["request"], event.data["step"]) for event in stage.events() if "step" in event.data]
    assert len(taken) == len(set(taken))
    stage.close()


def test_where_the_due_time_is_past_the_expiry_counts(make):
    request = make().pending()
    late = request.model_copy(update={"due_at": request.created_at - timedelta(hours=1)})
    assert end_of(late) == request.expires_at
    assert moment_of(late, DEFAULT[0]) == request.created_at + timedelta(hours=36)
    assert end_of(late.model_copy(update={"expires_at": None})) is None

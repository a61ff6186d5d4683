"""Stop stops: after the kill switch's commit no effect starts in its scope, in any process, and resuming needs a reason."""

import itertools
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from stage import Stage

from shiftlead.core.case import CaseState
from shiftlead.core.errors import BadInput, Conflict
from shiftlead.guardrails.gate import Guard

WORKER = """
import sys
from pathlib import Path
from shiftlead.connectors.faults import Fault, FaultKind
from stage import Stage

def after_each():
    sent.append(1)
    if len(sent) == 10:
        print("sent", flush=True)
        sys.stdin.readline()

sent = []
stage = Stage(Path(sys.argv[1]), url=sys.argv[2], faults=[Fault(kind=FaultKind.CALL_AFTER, call=after_each, times=99)])
stage.work()
"""


def after_the_stop(stage):
    """The effects that started after the switch was thrown, by the order of the audit chain."""
    events = stage.ledger.events()
    stopped = next(event.seq for event in events if event.kind == "switch.stopped")
    return [event for event in events if event.kind == "effect.sending" and event.seq > stopped]


def test_after_the_commit_no_process_starts_an_effect(shared_stage, ledger_url, tmp_path):
    for number in range(25):
        shared_stage.open(f"I-{number}")
    command = [sys.executable, "-c", WORKER, str(tmp_path), ledger_url]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(Path(__file__).parent)}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "sent\n"
    shared_stage.stop("all")
    process.communicate("go on\n")
    assert process.returncode == 0
    assert after_the_stop(shared_stage) == []
    assert len(shared_stage.journal()) == 10, "the one on its way arrived, no other was sent"
    assert len(shared_stage.events("effect.done")) == 10
    shared_stage.work()
    assert len(shared_stage.journal()) == 10
    shared_stage.resume("all", reason="the duplicate was a false alarm")
    shared_stage.clock.advance(shared_stage.lease * 2)
    shared_stage.work()
    assert len(shared_stage.journal()) == 25, "nothing was lost meanwhile"
    assert shared_stage.ledger.verify() == []


def test_a_stop_that_comes_while_an_effect_is_being_admitted_is_ordered_with_it(tmp_path, ledger_url, clock):
    """Either the effect started before the stop in the chain, or it did not start; there is no third order."""
    reached, go_on = threading.Event(), threading.Event()

    class SlowGuard(Guard):
        def admit(self, *given, **named):
            reached.set()
            go_on.wait(2)
            return super().admit(*given, **named)

    stage = Stage.create(tmp_path, url=ledger_url, clock=clock)
    stage.crew.executor.gate = SlowGuard(stage.policy, clock)
    stage.open()
    worker = threading.Thread(target=stage.work)
    worker.start()
    assert reached.wait(30)
    stop = threading.Thread(target=lambda: (stage.stop("all"), go_on.set()))
    stop.start()
    worker.join()
    stop.join()
    assert after_the_stop(stage) == []
    stage.close()


@pytest.mark.parametrize(
    ("scope", "runs"),
    [
        ("all", []),
        ("worker:poster", []),
        ("action:invoice.post", ["I-3"]),
        ("party:S-I-1", ["I-2", "I-3"]),
        ("worker:triage", ["I-1", "I-2", "I-3"]),
        ("action:invoice.hold", ["I-1", "I-2"]),
        ("party:S-I", ["I-1", "I-2", "I-3"]),
    ],
)
def test_a_stop_holds_exactly_its_scope(stage, scope, runs):
    stage.stop(scope, reason="looks wrong")
    stage.open("I-1")
    stage.open("I-2")
    stage.open("I-3", plan="invoice.hold")
    stage.work()
    assert sorted(entry.target.id for entry in stage.connector.journal) == runs
    for ref in {"I-1", "I-2", "I-3"} - set(runs):
        case = stage.case(ref)
        assert (case.state, case.outcome) == (CaseState.READY, "")
        assert "was stopped by ana" in case.error
    stage.resume(scope, reason="checked")
    stage.clock.advance(stage.lease * 2)
    stage.work()
    assert sorted(entry.target.id for entry in stage.connector.journal) == ["I-1", "I-2", "I-3"]


def test_a_long_stop_parks_nothing(stage):
    stage.stop("all")
    stage.open()
    for _ in range(20):
        stage.work()
        stage.clock.advance(stage.lease)
    assert stage.case().state is CaseState.READY
    stage.resume("all", reason="checked")
    stage.work()
    assert stage.journal() == ["invoice.post"]


def test_what_was_approved_before_a_stop_waits_too(stage):
    stage.open(amount="9000.00")
    stage.work()
    stage.approve()
    stage.stop("action:invoice.post")
    stage.work()
    assert stage.journal() == []


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_resuming_needs_a_reason(stage, reason):
    stage.stop("all")
    before = stage.ledger.ticks()
    with pytest.raises(BadInput, match="reason"):
        stage.resume("all", reason=reason)
    assert stage.ledger.ticks() == before
    stage.open()
    stage.work()
    assert stage.journal() == []


def test_resuming_what_runs_is_a_conflict(stage):
    with pytest.raises(Conflict, match="is not stopped"):
        stage.resume("all", reason="checked")


def crowd(stage, *, queued, approved):
    """So many cases in the queue, and so many whose action a person has approved and that wait for their turn."""
    for number in range(approved):
        stage.open(f"A-{number}", "9000.00")
    stage.work()
    for request in stage.waiting():
        stage.approve(request=request)
    for number in range(queued):
        stage.open(f"Q-{number}")


def thrown_at_random(tmp_path, ledger_url, clock, seed, *, queued, approved, scope="all"):
    """Four workers on a crowd, the switch thrown after a random number of step boundaries; then everything runs again."""
    stage = Stage.create(tmp_path, url=ledger_url, clock=clock)
    crowd(stage, queued=queued, approved=approved)
    steps = random.Random(seed).randrange(1, 4 * (queued + approved))
    count, stopper = itertools.count(), threading.Lock()

    def boundary(_):
        with stopper:
            if next(count) == steps:
                stage.stop(scope)

    crews = [Stage(tmp_path, url=ledger_url, clock=clock, observer=boundary, owner=f"w{one}") for one in range(4)]
    threads = [threading.Thread(target=one.work) for one in crews]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert after_the_stop(stage) == [], "nothing starts after the switch's commit"
    sent = len(stage.journal())
    stage.work()
    assert len(stage.journal()) == sent, "nor when somebody starts another worker"
    held = [one.state for one in stage.rows("select state from action") if one.state not in ("done", "proposed", "approved")]
    assert held == [], "what was on its way is held, and neither given up nor asked about again"
    stage.resume(scope)
    stage.work()
    assert len(stage.journal()) == queued + approved, "and runs once it may"
    assert stage.connector.duplicates() == {}
    assert stage.ledger.verify() == []
    for one in (*crews, stage):
        one.close()


@pytest.mark.parametrize(("seed", "scope"), [(0, "all"), (1, "all"), (2, "worker:poster"), (3, "action:invoice.post")])
def test_the_switch_is_thrown_at_any_moment(tmp_path, ledger_url, clock, seed, scope):
    thrown_at_random(tmp_path, ledger_url, clock, seed, queued=30, approved=10, scope=scope)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_thousand_queued_and_fifty_on_their_way(tmp_path, ledger_url, clock, seed):
    thrown_at_random(tmp_path, ledger_url, clock, f"many {seed}", queued=1000, approved=50)

"""Kills one case at every boundary of its way and lets another process take over; one JSON line per boundary.

Run as `python crash_matrix.py FOLDER steps|statements PATH...`. The interpreter loads everything once and forks for every victim and
every successor, so that a whole matrix takes seconds. A dry run counts the boundaries: every step the crew reports and every
commit, or every SQL statement as well.
"""

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event
from stage import ANA, AT, BEN, LEASE, Stage, copied

from shiftlead.connectors.faults import parse_faults
from shiftlead.core.approval import DecisionKind, Question, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.clock import FrozenClock
from shiftlead.core.exposure import LONGEST, Spent

POST, HOLD = "invoice.post", "invoice.hold"

PATHS: dict[str, dict[str, Any]] = {
    "allowed": {},
    "reviewed": {"amount": "9000.00"},
    "two_actions": {"plan": f"{HOLD} {POST}", "amount": "9000.00", "journal": [HOLD, POST]},
    "lost_answer": {"faults": f"lost_answer:{POST}"},
    "moved": {"amount": "9000.00", "move": True},
    "lost_request": {"faults": f"lost_request:{POST} unreachable:lookup", "patient": True},
    "two_allowed_actions": {"plan": f"{HOLD} {POST}", "journal": [HOLD, POST]},
    "no_lookup": {"faults": f"lost_answer:{POST} no_lookup", "later": "no_lookup", "may_be_refused": True},
    "unreachable": {"faults": f"unreachable:{POST}:2"},
    "refused": {"faults": f"refuse:{POST}", "later": f"refuse:{POST}", "outcome": "refused", "journal": []},
    "rejected": {"amount": "9000.00", "reject": True, "outcome": "rejected", "journal": []},
    "edited": {"plan": "invoice.short_pay", "amount": "900.00", "edit": True, "journal": ["invoice.short_pay"]},
    "moved_after_the_first": {"plan": f"{HOLD} {POST}", "amount": "9000.00", "move": True, "journal": [HOLD, POST]},
}
"""What happens on each path; the person of the path answers whatever is asked. `later` are faults that outlive the victim."""


EXPOSURE = "select scope, spent from exposure order by scope"


def drive(stage: Stage, path: dict[str, Any]) -> None:
    """Work and answer as that path's person until the case is closed."""
    for number in range(12):
        stage.work()
        if stage.case().state is CaseState.CLOSED:
            return
        pending = stage.requests("", RequestState.PENDING)
        if pending and not (path.get("patient") and number == 0):
            answer(stage, path, pending[0])
        else:
            stage.clock.advance(timedelta(minutes=20))


def answer(stage: Stage, path: dict[str, Any], request: Any) -> None:
    if request.question is Question.RECONCILE:
        asked = next(one for one in stage.effects() if one.action_id == request.action_id)
        happened = any(entry.key == asked.key for entry in stage.connector.journal)
        stage.decide(DecisionKind.RESPOND, request=request, happened=happened)
    elif request.question is Question.HANDLE:
        stage.decide(DecisionKind.RESPOND, request=request, text="I did it myself.")
    elif path.get("reject"):
        stage.decide(DecisionKind.REJECT, request=request, reason="not_now")
    elif path.get("edit") and request.round == 1:
        stage.decide(DecisionKind.EDIT, request=request, changes={"amount": "850.00"})
    else:
        stage.approve(BEN if path.get("edit") else ANA, request)
        if path.get("move") and stage.connector.get(_invoice(), "I-1").number == "R-I-1":
            stage.connector.edit("invoice", "I-1", number="R-I-1/b")


def _invoice() -> Any:
    from shiftlead.connectors.records import Invoice

    return Invoice


def end(stage: Stage) -> dict[str, Any]:
    """Everything about how the case ended that must not depend on whether somebody was killed on the way."""
    case = stage.case()
    return {
        "state": case.state.value,
        "outcome": case.outcome,
        "actions": [(one.kind, one.state.value) for one in stage.actions() if one.state.value != "superseded"],
        "effects": sorted((one.operation, one.state.value) for one in stage.effects() if one.state.value != "cancelled"),
        "journal": stage.journal(),
        "duplicates": stage.connector.duplicates(),
        "breaks": [one.problem for one in stage.ledger.verify()],
        "exposure": [told for row in stage.rows(EXPOSURE) if (told := _committed(row.scope, row.spent))],
        "pending": [one.question.value for one in stage.requests("", RequestState.PENDING)],
        "checkpoint": stage.rows("select checkpoint is not null from case_")[0][0],
    }


def _committed(scope: str, spent: str) -> str:
    total = Spent.read(spent).within(LONGEST, AT)
    money = [f"{amount.normalize():f} {code}" for code, amount in sorted(total.money.items()) if amount]
    count = [f"{number} {kind}" for kind, number in sorted(total.count.items()) if number]
    return f"{scope}: {', '.join((*money, *count))}" if money or count else ""


def victim(folder: Path, path: dict[str, Any], grain: str, at: int) -> list[str]:
    """Drive the case and die at the `at`-th boundary; the names of those that were passed where there is none."""
    passed: list[str] = []

    def boundary(name: str) -> None:
        passed.append(name)
        if len(passed) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    stage = Stage(folder, observer=boundary, faults=parse_faults(path.get("faults", "")), owner="victim")
    engine = stage.ledger.engine
    event.listen(engine, "commit", lambda _: boundary("before commit"))
    if grain == "statements":
        event.listen(engine, "before_cursor_execute", lambda *given: boundary(f"before {given[2][:60]}"))
    drive(stage, path)
    return passed


def successor(folder: Path, path: dict[str, Any]) -> dict[str, Any]:
    """Take over after the lease, once the outside works again, and bring the case to its end."""
    lasting = path.get("later", "")
    stage = Stage(folder, clock=FrozenClock(AT + LEASE * 2), faults=parse_faults(lasting), owner="successor")
    drive(stage, path)
    return end(stage)


def forked(work: Callable[[], Any]) -> Any:
    """What `work` returns in a process of its own; None where that was killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            told = json.dumps({"ok": work()})
        except BaseException:  # noqa: BLE001 - told to the test, which fails with it
            told = json.dumps({"error": traceback.format_exc()[-1500:]})
        with os.fdopen(write, "w") as pipe:
            pipe.write(told)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    found = json.loads(told)
    return found.get("ok", {"error": found.get("error")})


def prepared(folder: Path, path: dict[str, Any]) -> Path:
    stage = Stage.create(folder)
    stage.open(amount=path.get("amount", "120.00"), plan=path.get("plan", "invoice.post"))
    stage.close()
    return folder


def warm_up(folder: Path, path: dict[str, Any]) -> None:
    """Import and build once what every fork needs, and leave no thread and no connection behind."""
    stage = Stage(folder)
    drive(stage, path)
    stage.close()
    assert threading.active_count() == 1


def dry_run(template: Path, folder: Path, path: dict[str, Any], grain: str) -> tuple[list[str], dict[str, Any]]:
    copied(template, folder)

    def run() -> Any:
        passed = victim(folder, path, grain, 0)
        return [passed, end(Stage(folder))]

    found = forked(run)
    return ([], found) if isinstance(found, dict) else (found[0], found[1])


def matrix(root: Path, name: str, grain: str) -> None:
    """Kill the case of one path at every boundary."""
    path = PATHS[name]
    root.mkdir()
    template = root / "template"
    template.mkdir()
    prepared(template, path)
    boundaries, undisturbed = dry_run(template, root / "dry", path, grain)
    print(json.dumps({"path": name, "number": 0, "boundary": "", "killed": False, "end": undisturbed}), flush=True)
    for number, boundary in enumerate(boundaries, start=1):
        folder = copied(template, root / f"kill-{number}")
        killed = forked(lambda folder=folder, number=number: victim(folder, path, grain, number)) is None
        found = forked(lambda folder=folder: successor(folder, path))
        told = {"path": name, "number": number, "boundary": boundary, "killed": killed, "end": found}
        print(json.dumps(told), flush=True)


def main() -> None:
    root, grain, names = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    (root / "warm").mkdir()
    warm_up(prepared(root / "warm", {}), {})
    for name in names:
        matrix(root / name, name, grain)


if __name__ == "__main__":
    main()

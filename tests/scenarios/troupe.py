"""Many processes at once: one interpreter loads everything, forks, and lets all of them go in the same moment.

Run as `python troupe.py FOLDER URL TASK COUNT`; prints one JSON line per process. Every process has its own connections.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stage import Stage, ticket

from shiftlead.connectors.base import Pulled
from shiftlead.core.approval import RequestState
from shiftlead.core.errors import AlreadyDecided, ShiftleadError
from shiftlead.core.settings import Operator

Ready = Callable[[], None]


def approve(stage: Stage, number: int, ready: Ready) -> Any:
    """Approve the one request that waits, as an operator of our own."""
    request = stage.requests(stage.case("I-1").id, RequestState.PENDING)[0]
    ready()
    try:
        return {"won": stage.approve(Operator(name=f"op{number}"), request).decision.operator}
    except ShiftleadError as error:
        return {"error": type(error).__name__, "message": error.message}


def work(stage: Stage, number: int, ready: Ready) -> Any:
    """Work until nothing is ready."""
    runner = stage.runner
    ready()
    return runner.until_idle().model_dump()


def intake(stage: Stage, number: int, ready: Ready) -> Any:
    """Take in the same thirty tickets as everybody else."""
    rows = [Pulled(external_id=f"T-{one}", item=ticket(f"T-{one}")) for one in range(30)]
    ready()
    return stage.crew.intake.take("memory.tickets", rows, {}).model_dump()


def mixed(stage: Stage, number: int, ready: Ready) -> Any:
    """Two people approve everything from both ends while the others work on what is there."""
    requests, runner, won = stage.waiting(), stage.runner, 0
    ready()
    if number > 1:
        return {"failed": sum(runner.until_idle().failed for _ in range(15))}
    for request in requests if number else reversed(requests):
        try:
            stage.approve(Operator(name=f"op{number}"), request)
            won += 1
        except AlreadyDecided:
            continue
    return {"decided": won}


TASKS = {"approve": approve, "work": work, "intake": intake, "mixed": mixed}


def main() -> None:
    folder, url, task, count = Path(sys.argv[1]), sys.argv[2], TASKS[sys.argv[3]], int(sys.argv[4])
    go_read, go_write = os.pipe()
    ready_read, ready_write = os.pipe()
    children: list[tuple[int, int]] = []
    for number in range(count):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(go_write)
            told = _played(lambda number=number: _part(folder, url, task, number, ready_write, go_read))
            with os.fdopen(write, "w") as pipe:
                pipe.write(told)
            os._exit(0)
        os.close(write)
        children.append((child, read))
    os.close(ready_write)
    waiting = 0
    while waiting < count and (beckoned := os.read(ready_read, count)):
        waiting += len(beckoned)
    os.close(go_write)
    for child, read in children:
        with os.fdopen(read) as pipe:
            print(pipe.read(), flush=True)
        os.waitpid(child, 0)


def _part(folder: Path, url: str, task: Callable[..., Any], number: int, ready_write: int, go_read: int) -> Any:
    stage = Stage(folder, url=url, owner=f"w{number}")

    def ready() -> None:
        os.write(ready_write, b".")
        os.close(ready_write)
        os.read(go_read, 1)

    return task(stage, number, ready)


def _played(part: Callable[[], Any]) -> str:
    try:
        return json.dumps(part())
    except BaseException:  # noqa: BLE001 - told to the test, which fails with it
        return json.dumps({"crashed": traceback.format_exc()[-2000:]})


if __name__ == "__main__":
    main()

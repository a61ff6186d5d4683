"""`shiftlead console`: the person's place, with the playbooks' words handed to the screens."""

import sys
from typing import TYPE_CHECKING

import typer

from ..core.errors import BadInput, ShiftleadError
from .cli_errors import complain
from .cli_session import Session, command

if TYPE_CHECKING:
    from .guide import Guide


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "console", prints_data=False)
    def console(session: Session) -> None:
        """Open the console on what waits for a person."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise BadInput("The console needs a terminal.", hint="Use `shiftlead inbox list` instead.")
        open_console(session)


def open_console(session: Session) -> None:
    """Open the console on a session's workspace; returns when the operator leaves."""
    from .app import run_console

    _ = session.policy  # says where the file is not what is in force, before anything is painted
    run_console(session.place, operator=session.operator, clock=session.clock, guides=guides(session))


def guides(session: Session) -> "dict[str, Guide]":
    """What each worker's playbook tells the person; a worker whose playbook cannot be read has none."""
    from .guide import Guide

    found: dict[str, Guide] = {}
    for worker in session.place.workspace.workers:
        try:
            playbook = session.playbook(worker)
        except ShiftleadError as error:
            complain(error)
            continue
        found[worker] = Guide(
            steps={step.number: step.text for step in playbook.steps},
            reasons=playbook.reject_reasons,
            targets={kpi.name: kpi.target for kpi in playbook.kpis},
        )
    return found

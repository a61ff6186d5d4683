"""`shiftlead audit`: does the chain hold, and the chain itself for whoever checks it elsewhere."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_errors import CHECK_FAILED
from .cli_find import find_case
from .cli_output import as_json
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..core.audit import AuditEvent
    from ..core.store import Ledger

app = group("The audit chain: verify it, export it.")

_BATCH = 1000


@command(app, "verify")
def verify(session: Session) -> None:
    """Walk the whole audit chain; exit code 1 where it does not hold."""
    with session.ledger() as ledger:
        broken, events = ledger.verify(), ledger.ticks()
    if session.out.as_json:
        session.out.data({"ok": not broken, "events": events, "breaks": broken})
    elif broken:
        session.out.text(*(f"event {one.seq}: {one.problem}" for one in broken))
        session.out.text(f"The audit chain is broken in {len(broken)} place{'s' * (len(broken) != 1)}.")
    else:
        session.out.text(f"The audit chain holds: {events} events.")
    if broken:
        raise typer.Exit(CHECK_FAILED)


@command(app, "export")
def export(
    session: Session,
    out: Annotated[Path | None, typer.Option(help="A file; standard output if not given.", show_default=False)] = None,
    case: Annotated[str, typer.Option(help="Only this case's events.", show_default=False)] = "",
) -> None:
    """Write the audit chain as JSON lines, one event on each, with its hash."""
    with session.ledger() as ledger:
        case_id = None
        if case:
            with ledger.reading() as reading:
                case_id = find_case(reading, case).id
        lines = (as_json(event) for event in _events(ledger, case_id))
        if out is None:
            for line in lines:
                typer.echo(line)
            return
        count = _write(out, lines)
    session.out.say(f"{count} events written to {out}.")


def _events(ledger: "Ledger", case_id: str | None) -> "Iterator[AuditEvent]":
    after = 0
    while batch := ledger.events(case_id=case_id, after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].seq


def _write(path: Path, lines: Iterator[str]) -> int:
    """Write all lines or nothing; returns how many."""
    part, count = path.with_name(f".{path.name}.{os.getpid()}.part"), 0
    try:
        with part.open("w", encoding="utf-8") as target:
            for line in lines:
                target.write(f"{line}\n")
                count += 1
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count

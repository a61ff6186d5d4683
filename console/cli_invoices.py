"""`shiftlead invoices`: invoice cases as JSON lines in, labels and routes as JSON lines out."""

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import BadInput
from .cli_problems import Problems
from .cli_session import Session, command, group

app = group("Invoices in a file: labels, route and confidence for each, without a workspace.")


@command(app, "assess")
def assess(
    session: Session,
    source: Annotated[Path, typer.Option("--input", help="JSON lines: an invoice with its records on each.")],
    target: Annotated[Path, typer.Option("--output", help="JSON lines: id, labels, route, confidence, auto.")],
    playbook: Annotated[Path | None, typer.Option(help="Another playbook than the shipped one.", show_default=False)] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 where a line could not be read.")] = False,
) -> None:
    """Assess every invoice of a file; a line that cannot be read is named, and the others go on."""
    from ..agents.invoice_assessment import assess_file
    from ..agents.playbook import load_playbook

    if source.resolve() == target.resolve():
        raise BadInput("--input and --output are the same file.", hint="Write the answers to another file.")
    summary = assess_file(source, target, playbook=load_playbook(playbook) if playbook else None)
    told = Problems(session.out)
    for problem in summary.problems:
        told.add(problem)
    told.close()
    if session.out.as_json:
        session.out.data({**dict(summary), "problems": [str(one) for one in summary.problems]})
    else:
        bad = (
            f", {len(summary.problems)} line{'' if len(summary.problems) == 1 else 's'} could not be read"
            if summary.problems
            else ""
        )
        session.out.text(f"{summary.n} assessed, {summary.auto} of them without a person{bad}; written to {target}.")
    if summary.problems and (strict or not summary.n):
        raise typer.Exit(2)

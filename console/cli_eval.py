"""`shiftlead eval`: do the workers do right, measured against the truth."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_errors import CHECK_FAILED
from .cli_session import Session, command, group

app = group("Evals: the workers against the truth, with a bar they must reach.")


@command(app, "invoices")
def invoices(
    session: Session,
    cases: Annotated[Path, typer.Option(help="JSON lines, as for `invoices assess`.")],
    truth: Annotated[Path, typer.Option(help="JSON lines: id, labels, route.")],
    playbook: Annotated[Path | None, typer.Option(help="Another playbook than the shipped one.", show_default=False)] = None,
    min_exact: Annotated[float, typer.Option(min=0, max=1, help="The bar: share of cases with exactly right labels.")] = 0.97,
    max_wrong_auto: Annotated[int, typer.Option(min=0, help="The bar: cases posted that should not have been.")] = 0,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML for CI here.", show_default=False)] = None,
) -> None:
    """Assess invoice cases and compare with the truth; exit code 1 below the bar."""
    from ..agents.playbook import load_playbook
    from ..evals.invoices import score_invoices

    report = score_invoices(cases, truth, playbook=load_playbook(playbook) if playbook else None)
    if junit:
        junit.write_text(report.as_junit(), encoding="utf-8")
    wrong = len(report.wrong_autos.ids)
    passed = (report.exact_labels.value or 0.0) >= min_exact and wrong <= max_wrong_auto
    if session.out.as_json:
        session.out.data({"passed": passed, **report.as_data()})
    else:
        session.out.text(*report.text().splitlines())
        bar = f"labels exactly right >= {min_exact:.1%}, wrong automatic posts <= {max_wrong_auto}"
        session.out.text("", f"{'Passed' if passed else 'Below the bar'}: {bar}.")
    if not passed:
        raise typer.Exit(CHECK_FAILED)

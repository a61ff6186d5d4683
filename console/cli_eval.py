"""`shiftlead eval`: do the workers do right, measured against the truth."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from .cli_errors import CHECK_FAILED
from .cli_session import Session, command, group

app = group("Evals: workers and guardrails against the truth, with a bar they must reach.")

GUARD_SUITES = {
    "retail": ("guard_policies", "run_retail", True),
    "airline": ("guard_policies", "run_airline", True),
    "agentdojo": ("guard_episodes", "run", False),
}
"""Every suite of `eval guard`: its module in `evals`, the function that runs it, and whether that takes a folder of records."""


class GuardResult(Protocol):
    """What a suite of `eval guard` answers."""

    @property
    def passed(self) -> bool:
        """Whether every bar was reached."""

    def text(self) -> str:
        """A table for people."""

    def as_data(self) -> dict[str, Any]:
        """The same as JSON types."""


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


@command(app, "guard")
def guard(
    session: Session,
    suite: Annotated[str, typer.Option(help=f"{', '.join(GUARD_SUITES)} or all.")] = "all",
    data: Annotated[
        Path | None,
        typer.Option(help="A folder with the benchmarks' own files instead of the shipped records.", show_default=False),
    ] = None,
) -> None:
    """Try policies with violations and legitimate writes; exit code 1 where a bar is missed."""
    results = [_guard_result(name, data) for name in _suites(suite, data)]
    passed = all(result.passed for result in results)
    if session.out.as_json:
        session.out.data({"passed": passed, "suites": [result.as_data() for result in results]})
    else:
        for result in results:
            session.out.text(*result.text().splitlines(), "")
        session.out.text("Passed." if passed else "A bar was missed.")
    if not passed:
        raise typer.Exit(CHECK_FAILED)


@command(app, "company")
def company(
    session: Session,
    seeds: Annotated[str, typer.Option(help="Which made-up companies: 110-139, or 3,5,8.")] = "110-139",
    size: Annotated[int, typer.Option(min=4, help="How many cases wait in each.")] = 340,
    max_error: Annotated[float, typer.Option(min=0.001, max=0.5, help="The share of wrong actions to certify.")] = 0.03,
    write: Annotated[Path | None, typer.Option(help="Write the track record here.", show_default=False)] = None,
) -> None:
    """Try the triage worker on made-up companies; exit code 1 where less than the error asked for cannot be proven."""
    from ..evals.company import score_company, seeds_in
    from ..evals.track_record import record_of, write_record
    from .cli_progress import Progress

    named = seeds_in(seeds)
    bar = Progress("Trying", len(named))
    report = score_company(named, size=size, target=max_error, step=bar.step)
    bar.close()
    passed = all(one.certification is not None and one.certification.certified for one in report.kinds)
    if session.out.as_json:
        session.out.data({"passed": passed, **report.as_data()})
    else:
        bar_text = f"at most {max_error:.1%} wrong, proven for {' and '.join(one.kind for one in report.kinds)}"
        session.out.text(*report.text().splitlines(), "", f"{'Passed' if passed else 'Below the bar'}: {bar_text}.")
    if write:
        write_record(record_of(report), write)
        session.out.say(f"Written to {write}.")
    if not passed:
        raise typer.Exit(CHECK_FAILED)


def _suites(named: str, data: Path | None) -> list[str]:
    from ..core.errors import BadInput

    if named not in (*GUARD_SUITES, "all"):
        raise BadInput(f"There is no guard suite {named!r}.", hint=f"Suites are {', '.join(GUARD_SUITES)} and all.")
    if named == "all":
        return list(GUARD_SUITES)
    if data is not None and not GUARD_SUITES[named][2]:
        raise BadInput(f"The guard suite {named!r} reads no folder.", hint="Leave --data out, or name another suite.")
    return [named]


def _guard_result(name: str, data: Path | None) -> GuardResult:
    module, function, takes_folder = GUARD_SUITES[name]
    run = getattr(import_module(f"..evals.{module}", __package__), function)
    result: GuardResult = run(data) if takes_folder else run()
    return result

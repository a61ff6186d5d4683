"""`shiftlead brain drift`: whether what a worker is sent still means what it meant."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import BadInput, SettingsError
from .cli_errors import CHECK_FAILED
from .cli_output import moment
from .cli_session import Session, command
from .cli_standing import lane_told

if TYPE_CHECKING:
    from ..agents.drifting import DriftReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "drift")(_drift)


def _drift(
    session: Session,
    worker: Annotated[str, typer.Option("--worker", metavar="WORKER", help="The worker whose texts are compared.")] = "triage",
) -> None:
    """Compare what the newest texts mean with those before, lane by lane. It only warns, and changes no lane.

    Exit code 1 where they mean something else.
    """
    reports = _reports(session, worker)
    _check_enough(worker, reports)
    if session.out.as_json:
        session.out.data([{**one.model_dump(), "warns": one.warns} for one in reports])
    else:
        for one in reports:
            _show(session, one)
    if skipped := next((one.skipped for one in reports if one.skipped), ""):
        raise SettingsError(
            f"What the texts mean was not compared: {skipped}",
            hint="Words and letters alone show no new kind of text. Install the encoder, then look again.",
        )
    if any(one.warns for one in reports):
        session.out.say("Nothing was changed. `shiftlead brain status` shows the certificates, `brain revoke` closes a lane.")
        raise typer.Exit(CHECK_FAILED)


def _reports(session: Session, name: str) -> "tuple[DriftReport, ...]":
    from ..agents.champions import Champions
    from ..agents.crew import open_workers
    from ..agents.drifting import drifts
    from ..agents.text_worker import TextWorker

    known = {key: one for key, one in open_workers(session.place).items() if isinstance(one, TextWorker)}
    if name not in known:
        told = ", ".join(sorted(known)) or "none"
        raise BadInput(f"No worker {name!r} of this workspace has a text brain.", hint=f"Those that do: {told}.")
    keyring = session.place.roster().keyring
    with session.ledger() as ledger:
        policy = session.in_force(ledger).policy
        at_work = Champions(ledger, keyring).cast(known[name]).worker
        assert isinstance(at_work, TextWorker)
        with ledger.reading() as reading:
            return drifts(reading, at_work, policy, keyring, at=ledger.clock.now())


def _check_enough(worker: str, reports: "tuple[DriftReport, ...]") -> None:
    """Raise BadInput where there is no lane with enough texts."""
    from ..agents.drifting import LEAST

    if any(not one.missing for one in reports):
        return
    missing = min((one.missing for one in reports), default=2 * LEAST)
    raise BadInput(
        f"The texts of {worker} are too few to compare: {missing} more are missing in the lane that has the most.",
        hint=f"A lane needs {LEAST} new ones and {LEAST} before them. Look again when more came in.",
    )


def _show(session: Session, one: "DriftReport") -> None:
    out = session.out
    language = f", in {one.language}" if one.language else ""
    out.text(f"{lane_told(one.stand)}{language}")
    if one.missing:
        out.text(f"too few: {one.missing} more texts are missing", "")
        return
    against = f"those up to {one.certificate}" if one.certificate else "those before"
    since = f" since {moment(one.since)}" if one.since else ""
    out.text(f"the newest {one.newest}{since}, against {against} ({one.before})", _meaning(one))
    out.table(("number", ">before", ">newest", ">PSI", ">KS p", "meaning"), [_row(number) for number in one.numbers])
    if one.warns:
        out.text("look here, like nothing before:")
        out.table(("case", "taken for"), [(case.case_id, case.label) for case in one.strange])
    out.text("")


def _meaning(one: "DriftReport") -> str:
    if one.p is None:
        return "what they mean was not compared"
    told = f"MMD p = {one.p:.4f}"
    return f"WARNING: they mean something else than before ({told})" if one.warns else f"they mean what they meant ({told})"


def _row(number: Any) -> tuple[str, ...]:
    shown = (f"{value:.3g}" for value in (number.before, number.newest))
    return (number.name, *shown, f"{number.psi:.2f}", f"{number.p:.4f}", number.meaning)

"""`shiftlead brain status|revoke`: how far each lane has come, what was closed, and the end of a certificate."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_output import moment
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..core.outcomes import Stand
    from ..core.store import Ledger
    from ..guardrails.stages import Closing, LaneStanding


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "status")(_status)
    command(app, "revoke")(_revoke)


def _status(
    session: Session,
    worker: Annotated[str, typer.Option("--worker", metavar="WORKER", help="Of this worker only.", show_default=False)] = "",
    every: Annotated[bool, typer.Option("--all", help="Also lanes of brains that nobody decided about in the last 30 days.")] = False,
) -> None:  # fmt: skip
    """Show how far each lane has come: its stage, its certificate, and what is missing until it runs alone."""
    from ..core import certificates
    from ..guardrails.stages import ALARMS, closings, standings

    names = [worker] if worker else list(session.place.workspace.workers)
    with session.ledger() as ledger:
        policy, at = session.in_force(ledger).policy, ledger.clock.now()
        beside = _beside(session, ledger, names)
        with ledger.reading() as reading:
            issued = certificates.listed(reading, worker=worker)
            keyring = session.place.roster().keyring
            lanes = standings(reading, policy, keyring, at=at, workers=names, beside=beside, every=every)
    closed = closings(issued, since=at - ALARMS)
    if session.out.as_json:
        session.out.data({"owner": policy.owner, "closed": closed, "lanes": lanes})
        return
    if closed:
        session.out.text(f"For {policy.owner}:", *(f"  {closed_told(one)}" for one in closed), "")
    session.out.table(
        ("worker", "kind", "slice", "brain", "stage", ">right", "certificate", "next"),
        [_row(one) for one in lanes],
        empty="Nothing was decided yet about what a brain proposed.",
    )


def closed_told(one: "Closing") -> str:
    """A closing in a line, for whoever answers for the lane."""
    return f"closed {moment(one.at)} by {'an alarm' if one.alarm else one.by}: {lane_told(one.stand)}: {one.why}"


def lane_told(stand: "Stand") -> str:
    """`triage ticket.route language=en (embedded@1+triage-0f3a…)`: a lane in few words."""
    return f"{' '.join(part for part in (stand.worker, stand.kind, stand.slice) if part)} ({stand.brain})"


def _row(one: "LaneStanding") -> tuple[str, ...]:
    from ..guardrails.grounds import promise

    held = one.certificate
    told = f"{promise(held)}, n = {held.n}, until {one.until:%Y-%m-%d}" if held else ""
    right = f"{one.right}/{one.n}" if one.n else ""
    return (*one.stand.model_dump().values(), str(one.stage or "by rule"), right, told, "; ".join(_next(one)))


def _next(one: "LaneStanding") -> list[str]:
    from ..guardrails.grounds import from_on

    told: list[str] = []
    if one.ends_soon:
        told.append(f"ends on {one.until:%Y-%m-%d}")
    if one.progress is not None and one.progress.missing:
        floor = "" if one.progress.floor is None else f" from {from_on(one.progress.floor)} on"
        told.append(f"missing: at least {one.progress.missing} right decisions in a row{floor}")
    if one.progress is not None and not one.progress.readable:
        told.append("its test cannot be read and begins anew")
    if one.closed is not None and one.certificate is None:
        told.append(f"closed {moment(one.closed.at)}: {one.closed.why}")
    return told


def _beside(session: Session, ledger: "Ledger", names: list[str]) -> "list[Stand]":
    """The lanes of the challengers."""
    from ..core import brains
    from ..core.outcomes import Stand

    with ledger.reading() as reading:
        known = [one for name in names if (one := brains.challenger(reading, name)) is not None]
    if not known:
        return []
    from ..agents.crew import open_workers
    from ..agents.text_worker import TextWorker, envelope_name

    workers = {name: one for name, one in open_workers(session.place).items() if isinstance(one, TextWorker)}
    return [
        Stand(worker=one.worker, kind=workers[one.worker].taught_by, brain=envelope_name(one.name))
        for one in known
        if one.worker in workers
    ]


def _revoke(
    session: Session,
    certificate: Annotated[str, typer.Argument(metavar="CERT", help="The certificate's id.")],
    reason: Annotated[str, typer.Option(help="Why it does not count any more.", show_default=False)] = "",
) -> None:
    """End a certificate before its time; what it covered is reviewed from now on."""
    from ..guardrails.vouching import revoke

    with session.ledger() as ledger:
        policy = session.in_force(ledger).policy
        ended = revoke(ledger, policy, certificate, session.operator, reason=reason)
    if session.out.as_json:
        session.out.data(_told(ended))
        return
    stand = ended.stand
    where = f"{stand.kind}{f' ({stand.slice})' if stand.slice else ''} of {stand.worker}"
    session.out.text(
        f"{ended.id} does not count any more; another certificate may still cover {where}: `shiftlead brain status`."
    )


def _told(one: Any) -> dict[str, Any]:
    return {"id": one.id, "stand": one.stand, "revoked_at": one.revoked_at, "revoked_by": one.revoked_by, "why": one.why}

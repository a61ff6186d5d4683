"""`shiftlead privacy`: what the ledger holds about a customer or supplier, handed out or erased."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import BadInput
from .cli_output import as_json, moment
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..core.erasure import Erased

app = group("Personal data: everything the ledger holds about one customer or supplier, handed out or erased.")

Named = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's or supplier's id, name or e-mail address.")]
Also = Annotated[list[str] | None, typer.Option(help="Another name or address of theirs; may be repeated.", show_default=False)]


@command(app, "export")
def export(
    session: Session,
    customer: Named,
    also: Also = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; standard output where left out.", show_default=False)
    ] = None,
) -> None:
    """Write everything the ledger holds about somebody as one JSON document; only the highest role may."""
    from ..core import privacy
    from ..guardrails.erasing import check_may_erase

    check_may_erase(session.policy, session.operator)
    with session.ledger() as ledger, ledger.reading() as reading:
        about = privacy.subject(reading, (customer, *(also or ())))
        found = privacy.export(reading, about)
    if out is None:
        session.out.data(found)
        return
    _write(out, found)
    told = {"file": str(out), "cases": len(about.cases), "mentioned_in": list(about.mentioned_in)}
    if session.out.as_json:
        session.out.data(told)
    else:
        session.out.text(f"{len(about.cases)} case(s) of theirs are in {out}.")
        _mentions(session, about.mentioned_in)
        if not about.cases:
            session.out.say(f"warning: The ledger holds no case of {customer!r}; try the id, the name or the e-mail address.")


@command(app, "erase")
def erase(
    session: Session,
    customer: Named,
    reason: Annotated[str, typer.Option(help="Who asked for it and when; do not name the person.")],
    also: Also = None,
    even_retained: Annotated[
        bool, typer.Option("--even-retained", help="Also what a law asks to keep; the reason must say why it does not apply.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
) -> None:
    """Blank what the closed cases of somebody hold in words; ids, amounts, digests and times stay. Only the highest role may."""
    from ..core import erasure
    from ..guardrails import erasing

    names = (customer, *(also or ()))
    if dry_run:
        _told_before(session, names)
        return
    with session.ledger() as ledger:
        done = erasing.erase(
            ledger, session.policy, names, operator=session.operator, reason=reason, even_retained=even_retained
        )
        scrubbed = erasure.scrub(ledger)
    if session.out.as_json:
        session.out.data({**done.model_dump(), "scrubbed": scrubbed})
        return
    _told_after(session, done)
    if not scrubbed:
        session.out.say(
            "The file was in use, so old pages of it may still hold what was erased: run `shiftlead privacy scrub`."
        )


@command(app, "scrub")
def scrub(session: Session) -> None:
    """Take what was erased out of the ledger's file too, which needs it for itself for a moment."""
    from ..core import erasure
    from ..core.errors import Conflict

    with session.ledger() as ledger:
        if not erasure.scrub(ledger):
            raise Conflict("The ledger's file is in use.", hint="Stop `shiftlead work` and the console, then try again.")
    if session.out.as_json:
        session.out.data({"scrubbed": True})
    else:
        session.out.text("The ledger's file holds nothing that was erased any more; its backups may.")


def _told_before(session: Session, names: tuple[str, ...]) -> None:
    from ..core import erasure, privacy
    from ..guardrails.erasing import check_may_erase

    check_may_erase(session.policy, session.operator)
    years = max(session.policy.retention_years, erasure.RETENTION_YEARS)
    with session.ledger() as ledger, ledger.reading() as reading:
        about = privacy.subject(reading, names)
        kept = erasure.retained(reading, about.cases, now=ledger.clock.now(), years=years)
    told = {"known_as": about.known_as, "cases": about.cases, "retained": kept, "mentioned_in": about.mentioned_in}
    if session.out.as_json:
        session.out.data(told)
        return
    session.out.text(f"Known as {', '.join(about.known_as)}; {len(about.cases)} case(s): {', '.join(about.cases) or 'none'}.")
    _retained(session, kept)
    _mentions(session, about.mentioned_in)


def _told_after(session: Session, done: "Erased") -> None:
    rows = ", ".join(f"{count} {name.strip('_')}" for name, count in sorted(done.counts.items()))
    session.out.text(f"Erased from {len(done.cases)} case(s): {rows or 'nothing'}.")
    _retained(session, done.retained)
    _mentions(session, done.mentioned_in)


def _retained(session: Session, kept: Any) -> None:
    for one in kept:
        session.out.text(f"Kept until {moment(one.until)}: case {one.case}, since {one.why}.")


def _mentions(session: Session, cases: tuple[str, ...]) -> None:
    if cases:
        session.out.text(f"Texts of other cases mention them; look at {', '.join(cases)}.")


def _write(out: Path, found: dict[str, Any]) -> None:
    try:
        # Created for its owner only: it is everything about a person.
        with open(out, "x", encoding="utf-8", opener=_private) as file:
            file.write(as_json(found, indent=2) + "\n")
    except FileExistsError as error:
        raise BadInput(f"{out} exists already.", hint="Name another file.") from error
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.", hint="Name another file.") from error


def _private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)

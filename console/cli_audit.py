"""`shiftlead audit`: does the chain hold, and what somebody elsewhere needs to check that."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_errors import CHECK_FAILED
from .cli_find import find_case
from .cli_notary import notary, places
from .cli_output import as_json
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..core.audit import AuditEvent
    from ..core.checkpoints import Checkpoint
    from ..core.keys import Keyring
    from ..core.store import Ledger

app = group("The audit chain: verify it, sign for it, export it.")

_BATCH = 1000

Key = Annotated[
    str, typer.Option(help="The ledger's public key, or a file with it; the workspace's if not given.", show_default=False)
]


@command(app, "verify")
def verify(
    session: Session,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A file of checkpoints; those of the workspace if not given.", show_default=False, metavar="FILE"),
    ] = None,
    key: Key = "",
) -> None:
    """Walk the whole audit chain and hold it against its checkpoints; exit code 1 where it does not hold."""
    from ..core.checkpoints import read_checkpoints
    from ..core.checkpoints import verify as verified

    files = checkpoint or places(session)
    away = [] if checkpoint else [path for path in files if not path.exists()]
    known = [one for path in files if path not in away for one in read_checkpoints(path)]
    with session.ledger() as ledger:
        broken, events = verified(ledger, known, _trusted(session, key)), ledger.ticks()
    if session.out.as_json:
        session.out.data(
            {
                "ok": not broken,
                "events": events,
                "checkpoints": len(known),
                "away": [str(path) for path in away],
                "breaks": broken,
            }
        )
    elif broken:
        session.out.text(*(f"event {one.seq}: {one.problem}" for one in broken))
        session.out.text(f"The audit chain is broken in {len(broken)} place{'s' * (len(broken) != 1)}.")
    else:
        session.out.text(f"The audit chain holds: {events} events.")
        session.out.say(" ".join([*(f"{str(path)!r} is not there." for path in away), _against(known)]))
    if broken:
        raise typer.Exit(CHECK_FAILED)


@command(app, "checkpoint")
def checkpoint(
    session: Session,
    to: Annotated[list[Path] | None, typer.Option(help="Another file it goes to.", show_default=False, metavar="FILE")] = None,
) -> None:
    """Sign for the chain as it stands, and bring the checkpoints to their places."""
    with session.ledger() as ledger:
        made = notary(session, ledger, also=to or ()).write()
    if session.out.as_json:
        session.out.data(made)
    else:
        session.out.text(f"Signed for {made.size} events; the root is {made.root}.")


@command(app, "prove")
def prove(
    session: Session,
    since: Annotated[
        Path, typer.Option("--since", help="Checkpoints you kept; the last one counts.", metavar="FILE", show_default=False)
    ],
    key: Key = "",
) -> None:
    """Prove that nothing under a checkpoint you kept was changed since; exit code 1 where it was."""
    from ..core.checkpoints import continues, extension, read_checkpoints
    from ..core.errors import BadInput

    held = read_checkpoints(since)
    if not held:
        raise BadInput(f"{str(since)!r} holds no checkpoint.", hint="Name the file that you kept.")
    old, ring = held[-1], _trusted(session, key)
    with session.ledger() as ledger:
        new = notary(session, ledger).write()
        with ledger.reading() as reading:
            path = extension(reading, old, new)
    holds = old.trusted(ring) and new.trusted(ring) and continues(old, new, path)
    if session.out.as_json:
        session.out.data({"ok": holds, "old": old, "new": new, "path": path})
    elif holds:
        session.out.text(f"The first {old.size} events are unchanged; {new.size - old.size} came after them.")
    else:
        session.out.text(f"The chain does not continue from the checkpoint over {old.size} events.")
    if not holds:
        raise typer.Exit(CHECK_FAILED)


@command(app, "bundle")
def bundle(
    session: Session,
    case: Annotated[str, typer.Argument(metavar="CASE", help="A case or its ticket.")],
    out: Annotated[Path, typer.Option(help="The file it is written to.", metavar="FILE")],
) -> None:
    """Write everything about one case into one signed file that somebody without the ledger can check."""
    from ..core import bundle as bundles
    from ..core.keys import LEDGER_KEY

    with session.ledger() as ledger:
        signer, ring = session.place.keys.signer(LEDGER_KEY), session.place.keys.ring()
        signed_for = notary(session, ledger).write()
        with ledger.reading() as reading:
            case_id = find_case(reading, case).id
            made = bundles.bundle(reading, case_id, checkpoint=signed_for, keyring=ring, signer=signer, now=ledger.clock.now())
    _write(out, iter([as_json(made)]))
    if session.out.as_json:
        session.out.data({"file": str(out), "case": case_id, "events": len(made.events)})
    else:
        session.out.say(f"{len(made.events)} events of {case_id} written to {out}.")


@command(app, "check")
def check(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A file that `audit bundle` wrote.")],
    key: Key = "",
) -> None:
    """Check a bundle; with --key it needs no workspace. Exit code 1 where something in it does not hold."""
    from ..core.bundle import problems, read_bundle
    from ..core.errors import BadInput
    from ..core.keys import LEDGER_KEY, Keyring

    try:
        given = read_bundle(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(file)!r} cannot be read: {error}.", hint="Name a bundle.") from error
    # A stranger has the ledger's key from elsewhere; the people's keys are then those that the ledger has signed for.
    ring = Keyring({**given.keys, LEDGER_KEY: _public(key)}) if key else _own_ring(session)
    found, about = problems(given, ring), str(given.case.get("id", "no case"))
    if session.out.as_json:
        session.out.data({"ok": not found, "case": about, "events": len(given.events), "problems": found})
    else:
        session.out.text(*found)
        told = "does not hold" if found else f"holds: {len(given.events)} events, {len(given.decisions)} decisions"
        session.out.text(f"The bundle of {about} {told}.")
    if found:
        raise typer.Exit(CHECK_FAILED)


def _own_ring(session: Session) -> "Keyring":
    """The keys of the workspace; raises NotFound where there is none, and then a key has to be given."""
    from ..core.errors import NotFound

    try:
        return session.place.keys.ring()
    except NotFound as error:
        raise NotFound(error.message, hint="Give --key with the public key of the ledger's owner.") from error


def _trusted(session: Session, key: str) -> "Keyring":
    from ..core.keys import LEDGER_KEY, Keyring

    return Keyring({LEDGER_KEY: _public(key)}) if key else session.place.keys.ring()


def _public(key: str) -> str:
    """The public key in an option: itself, the line with it, or the file that holds it; raises BadInput where it is none."""
    from ..core.errors import BadInput
    from ..core.keys import public_in

    line = key
    with suppress(OSError, UnicodeDecodeError):
        # A key may be longer than the name of a file.
        if Path(key).is_file():
            line = Path(key).read_text(encoding="utf-8")
    if found := public_in(line):
        return found
    raise BadInput(f"{key!r} is no public key, and no file that holds one.", hint="Give keys/@ledger.pub, or the key in it.")


def _against(known: "list[Checkpoint]") -> str:
    if not known:
        return "It was held against no checkpoint: who can write to the database could have rewritten all of it."
    return f"It was held against {len(known)} checkpoints, the last over {known[-1].size} events."


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
    from ..core.errors import BadInput

    part, count = path.with_name(f".{path.name}.{os.getpid()}.part"), 0
    try:
        with part.open("w", encoding="utf-8") as target:
            for line in lines:
                target.write(f"{line}\n")
                count += 1
        part.replace(path)
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be written: {error.strerror}.", hint="Check the path and its rights.") from error
    finally:
        part.unlink(missing_ok=True)
    return count

"""Checkpoints: the ledger signs for its audit chain, and the signature is kept where the database's owner cannot write.

A chain alone does not notice who rewrites all of it or cuts off its end. A checkpoint that lies elsewhere does: it holds the number
of events and the Merkle root over them, signed with the workspace's own key.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError
from sqlmodel import Session, col, select

from . import chain
from .audit import Break, Witness
from .errors import BadInput, LedgerError
from .keys import LEDGER_KEY, Keyring, Signer
from .merkle import consistency, extends
from .noun import Noun, canonical_json
from .store import Ledger
from .tables import CheckpointRow

FORMAT = "shiftlead-checkpoint-1"
PURPOSE = "checkpoint"


class Checkpoint(Noun):
    """A signed statement about the first `size` events of one ledger's chain."""

    format: str = FORMAT
    tenant: str
    size: int
    root: str
    """The RFC 6962 root over the hashes of these events."""
    head: str
    """The hash of the last of them."""
    policy_digest: str = ""
    """The policy that was in force."""
    at: datetime
    signature: str = ""
    """By the key `@ledger`, in base64."""

    def statement(self) -> dict[str, Any]:
        """What is signed."""
        return self.model_dump(exclude={"signature"})

    def trusted(self, keyring: Keyring) -> bool:
        """Whether the workspace's own key signed it."""
        return keyring.holds(LEDGER_KEY, PURPOSE, self.statement(), self.signature)


class Notary:
    """Signs for the chain of one ledger, and keeps copies in other places."""

    def __init__(
        self,
        ledger: Ledger,
        signer: Signer,
        places: Sequence[Path] = (),
        *,
        every_events: int = 1000,
        every: timedelta = timedelta(minutes=15),
        policy_digest: Callable[[], str] = lambda: "",
    ) -> None:
        self._ledger = ledger
        self._signer = signer
        self._places = places
        self._every_events, self._every = every_events, every
        self._policy_digest = policy_digest

    def due(self) -> bool:
        """Whether enough events or enough time have gone by since the last checkpoint, and there is something new."""
        with self._ledger.reading() as session:
            row = session.exec(select(CheckpointRow).order_by(col(CheckpointRow.size).desc()).limit(1)).first()
        size, now = self._ledger.ticks(), self._ledger.clock.now()
        if row is None:
            return size > 0
        return size - row.size >= self._every_events or (size > row.size and now - row.at >= self._every)

    def write(self) -> Checkpoint:
        """Sign for the chain as it stands, keep it in the ledger, and bring every other place up to date.

        Raises LedgerError where a place cannot be written to; the checkpoint then stays in the ledger and is brought there next time.
        """
        with self._ledger.reading() as session:
            head = chain.head(session, self._ledger.tenant)
            kept = session.get(CheckpointRow, head.seq)
        made = _of(kept) if kept else self._keep(self._signed(head))
        for place in self._places:
            self._bring(place)
        return made

    def _signed(self, head: chain.Head) -> Checkpoint:
        plain = Checkpoint(
            tenant=self._ledger.tenant,
            size=head.seq,
            root=head.root,
            head=head.hash,
            policy_digest=self._policy_digest(),
            at=self._ledger.clock.now(),
        )
        return plain.model_copy(update={"signature": self._signer.sign(PURPOSE, plain.statement())})

    def _keep(self, made: Checkpoint) -> Checkpoint:
        """The checkpoint that the ledger holds from now on: `made`, or that of another process over the same events."""
        body = canonical_json(made.statement())
        row = {"size": made.size, "root": made.root, "body": body, "signature": made.signature, "at": made.at}
        with self._ledger.transaction() as tx:
            # No audit event: a checkpoint that made the chain longer would never be up to date.
            tx.add_new(_CHECKPOINT, [row])
            return _of(tx.session.get_one(CheckpointRow, made.size))

    def _bring(self, place: Path) -> None:
        try:
            with place.open("a+b") as target:
                _lock(target)
                held = _whole_lines(target)
                last = max((one.size for one in _parsed(held, place)), default=0)
                with self._ledger.reading() as session:
                    fresh = kept(session, after=last)
                target.write("".join(f"{canonical_json(one)}\n" for one in fresh).encode())
                target.flush()
                os.fsync(target.fileno())
        except (OSError, BadInput) as error:
            told = error.strerror if isinstance(error, OSError) else "it holds something else"
            raise LedgerError(
                f"The checkpoints cannot be written to {str(place)!r}: {told}.",
                hint="Mend the place, or name another one under `checkpoints:` in shiftlead.yaml.",
            ) from error


def kept(session: Session, *, after: int = 0) -> list[Checkpoint]:
    """The checkpoints in the ledger over more than `after` events, smallest first."""
    query = select(CheckpointRow).where(col(CheckpointRow.size) > after).order_by(col(CheckpointRow.size))
    return [_of(row) for row in session.exec(query)]


def _lock(target: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:
        # Where there are no such locks, two processes may write a checkpoint twice, which changes nothing that it proves.
        return
    fcntl.flock(target.fileno(), fcntl.LOCK_EX)


def _whole_lines(target: IO[bytes]) -> bytes:
    """What the file holds, ready to be written on; the end of a line that a power cut tore is taken away."""
    target.seek(0)
    held = target.read()
    whole, end, torn = held.rpartition(b"\n")
    if torn and _is_one(torn):
        target.write(b"\n")
        return held
    if torn:
        target.truncate(len(whole) + len(end))
    return whole


def read_checkpoints(path: Path) -> list[Checkpoint]:
    """The checkpoints in a file, one JSON object on a line; raises BadInput naming the line that is none.

    A last line that a power cut tore counts as not written.
    """
    try:
        held = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be read: {error}.", hint="Name a file of checkpoints.") from error
    whole, _, last = held.rpartition(b"\n")
    return _parsed(held if _is_one(last) else whole, path)


def _is_one(line: bytes) -> bool:
    try:
        Checkpoint.model_validate_json(line)
    except ValidationError:
        return False
    return True


def _parsed(held: bytes, path: Path) -> list[Checkpoint]:
    found = []
    for number, line in enumerate(held.splitlines(), 1):
        try:
            found.append(Checkpoint.model_validate_json(line))
        except ValidationError as error:
            raise BadInput(
                f"{str(path)!r}, line {number}: this is no checkpoint.", hint="Take the file as it was written."
            ) from error
    return found


def verify(ledger: Ledger, checkpoints: Sequence[Checkpoint], keyring: Keyring) -> list[Break]:
    """Every place where the chain is not what it was when the checkpoints, and those in the ledger itself, were signed.

    A checkpoint that is not trusted is such a place too.
    """
    with ledger.reading() as session:
        every = dict.fromkeys((*kept(session), *checkpoints))
    return [*_untrusted(ledger, [*every], keyring), *ledger.verify([_witness(one) for one in every])]


def _untrusted(ledger: Ledger, checkpoints: Sequence[Checkpoint], keyring: Keyring) -> Iterator[Break]:
    for one in checkpoints:
        if one.tenant != ledger.tenant:
            yield Break(
                seq=one.size, problem=f"the checkpoint over {one.size} events is that of another tenant, {one.tenant!r}"
            )
        elif not one.trusted(keyring):
            yield Break(
                seq=one.size, problem=f"the checkpoint over {one.size} events is not signed with the key {LEDGER_KEY!r}"
            )


def extension(session: Session, old: Checkpoint, new: Checkpoint) -> tuple[str, ...]:
    """The path which proves that nothing under `old` was changed when `new` was signed; check it with `continues`.

    Empty where there is none: nothing is proven from a checkpoint over nothing, or over more than `new`.
    """
    return () if not 0 < old.size <= new.size else consistency(chain.leaves(session, size=new.size), old.size)


def continues(old: Checkpoint, new: Checkpoint, path: Sequence[str]) -> bool:
    """Whether `path` proves that the chain under `new` begins with the one under `old`; needs no ledger."""
    return extends(old.size, old.root, new.size, new.root, path)


def _witness(one: Checkpoint) -> Witness:
    return Witness(size=one.size, root=one.root, told=f"the checkpoint of {one.at:%Y-%m-%d %H:%M} UTC")


_CHECKPOINT = CheckpointRow.__table__  # type: ignore[attr-defined]


def _of(row: CheckpointRow) -> Checkpoint:
    return Checkpoint(**{**json.loads(row.body), "signature": row.signature})

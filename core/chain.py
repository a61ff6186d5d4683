"""The audit chain in the database: its head, what is appended to it, and the walk that checks it."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlmodel import Session, col

from .audit import AuditEvent, Break, Witness, breaks, link
from .clock import as_utc
from .errors import LedgerError
from .merkle import Frontier
from .noun import Noun
from .tables import AUDIT, CHAIN, AuditRow

_HEAD = select(CHAIN.c.seq, CHAIN.c.hash, CHAIN.c.frontier).where(CHAIN.c.tenant == bindparam("tenant"))
_LOCK_HEAD = _HEAD.with_for_update()
_APPEND = insert(AUDIT)
_ADVANCE = (
    update(CHAIN)
    .where(CHAIN.c.tenant == bindparam("b_tenant"))
    .values(seq=bindparam("b_seq"), hash=bindparam("b_hash"), frontier=bindparam("b_frontier"))
)


class Stored(NamedTuple):
    """The head of the chain as its row holds it."""

    seq: int
    hash: str
    frontier: str
    """The roots of the Merkle tree's complete subtrees, as JSON."""


class Head(Noun):
    """Where the chain ends."""

    seq: int
    hash: str
    root: str
    """The Merkle root over all events."""


def lock_head(connection: Connection, tenant: str) -> Stored:
    """The head of the chain, locked until the transaction ends, so that it orders the writers.

    Whoever comes second waits for the first one's commit.
    """
    row = connection.execute(_LOCK_HEAD, {"tenant": tenant}).one()
    return Stored(int(row.seq), str(row.hash), str(row.frontier))


def append(connection: Connection, tenant: str, events: list[dict[str, Any]], *, head: Stored | None = None) -> None:
    """Write events at the end of the chain, in order; `head` is its head, where this transaction has locked it already."""
    seq, previous, roots = head or lock_head(connection, tenant)
    frontier = Frontier(seq, json.loads(roots))
    for one in events:
        seq += 1
        one["seq"] = seq
        one["hash"] = previous = link(previous, **one)
        frontier.add(previous)
    connection.execute(_APPEND, events)
    told = json.dumps(frontier.roots)
    connection.execute(_ADVANCE, {"b_tenant": tenant, "b_seq": seq, "b_hash": previous, "b_frontier": told})


def head(session: Session, tenant: str) -> Head:
    """Where the chain ends now; raises LedgerError where its own record of it is damaged."""
    row = session.connection().execute(_HEAD, {"tenant": tenant}).one()
    try:
        return Head(seq=row.seq, hash=row.hash, root=Frontier(row.seq, json.loads(row.frontier)).root)
    except ValueError as error:
        told = f"The head of the audit chain does not hold together: {error}."
        raise LedgerError(told, hint="Restore the ledger from a backup; `shiftlead audit verify` says more.") from error


def walk(session: Session, tenant: str, witnesses: Iterable[Witness] = ()) -> list[Break]:
    """Every place where the stored events are not what the head and the witnesses say."""
    row = session.connection().execute(_HEAD, {"tenant": tenant}).one()
    known = [*witnesses]
    damaged: list[Break] = []
    try:
        known.append(Witness(size=row.seq, root=Frontier(row.seq, json.loads(row.frontier)).root))
    except ValueError as error:
        damaged.append(Break(seq=row.seq, problem=f"the head of the chain does not hold together: {error}"))
    rows = session.scalars(select(AuditRow).order_by(col(AuditRow.seq)).execution_options(yield_per=2000))
    return [*breaks(map(told, rows), head_seq=row.seq, head_hash=row.hash, witnesses=known), *damaged]


def leaves(session: Session, *, size: int) -> list[str]:
    """The hashes of the first `size` events."""
    rows = session.execute(select(col(AuditRow.hash)).where(col(AuditRow.seq) <= size).order_by(col(AuditRow.seq)))
    return list(rows.scalars())


def told(row: AuditRow) -> AuditEvent:
    """A stored event."""
    return AuditEvent(
        seq=row.seq,
        at=as_utc(row.at),
        kind=row.kind,
        case_id=row.case_id,
        actor=row.actor,
        data=_read(row.data),
        hash=row.hash,
    )


def _read(data: str) -> dict[str, Any]:
    """What an event tells; words that are no JSON any more are no event of ours, and do not have its hash."""
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"unreadable": data}

"""The audit chain: every event carries the hash of the one before it.

The chain holds references, digests and amounts, never the text of a ticket: bodies live in rows that may be erased.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from .merkle import Frontier
from .noun import Noun, canonical_json, digest

GENESIS = "0" * 64
"""The hash before the first event."""

_HASH = re.compile("^[0-9a-f]{64}$")


class AuditEvent(Noun):
    """One thing that happened, in order."""

    seq: int
    at: datetime
    kind: str
    """`case.opened`, `action.judged`, `decision.approve`, `effect.done`, …"""
    case_id: str | None
    actor: str
    """A worker (`worker:invoices`), an operator (`ana`), or `system`."""
    data: dict[str, Any]
    hash: str


class Break(Noun):
    """A place where the chain does not hold."""

    seq: int
    problem: str


def link(previous: str, *, seq: int, at: datetime, kind: str, case_id: str | None, actor: str, data: str) -> str:
    """The hash of an event after `previous`; `data` is canonical JSON text."""
    return digest(canonical_json([previous, seq, at, kind, case_id, actor, data]))


class Witness(Noun):
    """What somebody elsewhere knows of the chain: the Merkle root over its first `size` events."""

    size: int
    root: str
    told: str = "the ledger's own record"
    """Where it comes from, for the report."""


def breaks(
    events: Iterable[AuditEvent], *, head_seq: int, head_hash: str, witnesses: Iterable[Witness] = ()
) -> Iterator[Break]:
    """Every place where `events`, in order, do not form the chain that ends at the given head and that the witnesses saw."""
    previous, expected, frontier = GENESIS, 1, Frontier()
    seen: dict[int, list[Witness]] = {}
    for witness in witnesses:
        seen.setdefault(witness.size, []).append(witness)
    for event in events:
        if event.seq != expected:
            yield Break(seq=expected, problem=f"event {expected} is missing; the next one stored is {event.seq}")
            expected = event.seq
        recomputed = link(
            previous,
            seq=event.seq,
            at=event.at,
            kind=event.kind,
            case_id=event.case_id,
            actor=event.actor,
            data=canonical_json(event.data),
        )
        if recomputed != event.hash:
            yield Break(seq=event.seq, problem="the event or its predecessor was changed after it was written")
        previous, expected = event.hash, expected + 1
        frontier.add(_leaf(event.hash))
        for witness in seen.pop(frontier.size, ()):
            if witness.root != frontier.root:
                told = f"the first {witness.size} events are not those that {witness.told} has signed for"
                yield Break(seq=event.seq, problem=told)
    if (expected - 1, previous) != (head_seq, head_hash):
        yield Break(seq=expected, problem=f"the chain ends at {expected - 1} but its head says {head_seq}")
    for witness in (one for ones in seen.values() for one in ones if one.size):
        told = f"{witness.told} has signed for {witness.size} events, but only {expected - 1} are left"
        yield Break(seq=expected, problem=told)


def _leaf(stored: str) -> str:
    """A hash as a leaf; what is no hash any more is hashed, so that the walk goes on and the root differs."""
    return stored if _HASH.match(stored) else digest(stored)

"""The audit chain: every event carries the hash of the one before it.

The chain holds references, digests and amounts, never the text of a ticket: bodies live in rows that may be erased.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from .noun import Noun, canonical_json, digest

GENESIS = "0" * 64
"""The hash before the first event."""


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


def breaks(events: Iterable[AuditEvent], *, head_seq: int, head_hash: str) -> Iterator[Break]:
    """Every place where `events`, in order, do not form the chain that ends at the given head."""
    previous, expected = GENESIS, 1
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
    if (expected - 1, previous) != (head_seq, head_hash):
        yield Break(seq=expected, problem=f"the chain ends at {expected - 1} but its head says {head_seq}")

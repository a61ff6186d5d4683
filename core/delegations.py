"""Delegations: whose authority is lent to whom, until when, with the giver's signature."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from .errors import Conflict, NotFound
from .keys import Keyring
from .noun import Noun
from .store import Transaction
from .tables import DelegationRow

PURPOSE = "delegation"
"""What a delegation's signature is made for."""


class Delegation(Noun):
    """One person's role, lent to another for a time."""

    id: str
    giver: str
    receiver: str
    role: str
    """The giver's own role when it was lent."""
    starts_at: datetime
    ends_at: datetime
    reason: str
    revoked_at: datetime | None = None
    signature: str = ""
    """The giver's Ed25519 signature on `statement()`, in base64."""

    def statement(self) -> dict[str, Any]:
        """What the giver signs: everything but whether it was taken back later."""
        return self.model_dump(exclude={"signature", "revoked_at"})

    def held(self, at: datetime) -> bool:
        """Whether it was in effect at a moment."""
        return self.starts_at <= at < self.ends_at and (self.revoked_at is None or at < self.revoked_at)

    def genuine(self, keyring: Keyring | None) -> bool:
        """Whether the giver signed it; True where the installation uses no signatures."""
        return keyring is None or keyring.holds(self.giver, PURPOSE, self.statement(), self.signature)


def put(tx: Transaction, lent: Delegation) -> None:
    """Write a new delegation and its audit event."""
    tx.session.add(DelegationRow(**lent.model_dump()))
    tx.audit(
        "delegation.given",
        actor=lent.giver,
        delegation=lent.id,
        receiver=lent.receiver,
        role=lent.role,
        ends_at=lent.ends_at,
        reason=lent.reason,
    )


def revoke(tx: Transaction, delegation_id: str, *, by: str) -> None:
    """End a delegation now; raises NotFound, or Conflict where it has ended already."""
    row = tx.session.get(DelegationRow, delegation_id, with_for_update=True)
    if row is None:
        raise _unknown(delegation_id)
    if row.revoked_at is not None or row.ends_at <= tx.now:
        raise Conflict(
            f"Delegation {delegation_id!r} has ended already.", hint="`shiftlead operator list` shows those in effect."
        )
    row.revoked_at = tx.now
    tx.session.add(row)
    tx.audit("delegation.revoked", actor=by, delegation=delegation_id)


def get(session: Session, delegation_id: str) -> Delegation:
    """One delegation; raises NotFound."""
    row = session.get(DelegationRow, delegation_id)
    if row is None:
        raise _unknown(delegation_id)
    return _delegation(row)


def to_person(session: Session, receiver: str, *, at: datetime) -> tuple[Delegation, ...]:
    """What was lent to a person and in effect at a moment, the oldest first."""
    query = select(DelegationRow).where(col(DelegationRow.receiver) == receiver).order_by(col(DelegationRow.starts_at))
    return tuple(one for one in map(_delegation, session.scalars(query)) if one.held(at))


def listed(session: Session, *, now: datetime) -> tuple[Delegation, ...]:
    """Every delegation that is in effect or will be, the next to end first."""
    query = (
        select(DelegationRow)
        .where(col(DelegationRow.revoked_at).is_(None), col(DelegationRow.ends_at) > now)
        .order_by(col(DelegationRow.ends_at))
    )
    return tuple(_delegation(row) for row in session.scalars(query))


def _delegation(row: DelegationRow) -> Delegation:
    return Delegation(**row.model_dump())


def _unknown(delegation_id: str) -> NotFound:
    return NotFound(f"There is no delegation {delegation_id!r}.", hint="`shiftlead operator list` shows those in effect.")

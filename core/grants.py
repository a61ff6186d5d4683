"""Standing grants: what may run without asking each time, for whom, how much each and in all, until when, and what is spent."""

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field
from sqlalchemy import Row, bindparam, select
from sqlmodel import Session, col

from .errors import NotFound
from .keys import Keyring
from .money import Money
from .noun import Noun, canonical_json
from .store import Transaction
from .tables import GRANT, GrantRow

PURPOSE = "grant"
"""What a grant's signatures are made for."""


SPENT, RETURNED = "grant", "grant_returned"
"""Modes of the decision that a grant stands for: it counts, or nothing happened and it was given back."""


class GrantState(StrEnum):
    """Where a grant is on its way."""

    PROPOSED = "proposed"
    """It waits for the signature of another person."""
    ACTIVE = "active"
    REVOKED = "revoked"


class Grant(Noun):
    """One standing approval. Its terms never change; only what is spent, and who has signed."""

    id: str
    kind: str
    """The kind of action."""
    party: str
    """The one customer or supplier it is about."""
    rules: dict[str, str] = Field(min_length=1)
    """The rules whose hits it lifts, each with the digest of its text: a rule that was changed is not lifted any more."""
    each: Decimal | None = None
    """The most that one action may move; None where the kind moves no money."""
    total: Decimal | None = None
    """The most that all of them may move."""
    currency: str | None = None
    count: int = Field(ge=1)
    """How many actions at most."""
    reason: str
    given_by: str
    created_at: datetime
    expires_at: datetime
    state: GrantState = GrantState.PROPOSED
    spent: Decimal = Decimal(0)
    used: int = 0
    signatures: dict[str, str] = {}
    """Ed25519 signatures on `statement()` in base64, by name."""

    def statement(self) -> dict[str, Any]:
        """What is signed: the terms, without what is spent and how far it has come."""
        return self.model_dump(exclude={"state", "spent", "used", "signatures"})

    def signers(self, keyring: Keyring | None) -> tuple[str, ...]:
        """Whose signatures hold; every name where the installation uses no signatures."""
        said = self.statement()
        return tuple(
            name for name, one in self.signatures.items() if keyring is None or keyring.holds(name, PURPOSE, said, one)
        )

    def whole(self) -> Money | None:
        """All the money that it may move."""
        return Money.of(self.total, self.currency) if self.total is not None and self.currency else None

    def room(self, amount: Money | None) -> str:
        """Why an action of this size does not fit into what is left; empty where it does."""
        if self.used < 0 or self.spent < 0:
            return "less than nothing is spent of it"
        if self.used >= self.count:
            return f"it was used {self.used} of {self.count} times"
        if amount is None:
            return "" if self.each is None else "it is about money, and the action moves none"
        if self.each is None or self.total is None or amount.currency != self.currency:
            return f"it is not about {amount.currency}"
        if not 0 < amount.amount <= self.each:
            return f"{amount} is above its {self.each:,} {self.currency} each"
        left = self.total - self.spent
        return f"{amount} is above the {left:,} {self.currency} that are left of it" if amount.amount > left else ""


def put(tx: Transaction, grant: Grant) -> None:
    """Write a new grant and its audit event."""
    tx.session.add(GrantRow(**_columns(grant)))
    tx.audit("grant.given", actor=grant.given_by, grant=grant.id, terms=canonical_json(grant.statement()), state=grant.state)


def update(tx: Transaction, grant: Grant) -> None:
    """Write how far a locked grant has come: its state, its signatures, and what is spent."""
    tx.session.merge(GrantRow(**_columns(grant)))
    tx.session.flush()


def get(session: Session, grant_id: str) -> Grant:
    """One grant; raises NotFound."""
    return _found(session.get(GrantRow, grant_id), grant_id)


def locked(tx: Transaction, grant_id: str) -> Grant:
    """One grant, locked until the transaction ends; raises NotFound."""
    query = select(GrantRow).where(col(GrantRow.id) == grant_id).with_for_update().execution_options(populate_existing=True)
    return _found(tx.session.scalars(query).first(), grant_id)


def active(session: Session, kind: str, party: str, *, at: datetime) -> tuple[Grant, ...]:
    """The grants about actions of a kind for one party that are in force, the next to expire first."""
    rows = session.connection().execute(_ACTIVE, {"kind": kind, "party": party, "at": at})
    return tuple(_grant(row) for row in rows)


def listed(session: Session, *, states: Iterable[GrantState] = ()) -> tuple[Grant, ...]:
    """Grants in one of `states`, or all, the newest first."""
    query = select(GrantRow).order_by(col(GrantRow.created_at).desc(), col(GrantRow.id))
    if wanted := [str(one) for one in states]:
        query = query.where(col(GrantRow.state).in_(wanted))
    return tuple(_grant(row) for row in session.scalars(query))


_ACTIVE = (
    select(GRANT)
    .where(
        GRANT.c.kind == bindparam("kind"),
        GRANT.c.party == bindparam("party"),
        GRANT.c.state == str(GrantState.ACTIVE),
        GRANT.c.expires_at > bindparam("at"),
    )
    .order_by(GRANT.c.expires_at, GRANT.c.id)
)
_TERMS = ("rules", "each", "total", "currency", "count", "reason")
_PLAIN = ("id", "kind", "party", "given_by", "state", "spent", "used", "created_at", "expires_at")


def _columns(grant: Grant) -> dict[str, Any]:
    return {
        **{name: getattr(grant, name) for name in _PLAIN},
        "terms": canonical_json({name: getattr(grant, name) for name in _TERMS}),
        "signatures": canonical_json(grant.signatures),
    }


def _grant(row: GrantRow | Row[Any]) -> Grant:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return Grant(**plain, **json.loads(row.terms), signatures=json.loads(row.signatures))


def _found(row: GrantRow | None, grant_id: str) -> Grant:
    if row is None:
        raise NotFound(f"There is no grant {grant_id!r}.", hint="`shiftlead grant list` shows them.")
    return _grant(row)

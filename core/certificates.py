"""The store of certificates: what was proven about how often a brain is wrong, until when it counts, and why it ended.

A certificate says: of the actions of this worker, kind, slice and brain that come with at least this confidence, at most so many are
wrong. It is signed, so that nobody opens a lane by writing a row.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, model_validator
from sqlalchemy import Row, String, bindparam, insert, or_, select, update
from sqlmodel import Session

from .errors import Conflict, LedgerError, NotFound
from .keys import LEDGER_KEY, Keyring
from .noun import Moment, Noun, canonical_json
from .outcomes import Stand
from .store import Transaction
from .tables import CERTIFICATE, TRIAL

PURPOSE, SEAL = "certificate", "certificate seal"
"""What a certificate's signature, and the ledger's own on top of it, are made for."""


class Method(StrEnum):
    """How the bound was come by."""

    BATCH = "batch"
    """From a labelled sample, with a correction for the search of the floor."""
    BETTING = "betting"
    """From decisions as they came, with a test that may be looked at after each of them."""
    RECORD = "record"
    """From what the same brain did in other installations of the same made-up company."""


class Certificate(Noun):
    """One promise about one stand."""

    id: str
    stand: Stand
    floor: float = Field(ge=0, le=1)
    """The confidence from which on it counts."""
    target: float = Field(gt=0, lt=1)
    """The share of wrong actions that was asked for."""
    bound: float = Field(ge=0, lt=1)
    """The share of wrong actions that was proven: not more than this."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """How sure the proof is."""
    n: int = Field(ge=0)
    """Decided actions from the floor on that it rests on."""
    wrong: int = Field(ge=0)
    """How many of them were wrong."""
    method: Method
    scope: str = ""
    """For which cases it holds, in words: like those it was measured on."""
    out_of_scope_share: float = Field(default=0.0, ge=0, lt=1)
    """The share of cases of no known kind that was reckoned with."""
    share: float | None = Field(default=None, ge=0, le=1)
    """The share of cases that came from the floor on; None where nobody counted."""
    system: str = ""
    """The connector whose records it is about; empty where it holds for every one."""
    rules: str = ""
    """Digest of the rules under which the cases came that it rests on; it counts under no others. Empty where it is tied to none."""
    issued_at: Moment
    expires_at: Moment
    issued_by: str
    """The ledger itself for what the decisions proved, else the person who answers for the sample."""
    signature: str = ""
    """The issuer's, in base64; empty where the ledger itself issued it."""
    seal: str = ""
    """The ledger's own, made once it was clear that the issuer may issue it."""
    revoked_at: Moment | None = None
    revoked_by: str = ""
    why: str = ""
    """Why it was revoked."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.wrong > self.n:
            raise ValueError(f"{self.wrong} of {self.n} actions cannot have been wrong")
        if self.expires_at <= self.issued_at:
            raise ValueError("it ends before it begins")
        return self

    def statement(self) -> dict[str, Any]:
        """What is signed: everything but the signatures and the end that came before its time."""
        return self.model_dump(exclude={"signature", "seal", "revoked_at", "revoked_by", "why"})

    def genuine(self, keyring: Keyring | None) -> bool:
        """Whether the ledger sealed exactly this, and a person signed it who issued it; True where the installation uses no signatures."""
        if keyring is None:
            return True
        said = self.statement()
        sealed = keyring.holds(LEDGER_KEY, SEAL, said, self.seal)
        return sealed and (self.issued_by == LEDGER_KEY or keyring.holds(self.issued_by, PURPOSE, said, self.signature))

    def valid_at(self, moment: datetime) -> bool:
        """Whether it counts at that moment, as far as time and revocation go."""
        return self.revoked_at is None and self.issued_at <= moment < self.expires_at


def put(tx: Transaction, certificate: Certificate) -> None:
    """Write a new certificate and its audit event; raises Conflict where its id is taken."""
    if tx.add_new(_TABLE, [_columns(certificate)]) != 1:
        raise Conflict(f"There is a certificate {certificate.id!r} already.", hint="`shiftlead brain status` shows it.")
    tx.audit(
        "certificate.issued",
        actor=certificate.issued_by,
        certificate=certificate.id,
        statement=canonical_json(certificate.statement()),
    )


def revoke(tx: Transaction, certificate_id: str, *, by: str, why: str) -> None:
    """End a certificate before its time; raises Conflict where it was revoked already or never issued."""
    # Whoever holds the head of the chain may be about to revoke the same one.
    tx.in_turn()
    if tx.change(_REVOKE, {"b_id": certificate_id, "b_at": tx.now, "b_by": by, "b_why": why}) != 1:
        raise Conflict(
            f"Certificate {certificate_id!r} does not count any more.", hint="`shiftlead brain status` shows which do."
        )
    tx.audit("certificate.revoked", actor=by, certificate=certificate_id, reason=why)


def revoke_all(tx: Transaction, stand: Stand, *, by: str, why: str) -> int:
    """End every certificate of a stand that counts now or would later; answers how many.

    One that is damaged ends as well, and one that begins only in the future, as another machine's clock may have it.
    """
    tx.in_turn()
    found = tx.run(_OPEN, {**stand.model_dump(), "at": tx.now}).scalars().all()
    for one in found:
        revoke(tx, one, by=by, why=why)
    return len(found)


def get(session: Session, certificate_id: str) -> Certificate:
    """One certificate; raises NotFound, and LedgerError where its row is damaged."""
    row = session.connection().execute(_GET, {"id": certificate_id}).first()
    if row is None:
        raise NotFound(f"There is no certificate {certificate_id!r}.", hint="`shiftlead brain status` lists them.")
    return _certificate(row)


def valid(session: Session, stand: Stand, *, at: datetime) -> tuple[Certificate, ...]:
    """The certificates of a stand that count at that moment, the tightest first; whether they are genuine is for the reader.

    A row that is damaged counts as none.
    """
    try:
        rows = session.connection().execute(_VALID, {**stand.model_dump(), "at": at}).all()
    except (ValueError, TypeError):
        # A time that is none fails before anybody can tell which row it stands in.
        return ()
    return tuple(sorted(_readable(rows), key=_tightness))


def listed(session: Session, *, worker: str = "", kind: str = "", ended: bool = True) -> tuple[Certificate, ...]:
    """Certificates of a worker and kind, or of all, the newest first; those that were revoked too where `ended`.

    Raises LedgerError where a row is damaged.
    """
    found = (_certificate(row) for row in session.connection().execute(_HISTORY, {"worker": worker, "kind": kind}))
    return tuple(one for one in found if ended or one.revoked_at is None)


def trial(tx: Transaction, stand: Stand) -> str:
    """How far the running test of a stand has come, as its own text; empty where there is none.

    Nobody else reads or writes any test until the transaction ends.
    """
    # A row that is not there yet cannot be locked; the head of the chain can, and every writer needs it in the end.
    tx.in_turn()
    return str(tx.run(_TRIAL, stand.model_dump()).scalar() or "")


def trials(session: Session, *, worker: str = "") -> tuple[tuple[Stand, str], ...]:
    """Every running test of a worker, or of all, with its stand."""
    rows = session.connection().execute(_TRIALS, {"worker": worker})
    return tuple((Stand(**{name: getattr(row, name) for name in _STAND}), row.state) for row in rows)


def keep_trial(tx: Transaction, stand: Stand, state: str) -> None:
    """Write how far the running test of a stand has come."""
    tx.in_turn()
    named = {f"b_{name}": value for name, value in stand.model_dump().items()}
    if tx.change(_KEEP, {**named, "b_state": state, "b_at": tx.now}) == 0:
        tx.run(insert(TRIAL), {**stand.model_dump(), "state": state, "at": tx.now})


def tightest(known: Iterable[Certificate], confidence: float | None, keyring: Keyring | None) -> Certificate | None:
    """The genuine certificate with the smallest bound that covers an action of this confidence; None where none does."""
    if confidence is None:
        return None
    covering = (one for one in known if confidence >= one.floor and one.genuine(keyring))
    return min(covering, key=_tightness, default=None)


_TABLE = CERTIFICATE
_STAND = ("worker", "kind", "slice", "brain")
_TERMS = (
    "floor",
    "target",
    "bound",
    "confidence",
    "n",
    "wrong",
    "method",
    "scope",
    "out_of_scope_share",
    "share",
    "system",
    "rules",
    "seal",
)
_PLAIN = ("id", "issued_at", "expires_at", "issued_by", "signature", "revoked_at", "revoked_by", "why")
_GET = select(_TABLE).where(_TABLE.c.id == bindparam("id"))
_VALID = select(_TABLE).where(
    *(_TABLE.c[name] == bindparam(name) for name in _STAND),
    _TABLE.c.revoked_at.is_(None),
    _TABLE.c.issued_at <= bindparam("at"),
    _TABLE.c.expires_at > bindparam("at"),
)
_OPEN = select(_TABLE.c.id).where(
    *(_TABLE.c[name] == bindparam(name) for name in _STAND),
    _TABLE.c.revoked_at.is_(None),
    _TABLE.c.expires_at > bindparam("at"),
)
_HISTORY = (
    select(_TABLE)
    .where(*(or_(bindparam(name, type_=String()) == "", _TABLE.c[name] == bindparam(name)) for name in ("worker", "kind")))
    .order_by(_TABLE.c.issued_at.desc(), _TABLE.c.id)
)
_REVOKE = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("b_id"), _TABLE.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("b_at"), revoked_by=bindparam("b_by"), why=bindparam("b_why"))
)
_TRIAL = select(TRIAL.c.state).where(*(TRIAL.c[name] == bindparam(name) for name in _STAND))
_TRIALS = (
    select(TRIAL)
    .where(or_(bindparam("worker", type_=String()) == "", TRIAL.c.worker == bindparam("worker")))
    .order_by(*(TRIAL.c[name] for name in _STAND))
)
_KEEP = (
    update(TRIAL)
    .where(*(TRIAL.c[name] == bindparam(f"b_{name}") for name in _STAND))
    .values(state=bindparam("b_state"), at=bindparam("b_at"))
)


def _columns(certificate: Certificate) -> dict[str, Any]:
    plain = {name: getattr(certificate, name) for name in _PLAIN}
    terms = canonical_json({name: getattr(certificate, name) for name in _TERMS})
    return {**plain, **certificate.stand.model_dump(), "terms": terms}


def _certificate(row: Row[Any]) -> Certificate:
    plain = {name: getattr(row, name) for name in _PLAIN}
    try:
        return Certificate(**plain, stand=Stand(**{name: getattr(row, name) for name in _STAND}), **json.loads(row.terms))
    except (ValueError, TypeError) as error:
        raise LedgerError(
            f"The certificate {row.id!r} in the ledger is damaged.", hint="Restore the ledger from a backup."
        ) from error


def _readable(rows: Iterable[Row[Any]]) -> Iterator[Certificate]:
    for row in rows:
        with suppress(LedgerError):
            yield _certificate(row)


def _tightness(certificate: Certificate) -> tuple[float, float, str]:
    return certificate.bound, certificate.floor, certificate.id

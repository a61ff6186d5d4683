"""The store of policies: every text that was proposed, is in force or was, with who signed it and why."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session

from .errors import Conflict, NotFound
from .keys import Keyring
from .noun import Noun, canonical_json, digest
from .store import Ledger, Transaction
from .tables import AUDIT, POLICY_VERSION

PURPOSE = "policy"
"""What a signature under a policy is made for."""

ADOPTED = "policy.adopted"
"""The audit event of a policy that came into force."""

_TABLE = POLICY_VERSION
_HISTORY = select(_TABLE).order_by(_TABLE.c.proposed_at.desc(), _TABLE.c.digest)
_HELD = select(_TABLE.c.digest).where(_TABLE.c.state == bindparam("state"))
_LAST = select(AUDIT.c.data).where(AUDIT.c.kind == ADOPTED).order_by(AUDIT.c.seq.desc()).limit(1)
_ADD = insert(_TABLE)
_REPLACE = update(_TABLE).where(_TABLE.c.digest == bindparam("b_digest"))
_RETIRE = (
    update(_TABLE)
    .where(_TABLE.c.state == bindparam("b_state"), _TABLE.c.digest != bindparam("b_but"))
    .values(state=bindparam("b_to"))
)


class PolicyState(StrEnum):
    """Where a text of the policy is on its way."""

    PROPOSED = "proposed"
    """It loosens something and waits for a second person."""
    IN_FORCE = "in_force"
    RETIRED = "retired"
    """Another one is in force, or was proposed instead of it."""


class Act(StrEnum):
    """As what somebody signed a policy."""

    FIRST = "first"
    """The ledger began with it."""
    WROTE = "wrote"
    """Put it forward, and answers for it."""
    SECOND = "second"
    """Looked at what it loosens, and agrees."""
    ENTERED = "entered"
    """The ledger that it was put in force, once it was compared and everybody had signed who has to."""


class PolicySignature(Noun):
    """One signature under a policy."""

    by: str
    act: Act
    role: str
    mode: str
    """The separation that held then: under `one_person` one signature may be enough."""
    at: datetime
    signature: str
    """Empty where the installation uses no signatures."""


class PolicyVersion(Noun):
    """One text of the policy."""

    digest: str
    """Of the policy that the text means, as it stands on verdicts."""
    name: str
    version: int
    text: str
    """The file, and behind it the packs that it names by file."""
    state: PolicyState
    loosenings: tuple[str, ...] = ()
    """What it lets through more easily than the one it replaces, in words."""
    signatures: tuple[PolicySignature, ...] = ()
    reason: str = ""
    replaces: str = ""
    """Digest of the one that was in force when it was put forward."""
    proposed_at: datetime
    in_force_at: datetime | None = None

    @property
    def ref(self) -> str:
        """Name and version: `house@7`."""
        return f"{self.name}@{self.version}"

    @property
    def signed_by(self) -> tuple[PolicySignature, ...]:
        """The signatures of those who answer for it."""
        return tuple(one for one in self.signatures if one.act is not Act.ENTERED)

    def statement(self, *, by: str, act: Act, role: str, mode: str, at: datetime) -> dict[str, Any]:
        """What somebody signs: this text, what it loosens against which other, and as whom they sign."""
        return {
            "digest": self.digest,
            "text": digest(self.text),
            "loosenings": list(self.loosenings),
            "reason": self.reason,
            "replaces": self.replaces,
            "by": by,
            "act": act,
            "role": role,
            "mode": mode,
            "at": at,
        }

    def genuine(self, one: PolicySignature, keyring: Keyring | None) -> bool:
        """Whether this signature is real; without a keyring every one counts."""
        if keyring is None:
            return True
        told = self.statement(by=one.by, act=one.act, role=one.role, mode=one.mode, at=one.at)
        return keyring.holds(one.by, PURPOSE, told, one.signature)


def history(session: Session) -> list[PolicyVersion]:
    """Every text, the one that was put forward last first."""
    return [_version(row) for row in session.connection().execute(_HISTORY)]


def find(session: Session, beginning: str, state: PolicyState | None = None) -> PolicyVersion:
    """The text whose digest begins so; raises NotFound where none or several do."""
    near = [one for one in history(session) if one.digest.startswith(beginning) and state in (None, one.state)]
    if len(near) != 1 or not beginning:
        problem = "begins so" if not near else "is the only one that begins so"
        raise NotFound(f"No such policy {beginning!r} {problem}.", hint="`shiftlead policy list` shows them.")
    return near[0]


def held(session: Session) -> str:
    """The digest of the one in force; empty where none is."""
    return str(session.connection().execute(_HELD, {"state": str(PolicyState.IN_FORCE)}).scalar() or "")


def held_in(ledger: Ledger) -> str:
    """The digest of the one in force in a ledger now; empty where none is."""
    with ledger.reading() as session:
        return held(session)


def last_adopted(session: Session) -> str:
    """The digest that the audit chain says came into force last; empty where none did. It reads the chain."""
    told = session.connection().execute(_LAST).scalar()
    return str(json.loads(told)["digest"]) if told else ""


def put(tx: Transaction, version: PolicyVersion) -> None:
    """Write a text, or a new round of one that is known."""
    values = {name: getattr(version, name) for name in ("name", "version", "text", "reason", "replaces", "proposed_at")}
    values |= {
        "state": str(version.state),
        "loosenings": canonical_json(version.loosenings),
        "signatures": canonical_json(version.signatures),
        "in_force_at": version.in_force_at,
    }
    if tx.change(_REPLACE.values(**values), {"b_digest": version.digest}) == 0:
        tx.run(_ADD, {"digest": version.digest, **values})


def enact(tx: Transaction, version: PolicyVersion) -> None:
    """Put `version` in force in place of the one it replaces, and tell the audit chain.

    Raises Conflict where another one came into force meanwhile.
    """
    tx.in_turn()
    if (now := held(tx.session)) != version.replaces:
        raise Conflict(f"Another policy came into force meanwhile: {now[:12]}.", hint="Put yours forward again.")
    put(tx, version)
    for state in (PolicyState.IN_FORCE, PolicyState.PROPOSED):
        tx.run(_RETIRE, {"b_state": str(state), "b_but": version.digest, "b_to": str(PolicyState.RETIRED)})
    tx.audit(ADOPTED, actor=version.signed_by[-1].by, **_told(version))


def propose(tx: Transaction, version: PolicyVersion) -> None:
    """Keep a text that waits for its second signature, in place of one that waited before."""
    tx.in_turn()
    put(tx, version)
    tx.run(_RETIRE, {"b_state": str(PolicyState.PROPOSED), "b_but": version.digest, "b_to": str(PolicyState.RETIRED)})
    tx.audit("policy.proposed", actor=version.signatures[-1].by, **_told(version))


def _told(version: PolicyVersion) -> dict[str, Any]:
    return {
        "policy": version.ref,
        "digest": version.digest,
        "text": digest(version.text),
        "replaces": version.replaces,
        "loosenings": len(version.loosenings),
        "reason": version.reason,
        "signed": [{"by": one.by, "act": one.act, "role": one.role, "mode": one.mode} for one in version.signatures],
    }


def _version(row: Any) -> PolicyVersion:
    return PolicyVersion(
        digest=row.digest,
        name=row.name,
        version=row.version,
        text=row.text,
        state=PolicyState(row.state),
        loosenings=tuple(json.loads(row.loosenings)),
        signatures=tuple(PolicySignature.model_validate(one) for one in json.loads(row.signatures)),
        reason=row.reason,
        replaces=row.replaces,
        proposed_at=row.proposed_at,
        in_force_at=row.in_force_at,
    )

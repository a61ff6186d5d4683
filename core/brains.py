"""The store of brains: every version that was made here, which one works, which one runs beside it, and who answers for it."""

import hashlib
import json
from enum import StrEnum
from typing import Any

from pydantic import Field
from sqlalchemy import Row, String, bindparam, or_, select, update
from sqlmodel import Session

from .errors import BadInput, Conflict, LedgerError, NotFound
from .keys import LEDGER_KEY, Keyring
from .noun import Moment, Noun, canonical_json, digest
from .outcomes import LONGEST_LABEL
from .store import Transaction
from .tables import BRAIN, SHADOW

PURPOSE = "brain"
"""What the signature that puts a brain to work is made for."""


class Role(StrEnum):
    """What a version does."""

    CANDIDATE = "candidate"
    """It is kept and does nothing."""
    CHALLENGER = "challenger"
    """It answers beside the one at work, and nobody acts on what it says."""
    CHAMPION = "champion"
    """It is at work."""
    RETIRED = "retired"
    """It was at work."""


class SignOff(Noun):
    """Somebody's signature under putting a version to work."""

    by: str
    role: str
    at: Moment
    reason: str
    replaces: str = ""
    """Digest of the version that was at work before; empty for the one that ships."""
    evidence: dict[str, Any] = {}
    """What the person was shown: the paired comparison and the certificate."""
    signature: str = ""
    entered: str = ""
    """The ledger's own signature on the same: that it was looked at who may do this, on what comparison. Nobody else can make it."""


class BrainVersion(Noun):
    """One version of a worker's brain."""

    digest: str
    """SHA-256 of everything that decides what it answers, as it stands in the brain's name."""
    worker: str
    task: str
    name: str
    """As it stands in the envelopes: `triage-0f3a…`."""
    role: Role = Role.CANDIDATE
    card: dict[str, Any] = {}
    """Its own description: data, scores, limits."""
    content: str
    """SHA-256 of the packed folder."""
    made_at: Moment
    made_by: str
    signed: tuple[SignOff, ...] = ()
    """Everybody who ever put it to work, the last one last."""

    def statement(self, sign_off: SignOff) -> dict[str, Any]:
        """What is signed: this content, for this worker, in place of which other."""
        said = sign_off.model_dump(exclude={"signature", "entered"})
        return {"digest": self.digest, "worker": self.worker, "task": self.task, "content": self.content, **said}

    def rightful(self, keyring: Keyring | None) -> bool:
        """Whether the last person who put it to work signed exactly that, and the ledger itself where it has a key of its own.

        True where the installation uses no signatures.
        """
        if keyring is None:
            return True
        last = self.signed[-1] if self.signed else None
        if last is None or not keyring.holds(last.by, PURPOSE, self.statement(last), last.signature):
            return False
        return LEDGER_KEY not in keyring.names or keyring.holds(LEDGER_KEY, PURPOSE, self.statement(last), last.entered)


class Shadow(Noun):
    """What a challenger would have said about one case."""

    case_id: str
    brain: str
    """The challenger's digest."""
    label: str = Field(max_length=LONGEST_LABEL)
    confidence: float = Field(ge=0, le=1)
    at: Moment


def add(tx: Transaction, version: BrainVersion, packed: bytes) -> None:
    """Keep a version with its packed folder, as a candidate.

    Raises Conflict where it is known already, BadInput where version and folder do not belong together or it is no candidate.
    """
    if hashlib.sha256(packed).hexdigest() != version.content:
        raise BadInput(f"The packed folder is not that of {version.name}.", hint="Pack it again.")
    if version.role is not Role.CANDIDATE or version.signed:
        raise BadInput(f"{version.name} cannot begin as {version.role}.", hint="Add it as a candidate; then put it to work.")
    if tx.add_new(BRAIN, [{**_columns(version), "packed": packed}]) != 1:
        known = tx.run(_GET, {"digest": version.digest}).one()
        told = f"{version.name} is known already: {known.worker} has it as {known.role}."
        raise Conflict(told, hint="`shiftlead brain versions` lists them.")
    tx.audit(
        "brain.added",
        actor=version.made_by,
        brain=version.digest,
        worker=version.worker,
        card=digest(canonical_json(version.card)),
    )


def challenge(tx: Transaction, version: BrainVersion, *, by: str) -> None:
    """Let a version answer beside the one at work, in place of the one that did; raises Conflict where it is at work itself."""
    tx.in_turn()
    if _kept(tx, version).role is Role.CHAMPION:
        raise Conflict(f"{version.name} is at work itself.", hint="Let another version answer beside it.")
    _make_way(tx, version.worker, Role.CHALLENGER, Role.CANDIDATE, but=version.digest)
    tx.run(_ROLE, {"b_digest": version.digest, "b_role": str(Role.CHALLENGER)})
    tx.audit("brain.challenges", actor=by, brain=version.digest, worker=version.worker)


def promote(tx: Transaction, version: BrainVersion, *, word: str = "promoted") -> None:
    """Put a version to work that somebody has just signed, in place of the one that is.

    Raises Conflict, and changes nothing, where it is at work already, another one was put to work meanwhile, or somebody else
    signed it meanwhile; BadInput where nobody has signed.
    """
    if not version.signed:
        raise BadInput(f"Nobody has signed {version.name}.", hint="Whoever puts a brain to work signs for it.")
    tx.in_turn()
    last = version.signed[-1]
    kept, at_work = _kept(tx, version), champion(tx.session, version.worker)
    if kept.role is Role.CHAMPION:
        raise Conflict(f"{version.name} is at work already.", hint="`shiftlead brain versions` shows which is.")
    if (at_work.digest if at_work else "") != last.replaces:
        raise Conflict("Another brain was put to work meanwhile.", hint="Compare with that one, and sign again.")
    if canonical_json(kept.signed) != canonical_json(version.signed[:-1]):
        raise Conflict(f"{version.name} was signed by somebody else meanwhile.", hint="Read it again, and sign again.")
    _make_way(tx, version.worker, Role.CHAMPION, Role.RETIRED)
    tx.run(_PROMOTE, {"b_digest": version.digest, "b_signed": canonical_json(version.signed)})
    tx.audit(
        f"brain.{word}", actor=last.by, brain=version.digest, worker=version.worker, replaces=last.replaces, reason=last.reason,
        evidence=last.evidence, signature=last.signature,
    )  # fmt: skip


def retire(tx: Transaction, version: BrainVersion, *, by: str, reason: str) -> None:
    """Take a version from its work, so that the shipped one works again; raises Conflict where it is not at work any more."""
    tx.in_turn()
    if _kept(tx, version).role is not Role.CHAMPION:
        raise Conflict(f"{version.name} is not at work any more.", hint="`shiftlead brain versions` shows which is.")
    _make_way(tx, version.worker, Role.CHAMPION, Role.RETIRED)
    tx.audit("brain.rolled_back", actor=by, brain="", worker=version.worker, replaces=version.digest, reason=reason)


def find(session: Session, beginning: str, *, worker: str = "") -> BrainVersion:
    """The version whose digest or name begins so; raises NotFound where none or several do."""
    near = [
        one for one in history(session, worker=worker) if one.digest.startswith(beginning) or one.name.startswith(beginning)
    ]
    if len(near) != 1 or not beginning:
        problem = "is the only one that begins so" if len(near) > 1 else "begins so"
        raise NotFound(f"No brain {beginning!r} {problem}.", hint="`shiftlead brain versions` lists them.")
    return near[0]


def history(session: Session, *, worker: str = "") -> list[BrainVersion]:
    """Every version of a worker, or of all, the newest first."""
    return [_version(row) for row in session.connection().execute(_HISTORY, {"worker": worker})]


def champion(session: Session, worker: str) -> BrainVersion | None:
    """The version at work; None where the shipped one is."""
    return _in_role(session, worker, Role.CHAMPION)


def challenger(session: Session, worker: str) -> BrainVersion | None:
    """The version that answers beside the one at work; None where none does."""
    return _in_role(session, worker, Role.CHALLENGER)


def roles(session: Session) -> dict[tuple[str, Role], str]:
    """The digests at work and beside it, by worker and role, in one look: what a process reads before each case."""
    found = session.connection().execute(_ROLES)
    return {(row.worker, Role(row.role)): row.digest for row in found}


def packed(session: Session, wanted: str) -> bytes:
    """The packed folder of a version; raises NotFound where it is missing, Conflict where it is not what was kept."""
    row = session.connection().execute(_PACKED, {"digest": wanted}).first()
    if row is None:
        raise NotFound(f"There is no brain {wanted[:12]!r}.", hint="`shiftlead brain versions` lists them.")
    found = bytes(row.packed)
    if hashlib.sha256(found).hexdigest() != row.content:
        raise Conflict(
            f"The brain {wanted[:12]} in the ledger is damaged.", hint="Restore the ledger from a backup, or roll back."
        )
    return found


def keep_shadow(tx: Transaction, shadow: Shadow) -> None:
    """Keep what a challenger said about a case; the first word counts."""
    tx.add_new(SHADOW, [shadow.model_dump()])


def shadows(session: Session, brain: str) -> list[Shadow]:
    """Everything that a challenger said, the oldest first."""
    return [Shadow(**row._mapping) for row in session.connection().execute(_SHADOWS, {"brain": brain})]


_PLAIN = ("digest", "worker", "task", "name", "content", "made_at", "made_by")
_COLUMNS = [BRAIN.c[name] for name in (*_PLAIN, "role", "card", "signed")]
_GET = select(*_COLUMNS).where(BRAIN.c.digest == bindparam("digest"))
_PACKED = select(BRAIN.c.packed, BRAIN.c.content).where(BRAIN.c.digest == bindparam("digest"))
_HISTORY = (
    select(*_COLUMNS)
    .where(or_(bindparam("worker", type_=String()) == "", BRAIN.c.worker == bindparam("worker")))
    .order_by(BRAIN.c.made_at.desc(), BRAIN.c.digest)
)
_IN_ROLE = select(*_COLUMNS).where(BRAIN.c.worker == bindparam("worker"), BRAIN.c.role == bindparam("role"))
_ROLES = select(BRAIN.c.worker, BRAIN.c.role, BRAIN.c.digest).where(
    BRAIN.c.role.in_([str(Role.CHAMPION), str(Role.CHALLENGER)])
)
_ROLE = update(BRAIN).where(BRAIN.c.digest == bindparam("b_digest")).values(role=bindparam("b_role"))
_PROMOTE = (
    update(BRAIN).where(BRAIN.c.digest == bindparam("b_digest")).values(role=str(Role.CHAMPION), signed=bindparam("b_signed"))
)
_MAKE_WAY = (
    update(BRAIN)
    .where(BRAIN.c.worker == bindparam("b_worker"), BRAIN.c.role == bindparam("b_role"), BRAIN.c.digest != bindparam("b_but"))
    .values(role=bindparam("b_to"))
)
_SHADOWS = select(SHADOW).where(SHADOW.c.brain == bindparam("brain")).order_by(SHADOW.c.at, SHADOW.c.case_id)


def _make_way(tx: Transaction, worker: str, role: Role, to: Role, *, but: str = "") -> None:
    """Take every version of a worker that has a role, except one, to another role."""
    tx.run(_MAKE_WAY, {"b_worker": worker, "b_role": str(role), "b_to": str(to), "b_but": but})


def _kept(tx: Transaction, version: BrainVersion) -> BrainVersion:
    """A version as the ledger has it now; raises NotFound where this worker has none such."""
    row = tx.run(_GET, {"digest": version.digest}).first()
    if row is None or row.worker != version.worker:
        raise NotFound(f"{version.worker} has no brain {version.name}.", hint="`shiftlead brain versions` lists them.")
    return _version(row)


def _in_role(session: Session, worker: str, role: Role) -> BrainVersion | None:
    row = session.connection().execute(_IN_ROLE, {"worker": worker, "role": str(role)}).first()
    return _version(row) if row else None


def _columns(version: BrainVersion) -> dict[str, Any]:
    plain = {name: getattr(version, name) for name in _PLAIN}
    return {**plain, "role": str(version.role), "card": canonical_json(version.card), "signed": canonical_json(version.signed)}


def _version(row: Row[Any]) -> BrainVersion:
    plain = {name: getattr(row, name) for name in _PLAIN}
    try:
        signed = tuple(SignOff.model_validate(one) for one in json.loads(row.signed))
        return BrainVersion(**plain, role=Role(row.role), card=json.loads(row.card), signed=signed)
    except (ValueError, TypeError) as error:
        told = f"The brain {row.digest[:12]} in the ledger is damaged."
        raise LedgerError(told, hint="Restore the ledger from a backup.") from error

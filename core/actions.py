"""The store of sealed actions: what was proposed, how it was judged, and where it is on its way."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Row, bindparam, distinct, func, insert, or_, select, update
from sqlmodel import Session

from .action import Envelope, Target, effect_key
from .errors import Conflict, NotFound
from .keys import LEDGER_KEY, Keyring
from .noun import Noun, canonical_json, digest
from .receipt import EffectState
from .roster import Signing, signature
from .store import Transaction
from .switches import scopes_of
from .tables import ACTION, EFFECT
from .verdict import Lane, Verdict


class ActionState(StrEnum):
    """Where a sealed action is on its way."""

    PROPOSED = "proposed"
    """Judged allowed; runs when its turn comes."""
    WAITING = "waiting"
    """A person has to decide."""
    APPROVED = "approved"
    """A person said yes; runs when its turn comes."""
    DONE = "done"
    REFUSED = "refused"
    """The outside system said no."""
    UNKNOWN = "unknown"
    """Sent, answer lost; a person or a look-up settles it."""
    REJECTED = "rejected"
    """A person said no."""
    BLOCKED = "blocked"
    """Prohibited; never runs."""
    CANCELLED = "cancelled"
    """Not run since an action before it did not."""
    SUPERSEDED = "superseded"
    """Replaced by a newer round: the record moved, or a person took the case."""


SEAL = "seal"
"""What the signature on a sealed action is made for."""

OPEN_STATES = (ActionState.PROPOSED, ActionState.WAITING, ActionState.APPROVED, ActionState.UNKNOWN)
"""States in which an action still needs something."""


class SealedAction(Noun):
    """One action with its envelope and verdict."""

    id: str
    case_id: str
    seq: int
    """Its place in the case; actions run in this order."""
    round: int = 1
    """Counts the envelopes this action has had: 2 after an edit or a moved record."""
    state: ActionState
    envelope: Envelope
    digest: str
    verdict: Verdict
    context: dict[str, Any] = {}
    """The runtime's own facts it was judged with."""
    makers: tuple[str, ...] = ()
    sealed_by: str = ""
    """Who signed it as it stands: the ledger's own key for a worker, a person for what they edited or proposed."""
    seal: str = ""
    """That signature on `statement()`, in base64."""

    def statement(self) -> dict[str, Any]:
        """What is signed when it is sealed: the envelope, the facts it was judged with, who made it, and how strict its verdict was."""
        verdict = self.verdict
        return {
            "action": self.id,
            "case": self.case_id,
            "digest": self.digest,
            "context": digest(self.context),
            "makers": list(self.makers),
            "lane": verdict.lane.value,
            "approvals": verdict.approvals,
            "four_eyes": verdict.four_eyes,
        }

    def signed(self, signing: Signing | None, by: str) -> Self:
        """The same, signed by `by` as it stands now; unsigned where nobody signs."""
        made = signature(signing, by, SEAL, self.statement())
        return self.model_copy(update={"sealed_by": by if made else "", "seal": made})

    def genuine(self, keyring: Keyring | None) -> bool:
        """Whether it stands as it was signed; True where the installation uses no signatures or the ledger has no key of its own."""
        if keyring is None or LEDGER_KEY not in keyring.names:
            return True
        return keyring.holds(self.sealed_by, SEAL, self.statement(), self.seal)

    @property
    def lane(self) -> Lane:
        """The lane of its verdict."""
        return self.verdict.lane

    @property
    def kind(self) -> str:
        """The operation it would call."""
        return self.envelope.proposal.action.kind

    @property
    def effect_key(self) -> str:
        """The key under which it has its one effect, as it is sealed now."""
        envelope = self.envelope
        return effect_key(envelope.tenant, envelope.case_id, envelope.action_id, self.digest)

    @property
    def stop_scopes(self) -> tuple[str, ...]:
        """Every scope whose kill switch holds it."""
        return scopes_of(worker=self.envelope.worker, kind=self.kind, party=self.envelope.proposal.action.party)

    def summary(self) -> str:
        """One line for lists: what it does, to what, for how much."""
        action = self.envelope.proposal.action
        money = f" {action.amount}" if action.amount else ""
        return f"{action.kind} {action.target.kind} {action.target.id}{money}"


_ADD = insert(ACTION)
_REPLACE = update(ACTION).where(ACTION.c.id == bindparam("b_id"))
_OF_CASE = select(ACTION).where(ACTION.c.case_id == bindparam("case_id")).order_by(ACTION.c.seq)
_GET = select(ACTION).where(ACTION.c.id == bindparam("id"))
_MOVE = (
    update(ACTION)
    .where(ACTION.c.id == bindparam("b_id"), ACTION.c.state.in_(bindparam("b_expect", expanding=True)))
    .values(state=bindparam("b_to"), settled_at=bindparam("b_settled"))
)
_DONE_BEFORE = (
    select(func.count(distinct(ACTION.c.id)))
    .select_from(ACTION.outerjoin(EFFECT, EFFECT.c.action_id == ACTION.c.id))
    .where(
        ACTION.c.target == bindparam("target"),
        ACTION.c.kind == bindparam("kind"),
        ACTION.c.id != bindparam("but"),
        or_(
            ACTION.c.state.in_([str(ActionState.DONE), str(ActionState.UNKNOWN)]),
            EFFECT.c.state == str(EffectState.SENDING),
        ),
    )
)
_LAST = select(func.max(ACTION.c.seq)).where(ACTION.c.case_id == bindparam("case_id"))


def add(tx: Transaction, sealed: SealedAction) -> None:
    """Write a new sealed action."""
    tx.run(_ADD, {"id": sealed.id, "created_at": tx.now, **_columns(sealed)})


def replace(tx: Transaction, sealed: SealedAction) -> None:
    """Write the new round of a sealed action."""
    tx.run(_REPLACE.values(**_columns(sealed)), {"b_id": sealed.id})


def get(session: Session, action_id: str) -> SealedAction:
    """One action; raises NotFound."""
    row = session.connection().execute(_GET, {"id": action_id}).first()
    if row is None:
        raise NotFound(f"No action {action_id!r} is in the ledger.", hint="`shiftlead case show CASE` lists a case's actions.")
    return from_row(row)


def of_case(session: Session, case_id: str) -> list[SealedAction]:
    """The actions of one case in the order they run."""
    return [from_row(row) for row in session.connection().execute(_OF_CASE, {"case_id": case_id})]


def move(tx: Transaction, action_id: str, to: ActionState, *, expect: Iterable[ActionState]) -> None:
    """Change an action's state if it is one of `expect`; raises Conflict where it is not."""
    settled = None if to in OPEN_STATES else tx.now
    values = {"b_id": action_id, "b_expect": [str(one) for one in expect], "b_to": str(to), "b_settled": settled}
    if tx.change(_MOVE, values) != 1:
        raise Conflict(f"Action {action_id!r} is not open for {to.value!r} any more.", hint="Look at the case again.")


def done_before(session: Session, kind: str, target: Target, *, but: str = "") -> int:
    """How many actions of `kind` were done on `target`, may have been, or are being sent now; `but` is the one that asks."""
    asked = {"kind": kind, "target": str(target), "but": but}
    return session.connection().execute(_DONE_BEFORE, asked).scalar() or 0


def of_rows(rows: Iterable[Row[Any]]) -> Iterator[SealedAction]:
    """Sealed actions from rows of their table."""
    return (from_row(row) for row in rows)


def newest(session: Session, kind: str, *, until: datetime, most: int) -> list[tuple[datetime, SealedAction]]:
    """The actions of one kind that were proposed last, up to a moment, the newest first, each with when that was."""
    query = (
        select(ACTION)
        .where(ACTION.c.kind == kind, ACTION.c.created_at <= until)
        .order_by(ACTION.c.created_at.desc(), ACTION.c.id.desc())
        .limit(most)
    )
    return [(row.created_at, from_row(row)) for row in session.connection().execute(query)]


def next_seq(session: Session, case_id: str) -> int:
    """The sequence number after the last action of a case."""
    return (session.connection().execute(_LAST, {"case_id": case_id}).scalar() or 0) + 1


def _columns(sealed: SealedAction) -> dict[str, Any]:
    action = sealed.envelope.proposal.action
    return {
        "case_id": sealed.case_id,
        "seq": sealed.seq,
        "round": sealed.round,
        "kind": action.kind,
        "connector": action.target.system,
        "target": str(action.target),
        "amount": action.amount.amount if action.amount else None,
        "currency": action.amount.currency if action.amount else None,
        "confidence": sealed.envelope.proposal.confidence,
        "summary": sealed.summary(),
        "state": str(sealed.state),
        "lane": str(sealed.lane),
        "digest": sealed.digest,
        "envelope": sealed.envelope.sealed(),
        "verdict": canonical_json(sealed.verdict),
        "facts": canonical_json(sealed.context),
        "makers": canonical_json(sealed.makers),
        "sealed_by": sealed.sealed_by,
        "seal": sealed.seal,
        "settled_at": None,
    }


def from_row(row: Row[Any]) -> SealedAction:
    """The action in a row of its table."""
    return SealedAction(
        id=row.id,
        case_id=row.case_id,
        seq=row.seq,
        round=row.round,
        state=ActionState(row.state),
        envelope=Envelope.model_validate_json(row.envelope),
        digest=row.digest,
        verdict=Verdict.model_validate_json(row.verdict),
        context=json.loads(row.facts),
        makers=tuple(json.loads(row.makers)),
        sealed_by=row.sealed_by,
        seal=row.seal,
    )

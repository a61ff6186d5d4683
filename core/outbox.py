"""The outbox: one row per effect, whose key is what makes it happen at most once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update
from sqlmodel import Session, col

from .errors import Conflict
from .noun import canonical_json, digest
from .receipt import Effect, EffectState, Outcome, Receipt
from .store import Transaction
from .tables import EFFECT, EffectRow

_BY_KEY = select(EFFECT).where(EFFECT.c.key == bindparam("key"))
_LOCK = _BY_KEY.with_for_update()
_AGAIN = (
    update(EFFECT)
    .where(EFFECT.c.key == bindparam("b_key"))
    .values(
        state=str(EffectState.SENDING),
        sender=bindparam("b_sender"),
        sent_at=bindparam("b_now"),
        attempts=EFFECT.c.attempts + 1,
    )
)
_ON_ITS_WAY = EFFECT.c.state.in_([str(EffectState.SENDING), str(EffectState.UNKNOWN)])
_SETTLE = (
    update(EFFECT)
    .where(EFFECT.c.key == bindparam("b_key"), _ON_ITS_WAY)
    .values(state=bindparam("b_state"), receipt=bindparam("b_receipt"), settled_at=bindparam("b_settled"))
)
# A sender that was taken for dead may come late with its receipt.
_SETTLE_LATE = (
    update(EFFECT)
    .where(EFFECT.c.key == bindparam("b_key"), or_(_ON_ITS_WAY, EFFECT.c.state == str(EffectState.PLANNED)))
    .values(state=bindparam("b_state"), receipt=bindparam("b_receipt"), settled_at=bindparam("b_settled"))
)
_OF_CASE = select(EFFECT).where(EFFECT.c.case_id == bindparam("case_id")).order_by(EFFECT.c.planned_at)


def start(tx: Transaction, effect: Effect, *, sender: str) -> bool:
    """Take the right to send `effect`; False where somebody took it before.

    It is taken by inserting the row, or by moving a planned row (nothing was sent then) to sending.
    """
    values = effect.model_dump(exclude={"receipt", "state", "attempts", "sent_at"})
    sending = {"state": str(EffectState.SENDING), "attempts": 1, "sender": sender, "sent_at": tx.now}
    if tx.add_new(EFFECT, [{**values, **sending}]) == 1:
        return True
    if tx.run(_LOCK, {"key": effect.key}).one().state != EffectState.PLANNED:
        return False
    tx.run(_AGAIN, {"b_key": effect.key, "b_sender": sender, "b_now": tx.now})
    return True


def announce(tx: Transaction, effect: Effect, *, sender: str, policy_digest: str) -> None:
    """Write the audit event of an effect that was started, with the policy that admitted it."""
    told = {"key": effect.key, "digest": effect.digest, "policy_digest": policy_digest}
    tx.audit("effect.sending", actor=sender, case_id=effect.case_id, **told)


def settle(tx: Transaction, key: str, receipt: Receipt, *, case_id: str, actor: str) -> Effect | None:
    """Write what the outside answered; raises Conflict where a final answer is there already.

    Answers the effect as it was where the answer came late: nobody knew any more that it was on its way.
    """
    late = None
    values = {
        "b_key": key,
        "b_state": receipt.outcome.value,
        "b_receipt": canonical_json(receipt),
        "b_settled": None if receipt.outcome is Outcome.UNKNOWN else tx.now,
    }
    if tx.change(_SETTLE, values) != 1:
        before = tx.run(_LOCK, {"key": key}).first()
        late = _effect(before) if before is not None and before.state == EffectState.PLANNED else None
        if tx.change(_SETTLE_LATE, values) != 1:
            raise Conflict(f"Effect {key[:12]!r} has its answer already.", hint="`shiftlead case explain` shows it.")
    tx.audit(
        f"effect.{receipt.outcome.value}",
        actor=actor,
        case_id=case_id,
        key=key,
        external_id=receipt.external_id,
        receipt=digest(receipt),
    )
    return late


def back_to_planned(tx: Transaction, key: str, *, actor: str, why: str) -> None:
    """Note that nothing was sent, so that it may be sent later under the same key."""
    changed = tx.change(
        update(EffectRow)
        .where(col(EffectRow.key) == key, col(EffectRow.state).in_([str(EffectState.SENDING), str(EffectState.UNKNOWN)]))
        .values(state=str(EffectState.PLANNED))
    )
    if changed != 1:
        raise Conflict(f"Effect {key[:12]!r} has its answer already.", hint="`shiftlead case explain` shows it.")
    row = tx.session.get(EffectRow, key)
    tx.audit("effect.not_sent", actor=actor, case_id=row.case_id if row else None, key=key, why=why)


def cancel(tx: Transaction, key: str, *, actor: str, why: str) -> None:
    """Note that nothing was sent and nothing will be under this key; raises Conflict where nobody is sending it."""
    changed = tx.change(
        update(EffectRow)
        .where(col(EffectRow.key) == key, col(EffectRow.state) == str(EffectState.SENDING))
        .values(state=str(EffectState.CANCELLED), settled_at=tx.now)
    )
    if changed != 1:
        raise Conflict(
            f"Effect {key[:12]!r} is not being sent any more.", hint="`shiftlead case explain` shows what became of it."
        )
    row = tx.session.get(EffectRow, key)
    tx.audit("effect.cancelled", actor=actor, case_id=row.case_id if row else None, key=key, why=why)


def get(session: Session, key: str) -> Effect | None:
    """One effect by its key."""
    row = session.connection().execute(_BY_KEY, {"key": key}).first()
    return None if row is None else _effect(row)


def of_case(session: Session, case_id: str) -> list[Effect]:
    """The effects of one case, oldest first."""
    return [_effect(row) for row in session.connection().execute(_OF_CASE, {"case_id": case_id})]


def in_state(session: Session, states: Sequence[EffectState], *, limit: int = 1000) -> list[Effect]:
    """Effects in one of `states`, oldest first."""
    rows = session.scalars(
        select(EffectRow)
        .where(col(EffectRow.state).in_([str(state) for state in states]))
        .order_by(col(EffectRow.planned_at))
        .limit(limit)
    )
    return [_effect(row) for row in rows]


def _effect(row: Row[Any] | EffectRow) -> Effect:
    return Effect(
        key=row.key,
        case_id=row.case_id,
        action_id=row.action_id,
        connector=row.connector,
        operation=row.operation,
        digest=row.digest,
        state=EffectState(row.state),
        attempts=row.attempts,
        receipt=None if row.receipt is None else Receipt.model_validate_json(row.receipt),
        planned_at=row.planned_at,
        sent_at=row.sent_at,
        settled_at=row.settled_at,
    )

"""The outbox: one row per effect, whose key is what makes it happen at most once."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlmodel import Session, col

from .errors import Conflict
from .noun import canonical_json
from .receipt import Effect, EffectState, Outcome, Receipt
from .store import Transaction
from .tables import EffectRow


def start(tx: Transaction, effect: Effect, *, sender: str) -> bool:
    """Take the right to send `effect`; False where somebody took it before.

    It is taken by inserting the row, or by moving a planned row (nothing was sent then) to sending.
    """
    known = tx.session.get(EffectRow, effect.key, with_for_update=True)
    if known is None:
        tx.session.add(
            EffectRow(
                key=effect.key,
                case_id=effect.case_id,
                action_id=effect.action_id,
                connector=effect.connector,
                operation=effect.operation,
                digest=effect.digest,
                state=EffectState.SENDING,
                attempts=1,
                sender=sender,
                planned_at=effect.planned_at,
                sent_at=tx.now,
            )
        )
        tx.session.flush()
    elif known.state == EffectState.PLANNED:
        known.state, known.sender, known.sent_at = EffectState.SENDING, sender, tx.now
        known.attempts += 1
        tx.session.add(known)
    else:
        return False
    tx.audit("effect.sending", actor=sender, case_id=effect.case_id, key=effect.key, digest=effect.digest)
    return True


def settle(tx: Transaction, key: str, receipt: Receipt, *, actor: str) -> None:
    """Write what the outside answered; raises Conflict where a final answer is there already."""
    state = EffectState(receipt.outcome.value)
    changed = tx.change(
        update(EffectRow)
        .where(col(EffectRow.key) == key, col(EffectRow.state).in_([str(EffectState.SENDING), str(EffectState.UNKNOWN)]))
        .values(
            state=str(state),
            receipt=canonical_json(receipt),
            settled_at=None if receipt.outcome is Outcome.UNKNOWN else tx.now,
        )
    )
    if changed != 1:
        raise Conflict(f"Effect {key[:12]!r} has its answer already.", hint="`shiftlead case explain` shows it.")
    row = tx.session.get(EffectRow, key)
    tx.audit(
        f"effect.{receipt.outcome.value}",
        actor=actor,
        case_id=row.case_id if row else None,
        key=key,
        external_id=receipt.external_id,
        detail=receipt.detail,
    )


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
    """Note that nothing was sent and nothing will be under this key."""
    tx.session.execute(
        update(EffectRow)
        .where(col(EffectRow.key) == key, col(EffectRow.state) == str(EffectState.SENDING))
        .values(state=str(EffectState.CANCELLED), settled_at=tx.now)
    )
    row = tx.session.get(EffectRow, key)
    tx.audit("effect.cancelled", actor=actor, case_id=row.case_id if row else None, key=key, why=why)


def get(session: Session, key: str) -> Effect | None:
    """One effect by its key."""
    row = session.get(EffectRow, key)
    return None if row is None else _effect(row)


def of_case(session: Session, case_id: str) -> list[Effect]:
    """The effects of one case, oldest first."""
    rows = session.scalars(select(EffectRow).where(col(EffectRow.case_id) == case_id).order_by(col(EffectRow.planned_at)))
    return [_effect(row) for row in rows]


def in_state(session: Session, states: Sequence[EffectState], *, limit: int = 1000) -> list[Effect]:
    """Effects in one of `states`, oldest first."""
    rows = session.scalars(
        select(EffectRow)
        .where(col(EffectRow.state).in_([str(state) for state in states]))
        .order_by(col(EffectRow.planned_at))
        .limit(limit)
    )
    return [_effect(row) for row in rows]


def _effect(row: EffectRow) -> Effect:
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

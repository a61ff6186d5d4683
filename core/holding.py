"""Holding: cases that rest since a kill switch held them, and cases that are put aside since nobody decided."""

from sqlalchemy import bindparam, update

from .case import CaseState
from .store import Transaction
from .tables import CASE

STOPPED = "Stopped: "
"""How the error of a case begins that rests since a kill switch held it."""

_WAKE_STOPPED = (
    update(CASE).where(CASE.c.state == str(CaseState.READY), CASE.c.error.startswith(STOPPED)).values(wake_at=None, error="")
)
_PARK = (
    update(CASE)
    .where(CASE.c.id == bindparam("b_id"), CASE.c.state == str(CaseState.WAITING))
    .values(state=str(CaseState.PARKED), error=bindparam("b_error"))
)


def wake_stopped(tx: Transaction) -> int:
    """Take up at once the cases that rest since a kill switch held them; returns how many."""
    return tx.change(_WAKE_STOPPED)


def park_waiting(tx: Transaction, case_id: str, *, why: str) -> bool:
    """Park a case that waits for a person; False where it does not wait any more."""
    if tx.change(_PARK, {"b_id": case_id, "b_error": why}) != 1:
        return False
    tx.audit("case.parked", actor="system", case_id=case_id, error=why)
    return True

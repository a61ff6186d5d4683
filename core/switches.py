"""Kill switches: which scopes are stopped, by whom and why."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from .errors import Stopped
from .noun import Noun
from .store import Transaction
from .tables import SWITCH, SwitchRow

ALL = "all"
"""The scope that stops everything."""


_STOPPED = select(SWITCH).where(SWITCH.c.scope.in_(bindparam("scopes", expanding=True)), SWITCH.c.stopped)


class Switch(Noun):
    """One scope that is, or was, stopped."""

    scope: str
    """`all`, `worker:invoices`, `action:invoice.post`, `party:C-104`."""
    stopped: bool
    by: str
    reason: str
    at: datetime
    resume_by: str = ""
    """Who asked to let it run again, where a second person has still to agree."""
    resume_reason: str = ""


def scopes_of(*, worker: str, kind: str, party: str) -> tuple[str, ...]:
    """Every scope whose switch would stop this action."""
    return tuple(scope for scope in (ALL, f"worker:{worker}", f"action:{kind}", f"party:{party}" if party else "") if scope)


def throw(tx: Transaction, scope: str, *, stopped: bool, by: str, reason: str) -> None:
    """Stop a scope, or let it run again."""
    tx.session.merge(SwitchRow(scope=scope, stopped=stopped, by=by, reason=reason, at=tx.now))
    tx.audit("switch.stopped" if stopped else "switch.resumed", actor=by, scope=scope, reason=reason)


def thrown(session: Session) -> list[Switch]:
    """The scopes that are stopped now."""
    rows = session.scalars(select(SwitchRow).where(col(SwitchRow.stopped)).order_by(col(SwitchRow.scope)))
    return [Switch(**row.model_dump()) for row in rows]


def check(session: Session, scopes: Iterable[str]) -> None:
    """Raise Stopped where one of `scopes` is stopped."""
    row = session.connection().execute(_STOPPED, {"scopes": list(scopes)}).first()
    if row is not None:
        raise Stopped(
            f"{row.scope!r} was stopped by {row.by} at {row.at:%Y-%m-%d %H:%M} UTC: {row.reason}.",
            hint=f"`shiftlead resume {row.scope}` lets it run again.",
        )

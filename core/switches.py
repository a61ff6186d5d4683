"""Kill switches: which scopes are stopped, by whom and why."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from .errors import Stopped
from .noun import Noun
from .store import Transaction
from .tables import SWITCH, ActionRow, CaseRow, SwitchRow

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


def in_use(session: Session, scope: str) -> bool:
    """Whether anything in the ledger is called as `scope` says; a scope that nothing is called by stops nothing so far."""
    family, _, name = scope.partition(":")
    about = f'"party":{json.dumps(name, ensure_ascii=False)}'
    named = {
        "worker": col(CaseRow.worker) == name,
        "action": col(ActionRow.kind) == name,
        "party": col(ActionRow.envelope).contains(about, autoescape=True),
    }
    return family == ALL or (family in named and session.scalars(select(1).where(named[family]).limit(1)).first() is not None)


def party_ids(session: Session, name: str) -> list[str]:
    """The ids of parties whose cases carry `name`: actions, stops and grants name a party by its id."""
    rows = (
        select(col(ActionRow.envelope))
        .join(CaseRow, col(CaseRow.id) == col(ActionRow.case_id))
        .where(col(CaseRow.party) == name)
    )
    found = (json.loads(envelope)["proposal"]["action"]["party"] for envelope in session.scalars(rows))
    return sorted({party for party in found if party})


def throw(tx: Transaction, scope: str, *, stopped: bool, by: str, reason: str, **told: Any) -> None:
    """Stop a scope, or let it run again; `told` goes into the audit event. A wish to resume that was there is gone."""
    tx.session.merge(SwitchRow(scope=scope, stopped=stopped, by=by, reason=reason, at=tx.now))
    tx.audit("switch.stopped" if stopped else "switch.resumed", actor=by, scope=scope, reason=reason, **told)


def ask_to_resume(tx: Transaction, scope: str, *, by: str, reason: str, **told: Any) -> None:
    """Note on a stopped scope who wants it to run again, and why; it stays stopped."""
    row = tx.session.get_one(SwitchRow, scope)
    row.resume_by, row.resume_reason = by, reason
    tx.session.add(row)
    tx.audit("switch.resume_asked", actor=by, scope=scope, reason=reason, **told)


def locked(tx: Transaction, scope: str) -> Switch | None:
    """The switch of a scope that is stopped, locked until the transaction ends; None where it is not stopped."""
    query = select(SwitchRow).where(col(SwitchRow.scope) == scope, col(SwitchRow.stopped)).with_for_update()
    row = tx.session.scalars(query.execution_options(populate_existing=True)).first()
    return None if row is None else Switch(**row.model_dump())


def thrown(session: Session) -> list[Switch]:
    """The scopes that are stopped now."""
    rows = session.scalars(select(SwitchRow).where(col(SwitchRow.stopped)).order_by(col(SwitchRow.scope)))
    return [Switch(**row.model_dump()) for row in rows]


def stopped(session: Session, scopes: Iterable[str]) -> Switch | None:
    """The first of `scopes` that is stopped; None where all of them run."""
    row = session.connection().execute(_STOPPED, {"scopes": list(scopes)}).first()
    return None if row is None else Switch(**{name: getattr(row, name) for name in Switch.model_fields})


def check(session: Session, scopes: Iterable[str]) -> None:
    """Raise Stopped where one of `scopes` is stopped."""
    if found := stopped(session, scopes):
        raise Stopped(
            f"{found.scope!r} was stopped by {found.by} at {found.at:%Y-%m-%d %H:%M} UTC: {found.reason}.",
            hint=f"`shiftlead resume {found.scope}` lets it run again.",
        )

"""The queue of cases: opened once per ticket, claimed under a lease, and fenced so that a late worker cannot write."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, or_, select, update
from sqlmodel import Session, col

from .case import Case, CaseState, TicketItem
from .clock import new_id
from .errors import LeaseLost, NotFound
from .evidence import Evidence
from .noun import Noun, canonical_json, digest
from .store import Ledger, Transaction
from .tables import CASE, CaseRow


class Claim(Noun):
    """A case that one worker process holds until its lease ends."""

    case: Case
    item: TicketItem
    owner: str
    fence: int
    """Grows with every claim; a write with an older fence is refused."""
    checkpoint: bytes | None = None


_KNOWN = select(CASE.c.id).where(
    CASE.c.tenant == bindparam("tenant"),
    CASE.c.source == bindparam("source"),
    CASE.c.external_id == bindparam("external_id"),
    CASE.c.revision == bindparam("revision"),
)


def open_case(
    tx: Transaction, item: TicketItem, *, worker: str, due_at: datetime | None = None, parent_id: str | None = None
) -> Case | None:
    """Make a ticket durable; None where this (source, external id, revision) is a case already."""
    ticket: dict[str, Any] = {
        "tenant": tx.tenant,
        "source": item.source,
        "external_id": item.external_id,
        "revision": item.revision,
    }
    if tx.run(_KNOWN, ticket).first() is not None:
        return None
    case = Case(
        id=new_id("case"),
        worker=worker,
        subject=item.subject,
        party=item.party,
        amount=item.amount,
        currency=item.currency,
        priority=item.priority,
        state=CaseState.READY,
        due_at=item.due_at or due_at,
        parent_id=parent_id,
        received_at=item.received_at,
        opened_at=tx.now,
        **ticket,
    )
    payload = canonical_json(item)
    row = {**case.model_dump(), "payload": payload, "lease_owner": "", "fence": 0, "findings": "[]"}
    if tx.add_new(CASE, [row]) != 1:
        return None
    named = {"source": item.source, "external_id": item.external_id, "ticket": digest(payload)}
    tx.audit("case.opened", actor="system", case_id=case.id, worker=worker, **named)
    return case


def id_of_ticket(tx: Transaction, source: str, external_id: str, revision: str) -> str:
    """The id of the case that was opened for a ticket; raises NotFound."""
    ticket = {"tenant": tx.tenant, "source": source, "external_id": external_id, "revision": revision}
    row = tx.run(_KNOWN, ticket).first()
    if row is None:
        raise NotFound(f"No case was opened for {source}/{external_id}.", hint="`shiftlead case list` shows them.")
    return str(row.id)


_FREE = or_(
    and_(CASE.c.state == str(CaseState.READY), or_(CASE.c.wake_at.is_(None), CASE.c.wake_at <= bindparam("now"))),
    and_(CASE.c.state == str(CaseState.CLAIMED), CASE.c.lease_until < bindparam("now")),
)
_NEXT = (
    select(CASE)
    .where(CASE.c.tenant == bindparam("tenant"), CASE.c.worker.in_(bindparam("workers", expanding=True)), _FREE)
    .order_by(CASE.c.priority, CASE.c.due_at.nulls_last(), CASE.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(CASE)
    .where(CASE.c.id == bindparam("b_id"))
    .values(
        state=str(CaseState.CLAIMED),
        lease_owner=bindparam("b_owner"),
        lease_until=bindparam("b_until"),
        fence=CASE.c.fence + 1,
        attempts=CASE.c.attempts + 1,
    )
)
_OURS = and_(CASE.c.id == bindparam("b_id"), CASE.c.fence == bindparam("b_fence"), CASE.c.state == str(CaseState.CLAIMED))
_CONFIRM = select(CASE.c.id).where(_OURS).with_for_update()
_RENEW = update(CASE).where(_OURS).values(lease_until=bindparam("b_until"))
_RELEASE = (
    update(CASE)
    .where(_OURS)
    .values(
        state=bindparam("b_state"),
        outcome=bindparam("b_outcome"),
        error=bindparam("b_error"),
        checkpoint=bindparam("b_checkpoint"),
        graph_version=bindparam("b_graph_version"),
        wake_at=bindparam("b_wake_at"),
        closed_at=bindparam("b_closed_at"),
        attempts=CASE.c.attempts * bindparam("b_keep"),
        summary=func.coalesce(bindparam("b_summary"), CASE.c.summary),
        lease_owner="",
        lease_until=None,
    )
)
_WAKE = (
    update(CASE)
    .where(CASE.c.id == bindparam("b_id"), CASE.c.state.in_([str(CaseState.WAITING), str(CaseState.PARKED)]))
    .values(state=str(CaseState.READY), wake_at=None, attempts=0)
)
_WAKE_BY_HAND = _WAKE.values(human=True)
_REOPEN = (
    update(CASE)
    .where(CASE.c.id == bindparam("b_id"), CASE.c.state == str(CaseState.CLOSED))
    .values(state=str(CaseState.WAITING), closed_at=None, outcome="")
)
_KEEP = update(CASE).where(CASE.c.id == bindparam("b_id")).values(findings=bindparam("b_findings"))
_HUMAN = update(CASE).where(CASE.c.id == bindparam("b_id")).values(human=True)


def claim(ledger: Ledger, *, owner: str, workers: Sequence[str], limit: int = 1, lease: timedelta) -> list[Claim]:
    """Take up to `limit` cases that are ready or whose lease has ended, most urgent first."""
    with ledger.transaction() as tx:
        asked = {"tenant": tx.tenant, "workers": list(workers), "now": tx.now, "limit": limit}
        rows = tx.run(_NEXT, asked).all()
        if rows:
            until = tx.now + lease
            tx.run(_TAKE, [{"b_id": row.id, "b_owner": owner, "b_until": until} for row in rows])
        for row in rows:
            if row.state == CaseState.CLAIMED:
                tx.audit("case.taken_over", actor=owner, case_id=row.id, from_owner=row.lease_owner)
        return [_claim(row, owner) for row in rows]


def renew(ledger: Ledger, claims: Sequence[Claim], lease: timedelta) -> None:
    """Extend the leases of `claims`; one that was lost stays lost."""
    with ledger.transaction() as tx:
        until = tx.now + lease
        tx.run(_RENEW, [{"b_id": held.case.id, "b_fence": held.fence, "b_until": until} for held in claims])


def confirm(tx: Transaction, held: Claim) -> None:
    """Make sure that `held` is still ours, inside the transaction that is about to write; raises LeaseLost."""
    if tx.run(_CONFIRM, {"b_id": held.case.id, "b_fence": held.fence}).first() is None:
        raise _lost(held)


def release(
    tx: Transaction,
    held: Claim,
    state: CaseState,
    *,
    outcome: str = "",
    error: str = "",
    summary: str | None = None,
    checkpoint: bytes | None = None,
    graph_version: str = "",
    wake_at: datetime | None = None,
    settled: bool = True,
) -> None:
    """Let a case go into `state`; raises LeaseLost where it is not ours any more.

    `settled` says that the attempt went well, so that failures are counted from nought again.
    """
    values = {
        "b_id": held.case.id,
        "b_fence": held.fence,
        "b_state": str(state),
        "b_outcome": outcome,
        "b_error": error,
        "b_checkpoint": checkpoint,
        "b_graph_version": graph_version,
        "b_wake_at": wake_at,
        "b_closed_at": tx.now if state is CaseState.CLOSED else None,
        "b_keep": 0 if settled else 1,
        "b_summary": summary,
    }
    if tx.change(_RELEASE, values) != 1:
        raise _lost(held)
    if state is CaseState.CLOSED:
        tx.audit("case.closed", actor=f"worker:{held.case.worker}", case_id=held.case.id, outcome=outcome)
    elif state is CaseState.PARKED:
        tx.audit("case.parked", actor=f"worker:{held.case.worker}", case_id=held.case.id, error=error.partition(":")[0])


def wake(tx: Transaction, case_id: str, *, human: bool = True) -> None:
    """Put a waiting or parked case back in the queue, since a person has decided or the outside has answered."""
    if not human:
        tx.run(_WAKE, {"b_id": case_id})
    elif tx.change(_WAKE_BY_HAND, {"b_id": case_id}) == 0:
        mark_human(tx, case_id)


def reopen(tx: Transaction, case_id: str) -> None:
    """Let a closed case wait for a person again, since something has to follow; any other case stays as it is."""
    if tx.change(_REOPEN, {"b_id": case_id}):
        tx.audit("case.reopened", actor="system", case_id=case_id)


def mark_human(tx: Transaction, case_id: str) -> None:
    """Remember that a person had a hand in the case; it is not touchless any more."""
    tx.run(_HUMAN, {"b_id": case_id})


def get(session: Session, case_id: str) -> Case:
    """One case; raises NotFound. An unambiguous beginning of its id is enough."""
    row = session.get(CaseRow, case_id)
    if row is None:
        near = session.scalars(select(CaseRow).where(col(CaseRow.id).startswith(case_id, autoescape=True)).limit(2)).all()
        if len(near) != 1:
            problem = "is in the ledger" if not near else "is the only one that begins so"
            raise NotFound(f"No case {case_id!r} {problem}.", hint="`shiftlead case list` shows them.")
        row = near[0]
    return Case.model_validate(row)


def by_ticket(session: Session, external_id: str) -> list[Case]:
    """The cases that were opened for one ticket, by the id that its own system gave it, newest first."""
    rows = session.scalars(
        select(CaseRow).where(col(CaseRow.external_id) == external_id).order_by(col(CaseRow.opened_at).desc())
    )
    return [Case.model_validate(row) for row in rows]


def item_of(session: Session, case_id: str) -> TicketItem:
    """The ticket of a case as it came in; raises NotFound."""
    payload = session.scalar(select(col(CaseRow.payload)).where(col(CaseRow.id) == case_id))
    if payload is None:
        raise NotFound(f"No case {case_id!r} is in the ledger.", hint="`shiftlead case list` shows them.")
    return TicketItem.model_validate_json(payload)


def keep_findings(tx: Transaction, case_id: str, evidence: Sequence[Evidence]) -> None:
    """Keep what the worker found where it proposed nothing, for the person who gets the case."""
    tx.run(_KEEP, {"b_id": case_id, "b_findings": canonical_json(list(evidence))})


def findings(session: Session, case_id: str) -> tuple[Evidence, ...]:
    """What the worker found in a case in which it proposed nothing."""
    stored = session.scalar(select(col(CaseRow.findings)).where(col(CaseRow.id) == case_id))
    return tuple(Evidence.model_validate(one) for one in json.loads(stored or "[]"))


def listed(
    session: Session,
    *,
    states: Sequence[CaseState] = (),
    worker: str = "",
    parent_id: str = "",
    limit: int = 100,
) -> list[Case]:
    """Cases, newest first."""
    query = select(CaseRow).order_by(col(CaseRow.opened_at).desc(), col(CaseRow.id)).limit(limit)
    if states:
        query = query.where(col(CaseRow.state).in_([str(state) for state in states]))
    if worker:
        query = query.where(col(CaseRow.worker) == worker)
    if parent_id:
        query = query.where(col(CaseRow.parent_id) == parent_id)
    return [Case.model_validate(row) for row in session.scalars(query)]


def resting(session: Session, *, now: datetime) -> tuple[int, datetime | None]:
    """How many cases rest, and until when the first of them does."""
    asleep = and_(CASE.c.state == str(CaseState.READY), CASE.c.wake_at > now)
    count, first = session.connection().execute(select(func.count(), func.min(CASE.c.wake_at)).where(asleep)).one()
    return count, first


def _lost(held: Claim) -> LeaseLost:
    return LeaseLost(f"Case {held.case.id!r} is not held by {held.owner!r} any more.", hint="Its new holder goes on with it.")


def _claim(row: Row[Any], owner: str) -> Claim:
    """The row as it is once taken."""
    fields = {name: getattr(row, name) for name in Case.model_fields}
    case = Case(**{**fields, "state": CaseState.CLAIMED, "attempts": row.attempts + 1})
    item = TicketItem.model_validate_json(row.payload)
    return Claim(case=case, item=item, owner=owner, fence=row.fence + 1, checkpoint=row.checkpoint)

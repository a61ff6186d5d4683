"""The queue of cases: opened once per ticket, claimed under a lease, and fenced so that a late worker cannot write."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Update, and_, or_, select, update
from sqlmodel import Session, col

from .case import Case, CaseState, TicketItem
from .clock import new_id
from .errors import LeaseLost, NotFound
from .noun import Noun, canonical_json
from .store import Ledger, Transaction
from .tables import CaseRow


class Claim(Noun):
    """A case that one worker process holds until its lease ends."""

    case: Case
    item: TicketItem
    owner: str
    fence: int
    """Grows with every claim; a write with an older fence is refused."""
    checkpoint: bytes | None = None


def open_case(
    tx: Transaction, item: TicketItem, *, worker: str, due_at: datetime | None = None, parent_id: str | None = None
) -> Case | None:
    """Make a ticket durable; None where this (source, external id, revision) is a case already."""
    known = select(col(CaseRow.id)).where(
        col(CaseRow.tenant) == tx.tenant,
        col(CaseRow.source) == item.source,
        col(CaseRow.external_id) == item.external_id,
        col(CaseRow.revision) == item.revision,
    )
    if tx.session.execute(known).first() is not None:
        return None
    row = CaseRow(
        id=new_id("case"),
        tenant=tx.tenant,
        worker=worker,
        source=item.source,
        external_id=item.external_id,
        revision=item.revision,
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
        payload=canonical_json(item),
    )
    tx.session.add(row)
    tx.audit("case.opened", actor="system", case_id=row.id, source=item.source, external_id=item.external_id, worker=worker)
    return Case.model_validate(row)


def claim(ledger: Ledger, *, owner: str, workers: Sequence[str], limit: int = 1, lease: timedelta) -> list[Claim]:
    """Take up to `limit` cases that are ready or whose lease has ended, most urgent first."""
    with ledger.transaction() as tx:
        free = or_(
            and_(
                col(CaseRow.state) == str(CaseState.READY), or_(col(CaseRow.wake_at).is_(None), col(CaseRow.wake_at) <= tx.now)
            ),
            and_(col(CaseRow.state) == str(CaseState.CLAIMED), col(CaseRow.lease_until) < tx.now),
        )
        rows = tx.session.scalars(
            select(CaseRow)
            .where(col(CaseRow.tenant) == tx.tenant, col(CaseRow.worker).in_(workers), free)
            .order_by(col(CaseRow.priority), col(CaseRow.due_at), col(CaseRow.id))
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            if row.state == CaseState.CLAIMED:
                tx.audit("case.taken_over", actor=owner, case_id=row.id, from_owner=row.lease_owner)
            row.state = CaseState.CLAIMED
            row.lease_owner, row.lease_until = owner, tx.now + lease
            row.fence += 1
            row.attempts += 1
            tx.session.add(row)
        return [_claim(row) for row in rows]


def renew(ledger: Ledger, claims: Sequence[Claim], lease: timedelta) -> None:
    """Extend the leases of `claims`; one that was lost stays lost."""
    with ledger.transaction() as tx:
        for held in claims:
            tx.session.execute(_held(held).values(lease_until=tx.now + lease))


def confirm(tx: Transaction, held: Claim) -> None:
    """Make sure that `held` is still ours, inside the transaction that is about to write; raises LeaseLost."""
    changed = tx.change(_held(held).values(fence=held.fence))
    if changed != 1:
        raise LeaseLost(
            f"Case {held.case.id!r} is not held by {held.owner!r} any more.", hint="Its new holder goes on with it."
        )


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
    values: dict[str, object] = {
        "state": str(state),
        "outcome": outcome,
        "error": error,
        "checkpoint": checkpoint,
        "graph_version": graph_version,
        "wake_at": wake_at,
        "lease_owner": "",
        "lease_until": None,
    }
    if settled:
        values["attempts"] = 0
    if summary is not None:
        values["summary"] = summary
    if state is CaseState.CLOSED:
        values["closed_at"] = tx.now
    changed = tx.change(_held(held).values(**values))
    if changed != 1:
        raise LeaseLost(
            f"Case {held.case.id!r} is not held by {held.owner!r} any more.", hint="Its new holder goes on with it."
        )
    if state is CaseState.CLOSED:
        tx.audit("case.closed", actor=f"worker:{held.case.worker}", case_id=held.case.id, outcome=outcome)
    elif state is CaseState.PARKED:
        tx.audit("case.parked", actor=f"worker:{held.case.worker}", case_id=held.case.id, error=error)


def wake(tx: Transaction, case_id: str, *, human: bool = True) -> None:
    """Put a waiting or parked case back in the queue, since a person has decided or the outside has answered."""
    tx.session.execute(
        update(CaseRow)
        .where(col(CaseRow.id) == case_id, col(CaseRow.state).in_([str(CaseState.WAITING), str(CaseState.PARKED)]))
        .values(state=str(CaseState.READY), wake_at=None, attempts=0)
    )
    if human:
        mark_human(tx, case_id)


def mark_human(tx: Transaction, case_id: str) -> None:
    """Remember that a person had a hand in the case; it is not touchless any more."""
    tx.session.execute(update(CaseRow).where(col(CaseRow.id) == case_id).values(human=True))


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


def item_of(session: Session, case_id: str) -> TicketItem:
    """The ticket of a case as it came in; raises NotFound."""
    payload = session.scalar(select(col(CaseRow.payload)).where(col(CaseRow.id) == case_id))
    if payload is None:
        raise NotFound(f"No case {case_id!r} is in the ledger.", hint="`shiftlead case list` shows them.")
    return TicketItem.model_validate_json(payload)


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


def _held(held: Claim) -> Update:
    return update(CaseRow).where(
        col(CaseRow.id) == held.case.id, col(CaseRow.fence) == held.fence, col(CaseRow.state) == str(CaseState.CLAIMED)
    )


def _claim(row: CaseRow) -> Claim:
    return Claim(
        case=Case.model_validate(row),
        item=TicketItem.model_validate_json(row.payload),
        owner=row.lease_owner,
        fence=row.fence,
        checkpoint=row.checkpoint,
    )

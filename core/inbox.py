"""The inbox: approval requests, the one place where each is decided once, and the decisions."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Row, and_, bindparam, func, insert, or_, select, update
from sqlmodel import Session, col

from .approval import Decision, DecisionKind, Request, RequestState
from .errors import AlreadyDecided, NotFound, StaleEnvelope
from .noun import canonical_json, digest
from .store import Transaction
from .tables import DECISION, REQUEST, RequestRow

_ADD, _DECIDE = insert(REQUEST), insert(DECISION)
_OF_CASE = select(REQUEST).where(REQUEST.c.case_id == bindparam("case_id")).order_by(REQUEST.c.created_at, REQUEST.c.round)
_LOCK = select(REQUEST).where(REQUEST.c.id == bindparam("id")).with_for_update()
_SETTLE = (
    update(REQUEST)
    .where(REQUEST.c.id == bindparam("b_id"), REQUEST.c.state == str(RequestState.PENDING))
    .values(state=bindparam("b_to"))
)
_OF_REQUEST = select(DECISION).where(DECISION.c.request_id == bindparam("of")).order_by(DECISION.c.decided_at)
_BY_MODE = (
    select(DECISION)
    .where(
        DECISION.c.digest == bindparam("digest"), DECISION.c.mode == bindparam("mode"), DECISION.c.case_id == bindparam("case")
    )
    .order_by(DECISION.c.decided_at.desc())
)
_MODE = update(DECISION).where(DECISION.c.id == bindparam("b_id"), DECISION.c.signature == "").values(mode=bindparam("b_mode"))
_IN_CASE = select(DECISION).where(DECISION.c.case_id == bindparam("of")).order_by(DECISION.c.decided_at)


class Order(StrEnum):
    """How the inbox is sorted."""

    DUE = "due"
    AMOUNT = "amount"
    AGE = "age"


def put(tx: Transaction, request: Request) -> None:
    """Write a new request and its audit event."""
    tx.run(_ADD, _columns(request))
    tx.audit(
        "request.opened",
        actor="system",
        case_id=request.case_id,
        request=request.id,
        question=request.question,
        digest=request.digest,
        action=request.action_id,
        approvals=request.approvals_needed,
    )


def get(session: Session, request_id: str) -> Request:
    """One request; raises NotFound. An unambiguous beginning of its id is enough."""
    row = session.get(RequestRow, request_id)
    if row is None:
        near = session.scalars(
            select(RequestRow).where(col(RequestRow.id).startswith(request_id, autoescape=True)).limit(2)
        ).all()
        if len(near) != 1:
            problem = "is in the inbox" if not near else "is the only one that begins so"
            raise NotFound(f"No request {request_id!r} {problem}.", hint="`shiftlead inbox list` shows those that wait.")
        row = near[0]
    return _request(row)


def many(session: Session, ids: Sequence[str]) -> list[Request]:
    """The requests with these ids, in this order; unknown ids are left out."""
    found = {row.id: row for row in session.scalars(select(RequestRow).where(col(RequestRow.id).in_(ids)))}
    return [_request(found[one]) for one in ids if one in found]


def waiting_ids(
    session: Session, *, now: datetime, order: Order = Order.DUE, snoozed: bool = False, limit: int | None = None
) -> list[str]:
    """Ids of the requests that wait for a person, the most pressing first; those that are snoozed only where asked for."""
    query = select(col(RequestRow.id)).where(_waits(now, snoozed=snoozed))
    by = {
        Order.DUE: (col(RequestRow.due_at).asc().nulls_last(), col(RequestRow.created_at)),
        Order.AGE: (col(RequestRow.created_at),),
        Order.AMOUNT: (func.cast(col(RequestRow.amount), Numeric(20, 4)).desc().nulls_last(), col(RequestRow.due_at)),
    }[order]
    return list(session.scalars(query.order_by(*by, col(RequestRow.id)).limit(limit)))


def count_waiting(session: Session, *, now: datetime) -> int:
    """How many requests wait for a person now."""
    return session.scalar(select(func.count()).select_from(RequestRow).where(_waits(now, snoozed=False))) or 0


def of_case(session: Session, case_id: str) -> list[Request]:
    """Every request of one case, oldest first."""
    return [_request(row) for row in session.connection().execute(_OF_CASE, {"case_id": case_id})]


def locked(tx: Transaction, request_id: str, *, digest: str) -> Request:
    """The pending request, locked until the transaction ends.

    Raises AlreadyDecided naming who was first, or StaleEnvelope where it shows another envelope than `digest`.
    """
    request = lock(tx, request_id)
    if request.state is not RequestState.PENDING:
        raise _too_late(tx.session, request)
    if request.digest != digest:
        raise StaleEnvelope(
            f"Request {request_id!r} shows another version now than the one you decided on.", hint="Look at it again."
        )
    return request


def settle(tx: Transaction, request_id: str, state: RequestState) -> None:
    """Take a pending request out of the inbox; raises AlreadyDecided where something else was first."""
    if tx.change(_SETTLE, {"b_id": request_id, "b_to": str(state)}) != 1:
        row = tx.session.get(RequestRow, request_id)
        if row is None:
            raise NotFound(f"No request {request_id!r} is in the inbox.", hint="`shiftlead inbox list` shows those that wait.")
        raise _too_late(tx.session, row)


def supersede(tx: Transaction, case_id: str, *, actor: str, why: str, action_id: str = "") -> None:
    """Take the pending requests of a case, or those about one action, out of the inbox, since what they ask is not so any more."""
    query = select(RequestRow).where(col(RequestRow.case_id) == case_id, col(RequestRow.state) == str(RequestState.PENDING))
    if action_id:
        query = query.where(col(RequestRow.action_id) == action_id)
    for row in tx.session.scalars(query).all():
        row.state = RequestState.SUPERSEDED
        tx.session.add(row)
        tx.audit("request.superseded", actor=actor, case_id=case_id, request=row.id, why=why)


def lock(tx: Transaction, request_id: str) -> Request:
    """A request as it is now, locked until the transaction ends; raises NotFound."""
    row = tx.run(_LOCK, {"id": request_id}).first()
    if row is None:
        raise NotFound(f"No request {request_id!r} is in the inbox.", hint="`shiftlead inbox list` shows those that wait.")
    return _request(row)


def postpone(tx: Transaction, request_id: str, until: datetime | None) -> None:
    """Hide a request until a set time, or show it at once."""
    tx.session.execute(update(RequestRow).where(col(RequestRow.id) == request_id).values(snoozed_until=until))


def reassign(tx: Transaction, request_id: str, *, role: str, assigned_to: str = "") -> None:
    """Ask another role, or one person of it; the request shows at once."""
    values = {"role": role, "assigned_to": assigned_to, "snoozed_until": None}
    tx.session.execute(update(RequestRow).where(col(RequestRow.id) == request_id).values(**values))


def climb(tx: Transaction, request: Request, step: int) -> bool:
    """Note that a pending request has been through `step` of its ladder; False where somebody else noted it or it is settled."""
    pending = (col(RequestRow.id) == request.id, col(RequestRow.state) == str(RequestState.PENDING))
    changed = update(RequestRow).where(*pending, col(RequestRow.ladder) == request.ladder).values(ladder=step)
    return tx.change(changed) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How the time of a pending request goes by."""

    id: str
    ladder: int
    created_at: datetime
    due_at: datetime | None
    expires_at: datetime | None


def opened_since(session: Session, since: datetime | None) -> list[Timing]:
    """The timings of pending requests that were opened at or after a moment, or of all of them."""
    query = select(*(REQUEST.c[name] for name in Timing.__slots__)).where(REQUEST.c.state == str(RequestState.PENDING))
    if since is not None:
        query = query.where(REQUEST.c.created_at >= since)
    return [Timing(**row._mapping) for row in session.connection().execute(query)]


def expired(session: Session, *, now: datetime) -> list[Request]:
    """Pending requests whose time has run out."""
    rows = session.scalars(
        select(RequestRow).where(col(RequestRow.state) == str(RequestState.PENDING), col(RequestRow.expires_at) <= now)
    )
    return [_request(row) for row in rows]


def add_decision(tx: Transaction, decision: Decision) -> None:
    """Write a decision and its audit event."""
    tx.run(_DECIDE, {**decision.model_dump(), "kind": str(decision.kind), "changes": canonical_json(decision.changes)})
    tx.audit(
        f"decision.{decision.kind.value}",
        actor=decision.operator,
        case_id=decision.case_id,
        request=decision.request_id,
        digest=decision.digest,
        reason=decision.reason,
        said=digest({"text": decision.text, "changes": decision.changes}),
        seconds=decision.seconds,
        mode=decision.mode,
        policy_digest=decision.policy_digest,
        acting_for=decision.acting_for,
        shown=decision.shown,
        signature=decision.signature,
    )


def in_mode(session: Session, case_id: str, action_digest: str, mode: str) -> Decision | None:
    """The newest decision of a case in `mode` about the envelope with this digest."""
    rows = session.connection().execute(_BY_MODE, {"case": case_id, "digest": action_digest, "mode": mode})
    return next((_decision(row) for row in rows), None)


def change_mode(tx: Transaction, decision_id: str, mode: str) -> None:
    """Note what became of a decision that nobody signed: a grant's."""
    tx.run(_MODE, {"b_id": decision_id, "b_mode": mode})


def decisions(
    session: Session, *, request_id: str = "", case_id: str = "", kinds: Iterable[DecisionKind] = ()
) -> list[Decision]:
    """Decisions on one request or in one case, oldest first."""
    wanted = {str(kind) for kind in kinds}
    statement, asked = (_OF_REQUEST, request_id) if request_id else (_IN_CASE, case_id)
    rows = session.connection().execute(statement, {"of": asked})
    return [_decision(row) for row in rows if not wanted or row.kind in wanted]


def _waits(now: datetime, *, snoozed: bool) -> ColumnElement[bool]:
    pending = col(RequestRow.state) == str(RequestState.PENDING)
    if snoozed:
        return pending
    return and_(pending, or_(col(RequestRow.snoozed_until).is_(None), col(RequestRow.snoozed_until) <= now))


def _too_late(session: Session, row: RequestRow | Request) -> AlreadyDecided:
    last = decisions(session, request_id=row.id)
    who = f"{last[-1].operator} ({last[-1].kind.value}, {last[-1].decided_at:%Y-%m-%d %H:%M:%S} UTC)" if last else row.state
    return AlreadyDecided(f"Request {row.id!r} was settled already: {who}.", hint="Nothing of yours was written.")


def _columns(request: Request) -> dict[str, Any]:
    values = request.model_dump()
    values["amount"] = Decimal(request.amount) if request.amount is not None else None
    values["makers"] = canonical_json(request.makers)
    return values


def _request(row: RequestRow | Row[Any]) -> Request:
    values = {name: getattr(row, name) for name in Request.model_fields}
    values["makers"] = tuple(json.loads(row.makers))
    values["amount"] = None if row.amount is None else format(row.amount, "f")
    return Request(**values)


def _decision(row: Row[Any]) -> Decision:
    values = {name: getattr(row, name) for name in Decision.model_fields}
    return Decision(**{**values, "changes": json.loads(row.changes)})
